/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What encapsulated packets look like, written from the RFCs: independent of the code under test. */
#pragma once

#include "bpf/packet.h"

enum packet_kind {
	PACKET_IPIP,
	PACKET_GUE,  /* variant 1: nothing behind UDP */
	PACKET_GUE0, /* variant 0 */
	PACKET_FOU,
	PACKET_GRE,
	PACKET_GRE_KEY,
	PACKET_VXLAN,
	PACKET_GENEVE,
	PACKET_GENEVE_ID, /* with the option that names the tenant */
	PACKET_L2,
};

struct packet_tunnel {
	enum packet_kind kind;
	const char *from, *to; /* outer addresses, IPv4 or IPv6 */
	uint32_t vni;          /* VXLAN, Geneve; key of GRE */
	uint32_t tenant_id;    /* Geneve's option */
	uint16_t udp_port;     /* destination */
	uint16_t entropy_port; /* source */
	uint32_t flow_label;   /* IPv6 */
	uint8_t entropy_bits; /* of the source address, its last ones: source_bits has them, from has zeroes */
	uint32_t source_bits;
	bool sets_dscp; /* the outer one is dscp, and not the packet's */
	uint8_t dscp;
	uint8_t inner_mac[6]; /* VXLAN, Geneve: inner destination */
	uint8_t l2_len;       /* Ethernet header with tags that the result begins with */
	uint8_t l2[24];
};

bool tunnel_has_udp(const struct packet_tunnel *t);
bool tunnel_has_ethernet(const struct packet_tunnel *t);

/* Bytes from the outer IP header to the inner one; of l2 none. */
uint32_t tunnel_len(const struct packet_tunnel *t);

/* out: the IP packet of in, without what pads it, behind the headers that t describes. */
void packet_encapsulate(struct packet *out, const struct packet *in, const struct packet_tunnel *t);
