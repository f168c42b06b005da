/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Times XDP programs behind the wrapper of wrap.bpf.c, and sums up what many rounds said. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_wrap;
struct wrap_state;

struct meter {
	struct bench_wrap *wrap;
	struct wrap_state *state;    /* packet and flows of the next runs: the caller's to set */
	uint32_t ifindex;            /* where packets claim to come from */
};

/* What a run of a program must answer, checked on its last packet. */
struct answer {
	uint32_t verdict;            /* XDP_* */
	uint32_t len;                /* of the packet afterwards */
};

/* Loads the wrapper and attaches it to the interface. -errno. meter_close() takes it away. */
int meter_open(struct meter *m, uint32_t ifindex);
void meter_close(struct meter *m);
int meter_empty_fd(const struct meter *m);
int meter_floor_fd(const struct meter *m);

/*
 * Runs the program on so many packets of the flows set in m->state, next ones first. *ns: time per
 * packet, wrapper included. -EPROTO: another answer than the expected one, which is then in *a. Or
 * the kernel's error.
 */
int meter_run(struct meter *m, int program_fd, uint32_t packets, struct answer *a, double *ns);

/* Quantile q (0 to 1) of n values, which it sorts. n is not 0. */
double quantile(double *values, size_t n, double q);
