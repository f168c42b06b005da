/* SPDX-License-Identifier: GPL-2.0-only */
/* What the wrapper program and the bench that drives it share. */
#pragma once

#include <linux/types.h>

enum {
	WRAP_PACKET_WORDS = 12,      /* 96 bytes: all headers of a scenario, some payload */
	WRAP_PACKET_LEN = WRAP_PACKET_WORDS * 8,
	WRAP_OFFSET_MAX = 63,        /* offsets below */
	WRAP_FLOW_BITS = 39,         /* 24 bits of the source address, 15 of the source port */
};

struct wrap_state {
	__u64 packet[WRAP_PACKET_WORDS]; /* as each run begins */
	__u32 source_at;             /* offset of the last four bytes of the source address */
	__u32 ports_at;              /* offset of the source port */
	__u32 destination_at;        /* offset of the last two bytes of the destination address */
	__u32 destinations;          /* spread over so many addresses from 0 up; 0: as in packet */
	__u64 first, end, next;      /* flow numbers: next cycles from first to end - 1 */
	__u64 run;                   /* runs so far */
	__u64 last;                  /* run of the second time stamp; 0 has the first */
	__u64 started_ns, ended_ns;
	__u64 fence;
};
