// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* stats: what the data plane has counted, as rates or totals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/objects.h"

enum {
	NEARBY = 8 /* places by which something may have moved in a list */
};

/* Two samples of the same counters; totals: earlier is NULL and seconds is 1. */
struct sample {
	const json_t *earlier, *now;
	double seconds;
};

static double difference(const struct sample *s, const char *path)
{
	double now = object_number(s->now, path), earlier = object_number(s->earlier, path);

	/* a counter begins again when its object was replaced */
	return (now >= earlier ? now - earlier : now) / s->seconds;
}

/* What of the same name as the at-th was in a list of the earlier sample: about there, as lists keep their order. */
static struct sample part(const struct sample *s, const char *list, size_t at, const json_t *now)
{
	const json_t *earlier = object_at(s->earlier, list);
	size_t n = json_array_size(earlier), from = at > NEARBY ? at - NEARBY : 0;
	struct sample p = {.now = now, .seconds = s->seconds};
	const char *name = object_text(now, "name");

	for (size_t i = 0; i < n && !p.earlier; i++) {
		const json_t *item = json_array_get(earlier, (from + i) % n);
		if (!strcmp(object_text(item, "name"), name))
			p.earlier = item;
	}
	/* one that is new since has counted nothing before */
	return p;
}

/* ---- tables ---- */
static const char *const unit_titles[2][3] = {
	{"PACKETS/S", "BIT/S", "CONN/S"},
	{"PACKETS", "BYTES", "CONNS"},
};

static void add_numbers(struct table *t, double packets, double bytes, bool is_rate)
{
	char text[NUMBER_TEXT];

	table_add(t, "%s", number_print(packets, text));
	table_add(t, "%s", number_print(is_rate ? 8 * bytes : bytes, text));
}

