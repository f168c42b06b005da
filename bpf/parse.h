/* SPDX-License-Identifier: GPL-2.0-only */
/* Ethernet, tags, IP, ports -> struct pkt. The only stage that moves a cursor over the packet. */
#pragma once

#include "pkt.h"

#define IPV4_MORE_OR_OFFSET bpf_htons(0x3fff)
#define IPPROTO_FRAGMENT_HEADER 44

static __always_inline bool parse_is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

struct parse_tag {
	__be16 tci;
	__be16 ethertype;
};

/*
 * TCP and UDP headers: a defect where they are cut off or contradict the IP payload.
 * room is the length that the IP header claims, already known to lie inside the frame.
 */
static __always_inline void parse_ports(struct pkt *p, const void *l4, const void *end, __u32 room)
{
	const struct tcphdr *tcp = l4;
	const struct udphdr *udp = l4;
	__u32 ports;

	if (p->tuple.protocol == IPPROTO_TCP) {
		if ((const void *)(tcp + 1) > end || room < sizeof(*tcp) ||
		    tcp->doff < 5 || (__u32)tcp->doff * 4 > room) {
			p->defect = MTLB_REASON_bad_l4_header;
			return;
		}
		p->tcp_flags = ((const __u8 *)tcp)[13];
	} else if (p->tuple.protocol == IPPROTO_UDP) {
		if ((const void *)(udp + 1) > end || room < sizeof(*udp) ||
		    bpf_ntohs(udp->len) < sizeof(*udp) || bpf_ntohs(udp->len) > room) {
			p->defect = MTLB_REASON_bad_l4_header;
			return;
		}
	} else {
		p->defect = MTLB_REASON_other_protocol;
		return;
	}
	ports = *(const __u32 *)l4;
	p->tuple.source_port = (__be16)ports;
	p->tuple.destination_port = (__be16)(ports >> 16);
}

static __always_inline enum mtlb_reason parse_ipv4(struct pkt *p, const void *l3, const void *end)
{
	const struct iphdr *ip = l3;
	__u32 header, total;

	if ((const void *)(ip + 1) > end || ip->version != 4)
		return MTLB_REASON_not_ip;
	p->tuple.source[0] = 0;
	p->tuple.source[1] = 0;
	p->tuple.source[2] = bpf_htonl(0xffff);
	p->tuple.source[3] = ip->saddr;
	p->tuple.destination[0] = 0;
	p->tuple.destination[1] = 0;
	p->tuple.destination[2] = bpf_htonl(0xffff);
	p->tuple.destination[3] = ip->daddr;
	p->tuple.protocol = ip->protocol;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	p->ip_len = total;
	if (header < sizeof(*ip) || total < header)
		p->defect = MTLB_REASON_bad_ip_header;
	else if (total > (__u64)(end - l3))
		p->defect = MTLB_REASON_truncated;
	else if (ip->frag_off & IPV4_MORE_OR_OFFSET)
		p->defect = MTLB_REASON_fragment;
	else
		parse_ports(p, l3 + header, end, total - header);
	return MTLB_REASON_CONTINUE;
}

static __always_inline bool parse_is_mapped(const __u32 *address)
{
	return address[2] == bpf_htonl(0xffff) && !(address[0] | address[1]);
}

static __always_inline enum mtlb_reason parse_ipv6(struct pkt *p, const void *l3, const void *end)
{
	const struct ipv6hdr *ip = l3;
	__u32 payload;

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return MTLB_REASON_not_ip;
	__builtin_memcpy(p->tuple.source, &ip->saddr, 16);
	__builtin_memcpy(p->tuple.destination, &ip->daddr, 16);
	if (parse_is_mapped(p->tuple.destination))
		return MTLB_REASON_not_vip; /* would be taken for the IPv4 VIP; never seen on a wire */
	p->tuple.protocol = ip->nexthdr;
	payload = bpf_ntohs(ip->payload_len);
	p->ip_len = payload + sizeof(*ip);
	if (payload + sizeof(*ip) > (__u64)(end - l3))
		p->defect = MTLB_REASON_truncated;
	else if (ip->nexthdr == IPPROTO_FRAGMENT_HEADER)
		p->defect = MTLB_REASON_fragment;
	else
		parse_ports(p, ip + 1, end, payload);
	return MTLB_REASON_CONTINUE;
}

static __always_inline enum mtlb_reason parse(struct xdp_md *ctx, struct pkt *p)
{
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const struct parse_tag *tag = (const void *)(eth + 1);
	const void *l3 = tag;

	p->frame_len = (__u32)(end - data);
	if ((const void *)(eth + 1) > end)
		return MTLB_REASON_not_ip;
	p->ethertype = eth->h_proto;
	if (parse_is_tag(p->ethertype)) {
		if ((const void *)(tag + 1) > end)
			return MTLB_REASON_not_ip;
		p->vlan = bpf_ntohs(tag->tci) & 0xfff;
		p->ethertype = tag->ethertype;
		l3 = tag + 1;
		if (parse_is_tag(p->ethertype)) {
			if ((const void *)(tag + 2) > end)
				return MTLB_REASON_not_ip;
			__u16 second = bpf_ntohs(tag[1].tci) & 0xfff;

			/* behind a priority tag (VLAN 0) the second tag is the first */
			p->inner_vlan = p->vlan ? second : 0;
			p->vlan = p->vlan ? p->vlan : second;
			p->ethertype = tag[1].ethertype;
			l3 = tag + 2;
		}
	}
	p->l2_len = (__u16)(l3 - data);
	if (p->ethertype == bpf_htons(ETH_P_IP))
		return parse_ipv4(p, l3, end);
	if (p->ethertype == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(p, l3, end);
	return MTLB_REASON_not_ip;
}
