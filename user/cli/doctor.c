// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: the checks, and what is printed of them. */
#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"

/* ---- output ---- */
enum {
	OK_LINES = 8 /* of one check: a node may have thousands of backends */
};

struct output {
	json_t *json; /* NULL: lines */
	unsigned int counts[FINDING_BROKEN + 1];
	unsigned int n_ok; /* of this check */
};

static const char *colour_of(enum finding_state state)
{
	static const char *const colours[] = {
		[FINDING_OK] = "32",
		[FINDING_UNKNOWN] = "36",
		[FINDING_WARNING] = "33",
		[FINDING_BROKEN] = "31",
	};

	return colours[state];
}

static void print_line(const struct finding *f)
{
	bool is_coloured = terminal_is_coloured();

	if (is_coloured)
		printf("\033[%sm", colour_of(f->state));
	printf("%-8s", finding_state_name(f->state));
	if (is_coloured)
		fputs("\033[0m", stdout);
	printf(" %-12s %s: %s\n", f->check, f->object, f->found);
	if (*f->advice)
		printf("         %-12s -> %s\n", "", f->advice);
}

static void put(struct output *o, const struct finding *f)
{
	o->counts[f->state]++;
	if (o->json)
		json_array_append_new(o->json, json_pack("{s:s, s:s, s:s, s:s, s:s}", "check",
							 f->check, "object", f->object, "state",
							 finding_state_name(f->state), "found",
							 f->found, "advice", f->advice));
	else if (f->state != FINDING_OK || o->n_ok++ < OK_LINES)
		print_line(f);
}

static void end_check(struct output *o, const char *check)
{
	if (!o->json && o->n_ok > OK_LINES)
		printf("%-8s %-12s %u more\n", finding_state_name(FINDING_OK), check,
		       o->n_ok - OK_LINES);
	o->n_ok = 0;
}

static void put_summary(struct output *o)
{
	if (o->json) {
		json_dumpf(o->json, stdout, 0);
		putchar('\n');
		json_decref(o->json);
		return;
	}
	printf("%u broken, %u warnings, %u unknown, %u ok\n", o->counts[FINDING_BROKEN],
	       o->counts[FINDING_WARNING], o->counts[FINDING_UNKNOWN], o->counts[FINDING_OK]);
}

/* Without --probe there is one line in place of one for each backend. */
static void put_unprobed(struct output *o, const struct doctor *d)
{
	struct finding f = {.check = "vip-address", .object = "backends"};

	if (!d->n_probes)
		return;
	finding_set(&f, FINDING_UNKNOWN,
		    "whether they decapsulate and have the VIPs' addresses: no packet was sent");
	finding_advise(&f, "mtlbctl doctor --probe");
	put(o, &f);
}

/* ---- checks ---- */
struct check {
	const char *name;
	bool (*host)(const struct doctor_host *h, struct finding *f);
	bool (*link)(const struct doctor_link *l, struct finding *f);
	bool (*vip)(const struct doctor_vip *v, struct finding *f);
	bool (*path)(const struct doctor_path *p, struct finding *f);
	bool (*probe)(const struct doctor_probe *p, struct finding *f);
};

#define NEW_FINDING(...)                                                                           \
	struct finding f = {.check = check->name};                                                 \
	snprintf(f.object, sizeof(f.object), __VA_ARGS__)

static void run(const struct check *check, const struct doctor *d, struct output *o)
{
	char text[ADDR_TEXT];

	if (check->host) {
		NEW_FINDING("host");
		if (check->host(&d->host, &f))
			put(o, &f);
	}
	for (size_t i = 0; check->link && i < d->n_links; i++) {
		NEW_FINDING("%s", d->links[i].name);
		if (check->link(&d->links[i], &f))
			put(o, &f);
	}
	for (size_t i = 0; check->vip && i < d->n_vips; i++) {
		NEW_FINDING("%s", d->vips[i].name);
		if (check->vip(&d->vips[i], &f))
			put(o, &f);
	}
	for (size_t i = 0; check->path && i < d->n_paths; i++) {
		NEW_FINDING("%s", addr_print(&d->paths[i].to, text));
		if (check->path(&d->paths[i], &f))
			put(o, &f);
	}
	for (size_t i = 0; check->probe && i < d->n_probes; i++) {
		NEW_FINDING("%s", d->probes[i].name);
		if (check->probe(&d->probes[i], &f))
			put(o, &f);
	}
	end_check(o, check->name);
}

static const struct check checks[] = {
	{"daemon", .host = judge_daemon},
	{"capabilities", .host = judge_capabilities},
	{"kernel", .host = judge_kernel},
	{"jit", .host = judge_jit},
	{"bpffs", .host = judge_bpffs},
	{"btf", .host = judge_btf},
	{"lockdown", .host = judge_lockdown},
	{"interface", .link = judge_interface},
	{"mode", .link = judge_mode},
	{"lro", .link = judge_lro},
	{"gro", .link = judge_gro},
	{"vlan-offload", .link = judge_vlan_offload},
	{"peer", .link = judge_peer},
	{"checksum", .link = judge_checksum},
	{"bond", .link = judge_bond},
	{"queues", .link = judge_queues},
	{"irqs", .link = judge_irqs},
	{"rp-filter", .link = judge_rp_filter},
	{"local-vip", .vip = judge_local_vip},
	{"next-hop", .path = judge_next_hop},
	{"route", .path = judge_route},
	{"mtu", .path = judge_mtu},
	{"jumbo", .path = judge_jumbo},
	{"vip-address", .probe = judge_probe},
};

int doctor_run(const struct cli *c)
{
	struct output o = {0};
	bool is_probing = c->options[OPTION_PROBE];
	struct doctor d = {0};

	for (size_t i = 0; i < c->n_words; i++)
		if (strlen(c->words[i]) >= DOCTOR_NAME)
			return cli_usage(c, "\"%s\" is longer than the name of an interface",
					 c->words[i]);
	int result = doctor_read(c, &d);

	if (c->options[OPTION_JSON])
		o.json = json_array();
	if (is_probing)
		doctor_probe(d.probes, d.n_probes, &d.sources);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (!checks[i].probe || is_probing)
			run(&checks[i], &d, &o);
	if (!is_probing)
		put_unprobed(&o, &d);
	put_summary(&o);
	doctor_clear(&d);
	return o.counts[FINDING_BROKEN] ? CLI_REFUSED : result;
}
