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
	__u32 vip_id = p->vip->id, backend_id = p->backend_id;

	v = bpf_map_lookup_elem(&vip_stats, &vip_id);
	if (v) {
		v->packets++;
		v->bytes += p->frame_len;
		if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
			v->syns++;
	}
	b = bpf_map_lookup_elem(&backend_stats, &backend_id);
	if (b) {
		b->packets++;
		b->bytes += p->frame_len;
	}
}

static __always_inline int count(struct pkt *p, enum mtlb_reason reason)
{
	__u32 tenant = p->tenant;
	struct mtlb_tenant_stats *t = bpf_map_lookup_elem(&tenant_stats, &tenant);
	int verdict = XDP_DROP;

	if (reason == MTLB_REASON_forwarded && p->vip) { /* the verifier has lost that vip is set */
		if (t) {
			t->bytes += p->frame_len;
			t->forwarded++;
		}
		count_forwarded(p);
		return p->redirect < 0 ? XDP_TX : (int)p->redirect;
	}
	if (t)
		t->bytes += p->frame_len;
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
	return verdict;
}
