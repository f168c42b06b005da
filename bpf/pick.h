/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flow -> slot -> backend. A settled slot of a maglev VIP needs no flow state: pick_tracked() is
 * the way of moving slots and of the algorithms that pick by something else than the hash.
 */
#pragma once

#include "flow.h"
#include "fragment.h"
#include "maps.h"
#include "pkt.h"
#include "quic.h"

static __always_inline __u16 pick_slot(__u32 unit, __u32 slot, bool *ok)
{
	const union mtlb_ring_unit *u;

	unit += slot / 4;
	u = bpf_map_lookup_elem(&rings, &unit);
	*ok = u;
	return u ? u->slots[slot & 3] : 0;
}

static __always_inline __u32 pick_id(__u32 ring, __u16 index)
{
	__u32 unit = ring - 1 - index / 2;
	const union mtlb_ring_unit *u = bpf_map_lookup_elem(&rings, &unit);

	return u ? u->ids[index & 1] : MTLB_BACKENDS_MAX;
}

/* The backend that owns a slot of the VIP's ring now. */
static __always_inline __u32 pick_owner(__u32 ring, __u32 slot)
{
	bool ok;
	__u16 owner = pick_slot(ring, slot, &ok);

	return ok ? pick_id(ring, owner & ~MTLB_SLOT_MOVING) : MTLB_BACKENDS_MAX;
}

static __always_inline __u32 pick_previous(__u32 ring, __u32 log2, __u32 slot)
{
	bool ok;
	__u16 previous = pick_slot(ring + (1U << log2) / 4, slot, &ok);

	return ok ? pick_id(ring, previous) : MTLB_BACKENDS_MAX;
}

/* May begin a flow, so that nobody knows it yet. */
static __always_inline bool pick_is_first(const struct pkt *p)
{
	return !p->is_about && (pkt_is_syn(p) || p->tuple.protocol == IPPROTO_UDP);
}

/*
 * What an entry that this packet makes begins as: a flow that begins with another packet is older.
 */
static __always_inline __u32 pick_first_state(const struct pkt *p)
{
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		return MTLB_FLOW_CLOSING;
	return pick_is_first(p) ? MTLB_FLOW_NEW : MTLB_FLOW_CONFIRMED;
}

/* is_noted: by its id the packet goes its way without an entry, too. */
static __always_inline void pick_count_flow(const struct pkt *p, bool is_added, bool is_refused,
					    bool is_noted)
{
	__u32 at = p->tenant;
	struct mtlb_tenant_stats *stats = bpf_map_lookup_elem(&tenant_stats, &at);

	if (stats) {
		stats->flows_added += is_added;
		stats->flows_refused += is_refused && !is_noted;
		stats->notes_refused += is_refused && is_noted;
	}
}

/* ---- algorithms that pick by something else than the hash ------------------------------------ */
static __always_inline __u32 pick_turn(const struct pkt *p, __u32 ring, __u32 log2)
{
	__u32 at = p->vip_id;
	__u64 *turn = bpf_map_lookup_elem(&turns, &at);
	__u64 mine;

	if (!turn)
		return MTLB_BACKENDS_MAX;
	mine = p->is_trace ? *turn : __sync_fetch_and_add(turn, 1);
	return pick_owner(ring, (__u32)mine & ((1U << log2) - 1));
}

struct pick_least {
	__u32 ring, n;               /* so many of the ring's list, or (mask set) owners of slots */
	__u32 mask, start, step;
	__u32 vip_id;
	__u32 id, load, weight;      /* the least so far; weight 0: none yet */
};

/* Takes the i-th backend if it takes new flows and has less to do for its weight. */
static long pick_compare(__u32 i, struct pick_least *least)
{
	__u32 id = least->mask ? pick_owner(least->ring,
					    (least->start + i * least->step) & least->mask)
			       : pick_id(least->ring, (__u16)i);
	const struct mtlb_backend *b = bpf_map_lookup_elem(&backends, &id);
	const struct mtlb_backend_load *l = bpf_map_lookup_elem(&backend_loads, &id);
	__u32 load, weight;

	if (!b || !l || mtlb_backend_word_state(b->word) != MTLB_BACKEND_UP ||
	    b->vip != least->vip_id)
		return 0;
	load = mtlb_load(*(const volatile __u64 *)&l->word, *(const volatile __u32 *)&l->added);
	weight = mtlb_backend_word_weight(b->word);
	if (least->weight && (__u64)load * least->weight >= (__u64)least->load * weight)
		return 0;
	least->id = id;
	least->load = load;
	least->weight = weight;
	return 0;
}

