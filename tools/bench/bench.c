/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet costs in the data plane. Everything happens in a network and a mount namespace of
 * this process: a veth to attach to, a bpffs for the pins; nothing of it outlives the process.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "measure.h"
#include "rounds.h"
#include "scenario.h"
#include "util/number.h"
#include "world.h"

#define INTERFACE "bench0"

struct options {
	uint64_t rounds, packets;
	const char *scenario; /* part of the names to run; NULL: all */
	const char *json;     /* file, or NULL */
	const char *compare;  /* object file, or NULL */
	bool list;
};

static void usage(FILE *to)
{
	fputs("usage: bench [--rounds N] [--packets N] [--scenario PART-OF-NAME] [--json FILE]\n"
	      "             [--compare OTHER.bpf.o] [--list]\n"
	      "  --rounds N    rounds per scenario, all programs in each [200]\n"
	      "  --packets N   packets per program and round [20000]\n"
	      "  --scenario S  only scenarios with S in their name; --list names them\n"
	      "  --json FILE   the figures as an array of objects, too\n"
	      "  --compare O   a second build of the data plane, same rounds, same maps\n",
	      to);
}

static bool parse_number(const char *option, const char *text, uint64_t max, uint64_t *out)
{
	if (!number_parse(text, 1, max, out))
		return true;
	fprintf(stderr, "bench: --%s %s: a number from 1 to %llu is wanted\n", option, text,
		(unsigned long long)max);
	return false;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
	static const struct option rows[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"packets", required_argument, NULL, 'p'},
		{"scenario", required_argument, NULL, 's'},
		{"json", required_argument, NULL, 'j'},
		{"compare", required_argument, NULL, 'c'},
		{"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		switch (option) {
		case 'r':
			if (!parse_number("rounds", optarg, 100000, &o->rounds))
				return false;
			break;
		case 'p':
			if (!parse_number("packets", optarg, 10000000, &o->packets))
				return false;
			break;
		case 's':
			o->scenario = optarg;
			break;
		case 'j':
			o->json = optarg;
			break;
		case 'c':
			o->compare = optarg;
			break;
		case 'l':
			o->list = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			return false;
		}
	}
	return optind == argc;
}

static int fail(const char *what)
{
	int err = -errno;

	fprintf(stderr, "bench: %s: %s\n", what, strerror(-err));
	return err;
}

/*
 * Without IPv6 addresses the interfaces stay silent: a packet of the kernel's would be a run that
 * nobody asked for.
 */
static int add_interface(void)
{
	errno = EINVAL;
	if (system("ip link add " INTERFACE " type veth peer name bench1 && "
		   "ip link set " INTERFACE " addrgenmode none up && "
		   "ip link set bench1 addrgenmode none up"))
		return fail("ip link add");
	return 0;
}

static int enter_namespaces(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return fail("private namespaces (root is needed)");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fail("private mounts");
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return fail("bpffs on /sys/fs/bpf");
	return add_interface();
}

