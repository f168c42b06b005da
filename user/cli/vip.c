// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* vip: services. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/objects.h"

static void add_endpoint(struct table *t, const json_t *item)
{
	const char *address = object_text(item, "address");
	const json_t *port = object_at(item, "port");
	bool is_ipv6 = strchr(address, ':');
	char number[8];

	/* a range is a text */
	snprintf(number, sizeof(number), "%.0f", json_number_value(port));
	table_add(t, "%s%s%s:%s/%s", is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "",
		  json_is_string(port) ? json_string_value(port) : number,
		  object_text(item, "protocol"));
}

/* With what stands for the tenant in it: "vxlan 4100", "gre 7". */
static void add_encapsulation(struct table *t, const json_t *item)
{
	const char *type = object_text(item, "encapsulation.type");
	const json_t *id = object_at(item, "encapsulation.vni");

	if (!id)
		id = object_at(item, "encapsulation.key");
	table_add(t, json_is_integer(id) ? "%s %.0f" : "%s", type, json_number_value(id));
}

void vips_print(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"VIP", false},           {"ADDRESS", false},    {"ALGORITHM", false},
		{"ENCAPSULATION", false}, {"BACKENDS", true},    {"RING", true},
		{"MOVING", true},         {"MANAGED BY", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *item;
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		table_add(t, "%s/%s", object_text(item, "tenant"), object_text(item, "name"));
		add_endpoint(t, item);
		table_add(t, "%s", object_text(item, "algorithm"));
		add_encapsulation(t, item);
		table_add(t, "%zu", json_array_size(object_at(item, "backends")));
		table_add(t, "%.0f", object_number(item, "status.ring_slots"));
		table_add(t, "%.0f", object_number(item, "status.moving_slots"));
		table_add(t, "%s", object_text(item, "managed_by"));
	}
	table_print(t, "There is no VIP (mtlbctl vip add TENANT/NAME address=... port=...).");
}

int vip_list(const struct cli *c)
{
	if (c->n_words)
		return client_show(c, client_path("/v1/tenants/%s/vips", c->words[0]), vips_print);
	return client_show(c, client_path("/v1/vips"), vips_print);
}

static void print_one(const struct cli *c, const json_t *json)
{
	(void)c;
	object_print(json, NULL);
}

int vip_show(const struct cli *c)
{
	struct name n;
	int error = name_vip(c, c->words[0], &n);

	if (!error)
		error = client_show(c, client_path("/v1/tenants/%s/vips/%s", n.tenant, n.vip),
				    print_one);
	if (!error && !c->options[OPTION_JSON]) {
		putchar('\n');
		error = client_show(c,
				    client_path("/v1/tenants/%s/vips/%s/backends", n.tenant, n.vip),
				    backends_print);
	}
	return error;
}

int vip_add(const struct cli *c)
{
	struct report r = {0};
	struct name n;
	json_t *body;

	if (name_read(c->words[0], &n, &r) || !*n.vip || *n.backend) {
		report_clear(&r);
		return cli_usage(c, "\"%s\" names no new VIP: that is TENANT/NAME, as acme/web",
				 c->words[0]);
	}
	int error = object_new_body(c, n.vip, &body);

	return error ? error
		     : client_change(c, "POST", client_path("/v1/tenants/%s/vips", n.tenant), body,
				     "VIP %s/%s added", n.tenant, n.vip);
}

int vip_set(const struct cli *c)
{
	struct name n;
	json_t *body;
	int error = object_body(c, &body);

	if (error)
		return error;
	error = name_vip(c, c->words[0], &n);
	if (error) {
		json_decref(body);
		return error;
	}
	return client_change(c, "PATCH", client_path("/v1/tenants/%s/vips/%s", n.tenant, n.vip),
			     body, "VIP %s/%s changed", n.tenant, n.vip);
}

int vip_del(const struct cli *c)
{
	struct name n;
	int error = name_vip(c, c->words[0], &n);

	return error ? error
		     : client_change(c, "DELETE",
				     client_path("/v1/tenants/%s/vips/%s", n.tenant, n.vip), NULL,
				     "VIP %s/%s removed", n.tenant, n.vip);
}
