// SPDX-License-Identifier: GPL-2.0-only
/* The balancer: a packet goes through the stages until one of them ends it, and is counted. */
#include "maps.h"
#include "pkt.h"
#include "parse.h"
#include "segment.h"
#include "vip.h"
#include "pick.h"
#include "encap.h"
#include "count.h"

static __always_inline enum mtlb_reason stages(struct xdp_md *ctx, struct pkt *p)
{
	enum mtlb_reason reason;

	(reason = parse(ctx, p)) || (reason = segment(ctx, p)) || (reason = vip(ctx, p)) ||
		(reason = pick(ctx, p)) || (reason = encap(ctx, p));
	return reason;
}

SEC("xdp")
int mtlb(struct xdp_md *ctx)
{
	struct pkt p = {};

	return count(&p, stages(ctx, &p));
}

char _license[] SEC("license") = "GPL";

static __always_inline void trace_slot(const struct pkt *p, struct mtlb_trace *t)
{
	__u64 word = *(const volatile __u64 *)&p->vip->word;
	__u32 ring = mtlb_vip_word_ring(word);
	__u32 log2 = mtlb_vip_word_log2(word);
	__u16 owner;
	bool ok;

	t->vip = p->vip->id + 1;
	if (word & MTLB_VIP_EMPTY)
		return;
	t->hash = p->hash;
	t->slot = mtlb_hash_slot(p->hash, log2);
	owner = pick_slot(ring, t->slot, &ok);
	t->owner = pick_id(ring, owner & ~MTLB_SLOT_MOVING);
	t->how |= MTLB_TRACE_SLOT;
	if (p->backend)
		t->backend = p->backend_id + 1;
	if (owner & MTLB_SLOT_MOVING && word & MTLB_VIP_MOVING) {
		t->how |= MTLB_TRACE_MOVING | MTLB_TRACE_TABLE | p->how;
		if (word & MTLB_VIP_LEARNING)
			t->how |= MTLB_TRACE_LEARNING;
		t->previous = pick_id(ring, pick_slot(ring + (1U << log2) / 4, t->slot, &ok));
	}
}

SEC("xdp.frags")
int mtlb_trace(struct xdp_md *ctx)
{
	struct pkt p = {.is_traced = true};
	enum mtlb_reason reason = stages(ctx, &p);
	__u32 only = 0;
	struct mtlb_trace *t = bpf_map_lookup_elem(&trace, &only);

	if (!t)
		return XDP_DROP;
	t->reason = reason;
	t->tenant = p.tenant;
	if (p.segment) {
		__u32 base = mtlb_segment_hash(p.segment->ifindex, p.vlan, p.inner_vlan);

		for (__u32 i = 0; i < MTLB_TABLE_PROBES && !t->segment; i++) {
			__u32 at = (base + i) & segment_mask;

			if (bpf_map_lookup_elem(&segments, &at) == p.segment)
				t->segment = at + 1;
		}
	}
	if (p.vip)
		trace_slot(&p, t);
	if (reason == MTLB_REASON_forwarded && p.redirect >= 0)
		return XDP_REDIRECT;
	switch (reason) {
#define TRACE_CASE(name, what, text)                                                               \
	case MTLB_REASON_##name:                                                                   \
		return COUNT_VERDICT_##what;
		MTLB_REASONS(TRACE_CASE)
#undef TRACE_CASE
	default:
		return XDP_DROP;
	}
}