__noinline __u32 pick_least_of(const struct pick_least *all)
{
	struct pick_least least;

	if (!all)
		return MTLB_BACKENDS_MAX;
	least = *all;
	bpf_loop(least.n, pick_compare, &least, 0);
	return least.id;
}

static __always_inline __u32 pick_least(const struct pkt *p, const struct mtlb_vip *v, __u32 ring,
					__u32 log2)
{
	struct pick_least least = {
		.ring = ring, .n = v->ids, .vip_id = p->vip_id, .id = p->owner_id};

	if (least.n > MTLB_LEAST_EXACT) {
		least.n = MTLB_LEAST_SAMPLES;
		least.mask = (1U << log2) - 1;
		least.start = p->slot;
		least.step = (1U << log2) / MTLB_LEAST_SAMPLES;
	}
	return pick_least_of(&least);
}

/*
 * Where a flow goes that the table does not know. SYNs, and anything once learning is over, go
 * where new flows go, the rest to the slot's previous owner, if that serves.
 */
static __always_inline __u32 pick_unknown(const struct pkt *p, const struct mtlb_vip *v,
					  bool has_previous)
{
	__u32 ring = mtlb_vip_word_ring(p->vip_word), log2 = mtlb_vip_word_log2(p->vip_word);
	bool is_syn = pkt_is_syn(p) && !p->is_about;

	if (p->vip_word & MTLB_VIP_LEARNING && !is_syn && has_previous)
		return p->previous_id;
	if (!pick_is_first(p))
		return p->owner_id;
	if (v->algorithm == MTLB_ALGORITHM_ROUND_ROBIN)
		return pick_turn(p, ring, log2);
	if (v->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS)
		return pick_least(p, v, ring, log2);
	return p->owner_id;
}

static __always_inline struct flow_query pick_query(const struct pkt *p, const struct mtlb_vip *v)
{
	return (struct flow_query){
		.hash = p->hash,
		.idle_ticks = v->idle_ticks,
		.short_ticks = v->short_ticks,
		.now = flow_now(),
		.is_syn = pkt_is_syn(p),
		.is_end = p->tcp_flags & (TCP_FIN | TCP_RST),
		.is_read_only = p->is_about || p->is_trace,
		.home = v->algorithm == MTLB_ALGORITHM_SOURCE ? p->owner_id : MTLB_BACKENDS_MAX,
	};
}

/* Begins an entry and counts that; false: there is no room. marks: 0 or MTLB_FLOW_BY_ID. */
static __always_inline bool pick_remember(const struct pkt *p, const struct mtlb_tenant *owner,
					  struct mtlb_flow_bucket *bucket,
					  const struct flow_query *q, __u32 backend, __u64 marks)
{
	struct flow_entry e = {
		.hash = p->hash,
		.word = mtlb_flow_word(p->hash, backend, pick_first_state(p), (__u16)q->now) |
			marks,
		.idle_ticks = owner->idle_ticks,
		.now = q->now,
		.is_read_only = p->is_trace,
		.is_known = q->is_known,
	};
	bool is_remembered;

	if (backend == q->home)
		e.word |= MTLB_FLOW_HOME;
	is_remembered = flow_remember(bucket, &e);
	if (!p->is_trace)
		pick_count_flow(p, is_remembered && !q->is_known, !is_remembered, marks);
	return is_remembered;
}

/*
 * The backend of a packet whose flow is looked up; owner_id is set, previous_id too or
 * MTLB_BACKENDS_MAX. What can't be remembered goes where its next packet, unknown as well, will go.
 */
__noinline __u32 pick_tracked(struct pkt *p, const struct mtlb_vip *v,
			      const struct mtlb_tenant *owner)
{
	struct mtlb_flow_bucket *bucket;
	struct flow_query q;
	bool has_previous;
	__u32 chosen;

	if (!p || !v || !owner)
		return MTLB_BACKENDS_MAX;
	bucket = flow_bucket(owner, p->hash);
	if (!bucket)
		return MTLB_BACKENDS_MAX;
	q = pick_query(p, v);
	p->how |= MTLB_TRACE_TABLE;
	chosen = flow_follow(bucket, &q);
	if (chosen != MTLB_BACKENDS_MAX) {
		p->how |= MTLB_TRACE_KNOWN;
		return chosen;
	}
	has_previous = mtlb_backend_is_alive(flow_backend_state(p->previous_id));
	chosen = pick_unknown(p, v, has_previous);
	if (p->is_about || pick_remember(p, owner, bucket, &q, chosen, 0))
		return chosen;
	return p->vip_word & MTLB_VIP_LEARNING && has_previous ? p->previous_id : p->owner_id;
}

