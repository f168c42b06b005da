/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The outermost headers of an Ethernet frame, for people: what a packet is, and where it goes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

enum {
	FRAME_MIN = 14,
	FRAME_MAX = 65535 + 22, /* the longest IP packet behind Ethernet and two tags */
	FRAME_TEXT = 192,
};

struct frame {
	uint16_t vlan, inner_vlan; /* as the data plane reads them: 0: none */
	uint16_t ethertype;        /* behind the tags; host order */
	bool is_ip;                /* the IP header is there: what follows is set */
	struct addr source, destination;
	uint8_t protocol;  /* IPv6: behind up to 6 extension headers, as far as they are there */
	bool is_fragment;  /* of several, so no atomic one */
	uint16_t fragment; /* its offset in bytes */
	bool has_ports;    /* TCP, UDP or SCTP: */
	uint16_t source_port, destination_port;
	uint8_t flags; /* TCP */
	uint8_t type;  /* ICMP, and the first chunk of SCTP; only with has_type */
	bool has_type;
};

/* Reads as far as the frame goes; what is not there is zero. */
void frame_read(const uint8_t *bytes, size_t len, struct frame *out);

/*
 * "tcp 192.0.2.1:40000 > 203.0.113.10:443 syn", "arp", "ethertype 0x88cc"; text: FRAME_TEXT bytes.
 * Returns text.
 */
const char *frame_print(const struct frame *f, char *text);

/* "tcp", "udp", "sctp", "icmp", "icmp6"; NULL: it has no name here. */
const char *frame_protocol_name(uint8_t protocol);
/* The reverse; 0: no such name. */
uint8_t frame_protocol(const char *name);

/* TCP flags, by bit: "fin", "syn", ...; NULL from bit 8 on. */
const char *frame_flag_name(unsigned int bit);
