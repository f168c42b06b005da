// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* libyaml's events -> value tree, with all the limits that keep a hostile file harmless. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/position.h"
#include "core/value.h"

struct loader {
	yaml_parser_t parser;
	const char *name;
	const char *text;
	size_t len;
	struct report *r;
	size_t nodes;
	bool failed, stopped; /* stopped: nothing more can be read */
};

static void complain(struct loader *l, yaml_mark_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct loader *l, yaml_mark_t at, const char *format, ...)
{
	char *where = position_text(l->name, at.line + 1, at.column + 1);
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report_add(l->r, where, "%s", text);
	free(where);
	l->failed = true;
}

/* The reader (bad UTF-8, control characters) tells only a byte offset. */
static yaml_mark_t mark_of_offset(const struct loader *l, size_t offset)
{
	yaml_mark_t at = {0};

	for (size_t i = 0; i < offset && i < l->len; i++) {
		if (l->text[i] == '\n') {
			at.line++;
			at.column = 0;
		} else if ((l->text[i] & 0xc0) != 0x80) {
			at.column++;
		}
	}
	return at;
}

static bool is_tab(const struct loader *l, yaml_mark_t at)
{
	size_t i = 0, column = 0;

	for (size_t line = 0; line < at.line && i < l->len; i++)
		line += l->text[i] == '\n';
	for (; column < at.column && i < l->len; i++)
		column += (l->text[i] & 0xc0) != 0x80;
	return i < l->len && l->text[i] == '\t';
}

static void complain_syntax(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	const char *problem = p->problem ? p->problem : "not valid YAML";

	if (p->error == YAML_MEMORY_ERROR)
		abort();
	if (p->error == YAML_READER_ERROR)
		complain(l, mark_of_offset(l, p->problem_offset),
			 "%s, allowed: UTF-8 text without control characters", problem);
	else if (is_tab(l, p->problem_mark))
		complain(l, p->problem_mark, "found a tab, allowed: blanks to indent with");
	else if (p->context)
		complain(l, p->problem_mark, "%s (%s that begins in line %zu), allowed: valid YAML",
			 problem, p->context, p->context_mark.line + 1);
	else
		complain(l, p->problem_mark, "%s, allowed: valid YAML", problem);
}

static bool next(struct loader *l, yaml_event_t *event)
{
	if (l->stopped)
		return false;
	if (yaml_parser_parse(&l->parser, event))
		return true;
	complain_syntax(l);
	l->stopped = true;
	return false;
}

