// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "util/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		fputs("out of memory while collecting errors\n", stderr);
		abort();
	}
	return p;
}

/* A report is printed a line each: what came from the input must not break it up. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void report_add(struct report *r, const char *where, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	must(text);
	flatten(text);
	r->lines = must(realloc(r->lines, (r->n + 1) * sizeof(*r->lines)));
	r->lines[r->n].where = must(strdup(where ? where : ""));
	flatten(r->lines[r->n].where);
	r->lines[r->n].text = text;
	r->n++;
}

bool report_is_empty(const struct report *r)
{
	return !r->n;
}

void report_clear(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->lines[i].where);
		free(r->lines[i].text);
	}
	free(r->lines);
	r->lines = NULL;
	r->n = 0;
}
