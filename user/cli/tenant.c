// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* tenant: whole tenants, their suspension and their history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/objects.h"

static size_t n_backends(const json_t *tenant)
{
	size_t at, n = 0;
	const json_t *vip;

	json_array_foreach (object_at(tenant, "vips"), at, vip)
		n += json_array_size(object_at(vip, "backends"));
	return n;
}

static void print_list(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"TENANT", false},  {"STATE", false}, {"SHARED", false}, {"VIPS", true},
		{"BACKENDS", true}, {"FLOWS", true},  {"MOVING", true},  {"MANAGED BY", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	char text[NUMBER_TEXT];
	const json_t *item;
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		double revision = object_number(item, "revision");
		table_add(t, "%s", object_text(item, "name"));
		table_add_state(t, object_is(item, "suspended") ? "suspended" : "active");
		table_add(t, "%s", object_is(item, "status.shared") ? "yes" : "no");
		table_add(t, "%zu", json_array_size(object_at(item, "vips")));
		table_add(t, "%zu", n_backends(item));
		table_add(t, "%s", number_print(object_number(item, "status.flows.live"), text));
		table_add(t, "%.0f", object_number(item, "status.moving_slots"));
		table_add(t, revision > 0 ? "%s, revision %.0f" : "%s",
			  object_text(item, "managed_by"), revision);
	}
	table_print(t, "There is no tenant (mtlbctl tenant add NAME).");
}

int tenant_list(const struct cli *c)
{
	return client_show(c, client_path("/v1/tenants"), print_list);
}

static void print_one(const struct cli *c, const json_t *json)
{
	(void)c;
	object_print(json, NULL);
}

static void show_part(const struct cli *c, char *path,
		      void (*print)(const struct cli *, const json_t *))
{
	putchar('\n');
	client_show(c, path, print);
}

int tenant_show(const struct cli *c)
{
	const char *name = c->words[0];
	int error = client_show(c, client_path("/v1/tenants/%s", name), print_one);

	if (!error && !c->options[OPTION_JSON]) {
		show_part(c, client_path("/v1/tenants/%s/vips", name), vips_print);
		show_part(c, client_path("/v1/backends?tenant=%s", name), backends_print);
	}
	return error;
}

int tenant_add(const struct cli *c)
{
	json_t *body;
	int error = object_new_body(c, c->words[0], &body);

	return error ? error
		     : client_change(c, "POST", client_path("/v1/tenants"), body, "tenant %s added",
				     c->words[0]);
}

int tenant_set(const struct cli *c)
{
	bool is_whole = c->options[OPTION_FILE];
	struct answer a;
	json_t *body;
	int error = object_body(c, &body);

	if (error)
		return error;
	char *path = client_path("/v1/tenants/%s", c->words[0]);
	if (!is_whole && c->n_words < 2) {
		json_decref(body);
		free(path);
		return cli_usage(c, "nothing to change: KEY=VALUE or --file is missing");
	}
	/* PUT makes what is not there; "set" does not */
	if (is_whole && (error = client_call(c, "GET", path, NULL, &a))) {
		json_decref(body);
		free(path);
		return error;
	}
	if (is_whole)
		client_clear(&a);
	return client_change(c, is_whole ? "PUT" : "PATCH", path, body, "tenant %s changed",
			     c->words[0]);
}

int tenant_del(const struct cli *c)
{
	return client_change(c, "DELETE", client_path("/v1/tenants/%s", c->words[0]), NULL,
			     "tenant %s removed", c->words[0]);
}

int tenant_suspend(const struct cli *c)
{
	return client_change(
		c, "POST", client_path("/v1/tenants/%s/suspend", c->words[0]), NULL,
		"tenant %s suspended: its VIPs are not served until `mtlbctl tenant resume %s`",
		c->words[0], c->words[0]);
}

int tenant_resume(const struct cli *c)
{
	return client_change(c, "POST", client_path("/v1/tenants/%s/resume", c->words[0]), NULL,
			     "tenant %s resumed", c->words[0]);
}

/* ---- history ---- */
static void print_revisions(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"REVISION", true},
		{"TIME", false},
		{"WHO", false},
		{"MESSAGE", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *item;
	char text[32];
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		time_t when = (time_t)object_number(item, "time");
		struct tm local;
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&when, &local));
		table_add(t, "%.0f", object_number(item, "revision"));
		table_add(t, "%s", text);
		table_add(t, "%s", object_text(item, "who"));
		table_add(t, "%s", object_text(item, "message"));
	}
	table_print(t, "There is no revision.");
}

/* What `tenant set --file` takes. */
static void print_document(const struct cli *c, const json_t *json)
{
	(void)c;
	json_dumpf(object_at(json, "document"), stdout, JSON_INDENT(2));
	putchar('\n');
}

int tenant_revisions(const struct cli *c)
{
	if (c->n_words > 1)
		return client_show(
			c, client_path("/v1/tenants/%s/revisions/%s", c->words[0], c->words[1]),
			print_document);
	return client_show(c, client_path("/v1/tenants/%s/revisions", c->words[0]),
			   print_revisions);
}

int tenant_restore(const struct cli *c)
{
	return client_change(
		c, "POST",
		client_path("/v1/tenants/%s/revisions/%s/restore", c->words[0], c->words[1]), NULL,
		"tenant %s is as in revision %s again", c->words[0], c->words[1]);
}
