/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The live flows of each backend of least-connections: counted here, kept up to date by the
 * data plane in between.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/image_census.h"
#include "util/cleanup.h"

struct loads {
	uint32_t *counted, *marks; /* by backend id */
};

static bool has_loads(const struct image_vip *v)
{
	return v->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS && v->ring;
}

static bool tenant_has_loads(const struct image *i, uint32_t tenant)
{
	if (!image_has_tenant(i, tenant))
		return false;
	for (uint32_t v = i->tenants[tenant].vips; v != IMAGE_NONE; v = i->vips[v].next)
		if (has_loads(&i->vips[v]))
			return true;
	return false;
}

static void count_load(void *ctx, const struct image_vip *v, const struct mtlb_flow *flow)
{
	uint32_t *counted = ctx, state = mtlb_flow_word_state(flow->word);

	if (has_loads(v) && (state == MTLB_FLOW_NEW || state == MTLB_FLOW_CONFIRMED))
		counted[mtlb_flow_word_backend(flow->word)]++;
}

/*
 * What the data plane adds while the table is read may be counted twice for a moment, but is
 * not lost.
 */
static void read_marks(const struct image *i, uint32_t vip, const struct maps *maps,
		       const struct loads *l)
{
	for (uint32_t k = i->vips[vip].backends; k != IMAGE_NONE; k = i->backends[k].next)
		l->marks[k] = __atomic_load_n(&maps->backend_loads[k].added, __ATOMIC_ACQUIRE);
}

static void store_words(const struct image *i, uint32_t vip, const struct maps *maps,
			const struct loads *l)
{
	for (uint32_t k = i->vips[vip].backends; k != IMAGE_NONE; k = i->backends[k].next)
		__atomic_store_n(&maps->backend_loads[k].word,
				 mtlb_load_word(l->counted[k], l->marks[k]), __ATOMIC_RELEASE);
}

static void each_vip(const struct image *i, uint32_t tenant,
		     void (*at)(const struct image *i, uint32_t vip, const struct maps *maps,
				const struct loads *l),
		     const struct maps *maps, const struct loads *l)
{
	for (uint32_t v = i->tenants[tenant].vips; v != IMAGE_NONE; v = i->vips[v].next)
		if (has_loads(&i->vips[v]))
			at(i, v, maps, l);
}

int image_count_loads_of(const struct image *i, uint32_t tenant, const struct maps *maps,
			 uint64_t now)
{
	_cleanup_free_ uint32_t *counted = NULL, *marks = NULL;

	if (!tenant_has_loads(i, tenant))
		return 0;
	counted = calloc(i->top_backend + 1, sizeof(*counted));
	marks = calloc(i->top_backend + 1, sizeof(*marks));
	if (!counted || !marks)
		return -ENOMEM;
	const struct loads l = {counted, marks};

	each_vip(i, tenant, read_marks, maps, &l);
	image_walk_flows(i, tenant, maps->flows, now, count_load, counted);
	each_vip(i, tenant, store_words, maps, &l);
	return 0;
}

int image_count_loads(const struct image *i, const struct maps *maps, uint64_t now)
{
	int err = 0;

	for (uint32_t t = 1; t < i->top_tenant && !err; t++)
		err = image_count_loads_of(i, t, maps, now);
	return err;
}