/* bits 0: the slot of the flow, else that of the client's address. */
static __always_inline __u32 pick_slot_by(const struct pkt *p, const struct mtlb_tenant *owner,
					  __u32 bits, __u32 log2)
{
	return mtlb_hash_slot(bits ? mtlb_source_hash(&p->tuple, bits, owner->key) : p->hash, log2);
}

/* Sets slot and owner_id; the slot as it stands in the ring. */
static __always_inline __u16 pick_owner_by(struct pkt *p, const struct mtlb_vip *v,
					   const struct mtlb_tenant *owner, bool *ok)
{
	__u32 ring = mtlb_vip_word_ring(p->vip_word), log2 = mtlb_vip_word_log2(p->vip_word);
	__u16 index;

	p->slot = pick_slot_by(p, owner, v->algorithm == MTLB_ALGORITHM_SOURCE ? v->source_bits : 0,
			       log2);
	index = pick_slot(ring, p->slot, ok);
	if (*ok)
		p->owner_id = pick_id(ring, index & ~MTLB_SLOT_MOVING);
	return index;
}

/* ---- flows that go by a connection id --------------------------------------------------------- */
/* Does the hash lead to the backend, and will it: then nobody needs to note the flow. */
static __always_inline bool pick_is_evident(struct pkt *p, const struct mtlb_vip *v,
					    const struct mtlb_tenant *owner, __u32 backend)
{
	__u16 index;
	bool ok;

	p->owner_id = MTLB_BACKENDS_MAX;
	if (p->vip_word & MTLB_VIP_EMPTY)
		return false;
	index = pick_owner_by(p, v, owner, &ok);
	return ok && p->owner_id == backend && v->algorithm < MTLB_ALGORITHM_ROUND_ROBIN &&
	       !(index & MTLB_SLOT_MOVING && p->vip_word & MTLB_VIP_MOVING);
}

/*
 * So that mtlbd sees which backends still have connections. Where there is no room the packet goes
 * its way all the same. Global: the verifier need not know what becomes of it.
 */
__noinline int pick_note(struct pkt *p, const struct mtlb_vip *v, const struct mtlb_tenant *owner,
			 __u32 backend)
{
	struct mtlb_flow_bucket *bucket;
	struct flow_query q;

	if (!p || !v || !owner || pick_is_evident(p, v, owner, backend))
		return 0;
	bucket = flow_bucket(owner, p->hash);
	if (!bucket)
		return 0;
	q = pick_query(p, v);
	if (flow_go_on_by_id(bucket, &q, backend))
		return 1;
	return pick_remember(p, owner, bucket, &q, backend, MTLB_FLOW_BY_ID);
}

/* The backend of an ICMP error's flow, if it is noted; else MTLB_BACKENDS_MAX. */
static __always_inline __u32 pick_noted(struct pkt *p, const struct mtlb_vip *v,
					const struct mtlb_tenant *owner)
{
	struct mtlb_flow_bucket *bucket = flow_bucket(owner, p->hash);
	struct flow_query q;
	__u32 id;

	if (!bucket)
		return MTLB_BACKENDS_MAX;
	q = pick_query(p, v);
	id = flow_follow(bucket, &q);
	if (id != MTLB_BACKENDS_MAX)
		p->how |= MTLB_TRACE_TABLE | MTLB_TRACE_KNOWN;
	return id;
}

/* The backend by connection id, of an error by what is noted; MTLB_BACKENDS_MAX: neither says. */
static __always_inline __u32 pick_by_id(struct xdp_md *ctx, struct pkt *p, const struct mtlb_vip *v,
					const struct mtlb_tenant *owner)
{
	__u32 id;

	if (p->tuple.protocol != IPPROTO_UDP)
		return MTLB_BACKENDS_MAX;
	if (p->is_about)
		return pick_noted(p, v, owner);
	id = quic(ctx, p, v);
	if (id == MTLB_BACKENDS_MAX)
		return id;
	p->how |= MTLB_TRACE_QUIC;
	pick_note(p, v, owner, id);
	return id;
}

