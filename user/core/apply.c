/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Steps -> maps. What packets may read meanwhile changes by single aligned stores only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/steps.h"
#include "util/cleanup.h"

static void store_word(__u64 *at, uint64_t word)
{
	__atomic_store_n(at, word, __ATOMIC_RELEASE);
}

/* ---- tables ---- */
struct mtlb_vip *steps_table_bytes(const struct image *i, uint32_t tenant, uint32_t *n)
{
	const struct table *t = image_has_tenant(i, tenant) ? i->tenants[tenant].table : NULL;
	struct mtlb_vip *bytes;

	if (tenant == MTLB_TENANT_NONE)
		*n = maps_address_entries(&i->limits);
	else
		*n = t ? t->n : MTLB_TABLE_SMALL;
	bytes = calloc(*n, sizeof(*bytes));
	if (!bytes || !t)
		return bytes;
	memcpy(bytes, t->entries, *n * sizeof(*bytes));
	for (uint32_t e = 0; e < *n; e++)
		if (entry_is_vip(&bytes[e]))
			bytes[e].word = image_vip_word(&i->vips[bytes[e].id]);
	return bytes;
}

static void bridge_entry(struct mtlb_vip *e, const struct image_vip *before,
			 const struct ring *bridge)
{
	e->word = image_ring_word(bridge, true);
	e->source_bits = before->learning ? before->previous_bits : before->source_bits;
	e->previous_source_bits = e->source_bits;
	e->algorithm = e->source_bits ? MTLB_ALGORITHM_SOURCE : MTLB_ALGORITHM_MAGLEV;
	e->ids = 0;
}

struct mtlb_vip *steps_bridge_bytes(const struct steps *s, uint32_t tenant, uint32_t *n)
{
	struct mtlb_vip *bytes = steps_table_bytes(s->from, tenant, n);

	for (uint32_t e = 0; bytes && e < *n; e++) {
		uint32_t v = bytes[e].id;

		if (entry_is_vip(&bytes[e]) && image_has_vip(s->to, v) && s->to->vips[v].bridge)
			bridge_entry(&bytes[e], &s->from->vips[v], s->to->vips[v].bridge);
	}
	return bytes;
}

static void free_swaps(struct maps_swap *swaps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((void *)swaps[i].entries);
	free(swaps);
}

enum side {
	SIDE_FROM, /* what had no table gets none */
	SIDE_BRIDGE,
	SIDE_BACK, /* the bridge where there is one: the new flow range is still in force */
	/*
	 * A tenant that is gone gets a table without entries, not none: packets of its segments
	 * are then not for a VIP, rather than a contradiction.
	 */
	SIDE_TO,
};

static bool has_bridge(const struct steps *s, uint32_t tenant)
{
	for (size_t i = 0; i < s->n_bridges; i++)
		if (s->bridges[i] == tenant)
			return true;
	return false;
}

static int fill_swap(const struct steps *s, enum side side, uint32_t tenant, struct maps_swap *swap)
{
	const struct image *i = side == SIDE_TO ? s->to : s->from;

	if (side == SIDE_BACK)
		side = has_bridge(s, tenant) ? SIDE_BRIDGE : SIDE_FROM;
	swap->tenant = tenant;
	if (side == SIDE_FROM && !(image_has_tenant(i, tenant) && i->tenants[tenant].table))
		return 0;
	swap->entries = side == SIDE_BRIDGE ? steps_bridge_bytes(s, tenant, &swap->n)
					    : steps_table_bytes(i, tenant, &swap->n);
	return swap->entries ? 0 : -ENOMEM;
}

static int swap_tables(const struct steps *s, struct maps *maps, enum side side,
		       const uint32_t *tenants, size_t n, struct report *r)
{
	struct maps_swap *swaps = calloc(n, sizeof(*swaps));
	int err = swaps ? 0 : -ENOMEM;

	for (size_t k = 0; !err && k < n; k++)
		err = fill_swap(s, side, tenants[k], &swaps[k]);
	if (!err)
		err = maps->ops->swap_tables(maps, swaps, n, r);
	if (swaps)
		free_swaps(swaps, n);
	return err;
}

