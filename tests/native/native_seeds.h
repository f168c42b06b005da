/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What both files of seeds use. */
#pragma once

#include <linux/if_ether.h>

#include "native_build.h"
#include "native_input.h"
#include "native_world.h"

enum {
	TCP = 6,
	UDP = 17,
	SCTP = 132,
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	ACK = 0x10,
	CLIENT = 40000, /* port */
	TRACED = ENV_TRACE,
	NO_HEADROOM = TRACED | 1 << 2,
	LITTLE_HEADROOM = TRACED | 2 << 2,
	SOME_HEADROOM = TRACED | 3 << 2,
	BUFFERS = TRACED | ENV_BUFFERS,
};

/* Up to the IP header, from the client to the VIPs' address; vlan 0: none. */
void seed_begin(struct build *b, bool is_ipv6, uint16_t vlan);
void seed_whole(struct build *b, bool is_ipv6, uint16_t vlan, uint8_t protocol, uint16_t from,
		uint16_t port, uint32_t payload);

/* A file with the packet; with it, then the same with its byte at set to value; with it cut at each length. */
void seed_one(const char *name, const struct build *b);
void seed_bend(const char *name, const struct build *b, uint32_t at, uint8_t value);
void seed_cuts(const char *name, const struct build *b);

/* ICMP, fragments, QUIC, encapsulation, maps that contradict each other. */
void seed_special(void);
