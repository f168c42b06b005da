// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The names behind numbers: mtlbd is asked. */
#include "cli/names.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "core/ports.h"
#include "util/cleanup.h"

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool has_address(const json_t *json, const struct addr *address)
{
	struct addr found;

	return !addr_parse(text_of(json, "address"), &found) &&
	       !memcmp(&found, address, sizeof(found));
}

/* A single port is a number, a range a text. */
static bool has_ports(const json_t *json, const struct name *n)
{
	const json_t *port = json_object_get(json, "port");
	char text[PORTS_TEXT];

	if (json_is_integer(port))
		return n->port == n->last_port && json_integer_value(port) == n->port;
	return !strcmp(text_of(json, "port"), ports_print(n->port, n->last_port, text));
}

static bool is_endpoint(const json_t *json, const struct name *n)
{
	return has_address(json, &n->address) && has_ports(json, n) &&
	       !strcmp(text_of(json, "protocol"), n->protocol);
}

/* Fills n->vip. There is at most one: endpoints are unique in a tenant. */
static int find_vip(const struct cli *c, const char *word, struct name *n)
{
	_cleanup_free_ char *path = client_path("/v1/tenants/%s/vips", n->tenant);
	struct answer a;
	const json_t *item;
	size_t at;
	int error = client_call(c, "GET", path, NULL, &a);

	if (error)
		return error;
	json_array_foreach (a.json, at, item)
		if (is_endpoint(item, n))
			snprintf(n->vip, sizeof(n->vip), "%s", text_of(item, "name"));
	client_clear(&a);
	if (*n->vip)
		return CLI_OK;
	fprintf(stderr, "%s: tenant \"%s\" has no VIP there (mtlbctl vip list %s)\n", word,
		n->tenant, n->tenant);
	return CLI_REFUSED;
}

/* Exchanges an address for the name; a backend whose name looks like an address goes first. */
static int find_backend(const struct cli *c, const char *word, struct name *n,
			const struct addr *address)
{
	_cleanup_free_ char *path =
		client_path("/v1/tenants/%s/vips/%s/backends", n->tenant, n->vip);
	const char *found = NULL;
	size_t at, n_found = 0;
	const json_t *item;
	struct answer a;
	int error = client_call(c, "GET", path, NULL, &a);

	if (error)
		return error;
	json_array_foreach (a.json, at, item) {
		if (!strcmp(text_of(item, "name"), n->backend)) {
			client_clear(&a);
			return CLI_OK;
		}
		if (has_address(item, address) && strcmp(text_of(item, "state"), "leaving")) {
			found = text_of(item, "name");
			n_found++;
		}
	}
	if (n_found == 1)
		snprintf(n->backend, sizeof(n->backend), "%s", found);
	client_clear(&a);
	if (n_found == 1)
		return CLI_OK;
	fprintf(stderr,
		n_found ? "%s: more than one backend has this address, name one (mtlbctl backend list %s/%s)\n"
			: "%s: no backend has this address (mtlbctl backend list %s/%s)\n",
		word, n->tenant, n->vip);
	return CLI_REFUSED;
}

static int read_or_usage(const struct cli *c, const char *word, struct name *out)
{
	struct report r = {0};

	if (!name_read(word, out, &r))
		return CLI_OK;
	int result = cli_usage(c, "\"%s\" %s", r.lines[0].where, r.lines[0].text);
	report_clear(&r);
	return result;
}

int name_vip(const struct cli *c, const char *word, struct name *out)
{
	int error = read_or_usage(c, word, out);

	if (error)
		return error;
	if ((!*out->vip && !out->has_endpoint) || *out->backend)
		return cli_usage(c, "\"%s\" names no VIP: that is TENANT/NAME, as acme/web", word);
	return out->has_endpoint ? find_vip(c, word, out) : CLI_OK;
}

int name_new_backend(const struct cli *c, const char *word, struct name *out)
{
	int error = read_or_usage(c, word, out);

	if (error)
		return error;
	if (!*out->backend)
		return cli_usage(
			c, "\"%s\" names no backend: that is TENANT/VIP/NAME, as acme/web/web-1",
			word);
	return out->has_endpoint ? find_vip(c, word, out) : CLI_OK;
}

int name_backend(const struct cli *c, const char *word, struct name *out)
{
	struct addr address;
	int error = name_new_backend(c, word, out);

	if (error || addr_parse(out->backend, &address))
		return error;
	return find_backend(c, word, out, &address);
}
