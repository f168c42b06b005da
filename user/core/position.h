/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* "file:line:column": written, and mistakes sorted by it. */
#pragma once

#include "core/model.h"
#include "util/report.h"

/* A malloced "file:line:column". */
char *position_text(const char *file, int line, int column);

/*
 * Sorts the lines of r from index `from` on by file (in the order of m->strings), line and column;
 * lines at the same place keep their order, repeated ones are dropped. Lines without a position
 * come last, in their order.
 */
void position_sort(const struct model *m, struct report *r, size_t from);
