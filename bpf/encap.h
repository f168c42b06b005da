/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts the backend's outer headers before the packet: a copy of a template and a few patches, the
 * same for every kind.
 */
#pragma once

#include "maps.h"
#include "pkt.h"
#include "too_big.h"

#define ENCAP_UDP_PORTS 0xc000       /* RFC 7348 section 5: entropy in the dynamic port range */
#define ENCAP_IP_TOS 1               /* offsets in the outer IPv4 header */
#define ENCAP_IP_TOTAL 2
#define ENCAP_IP_CHECK 10
#define ENCAP_IP_SOURCE 12
#define ENCAP_IP6_PAYLOAD 4          /* offsets in the outer IPv6 header */
#define ENCAP_IP6_SOURCE 20          /* its last 32 bits */
#define ENCAP_UDP_LEN 4              /* offset in the UDP header */

/*
 * What lengths of Ethernet with tags, 18 and 22, have and 14 has not: compared, the verifier of all
 * versions would go on once for each range.
 */
#define ENCAP_TAGGED 16

#define ENCAP_CERTAIN 40             /* outer headers (20 or more), inner IP header (20) */

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
	/*
	 * or clang 14 leaves it to len's bound, which Linux 6.12 does not carry over: invalid
	 * access to map value
	 */
	barrier_var(last);
	if (last > MTLB_OUTER_MAX - 8 || (const void *)(to + last + 8) > end)
		return false;
	*(__u64 *)(to + last) = *(const __u64 *)(from + last);
	return true;
}

/* Ethernet header with its tags; tag is the type of the first, the ethertype the outer family's. */
static __always_inline bool encap_write_l2(__u8 *to, const void *end, const __u8 *from, __u32 len,
					   __be16 tag, __be16 ethertype)
{
	/*
	 * or clang 19 drops the check as implied by the caller's, and Linux says: invalid access to
	 * packet
	 */
	barrier_var(to);
	if ((const void *)(to + MTLB_L2_MAX) > end)
		return false;
	*(__u64 *)to = *(const __u64 *)from;
	*(__u32 *)(to + 8) = *(const __u32 *)(from + 8);
	if (len == 14) {
		*(__be16 *)(to + 12) = ethertype;
		return true;
	}
	*(__u32 *)(to + 12) = *(const __u32 *)(from + 12);
	*(__be16 *)(to + 12) = tag;
	if (len == 18) {
		*(__be16 *)(to + 16) = ethertype;
		return true;
	}
	*(__u32 *)(to + 16) = *(const __u32 *)(from + 16);
	*(__be16 *)(to + 20) = ethertype;
	return true;
}

/* Outer DSCP and ECN: RFC 6040 4.1 copies ECN, the VIP says whether DSCP as well. */
static __always_inline __u8 encap_tos(const struct pkt *p, const struct mtlb_encap *e)
{
	return e->dscp | (p->tos & e->copied);
}

static __always_inline void encap_patch_ipv4(const struct pkt *p, const struct mtlb_encap *e,
					     __u8 *outer, __u32 total)
{
	__u8 tos = encap_tos(p, e);
	__be16 len = bpf_htons(total);
	/* memory order: TOS is the second byte of its word */
	__u32 sum = *(const __u16 *)(e->outer + ENCAP_IP_CHECK) + len + bpf_htons(tos);

	outer[ENCAP_IP_TOS] = tos;
	*(__be16 *)(outer + ENCAP_IP_TOTAL) = len;
	if (e->entropy) {
		__be32 bits = bpf_htonl((__u32)p->hash) & e->entropy;

		*(__be32 *)(outer + ENCAP_IP_SOURCE) |= bits;
		sum += (bits & 0xffff) + (bits >> 16);
	}
	*(__u16 *)(outer + ENCAP_IP_CHECK) = ~mtlb_csum_fold(sum);
}

static __always_inline void encap_patch_ipv6(const struct pkt *p, const struct mtlb_encap *e,
					     __u8 *outer, __u32 total)
{
	*(__be32 *)outer = bpf_htonl(6U << 28 | (__u32)encap_tos(p, e) << 20 |
				     (__u32)(p->hash & 0xfffff));
	*(__be16 *)(outer + ENCAP_IP6_PAYLOAD) = bpf_htons(total - 40);
	if (e->entropy)
		*(__be32 *)(outer + ENCAP_IP6_SOURCE) |=
			bpf_htonl((__u32)p->hash) & e->entropy;
}

