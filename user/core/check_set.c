// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the checks share: a set of keys, and where a mistake is placed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/position.h"
#include "core/siphash.h"

struct check_entry {
	uint64_t hash;
	char *key; /* NULL: free */
	size_t len;
	const void *object;
};

static struct check_entry *find(struct check_set *s, uint64_t hash, const void *key, size_t len)
{
	size_t i = hash & (s->size - 1);

	for (;; i = (i + 1) & (s->size - 1)) {
		struct check_entry *e = &s->entries[i];

		if (!e->key || (e->hash == hash && e->len == len && !memcmp(e->key, key, len)))
			return e;
	}
}

static void grow(struct check_set *s)
{
	struct check_set larger = {.n = s->n, .size = s->size ? s->size * 2 : 16};

	larger.entries = calloc(larger.size, sizeof(*larger.entries));
	if (!larger.entries)
		abort();
	for (size_t i = 0; i < s->size; i++) {
		struct check_entry *e = &s->entries[i];

		if (e->key)
			*find(&larger, e->hash, e->key, e->len) = *e;
	}
	free(s->entries);
	*s = larger;
}

const void *check_seen(struct check_set *s, const void *key, size_t len, const void *object)
{
	static const uint8_t hash_key[16];
	uint64_t hash = siphash(hash_key, key, len);
	struct check_entry *e;

	if (s->n * 2 >= s->size)
		grow(s);
	e = find(s, hash, key, len);
	if (e->key)
		return e->object;
	*e = (struct check_entry){.hash = hash, .key = malloc(len), .len = len, .object = object};
	if (!e->key)
		abort();
	memcpy(e->key, key, len);
	s->n++;
	return NULL;
}

void check_forget(struct check_set *s)
{
	for (size_t i = 0; i < s->size; i++)
		free(s->entries[i].key);
	free(s->entries);
	memset(s, 0, sizeof(*s));
}

void check_path(char path[CHECK_PATH], const struct model_tenant *t, const struct model_vip *v,
		const struct model_backend *b)
{
	snprintf(path, CHECK_PATH, "tenants/%s%s%s%s%s", t->name, v ? "/vips/" : "",
		 v ? v->name : "", b ? "/backends/" : "", b ? b->name : "");
}

void check_complain(struct report *r, const struct origin *o, const char *path, const char *format,
		    ...)
{
	char *text = NULL, *where = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		abort();
	va_end(ap);
	if (o && o->file)
		where = position_text(o->file, o->line, o->column);
	report_add(r, where ? where : path, "%s", text);
	free(where);
	free(text);
}

const char *check_place(const struct origin *o, const char *path, char *buffer, size_t size)
{
	if (o->file)
		snprintf(buffer, size, "%s:%d:%d", o->file, o->line, o->column);
	else
		snprintf(buffer, size, "%s", path);
	return buffer;
}

void check_twice(struct report *r, struct check_set *names, const char *what, const char *name,
		 const struct origin *o, const char *path)
{
	const struct origin *first = *name ? check_seen(names, name, strlen(name), o) : NULL;
	char place[512];

	if (first)
		check_complain(r, o, path,
			       "%s \"%s\" stands here again (first: %s), allowed: each name once",
			       what, name, check_place(first, path, place, sizeof(place)));
}
