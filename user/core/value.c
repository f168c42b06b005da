// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct value *value_get(const struct value *map, const char *key)
{
	for (size_t i = 0; map->kind == VALUE_MAP && i < map->n; i++)
		if (!strcmp(map->items[i].key, key))
			return &map->items[i];
	return NULL;
}

struct value *value_add(struct value *v)
{
	/* The capacity is the power of two from n up. */
	if (!(v->n & (v->n - 1))) {
		v->items = reallocarray(v->items, v->n ? v->n * 2 : 1, sizeof(*v->items));
		if (!v->items)
			abort();
	}
	memset(&v->items[v->n], 0, sizeof(*v->items));
	return &v->items[v->n++];
}

void value_clear(struct value *v)
{
	for (size_t i = 0; i < v->n; i++)
		value_clear(&v->items[i]);
	free(v->items);
	free(v->key);
	free(v->text);
	memset(v, 0, sizeof(*v));
}

const char *value_describe(const struct value *v, char *buffer, size_t size)
{
	size_t len, shown = size - sizeof("\"...\"");

	switch (v->kind) {
	case VALUE_TEXT:
		len = strlen(v->text);
		/* Never end amid a character of UTF-8. */
		while (len > shown && shown && (v->text[shown] & 0xc0) == 0x80)
			shown--;
		snprintf(buffer, size, "\"%.*s%s\"", (int)(len > shown ? shown : len), v->text,
			 len > shown ? "..." : "");
		break;
	case VALUE_BOOL:
	case VALUE_NUMBER:
		snprintf(buffer, size, "%s", v->text);
		break;
	case VALUE_LIST:
		snprintf(buffer, size, "a list");
		break;
	case VALUE_MAP:
		snprintf(buffer, size, "a map");
		break;
	default:
		snprintf(buffer, size, "nothing");
	}
	return buffer;
}

static char *copy(const char *text)
{
	char *c = strdup(text);

	if (!c)
		abort();
	return c;
}

static char *number_text(const json_t *json)
{
	char text[64];

	if (json_is_integer(json))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
	else
		snprintf(text, sizeof(text), "%g", json_real_value(json));
	return copy(text);
}

static int convert(const json_t *json, int depth, struct value *out)
{
	const char *key;
	json_t *child;
	size_t i;
	int err = 0;

	if (depth > VALUE_DEPTH_MAX)
		return -EINVAL;
	switch (json_typeof(json)) {
	case JSON_NULL:
		out->kind = VALUE_NULL;
		break;
	case JSON_STRING:
		out->kind = VALUE_TEXT;
		out->text = copy(json_string_value(json));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		out->kind = VALUE_BOOL;
		out->text = copy(json_is_true(json) ? "true" : "false");
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		out->kind = VALUE_NUMBER;
		out->text = number_text(json);
		break;
	case JSON_ARRAY:
		out->kind = VALUE_LIST;
		for (i = 0; !err && i < json_array_size(json); i++)
			err = convert(json_array_get(json, i), depth + 1, value_add(out));
		break;
	case JSON_OBJECT:
		out->kind = VALUE_MAP;
		json_object_foreach ((json_t *)json, key, child) {
			struct value *v = value_add(out);

			v->key = copy(key);
			err = convert(child, depth + 1, v);
			if (err)
				break;
		}
		break;
	}
	return err;
}

int value_from_json(const char *where, const json_t *json, struct value *out, struct report *r)
{
	int err;

	memset(out, 0, sizeof(*out));
	if (!json) {
		report_add(r, where, "found nothing, allowed: a JSON object");
		return -EINVAL;
	}
	err = convert(json, 1, out);
	if (err)
		report_add(r, where, "nested too deep, allowed: %d levels", VALUE_DEPTH_MAX);
	return err;
}
