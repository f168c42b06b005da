/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random configurations, packets and changes: all that happens to both sides. */
#pragma once

#include "fuzz/oracle.h"
#include "fuzz/random.h"

enum {
	GEN_CLIENTS = 6, /* of each family */
	GEN_PACKET_MAX = 66000,
};

struct gen_packet {
	uint32_t ifindex;
	uint32_t meta; /* bytes of metadata before it: they eat headroom */
	uint32_t len;
	uint8_t bytes[ORACLE_PACKET_MAX];
};

/* A world without flows. in, out: ifindexes. */
void gen_world(struct random *r, struct oracle_world *w, uint32_t in, uint32_t out);
/* A packet, mostly for one of its VIPs. */
void gen_packet(struct random *r, const struct oracle_world *w, uint32_t in, uint32_t out,
		struct gen_packet *p);

/* What changes between two packets; at most one field is set. */
struct gen_event {
	enum {
		GEN_NOTHING,
		GEN_AGE,   /* flow's tick goes back by ticks */
		GEN_STATE, /* backend's state is set in the world */
		GEN_FLAGS, /* VIP's flags are set in the world */
		GEN_COUNT, /* backend's load is set in the world */
	} kind;
	uint32_t index, way, ticks;
};

/* Changes the world, and says what the maps must change. */
struct gen_event gen_event(struct random *r, struct oracle_world *w, uint64_t now);

/* Layers of a packet, each written at `at` of b; the return value is where the next one begins. */
struct gen_ip {
	bool is_v6;
	const uint8_t *source, *destination; /* 16 bytes, IPv4 mapped */
	uint8_t protocol;
	bool is_fragment;
	uint32_t offset, id;
	bool has_more;
};
uint32_t gen_ip(struct random *r, uint8_t *b, uint32_t at, const struct gen_ip *ip);
/* Sets the IP packet's length, now that it is known. */
void gen_ip_end(uint8_t *b, uint32_t at, uint32_t end);
uint32_t gen_l4(struct random *r, uint8_t *b, uint32_t at, uint8_t protocol, uint16_t sport,
		uint16_t dport, const struct oracle_world *w, const struct oracle_vip *vip);
void gen_udp_end(uint8_t *b, uint32_t at, uint32_t end);
uint32_t gen_payload(struct random *r, uint8_t *b, uint32_t at, uint32_t len);
/* Damages what has been built. */
void gen_damage(struct random *r, struct gen_packet *p, uint32_t l3);
