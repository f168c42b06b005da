/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One packet for the natively built data plane, in memory that faults, or is poisoned, right behind it. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	NATIVE_PACKET_MAX = 4096, /* bytes in the first buffer */
	NATIVE_HEADROOM_MAX = 256,
};

struct native_packet {
	uint8_t bytes[NATIVE_PACKET_MAX]; /* as it came in */
	uint32_t len;                     /* of those */
	uint32_t more;                    /* bytes in other buffers */
	uint32_t headroom;
	uint32_t ifindex;
};

/* What became of it. */
struct native_result {
	int verdict;         /* XDP_* */
	const uint8_t *data; /* what is in the first buffer now; valid until the next run */
	uint32_t len, more;
	bool is_redirected;
};

/* Once. */
void native_packet_open(void);

/* now_ns: the clock. Aborts where something outside the packet was written. */
void native_packet_run(const struct native_packet *p, uint64_t now_ns, bool is_trace,
		       struct native_result *r);

/* Where the IP header begins, behind up to two tags, and how long it says that its packet is. It may be cut off. */
uint32_t native_packet_l3(const struct native_packet *p);
uint32_t native_packet_ip_len(const struct native_packet *p, uint32_t l3);
