/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet that is longer than the path to its backend: its sender is told how long it may be (RFC
 * 1191, RFC 8201), in the name of the VIP, as often as the tenant's limit allows.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

#define TOO_BIG_IPV4_QUOTE 548       /* of the packet: 576 bytes in all (RFC 1812 4.3.2.3) */
#define TOO_BIG_IPV6_QUOTE 1232      /* 1280 in all (RFC 4443 2.4) */
#define TOO_BIG_IPV4_LEN 28          /* IP and ICMP header before it */
#define TOO_BIG_IPV6_LEN 48
#define TOO_BIG_IPV6_LEAST 1280      /* RFC 8200 5: no path is narrower */
#define TOO_BIG_TTL 64

#define TOO_BIG_DF bpf_htons(0x4000)

/* Takes one of the tenant's answers of this tick. */
static __always_inline bool too_big_may_answer(const struct pkt *p, __u32 limit)
{
	__u32 tick = bpf_ktime_get_coarse_ns() >> MTLB_TICK_SHIFT;
	__u32 at = p->tenant;
	__u64 *sent = bpf_map_lookup_elem(&answers, &at);
	__u64 before;
	bool is_new;

	if (!sent)
		return false;
	before = *(volatile __u64 *)sent;
	/* not where another CPU has read the clock later */
	is_new = (__s32)(tick - (__u32)(before >> 32)) > 0;
	if (p->is_trace)
		return limit && (is_new || (__u32)before < limit);
	/* who loses the race finds the new tick */
	if (is_new)
		__sync_val_compare_and_swap(sent, before, (__u64)tick << 32);
	before = __sync_fetch_and_add(sent, 1);
	return (__u32)before < limit;
}

/* Folded sum of len bytes, a multiple of 4; the caller has checked that they are there. */
static __always_inline __u64 too_big_sum(const __u32 *words, __u32 len)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < len / 4; i++)
		sum += words[i];
	return sum;
}

static __always_inline __u16 too_big_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return ~mtlb_csum_fold((__u32)((sum & 0xffff) + (sum >> 16)));
}

/* Ethernet with its tags, MAC addresses exchanged; to and from do not overlap. */
static __always_inline void too_big_turn_l2(__u8 *to, const __u8 *from, __u32 len)
{
	*(__u32 *)to = *(const __u32 *)(from + 6);
	*(__u16 *)(to + 4) = *(const __u16 *)(from + 10);
	*(__u32 *)(to + 6) = *(const __u32 *)from;
	*(__u16 *)(to + 10) = *(const __u16 *)(from + 4);
	*(__u16 *)(to + 12) = *(const __u16 *)(from + 12);
	if (len >= 18)
		*(__u32 *)(to + 14) = *(const __u32 *)(from + 14);
	if (len >= 22)
		*(__u32 *)(to + 18) = *(const __u32 *)(from + 18);
}

static __always_inline void too_big_write_ipv4(__u8 *at, const struct pkt *p, __u32 mtu)
{
	struct iphdr *ip = (void *)at;
	__u32 *icmp = (void *)(ip + 1);

	*ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tos = 0xc0,
		.tot_len = bpf_htons(TOO_BIG_IPV4_LEN + TOO_BIG_IPV4_QUOTE),
		.frag_off = TOO_BIG_DF,
		.ttl = TOO_BIG_TTL,
		.protocol = IPPROTO_ICMP,
		.saddr = p->tuple.destination[3],
		.daddr = p->tuple.source[3],
	};
	ip->check = too_big_fold(too_big_sum((const __u32 *)at, sizeof(*ip)));
	icmp[0] = bpf_htonl(3 << 24 | 4 << 16);
	icmp[1] = bpf_htonl(mtu & 0xffff);
	((__u16 *)icmp)[1] = too_big_fold(too_big_sum(icmp, 8 + TOO_BIG_IPV4_QUOTE));
}

