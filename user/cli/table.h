/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables on a terminal, and numbers as people read them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct column {
	const char *title;
	bool is_number; /* stands at the right */
};

struct table;

/* columns must outlive the table. Out of memory ends the process. */
struct table *table_new(const struct column *columns, size_t n);
/* The next cell, row by row. */
void table_add(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same; the word, without a mark "*" behind it, decides the colour: "up" is green, "down" is red, ... */
void table_add_state(struct table *t, const char *state);
size_t table_rows(const struct table *t);
/* width 0: as wide as it gets; else the widest texts are cut until it fits. */
void table_write(const struct table *t, FILE *to, size_t width, bool is_coloured);
/* As standard output wants it, then frees t. empty is the text for a table without rows. */
void table_print(struct table *t, const char *empty);
void table_free(struct table *t);

/* Columns of the terminal that standard output is; 0: it is none. */
size_t terminal_width(void);
/* On a terminal, unless NO_COLOR says no. */
bool terminal_is_coloured(void);

enum {
	NUMBER_TEXT = 32
};

/* "999", "1.2k", "45M": at most five characters. Returns text. */
const char *number_print(double value, char text[NUMBER_TEXT]);
/* "3d 4h", "5m 2s". Returns text. */
const char *duration_print(uint64_t seconds, char text[NUMBER_TEXT]);
