/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts the backend's outer headers before the packet: a copy of a template and a few patches, the
 * same for every kind.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

#define ENCAP_UDP_PORTS 0xc000       /* RFC 7348 section 5: entropy in the dynamic port range */
#define ENCAP_IP_TOTAL 2             /* offsets in the outer IPv4 header */
#define ENCAP_IP_CHECK 10
#define ENCAP_IP6_PAYLOAD 4          /* offset in the outer IPv6 header */
#define ENCAP_UDP_LEN 4              /* offset in the UDP header */

#define ENCAP_CERTAIN 48             /* outer headers (20 or more), inner IP (20) and ports (8): always there */

/*
 * len bytes, 20 to MTLB_OUTER_MAX, by words of 8, the last overlapping the one before. The caller
 * knows that ENCAP_CERTAIN bytes are there. False: no room.
 */
static __always_inline bool encap_copy(__u8 *to, const void *end, const __u8 *from, __u32 len)
{
	__u32 last = len - 8;

#pragma unroll
	for (__u32 at = 0; at < MTLB_OUTER_MAX; at += 8) {
		if (at + 8 > len)
			break;
		if (at + 8 > ENCAP_CERTAIN && (const void *)(to + at + 8) > end)
			return false;
		*(__u64 *)(to + at) = *(const __u64 *)(from + at);
	}
	if (last > MTLB_OUTER_MAX - 8 || (const void *)(to + last + 8) > end)
		return false;
	*(__u64 *)(to + last) = *(const __u64 *)(from + last);
	return true;
}

/* Ethernet header with its tags; the ethertype is the outer family's. */
static __always_inline bool encap_write_l2(__u8 *to, const void *end, const __u8 *from, __u32 len,
					   __be16 ethertype)
{
	if ((const void *)(to + MTLB_L2_MAX + 20) > end)
		return false;
	*(__u64 *)to = *(const __u64 *)from;
	*(__u32 *)(to + 8) = *(const __u32 *)(from + 8);
	if (len == 14) {
		*(__be16 *)(to + 12) = ethertype;
		return true;
	}
	*(__u32 *)(to + 12) = *(const __u32 *)(from + 12);
	if (len == 18) {
		*(__be16 *)(to + 16) = ethertype;
		return true;
	}
	*(__u32 *)(to + 16) = *(const __u32 *)(from + 16);
	*(__be16 *)(to + 20) = ethertype;
	return true;
}

static __always_inline bool encap_patch(const struct pkt *p, const struct mtlb_encap *e, __u8 *outer,
					const void *end)
{
	__u32 total = p->ip_len + e->outer_len;
	__u32 udp_at = 20;

	if (e->flags & MTLB_ENCAP_OUTER_IPV6) {
		udp_at = 40;
		*(__be32 *)outer = bpf_htonl(6U << 28 | (__u32)(p->hash & 0xfffff));
		*(__be16 *)(outer + ENCAP_IP6_PAYLOAD) = bpf_htons(total - 40);
	} else {
		__be16 len = bpf_htons(total);
		__u32 sum = *(const __u16 *)(e->outer + ENCAP_IP_CHECK);

		*(__be16 *)(outer + ENCAP_IP_TOTAL) = len;
		*(__u16 *)(outer + ENCAP_IP_CHECK) = ~mtlb_csum_fold(sum + len);
	}
	if (e->flags & MTLB_ENCAP_UDP) {
		*(__be16 *)(outer + udp_at) = bpf_htons(ENCAP_UDP_PORTS | (p->hash & 0x3fff));
		*(__be16 *)(outer + udp_at + ENCAP_UDP_LEN) = bpf_htons(total - udp_at);
	}
	if (e->flags & MTLB_ENCAP_INNER_ETH) {
		__u32 at = e->outer_len - 2;

		if (at > MTLB_OUTER_MAX - 2 || (const void *)(outer + at + 2) > end)
			return false;
		*(__be16 *)(outer + at) = p->ethertype;
	}
	return true;
}

static __always_inline enum mtlb_reason encap(struct xdp_md *ctx, struct pkt *p)
{
	const struct mtlb_encap *e = mtlb_backend_word_variant(p->backend->word) ?
					     &p->backend->encap1 : &p->backend->encap0;
	const __u8 *l2 = e->l2;
	__u32 l2_len = e->l2_len, outer_len = e->outer_len;
	__be16 ethertype;
	__u8 *data, *outer;
	const void *end;

	if (p->segment->l2_len) {
		l2 = p->segment->l2;
		l2_len = p->segment->l2_len;
	} else if (e->kind == MTLB_ENCAP_NONE) {
		return MTLB_REASON_no_next_hop;
	}
	if (outer_len < 20 || outer_len > MTLB_OUTER_MAX || l2_len < ETH_HLEN ||
	    l2_len > MTLB_L2_MAX)
		return MTLB_REASON_no_next_hop;
	if (p->ip_len + outer_len > 0xffff)
		return MTLB_REASON_too_big;
	if (bpf_xdp_adjust_head(ctx, (int)p->l2_len - (int)(l2_len + outer_len)))
		return MTLB_REASON_no_headroom;
	data = (__u8 *)(long)ctx->data;
	end = (const void *)(long)ctx->data_end;
	outer = data + l2_len;
	ethertype = e->flags & MTLB_ENCAP_OUTER_IPV6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	if ((const void *)(outer + ENCAP_CERTAIN) > end ||
	    !encap_write_l2(data, end, l2, l2_len, ethertype) ||
	    !encap_copy(outer, end, e->outer, outer_len) || !encap_patch(p, e, outer, end))
		return MTLB_REASON_internal;
	p->redirect = -1;
	if (!p->segment->l2_len && e->ifindex != p->segment->ifindex) {
		p->redirect = bpf_redirect_map(&tx_ports, e->ifindex, 0);
		if (!p->redirect)
			return MTLB_REASON_internal; /* tx_ports has no such interface */
	}
	return MTLB_REASON_forwarded;
}
