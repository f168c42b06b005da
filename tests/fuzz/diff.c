/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz/diff.h"

enum {
	WORLD_PACKETS = 1024,
	EVENT_EVERY = 12,
	COMPARE_ALL_EVERY = 256,
	KINDS_MAX = 256,
	EDGE_NS = 15000000, /* the clock moves in steps of up to 10 ms */
};

struct round {
	const struct diff_options *options;
	struct diff_totals *totals;
	struct maps maps;
	struct compare_counters counters;
	struct oracle_world world, before; /* the packet */
	struct gen_packet packet;
	struct oracle_result expected;
	struct maps_outcome outcome;
	uint64_t number; /* of the world */
	uint32_t at;     /* number of the packet in it */
	struct difference difference;
	char kinds[KINDS_MAX][640];
};

/* ns, of the clock of ticks */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_tick(void)
{
	return now_ns() >> MTLB_TICK_SHIFT;
}

/*
 * Waits while a tick is about to begin, or has just begun: a packet that is answered "too big" reads
 * the clock twice, and what user space reads is ahead of the kernel's for a moment.
 */
static void avoid_edge_of_tick(void)
{
	uint64_t now;

	do {
		now = now_ns();
	} while ((now - EDGE_NS) >> MTLB_TICK_SHIFT != (now + EDGE_NS) >> MTLB_TICK_SHIFT);
}

static bool expect(struct round *r, uint64_t now)
{
	struct compare_counters counters = r->counters;
	struct difference d = {0};
	/* on the heap and of its size, so that a sanitizer sees what is read beyond it */
	uint8_t *bytes = malloc(r->packet.len);

	if (!bytes)
		abort();
	memcpy(bytes, r->packet.bytes, r->packet.len);
	struct oracle_input in = {.bytes = bytes,
				  .len = r->packet.len,
				  .first_len = r->packet.len,
				  .headroom = MAPS_HEADROOM - r->packet.meta,
				  .ifindex = r->packet.ifindex,
				  .now = now};
	if (in.first_len > MAPS_FIRST_BUFFER)
		in.first_len = MAPS_FIRST_BUFFER;
	oracle_packet(&r->world, &in, &r->expected);
	free(bytes);
	if (r->options->plant)
		plant(r->options->plant, &r->world, &r->expected);
	compare_expect(&counters, &r->expected, r->packet.len);
	bool is_same =
		compare_packet(&r->maps, &r->world, &counters, &r->expected, &r->outcome, &d);

	r->counters = counters;
	r->difference = d;
	return is_same;
}

/*
 * The data plane read the clock between these two: when a tick began meanwhile, because this machine
 * stood still, either is right. But only one in all that is compared: packets to two backends may be
 * alike.
 */
static bool compare_run(struct round *r)
{
	avoid_edge_of_tick();
	uint64_t first = now_tick();
	int err = maps_run(&r->maps, &r->packet, &r->outcome);
	uint64_t last = now_tick();

	if (err) {
		fprintf(stderr, "BPF_PROG_RUN of %u bytes, metadata %u: %s\n", r->packet.len,
			r->packet.meta, strerror(-err));
		exit(2);
	}
	if (first == last)
		return expect(r, first);
	struct compare_counters counters = r->counters;

	r->before = r->world;
	for (uint64_t now = first; now < last; now++) {
		if (expect(r, now) &&
		    compare_all(&r->maps, &r->world, &r->counters, &r->difference))
			return true;
		r->world = r->before;
		r->counters = counters;
	}
	return expect(r, last);
}

