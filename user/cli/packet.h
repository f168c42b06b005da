/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet from a few facts, as `mtlbctl trace` sends it through the data plane. */
#pragma once

#include "core/addr.h"
#include "core/frame.h"
#include "util/report.h"

enum {
	PACKET_SOURCE_PORT = 40000, /* where --src names none */
	PACKET_IP_MAX = 65535,
};

struct packet_spec {
	struct addr source, destination; /* of one family */
	uint16_t source_port, destination_port;
	uint8_t protocol;          /* IPPROTO_ICMP or IPPROTO_ICMPV6: an echo request */
	uint8_t flags;             /* TCP */
	uint8_t chunk;             /* SCTP: type of the only chunk */
	uint16_t vlan, inner_vlan; /* 0: none */
	uint32_t length;           /* of the IP packet; 0: as short as it can be */
};

/* What was typed; NULL: not given. */
struct packet_words {
	const char *source, *destination, *protocol, *flags, *vlan, *length;
};

/*
 * "198.51.100.7:40000", "[2001:db8::1]:443", "2001:db8::1"; "tcp", "udp", "sctp", "icmp", "47";
 * "syn,ack", of SCTP "init"; "100", "100.7"; "1400". -EINVAL with a line in r for each mistake, and
 * *out untouched.
 */
int packet_read(const struct packet_words *w, struct packet_spec *out, struct report *r);

/* The shortest IP packet that holds all headers. */
uint32_t packet_shortest(const struct packet_spec *s);

/*
 * The frame, with correct lengths and checksums; a payload of zeros. frame: FRAME_MAX bytes.
 * Returns its length.
 */
size_t packet_build(const struct packet_spec *s, uint8_t *frame);
