/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live flows in the flow table, by backend, and on which moving slots they hold the mark. */
#include <stdlib.h>
#include <string.h>

#include "core/image_census.h"

static void walk_flow(struct image_census *c, const struct image *i, uint32_t tenant,
		      const struct mtlb_flow *flow, uint64_t now)
{
	uint32_t k = mtlb_flow_word_backend(flow->word);
	struct census_vip *at;

	if (mtlb_flow_word_state(flow->word) == MTLB_FLOW_FREE ||
	    mtlb_flow_word_check(flow->word) != mtlb_hash_check(flow->fingerprint) ||
	    !image_needs_flow(i, tenant, flow))
		return;
	const struct image_vip *v = &i->vips[i->backends[k].info.vip];

	if (!mtlb_flow_is_live(flow->word, now, v->idle_ticks, v->short_ticks))
		return;
	uint32_t slot = mtlb_hash_slot(flow->fingerprint, v->ring->log2);

	at = &c->vips[i->backends[k].info.vip];
	at->flows++;
	c->flows[k]++;
	if (ring_owner(v->ring, slot) == k)
		return;
	c->waiting[k]++;
	if (at->held)
		at->held[slot / 8] |= 1 << (slot % 8);
}

static bool watch_tenant(struct image_census *c, const struct image *i, uint32_t tenant)
{
	bool any = false;

	for (uint32_t v = i->tenants[tenant].vips; v != IMAGE_NONE; v = i->vips[v].next) {
		struct ring *r = i->vips[v].ring;

		if (!r || !r->n_moving)
			continue;
		c->vips[v].ring = ring_ref(r);
		c->vips[v].learning = i->vips[v].learning;
		c->vips[v].held = calloc(((1U << r->log2) + 7) / 8, 1);
		any = true;
	}
	return any;
}

static bool is_complete(const struct image_census *c)
{
	for (uint32_t v = 0; v < c->n_vips; v++)
		if (c->vips[v].ring && !c->vips[v].held)
			return false;
	return true;
}

struct image_census *image_census(const struct image *i, const struct mtlb_flow_bucket *flows,
				  uint64_t now)
{
	struct image_census *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->n_vips = i->top_vip;
	c->n_backends = i->top_backend;
	c->vips = calloc(c->n_vips + 1, sizeof(*c->vips));
	c->flows = calloc(c->n_backends + 1, sizeof(*c->flows));
	c->waiting = calloc(c->n_backends + 1, sizeof(*c->waiting));
	if (!c->vips || !c->flows || !c->waiting) {
		image_census_free(c);
		return NULL;
	}
	/* where nothing moves there is no flow state */
	for (uint32_t t = 1; t < i->top_tenant; t++) {
		const struct image_tenant *tenant = &i->tenants[t];

		if (!image_has_tenant(i, t) || !watch_tenant(c, i, t))
			continue;
		for (uint32_t b = 0; b < tenant->flow_buckets; b++)
			for (int way = 0; way < MTLB_FLOW_WAYS; way++) {
				struct mtlb_flow copy = flows[tenant->flow_base + b].ways[way];

				walk_flow(c, i, t, &copy, now);
			}
	}
	if (is_complete(c))
		return c;
	image_census_free(c);
	return NULL;
}

void image_census_free(struct image_census *c)
{
	if (!c)
		return;
	for (uint32_t v = 0; c->vips && v < c->n_vips; v++) {
		ring_unref(c->vips[v].ring);
		free(c->vips[v].held);
	}
	free(c->vips);
	free(c->flows);
	free(c->waiting);
	free(c);
}

uint32_t image_census_flows(const struct image_census *c, uint32_t backend_id)
{
	return backend_id < c->n_backends ? c->flows[backend_id] : 0;
}

uint32_t image_census_waiting(const struct image_census *c, uint32_t backend_id)
{
	return backend_id < c->n_backends ? c->waiting[backend_id] : 0;
}
