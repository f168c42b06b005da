/* SPDX-License-Identifier: GPL-2.0-only */
/* Flow -> slot -> backend. A settled slot needs no flow state: pick_moving() is the rare path. */
#pragma once

#include "flow.h"
#include "maps.h"
#include "pkt.h"

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

/* What an entry becomes with this packet. */
static __always_inline __u32 pick_next_state(const struct pkt *p, __u32 state)
{
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		return MTLB_FLOW_CLOSING;
	if (p->tcp_flags & TCP_SYN)
		return state == MTLB_FLOW_CONFIRMED ? MTLB_FLOW_CONFIRMED : MTLB_FLOW_NEW;
	return state == MTLB_FLOW_CLOSING ? MTLB_FLOW_CLOSING : MTLB_FLOW_CONFIRMED;
}

static __always_inline bool pick_is_syn(const struct pkt *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * A packet on a moving slot. owner: the slot's new backend; previous: the one before.
 * Known flow: its backend. Unknown: a SYN, or anything once learning is over, to the owner; the rest to previous.
 */
static __noinline __u32 pick_moving(struct pkt *p, __u32 owner, __u32 previous)
{
	struct mtlb_flow_bucket *bucket;
	struct mtlb_flow *known;
	__u16 now = flow_now();
	__u32 chosen, state, stats_at;
	struct mtlb_tenant_stats *stats;
	bool remembered;

	if (!p || !p->head || !p->vip)
		return owner;
	bucket = flow_bucket(p);
	if (!bucket)
		return owner;
	known = flow_find(bucket, p, now);
	if (known) {
		__u64 word = known->word;

		chosen = mtlb_flow_word_backend(word);
		state = flow_backend_state(chosen);
		if (state == MTLB_BACKEND_UP ||
		    (mtlb_backend_is_alive(state) &&
		     !(pick_is_syn(p) && mtlb_flow_word_state(word) != MTLB_FLOW_CONFIRMED))) {
			word = mtlb_flow_word(p->hash, chosen,
					      pick_next_state(p, mtlb_flow_word_state(word)), now);
			if (known->word != word)
				known->word = word;
			return chosen;
		}
	}
	chosen = owner;
	if (!mtlb_backend_is_alive(flow_backend_state(previous)))
		previous = owner;
	else if ((p->vip->word & MTLB_VIP_LEARNING) && !pick_is_syn(p))
		chosen = previous;
	state = p->tuple.protocol == IPPROTO_TCP && !(p->tcp_flags & TCP_SYN) ? MTLB_FLOW_CONFIRMED :
										MTLB_FLOW_NEW;
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		state = MTLB_FLOW_CLOSING;
	if (known) {
		known->word = mtlb_flow_word(p->hash, chosen, state, now);
		remembered = true;
	} else {
		remembered = flow_remember(bucket, p, chosen, state, now);
	}
	stats_at = p->tenant;
	stats = bpf_map_lookup_elem(&tenant_stats, &stats_at);
	if (stats) {
		stats->flows_added += remembered && !known;
		stats->flows_refused += !remembered;
	}
	return remembered ? chosen : previous;
}

static __always_inline enum mtlb_reason pick(struct xdp_md *ctx, struct pkt *p)
{
	__u64 word = p->vip->word;
	__u32 ring = mtlb_vip_word_ring(word);
	__u32 log2 = mtlb_vip_word_log2(word);
	__u32 slot;
	__u16 owner;
	bool ok;

	if (word & MTLB_VIP_EMPTY)
		return MTLB_REASON_no_backend;
	p->hash = mtlb_flow_hash(&p->tuple, p->head->key);
	slot = mtlb_hash_slot(p->hash, log2);
	owner = pick_slot(ring, slot, &ok);
	if (!ok)
		return MTLB_REASON_internal;
	p->backend_id = pick_id(ring, owner & ~MTLB_SLOT_MOVING);
	if (owner & MTLB_SLOT_MOVING && word & MTLB_VIP_MOVING) {
		__u16 previous = pick_slot(ring + (1U << log2) / 4, slot, &ok);

		p->backend_id = pick_moving(p, p->backend_id, pick_id(ring, previous));
	}
	p->backend = bpf_map_lookup_elem(&backends, &p->backend_id);
	return p->backend ? MTLB_REASON_CONTINUE : MTLB_REASON_internal;
}
