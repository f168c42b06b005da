// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* "key=value" on the command line -> the JSON object that the API reads. */
#include "cli/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

static bool is_list(const char *key)
{
	return !strcmp(key, "prefixes") || !strcmp(key, "server_id");
}

static json_t *list_of(char *text)
{
	json_t *list = json_array();
	char *item;

	while ((item = strsep(&text, ",")))
		if (*item)
			json_array_append_new(list, json_string(item));
	return list;
}

/* "ROTATION:SERVER_ID_LENGTH:NONCE_LENGTH"; mtlbd says so where a part is missing. */
static json_t *quic_config_of(char *text)
{
	static const char *const keys[] = {"rotation", "server_id_length", "nonce_length"};
	json_t *config = json_object();

	for (size_t i = 0; text && i < sizeof(keys) / sizeof(*keys); i++) {
		/* the last takes the rest, so that too many parts are no number */
		char *part = i + 1 < sizeof(keys) / sizeof(*keys) ? strsep(&text, ":") : text;
		json_object_set_new(config, keys[i], json_string(part));
	}
	return config;
}

static json_t *quic_configs_of(char *text)
{
	json_t *list = json_array();
	char *item;

	while ((item = strsep(&text, ",")))
		if (*item)
			json_array_append_new(list, quic_config_of(item));
	return list;
}

static json_t *value_of(const char *path, const char *key, char *text)
{
	if (!strcmp(path, "quic.configs"))
		return quic_configs_of(text);
	return is_list(key) ? list_of(text) : json_string(text);
}

/* The object in which the last part of a dotted key lies; *key moves on to that part. NULL: a part is no object. */
static json_t *descend(json_t *object, char **key)
{
	char *dot;

	while ((dot = strchr(*key, '.'))) {
		*dot = '\0';
		json_t *inner = json_object_get(object, *key);
		if (!inner) {
			inner = json_object();
			json_object_set_new(object, *key, inner);
		}
		if (!json_is_object(inner))
			return NULL;
		object = inner;
		*key = dot + 1;
	}
	return object;
}

static void read_field(const char *word, json_t *object, json_t *given, struct report *r)
{
	_cleanup_free_ char *copy = strdup(word), *path = strdup(word);
	char *value = copy && path ? strchr(copy, '=') : NULL, *key = copy;

	if (!value || value == copy) {
		report_add(r, word, "is no field: KEY=VALUE is expected, as weight=50");
		return;
	}
	*value++ = '\0';
	path[strlen(key)] = '\0';
	if (json_object_get(given, key)) {
		report_add(r, key, "is given twice");
		return;
	}
	json_object_set_new(given, key, json_true());
	if (!strcmp(key, "vips") || !strcmp(key, "backends")) {
		report_add(r, key, "are added one by one: mtlbctl %s add",
			   *key == 'v' ? "vip" : "backend");
		return;
	}
	object = descend(object, &key);
	json_t *json = object ? value_of(path, key, value) : NULL;
	if (!json || json_object_set_new(object, key, json))
		report_add(r, word,
			   !object ? "contradicts what another field says"
				   : "cannot be sent: it is not UTF-8");
}

int fields_read(char *const *words, size_t n, json_t *object, struct report *r)
{
	json_t *given = json_object();
	size_t before = r->n;

	for (size_t i = 0; i < n; i++)
		read_field(words[i], object, given, r);
	json_decref(given);
	return r->n == before ? 0 : -EINVAL;
}

json_t *fields_read_file(const char *file, struct report *r)
{
	bool is_stdin = !strcmp(file, "-");
	const char *name = is_stdin ? "standard input" : file;
	json_error_t error;
	char where[256];
	FILE *from = is_stdin ? stdin : fopen(file, "re");

	if (!from) {
		report_add(r, file, "cannot be read: %s", strerror(errno));
		return NULL;
	}
	json_t *json = json_loadf(from, JSON_REJECT_DUPLICATES, &error);
	if (!is_stdin)
		fclose(from);
	if (!json) {
		snprintf(where, sizeof(where), "%s:%d:%d", name, error.line, error.column);
		report_add(r, where, "is no JSON: %s", error.text);
	} else if (!json_is_object(json)) {
		report_add(r, name, "holds no JSON object");
		json_decref(json);
		json = NULL;
	}
	return json;
}
