/* SPDX-License-Identifier: GPL-2.0-only */
/* (interface, VLAN) -> segment, and with it the tenant, or "shared". */
#pragma once

#include "maps.h"
#include "pkt.h"

/* The size of the segment table - 1; mtlbd sets it before load. */
const volatile __u32 segment_mask = 63;

static __always_inline enum mtlb_reason segment(struct xdp_md *ctx, struct pkt *p)
{
	__u32 ifindex = ctx->ingress_ifindex;
	__u32 base = mtlb_segment_hash(ifindex, p->vlan, p->inner_vlan);

	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = (base + probe) & segment_mask;
		const struct mtlb_segment *s = bpf_map_lookup_elem(&segments, &at);

		if (!s || s->state == MTLB_SEGMENT_EMPTY)
			break;
		if (s->ifindex == ifindex && s->vlan == p->vlan &&
		    s->inner_vlan == p->inner_vlan && s->state == MTLB_SEGMENT_LIVE) {
			p->segment = s;
			p->tenant = s->tenant;
			return MTLB_REASON_CONTINUE;
		}
	}
	return MTLB_REASON_no_segment;
}