static void store_vip_word(struct maps *maps, const struct image_vip *v, uint64_t word)
{
	struct maps_table *t = &maps->tables[v->info.tenant];

	if (t->entries && v->position && v->position <= t->n)
		store_word(&t->entries[v->position - 1].word, word);
}

/* ---- places that nothing refers to yet ---- */
static void write_ring(struct maps *maps, const struct ring *r)
{
	union mtlb_ring_unit *base = maps->rings + r->base;
	size_t bytes = sizeof(*r->slots) << r->log2;

	for (uint32_t i = 0; i < r->n_ids; i++)
		base[-1 - (int64_t)(i / 2)].ids[i & 1] = r->ids[i];
	memcpy(base, r->slots, bytes);
	if (r->n_moving)
		memcpy(base + (1U << r->log2) / 4, r->previous, bytes);
}

static void write_backend(struct maps *maps, const struct image_backend *b, uint32_t id)
{
	struct mtlb_backend *to = &maps->backends[id];

	memcpy(b->variant ? &to->encap1 : &to->encap0, &b->encap, sizeof(b->encap));
	to->vip = b->info.vip;
	store_word(&to->word, mtlb_backend_word(b->state, b->variant, b->info.weight));
}

/* ---- names and states: as in an image, or cleared where it has none ---- */
static void set_backend_word(struct maps *maps, const struct image *i, uint32_t id)
{
	const struct image_backend *b = image_has_backend(i, id) ? &i->backends[id] : NULL;

	store_word(&maps->backends[id].word,
		   b ? mtlb_backend_word(b->state, b->variant, b->info.weight)
		     : mtlb_backend_word(MTLB_BACKEND_FREE, 0, 0));
}

/*
 * mtlbd may be killed between any two stores. A record of names is free as long as its name does not begin: so the name's first
 * byte goes first, and comes last. Only the compiler must be held back: who reads comes after the end of who wrote.
 */
