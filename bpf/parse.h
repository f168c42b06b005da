/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet, tags, IP, ports -> struct pkt, of the packets that most are: what is anything else is
 * left to headers.h, once its address is known to be a VIP's.
 */
#pragma once

#include "pkt.h"

#define IPV4_MORE_OR_OFFSET bpf_htons(0x3fff)
#define PARSE_ORDINARY_MAX 1522      /* 1500 bytes, Ethernet and two tags */

static __always_inline bool parse_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

struct parse_tag {
	__be16 tci;
	__be16 ethertype;
};

/* room: the length that the IP header claims, already known to lie inside the frame. */
static __always_inline void parse_ports(struct pkt *p, const void *l4, const void *end, __u32 room)
{
	const struct tcphdr *tcp = l4;
	const struct udphdr *udp = l4;
	__u32 ports;

	if (p->tuple.protocol == IPPROTO_TCP) {
		if ((const void *)(tcp + 1) > end || room < sizeof(*tcp) || tcp->doff < 5 ||
		    (__u32)tcp->doff * 4 > room)
			return;
		p->tcp_flags = ((const __u8 *)tcp)[13];
	} else if (p->tuple.protocol == IPPROTO_UDP) {
		if ((const void *)(udp + 1) > end || room < sizeof(*udp) ||
		    bpf_ntohs(udp->len) < sizeof(*udp) || bpf_ntohs(udp->len) > room)
			return;
	} else {
		return;
	}
	ports = *(const __u32 *)l4;
	p->tuple.source_port = (__be16)ports;
	p->tuple.destination_port = (__be16)(ports >> 16);
	p->is_common = true;
}

/*
 * A frame that is not as long as its IP packet is padded, lies, or is in several buffers. So may
 * one be that is too long for an ordinary Ethernet: the padding may begin with the second buffer.
 */
static __always_inline void parse_frame_len(struct xdp_md *ctx, struct pkt *p)
{
	if (p->l2_len + p->ip_len != p->frame_len || p->frame_len > PARSE_ORDINARY_MAX)
		p->frame_len = (__u32)bpf_xdp_get_buff_len(ctx);
}

/* ::ffff:a.b.c.d */
static __always_inline void parse_mapped(__u32 *to, __be32 address)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = address;
}

static __always_inline enum mtlb_reason parse_ipv4(struct xdp_md *ctx, struct pkt *p,
						   const void *l3, const void *end)
{
	const struct iphdr *ip = l3;

	if ((const void *)(ip + 1) > end || ip->version != 4)
		return MTLB_REASON_not_ip;
	parse_mapped(p->tuple.source, ip->saddr);
	parse_mapped(p->tuple.destination, ip->daddr);
	p->tuple.protocol = ip->protocol;
	p->tos = ip->tos;
	p->ip_len = bpf_ntohs(ip->tot_len);
	p->l4 = p->l2_len + sizeof(*ip);
	parse_frame_len(ctx, p);
	if (ip->ihl == 5 && p->ip_len >= sizeof(*ip) && p->ip_len <= (__u64)(end - l3) &&
	    !(ip->frag_off & IPV4_MORE_OR_OFFSET))
		parse_ports(p, ip + 1, end, p->ip_len - sizeof(*ip));
	return MTLB_REASON_CONTINUE;
}

static __always_inline bool parse_is_mapped(const __u32 *address)
{
	return address[2] == bpf_htonl(0xffff) && !(address[0] | address[1]);
}

static __always_inline enum mtlb_reason parse_ipv6(struct xdp_md *ctx, struct pkt *p,
						   const void *l3, const void *end)
{
	const struct ipv6hdr *ip = l3;

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return MTLB_REASON_not_ip;
	__builtin_memcpy(p->tuple.source, &ip->saddr, 16);
	__builtin_memcpy(p->tuple.destination, &ip->daddr, 16);
	p->tuple.protocol = ip->nexthdr;
	p->tos = (__u8)(bpf_ntohs(*(const __be16 *)ip) >> 4);
	p->ip_len = bpf_ntohs(ip->payload_len) + (__u32)sizeof(*ip);
	p->l4 = p->l2_len + sizeof(*ip);
	parse_frame_len(ctx, p);
	if (parse_is_mapped(p->tuple.destination))
		return MTLB_REASON_not_vip; /* would be taken for the IPv4 VIP; never seen on a wire */
	if (p->ip_len <= (__u64)(end - l3))
		parse_ports(p, ip + 1, end, p->ip_len - sizeof(*ip));
	return MTLB_REASON_CONTINUE;
}

/* What does not even have an address. */
static __always_inline enum mtlb_reason parse_other(struct xdp_md *ctx, struct pkt *p)
{
	p->frame_len = (__u32)bpf_xdp_get_buff_len(ctx);
	return MTLB_REASON_not_ip;
}

static __always_inline enum mtlb_reason parse(struct xdp_md *ctx, struct pkt *p)
{
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const struct parse_tag *tag = (const void *)(eth + 1);
	const void *l3 = tag;
	enum mtlb_reason reason = MTLB_REASON_not_ip;

	p->frame_len = (__u32)(end - data);
	if ((const void *)(eth + 1) > end)
		return parse_other(ctx, p);
	p->ethertype = eth->h_proto;
	if (parse_is_tag(p->ethertype)) {
		if ((const void *)(tag + 1) > end)
			return parse_other(ctx, p);
		p->vlan = bpf_ntohs(tag->tci) & 0xfff;
		p->ethertype = tag->ethertype;
		l3 = tag + 1;
		if (parse_is_tag(p->ethertype)) {
			if ((const void *)(tag + 2) > end)
				return parse_other(ctx, p);
			__u16 second = bpf_ntohs(tag[1].tci) & 0xfff;

			/* behind a priority tag (VLAN 0) the second tag is the first */
			p->inner_vlan = p->vlan ? second : 0;
			p->vlan = p->vlan ? p->vlan : second;
			p->ethertype = tag[1].ethertype;
			l3 = tag + 2;
		}
	}
	/* so that the verifier knows no number, and goes on once, not for each count of tags */
	asm volatile("" : "+r"(l3));
	p->l2_len = (__u16)(l3 - data);
	if (p->ethertype == bpf_htons(ETH_P_IP))
		reason = parse_ipv4(ctx, p, l3, end);
	else if (p->ethertype == bpf_htons(ETH_P_IPV6))
		reason = parse_ipv6(ctx, p, l3, end);
	return reason == MTLB_REASON_not_ip ? parse_other(ctx, p) : reason;
}
