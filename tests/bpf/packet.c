/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "bpf/packet.h"

const uint8_t packet_router_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t packet_node_mac[6] = {0x02, 0, 0, 0, 0, 0x02};

void packet_put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

uint16_t packet_get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

bool packet_address(const char *text, uint8_t address[16])
{
	memset(address, 0, 16);
	if (inet_pton(AF_INET6, text, address) == 1)
		return false;
	address[10] = 0xff;
	address[11] = 0xff;
	inet_pton(AF_INET, text, address + 12);
	return true;
}

uint16_t packet_checksum(const uint8_t *at, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += packet_get16(at + i);
	if (len & 1)
		sum += at[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

void packet_fix_ipv4(struct packet *p)
{
	uint8_t *ip = p->bytes + p->l3;

	packet_put16(ip + 10, 0);
	packet_put16(ip + 10, packet_checksum(ip, (ip[0] & 15) * 4U, 0));
}

static uint8_t *put_bytes(uint8_t *at, const void *from, uint32_t len)
{
	memcpy(at, from, len);
	return at + len;
}

/* Returns the header's length. */
static uint32_t put_ip(uint8_t *at, const char *from, const char *to, uint8_t protocol,
		       uint32_t options, uint32_t payload)
{
	uint8_t source[16], destination[16];

	if (!packet_address(from, source)) {
		packet_address(to, destination);
		memset(at, 0, 8);
		at[0] = 0x60;
		packet_put16(at + 4, payload);
		at[6] = protocol;
		at[7] = 64;
		put_bytes(put_bytes(at + 8, source, 16), destination, 16);
		return 40;
	}
	packet_address(to, destination);
	memset(at, 1, 20 + options); /* options: no operation */
	at[0] = 0x40 | (20 + options) / 4;
	at[1] = 0;
	packet_put16(at + 2, 20 + options + payload);
	packet_put16(at + 4, 0);
	packet_put16(at + 6, 0x4000);
	at[8] = 64;
	at[9] = protocol;
	packet_put16(at + 10, 0);
	put_bytes(put_bytes(at + 12, source + 12, 4), destination + 12, 4);
	packet_put16(at + 10, packet_checksum(at, 20 + options, 0));
	return 20 + options;
}

static void put_l4_checksum(uint8_t *l4, uint32_t len, const struct packet_spec *s)
{
	uint8_t pseudo[40] = {0};

	packet_address(s->from, pseudo);
	packet_address(s->to, pseudo + 16);
	if (!memcmp(pseudo, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) {
		memset(pseudo + 10, 0, 2);
		memset(pseudo + 26, 0, 2);
	}
	packet_put16(pseudo + 34, len);
	pseudo[39] = s->protocol;
	uint32_t sum = (uint16_t)~packet_checksum(pseudo, sizeof(pseudo), 0);

	packet_put16(l4 + (s->protocol == IPPROTO_TCP ? 16 : 6), packet_checksum(l4, len, sum));
}

static uint32_t put_l4(uint8_t *l4, const struct packet_spec *s)
{
	uint32_t header = s->protocol == IPPROTO_TCP ? 20 : 8;

	memset(l4, 0, header);
	for (uint32_t i = 0; i < s->payload; i++)
		l4[header + i] = i * 7 + 3;
	if (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP)
		return header + s->payload;
	packet_put16(l4, s->from_port);
	packet_put16(l4 + 2, s->to_port);
	if (s->protocol == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		l4[13] = s->flags;
		packet_put16(l4 + 14, 0xffff);
	} else {
		packet_put16(l4 + 4, header + s->payload);
	}
	put_l4_checksum(l4, header + s->payload, s);
	return header + s->payload;
}

static void set_defaults(struct packet_spec *s)
{
	s->from = s->from ? s->from : "198.51.100.7";
	s->to = s->to ? s->to : "203.0.113.10";
	s->from_port = s->from_port ? s->from_port : 40000;
	s->to_port = s->to_port ? s->to_port : 443;
	s->protocol = s->protocol ? s->protocol : IPPROTO_TCP;
	s->flags = s->flags ? s->flags : PACKET_ACK;
}

void packet_build(struct packet *p, const struct packet_spec *spec)
{
	struct packet_spec s = *spec;
	uint8_t unused[16], *at = p->bytes;
	uint8_t l4[PACKET_MAX];

	set_defaults(&s);
	memset(p, 0, sizeof(*p));
	at = put_bytes(put_bytes(at, packet_node_mac, 6), packet_router_mac, 6);
	for (int i = 0; i < s.n_tags; i++) {
		packet_put16(at, i + 1 < s.n_tags ? ETH_P_8021AD : ETH_P_8021Q);
		packet_put16(at + 2, s.vlan[i]);
		at += 4;
	}
	packet_put16(at, packet_address(s.from, unused) ? ETH_P_IP : ETH_P_IPV6);
	at += 2;
	uint32_t l4_len = put_l4(l4, &s);

	p->l3 = at - p->bytes;
	at += put_ip(at, s.from, s.to, s.protocol, s.ip_options, l4_len);
	p->l4 = at - p->bytes;
	at = put_bytes(at, l4, l4_len);
	memset(at, 0xee, s.padding);
	p->len = at + s.padding - p->bytes;
}

static uint8_t *put_vxlan(uint8_t *at, const struct packet_tunnel *t, uint32_t inner,
			  uint16_t inner_type)
{
	packet_put16(at, t->entropy_port);
	packet_put16(at + 2, t->udp_port);
	packet_put16(at + 4, 8 + 8 + 14 + inner);
	memset(at + 6, 0, 10);
	at[8] = 0x08;
	at[12] = t->vni >> 16;
	at[13] = t->vni >> 8;
	at[14] = t->vni;
	at = put_bytes(at + 16, t->inner_mac, 6);
	at = put_bytes(at, t->l2 + 6, 6);
	packet_put16(at, inner_type);
	return at + 2;
}

void packet_encapsulate(struct packet *out, const struct packet *in, const struct packet_tunnel *t)
{
	const uint8_t *ip = in->bytes + in->l3;
	bool inner_is_v4 = ip[0] >> 4 == 4;
	uint32_t inner = inner_is_v4 ? packet_get16(ip + 2) : 40U + packet_get16(ip + 4);
	uint8_t unused[16], *at = out->bytes;
	bool outer_is_v4 = packet_address(t->to, unused);
	uint8_t protocol = t->is_vxlan ? IPPROTO_UDP : inner_is_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	memset(out, 0, sizeof(*out));
	at = put_bytes(at, t->l2, t->l2_len);
	packet_put16(at - 2, outer_is_v4 ? ETH_P_IP : ETH_P_IPV6);
	out->l3 = t->l2_len;
	at += put_ip(at, t->from, t->to, protocol, 0, (t->is_vxlan ? 30 : 0) + inner);
	if (!outer_is_v4) {
		out->bytes[out->l3 + 1] |= t->flow_label >> 16 & 15;
		packet_put16(out->bytes + out->l3 + 2, t->flow_label);
	}
	out->l4 = at - out->bytes;
	if (t->is_vxlan)
		at = put_vxlan(at, t, inner, inner_is_v4 ? ETH_P_IP : ETH_P_IPV6);
	at = put_bytes(at, ip, inner);
	out->len = at - out->bytes;
}
