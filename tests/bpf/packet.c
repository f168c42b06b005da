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

bool packet_is_ipv4(const struct packet *p)
{
	return p->bytes[p->l3] >> 4 == 4;
}

uint32_t packet_ip_len(const struct packet *p)
{
	const uint8_t *ip = p->bytes + p->l3;

	return packet_is_ipv4(p) ? packet_get16(ip + 2) : 40U + packet_get16(ip + 4);
}

uint16_t packet_l4_checksum(const uint8_t *ip, const uint8_t *l4, uint32_t len, uint8_t protocol)
{
	bool is_ipv4 = ip[0] >> 4 == 4;
	uint8_t pseudo[40] = {0};
	uint32_t addresses = is_ipv4 ? 8 : 32;

	memcpy(pseudo, ip + (is_ipv4 ? 12 : 8), addresses);
	packet_put16(pseudo + 34, len);
	pseudo[39] = protocol;
	return packet_checksum(l4, len, (uint16_t)~packet_checksum(pseudo, sizeof(pseudo), 0));
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

uint32_t packet_put_ip(uint8_t *at, const char *from, const char *to, uint8_t protocol, uint8_t tos,
		       uint32_t options, uint32_t payload)
{
	uint8_t source[16], destination[16];
	bool is_ipv4 = packet_address(from, source);

	packet_address(to, destination);
	if (!is_ipv4) {
		packet_put16(at, 0x6000 | tos << 4);
		packet_put16(at + 2, 0);
		packet_put16(at + 4, payload);
		at[6] = protocol;
		at[7] = 64;
		put_bytes(put_bytes(at + 8, source, 16), destination, 16);
		return 40;
	}
	memset(at, 1, 20 + options); /* options: no operation */
	at[0] = 0x40 | (20 + options) / 4;
	at[1] = tos;
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

static uint32_t extension_len(const struct packet_extension *e)
{
	return e->protocol == IPPROTO_FRAGMENT ? 8
	       : e->protocol == IPPROTO_AH     ? (e->len + 2) * 4
					       : (e->len + 1) * 8;
}

/* Padding, routes without a segment left, sums of zeroes: nobody here looks into them. */
static uint8_t *put_extensions(uint8_t *at, const struct packet_spec *s)
{
	for (int i = 0; i < s->n_extensions; i++) {
		uint32_t len = extension_len(&s->extensions[i]);

		memset(at, 0, len);
		at[0] = i + 1 < s->n_extensions ? s->extensions[i + 1].protocol : s->protocol;
		at[1] = s->extensions[i].len;
		at += len;
	}
	return at;
}

static uint32_t l4_header_len(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 20 : protocol == IPPROTO_SCTP ? 16 : 8;
}

/* The checksum field, where there is one over the whole. */
static uint8_t *checksum_field(uint8_t *l4, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return l4 + 16;
	case IPPROTO_UDP:
		return l4 + 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return l4 + 2;
	default:
		return NULL;
	}
}

static void put_l4_header(uint8_t *l4, const struct packet_spec *s)
{
	if (s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6) {
		l4[0] = s->icmp_type;
		l4[1] = s->icmp_code;
		packet_put16(l4 + 4, 0x1234);
		packet_put16(l4 + 6, 0x5678);
		return;
	}
	if (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP && s->protocol != IPPROTO_SCTP)
		return;
	packet_put16(l4, s->from_port);
	packet_put16(l4 + 2, s->to_port);
	if (s->protocol == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		l4[13] = s->flags;
		packet_put16(l4 + 14, 0xffff);
	} else if (s->protocol == IPPROTO_UDP) {
		packet_put16(l4 + 4, 8 + s->payload);
	} else {
		l4[12] = s->chunk;
		packet_put16(l4 + 14, 4 + s->payload);
	}
}

static uint32_t put_l4(uint8_t *l4, const struct packet_spec *s, const uint8_t *ip)
{
	uint32_t header = l4_header_len(s->protocol), len = header + s->payload;
	uint8_t *field = checksum_field(l4, s->protocol);

	memset(l4, 0, header);
	for (uint32_t i = 0; i < s->payload; i++)
		l4[header + i] = s->data ? s->data[i] : i * 7 + 3;
	put_l4_header(l4, s);
	if (field)
		packet_put16(field, s->protocol == IPPROTO_ICMP
					    ? packet_checksum(l4, len, 0)
					    : packet_l4_checksum(ip, l4, len, s->protocol));
	return len;
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

static uint8_t *put_ethernet(uint8_t *at, const struct packet_spec *s, uint16_t ethertype)
{
	at = put_bytes(put_bytes(at, packet_node_mac, 6), packet_router_mac, 6);
	for (int i = 0; i < s->n_tags; i++) {
		packet_put16(at, i + 1 < s->n_tags ? ETH_P_8021AD : ETH_P_8021Q);
		packet_put16(at + 2, s->vlan[i]);
		at += 4;
	}
	packet_put16(at, ethertype);
	return at + 2;
}

void packet_build(struct packet *p, const struct packet_spec *spec)
{
	struct packet_spec s = *spec;
	uint8_t unused[16], *at;
	uint32_t extensions = 0;

	set_defaults(&s);
	memset(p, 0, sizeof(*p));
	at = put_ethernet(p->bytes, &s, packet_address(s.from, unused) ? ETH_P_IP : ETH_P_IPV6);
	p->l3 = at - p->bytes;
	for (int i = 0; i < s.n_extensions; i++)
		extensions += extension_len(&s.extensions[i]);
	at += packet_put_ip(at, s.from, s.to,
			    s.n_extensions ? s.extensions[0].protocol : s.protocol, s.tos,
			    s.ip_options, extensions + l4_header_len(s.protocol) + s.payload);
	at = put_extensions(at, &s);
	p->l4 = at - p->bytes;
	p->protocol = s.protocol;
	at += put_l4(at, &s, p->bytes + p->l3);
	memset(at, 0xee, s.padding);
	p->len = at + s.padding - p->bytes;
	if (s.may_fragment) {
		packet_put16(p->bytes + p->l3 + 6, 0);
		packet_fix_ipv4(p);
	}
}

void packet_build_error(struct packet *p, const struct packet_spec *s, const struct packet *about,
			uint32_t len)
{
	struct packet_spec error = *s;

	error.data = about->bytes + about->l3;
	error.payload = len;
	packet_build(p, &error);
}

static void put_offset_ipv4(struct packet *out, uint32_t from, bool has_more, uint32_t len,
			    uint32_t id)
{
	uint8_t *ip = out->bytes + out->l3;

	packet_put16(ip + 2, out->l4 - out->l3 + len);
	packet_put16(ip + 4, id);
	packet_put16(ip + 6, (has_more ? 0x2000 : 0) | from / 8);
	packet_fix_ipv4(out);
}

/* The last header before L4 comes to name the fragment header. */
static void put_offset_ipv6(struct packet *out, const struct packet *whole, uint32_t from,
			    bool has_more, uint32_t len, uint32_t id)
{
	uint8_t *ip = out->bytes + out->l3, *next = ip + 6;
	uint8_t *header = out->bytes + whole->l4, *at = ip + 40;

	while (at < header) {
		struct packet_extension e = {*next, at[1]};

		next = at;
		at += extension_len(&e);
	}
	*next = IPPROTO_FRAGMENT;
	memset(header, 0, 8);
	header[0] = whole->protocol;
	packet_put16(header + 2, from | has_more);
	packet_put16(header + 4, id >> 16);
	packet_put16(header + 6, id);
	out->l4 = whole->l4 + 8;
	packet_put16(ip + 4, out->l4 - out->l3 - 40 + len);
}

void packet_fragment(struct packet *out, const struct packet *whole, uint32_t from, uint32_t len,
		     uint32_t id)
{
	uint32_t total = whole->l3 + packet_ip_len(whole) - whole->l4;
	bool has_more = from + len < total;

	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, whole->bytes, whole->l4);
	out->l3 = whole->l3;
	out->l4 = whole->l4;
	out->protocol = from ? 0 : whole->protocol;
	if (packet_is_ipv4(whole))
		put_offset_ipv4(out, from, has_more, len, id);
	else
		put_offset_ipv6(out, whole, from, has_more, len, id);
	memcpy(out->bytes + out->l4, whole->bytes + whole->l4 + from, len);
	out->len = out->l4 + len;
}
