// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Defaults, JSON and the reference, by the tables. */
#include <string.h>

#include "core/schema.h"

void schema_defaults(const struct schema *s, void *object)
{
	for (const struct field *f = s->fields; f->name; f++)
		field_set_default(f, object);
	if (s->defaults)
		s->defaults(object);
}

static json_t *write_list(const struct field *f, const void *owner)
{
	const char *items;
	json_t *list = json_array();
	size_t n;

	memcpy(&items, (const char *)owner + f->list->items, sizeof(items));
	memcpy(&n, (const char *)owner + f->list->n, sizeof(n));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, schema_write(f->schema, items + i * f->schema->size));
	return list;
}

static json_t *write_field(const struct field *f, const void *object)
{
	if (f->type == FIELD_LIST)
		return write_list(f, object);
	if (f->type == FIELD_OBJECT)
		return schema_write(f->schema, (const char *)object + f->offset);
	return field_write(f, object);
}

json_t *schema_write(const struct schema *s, const void *object)
{
	json_t *out = json_object(), *value;

	for (const struct field *f = s->fields; f->name; f++) {
		if (s->hides_refused && s->refuses(object, f->name))
			continue;
		value = write_field(f, object);
		if (value)
			json_object_set_new(out, f->name, value);
	}
	return out;
}

static void print_initial(FILE *out, const struct field *f)
{
	char number[32];

	if (f->required)
		fputs("required; ", out);
	else if (f->type == FIELD_NUMBER && !f->zero && !f->is_set)
		fprintf(out, "default %s; ",
			field_print_number(f->initial, number, sizeof(number)));
	else if (f->type == FIELD_NUMBER && f->initial)
		fprintf(out, "default %s; ",
			field_print_number(f->initial, number, sizeof(number)));
	else if (f->type == FIELD_SECONDS)
		fprintf(out, "default %llus; ", (unsigned long long)f->initial);
	else if (f->type == FIELD_BOOL && !f->is_set)
		fprintf(out, "default %s; ", f->initial ? "true" : "false");
	else if (f->unset)
		fprintf(out, "default %s; ", f->unset);
	for (const struct choice *c = f->choices; c && c->name; c++)
		if (c->value == f->initial && !f->required)
			fprintf(out, "default %s; ", c->name);
}

static void print_schema(FILE *out, const struct schema *s, const char *prefix)
{
	char allowed[512], path[256];

	for (const struct field *f = s->fields; f->name; f++) {
		snprintf(path, sizeof(path), "%s%s%s%s", prefix, *prefix ? "." : "", f->name,
			 f->type == FIELD_LIST ? "[]" : "");
		fprintf(out, "%s\n    %s\n    ", path, f->text);
		print_initial(out, f);
		fprintf(out, "allowed: %s\n", field_allowed(f, allowed, sizeof(allowed)));
		if (f->schema)
			print_schema(out, f->schema, path);
	}
}

void schema_print_reference(FILE *out)
{
	print_schema(out, &schema_main, "");
}
