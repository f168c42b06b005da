// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the verbs of tenants, VIPs, backends and segments have in common. */
#include "cli/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fields.h"
#include "util/cleanup.h"

enum {
	KEY_WIDTH = 24
};

/* ---- members ---- */
const json_t *object_at(const json_t *json, const char *path)
{
	char key[64];

	while (json && *path) {
		size_t len = strcspn(path, ".");
		snprintf(key, sizeof(key), "%.*s", (int)len, path);
		json = json_object_get(json, key);
		path += len + (path[len] != '\0');
	}
	return json;
}

const char *object_text(const json_t *json, const char *path)
{
	const char *text = json_string_value(object_at(json, path));

	return text ? text : "";
}

double object_number(const json_t *json, const char *path)
{
	return json_number_value(object_at(json, path));
}

bool object_is(const json_t *json, const char *path)
{
	return json_is_true(object_at(json, path));
}

/* ---- bodies ---- */
static int read_words(const struct cli *c, json_t *body)
{
	struct report r = {0};

	if (!fields_read(c->words + 1, c->n_words - 1, body, &r))
		return CLI_OK;
	for (size_t i = 0; i + 1 < r.n; i++)
		fprintf(stderr, "mtlbctl: \"%s\" %s\n", r.lines[i].where, r.lines[i].text);
	int result = cli_usage(c, "\"%s\" %s", r.lines[r.n - 1].where, r.lines[r.n - 1].text);
	report_clear(&r);
	return result;
}

int object_body(const struct cli *c, json_t **out)
{
	const char *file = c->options[OPTION_FILE];
	struct report r = {0};
	json_t *body = file ? fields_read_file(file, &r) : json_object();

	if (!body)
		return cli_refuse(c, &r);
	int error = read_words(c, body);

	if (error)
		json_decref(body);
	else
		*out = body;
	return error;
}

int object_new_body(const struct cli *c, const char *name, json_t **out)
{
	json_t *body;
	int error = object_body(c, &body);

	if (error)
		return error;
	const char *given = object_text(body, "name");
	if (*given && strcmp(given, name)) {
		fprintf(stderr, "name: the fields say \"%s\", the command \"%s\"\n", given, name);
		json_decref(body);
		return CLI_REFUSED;
	}
	json_object_set_new(body, "name", json_string(name));
	*out = body;
	return CLI_OK;
}

/* ---- one object ---- */
static bool is_skipped(const char *key, const char *const *skip)
{
	for (; skip && *skip; skip++)
		if (!strcmp(*skip, key))
			return true;
	return false;
}

static void print_value(const char *key, const json_t *value)
{
	_cleanup_free_ char *text =
		json_is_string(value) ? strdup(json_string_value(value))
				      : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));

	printf("%-*s %s\n", KEY_WIDTH, key, text ? text : "");
}

/* "rotation=0 server_id_length=4" */
static void print_inline(const char *before, const json_t *object)
{
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)object, key, value) {
		_cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		printf("%s%s=%s", before, key, text ? text : "");
		before = " ";
	}
}

static void print_list(const char *key, const json_t *list)
{
	const json_t *item;
	size_t at;

	if (json_object_get(json_array_get(list, 0), "name"))
		return;
	printf("%-*s%s", KEY_WIDTH, key, json_array_size(list) ? "" : " none");
	json_array_foreach (list, at, item)
		if (json_is_object(item))
			print_inline(at ? ", " : " ", item);
		else
			printf("%s%s", at ? ", " : " ", json_string_value(item));
	putchar('\n');
}

static void print_members(const char *prefix, const json_t *json, const char *const *skip)
{
	const json_t *value;
	const char *key;

	json_object_foreach ((json_t *)json, key, value) {
		char name[128];
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (is_skipped(name, skip))
			continue;
		if (json_is_object(value))
			print_members(name, value, skip);
		else if (json_is_array(value))
			print_list(name, value);
		else
			print_value(name, value);
	}
}

void object_print(const json_t *json, const char *const *skip)
{
	print_members("", json, skip);
}
