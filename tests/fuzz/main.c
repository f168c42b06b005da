/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * build/fuzz/diff: gives random packets in random configurations to the data plane and to the oracle, and compares all
 * that both do. Exit codes: 0 all alike and every reason reached, 1 not so, 2 usage or no data plane.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fuzz/diff.h"

static const char usage[] =
	"usage: diff [--seed N] [--seconds S] [--packets N] [--show N] [--plant ERROR] [--verbose]\n";

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (end == text || *end) {
		fprintf(stderr, "\"%s\" is no number\n%s", text, usage);
		exit(2);
	}
	return n;
}

static void parse(int argc, char **argv, struct diff_options *o)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"seconds", required_argument, NULL, 't'},
		{"packets", required_argument, NULL, 'n'},
		{"show", required_argument, NULL, 'd'},
		{"plant", required_argument, NULL, 'p'},
		{"verbose", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (c) {
		case 's':
			o->seed = parse_number(optarg);
			break;
		case 't':
			o->seconds = (uint32_t)parse_number(optarg);
			break;
		case 'n':
			o->packets = parse_number(optarg);
			break;
		case 'd':
			o->show = (uint32_t)parse_number(optarg);
			break;
		case 'p':
			o->plant = optarg;
			break;
		case 'v':
			o->is_verbose = true;
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	if (!o->seconds && !o->packets)
		o->seconds = 10;
	if (!o->show)
		o->show = 1;
}

/* Nothing in these worlds contradicts itself, so internal is not to be reached. */
static int missing(const struct diff_totals *t)
{
	int n = 0;

	for (int i = 1; i < ORACLE_REASON_END; i++) {
		if (t->reasons[i] || i == ORACLE_internal)
			continue;
		printf("never reached: %s\n", oracle_reason_name(i));
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct diff_options o = {0};
	struct diff_totals t;

	if (getrandom(&o.seed, 4, 0) != 4)
		o.seed = 1;
	parse(argc, argv, &o);
	printf("seed %llu\n", (unsigned long long)o.seed);
	fflush(stdout);
	if (!diff_run(&o, &t)) {
		fprintf(stderr, "no error \"%s\" can be planted\n", o.plant);
		return 2;
	}
	for (int i = 1; i < ORACLE_REASON_END; i++)
		printf("%12llu %s\n", (unsigned long long)t.reasons[i], oracle_reason_name(i));
	printf("%llu packets in %llu configurations, %u kinds of differences, seed %llu\n",
	       (unsigned long long)t.packets, (unsigned long long)t.worlds, t.differences,
	       (unsigned long long)o.seed);
	return t.differences || missing(&t) ? EXIT_FAILURE : EXIT_SUCCESS;
}
