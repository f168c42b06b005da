/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "bpf/encapsulate.h"

enum {
	GRE_KEY = 0x2000,        /* RFC 2890 */
	GENEVE_BRIDGED = 0x6558, /* RFC 8926 3.4: an Ethernet frame follows */
	GENEVE_CLASS = 0xff4d,
};

bool tunnel_has_udp(const struct packet_tunnel *t)
{
	return t->kind != PACKET_IPIP && t->kind != PACKET_GRE && t->kind != PACKET_GRE_KEY &&
	       t->kind != PACKET_L2;
}

bool tunnel_has_ethernet(const struct packet_tunnel *t)
{
	return t->kind == PACKET_VXLAN || t->kind == PACKET_GENEVE || t->kind == PACKET_GENEVE_ID;
}

/* Behind the outer IP header. */
static uint32_t shim_len(const struct packet_tunnel *t)
{
	static const uint8_t lens[] = {
		[PACKET_IPIP] = 0,
		[PACKET_GUE] = 8,
		[PACKET_GUE0] = 8 + 4,
		[PACKET_FOU] = 8,
		[PACKET_GRE] = 4,
		[PACKET_GRE_KEY] = 8,
		[PACKET_VXLAN] = 8 + 8 + 14,
		[PACKET_GENEVE] = 8 + 8 + 14,
		[PACKET_GENEVE_ID] = 8 + 16 + 14,
		[PACKET_L2] = 0,
	};

	return lens[t->kind];
}

uint32_t tunnel_len(const struct packet_tunnel *t)
{
	uint8_t unused[16];

	if (t->kind == PACKET_L2)
		return 0;
	return (packet_address(t->to, unused) ? 20 : 40) + shim_len(t);
}

static void put32(uint8_t *at, uint32_t value)
{
	packet_put16(at, value >> 16);
	packet_put16(at + 2, value);
}

static uint8_t *put_gre(uint8_t *at, const struct packet_tunnel *t, bool inner_is_ipv4)
{
	packet_put16(at, t->kind == PACKET_GRE_KEY ? GRE_KEY : 0);
	packet_put16(at + 2, inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	if (t->kind == PACKET_GRE)
		return at + 4;
	put32(at + 4, t->vni);
	return at + 8;
}

static uint8_t *put_geneve(uint8_t *at, const struct packet_tunnel *t)
{
	at[0] = t->kind == PACKET_GENEVE_ID ? 2 : 0; /* options, in 4 bytes */
	at[1] = 0;
	packet_put16(at + 2, GENEVE_BRIDGED);
	put32(at + 4, t->vni << 8);
	if (t->kind == PACKET_GENEVE)
		return at + 8;
	packet_put16(at + 8, GENEVE_CLASS);
	at[10] = 1;
	at[11] = 1;
	put32(at + 12, t->tenant_id);
	return at + 16;
}

static uint8_t *put_udp(uint8_t *at, const struct packet_tunnel *t, bool inner_is_ipv4,
			uint32_t len)
{
	packet_put16(at, t->entropy_port);
	packet_put16(at + 2, t->udp_port);
	packet_put16(at + 4, len);
	packet_put16(at + 6, 0);
	at += 8;
	if (t->kind == PACKET_GUE0) {
		put32(at, (inner_is_ipv4 ? IPPROTO_IPIP : IPPROTO_IPV6) << 16);
		return at + 4;
	}
	if (t->kind == PACKET_VXLAN) {
		put32(at, 0x08000000);
		put32(at + 4, t->vni << 8);
		return at + 8;
	}
	return tunnel_has_ethernet(t) ? put_geneve(at, t) : at;
}

static uint8_t *put_ethernet(uint8_t *at, const struct packet_tunnel *t, bool inner_is_ipv4)
{
	memcpy(at, t->inner_mac, 6);
	memcpy(at + 6, t->l2 + 6, 6);
	packet_put16(at + 12, inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	return at + 14;
}

static uint8_t outer_protocol(const struct packet_tunnel *t, bool inner_is_ipv4)
{
	if (tunnel_has_udp(t))
		return IPPROTO_UDP;
	if (t->kind == PACKET_IPIP)
		return inner_is_ipv4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	return IPPROTO_GRE;
}

static uint8_t tos_of(const struct packet *in, const struct packet_tunnel *t)
{
	uint8_t tos =
		packet_is_ipv4(in) ? in->bytes[in->l3 + 1] : packet_get16(in->bytes + in->l3) >> 4;

	return t->sets_dscp ? t->dscp << 2 | (tos & 3) : tos;
}

/* Outer IP and all between it and the inner one. */
static uint8_t *put_outer(struct packet *out, const struct packet *in,
			  const struct packet_tunnel *t)
{
	bool inner_is_ipv4 = packet_is_ipv4(in);
	uint32_t len = shim_len(t) + packet_ip_len(in);
	uint8_t *ip = out->bytes + out->l3, *at = ip;

	at += packet_put_ip(ip, t->from, t->to, outer_protocol(t, inner_is_ipv4), tos_of(in, t), 0,
			    len);
	if (ip[0] >> 4 == 4) {
		put32(ip + 12,
		      t->source_bits | packet_get16(ip + 12) << 16 | packet_get16(ip + 14));
		packet_fix_ipv4(out);
	} else {
		ip[1] |= t->flow_label >> 16 & 15;
		packet_put16(ip + 2, t->flow_label);
		put32(ip + 20,
		      t->source_bits | packet_get16(ip + 20) << 16 | packet_get16(ip + 22));
	}
	out->l4 = at - out->bytes;
	if (tunnel_has_udp(t))
		at = put_udp(at, t, inner_is_ipv4, len);
	else if (t->kind != PACKET_IPIP)
		at = put_gre(at, t, inner_is_ipv4);
	return tunnel_has_ethernet(t) ? put_ethernet(at, t, inner_is_ipv4) : at;
}

void packet_encapsulate(struct packet *out, const struct packet *in, const struct packet_tunnel *t)
{
	uint8_t unused[16], *at = out->bytes;
	bool is_ipv4 = t->kind == PACKET_L2 ? packet_is_ipv4(in) : packet_address(t->to, unused);

	memset(out, 0, sizeof(*out));
	memcpy(at, t->l2, t->l2_len);
	at += t->l2_len;
	packet_put16(at - 2, is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	out->l3 = t->l2_len;
	if (t->kind != PACKET_L2)
		at = put_outer(out, in, t);
	memcpy(at, in->bytes + in->l3, packet_ip_len(in));
	out->len = at - out->bytes + packet_ip_len(in);
}
