// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* segment: where packets enter, and for whom. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/objects.h"

static void print_vlan(struct table *t, const json_t *item)
{
	double vlan = object_number(item, "vlan"), inner = object_number(item, "inner_vlan");

	if (inner > 0)
		table_add(t, "%.0f.%.0f", vlan, inner);
	else
		table_add(t, vlan > 0 ? "%.0f" : "-", vlan);
}

static void print_list(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"SEGMENT", false},  {"INTERFACE", false}, {"VLAN", true},        {"TENANT", false},
		{"NEXT HOP", false}, {"STATUS", false},    {"MANAGED BY", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *item;
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		const char *tenant = object_text(item, "tenant"),
			   *hop = object_text(item, "next_hop");
		table_add(t, "%s", object_text(item, "name"));
		table_add(t, "%s", object_text(item, "interface"));
		print_vlan(t, item);
		table_add(t, "%s", *tenant ? tenant : "(shared)");
		table_add(t, "%s", *hop ? hop : "auto");
		table_add_state(t, object_is(item, "status.present") ? "present" : "missing");
		table_add(t, "%s", object_text(item, "managed_by"));
	}
	table_print(t, "There is no segment (mtlbctl segment add NAME interface=IFACE).");
}

int segment_list(const struct cli *c)
{
	return client_show(c, client_path("/v1/segments"), print_list);
}

static void print_one(const struct cli *c, const json_t *json)
{
	(void)c;
	object_print(json, NULL);
}

int segment_show(const struct cli *c)
{
	return client_show(c, client_path("/v1/segments/%s", c->words[0]), print_one);
}

int segment_add(const struct cli *c)
{
	json_t *body;
	int error = object_new_body(c, c->words[0], &body);

	return error ? error
		     : client_change(c, "POST", client_path("/v1/segments"), body,
				     "segment %s added", c->words[0]);
}

int segment_set(const struct cli *c)
{
	json_t *body;
	int error = object_body(c, &body);

	return error ? error
		     : client_change(c, "PATCH", client_path("/v1/segments/%s", c->words[0]), body,
				     "segment %s changed", c->words[0]);
}

int segment_del(const struct cli *c)
{
	return client_change(c, "DELETE", client_path("/v1/segments/%s", c->words[0]), NULL,
			     "segment %s removed", c->words[0]);
}
