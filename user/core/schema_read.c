// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Value tree -> object, by the tables; each mistake is told where it stands. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/position.h"
#include "core/schema.h"
#include "core/server_id.h"

enum {
	KEYS_MAX = 64
}; /* in a map: more than any table has */

struct reader {
	const struct schema_source *from;
	char path[1024]; /* JSON: "vips/web/port" below from->where */
	size_t errors;
};

static size_t push(struct reader *rd, const char *part)
{
	size_t n = strlen(rd->path);

	snprintf(rd->path + n, sizeof(rd->path) - n, "%s%s", n ? "/" : "", part);
	return n;
}

static void pop(struct reader *rd, size_t n)
{
	rd->path[n] = '\0';
}

static void complain(struct reader *rd, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void complain(struct reader *rd, int line, int column, const char *format, ...)
{
	const char *base = rd->from->where ? rd->from->where : "";
	char *where = NULL, *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		abort();
	va_end(ap);
	if (rd->from->file)
		where = position_text(rd->from->file, line, column);
	else if (asprintf(&where, "%s%s%s", base, *base && *rd->path ? "/" : "", rd->path) < 0)
		abort();
	report_add(rd->from->r, where, "%s", text);
	free(where);
	free(text);
	rd->errors++;
}

/* "port: found "80x", allowed: ..."; JSON's place ends with the key, so it is not said twice. */
static void complain_value(struct reader *rd, const struct value *v, const char *name,
			   const char *allowed, const char *hint)
{
	bool says_key = rd->from->file != NULL;
	char found[64];

	complain(rd, v->line, v->column, "%s%sfound %s, allowed: %s%s", says_key ? name : "",
		 says_key ? ": " : "", value_describe(v, found, sizeof(found)), allowed, hint);
}

static void complain_field(struct reader *rd, const struct field *f, const struct value *v)
{
	char allowed[512], hint[96] = "";

	field_allowed(f, allowed, sizeof(allowed));
	if (v->text)
		field_hint(f, v->text, hint, sizeof(hint));
	complain_value(rd, v, f->name, allowed, hint);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein's distance; texts longer than any key are far from all. */
static size_t distance(const char *a, const char *b)
{
	enum {
		LONGEST = 31
	};
	size_t row[LONGEST + 1], na = strlen(a), nb = strlen(b);

	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[nb];
}

static const char *closest_key(const struct schema *s, const char *key)
{
	size_t best = strlen(key) > 3 ? 3 : 2;
	const char *found = NULL;

	for (const struct field *f = s->fields; f->name; f++) {
		size_t d = distance(f->name, key);

		if (d < best) {
			best = d;
			found = f->name;
		}
	}
	return found;
}

static void list_keys(const struct schema *s, char *buffer, size_t size)
{
	size_t n = 0;

	*buffer = '\0';
	for (const struct field *f = s->fields; f->name && n < size; f++)
		n += snprintf(buffer + n, size - n, "%s%s", n ? ", " : "", f->name);
}

static void complain_unknown(struct reader *rd, const struct schema *s, const struct value *v)
{
	const char *close = closest_key(s, v->key);
	char keys[512];

	list_keys(s, keys, sizeof(keys));
	complain(rd, v->key_line, v->key_column, "unknown key \"%.64s\" in %s%s%s%s, allowed: %s",
		 v->key, s->what, close ? " (did you mean \"" : "", close ? close : "",
		 close ? "\"?)" : "", keys);
}

static void complain_not_map(struct reader *rd, const struct schema *s, const struct value *v)
{
	char keys[512], found[64];

	list_keys(s, keys, sizeof(keys));
	complain(rd, v->line, v->column, "found %s where %s belongs, allowed: a map with %s",
		 value_describe(v, found, sizeof(found)), s->what, keys);
}

static void read_map(struct reader *rd, const struct schema *s, const struct value *map,
		     void *object);

static bool is_duplicate(struct reader *rd, const struct value *map, size_t i)
{
	const struct value *v = &map->items[i], *first = value_get(map, v->key);

	if (first == v)
		return false;
	complain(rd, v->key_line, v->key_column,
		 "key \"%.64s\" stands here again (first in line %d), allowed: once", v->key,
		 first->key_line);
	return true;
}

/* JSON has types; in YAML every scalar is text. A number or a boolean may also be given as text. */
static bool is_fitting(const struct field *f, const struct value *v)
{
	switch (v->kind) {
	case VALUE_TEXT:
		return true;
	case VALUE_NUMBER:
		return f->type == FIELD_NUMBER || f->type == FIELD_SECONDS ||
		       f->type == FIELD_PORTS;
	case VALUE_BOOL:
		return f->type == FIELD_BOOL;
	default:
		return false;
	}
}

/* Of a bounded length; otherwise it is told why not. */
static bool is_list(struct reader *rd, const struct field *f, const struct value *v)
{
	bool says_key = rd->from->file != NULL;

	if (v->kind == VALUE_LIST && v->n <= f->max)
		return true;
	if (v->kind != VALUE_LIST)
		complain_field(rd, f, v);
	else
		complain(rd, v->line, v->column, "%s%sfound a list of %zu, allowed: at most %llu",
			 says_key ? f->name : "", says_key ? ": " : "", v->n,
			 (unsigned long long)f->max);
	return false;
}

static void read_prefixes(struct reader *rd, const struct field *f, const struct value *v,
			  struct model_tenant *t)
{
	struct prefix p;

	field_set_default(f, t);
	if (!is_list(rd, f, v))
		return;
	for (size_t i = 0; i < v->n; i++) {
		const struct value *item = &v->items[i];

		if (item->kind == VALUE_BROKEN)
			continue;
		if (item->kind != VALUE_TEXT || prefix_parse(item->text, &p))
			complain_value(rd, item, f->name,
				       "a prefix without host bits such as 203.0.113.0/28", "");
		else
			*tenant_add_prefix(t) = p;
	}
}

static int parse_source(const char *text, struct prefix *out)
{
	static const struct prefix never[] = {
		{{{[10] = 0xff, [11] = 0xff}}, 128},                  /* 0.0.0.0 */
		{{{[10] = 0xff, [11] = 0xff, [12] = 127}}, 104},      /* loopback */
		{{{[10] = 0xff, [11] = 0xff, [12] = 0xe0}}, 100},     /* multicast */
		{{{[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, 128}, /* broadcast */
		{{{0}}, 127},                                         /* :: and ::1 */
		{{{0xff}}, 8},                                        /* multicast */
	};
	static const struct prefix mapped = {{{[10] = 0xff, [11] = 0xff}}, 96};
	struct prefix p = {.len = 128};

	if (strchr(text, '/') ? prefix_parse(text, &p) : addr_parse(text, &p.addr))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (prefix_overlaps(&p, &never[i]))
			return -EINVAL;
	if (!addr_is_ipv4(&p.addr) && prefix_overlaps(&p, &mapped))
		return -EINVAL;
	*out = p;
	return 0;
}

static void read_source(struct reader *rd, const struct field *f, const struct value *v,
			struct model_node *node)
{
	char allowed[512];
	struct prefix p;
	bool v6;

	if (v->kind == VALUE_BROKEN)
		return;
	field_allowed(f, allowed, sizeof(allowed));
	if (v->kind != VALUE_TEXT || parse_source(v->text, &p)) {
		complain_value(rd, v, f->name, allowed, "");
		return;
	}
	v6 = !addr_is_ipv4(&p.addr);
	if (node->source_set[v6]) {
		complain_value(rd, v, f->name, allowed, " (a second one of this family)");
		return;
	}
	node->source[v6] = p.addr;
	node->source_bits[v6] = p.len;
	node->source_set[v6] = true;
}

static void read_sources(struct reader *rd, const struct field *f, const struct value *v,
			 struct model_node *node)
{
	field_set_default(f, node);
	if (v->kind == VALUE_TEXT)
		read_source(rd, f, v, node);
	else if (v->kind != VALUE_LIST)
		complain_field(rd, f, v);
	for (size_t i = 0; v->kind == VALUE_LIST && i < v->n; i++)
		read_source(rd, f, &v->items[i], node);
}

static void read_server_id(struct reader *rd, const struct field *f, const struct value *v,
			   struct model_backend *b)
{
	struct model_server_id id;
	char allowed[512], hint[64];

	if (v->kind == VALUE_BROKEN)
		return;
	field_allowed(f, allowed, sizeof(allowed));
	if (v->kind != VALUE_TEXT || server_id_parse(v->text, &id)) {
		complain_value(rd, v, f->name, allowed, "");
		return;
	}
	for (size_t i = 0; i < b->n_server_ids; i++)
		if (b->server_ids[i].len == id.len) {
			snprintf(hint, sizeof(hint), " (a second one of length %u)", id.len);
			complain_value(rd, v, f->name, allowed, hint);
			return;
		}
	b->server_ids[b->n_server_ids++] = id;
}

static void read_server_ids(struct reader *rd, const struct field *f, const struct value *v,
			    struct model_backend *b)
{
	field_set_default(f, b);
	if (v->kind == VALUE_TEXT)
		read_server_id(rd, f, v, b);
	else if (is_list(rd, f, v))
		for (size_t i = 0; i < v->n; i++)
			read_server_id(rd, f, &v->items[i], b);
}

static void push_element(struct reader *rd, const struct value *v, size_t i)
{
	const struct value *name = value_get(v, "name");
	char index[32];

	snprintf(index, sizeof(index), "%zu", i);
	push(rd,
	     name && name->kind == VALUE_TEXT && field_is_name(name->text) ? name->text : index);
}

static void read_list(struct reader *rd, const struct field *f, const struct value *v, void *owner)
{
	f->list->clear(owner);
	if (!is_list(rd, f, v))
		return;
	for (size_t i = 0; i < v->n; i++) {
		const struct value *item = &v->items[i];
		size_t n = strlen(rd->path);
		void *object;

		if (item->kind == VALUE_BROKEN)
			continue;
		push_element(rd, item, i);
		if (item->kind == VALUE_MAP) {
			object = f->list->add(owner);
			schema_defaults(f->schema, object);
			read_map(rd, f->schema, item, object);
		} else {
			complain_not_map(rd, f->schema, item);
		}
		pop(rd, n);
	}
}

static void read_field(struct reader *rd, const struct field *f, const struct value *v,
		       void *object)
{
	if (v->kind == VALUE_BROKEN)
		return;
	if (v->kind == VALUE_NULL) {
		if (f->required)
			complain_field(rd, f, v);
		else
			field_set_default(f, object);
		return;
	}
	switch (f->type) {
	case FIELD_OBJECT:
		if (v->kind == VALUE_MAP)
			read_map(rd, f->schema, v, (char *)object + f->offset);
		else
			complain_not_map(rd, f->schema, v);
		break;
	case FIELD_LIST:
		read_list(rd, f, v, object);
		break;
	case FIELD_PREFIXES:
		read_prefixes(rd, f, v, object);
		break;
	case FIELD_SOURCES:
		read_sources(rd, f, v, object);
		break;
	case FIELD_SERVER_IDS:
		read_server_ids(rd, f, v, object);
		break;
	default:
		if (!is_fitting(f, v) || field_parse(f, v->text, object))
			complain_field(rd, f, v);
	}
}

static bool is_empty(const struct field *f, const void *object)
{
	const char *p = (const char *)object + f->offset;

	for (size_t i = 0; i < f->size; i++)
		if (p[i])
			return false;
	return true;
}

static void find_missing(struct reader *rd, const struct schema *s, const struct value *map,
			 const void *object)
{
	char allowed[512];

	for (const struct field *f = s->fields; f->name; f++) {
		if (!f->required || map->incomplete || value_get(map, f->name) ||
		    !is_empty(f, object))
			continue;
		complain(rd, map->line, map->column, "%s without \"%s\", allowed: %s", s->what,
			 f->name, field_allowed(f, allowed, sizeof(allowed)));
	}
}

static void find_refused(struct reader *rd, const struct schema *s, const struct value *map,
			 const void *object)
{
	for (size_t i = 0; s->refuses && i < map->n; i++) {
		const struct value *v = &map->items[i];
		const char *why = s->refuses(object, v->key);
		size_t n = push(rd, v->key);

		if (why && v->kind != VALUE_NULL)
			complain(rd, v->key_line, v->key_column,
				 "key \"%.64s\" in %s without %s, allowed: only with it", v->key,
				 s->what, why);
		pop(rd, n);
	}
}

static const struct field *find_field(const struct schema *s, const char *key)
{
	for (const struct field *f = s->fields; f->name; f++)
		if (!strcmp(f->name, key))
			return f;
	return NULL;
}

static void read_entry(struct reader *rd, const struct schema *s, const struct value *map, size_t i,
		       void *object)
{
	const struct value *v = &map->items[i];
	const struct field *f = find_field(s, v->key);
	size_t n = push(rd, v->key);

	if (!f)
		complain_unknown(rd, s, v);
	else if (!is_duplicate(rd, map, i))
		read_field(rd, f, v, object);
	pop(rd, n);
}

static void read_map(struct reader *rd, const struct schema *s, const struct value *map,
		     void *object)
{
	size_t errors = rd->errors;
	struct origin *origin = (struct origin *)((char *)object + s->origin);
	char *before;

	if (map->n > KEYS_MAX) {
		complain(rd, map->line, map->column, "%s with %zu keys, allowed: at most %d",
			 s->what, map->n, KEYS_MAX);
		return;
	}
	before = malloc(s->size);
	if (!before)
		abort();
	memcpy(before, object, s->size);
	if (s->has_origin && rd->from->file)
		*origin = (struct origin){rd->from->file, map->line, map->column};
	for (size_t i = 0; i < map->n; i++)
		read_entry(rd, s, map, i, object);
	find_missing(rd, s, map, object);
	if (rd->errors == errors)
		find_refused(rd, s, map, object);
	if (s->complete)
		s->complete(map, before, object);
	free(before);
}

int schema_read(const struct schema *s, const struct schema_source *from, const struct value *map,
		void *object)
{
	struct reader rd = {.from = from};

	if (map->kind == VALUE_MAP)
		read_map(&rd, s, map, object);
	else if (map->kind != VALUE_BROKEN)
		complain_not_map(&rd, s, map);
	return rd.errors || map->kind != VALUE_MAP ? -EINVAL : 0;
}
