/* SPDX-License-Identifier: GPL-2.0-only */
/* (interface, VLAN) -> segment, and with it the tenant, or "shared". */
#pragma once

#include "maps.h"
#include "pkt.h"

/* The size of the segment table - 1; mtlbd sets it before load. */
const volatile __u32 segment_mask = 63;

struct segment_key {                 /* what struct mtlb_segment begins with: compared as one word */
	__u32 ifindex;
	__u16 vlan, inner_vlan;
};

static __always_inline enum mtlb_reason segment(struct xdp_md *ctx, struct pkt *p,
						 struct found *f)
{
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 base = mtlb_segment_hash(ifindex, p->vlan, p->inner_vlan);
	const struct segment_key wanted = { ifindex, p->vlan, p->inner_vlan };
	__u64 key;

	__builtin_memcpy(&key, &wanted, sizeof(key));
	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = (base + probe) & segment_mask;
		const struct mtlb_segment *s = bpf_map_lookup_elem(&segments, &at);

		if (!s)
			break;
		if (*(const __u64 *)s == key && s->state == MTLB_SEGMENT_LIVE) {
			f->segment = s;
			p->segment_at = at + 1;
			p->tenant = s->tenant;
			return MTLB_REASON_CONTINUE;
		}
		if (s->state == MTLB_SEGMENT_EMPTY)
			break;
	}
	return MTLB_REASON_no_segment;
}
