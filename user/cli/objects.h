/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verbs of tenants, VIPs, backends and segments have in common. */
#pragma once

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/names.h"
#include "cli/table.h"

/* Members along a dotted path ("status.flows.size"); "" and 0 where there is none. */
const json_t *object_at(const json_t *json, const char *path);
const char *object_text(const json_t *json, const char *path);
double object_number(const json_t *json, const char *path);
bool object_is(const json_t *json, const char *path);

/* The fields behind the first word, and --file, which they complete. CLI_OK, CLI_USAGE (fields) or CLI_REFUSED (the file). */
int object_body(const struct cli *c, json_t **out);
/* As object_body(), with a name. A name in the file that is another one is CLI_REFUSED. */
int object_new_body(const struct cli *c, const char *name, json_t **out);

/* "name: value" lines of an object's own fields; skips those named in skip (NULL ends it) and arrays of named objects. */
void object_print(const json_t *json, const char *const *skip);

/* The tables, for list and show. */
void vips_print(const struct cli *c, const json_t *list);
void backends_print(const struct cli *c, const json_t *list);
