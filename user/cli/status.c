// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* status: what runs, how full it is, and what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/objects.h"

static void print_node(const json_t *node)
{
	char text[NUMBER_TEXT], when[32] = "";
	time_t loaded = (time_t)object_number(node, "config.loaded_at");
	struct tm local;

	if (loaded)
		strftime(when, sizeof(when), ", loaded %Y-%m-%d %H:%M:%S",
			 localtime_r(&loaded, &local));
	printf("node       %s\n", object_text(node, "name"));
	printf("mtlbd      %s on Linux %s, up %s%s\n", object_text(node, "version"),
	       object_text(node, "kernel"),
	       duration_print((uint64_t)object_number(node, "uptime_s"), text),
	       object_is(node, "adopted") ? ", took over a running data plane" : "");
	printf("config     %s%s, generation %.0f\n", object_text(node, "config.file"), when,
	       object_number(node, "generation"));
}

/* A flow is live in the table while its slot moves, of round-robin and least-connections always. */
static void print_moves(const json_t *node)
{
	double slots = object_number(node, "moving.slots"),
	       vips = object_number(node, "moving.vips");

	if (slots > 0)
		printf("moving     %.0f slots of %.0f VIP%s", slots, vips, vips > 1 ? "s" : "");
	else
		printf("moving     nothing");
	printf("; live flows in the flow table: %.0f\n", object_number(node, "flows.live"));
}

static void add_usage(struct table *t, const char *what, const json_t *usage)
{
	double used = object_number(usage, "used"), size = object_number(usage, "size");

	table_add(t, "%s", what);
	table_add(t, "%.0f", used);
	table_add(t, "%.0f", size);
	table_add(t, "%.0f%%", size > 0 ? 100 * used / size : 0);
}

static void print_maps(const json_t *node)
{
	static const struct column columns[] = {
		{"CAPACITY", false},
		{"USED", true},
		{"SIZE", true},
		{"FULL", true},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *usage;
	const char *key;

	json_object_foreach ((json_t *)object_at(node, "maps"), key, usage)
		add_usage(t, key, usage);
	putchar('\n');
	table_print(t, "");
}

static void print_interfaces(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"INTERFACE", false}, {"MODE", false},       {"SHARED", false}, {"STATUS", false},
		{"PROGRAM", true},    {"MANAGED BY", false}, {"DETAIL", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *item;
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		bool is_attached = object_is(item, "status.attached");
		table_add(t, "%s", object_text(item, "name"));
		table_add(t, "%s", object_text(item, "mode"));
		table_add(t, "%s", object_is(item, "status.shared") ? "yes" : "no");
		table_add_state(t, is_attached ? "attached" : "not attached");
		table_add(t, is_attached ? "%.0f" : "-", object_number(item, "status.program_id"));
		table_add(t, "%s", object_text(item, "managed_by"));
		table_add(t, "%s", object_text(item, "status.detail"));
	}
	putchar('\n');
	table_print(t, "No interface is attached (mtlbctl attach IFACE).");
}

static void print_warnings(const json_t *node)
{
	const json_t *list = object_at(node, "warnings"), *item;
	size_t at;

	json_array_foreach (list, at, item)
		printf("%swarning: %s\n", at ? "" : "\n", json_string_value(item));
}

int status_run(const struct cli *c)
{
	struct answer a;
	int error = client_call(c, "GET", "/v1/node", NULL, &a);

	if (error)
		return error;
	if (c->options[OPTION_JSON]) {
		client_print_body(&a);
	} else {
		print_node(a.json);
		print_moves(a.json);
		print_maps(a.json);
		error = client_show(c, client_path("/v1/interfaces"), print_interfaces);
		print_warnings(a.json);
	}
	client_clear(&a);
	return error;
}
