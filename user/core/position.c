// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/position.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct placed {
	size_t file; /* index of the model's strings */
	int line, column;
	size_t order;
	struct report_line text;
};

char *position_text(const char *file, int line, int column)
{
	char *text = NULL;

	if (asprintf(&text, "%s:%d:%d", file, line, column) < 0)
		abort();
	return text;
}

static void place(const struct model *m, struct placed *p)
{
	const char *where = p->text.where;

	p->file = m->n_strings;
	for (size_t i = 0; i < m->n_strings; i++) {
		size_t n = strlen(m->strings[i]);

		if (!strncmp(where, m->strings[i], n) &&
		    sscanf(where + n, ":%d:%d", &p->line, &p->column) == 2) {
			p->file = i;
			return;
		}
	}
	p->line = p->column = INT_MAX;
}

static int compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_repeated(const struct report_line *a, const struct report_line *b)
{
	return !strcmp(a->where, b->where) && !strcmp(a->text, b->text);
}

void position_sort(const struct model *m, struct report *r, size_t from)
{
	size_t n = r->n - from, kept = from;
	struct placed *placed;

	if (n < 2)
		return;
	placed = calloc(n, sizeof(*placed));
	if (!placed)
		abort();
	for (size_t i = 0; i < n; i++) {
		placed[i].text = r->lines[from + i];
		placed[i].order = i;
		place(m, &placed[i]);
	}
	qsort(placed, n, sizeof(*placed), compare);
	for (size_t i = 0; i < n; i++) {
		if (kept > from && is_repeated(&r->lines[kept - 1], &placed[i].text)) {
			free(placed[i].text.where);
			free(placed[i].text.text);
			continue;
		}
		r->lines[kept++] = placed[i].text;
	}
	r->n = kept;
	free(placed);
}
