/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each tenant's range of the flow table: a power of two of buckets at a multiple of its size. A
 * tenant whose quota did not change keeps its range; a range in use in the image before is
 * nobody else's in this one. A range shrinks to its first part, so that this can be done on a full
 * node; but not while slots of its tenant move, one of its VIPs remembers all flows, or a backend
 * takes no new QUIC connections and may have old ones: flows that share a bucket then might not all
 * fit. The next build after that does it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
#include "util/cleanup.h"

struct range {
	uint32_t base, buckets;
};

struct ranges {
	struct range *list; /* by base */
	size_t n;
};

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static uint32_t buckets_of(const struct model_tenant *t)
{
	uint32_t buckets = 1;

	while (buckets < 1U << 30 && (uint64_t)buckets * MTLB_FLOW_WAYS < t->limits.flows)
		buckets *= 2;
	return buckets;
}

static void ranges_insert(struct ranges *r, uint32_t base, uint32_t buckets)
{
	size_t at = r->n;

	while (at && r->list[at - 1].base > base)
		at--;
	memmove(&r->list[at + 1], &r->list[at], (r->n - at) * sizeof(*r->list));
	r->list[at] = (struct range){base, buckets};
	r->n++;
}

/* First aligned gap; UINT32_MAX: none. */
static uint32_t ranges_find(const struct ranges *r, uint32_t total, uint32_t buckets)
{
	uint64_t at = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (at + buckets <= r->list[i].base)
			return at;
		uint64_t end = (uint64_t)r->list[i].base + r->list[i].buckets;

		if (end > at)
			at = (end + buckets - 1) / buckets * buckets;
	}
	return at + buckets <= total ? at : UINT32_MAX;
}

static void used_before(const struct image *previous, struct ranges *r)
{
	for (uint32_t t = 1; previous && t < previous->top_tenant; t++)
		if (image_has_tenant(previous, t) && previous->tenants[t].flow_buckets)
			r->list[r->n++] = (struct range){previous->tenants[t].flow_base,
							 previous->tenants[t].flow_buckets};
	qsort(r->list, r->n, sizeof(*r->list), compare_ranges);
}

static void choose_range(struct build *b, struct ranges *r, uint32_t slot, uint32_t buckets)
{
	struct image_tenant *t = &b->image->tenants[slot];
	const struct image_tenant *old =
		image_has_tenant(b->previous, slot) ? &b->previous->tenants[slot] : NULL;

	if (old && buckets < old->flow_buckets && image_has_flow_state(b->previous, slot))
		buckets = old->flow_buckets;
	t->flow_buckets = buckets;
	if (old && old->flow_buckets >= buckets) {
		t->flow_base = old->flow_base;
		return;
	}
	t->flow_base = ranges_find(r, b->in->limits.flow_buckets, buckets);
	if (t->flow_base != UINT32_MAX) {
		ranges_insert(r, t->flow_base, buckets);
		return;
	}
	t->flow_base = 0;
	if (build_is_first_full(b, FULL_FLOWS))
		report_add(b->report, "tenants",
			   "no room for the %u flows of tenant %s: the node's table has %u, and what "
			   "tenants give up is free behind the change",
			   buckets * MTLB_FLOW_WAYS, t->name,
			   b->in->limits.flow_buckets * MTLB_FLOW_WAYS);
}

void build_flow_ranges(struct build *b)
{
	const struct model *m = b->in->model;
	size_t most = m->n_tenants + (b->previous ? b->previous->top_tenant : 0);
	struct ranges r = {.list = calloc(most + 1, sizeof(*r.list))};
	_cleanup_free_ struct range *owned = r.list;

	if (!owned) {
		b->error = -ENOMEM;
		return;
	}
	used_before(b->previous, &r);
	/* large ones first, so that the small ones do not cut up what these need */
	for (uint32_t buckets = 1U << 30; buckets; buckets /= 2)
		for (size_t i = 0; i < m->n_tenants; i++) {
			if (buckets_of(&m->tenants[i]) != buckets)
				continue;
			uint32_t slot = image_find_tenant(b->image, m->tenants[i].name);

			if (slot != IMAGE_NONE)
				choose_range(b, &r, slot, buckets);
		}
}
