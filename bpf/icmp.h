/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP for a VIP's address: echo requests are answered, errors are led to the flow that they are
 * about.
 */
#pragma once

#include "headers.h"
#include "pkt.h"

#define ICMP_LEN 8
#define ICMP_PORTS 8                 /* of the L4 header inside an error: RFC 792 promises no more */

#define ICMP4_ECHO 8
#define ICMP4_UNREACHABLE 3
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER 12
#define ICMP6_UNREACHABLE 1
#define ICMP6_PARAMETER 4
#define ICMP6_ECHO 128
#define ICMP6_ECHO_REPLY 129

#define ICMP_TTL 64

static __always_inline bool icmp_is_error(bool is_ipv4, __u8 type)
{
	if (is_ipv4)
		return type == ICMP4_UNREACHABLE || type == ICMP4_TIME_EXCEEDED ||
		       type == ICMP4_PARAMETER;
	return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
}

/* RFC 1624 equation 3: the checksum after a 16-bit word of what it covers has changed. */
static __always_inline __u16 icmp_adjust(__u16 check, __u16 from, __u16 to)
{
	return ~mtlb_csum_fold((__u32)(__u16)~check + (__u16)~from + to);
}

static __always_inline void icmp_swap_macs(__u8 *eth)
{
	__u16 *mac = (__u16 *)eth;

	for (int i = 0; i < 3; i++) {
		__u16 word = mac[i];

		mac[i] = mac[i + 3];
		mac[i + 3] = word;
	}
}

/* Source and destination exchanged: sums over both stay as they are. */
static __always_inline void icmp_turn_ipv4(struct iphdr *ip)
{
	__u16 *ttl = (__u16 *)&ip->ttl; /* and the protocol */
	__u16 before = *ttl;
	__be32 from = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->ttl = ICMP_TTL;
	ip->check = icmp_adjust(ip->check, before, *ttl);
}

static __always_inline void icmp_turn_ipv6(struct ipv6hdr *ip)
{
	struct in6_addr from = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->hop_limit = ICMP_TTL;
}

/* The echo request, right behind a bare IP header at l3, becomes its reply. */
static __always_inline enum mtlb_reason icmp_answer_echo(struct xdp_md *ctx, __u32 l3, bool is_ipv4)
{
	__u8 *eth = (__u8 *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	__u16 *icmp, before;
	__u8 reply;
	void *ip;

	asm volatile("" : "+r"(l3));
	if (l3 > MTLB_L2_MAX || (const void *)(eth + ETH_HLEN) > end)
		return MTLB_REASON_internal;
	ip = eth + l3;
	/*
	 * a check in each branch: Linux 6.1 does not know in a second one which way the first went
	 */
	if (is_ipv4) {
		icmp = ip + sizeof(struct iphdr);
		reply = 0;
		if ((const void *)icmp + ICMP_LEN > end)
			return MTLB_REASON_internal;
		icmp_turn_ipv4(ip);
	} else {
		icmp = ip + sizeof(struct ipv6hdr);
		reply = ICMP6_ECHO_REPLY;
		if ((const void *)icmp + ICMP_LEN > end)
			return MTLB_REASON_internal;
		icmp_turn_ipv6(ip);
	}
	icmp_swap_macs(eth);
	before = icmp[0];
	*(__u8 *)icmp = reply;
	icmp[1] = icmp_adjust(icmp[1], before, icmp[0]);
	if (!icmp[1])
		icmp[1] = 0xffff; /* as good, and the only one where all words are zero */
	return MTLB_REASON_echo_answered;
}

/* The flow is the reverse of the packet inside. */
static __always_inline enum mtlb_reason icmp_read_ports(struct xdp_md *ctx, struct headers *h)
{
	const __u32 *ports;

	if (h->is_later || !headers_has_ports(h->protocol) || h->at + ICMP_PORTS > h->end)
		return MTLB_REASON_icmp_other;
	ports = (const void *)headers_bytes(ctx, h->at, ICMP_PORTS);
	if (!ports)
		return MTLB_REASON_icmp_other;
	h->source_port = (__be16)(*ports >> 16);
	h->destination_port = (__be16)*ports;
	return MTLB_REASON_CONTINUE;
}

static __always_inline enum mtlb_reason icmp_read_ipv4(struct xdp_md *ctx, struct headers *h)
{
	const struct iphdr *ip = (const void *)headers_bytes(ctx, h->at, sizeof(*ip));

	if (!ip || h->at + sizeof(*ip) > h->end || ip->version != 4 ||
	    ip->saddr != h->destination[3])
		return MTLB_REASON_icmp_other;
	h->source[3] = ip->daddr;
	return headers_ipv4(ctx, h) ? MTLB_REASON_icmp_other : icmp_read_ports(ctx, h);
}

static __always_inline enum mtlb_reason icmp_read_ipv6(struct xdp_md *ctx, struct headers *h)
{
	const struct ipv6hdr *ip = (const void *)headers_bytes(ctx, h->at, sizeof(*ip));
	const __u32 *from;

	if (!ip || h->at + sizeof(*ip) > h->end || ip->version != 6)
		return MTLB_REASON_icmp_other;
	from = (const __u32 *)&ip->saddr;
	if (from[0] != h->destination[0] || from[1] != h->destination[1] ||
	    from[2] != h->destination[2] || from[3] != h->destination[3])
		return MTLB_REASON_icmp_other;
	__builtin_memcpy(h->source, &ip->daddr, 16);
	h->protocol = ip->nexthdr;
	h->at += sizeof(*ip);
	return headers_ipv6(ctx, h) ? MTLB_REASON_icmp_other : icmp_read_ports(ctx, h);
}

/*
 * l3: offset of the IP header; h: walked to the ICMP header; may_answer: of an echo request.
 * CONTINUE: an error, and source, protocol and ports are those of the flow that it is about.
 */
__noinline int icmp_read(struct xdp_md *ctx, __u32 l3, struct headers *h, __u32 may_answer)
{
	const __u8 *header;
	__u8 type;

	if (!h)
		return MTLB_REASON_internal;
	if (h->at + ICMP_LEN > h->end)
		return MTLB_REASON_bad_l4_header;
	header = headers_bytes(ctx, h->at, ICMP_LEN);
	if (!header)
		return MTLB_REASON_truncated;
	type = header[0];
	if (type == (h->is_ipv4 ? ICMP4_ECHO : ICMP6_ECHO)) {
		__u32 bare = h->is_ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

		if (header[1] || !may_answer || h->at != l3 + bare)
			return MTLB_REASON_icmp_other;
		return icmp_answer_echo(ctx, l3, h->is_ipv4);
	}
	if (!icmp_is_error(h->is_ipv4, type))
		return MTLB_REASON_icmp_other;
	h->at += ICMP_LEN;
	h->is_fragment = h->is_later = 0;
	return h->is_ipv4 ? icmp_read_ipv4(ctx, h) : icmp_read_ipv6(ctx, h);
}
