/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rounds.h"

/* Below this the floor is noise, and a ratio to it would be too. */
#define FLOOR_LEAST_NS 1.0

static const char *const names[] = {"empty program", "encapsulation floor", "mtlb", "other build"};

struct series {
	double *ns[CONTESTANTS]; /* by round */
	double *scratch;
	uint32_t n;
};

static struct answer expected(enum contestant c, const struct scenario *s)
{
	switch (c) {
	case CONTESTANT_EMPTY:
		return (struct answer){XDP_TX, WRAP_PACKET_LEN};
	case CONTESTANT_FLOOR:
		return (struct answer){XDP_TX, scenario_floor_len(s)};
	default:
		return (struct answer){s->is_passed ? XDP_PASS : XDP_TX, scenario_len_after(s)};
	}
}

static int run(const struct plan *p, const struct scenario *s, enum contestant c, uint32_t packets,
	       double *ns)
{
	struct answer want = expected(c, s), got = want;
	int err = meter_run(p->meter, p->fds[c], packets, &got, ns);

	if (err == -EPROTO)
		fprintf(stderr, "bench: %s: %s answered verdict %u with %u bytes, not %u with %u\n",
			s->name, names[c], got.verdict, got.len, want.verdict, want.len);
	else if (err)
		fprintf(stderr, "bench: %s: %s: %s\n", s->name, names[c], strerror(-err));
	return err;
}

/*
 * Every flow twice, so that what has to be in a table or a cache is; and no packet went another
 * way than it should.
 */
static int warm(const struct plan *p, const struct scenario *s, enum contestant c)
{
	uint32_t packets = 2 * (uint32_t)(s->flows ? s->flows : p->packets);
	uint64_t before, after;
	double unused;
	int err = world_count(p->world, !s->is_passed, &before);

	if (!err)
		err = run(p, s, c, packets, &unused);
	if (!err)
		err = world_count(p->world, !s->is_passed, &after);
	if (err || after - before == packets + 1)
		return err;
	fprintf(stderr, "bench: %s: %s: %llu packets were %s, not %u\n", s->name, names[c],
		(unsigned long long)(after - before), s->is_passed ? "passed" : "forwarded",
		packets + 1);
	return -EPROTO;
}

/* The order alternates, so that nobody always runs behind the same neighbour. */
static int run_round(const struct plan *p, const struct scenario *s, uint32_t round,
		     struct series *out)
{
	for (uint32_t i = 0; i < CONTESTANTS; i++) {
		uint32_t c = round & 1 ? CONTESTANTS - 1 - i : i;

		if (p->fds[c] < 0)
			continue;
		int err = run(p, s, c, p->packets, &out->ns[c][round]);

		if (err)
			return err;
	}
	return 0;
}

static double difference(const struct series *s, enum contestant a, enum contestant b, double q)
{
	for (uint32_t i = 0; i < s->n; i++)
		s->scratch[i] = s->ns[a][i] - s->ns[b][i];
	return quantile(s->scratch, s->n, q);
}

static double plain(const struct series *s, enum contestant c, double q)
{
	memcpy(s->scratch, s->ns[c], s->n * sizeof(double));
	return quantile(s->scratch, s->n, q);
}

static void sum_up(const struct series *s, bool has_other, struct result *out)
{
	struct result r = {0};

	r.ns = difference(s, CONTESTANT_MTLB, CONTESTANT_EMPTY, 0.5);
	r.p10 = difference(s, CONTESTANT_MTLB, CONTESTANT_EMPTY, 0.1);
	r.p90 = difference(s, CONTESTANT_MTLB, CONTESTANT_EMPTY, 0.9);
	r.floor_ns = difference(s, CONTESTANT_FLOOR, CONTESTANT_EMPTY, 0.5);
	r.ratio = r.ns / (r.floor_ns > FLOOR_LEAST_NS ? r.floor_ns : FLOOR_LEAST_NS);
	r.quiet_ns = plain(s, CONTESTANT_MTLB, 0.05) - plain(s, CONTESTANT_EMPTY, 0.05);
	if (has_other) {
		r.other_ns = difference(s, CONTESTANT_OTHER, CONTESTANT_EMPTY, 0.5);
		r.slower = difference(s, CONTESTANT_OTHER, CONTESTANT_MTLB, 0.5);
		r.slower_p10 = difference(s, CONTESTANT_OTHER, CONTESTANT_MTLB, 0.1);
		r.slower_p90 = difference(s, CONTESTANT_OTHER, CONTESTANT_MTLB, 0.9);
	}
	*out = r;
}

static int measure(const struct plan *p, const struct scenario *s, struct series *series)
{
	int err = 0;

	scenario_prepare(s, p->meter->state);
	for (int c = CONTESTANT_MTLB; c < CONTESTANTS && !err; c++)
		if (p->fds[c] >= 0)
			err = warm(p, s, c);
	for (uint32_t round = 0; round < p->rounds && !err; round++)
		err = run_round(p, s, round, series);
	return err;
}

int rounds_measure(const struct plan *p, const struct scenario *s, struct result *out)
{
	double *memory = calloc(CONTESTANTS + 1, p->rounds * sizeof(*memory));
	struct series series = {.n = p->rounds};

	if (!memory)
		return -ENOMEM;
	for (uint32_t c = 0; c < CONTESTANTS; c++)
		series.ns[c] = memory + c * p->rounds;
	series.scratch = memory + CONTESTANTS * p->rounds;
	int err = measure(p, s, &series);

	if (!err)
		sum_up(&series, p->fds[CONTESTANT_OTHER] >= 0, out);
	free(memory);
	return err;
}