/* False: something differs. all_every: compare everything after so many packets. */
static bool run_world(struct round *r, uint32_t packets, uint32_t all_every)
{
	struct random random = random_begin(r->options->seed, r->number);

	gen_world(&random, &r->world, r->maps.in, r->maps.out);
	maps_write(&r->maps, &r->world);
	compare_begin(&r->maps, &r->counters);
	for (r->at = 0; r->at < packets; r->at++) {
		/* their own numbers: a packet does not depend on how far the clock was */
		struct random own = random_begin(random.state, r->at);

		if (random_once_in(&own, EVENT_EVERY)) {
			struct gen_event e = gen_event(&own, &r->world, now_tick());

			maps_follow(&r->maps, &r->world, &e);
		}
		own = random_begin(random.state + 1, r->at);
		gen_packet(&own, &r->world, r->maps.in, r->maps.out, &r->packet);
		if (all_every == 1)
			r->before = r->world;
		if (!compare_run(r))
			return false;
		r->totals->packets++;
		r->totals->reasons[r->expected.reason]++;
		if (r->at % all_every == all_every - 1 &&
		    !compare_all(&r->maps, &r->world, &r->counters, &r->difference))
			return false;
	}
	return compare_all(&r->maps, &r->world, &r->counters, &r->difference);
}

static bool is_new_kind(struct round *r, const char *kind)
{
	for (uint32_t i = 0; i < r->totals->differences; i++)
		if (!strcmp(r->kinds[i], kind))
			return false;
	snprintf(r->kinds[r->totals->differences++], sizeof(*r->kinds), "%s", kind);
	return true;
}

static void show(struct round *r)
{
	char kind[640], counted[512];

	compare_reason(&r->maps, &r->counters, counted, sizeof(counted));
	snprintf(kind, sizeof(kind), "%s, expected %s, %s", r->difference.what,
		 oracle_reason_name(r->expected.reason), counted);
	char *tenant = strstr(kind, " of tenant");

	if (tenant)
		*tenant = 0;
	if (!is_new_kind(r, kind) || r->options->is_quiet)
		return;
	printf("DIFFERENCE %s\n  seed %llu world %llu packet %u tick %llu\n  %s\n  counted beyond "
	       "what was expected: %s\n",
	       kind, (unsigned long long)r->options->seed, (unsigned long long)r->number, r->at,
	       (unsigned long long)now_tick() & 0xffff, r->difference.text, counted);
	report(&r->before, &r->world, &r->packet, &r->expected, &r->outcome);
	fflush(stdout);
}

/* What only a comparison of everything finds is narrowed down to its packet by a second run. */
static void run_again(struct round *r, uint32_t packets)
{
	struct difference found = r->difference;
	uint64_t kept = r->totals->packets;

	if (run_world(r, packets, 1)) {
		r->difference = found;
		snprintf(r->difference.what, sizeof(r->difference.what), "only once: %.40s",
			 found.what);
	}
	r->totals->packets = kept;
}

static bool is_over(const struct round *r, time_t end)
{
	const struct diff_options *o = r->options;

	return (o->packets && r->totals->packets >= o->packets) ||
	       (o->seconds && time(NULL) >= end) || r->totals->differences >= o->show ||
	       r->totals->differences >= KINDS_MAX;
}

bool diff_run(const struct diff_options *options, struct diff_totals *totals)
{
	struct round *r = calloc(1, sizeof(*r));
	time_t end = time(NULL) + options->seconds;

	if (!r)
		abort();
	memset(totals, 0, sizeof(*totals));
	r->options = options;
	r->totals = totals;
	if (options->plant) {
		gen_world(&(struct random){0}, &r->world, 1, 2);
		if (!plant(options->plant, &r->world, &r->expected)) {
			free(r);
			return false;
		}
	}
	maps_open(&r->maps);
	for (; !is_over(r, end); r->number++, totals->worlds++) {
		if (options->is_verbose && r->number % 1024 == 0)
			printf("%llu packets, world %llu\n", (unsigned long long)totals->packets,
			       (unsigned long long)r->number);
		uint32_t packets = WORLD_PACKETS;

		if (options->packets && options->packets - totals->packets < packets)
			packets = (uint32_t)(options->packets - totals->packets);
		if (run_world(r, packets, COMPARE_ALL_EVERY))
			continue;
		run_again(r, packets);
		show(r);
	}
	maps_close(&r->maps);
	free(r);
	return true;
}
