// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The bytes of a packet. */
#include "cli/packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

enum {
	TTL = 64,
	IPV4_DF = 0x4000,
	CHUNK_INIT = 1,
	CHUNK_DATA = 0,
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The 16-bit words of RFC 1071, added to sum; an odd byte is the high half of its word. */
static uint32_t add_words(const uint8_t *at, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool is_ipv4(const struct packet_spec *s)
{
	return addr_is_ipv4(&s->source);
}

/*
 * RFC 9293 3.1, RFC 8200 8.1: the same sum for both families, as IPv4's shorter fields hold the
 * same words.
 */
static uint32_t pseudo_header(const struct packet_spec *s, uint32_t len)
{
	size_t skip = is_ipv4(s) ? 12 : 0;
	uint32_t sum = add_words(s->source.bytes + skip, 16 - skip, s->protocol);

	return add_words(s->destination.bytes + skip, 16 - skip, sum + len);
}

/* CRC32c, RFC 9260 appendix A: reflected, and its lowest byte first on the wire. */
static void put_crc32c(uint8_t *to, const uint8_t *at, size_t len)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(crc >> 8 * i);
}

/* ---- layer 4: over len bytes that are zero ---- */
static void build_tcp(const struct packet_spec *s, uint8_t *l4, uint32_t len)
{
	l4[7] = 1; /* sequence number */
	l4[12] = 5 << 4;
	l4[13] = s->flags;
	put16(l4 + 14, 0xffff);
	put16(l4 + 16, fold(add_words(l4, len, pseudo_header(s, len))));
}

static void build_udp(const struct packet_spec *s, uint8_t *l4, uint32_t len)
{
	put16(l4 + 4, len);
	uint16_t check = fold(add_words(l4, len, pseudo_header(s, len)));
	put16(l4 + 6, check ? check : 0xffff); /* 0 would mean: none */
}

static void build_sctp(const struct packet_spec *s, uint8_t *l4, uint32_t len)
{
	uint8_t *chunk = l4 + 12;

	l4[7] = s->chunk == CHUNK_INIT ? 0 : 1; /* verification tag */
	chunk[0] = s->chunk;
	chunk[1] = s->chunk == CHUNK_DATA ? 3 : 0; /* a whole message */
	put16(chunk + 2, len - 12);
	if (s->chunk == CHUNK_INIT) {
		put16(chunk + 2, 20); /* what follows is padding */
		chunk[7] = 1;
		put16(chunk + 10, 0xffff);
		chunk[13] = chunk[15] = 1; /* a stream each way */
		chunk[19] = 1;
	}
	put_crc32c(l4 + 8, l4, len);
}

static void build_echo(const struct packet_spec *s, uint8_t *l4, uint32_t len)
{
	bool is_v6 = s->protocol == IPPROTO_ICMPV6;

	l4[0] = is_v6 ? 128 : 8;
	l4[5] = l4[7] = 1; /* identifier, sequence number */
	put16(l4 + 2, fold(add_words(l4, len, is_v6 ? pseudo_header(s, len) : 0)));
}

static void build_l4(const struct packet_spec *s, uint8_t *l4, uint32_t len)
{
	bool has_ports = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP ||
			 s->protocol == IPPROTO_SCTP;

	if (has_ports) {
		put16(l4, s->source_port);
		put16(l4 + 2, s->destination_port);
	}
	if (s->protocol == IPPROTO_TCP)
		build_tcp(s, l4, len);
	else if (s->protocol == IPPROTO_UDP)
		build_udp(s, l4, len);
	else if (s->protocol == IPPROTO_SCTP)
		build_sctp(s, l4, len);
	else if (s->protocol == IPPROTO_ICMP || s->protocol == IPPROTO_ICMPV6)
		build_echo(s, l4, len);
}

static uint32_t shortest_l4(const struct packet_spec *s)
{
	if (s->protocol == IPPROTO_TCP)
		return 20;
	if (s->protocol == IPPROTO_SCTP) /* the common header, and the chunk with its parameters */
		return 12 + (s->chunk == CHUNK_INIT || s->chunk == CHUNK_DATA ? 20 : 4);
	return 8;
}

uint32_t packet_shortest(const struct packet_spec *s)
{
	return (is_ipv4(s) ? 20 : 40) + shortest_l4(s);
}

/* ---- the layers below ---- */
static uint8_t *build_ethernet(const struct packet_spec *s, uint8_t *at)
{
	static const uint8_t addresses[12] = {0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01};

	memcpy(at, addresses, sizeof(addresses));
	at += sizeof(addresses);
	if (s->vlan) {
		put16(at, s->inner_vlan ? ETH_P_8021AD : ETH_P_8021Q);
		put16(at + 2, s->vlan);
		at += 4;
	}
	if (s->inner_vlan) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, s->inner_vlan);
		at += 4;
	}
	put16(at, is_ipv4(s) ? ETH_P_IP : ETH_P_IPV6);
	return at + 2;
}

static uint8_t *build_ip(const struct packet_spec *s, uint8_t *ip, uint32_t length)
{
	if (!is_ipv4(s)) {
		ip[0] = 0x60;
		put16(ip + 4, length - 40);
		ip[6] = s->protocol;
		ip[7] = TTL;
		memcpy(ip + 8, s->source.bytes, 16);
		memcpy(ip + 24, s->destination.bytes, 16);
		return ip + 40;
	}
	ip[0] = 0x45;
	put16(ip + 2, length);
	put16(ip + 6, IPV4_DF);
	ip[8] = TTL;
	ip[9] = s->protocol;
	memcpy(ip + 12, s->source.bytes + 12, 4);
	memcpy(ip + 16, s->destination.bytes + 12, 4);
	put16(ip + 10, fold(add_words(ip, 20, 0)));
	return ip + 20;
}

size_t packet_build(const struct packet_spec *s, uint8_t *frame)
{
	uint32_t length = s->length ? s->length : packet_shortest(s);

	memset(frame, 0, FRAME_MAX);
	uint8_t *ip = build_ethernet(s, frame);
	uint8_t *l4 = build_ip(s, ip, length);
	build_l4(s, l4, length - (uint32_t)(l4 - ip));
	return (size_t)(ip - frame) + length;
}