static __always_inline void too_big_write_ipv6(__u8 *at, const struct pkt *p, __u32 mtu)
{
	struct ipv6hdr *ip = (void *)at;
	__u32 *icmp = (void *)(ip + 1);
	__u64 sum = bpf_htonl(8 + TOO_BIG_IPV6_QUOTE) + (__u64)bpf_htonl(IPPROTO_ICMP6);

	*(__be32 *)at = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(8 + TOO_BIG_IPV6_QUOTE);
	ip->nexthdr = IPPROTO_ICMP6;
	ip->hop_limit = TOO_BIG_TTL;
	__builtin_memcpy(&ip->saddr, p->tuple.destination, 16);
	__builtin_memcpy(&ip->daddr, p->tuple.source, 16);
	icmp[0] = bpf_htonl(2 << 24);
	icmp[1] = bpf_htonl(mtu < TOO_BIG_IPV6_LEAST ? TOO_BIG_IPV6_LEAST : mtu);
	sum += too_big_sum((const __u32 *)&ip->saddr, 32);
	sum += too_big_sum(icmp, 8 + TOO_BIG_IPV6_QUOTE);
	((__u16 *)icmp)[1] = too_big_fold(sum);
}

/* Cuts the packet behind what is quoted of it, and puts the answer's headers before it. */
static __always_inline enum mtlb_reason too_big_answer(struct xdp_md *ctx, const struct pkt *p,
						       __u32 mtu, __u32 headers_len, __u32 quote)
{
	__u32 l2_len = p->l2_len;
	const void *end;
	__u8 *data;

	if (bpf_xdp_adjust_tail(ctx, (int)(p->l2_len + quote) - (int)p->frame_len))
		return MTLB_REASON_internal;
	if (bpf_xdp_adjust_head(ctx, -(int)headers_len))
		return MTLB_REASON_no_headroom;
	data = (__u8 *)(long)ctx->data;
	end = (const void *)(long)ctx->data_end;
	asm volatile("" : "+r"(l2_len));
	if (l2_len > MTLB_L2_MAX || (const void *)(data + headers_len + MTLB_L2_MAX) > end ||
	    (const void *)(data + l2_len + headers_len + quote) > end)
		return MTLB_REASON_internal;
	too_big_turn_l2(data, data + headers_len, l2_len);
	if (headers_len == TOO_BIG_IPV4_LEN)
		too_big_write_ipv4(data + l2_len, p, mtu);
	else
		too_big_write_ipv6(data + l2_len, p, mtu);
	return MTLB_REASON_too_big_answered;
}

/* mtu: how long the IP packet may be; limit: answers that the tenant may cause in a tick. */
__noinline int too_big(struct xdp_md *ctx, struct pkt *p, __u32 mtu, __u32 limit)
{
	const __u8 *data = (const __u8 *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	__u32 quote, l2_len;
	bool is_ipv4;

	if (!p)
		return MTLB_REASON_internal;
	is_ipv4 = p->ethertype == bpf_htons(ETH_P_IP);
	quote = is_ipv4 ? TOO_BIG_IPV4_QUOTE : TOO_BIG_IPV6_QUOTE;
	l2_len = p->l2_len;
	if (p->is_about || p->is_later || !pkt_is_answerable(p))
		return MTLB_REASON_too_big;
	asm volatile("" : "+r"(l2_len));
	if (l2_len > MTLB_L2_MAX || (const void *)(data + l2_len + quote) > end)
		return MTLB_REASON_too_big;
	if (is_ipv4 ? !(((const struct iphdr *)(data + l2_len))->frag_off & TOO_BIG_DF) ||
			      p->ip_len < quote
		    : p->ip_len <= TOO_BIG_IPV6_LEAST)
		return MTLB_REASON_too_big;
	if (!too_big_may_answer(p, limit))
		return MTLB_REASON_too_big_limited;
	if (is_ipv4)
		return too_big_answer(ctx, p, mtu, TOO_BIG_IPV4_LEN, TOO_BIG_IPV4_QUOTE);
	return too_big_answer(ctx, p, mtu, TOO_BIG_IPV6_LEN, TOO_BIG_IPV6_QUOTE);
}
