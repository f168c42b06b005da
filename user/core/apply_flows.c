/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes of the flow table: a range is cleared, copied to another, or rid of entries that are of
 * no more use; and what is derived from it.
 */
#include <string.h>

#include "core/image_census.h"
#include "core/steps.h"

static uint32_t low_bits(uint64_t hash, uint32_t buckets)
{
	return mtlb_hash_bucket(hash, buckets - 1);
}

/* A flow that the image needs, or fragments that a backend still serves. */
static bool is_of_use(const struct image *i, uint32_t tenant, const struct mtlb_flow *f)
{
	uint32_t k = mtlb_flow_word_backend(f->word);

	if (mtlb_flow_word_state(f->word) != MTLB_FLOW_FRAGMENT)
		return image_needs_flow(i, tenant, f);
	return image_is_alive(i, k) && i->vips[i->backends[k].info.vip].info.tenant == tenant;
}

void apply_clear_flows(const struct steps *s, struct maps *maps, uint32_t tenant)
{
	const struct image_tenant *t = &s->to->tenants[tenant];

	memset(&maps->flows[t->flow_base], 0, t->flow_buckets * sizeof(*maps->flows));
}

/* Entries may have been seen after now: ages are signed. The image may be hours older. */
static bool is_live(const struct image *i, const struct mtlb_flow *f, uint64_t now)
{
	const struct image_vip *v = &i->vips[i->backends[mtlb_flow_word_backend(f->word)].info.vip];
	int16_t age = (int16_t)((uint16_t)now - mtlb_flow_word_seen(f->word));

	return age < 0 || mtlb_flow_is_live(f->word, now, v->idle_ticks, v->short_ticks);
}

/*
 * Would the flow go to the same backend if the table did not know it: while ranges are
 * exchanged, VIPs learn. Where previous owners lie at slots that only the client's address
 * tells, nobody knows.
 */
static bool is_dispensable(const struct image *i, const struct mtlb_flow *f)
{
	uint32_t k = mtlb_flow_word_backend(f->word);

	if (!image_has_backend(i, k) || mtlb_flow_word_state(f->word) == MTLB_FLOW_FRAGMENT)
		return true;
	const struct image_vip *v = &i->vips[i->backends[k].info.vip];
	const struct ring *r = v->ring;

	if (!r || !r->n_moving)
		return true;
	if (v->previous_bits)
		return false;
	uint32_t slot = mtlb_hash_slot(f->fingerprint, r->log2);

	return !ring_is_marked(r, slot) || r->ids[r->previous[slot]] == k;
}

/* Was the flow closing when it was copied first, and its port used again since. */
static bool is_reopened(const struct mtlb_flow *there, const struct mtlb_flow *copy)
{
	return mtlb_flow_word_state(there->word) == MTLB_FLOW_CLOSING &&
	       mtlb_flow_word_state(copy->word) != MTLB_FLOW_CLOSING;
}

/*
 * The way that a copy may take: a free one, else that of a flow that is less worth; NULL: none, or
 * it is there.
 */
static struct mtlb_flow *find_way(const struct image *i, struct mtlb_flow_bucket *bucket,
				  const struct mtlb_flow *copy)
{
	struct mtlb_flow *found = NULL, *lesser = NULL;

	for (int way = 0; way < MTLB_FLOW_WAYS; way++) {
		struct mtlb_flow *f = &bucket->ways[way];

		if (mtlb_flow_word_state(f->word) == MTLB_FLOW_FREE)
			found = f;
		else if (f->fingerprint == copy->fingerprint)
			return is_reopened(f, copy) ? f : NULL;
		else if (is_dispensable(i, f))
			lesser = f;
	}
	return found || is_dispensable(i, copy) ? found : lesser;
}

