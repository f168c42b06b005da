/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One table of fields for each kind of object. It sets defaults, reads YAML and JSON (as struct
 * value), writes JSON, and says what is allowed, in errors and in the reference.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "core/model.h"
#include "core/value.h"

enum field_type {
	FIELD_NAME,                  /* char[MTLB_NAME_LEN] */
	FIELD_INTERFACE,             /* char[16]: a network interface's name */
	FIELD_BOOL,                  /* bool */
	FIELD_NUMBER,                /* unsigned integer of .size bytes */
	FIELD_SECONDS,               /* the same, written as a duration */
	FIELD_CHOICE,                /* the same, one of .choices */
	FIELD_ADDRESS,               /* struct addr of one host */
	FIELD_MAC,                   /* struct mac */
	FIELD_PORTS,                 /* two uint16_t: first and last port */
	FIELD_SERVER_IDS,            /* server_ids and n_server_ids of a struct model_backend */
	FIELD_PREFIXES,              /* prefixes of a struct model_tenant */
	FIELD_SOURCES,               /* source, source_set, source_bits of a struct model_node */
	FIELD_OBJECT,                /* fields of .schema at the offset */
	FIELD_LIST,                  /* objects of .schema: .list */
};

struct choice {
	const char *name;
	uint64_t value;
};

struct schema;

struct list {
	void *(*add)(void *owner);   /* the new element, zeroed */
	void (*clear)(void *owner);
	size_t items, n;             /* offsets in the owner: array, size_t */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
	size_t is_set;               /* offset of the bool that says it was given; 0: none */
	const char *unset;           /* with is_set: how "not given" is spelled; NULL: left out */
	uint64_t min, max;           /* of lists: elements, from 0 to max */
	const char *zero;            /* NUMBER: 0 is allowed too, and means this */
	uint64_t initial;            /* default of integers, choices, booleans */
	bool required;
	bool power_of_two;
	bool may_be_loopback;        /* ADDRESS */
	const struct choice *choices; /* ends with a NULL name */
	const struct schema *schema;
	const struct list *list;
	const char *text;            /* for the reference */
};

struct schema {
	const char *what;            /* "a VIP" */
	const struct field *fields;  /* ends with a NULL name */
	size_t size;                 /* of the object */
	bool has_origin;
	size_t origin;
	/* What the table cannot say; after the fields' defaults. */
	void (*defaults)(void *object);
	/*
	 * After a map was read: before is the object as it was (shallow). Defaults that depend on
	 * others.
	 */
	void (*complete)(const struct value *map, const void *before, void *object);
	/* Keys that make no sense beside the others: why, or NULL. */
	const char *(*refuses)(const void *object, const char *key);
	/* Fields that are not written, as above. */
	bool hides_refused;
};

extern const struct schema schema_main;    /* struct model: the main file */
extern const struct schema schema_tenants; /* struct model: a tenant file with a list */
extern const struct schema schema_node;    /* struct model_node, first in a struct model */
extern const struct schema schema_tenant, schema_vip, schema_backend, schema_segment,
	schema_interface;

void schema_defaults(const struct schema *s, void *object);

struct schema_source {
	const char *file;            /* as origins keep it; NULL: JSON */
	const char *where;           /* JSON: prefix of places */
	struct report *r;
};

/*
 * Reads a map into *object: absent fields keep their values, null means the default, lists replace
 * what was there. All mistakes go to r, and what could be read is in *object all the same. 0 or
 * -EINVAL.
 */
int schema_read(const struct schema *s, const struct schema_source *from, const struct value *map,
		void *object);

/* New reference. */
json_t *schema_write(const struct schema *s, const void *object);

/* All keys with what is allowed, their defaults and what they mean. */
void schema_print_reference(FILE *out);

/* ---- single fields: field.c ---- */
enum { FIELD_TEXT = 160 };

/*
 * Text to value: 0 or -EINVAL with the object untouched. Not for OBJECT and lists.
 */
int field_parse(const struct field *f, const char *text, void *object);
/* The value as configuration spells it, or NULL where it is empty. New reference. */
json_t *field_write(const struct field *f, const void *object);
void field_set_default(const struct field *f, void *object);
/* "a number from 1 to 65535". Returns buffer. */
const char *field_allowed(const struct field *f, char *buffer, size_t size);
/*
 * What to say beside what is allowed, of this text: " (nearest: 64Ki and 128Ki)"; "" for nothing.
 */
const char *field_hint(const struct field *f, const char *text, char *buffer, size_t size);
/* A number with the largest suffix that is exact: 65536 is "64Ki". */
const char *field_print_number(uint64_t n, char *buffer, size_t size);
/* Is text a name: [a-z0-9][a-z0-9._-]*, at most 63 bytes. */
bool field_is_name(const char *text);
