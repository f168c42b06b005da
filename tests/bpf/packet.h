/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets for tests: built from a few facts, with correct lengths and checksums; independent of
 * the code under test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	PACKET_MAX = 9600,
	PACKET_EXTENSIONS_MAX = 8,
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_ACK = 0x10,
	PACKET_DATA = 0, /* SCTP chunk types, RFC 9260 3.2 */
	PACKET_INIT = 1,
	PACKET_ABORT = 6,
	PACKET_SHUTDOWN_COMPLETE = 14,
};

struct packet {
	uint32_t len;
	uint32_t l3, l4;  /* offsets of the IP and the L4 header */
	uint8_t protocol; /* at l4; of a later fragment, which has no header there: 0 */
	uint8_t bytes[PACKET_MAX];
};

struct packet_extension {
	uint8_t protocol; /* 0, 43, 60: options or routes; 51: authentication; 44: an atomic fragment */
	uint8_t len;      /* as its length field says; of 44: 0 */
};

/* What is zero is left out or has the default in brackets. */
struct packet_spec {
	const char *from,
		*to; /* IPv4 or IPv6 text, both the same family [198.51.100.7, 203.0.113.10] */
	uint16_t from_port, to_port; /* [40000, 443] */
	uint8_t protocol; /* [IPPROTO_TCP]; not TCP, UDP, SCTP, ICMP: 8 bytes of anything */
	uint8_t flags;    /* TCP [PACKET_ACK] */
	uint8_t chunk;    /* SCTP: type of the first one [PACKET_DATA] */
	uint8_t icmp_type, icmp_code;
	uint8_t tos;          /* TOS, traffic class */
	bool may_fragment;    /* IPv4: DF is clear */
	uint8_t n_tags;       /* 802.1Q tags: 0 to 3; the outer of several is 802.1ad */
	uint16_t vlan[3];     /* the whole TCI of each tag */
	uint16_t payload;     /* bytes behind the L4 header (SCTP: and one chunk's) */
	const uint8_t *data;  /* what these bytes are [a pattern] */
	uint8_t ip_options;   /* bytes, a multiple of 4; IPv4 only */
	uint8_t n_extensions; /* IPv6 only */
	struct packet_extension extensions[PACKET_EXTENSIONS_MAX];
	uint16_t padding; /* bytes behind the IP packet */
};

/* Ethernet source and destination of every packet built here. */
extern const uint8_t packet_router_mac[6], packet_node_mac[6];

/* Builds p from s. */
void packet_build(struct packet *p, const struct packet_spec *s);

/*
 * An ICMP error (type and code of s, its protocol ICMP or ICMPv6) about the IP packet in about, cut to
 * len bytes.
 */
void packet_build_error(struct packet *p, const struct packet_spec *s, const struct packet *about,
			uint32_t len);

/*
 * out: the fragment of whole (no fragment itself) with len bytes from offset from on, counted from
 * whole's L4 header. The last one ends where whole ends. id: of IPv4 its low 16 bits.
 */
void packet_fragment(struct packet *out, const struct packet *whole, uint32_t from, uint32_t len,
		     uint32_t id);

/* The address text as 16 bytes, IPv4 mapped; true: it is IPv4. */
bool packet_address(const char *text, uint8_t address[16]);
bool packet_is_ipv4(const struct packet *p);

/* Length of the IP packet by its own header. */
uint32_t packet_ip_len(const struct packet *p);

/* Sets and reads big-endian 16-bit fields. */
void packet_put16(uint8_t *at, uint16_t value);
uint16_t packet_get16(const uint8_t *at);

/*
 * RFC 1071 checksum of len bytes, starting from a partial sum; 0 over data that carries its own
 * checksum.
 */
uint16_t packet_checksum(const uint8_t *at, uint32_t len, uint32_t sum);

/* The same of TCP, UDP, ICMPv6: with the pseudo header of the addresses of the IP header at ip. */
uint16_t packet_l4_checksum(const uint8_t *ip, const uint8_t *l4, uint32_t len, uint8_t protocol);

/* Recomputes the IPv4 header checksum at p->l3 after a test has bent a field. */
void packet_fix_ipv4(struct packet *p);

/* Writes an IPv4 (with DF) or IPv6 header, TTL 64, before payload bytes. Returns its length. */
uint32_t packet_put_ip(uint8_t *at, const char *from, const char *to, uint8_t protocol, uint8_t tos,
		       uint32_t options, uint32_t payload);
