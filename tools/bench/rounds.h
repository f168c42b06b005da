/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One scenario measured: all programs in turn, many rounds, and what the differences say. */
#pragma once

#include "measure.h"
#include "scenario.h"
#include "world.h"

enum contestant {
	CONTESTANT_EMPTY,
	CONTESTANT_FLOOR,
	CONTESTANT_MTLB,
	CONTESTANT_OTHER,            /* --compare */
	CONTESTANTS,
};

struct plan {
	struct meter *meter;
	struct world *world;
	uint32_t rounds, packets;    /* packets: per program and round */
	int fds[CONTESTANTS];        /* -1: does not take part */
};

/* Nanoseconds per packet, net of the empty program's in the same round; medians but where said. */
struct result {
	double ns, floor_ns, ratio;
	double p10, p90;             /* of ns, over the rounds */
	double quiet_ns;             /* difference of the 5th percentiles */
	double other_ns;
	double slower, slower_p10, slower_p90; /* other minus ns, in the same round */
};

/*
 * -errno, told on standard error; -EPROTO: a program did not do with the packets what the scenario
 * says, so that no figure would mean anything.
 */
int rounds_measure(const struct plan *p, const struct scenario *s, struct result *out);
