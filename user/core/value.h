/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A configuration document as a tree, before anybody asks what its keys mean: from YAML or JSON. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/report.h"

enum value_kind {
	VALUE_NULL,
	VALUE_TEXT,                  /* any scalar of YAML, a string of JSON */
	VALUE_BOOL,                  /* JSON only */
	VALUE_NUMBER,                /* JSON only */
	VALUE_LIST,
	VALUE_MAP,
	VALUE_BROKEN,                /* reported already: to be skipped in silence */
};

struct value {
	enum value_kind kind;
	int line, column;            /* from 1; 0: from JSON */
	char *key;                   /* in a map; not NULL there */
	int key_line, key_column;
	char *text;                  /* TEXT, BOOL, NUMBER: as written */
	struct value *items;         /* LIST, MAP: in the order of the text */
	size_t n;
	bool incomplete;             /* LIST, MAP: a syntax error cut it off */
};

enum {
	VALUE_DEPTH_MAX = 32,
	VALUE_NODES_MAX = 4 << 20,
	VALUE_TEXT_MAX = 64 << 20,   /* bytes of a file */
};

/*
 * Reads one YAML document. Anchors and aliases, tags, more than one document, keys that are no
 * plain text, NUL bytes and too deep or too large documents are mistakes. Lines go to r as
 * "name:line:column". What was read before a syntax error is in *out all the same, which the caller
 * frees in any case. 0, -EINVAL where mistakes were told but the document was read to its end, or
 * -EBADMSG where it was not.
 */
int value_from_yaml(const char *name, const char *text, size_t len, struct value *out,
		    struct report *r);

/* The same tree from JSON. -EINVAL where it is too deep. The caller frees *out in any case. */
int value_from_json(const char *where, const json_t *json, struct value *out, struct report *r);

/* The first value of this key, or NULL. */
const struct value *value_get(const struct value *map, const char *key);
/* Adds a zeroed element to a list or map. */
struct value *value_add(struct value *v);
/* Frees what v holds. */
void value_clear(struct value *v);
/* "a list", "nothing", or the text in quotes, cut to fit: for messages. Returns buffer. */
const char *value_describe(const struct value *v, char *buffer, size_t size);
