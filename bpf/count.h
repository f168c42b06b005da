/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where every packet ends: its reason becomes counters and a verdict. The only file that names
 * XDP_*.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

#define COUNT_VERDICT_FORWARD XDP_TX
#define COUNT_VERDICT_REPLY XDP_TX
#define COUNT_VERDICT_PASS XDP_PASS
#define COUNT_VERDICT_DROP XDP_DROP

static __always_inline void count_forwarded(const struct pkt *p)
{
	struct mtlb_vip_stats *v;
	struct mtlb_backend_stats *b;
	__u32 vip_id = p->vip_id, backend_id = p->backend_id;

	v = bpf_map_lookup_elem(&vip_stats, &vip_id);
	if (v) {
		v->packets++;
		v->bytes += p->frame_len;
		if (pkt_is_syn(p))
			v->syns++;
	}
	b = bpf_map_lookup_elem(&backend_stats, &backend_id);
	if (b) {
		b->packets++;
		b->bytes += p->frame_len;
	}
}

/* Where what is forwarded goes. */
static __always_inline int count_way(const struct pkt *p)
{
	return p->redirect < 0 ? XDP_TX : p->redirect;
}

/* Every packet but those that are simply forwarded. */
static __always_inline int count_other(const struct pkt *p, struct mtlb_tenant_stats *t,
				       enum mtlb_reason reason)
{
	int verdict = XDP_DROP;

	switch (reason) {
#define COUNT_CASE(name, what, text)                                                               \
	case MTLB_REASON_##name:                                                                   \
		if (t)                                                                             \
			t->name++;                                                                 \
		verdict = COUNT_VERDICT_##what;                                                    \
		break;
		MTLB_REASONS(COUNT_CASE)
#undef COUNT_CASE
	default:
		break;
	}
	return reason == MTLB_REASON_icmp_forwarded ? count_way(p) : verdict;
}

static __always_inline int count(const struct pkt *p, enum mtlb_reason reason)
{
	__u32 tenant = p->tenant;
	struct mtlb_tenant_stats *t = bpf_map_lookup_elem(&tenant_stats, &tenant);

	if (t)
		t->bytes += p->frame_len;
	if (reason == MTLB_REASON_forwarded) {
		if (t)
			t->forwarded++;
		count_forwarded(p);
		return count_way(p);
	}
	if (reason == MTLB_REASON_icmp_forwarded)
		count_forwarded(p);
	return count_other(p, t, reason);
}

/* For mtlbctl trace: what count() would return, and the story in place of the counters. */
static __always_inline int count_trace(const struct pkt *p, enum mtlb_reason reason)
{
	struct mtlb_trace *t;
	__u32 only = 0;

	t = bpf_map_lookup_elem(&trace, &only);
	if (t)
		*t = (struct mtlb_trace){
			.reason = reason,
			.tenant = p->tenant,
			.segment = p->segment_at,
			.vip = p->vip_id + 1,
			.backend = p->backend_id + 1,
			.slot = p->slot,
			.owner = p->owner_id,
			.previous = p->previous_id,
			.hash = p->hash,
			.how = p->how,
		};
	if (reason == MTLB_REASON_forwarded)
		return count_way(p);
	return count_other(p, NULL, reason);
}
