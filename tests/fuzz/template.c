/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* struct mtlb_encap of include/mtlb_abi.h from the facts that the oracle works with. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "fuzz/maps.h"

static const struct {
	uint8_t kind;
	uint8_t flags;
} kinds[ORACLE_KIND_END] = {
	[ORACLE_NO_NEXT_HOP] = {MTLB_ENCAP_NONE, 0},
	[ORACLE_IPIP] = {MTLB_ENCAP_IPIP, 0},
	[ORACLE_GUE0] = {MTLB_ENCAP_GUE, MTLB_ENCAP_UDP},
	[ORACLE_GUE1] = {MTLB_ENCAP_GUE, MTLB_ENCAP_UDP},
	[ORACLE_FOU] = {MTLB_ENCAP_FOU, MTLB_ENCAP_UDP},
	[ORACLE_GRE] = {MTLB_ENCAP_GRE, 0},
	[ORACLE_VXLAN] = {MTLB_ENCAP_VXLAN, MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH},
	[ORACLE_GENEVE] = {MTLB_ENCAP_GENEVE, MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH},
	[ORACLE_L2] = {MTLB_ENCAP_L2, 0},
};

static uint8_t *add(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *add_word(uint8_t *at, uint32_t value)
{
	uint32_t word = htonl(value);

	return add(at, &word, sizeof(word));
}

static uint8_t *add_ip4(uint8_t *at, const struct oracle_encap *e, uint8_t protocol)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .frag_off = htons(0x4000), .ttl = 64, .protocol = protocol};
	uint16_t words[10];
	uint32_t sum = 0;

	memcpy(&ip.saddr, e->source + 12, 4);
	memcpy(&ip.daddr, e->destination + 12, 4);
	memcpy(words, &ip, sizeof(words));
	for (uint32_t i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip.check = (uint16_t)((sum & 0xffff) + (sum >> 16));
	return add(at, &ip, sizeof(ip));
}

static uint8_t *add_ip6(uint8_t *at, const struct oracle_encap *e, uint8_t protocol)
{
	struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28), .ip6_nxt = protocol, .ip6_hlim = 64};

	memcpy(&ip.ip6_src, e->source, 16);
	memcpy(&ip.ip6_dst, e->destination, 16);
	return add(at, &ip, sizeof(ip));
}

static uint8_t *add_shim(uint8_t *at, const struct oracle_encap *e, uint8_t protocol,
			 uint32_t ethertype)
{
	switch (e->kind) {
	case ORACLE_GUE0:
		return add_word(at, (uint32_t)protocol << 16);
	case ORACLE_GRE:
		at = add_word(at, (e->has_key ? 0x20000000 : 0) | ethertype);
		return e->has_key ? add_word(at, e->id) : at;
	case ORACLE_VXLAN:
		return add_word(add_word(at, 0x08000000), e->id << 8);
	case ORACLE_GENEVE:
		at = add_word(at, (e->has_tenant_id ? 0x02000000 : 0) | ETH_P_TEB);
		at = add_word(at, e->id << 8);
		return e->has_tenant_id ? add_word(add_word(at, 0xff4d0101), e->tenant_id) : at;
	default:
		return at;
	}
}

static uint8_t *add_outer(uint8_t *at, const struct oracle_encap *e, bool inner_is_v6)
{
	uint8_t inner = inner_is_v6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	uint32_t ethertype = inner_is_v6 ? ETH_P_IPV6 : ETH_P_IP;
	bool has_udp = kinds[e->kind].flags & MTLB_ENCAP_UDP;
	uint8_t protocol = has_udp ? IPPROTO_UDP : e->kind == ORACLE_GRE ? IPPROTO_GRE : inner;

	at = e->is_v6 ? add_ip6(at, e, protocol) : add_ip4(at, e, protocol);
	if (has_udp) {
		struct udphdr udp = {.dest = htons(e->port)};

		at = add(at, &udp, sizeof(udp));
	}
	at = add_shim(at, e, inner, ethertype);
	if (!(kinds[e->kind].flags & MTLB_ENCAP_INNER_ETH))
		return at;
	struct ethhdr eth = {.h_proto = htons((uint16_t)ethertype)};

	memcpy(eth.h_dest, e->inner_mac, ETH_ALEN);
	memcpy(eth.h_source, e->own_mac, ETH_ALEN);
	return add(at, &eth, sizeof(eth));
}

void template_write(struct mtlb_encap *out, const struct oracle_encap *e, bool inner_is_v6)
{
	bool is_l2 = e->kind == ORACLE_L2;
	uint16_t ethertype = htons((is_l2 ? inner_is_v6 : e->is_v6) ? ETH_P_IPV6 : ETH_P_IP);

	memset(out, 0, sizeof(*out));
	out->kind = kinds[e->kind].kind;
	out->flags = kinds[e->kind].flags;
	if (out->kind == MTLB_ENCAP_NONE)
		return;
	if (e->is_v6 && !is_l2)
		out->flags |= MTLB_ENCAP_OUTER_IPV6;
	out->l2_len = (uint8_t)e->l2_len;
	out->ifindex = e->ifindex;
	memcpy(out->l2, e->l2, e->l2_len);
	memcpy(out->l2 + e->l2_len - 2, &ethertype, 2);
	out->mtu = (uint16_t)e->mtu;
	if (is_l2)
		return;
	out->outer_len = (uint8_t)(add_outer(out->outer, e, inner_is_v6) - out->outer);
	if (e->host_bits)
		out->entropy = htonl(0xffffffff >> (32 - e->host_bits));
	out->dscp = e->dscp >= 0 ? (uint8_t)(e->dscp << 2) : 0;
	out->copied = e->dscp >= 0 ? 0x03 : 0xff;
}