static bool is_null_text(const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;

	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

static void read_scalar(struct loader *l, const yaml_event_t *e, struct value *out)
{
	const char *text = (const char *)e->data.scalar.value;

	if (strlen(text) != e->data.scalar.length) {
		complain(l, e->start_mark, "found a NUL character, allowed: text without NUL");
		out->kind = VALUE_BROKEN;
		return;
	}
	out->kind = is_null_text(e) ? VALUE_NULL : VALUE_TEXT;
	out->text = strdup(text);
	if (!out->text)
		abort();
}

static bool has_extras(struct loader *l, const yaml_event_t *e, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	if (anchor)
		complain(l, e->start_mark,
			 "found an anchor (&%.64s), allowed: values written out, without anchors",
			 (const char *)anchor);
	if (tag)
		complain(l, e->start_mark, "found a tag (%.64s), allowed: values without tags",
			 (const char *)tag);
	return anchor || tag;
}

static void read_value(struct loader *l, const yaml_event_t *e, int depth, struct value *out);

static void read_list(struct loader *l, int depth, struct value *list)
{
	yaml_event_t e;

	list->kind = VALUE_LIST;
	list->incomplete = true;
	while (next(l, &e)) {
		bool end = e.type == YAML_SEQUENCE_END_EVENT;

		if (!end)
			read_value(l, &e, depth, value_add(list));
		yaml_event_delete(&e);
		if (end) {
			list->incomplete = false;
			return;
		}
	}
}

/* A key that is no text is read and dropped, with its value. */
static void read_key(struct loader *l, const yaml_event_t *e, int depth, struct value *key)
{
	read_value(l, e, depth, key);
	if (key->kind == VALUE_BROKEN || l->stopped)
		return;
	if (key->kind != VALUE_TEXT && key->kind != VALUE_NULL)
		complain(l, e->start_mark, "found a key that is %s, allowed: plain text",
			 key->kind == VALUE_LIST ? "a list" : "a map");
	else if (!strcmp(key->text, "<<"))
		complain(l, e->start_mark, "found a merge key (<<), allowed: values written out");
	else
		return;
	value_clear(key);
	key->kind = VALUE_BROKEN;
}

static void read_pair(struct loader *l, const yaml_event_t *key_event, int depth, struct value *map)
{
	struct value key = {0}, value = {0};
	yaml_event_t e;

	read_key(l, key_event, depth, &key);
	if (next(l, &e)) {
		read_value(l, &e, depth, &value);
		yaml_event_delete(&e);
	} else {
		value.kind = VALUE_BROKEN;
	}
	if (key.kind == VALUE_BROKEN || !key.text) {
		value_clear(&value);
	} else {
		value.key = key.text;
		value.key_line = key.line;
		value.key_column = key.column;
		key.text = NULL;
		*value_add(map) = value;
	}
	value_clear(&key);
}

static void read_map(struct loader *l, int depth, struct value *map)
{
	yaml_event_t e;

	map->kind = VALUE_MAP;
	map->incomplete = true;
	while (next(l, &e)) {
		bool end = e.type == YAML_MAPPING_END_EVENT;

		if (!end)
			read_pair(l, &e, depth, map);
		yaml_event_delete(&e);
		if (end) {
			map->incomplete = false;
			return;
		}
	}
}

static void read_value(struct loader *l, const yaml_event_t *e, int depth, struct value *out)
{
	out->line = e->start_mark.line + 1;
	out->column = e->start_mark.column + 1;
	out->kind = VALUE_BROKEN;
	if (depth > VALUE_DEPTH_MAX || ++l->nodes > VALUE_NODES_MAX) {
		complain(l, e->start_mark, "too %s, allowed: %d %s",
			 depth > VALUE_DEPTH_MAX ? "deep" : "large",
			 depth > VALUE_DEPTH_MAX ? VALUE_DEPTH_MAX : VALUE_NODES_MAX,
			 depth > VALUE_DEPTH_MAX ? "levels" : "values");
		l->stopped = true;
		return;
	}
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		has_extras(l, e, e->data.scalar.anchor, e->data.scalar.tag);
		read_scalar(l, e, out);
		break;
	case YAML_SEQUENCE_START_EVENT:
		has_extras(l, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		read_list(l, depth + 1, out);
		break;
	case YAML_MAPPING_START_EVENT:
		has_extras(l, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		read_map(l, depth + 1, out);
		break;
	case YAML_ALIAS_EVENT:
		complain(l, e->start_mark,
			 "found an alias (*%.64s), allowed: values written out, without aliases",
			 (const char *)e->data.alias.anchor);
		break;
	default:
		complain(l, e->start_mark, "found something that is no value, allowed: valid YAML");
		l->stopped = true;
	}
}

static void read_stream(struct loader *l, struct value *out)
{
	int documents = 0;
	bool end = false;
	yaml_event_t e;

	while (!end && next(l, &e)) {
		switch (e.type) {
		case YAML_STREAM_END_EVENT:
			end = true;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (++documents > 1) {
				complain(
					l, e.start_mark,
					"a second document begins, allowed: one in a file");
				end = true;
			}
			break;
		case YAML_SCALAR_EVENT:
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
		case YAML_ALIAS_EVENT:
			read_value(l, &e, 1, out);
			break;
		default:
			break;
		}
		yaml_event_delete(&e);
	}
}

int value_from_yaml(const char *name, const char *text, size_t len, struct value *out,
		    struct report *r)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct loader l = {.name = name, .text = text, .len = len, .r = r};

	memset(out, 0, sizeof(*out));
	if (len > VALUE_TEXT_MAX) {
		complain(&l, (yaml_mark_t){0}, "the file has %zu bytes, allowed: %d", len,
			 VALUE_TEXT_MAX);
		out->kind = VALUE_BROKEN;
		return -EBADMSG;
	}
	/* libyaml would count it as a column, and find all lines but the first less indented */
	if (len >= 3 && !memcmp(text, byte_order_mark, 3)) {
		l.text += 3;
		l.len -= 3;
	}
	if (!yaml_parser_initialize(&l.parser))
		abort();
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)l.text, l.len);
	/*
	 * Positions and NUL checks below are about UTF-8; a UTF-16 byte order mark is refused as
	 * such.
	 */
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	read_stream(&l, out);
	yaml_parser_delete(&l.parser);
	return l.stopped ? -EBADMSG : l.failed ? -EINVAL : 0;
}