static void copy_flow(const struct image *i, struct mtlb_flow_bucket *bucket,
		      const struct mtlb_flow *copy)
{
	struct mtlb_flow *f = find_way(i, bucket, copy);
	uint64_t was;

	if (!f)
		return;
	was = f->word;
	__atomic_store_n(&f->fingerprint, copy->fingerprint, __ATOMIC_RELEASE);
	__atomic_compare_exchange_n(&f->word, &was, copy->word, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
}

/* Between the tenant's ranges of two images, what i has a use for now. */
static void copy_flows(const struct image *i, struct maps *maps, uint32_t tenant,
		       const struct image_tenant *from, const struct image_tenant *to, uint64_t now)
{
	for (uint32_t b = 0; b < from->flow_buckets; b++)
		for (int way = 0; way < MTLB_FLOW_WAYS; way++) {
			struct mtlb_flow copy = maps->flows[from->flow_base + b].ways[way];

			if (mtlb_flow_word_state(copy.word) == MTLB_FLOW_FREE ||
			    flow_is_torn(&copy) || !is_of_use(i, tenant, &copy) ||
			    !is_live(i, &copy, now))
				continue;
			copy_flow(i,
				  &maps->flows[to->flow_base +
					       low_bits(copy.fingerprint, to->flow_buckets)],
				  &copy);
		}
}

void apply_copy_flows(const struct steps *s, struct maps *maps, uint32_t tenant)
{
	copy_flows(s->to, maps, tenant, &s->from->tenants[tenant], &s->to->tenants[tenant],
		   s->to->now);
}

void apply_copy_flows_back(const struct steps *s, struct maps *maps, uint32_t tenant)
{
	copy_flows(s->from, maps, tenant, &s->to->tenants[tenant], &s->from->tenants[tenant],
		   s->to->now);
}

/* If it still says what was seen. Only the word: the data plane may be writing another flow here. */
static void free_flow(struct mtlb_flow *f, struct mtlb_flow seen)
{
	__atomic_compare_exchange_n(&f->word, &seen.word, 0, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

void apply_purge_flows(const struct image *i, struct maps *maps, uint32_t tenant)
{
	const struct image_tenant *t = &i->tenants[tenant];

	for (uint32_t b = 0; b < t->flow_buckets; b++)
		for (int way = 0; way < MTLB_FLOW_WAYS; way++) {
			struct mtlb_flow *f = &maps->flows[t->flow_base + b].ways[way];
			struct mtlb_flow seen = *f;

			if (mtlb_flow_word_state(seen.word) != MTLB_FLOW_FREE &&
			    (flow_is_torn(&seen) || !is_of_use(i, tenant, &seen)))
				free_flow(f, seen);
		}
}

/* By the longest timeout that the data plane may apply to an entry of the tenant. */
static void sweep_bucket(struct mtlb_flow_bucket *b, const struct image_tenant *t, uint64_t now)
{
	uint32_t ticks = t->record.idle_ticks;

	for (int way = 0; way < MTLB_FLOW_WAYS; way++) {
		struct mtlb_flow seen = b->ways[way];

		if (mtlb_flow_word_state(seen.word) != MTLB_FLOW_FREE &&
		    !mtlb_flow_is_live(seen.word, now, ticks, ticks))
			free_flow(&b->ways[way], seen);
	}
}

void image_sweep_flows(const struct image *i, struct maps *maps, uint64_t now)
{
	uint64_t part = now % IMAGE_SWEEP_TICKS;

	for (uint32_t t = 1; t < i->top_tenant; t++) {
		const struct image_tenant *tenant = &i->tenants[t];
		uint64_t n = tenant->name[0] ? tenant->flow_buckets : 0;
		struct mtlb_flow_bucket *range = maps->flows + tenant->flow_base;

		for (uint64_t b = part * n / IMAGE_SWEEP_TICKS;
		     b < (part + 1) * n / IMAGE_SWEEP_TICKS; b++)
			sweep_bucket(&range[b], tenant, now);
	}
}

void image_clean_flows(const struct image *i, struct maps *maps)
{
	for (uint32_t t = 1; t < i->top_tenant; t++)
		if (i->tenants[t].name[0])
			apply_purge_flows(i, maps, t);
}

int apply_start_algorithms(const struct steps *s, struct maps *maps, uint32_t tenant)
{
	bool counts = false;

	for (uint32_t v = s->to->tenants[tenant].vips; v != IMAGE_NONE; v = s->to->vips[v].next) {
		if (steps_begins_with(s->from, s->to, v, MTLB_ALGORITHM_ROUND_ROBIN))
			__atomic_store_n(&maps->turns[v], 0, __ATOMIC_RELEASE);
		counts |= steps_begins_with(s->from, s->to, v, MTLB_ALGORITHM_LEAST_CONNECTIONS);
	}
	return counts ? image_count_loads_of(s->to, tenant, maps, s->to->now) : 0;
}