static __always_inline bool encap_patch(const struct pkt *p, const struct mtlb_encap *e,
					__u8 *outer, const void *end)
{
	__u32 total = p->ip_len + e->outer_len;
	__u32 udp_at = 20;

	if (e->flags & MTLB_ENCAP_OUTER_IPV6) {
		udp_at = 40;
		encap_patch_ipv6(p, e, outer, total);
	} else {
		encap_patch_ipv4(p, e, outer, total);
	}
	if (e->flags & MTLB_ENCAP_UDP) {
		if ((const void *)(outer + udp_at + 8) > end)
			return false;
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

/* Where the packet leaves: by the segment's own next hop, or the backend's. */
struct encap_way {
	const __u8 *l2;
	__u32 l2_len, mtu;
	bool is_redirected;
	__be16 tag;                  /* type of the first */
};

static __always_inline struct encap_way encap_find_way(const struct mtlb_segment *s,
						       const struct mtlb_encap *e)
{
	if (s->l2_len)
		return (struct encap_way){s->l2, s->l2_len, s->mtu < e->mtu ? s->mtu : e->mtu,
					  false, 0};
	return (struct encap_way){e->l2, e->l2_len, e->mtu, e->ifindex != s->ifindex, 0};
}

/*
 * A segment is known by its VLAN ids, whatever the types of tags. Who goes back there expects what
 * comes from there: 0x8100 twice in many a network, where IEEE 802.1ad says 0x88a8.
 */
static __always_inline __be16 encap_tag_type(const struct xdp_md *ctx, const struct pkt *p,
					     const struct mtlb_segment *s, const __u8 *l2)
{
	const struct ethhdr *eth = (const void *)(long)ctx->data;

	if (!(s->l2_len & p->l2_len & ENCAP_TAGGED) ||
	    (const void *)(eth + 1) > (const void *)(long)ctx->data_end)
		return *(const __be16 *)(l2 + 12);
	return eth->h_proto;
}

/* The packet begins with its IP header at to; of l2 nothing stands between. */
static __always_inline bool encap_write(struct xdp_md *ctx, const struct pkt *p,
					const struct mtlb_encap *e, const struct encap_way *way)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	__u8 *outer = data + way->l2_len;

	if (!e->outer_len)
		return encap_write_l2(data, end, way->l2, way->l2_len, way->tag, p->ethertype);
	if ((const void *)(outer + ENCAP_CERTAIN) > end)
		return false;
	return encap_write_l2(data, end, way->l2, way->l2_len, way->tag,
			      e->flags & MTLB_ENCAP_OUTER_IPV6 ? bpf_htons(ETH_P_IPV6)
							       : bpf_htons(ETH_P_IP)) &&
	       encap_copy(outer, end, e->outer, e->outer_len) && encap_patch(p, e, outer, end);
}

static __always_inline bool encap_is_template(const struct mtlb_encap *e, __u32 l2_len)
{
	if (e->kind == MTLB_ENCAP_NONE || l2_len < ETH_HLEN || l2_len > MTLB_L2_MAX)
		return false;
	if (e->kind == MTLB_ENCAP_L2)
		return !e->outer_len;
	return e->outer_len >= 20 && e->outer_len <= MTLB_OUTER_MAX;
}

static __always_inline enum mtlb_reason encap(struct xdp_md *ctx, struct pkt *p,
					       const struct found *f)
{
	const struct mtlb_encap *e = mtlb_backend_word_variant(f->backend->word) ?
					     &f->backend->encap1 : &f->backend->encap0;
	struct encap_way way = encap_find_way(f->segment, e);
	__u32 padding = p->frame_len - p->l2_len - p->ip_len;

	if (!encap_is_template(e, way.l2_len))
		return MTLB_REASON_no_next_hop;
	if (p->ip_len + e->outer_len > way.mtu)
		return too_big(ctx, p, way.mtu > e->outer_len ? way.mtu - e->outer_len : 0,
			       f->owner->answers);
	way.tag = encap_tag_type(ctx, p, f->segment, way.l2);
	if (padding && bpf_xdp_adjust_tail(ctx, -(int)padding))
		return MTLB_REASON_internal;
	if (bpf_xdp_adjust_head(ctx, (int)p->l2_len - (int)(way.l2_len + e->outer_len)))
		return MTLB_REASON_no_headroom;
	if (!encap_write(ctx, p, e, &way))
		return MTLB_REASON_internal;
	p->redirect = -1;
	if (way.is_redirected) {
		p->redirect = (int)bpf_redirect_map(&tx_ports, e->ifindex, 0);
		if (!p->redirect)
			return MTLB_REASON_internal; /* tx_ports has no such interface */
	}
	return p->is_about ? MTLB_REASON_icmp_forwarded : MTLB_REASON_forwarded;
}
