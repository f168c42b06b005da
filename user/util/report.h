/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Errors about input, collected so that all of them are told at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct report_line {
	char *where;                 /* "file:line:column", "tenants/acme/vips/web", or "" */
	char *text;                  /* what was found, and what is allowed; no newline */
};

struct report {
	struct report_line *lines;
	size_t n;
};

/* Adds a line; where may be NULL. Never fails: out of memory ends the process with a message. */
void report_add(struct report *r, const char *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool report_is_empty(const struct report *r);
/* Ends with all lines freed; r may be used again. */
void report_clear(struct report *r);
