/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets and inputs for the seeds of native.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	BUILD_MAX = 3600
};

struct build { /* a packet, from the front to the back */
	uint32_t len;
	uint32_t l3, l4; /* where those headers begin */
	uint32_t next;   /* where the next protocol is to be written */
	bool is_ipv6;
	uint8_t bytes[BUILD_MAX];
};

void build_ethernet(struct build *b);
void build_tag(struct build *b, uint16_t tci, uint16_t ethertype);
/* Writes the header's protocol into the header before it, too. */
void build_ip(struct build *b, bool is_ipv6, const uint8_t *from, const uint8_t *to);
void build_extension(struct build *b, uint8_t protocol, uint32_t len);
/* offset: in units of 8 bytes. IPv4: in the header that is there. */
void build_fragment(struct build *b, uint32_t id, uint16_t offset, bool has_more);
void build_l4(struct build *b, uint8_t protocol, uint16_t from, uint16_t to);
void build_icmp(struct build *b, uint8_t type, uint8_t code);
void build_bytes(struct build *b, uint8_t value, uint32_t n);
void build_copy(struct build *b, const uint8_t *bytes, uint32_t n);
/* Lengths of IP and UDP, as they are now. */
void build_end(struct build *b);

/* Inputs: a file each, in the directory. */
void build_open(const char *directory);
void build_begin(const char *name);
void build_step(uint8_t op, uint8_t arg, uint16_t len);
void build_packet(const struct build *b, uint8_t env);
/* Returns how many files there are. */
uint32_t build_finish(void);
