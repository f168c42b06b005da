/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is measured: a kind of packet, how many flows, and what must become of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wrap.h"

struct scenario {
	const char *name;            /* as in bench.json */
	const char *to;              /* destination address; its family is the packet's */
	uint8_t protocol;            /* port 443 */
	uint8_t tcp_flags;
	uint16_t vlan;               /* 0: untagged */
	uint32_t destinations;       /* spread over so many, from to upwards; 0: just one */
	uint64_t flows;              /* so many, in turn; 0: never the same again */
	bool is_passed;              /* not for a VIP; otherwise it is forwarded */
	uint32_t outer_len;          /* bytes that the outer headers add */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;

/* Sets packet and flows of the wrapper. */
void scenario_prepare(const struct scenario *s, struct wrap_state *state);
/* Length of the packet after mtlb, and after the encapsulation floor. */
uint32_t scenario_len_after(const struct scenario *s);
uint32_t scenario_floor_len(const struct scenario *s);
