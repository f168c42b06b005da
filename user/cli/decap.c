// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* decap: the decapsulation program on a backend, without a daemon. */
#include "datapath/decap.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "util/cleanup.h"

static const char *pin_dir(const struct cli *c)
{
	return c->options[OPTION_PIN_DIR] ? c->options[OPTION_PIN_DIR] : DECAP_PIN_DIR;
}

static const char *mode_name(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? "native" : "generic";
}

int decap_attach_run(const struct cli *c)
{
	const char *asked = c->options[OPTION_MODE];
	enum attach_mode mode = asked && !strcmp(asked, "generic") ? ATTACH_GENERIC : ATTACH_NATIVE;
	struct addr addresses[CLI_ADDRESSES];
	struct report r = {0};

	for (size_t i = 0; i < c->n_addresses; i++)
		if (addr_parse(c->addresses[i], &addresses[i]))
			return cli_usage(c, "--address %s: is no IPv4 or IPv6 address",
					 c->addresses[i]);
	if (decap_attach(pin_dir(c), c->words[0], mode, addresses, c->n_addresses, &r))
		return cli_refuse(c, &r);
	if (c->options[OPTION_JSON])
		puts("{}");
	else
		printf("%s: decapsulates (%s)\n", c->words[0], mode_name(mode));
	return CLI_OK;
}

int decap_detach_run(const struct cli *c)
{
	struct report r = {0};

	if (decap_detach(pin_dir(c), c->words[0], &r))
		return cli_refuse(c, &r);
	if (c->options[OPTION_JSON])
		puts("{}");
	else
		printf("%s: decapsulates no more\n", c->words[0]);
	return CLI_OK;
}

static json_t *addresses_json(const struct decap_view *v)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < v->n_addresses; i++)
		json_array_append_new(list, json_string(addr_print(&v->addresses[i], text)));
	return list;
}

static void print_json(const struct decap_view *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			array,
			json_pack("{s:s, s:I, s:b, s:I, s:s, s:o, s:I, s:I, s:I}", "name",
				  list[i].interface, "ifindex", (json_int_t)list[i].ifindex,
				  "attached", list[i].ifindex != 0, "program_id",
				  (json_int_t)list[i].program_id, "mode", mode_name(list[i].mode),
				  "addresses", addresses_json(&list[i]), "decapsulated",
				  (json_int_t)list[i].stats.decapsulated, "passed",
				  (json_int_t)list[i].stats.passed, "malformed",
				  (json_int_t)list[i].stats.malformed));
	json_dumpf(array, stdout, 0);
	putchar('\n');
	json_decref(array);
}

static char *addresses_text(const struct decap_view *v)
{
	char *text = NULL, one[ADDR_TEXT];
	size_t len;
	FILE *to = open_memstream(&text, &len);

	for (size_t i = 0; to && i < v->n_addresses; i++)
		fprintf(to, "%s%s", i ? " " : "", addr_print(&v->addresses[i], one));
	if (to && !v->n_addresses)
		fputs("all", to);
	if (to)
		fclose(to);
	return text;
}

static void print_table(const struct decap_view *list, size_t n)
{
	static const struct column columns[] = {
		{"INTERFACE", false},   {"MODE", false},  {"STATUS", false},
		{"DECAPSULATED", true}, {"PASSED", true}, {"MALFORMED", true},
		{"ADDRESSES", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *addresses = addresses_text(&list[i]);
		table_add(t, "%s", list[i].interface);
		table_add(t, "%s", mode_name(list[i].mode));
		table_add_state(t, list[i].ifindex ? "attached" : "interface gone");
		table_add(t, "%s", number_print((double)list[i].stats.decapsulated, text));
		table_add(t, "%s", number_print((double)list[i].stats.passed, text));
		table_add(t, "%s", number_print((double)list[i].stats.malformed, text));
		table_add(t, "%s", addresses ? addresses : "");
	}
	table_print(t, "No interface decapsulates (mtlbctl decap attach IFACE).");
}

int decap_list_run(const struct cli *c)
{
	struct decap_view *list;
	struct report r = {0};
	size_t n;

	if (decap_list(pin_dir(c), &list, &n, &r))
		return cli_refuse(c, &r);
	if (c->options[OPTION_JSON])
		print_json(list, n);
	else
		print_table(list, n);
	free(list);
	return CLI_OK;
}