static void put_record(void *to, const void *from, size_t size)
{
	char *at = to;
	const char *wanted = from;

	if (!memcmp(at, wanted, MTLB_NAME_LEN)) {
		memcpy(at + MTLB_NAME_LEN, wanted + MTLB_NAME_LEN, size - MTLB_NAME_LEN);
		return;
	}
	__atomic_store_n(at, 0, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(at + 1, wanted + 1, size - 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(at, *wanted, __ATOMIC_RELAXED);
}

/* Packets under way may still use its encapsulation. */
static void end_backend(struct maps *maps, const struct image_backend *b, uint32_t id)
{
	store_word(&maps->backends[id].word,
		   mtlb_backend_word(MTLB_BACKEND_DOWN, b->variant, b->info.weight));
}

static void set_tenant_info(struct maps *maps, const struct image *i, uint32_t t)
{
	struct mtlb_tenant_info info = {""};

	if (image_has_tenant(i, t))
		memcpy(info.name, i->tenants[t].name, MTLB_NAME_LEN);
	put_record(&maps->tenant_info[t], &info, sizeof(info));
}

/*
 * A new id's counters, and what the data plane keeps for it beside them. Nothing refers to the
 * id yet.
 */
static int zero_stats(struct maps *maps, enum maps_stats which, uint32_t id)
{
	switch (which) {
	case MAPS_STATS_TENANT:
		store_word(&maps->answers[id], 0);
		break;
	case MAPS_STATS_VIP:
		store_word(&maps->turns[id], 0);
		break;
	case MAPS_STATS_BACKEND:
		memset(&maps->backend_loads[id], 0, sizeof(maps->backend_loads[id]));
		break;
	}
	return maps->ops->zero_stats(maps, which, id);
}

/*
 * The flow range last: with it the tenant's packets may use what stands before, and a record without one is none. So a key is
 * changed only where there is none: before the tenant's first VIP, and after its last.
 */
static void set_tenant(struct maps *maps, const struct image *i, uint32_t t)
{
	static const struct mtlb_tenant none;
	const struct mtlb_tenant *want = image_has_tenant(i, t) ? &i->tenants[t].record : &none;
	struct mtlb_tenant *to = &maps->tenants[t];

	if (memcmp(to->key, want->key, sizeof(to->key))) {
		store_word(&to->flows, 0);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		memcpy(to->key, want->key, sizeof(to->key));
	}
	__atomic_store_n(&to->idle_ticks, want->idle_ticks, __ATOMIC_RELEASE);
	__atomic_store_n(&to->answers, want->answers, __ATOMIC_RELEASE);
	__atomic_store_n(&to->flags, want->flags, __ATOMIC_RELEASE);
	store_word(&to->flows, want->flows);
}

static void set_vip_info(struct maps *maps, const struct image *i, uint32_t v)
{
	static const struct mtlb_vip_info none;

	put_record(&maps->vip_info[v], image_has_vip(i, v) ? &i->vips[v].info : &none,
		   sizeof(none));
}

static void set_backend_info(struct maps *maps, const struct image *i, uint32_t k)
{
	static const struct mtlb_backend_info none;

	put_record(&maps->backend_info[k], image_has_backend(i, k) ? &i->backends[k].info : &none,
		   sizeof(none));
}

/* MAC and MTU of an interface, in an entry that packets read: word by word. */
static void change_segment(struct mtlb_segment *s, const struct mtlb_segment *want)
{
	__u64 *at = (__u64 *)s;
	const __u64 *from = (const __u64 *)want;

	for (size_t i = 0; i < sizeof(*s) / sizeof(*at); i++)
		if (at[i] != from[i])
			store_word(&at[i], from[i]);
}

static void set_segment(struct maps *maps, const struct image *i, uint32_t at)
{
	static const struct mtlb_segment none;
	const struct mtlb_segment *want = i ? &i->segments[at] : &none;
	struct mtlb_segment *s = &maps->segments[at];

	if (want->state == MTLB_SEGMENT_LIVE && s->state != MTLB_SEGMENT_LIVE) {
		struct mtlb_segment key = *want;

		key.state = s->state;
		memcpy(s, &key, sizeof(key));
	} else if (want->state == MTLB_SEGMENT_LIVE) {
		change_segment(s, want);
	}
	__atomic_store_n(&s->state, want->state, __ATOMIC_RELEASE);
}

/* ---- one step, forward and back ---- */
static int do_step(const struct steps *s, const struct step *step, struct maps *maps,
		   struct report *r)
{
	uint32_t x = step->index;

	switch (step->kind) {
	case STEP_ZERO_STATS:
		return zero_stats(maps, step->which, x);
	case STEP_GRACE:
		return maps->ops->grace(maps);
	case STEP_SWAP_TABLES:
		return swap_tables(s, maps, SIDE_TO, s->swaps, s->n_swaps, r);
	case STEP_BRIDGE:
		return swap_tables(s, maps, SIDE_BRIDGE, s->bridges, s->n_bridges, r);
	case STEP_TENANT:
		set_tenant(maps, s->to, x);
		break;
	case STEP_TENANT_INFO:
		set_tenant_info(maps, s->to, x);
		break;
	case STEP_VIP_INFO:
		set_vip_info(maps, s->to, x);
		break;
	case STEP_BACKEND_INFO:
		set_backend_info(maps, s->to, x);
		break;
	case STEP_BACKEND:
		write_backend(maps, &s->to->backends[x], x);
		break;
	case STEP_BACKEND_WORD:
		set_backend_word(maps, s->to, x);
		break;
	case STEP_BACKEND_END:
		end_backend(maps, &s->from->backends[x], x);
		break;
	case STEP_RING:
		write_ring(maps, step->ring);
		break;
	case STEP_START:
		return apply_start_algorithms(s, maps, x);
	case STEP_CLEAR_FLOWS:
		apply_clear_flows(s, maps, x);
		break;
	case STEP_COPY_FLOWS:
		apply_copy_flows(s, maps, x);
		break;
	case STEP_VIP_WORD:
		store_vip_word(maps, &s->to->vips[x], step->word);
		break;
	case STEP_SEGMENT_PUT:
	case STEP_SEGMENT_DEAD:
		set_segment(maps, s->to, x);
		break;
	case STEP_PURGE_FLOWS:
		apply_purge_flows(s->to, maps, x);
		break;
	}
	return 0;
}

/*
 * Flows that began with the new tables are in the new range only, and the bridge need not send
 * them where they are: before the old range is in force, they must be in it. Those that begin on
 * the bridge may come later.
 */
static int undo_swap_tables(const struct steps *s, struct maps *maps, struct report *r)
{
	int err = swap_tables(s, maps, SIDE_BACK, s->swaps, s->n_swaps, r);

	if (err || !s->n_bridges)
		return err;
	maps->ops->grace(maps);
	for (size_t i = 0; i < s->n && s->list[i].kind != STEP_SWAP_TABLES; i++)
		if (s->list[i].kind == STEP_COPY_FLOWS)
			apply_copy_flows_back(s, maps, s->list[i].index);
	return 0;
}

/*
 * What was written where nothing refers to stays there: it is free space again. What fails (tables
 * that cannot be put back) has changed nothing.
 */
static int undo_step(const struct steps *s, const struct step *step, struct maps *maps,
		     struct report *r)
{
	uint32_t x = step->index;

	switch (step->kind) {
	case STEP_SWAP_TABLES:
		return undo_swap_tables(s, maps, r);
	case STEP_BRIDGE:
		return swap_tables(s, maps, SIDE_FROM, s->bridges, s->n_bridges, r);
	case STEP_COPY_FLOWS: /* the new range was in force; where there is a bridge, it still is */
		maps->ops->grace(maps);
		apply_copy_flows_back(s, maps, x);
		break;
	case STEP_TENANT:
		set_tenant(maps, s->from, x);
		break;
	case STEP_TENANT_INFO:
		set_tenant_info(maps, s->from, x);
		break;
	case STEP_VIP_INFO:
		set_vip_info(maps, s->from, x);
		break;
	case STEP_BACKEND_INFO:
		set_backend_info(maps, s->from, x);
		break;
	case STEP_BACKEND:
	case STEP_BACKEND_WORD:
	case STEP_BACKEND_END:
		set_backend_word(maps, s->from, x);
		break;
	case STEP_VIP_WORD:
		store_vip_word(maps, &s->from->vips[x], image_vip_word(&s->from->vips[x]));
		break;
	case STEP_SEGMENT_PUT:
	case STEP_SEGMENT_DEAD:
		set_segment(maps, s->from, x);
		break;
	default:
		break;
	}
	return 0;
}

/* The first n steps. 0, or -ENOTRECOVERABLE. */
static int take_back(const struct steps *s, size_t n, struct maps *maps, struct report *r)
{
	int err = 0;

	while (n-- > 0 && !err)
		err = undo_step(s, &s->list[n], maps, r);
	/*
	 * packets under way may still read what will be written next, and flow entries name
	 * backends that are not to be
	 */
	maps->ops->grace(maps);
	if (err) {
		report_add(r, "", "the tables of before could not be put back");
		return -ENOTRECOVERABLE;
	}
	if (s->from)
		image_clean_flows(s->from, maps);
	report_add(r, "", "the change was taken back");
	return 0;
}

int steps_apply(const struct steps *s, struct maps *maps, struct report *r)
{
	int err = 0;
	size_t done;

	for (done = 0; done < s->n && !err; done++)
		err = do_step(s, &s->list[done], maps, r);
	if (!err) {
		if (s->n)
			maps->node->generation++;
		return 0;
	}
	report_add(r, "", "the change could not be applied: %s", strerror(-err));
	if (err == -ENOTRECOVERABLE) {
		maps->ops->grace(maps);
		return err;
	}
	return take_back(s, done - 1, maps, r) ?: err;
}
