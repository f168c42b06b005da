/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets for tests: built from a few facts, with correct lengths and checksums; independent of
 * the code under test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	PACKET_MAX = 3072,
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_ACK = 0x10,
};

struct packet {
	uint32_t len;
	uint32_t l3, l4;             /* offsets of the IP and the TCP or UDP header */
	uint8_t bytes[PACKET_MAX];
};

/* What is zero is left out or has the default in brackets. */
struct packet_spec {
	const char *from, *to;       /* IPv4 or IPv6 text, both the same family [198.51.100.7, 203.0.113.10] */
	uint16_t from_port, to_port; /* [40000, 443] */
	uint8_t protocol;            /* [IPPROTO_TCP]; neither TCP nor UDP: 8 bytes of anything */
	uint8_t flags;               /* TCP [PACKET_ACK] */
	uint8_t n_tags;              /* 802.1Q tags: 0 to 3; the outer of several is 802.1ad */
	uint16_t vlan[3];            /* the whole TCI of each tag */
	uint16_t payload;            /* bytes behind the TCP or UDP header */
	uint8_t ip_options;          /* bytes, a multiple of 4; IPv4 only */
	uint16_t padding;            /* bytes behind the IP packet */
};

/* Ethernet source and destination of every packet built here. */
extern const uint8_t packet_router_mac[6], packet_node_mac[6];

/* Builds p from s. */
void packet_build(struct packet *p, const struct packet_spec *s);

/* The address text as 16 bytes, IPv4 mapped; true: it is IPv4. */
bool packet_address(const char *text, uint8_t address[16]);

/* Sets and reads big-endian 16-bit fields. */
void packet_put16(uint8_t *at, uint16_t value);
uint16_t packet_get16(const uint8_t *at);

/*
 * RFC 1071 checksum of len bytes, starting from a partial sum; 0 over data that carries its own
 * checksum.
 */
uint16_t packet_checksum(const uint8_t *at, uint32_t len, uint32_t sum);

/* Recomputes the IPv4 header checksum at p->l3 after a test has bent a field. */
void packet_fix_ipv4(struct packet *p);

struct packet_tunnel {
	const char *from, *to;       /* outer addresses, IPv4 or IPv6 */
	bool is_vxlan;
	uint32_t vni;
	uint16_t udp_port;           /* VXLAN: destination */
	uint16_t entropy_port;       /* VXLAN: source */
	uint32_t flow_label;         /* IPv6 */
	uint8_t inner_mac[6];        /* VXLAN: inner destination */
	uint8_t l2_len;              /* Ethernet header with tags that the result begins with */
	uint8_t l2[24];
};

/* out: the IP packet of in, without what pads it, behind the headers that t describes. */
void packet_encapsulate(struct packet *out, const struct packet *in, const struct packet_tunnel *t);