/* The last one that the process may use: interrupts and others tend to the first. */
static int pin_to_one_cpu(void)
{
	cpu_set_t allowed, one;
	int last = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return fail("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			last = cpu;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	return sched_setaffinity(0, sizeof(one), &one) ? fail("sched_setaffinity") : 0;
}

static bool is_wanted(const struct options *o, const struct scenario *s)
{
	return !o->scenario || strstr(s->name, o->scenario);
}

static bool is_any_wanted(const struct options *o)
{
	for (size_t i = 0; i < n_scenarios; i++)
		if (is_wanted(o, &scenarios[i]))
			return true;
	return false;
}

static void print_header(const struct options *o)
{
	printf("Nanoseconds per packet, net of an empty XDP_TX program: "
	       "medians of %llu rounds of %llu packets.\n"
	       "floor: a constant IPIP header and no look-up, same rounds; "
	       "ratio: ns / floor, a floor below 1 taken as 1.\n"
	       "quiet: difference of the 5th percentiles.",
	       (unsigned long long)o->rounds, (unsigned long long)o->packets);
	if (o->compare)
		printf(" other: %s; slower: other - ns of the same round, median [p10, p90].",
		       o->compare);
	printf("\n\n%-26s %7s %7s %7s %7s %7s %7s", "scenario", "ns", "floor", "ratio", "p10",
	       "p90", "quiet");
	if (o->compare)
		printf(" %7s %9s   %s", "other", "other/ns", "slower");
	putchar('\n');
}

static void print_result(const struct options *o, const struct scenario *s, const struct result *r)
{
	printf("%-26s %7.1f %7.1f %7.1f %7.1f %7.1f %7.1f", s->name, r->ns, r->floor_ns, r->ratio,
	       r->p10, r->p90, r->quiet_ns);
	if (o->compare)
		printf(" %7.1f %9.3f   %+.1f [%+.1f, %+.1f]", r->other_ns, r->other_ns / r->ns,
		       r->slower, r->slower_p10, r->slower_p90);
	putchar('\n');
	fflush(stdout);
}

static double round_to_hundredths(double value)
{
	return (double)(long long)(value * 100 + (value < 0 ? -0.5 : 0.5)) / 100;
}

static json_t *to_json(const struct options *o, const struct scenario *s, const struct result *r)
{
	json_t *row =
		json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "scenario", s->name, "ns",
			  round_to_hundredths(r->ns), "floor_ns", round_to_hundredths(r->floor_ns),
			  "ratio", round_to_hundredths(r->ratio), "p10",
			  round_to_hundredths(r->p10), "p90", round_to_hundredths(r->p90));

	if (o->compare) {
		json_object_set_new(row, "other_ns", json_real(round_to_hundredths(r->other_ns)));
		json_object_set_new(row, "slower", json_real(round_to_hundredths(r->slower)));
	}
	return row;
}

/* Scenarios that failed are told and left out: -EPROTO in the end, or the last one's error. */
static int measure_all(const struct options *o, const struct plan *p, json_t *rows)
{
	int result = 0;

	print_header(o);
	for (size_t i = 0; i < n_scenarios; i++) {
		struct result r;

		if (!is_wanted(o, &scenarios[i]))
			continue;
		int err = rounds_measure(p, &scenarios[i], &r);

		if (err) {
			result = err;
			continue;
		}
		print_result(o, &scenarios[i], &r);
		json_array_append_new(rows, to_json(o, &scenarios[i], &r));
	}
	return result;
}

static int measure_in(const struct options *o, struct plan *p, json_t *rows)
{
	p->fds[CONTESTANT_EMPTY] = meter_empty_fd(p->meter);
	p->fds[CONTESTANT_FLOOR] = meter_floor_fd(p->meter);
	p->fds[CONTESTANT_MTLB] = world_program_fd(p->world);
	p->fds[CONTESTANT_OTHER] = -1;
	if (o->compare) {
		int fd = world_load_other(p->world, o->compare);

		if (fd < 0)
			return fd;
		p->fds[CONTESTANT_OTHER] = fd;
	}
	return measure_all(o, p, rows);
}

static int bench(const struct options *o, json_t *rows)
{
	struct meter meter = {0};
	struct plan plan = {
		.meter = &meter, .rounds = (uint32_t)o->rounds, .packets = (uint32_t)o->packets};
	int err = enter_namespaces();

	if (err)
		return err;
	err = meter_open(&meter, if_nametoindex(INTERFACE));
	if (err) {
		fprintf(stderr, "bench: wrapper: %s\n", strerror(-err));
		return err;
	}
	err = world_open(INTERFACE, &plan.world);
	if (!err)
		err = pin_to_one_cpu();
	if (!err)
		err = measure_in(o, &plan, rows);
	world_close(plan.world);
	meter_close(&meter);
	return err;
}

static int write_json(const struct options *o, const json_t *rows)
{
	if (!o->json || !json_dump_file(rows, o->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)))
		return 0;
	return fail(o->json);
}

static int list(void)
{
	for (size_t i = 0; i < n_scenarios; i++)
		puts(scenarios[i].name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options o = {.rounds = 200, .packets = 20000};

	if (!parse_options(argc, argv, &o)) {
		usage(stderr);
		return 2;
	}
	if (o.list)
		return list();
	if (!is_any_wanted(&o)) {
		fprintf(stderr, "bench: no scenario has '%s' in its name; --list names them\n",
			o.scenario);
		return 2;
	}
	json_t *rows = json_array();
	int err = bench(&o, rows);

	if (!err)
		err = write_json(&o, rows);
	json_decref(rows);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
