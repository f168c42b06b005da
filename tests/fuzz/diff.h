/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rounds of random worlds and packets, given to both sides. */
#pragma once

#include "fuzz/compare.h"

struct diff_options {
	uint64_t seed;
	uint64_t packets;  /* 0: no limit */
	uint32_t seconds;  /* 0: no limit */
	uint32_t show;     /* go on until so many kinds of differences are shown */
	bool is_verbose;   /* tell how far it is */
	bool is_quiet;     /* show nothing */
	const char *plant; /* an error in what is expected; NULL: none */
};

struct diff_totals {
	uint64_t packets, worlds;
	uint64_t reasons[ORACLE_REASON_END];
	uint32_t differences; /* kinds */
};

/* False: plant names nothing. Ends early at the first difference, or at options->show kinds of them. */
bool diff_run(const struct diff_options *options, struct diff_totals *totals);

/* Prints all that is needed to understand the packet: its world, its bytes. */
void report(const struct oracle_world *before, const struct oracle_world *w,
	    const struct gen_packet *p, const struct oracle_result *r,
	    const struct maps_outcome *o);

/* Changes what the oracle says, or its world. False: no error of the name is known. */
bool plant(const char *name, struct oracle_world *w, struct oracle_result *r);
