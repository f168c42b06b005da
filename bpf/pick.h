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

static __always_inline bool pick_is_syn(const struct pkt *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * The state of an entry that this packet makes. A TCP flow that begins without a SYN is older than
 * the move.
 */
static __always_inline __u32 pick_first_state(const struct pkt *p)
{
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		return MTLB_FLOW_CLOSING;
	if (p->tuple.protocol == IPPROTO_TCP && !(p->tcp_flags & TCP_SYN))
		return MTLB_FLOW_CONFIRMED;
	return MTLB_FLOW_NEW;
}

/* What an entry in this state becomes with this packet. */
static __always_inline __u32 pick_next_state(const struct pkt *p, __u32 state)
{
	if (p->tcp_flags & (TCP_FIN | TCP_RST))
		return MTLB_FLOW_CLOSING;
	if (p->tcp_flags & TCP_SYN)
		return state == MTLB_FLOW_CONFIRMED ? MTLB_FLOW_CONFIRMED : MTLB_FLOW_NEW;
	return state == MTLB_FLOW_CLOSING ? MTLB_FLOW_CLOSING : MTLB_FLOW_CONFIRMED;
}

/*
 * An entry binds as long as its backend serves. But a SYN is decided anew where a backend that
 * takes no new flows has not answered yet, and where a flow has been closed and silent for a while:
 * its port is used again. A flow that is in use is broken neither by a forged SYN nor by a forged
 * RST before it.
 */
#define PICK_SILENT_TICKS 2          /* 1 to 2 seconds */

static __always_inline bool pick_is_bound(const struct pkt *p, __u64 word, __u16 now)
{
	__u32 backend = flow_backend_state(mtlb_flow_word_backend(word));
	__u32 state = mtlb_flow_word_state(word);

	if (!mtlb_backend_is_alive(backend))
		return false;
	if (!pick_is_syn(p) || state == MTLB_FLOW_CONFIRMED)
		return true;
	if (backend != MTLB_BACKEND_UP)
		return false;
	return state == MTLB_FLOW_NEW ||
	       (__u16)(now - mtlb_flow_word_seen(word)) < PICK_SILENT_TICKS;
}

static __always_inline void pick_count_flow(const struct pkt *p, bool is_added, bool is_refused)
{
	__u32 at = p->tenant;
	struct mtlb_tenant_stats *stats = bpf_map_lookup_elem(&tenant_stats, &at);

	if (stats) {
		stats->flows_added += is_added;
		stats->flows_refused += is_refused;
	}
}

/*
 * The backend of a packet on a moving slot. owner: the slot's new backend; previous: the one
 * before. Known flow: its backend. Unknown: a SYN, or anything once learning is over, to the
 * owner, the rest to previous; but what can't be remembered goes where its next packet, unknown
 * as well, will go.
 */
static __noinline __u32 pick_moving(struct pkt *p, __u32 owner, __u32 previous)
{
	struct mtlb_flow_bucket *bucket;
	struct mtlb_flow *known;
	__u16 now = flow_now();
	__u32 chosen = owner;
	__u64 word, next;
	bool is_remembered;

	bucket = flow_bucket(p);
	if (!bucket)
		return MTLB_BACKENDS_MAX;
	known = flow_find(bucket, p, now, &word);
	if (known && pick_is_bound(p, word, now)) {
		chosen = mtlb_flow_word_backend(word);
		next = pick_next_state(p, mtlb_flow_word_state(word));
		next = mtlb_flow_word(p->hash, chosen, next, now);
		p->how |= MTLB_TRACE_KNOWN;
		if (next != word && !p->is_traced) /* most packets of a tick change nothing: the line stays shared */
			known->word = next;
		return chosen;
	}
	if (!mtlb_backend_is_alive(flow_backend_state(previous)))
		previous = owner;
	else if ((p->vip->word & MTLB_VIP_LEARNING) && !pick_is_syn(p))
		chosen = previous;
	if (p->is_traced)
		return chosen;
	next = mtlb_flow_word(p->hash, chosen, pick_first_state(p), now);
	is_remembered = flow_remember(bucket, p, next, now);
	pick_count_flow(p, is_remembered && !known, !is_remembered);
	return is_remembered || !(p->vip->word & MTLB_VIP_LEARNING) ? chosen : previous;
}

static __always_inline enum mtlb_reason pick(struct xdp_md *ctx, struct pkt *p)
{
	__u64 word = *(const volatile __u64 *)&p->vip->word; /* one load: mtlbd stores while we look */
	__u32 ring = mtlb_vip_word_ring(word);
	__u32 log2 = mtlb_vip_word_log2(word);
	__u32 slot, id;
	__u16 owner;
	bool ok;

	if (word & MTLB_VIP_EMPTY)
		return MTLB_REASON_no_backend;
	p->hash = mtlb_flow_hash(&p->tuple, p->owner->key);
	slot = mtlb_hash_slot(p->hash, log2);
	owner = pick_slot(ring, slot, &ok);
	if (!ok)
		return MTLB_REASON_internal;
	id = pick_id(ring, owner & ~MTLB_SLOT_MOVING);
	if (owner & MTLB_SLOT_MOVING && word & MTLB_VIP_MOVING) {
		__u16 previous = pick_slot(ring + (1U << log2) / 4, slot, &ok);

		id = pick_moving(p, id, pick_id(ring, previous));
	}
	p->backend_id = id;
	p->backend = bpf_map_lookup_elem(&backends, &id);
	return p->backend ? MTLB_REASON_CONTINUE : MTLB_REASON_internal;
}
