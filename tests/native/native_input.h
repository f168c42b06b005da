/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the fuzzer's input means: a list of steps, each of four bytes (and with PACKET the packet's), done in order on
 * the world of native_world.h. What is left over at the end is a packet cut short.
 */
#pragma once

#include <stdint.h>

enum native_op {     /* of the first byte, modulo STEP_OPS */
	STEP_PACKET, /* arg: as ENV; len bytes follow: run them */
	STEP_AGAIN,  /* the packet before, with its byte at len set to arg */
	STEP_CUT,    /* the packet before, cut to its first len bytes */
	STEP_ENV,    /* arg: ENV_*; len: bytes in other buffers, where it says so */
	STEP_CLOCK,  /* the clock goes on by len ticks */
	STEP_STATE,  /* backend len % 256 gets state arg % 6 */
	STEP_WORD,   /* VIP arg gets the bits of len as its flags (moving, learning, empty) */
	STEP_ENCAP,  /* backend arg: high byte of len names the field, the low one is its value */
	STEP_SHRINK, /* map (or table) arg has only the first len elements */
	STEP_FILL, /* the bucket arg of the flow table gets four entries, in the states of len's digits */
	STEP_OPS,
};

struct native_step {
	uint8_t op, arg;
	uint16_t len; /* little endian */
};

enum {
	ENV_IFINDEX = 0x03,  /* interface 1 to 4 */
	ENV_HEADROOM = 0x0c, /* 256, 0, 24 or 60 bytes before the packet */
	ENV_TRACE = 0x10,    /* ask mtlb_trace first, and compare */
	ENV_BUFFERS = 0x20,  /* there are more buffers than the one with the packet's bytes */
};

enum native_encap_field {
	FIELD_KIND,
	FIELD_FLAGS,
	FIELD_L2_LEN,
	FIELD_OUTER_LEN,
	FIELD_IFINDEX,
	FIELD_MTU, /* 16 times the value */
	FIELD_VARIANT,
	FIELD_WEIGHT,
	FIELD_LOAD,
	FIELDS,
};
