// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables on a terminal, and numbers as people read them. */
#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	GAP = 2,
	COLUMNS = 16,
	TEXT_MIN = 8
};

struct cell {
	char *text;
	size_t width;       /* in characters */
	const char *colour; /* of the terminal, or NULL */
};

struct table {
	const struct column *columns;
	size_t n_columns;
	struct cell *cells; /* row after row */
	size_t n_cells, room;
};

static void *must(void *p)
{
	if (!p) {
		fputs("mtlbctl: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

/* Characters of UTF-8; all are taken for one column wide. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

struct table *table_new(const struct column *columns, size_t n)
{
	struct table *t = must(calloc(1, sizeof(*t)));

	t->columns = columns;
	t->n_columns = n < COLUMNS ? n : COLUMNS;
	return t;
}

static struct cell *add_cell(struct table *t)
{
	if (t->n_cells == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cells = must(reallocarray(t->cells, t->room, sizeof(*t->cells)));
	}
	struct cell *cell = &t->cells[t->n_cells++];
	memset(cell, 0, sizeof(*cell));
	return cell;
}

/* What comes from elsewhere must not move the cursor. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void table_add(struct table *t, const char *format, ...)
{
	struct cell *cell = add_cell(t);
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell->text, format, args) < 0)
		must(NULL);
	va_end(args);
	flatten(cell->text);
	cell->width = width_of(cell->text);
}

static const char *colour_of(const char *state)
{
	static const struct {
		const char *state, *colour;
	} rows[] = {
		{"up", "32"},       {"attached", "32"}, {"present", "32"},      {"active", "32"},
		{"draining", "33"}, {"leaving", "33"},  {"suspended", "33"},    {"disabled", "33"},
		{"down", "31"},     {"absent", "31"},   {"not attached", "31"}, {"missing", "31"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcspn(state, "*") == strlen(rows[i].state) &&
		    !strncmp(rows[i].state, state, strlen(rows[i].state)))
			return rows[i].colour;
	return NULL;
}

void table_add_state(struct table *t, const char *state)
{
	table_add(t, "%s", state);
	t->cells[t->n_cells - 1].colour = colour_of(state);
}

size_t table_rows(const struct table *t)
{
	return t->n_cells / t->n_columns;
}

/* ---- widths ---- */
static size_t measure(const struct table *t, size_t widths[COLUMNS])
{
	size_t sum = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = width_of(t->columns[i].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t *w = &widths[i % t->n_columns];
		*w = t->cells[i].width > *w ? t->cells[i].width : *w;
	}
	for (size_t i = 0; i < t->n_columns; i++)
		sum += widths[i] + (i ? GAP : 0);
	return sum;
}

/* The widest text from column `first` on that can be cut, or n_columns. Numbers are never cut. */
static size_t find_widest(const struct table *t, const size_t widths[COLUMNS], size_t first)
{
	size_t widest = t->n_columns;

	for (size_t i = first; i < t->n_columns; i++)
		if (!t->columns[i].is_number && widths[i] > TEXT_MIN &&
		    (widest == t->n_columns || widths[i] > widths[widest]))
			widest = i;
	return widest;
}

static size_t body_width(const struct table *t, size_t column)
{
	size_t width = TEXT_MIN;

	for (size_t i = column; i < t->n_cells; i += t->n_columns)
		width = t->cells[i].width > width ? t->cells[i].width : width;
	return width;
}

/* Titles that are wider than what is below them give way before it does. Returns the new sum. */
static size_t shrink_titles(const struct table *t, size_t widths[COLUMNS], size_t sum, size_t limit)
{
	for (size_t i = 0; i < t->n_columns && sum > limit; i++) {
		size_t body = body_width(t, i), spare = widths[i] > body ? widths[i] - body : 0;
		if (t->columns[i].is_number)
			continue;
		spare = spare < sum - limit ? spare : sum - limit;
		widths[i] -= spare;
		sum -= spare;
	}
	return sum;
}

/* The first column, which names the row, is cut last. */
static void shrink(const struct table *t, size_t widths[COLUMNS], size_t sum, size_t limit)
{
	for (; sum > limit; sum--) {
		size_t widest = find_widest(t, widths, 1);
		if (widest == t->n_columns)
			widest = find_widest(t, widths, 0);
		if (widest == t->n_columns)
			return;
		widths[widest]--;
	}
}

/* ---- output ---- */
static void write_spaces(FILE *to, size_t n)
{
	fprintf(to, "%*s", (int)n, "");
}

/* The first n characters, the last of them "…" where there are more. */
static void write_cut(FILE *to, const char *text, size_t width, size_t n)
{
	size_t keep = width > n ? n - 1 : width;

	for (; *text; text++) {
		bool is_start = ((unsigned char)*text & 0xc0) != 0x80;
		if (is_start && !keep)
			break;
		keep -= is_start;
		fputc(*text, to);
	}
	if (width > n)
		fputs("…", to);
}

static void write_row(const struct table *t, FILE *to, const struct cell *cells,
		      const size_t widths[COLUMNS], bool is_coloured)
{
	size_t n = t->n_columns;

	while (n && !cells[n - 1].width) /* no blanks at the end of a line */
		n--;
	for (size_t i = 0; i < n; i++) {
		size_t used = cells[i].width > widths[i] ? widths[i] : cells[i].width;
		size_t pad = widths[i] - used;
		if (t->columns[i].is_number)
			write_spaces(to, pad);
		if (is_coloured && cells[i].colour)
			fprintf(to, "\033[%sm", cells[i].colour);
		write_cut(to, cells[i].text, cells[i].width, widths[i]);
		if (is_coloured && cells[i].colour)
			fputs("\033[0m", to);
		if (i + 1 < n)
			write_spaces(to, GAP + (t->columns[i].is_number ? 0 : pad));
	}
	fputc('\n', to);
}

void table_write(const struct table *t, FILE *to, size_t width, bool is_coloured)
{
	struct cell titles[COLUMNS] = {0};
	size_t widths[COLUMNS];
	size_t sum = measure(t, widths);

	if (width)
		shrink(t, widths, shrink_titles(t, widths, sum, width), width);
	for (size_t i = 0; i < t->n_columns; i++) {
		titles[i].text = (char *)t->columns[i].title;
		titles[i].width = width_of(titles[i].text);
		titles[i].colour = "1";
	}
	write_row(t, to, titles, widths, is_coloured);
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		write_row(t, to, &t->cells[i], widths, is_coloured);
}

size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

bool terminal_is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (!no_color || !*no_color) &&
	       (!term || strcmp(term, "dumb"));
}

void table_print(struct table *t, const char *empty)
{
	if (table_rows(t))
		table_write(t, stdout, terminal_width(), terminal_is_coloured());
	else
		puts(empty);
	table_free(t);
}

void table_free(struct table *t)
{
	for (size_t i = 0; t && i < t->n_cells; i++)
		free(t->cells[i].text);
	if (t)
		free(t->cells);
	free(t);
}

/* ---- numbers ---- */
const char *number_print(double value, char text[NUMBER_TEXT])
{
	static const char units[] = " kMGTPE";
	size_t unit = 0;

	/* 999.5 would be printed as 1000 */
	while (value >= 999.5 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(text, NUMBER_TEXT,
			 value > 0 && value < 9.95 && value != (uint64_t)value ? "%.1f" : "%.0f",
			 value);
	else
		snprintf(text, NUMBER_TEXT, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return text;
}

const char *duration_print(uint64_t seconds, char text[NUMBER_TEXT])
{
	static const struct {
		unsigned int seconds;
		char unit;
	} rows[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;

	while (i < 3 && seconds < rows[i].seconds)
		i++;
	int n = snprintf(text, NUMBER_TEXT, "%llu%c",
			 (unsigned long long)(seconds / rows[i].seconds), rows[i].unit);
	if (i < 3)
		snprintf(text + n, NUMBER_TEXT - (size_t)n, " %llu%c",
			 (unsigned long long)(seconds % rows[i].seconds / rows[i + 1].seconds),
			 rows[i + 1].unit);
	return text;
}
