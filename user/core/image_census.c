/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Live flows in the flow table, by backend, and on which moving slots they hold the mark. */
#include <stdlib.h>
#include <string.h>

#include "core/image_census.h"

bool image_goes_by_id(const struct image_vip *v, const struct mtlb_flow *flow)
{
	return image_has_quic(v) && flow->word & MTLB_FLOW_BY_ID;
}

bool image_needs_flow(const struct image *i, uint32_t tenant, const struct mtlb_flow *flow)
{
	uint32_t backend = mtlb_flow_word_backend(flow->word);
	const struct image_vip *v;

	if (mtlb_flow_word_state(flow->word) == MTLB_FLOW_FRAGMENT || !image_is_alive(i, backend))
		return false;
	v = &i->vips[i->backends[backend].info.vip];
	if (v->info.tenant != tenant || !v->ring)
		return false;
	if (image_remembers_all(v) || image_goes_by_id(v, flow))
		return true;
	if (v->algorithm == MTLB_ALGORITHM_SOURCE)
		return v->ring->n_moving;
	return v->ring->n_moving &&
	       ring_is_marked(v->ring, mtlb_hash_slot(flow->fingerprint, v->ring->log2));
}

static bool keeps_connections(const struct image *i, const struct image_vip *v)
{
	for (uint32_t k = v->backends; image_has_quic(v) && k != IMAGE_NONE;
	     k = i->backends[k].next)
		if (i->backends[k].state == MTLB_BACKEND_DRAINING ||
		    i->backends[k].state == MTLB_BACKEND_LEAVING)
			return true;
	return false;
}

bool image_has_flow_state(const struct image *i, uint32_t tenant)
{
	if (!image_has_tenant(i, tenant))
		return false;
	for (uint32_t v = i->tenants[tenant].vips; v != IMAGE_NONE; v = i->vips[v].next)
		if (i->vips[v].ring &&
		    (i->vips[v].ring->n_moving || image_remembers_all(&i->vips[v]) ||
		     keeps_connections(i, &i->vips[v])))
			return true;
	return false;
}

void image_walk_flows(
	const struct image *i, uint32_t tenant, const struct mtlb_flow_bucket *flows, uint64_t now,
	void (*walk)(void *ctx, const struct image_vip *v, const struct mtlb_flow *flow), void *ctx)
{
	const struct image_tenant *t = &i->tenants[tenant];
	const struct mtlb_flow_bucket *bucket = flows + t->flow_base;
	const struct image_vip *v;

	for (uint32_t at = 0; at < t->flow_buckets * MTLB_FLOW_WAYS; at++) {
		struct mtlb_flow f = bucket[at / MTLB_FLOW_WAYS].ways[at % MTLB_FLOW_WAYS];

		if (mtlb_flow_word_state(f.word) == MTLB_FLOW_FREE || flow_is_torn(&f) ||
		    !image_needs_flow(i, tenant, &f))
			continue;
		v = &i->vips[i->backends[mtlb_flow_word_backend(f.word)].info.vip];
		if (mtlb_flow_is_live(f.word, now, v->idle_ticks, v->short_ticks))
			walk(ctx, v, &f);
	}
}

struct count {
	struct image_census *census;
	const struct image *image;
};

static void count_flow(void *ctx, const struct image_vip *v, const struct mtlb_flow *flow)
{
	struct image_census *c = ((struct count *)ctx)->census;
	uint32_t k = mtlb_flow_word_backend(flow->word), slot;
	struct census_vip *at = &c->vips[v - ((struct count *)ctx)->image->vips];

	at->flows++;
	c->flows[k]++;
	if (image_goes_by_id(v, flow))
		return;
	if (v->algorithm == MTLB_ALGORITHM_SOURCE) {
		c->waiting[k] += !(flow->word & MTLB_FLOW_HOME);
		return;
	}
	slot = mtlb_hash_slot(flow->fingerprint, v->ring->log2);
	if (image_remembers_all(v) || ring_owner(v->ring, slot) == k)
		return;
	c->waiting[k]++;
	if (at->held)
		at->held[slot / 8] |= 1 << (slot % 8);
}

static bool watch_tenant(struct image_census *c, const struct image *i, uint32_t tenant)
{
	bool any = false;

	if (!image_has_tenant(i, tenant))
		return false;
	for (uint32_t v = i->tenants[tenant].vips; v != IMAGE_NONE; v = i->vips[v].next) {
		struct ring *r = i->vips[v].ring;

		if (!image_uses_table(&i->vips[v]))
			continue;
		any = true;
		c->vips[v].ring = ring_ref(r);
		c->vips[v].learning = i->vips[v].learning;
		if (i->vips[v].algorithm == MTLB_ALGORITHM_MAGLEV)
			c->vips[v].held = calloc(((1U << r->log2) + 7) / 8, 1);
	}
	return any;
}

static bool is_complete(const struct image_census *c, const struct image *i)
{
	for (uint32_t v = 0; v < c->n_vips; v++)
		if (c->vips[v].ring && !c->vips[v].held &&
		    i->vips[v].algorithm == MTLB_ALGORITHM_MAGLEV)
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
	struct count count = {c, i};

	for (uint32_t t = 1; t < i->top_tenant; t++)
		if (watch_tenant(c, i, t))
			image_walk_flows(i, t, flows, now, count_flow, &count);
	if (is_complete(c, i))
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
