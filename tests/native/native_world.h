/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The world in which the natively built data plane is fuzzed: a few tenants, whose VIPs differ by port. Each kind of
 * VIP exists for TCP, UDP and SCTP, over IPv4 and IPv6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	WORLD_VIP_BACKENDS =
		8,       /* of VIP i: 8 * i and on; the n-th has the n-th kind of encapsulation */
	WORLD_PORT = 80, /* of the VIP with id 0 */
	WORLD_MTU = 1500,
	WORLD_MTU_SHORT = 700,    /* of the second backend of each VIP */
	WORLD_RANGE_FIRST = 8000, /* 100 ports each: the ranges of tenants 1 and 3 */
	WORLD_TICK = 1000,        /* when the world begins */
};

/* Ids of the VIPs; the port is WORLD_PORT + id. */
enum world_vip {
	WORLD_MAGLEV,
	WORLD_MAGLEV_MOVING,
	WORLD_MAGLEV_LEARNING,
	WORLD_SOURCE,
	WORLD_SOURCE_MOVING,
	WORLD_ROUND_ROBIN,
	WORLD_ROUND_ROBIN_LEARNING,
	WORLD_LEAST,
	WORLD_LEAST_SAMPLED, /* more backends than all are looked at */
	WORLD_LEAST_LEARNING,
	WORLD_EMPTY,
	WORLD_WAS_SOURCE, /* maglev, before by the client's address */
	WORLD_QUIC,
	WORLD_QUIC_ROUND_ROBIN,
	WORLD_RANGE, /* first of many ports */
	WORLD_SMALL, /* maglev, a ring of four slots */
	/* the maps contradict each other */
	WORLD_NO_RING,     /* the ring is beyond its map */
	WORLD_NO_IDS,      /* slots index what is beyond the map */
	WORLD_NO_PREVIOUS, /* previous owners are beyond the map */
	WORLD_NO_BACKEND,  /* ids name no backend */
	WORLD_ROUND_ROBIN_NO_RING,
	WORLD_TURNLESS, /* round-robin, an id beyond turns: VIP 100 */
	WORLD_VIPS,
};

enum world_segment {                /* of interface 1 but the last */
	WORLD_VLAN_2 = 100,         /* tenant 2: one bucket, drops other ports */
	WORLD_VLAN_3 = 101,         /* tenant 3: a large table, may not answer */
	WORLD_VLAN_3_INNER = 200,   /* within WORLD_VLAN_2: tenant 3, too */
	WORLD_VLAN_2_INNER = 201,   /* within WORLD_VLAN_2: tenant 2 */
	WORLD_VLAN_SUSPENDED = 102, /* a tenant without table */
	WORLD_VLAN_UNKNOWN = 103,   /* a tenant that is not in its map */
	WORLD_VLAN_DEAD = 104,      /* a removed segment */
	WORLD_VLAN_CROWDED = 105,   /* no segment, and eight removed ones where it would be */
	WORLD_VLAN_SMALL = 106,     /* tenant 4: its flow range is beyond the map */
	/* interface 2: tenant 1, with a next hop of its own; interface 3: shared, too */
};

/* Addresses: the VIPs', one that no VIP has, the client's, one whose VIP has no ranges nor echo. */
extern const uint8_t world_address[2][16], world_other[2][16], world_client[2][16];
extern const uint8_t world_quiet[2][16], world_crowded[16];

/* Server ids of WORLD_QUIC's backends: server_id_len bytes of value 0xa0 + n name backend n of the VIP. */
enum {
	WORLD_QUIC_SHIFT = 5,      /* configurations 0 to 7 in the three highest bits */
	WORLD_QUIC_SERVER_LEN = 4, /* of configuration 1 */
	WORLD_QUIC_ID_LEN = 8,
	WORLD_QUIC_SERVER_LONG = 15, /* of configuration 2 */
	WORLD_QUIC_ID_LONG = 20,
};

/* Writes it into the maps, which are empty; once. */
void world_make(void);