/* What the VIP's algorithm and a change of it make of the flow hash. */
__noinline __u32 pick_special(struct xdp_md *ctx, struct pkt *p, const struct mtlb_vip *v,
			      const struct mtlb_tenant *owner)
{
	__u32 id, log2;
	__u16 index;
	bool ok;

	if (!p || !v || !owner)
		return MTLB_BACKENDS_MAX;
	if (v->flags & MTLB_VIP_QUIC) {
		id = pick_by_id(ctx, p, v, owner);
		if (id != MTLB_BACKENDS_MAX)
			return id;
	}
	if (p->vip_word & MTLB_VIP_EMPTY)
		return MTLB_BACKENDS_MAX;
	index = pick_owner_by(p, v, owner, &ok);
	if (!ok)
		return MTLB_BACKENDS_MAX;
	p->previous_id = MTLB_BACKENDS_MAX;
	p->how |= MTLB_TRACE_SLOT | (p->vip_word & MTLB_VIP_LEARNING ? MTLB_TRACE_LEARNING : 0);
	if (index & MTLB_SLOT_MOVING && p->vip_word & MTLB_VIP_MOVING) {
		p->how |= MTLB_TRACE_MOVING;
		log2 = mtlb_vip_word_log2(p->vip_word);
		p->previous_id =
			pick_previous(mtlb_vip_word_ring(p->vip_word), log2,
				      pick_slot_by(p, owner, v->previous_source_bits, log2));
	} else if (v->algorithm < MTLB_ALGORITHM_ROUND_ROBIN) {
		return p->owner_id;
	}
	return pick_tracked(p, v, owner);
}

/* A settled or moving slot of a VIP of algorithm maglev: most packets. */
static __always_inline __u32 pick_common(struct pkt *p, const struct found *f)
{
	__u32 ring = mtlb_vip_word_ring(p->vip_word), log2 = mtlb_vip_word_log2(p->vip_word);
	__u32 slot = mtlb_hash_slot(p->hash, log2), id;
	bool ok;
	__u16 index = pick_slot(ring, slot, &ok);

	if (!ok)
		return MTLB_BACKENDS_MAX;
	id = pick_id(ring, index & ~MTLB_SLOT_MOVING);
	if (!(index & MTLB_SLOT_MOVING && p->vip_word & MTLB_VIP_MOVING))
		return id;
	p->owner_id = id;
	p->previous_id = pick_previous(ring, log2, slot);
	return pick_tracked(p, f->vip, f->owner);
}

static __always_inline enum mtlb_reason pick_fragment(struct pkt *p, struct found *f)
{
	__u32 id = p->backend_id = fragment_follow(p, f->owner);

	f->backend = bpf_map_lookup_elem(&backends, &id);
	if (!f->backend)
		return MTLB_REASON_fragment_unknown;
	p->vip_id = f->backend->vip;
	return MTLB_REASON_CONTINUE;
}

static __always_inline enum mtlb_reason pick(struct xdp_md *ctx, struct pkt *p, struct found *f)
{
	const struct mtlb_vip *v = f->vip;
	__u32 id;

	if (!v)
		return pick_fragment(p, f);
	p->vip_id = v->id;
	p->vip_word = *(const volatile __u64 *)&v->word;
	if (p->vip_word & MTLB_VIP_EMPTY && !(v->flags & MTLB_VIP_QUIC))
		return MTLB_REASON_no_backend;
	p->hash = mtlb_flow_hash(&p->tuple, f->owner->key);
	if (p->is_trace || v->algorithm != MTLB_ALGORITHM_MAGLEV || v->flags & MTLB_VIP_QUIC ||
	    v->previous_source_bits)
		id = pick_special(ctx, p, v, f->owner);
	else
		id = pick_common(p, f);
	p->backend_id = id;
	f->backend = bpf_map_lookup_elem(&backends, &id);
	if (!f->backend)
		return p->vip_word & MTLB_VIP_EMPTY ? MTLB_REASON_no_backend : MTLB_REASON_internal;
	if (p->is_fragment)
		fragment_remember(p, f->owner);
	return MTLB_REASON_CONTINUE;
}