static void print_tenants(const struct sample *s, bool is_rate)
{
	const char *const *titles = unit_titles[!is_rate];
	const struct column columns[] = {
		{"TENANT", false},   {titles[0], true},     {titles[1], true},
		{"FORWARDED", true}, {"FLOWS ADDED", true}, {"REFUSED", true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	char text[NUMBER_TEXT];
	const json_t *item;
	size_t at;

	json_array_foreach (object_at(s->now, "tenants"), at, item) {
		struct sample p = part(s, "tenants", at, item);
		table_add(t, "%s", object_text(item, "name"));
		add_numbers(t, difference(&p, "packets"), difference(&p, "bytes"), is_rate);
		table_add(t, "%s", number_print(difference(&p, "reasons.forwarded"), text));
		table_add(t, "%s", number_print(difference(&p, "flows_added"), text));
		table_add(t, "%s", number_print(difference(&p, "flows_refused"), text));
	}
	table_print(t, "There is no tenant.");
}

static void print_vips(const struct sample *s, bool is_rate)
{
	const char *const *titles = unit_titles[!is_rate];
	const struct column columns[] = {
		{"VIP", false},
		{titles[0], true},
		{titles[1], true},
		{titles[2], true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *tenant, *vip;
	char text[NUMBER_TEXT];
	size_t i, j;

	json_array_foreach (object_at(s->now, "tenants"), i, tenant) {
		struct sample p = part(s, "tenants", i, tenant);
		json_array_foreach (object_at(tenant, "vips"), j, vip) {
			struct sample v = part(&p, "vips", j, vip);
			table_add(t, "%s/%s", object_text(tenant, "name"),
				  object_text(vip, "name"));
			add_numbers(t, difference(&v, "packets"), difference(&v, "bytes"), is_rate);
			table_add(t, "%s", number_print(difference(&v, "syns"), text));
		}
	}
	table_print(t, "There is no VIP.");
}

static void add_backends(struct table *t, const char *tenant, const struct sample *vip,
			 bool is_rate)
{
	double all = difference(vip, "packets");
	const json_t *item;
	size_t at;

	json_array_foreach (object_at(vip->now, "backends"), at, item) {
		struct sample b = part(vip, "backends", at, item);
		double packets = difference(&b, "packets");
		/* the VIP was read a moment before its backends */
		double share = packets < all ? 100 * packets / all : packets > 0 ? 100 : 0;
		table_add(t, "%s/%s/%s", tenant, object_text(vip->now, "name"),
			  object_text(item, "name"));
		table_add(t, "%s", object_text(item, "address"));
		add_numbers(t, packets, difference(&b, "bytes"), is_rate);
		table_add(t, "%.1f%%", share);
	}
}

static void print_backends(const struct sample *s, bool is_rate)
{
	const char *const *titles = unit_titles[!is_rate];
	const struct column columns[] = {
		{"BACKEND", false}, {"ADDRESS", false}, {titles[0], true},
		{titles[1], true},  {"OF VIP", true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *tenant, *vip;
	size_t i, j;

	json_array_foreach (object_at(s->now, "tenants"), i, tenant) {
		struct sample p = part(s, "tenants", i, tenant);
		json_array_foreach (object_at(tenant, "vips"), j, vip) {
			struct sample v = part(&p, "vips", j, vip);
			add_backends(t, object_text(tenant, "name"), &v, is_rate);
		}
	}
	table_print(t, "There is no backend.");
}

/* Reasons that never counted are left out: what is shown is worth a look. */
static void add_reasons(struct table *t, const char *whose, const struct sample *s)
{
	char path[64], text[NUMBER_TEXT];
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)object_at(s->now, "reasons"), key, value) {
		if (json_number_value(value) <= 0)
			continue;
		snprintf(path, sizeof(path), "reasons.%s", key);
		table_add(t, "%s", whose);
		table_add(t, "%s", key);
		table_add(t, "%s", number_print(difference(s, path), text));
	}
}

static void print_reasons(const struct sample *s, bool is_rate, bool has_node)
{
	const struct column columns[] = {
		{"TENANT", false},
		{"REASON", false},
		{unit_titles[!is_rate][0], true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	struct sample node = {object_at(s->earlier, "node"), object_at(s->now, "node"), s->seconds};
	const json_t *item;
	size_t at;

	json_array_foreach (object_at(s->now, "tenants"), at, item) {
		struct sample p = part(s, "tenants", at, item);
		add_reasons(t, object_text(item, "name"), &p);
	}
	if (has_node)
		add_reasons(t, "(none)", &node);
	table_print(t, "No packet was seen yet.");
}

/* ---- samples ---- */
static void print_sample(const struct sample *s, const char *tenant)
{
	bool is_rate = s->earlier;

	print_tenants(s, is_rate);
	putchar('\n');
	print_vips(s, is_rate);
	putchar('\n');
	print_backends(s, is_rate);
	putchar('\n');
	print_reasons(s, is_rate, !tenant);
	fflush(stdout);
}

static void sleep_for(double seconds)
{
	time_t whole = (time_t)seconds;

	nanosleep(&(struct timespec){whole, (long)((seconds - (double)whole) * 1e9)}, NULL);
}

static int take_sample(const struct cli *c, struct answer *a)
{
	char *path = c->n_words ? client_path("/v1/counters?tenant=%s", c->words[0])
				: client_path("/v1/counters");
	int error = client_call(c, "GET", path, NULL, a);

	free(path);
	return error;
}

static void show(const struct cli *c, const struct answer *earlier, const struct answer *now)
{
	bool is_totals = c->options[OPTION_TOTALS];
	struct sample s = {is_totals ? NULL : earlier->json, now->json, 1};

	if (!is_totals)
		s.seconds = object_number(now->json, "time") - object_number(earlier->json, "time");
	if (s.seconds < 0.001) /* the clock was set back */
		s.seconds = 1;
	if (c->options[OPTION_WATCH] && terminal_width())
		fputs("\033[H\033[2J", stdout);
	else if (c->options[OPTION_WATCH])
		putchar('\n');
	print_sample(&s, c->n_words ? c->words[0] : NULL);
}

/* Until interrupted, or until mtlbd goes. */
static int watch(const struct cli *c, double interval, struct answer *earlier)
{
	struct answer now;

	for (;;) {
		sleep_for(interval);
		int error = take_sample(c, &now);
		if (error)
			return error;
		if (c->options[OPTION_JSON])
			client_print_body(&now);
		else
			show(c, earlier, &now);
		if (fflush(stdout) || ferror(stdout) || !c->options[OPTION_WATCH]) {
			client_clear(&now);
			return CLI_OK;
		}
		client_clear(earlier);
		*earlier = now;
	}
}

static int read_interval(const struct cli *c, double *out)
{
	const char *text = c->options[OPTION_WATCH];
	char *end = NULL;

	if (text && *text) {
		double seconds = strtod(text, &end);
		if (*end || !(seconds >= 0.1 && seconds <= 86400))
			return cli_usage(c, "--watch %s: seconds from 0.1 to 86400", text);
		*out = seconds;
	}
	return CLI_OK;
}

int stats_run(const struct cli *c)
{
	struct answer first;
	double interval = 1;
	int error = read_interval(c, &interval);

	if (!error)
		error = take_sample(c, &first);
	if (error)
		return error;
	bool is_one = c->options[OPTION_JSON] || c->options[OPTION_TOTALS];
	if (is_one && c->options[OPTION_JSON])
		client_print_body(&first);
	else if (is_one)
		show(c, &first, &first);
	fflush(stdout);
	if (!is_one || c->options[OPTION_WATCH])
		error = watch(c, interval, &first);
	client_clear(&first);
	return error;
}
