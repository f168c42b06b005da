// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "util/number.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct unit {
	const char *suffix;
	uint64_t factor;
};

static const struct unit scales[] = {
	{"", 1},         {"k", 1000},     {"M", 1000 * 1000}, {"G", 1000 * 1000 * 1000},
	{"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30},    {0},
};

static const struct unit durations[] = {
	{"", 1000},
	{"ms", 1},
	{"s", 1000},
	{"m", 60 * 1000},
	{"h", 60 * 60 * 1000},
	{"d", 24 * 60 * 60 * 1000},
	{0},
};

static const struct unit plain[] = {
	{"", 1},
	{0},
};

static int parse(const char *text, const struct unit *units, uint64_t min, uint64_t max,
		 uint64_t *out)
{
	const char *p = text;
	bool too_big = false;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n))
			too_big = true;
	if (p == text)
		return -EINVAL;
	while (units->suffix && strcmp(units->suffix, p))
		units++;
	if (!units->suffix)
		return -EINVAL;
	if (too_big || __builtin_mul_overflow(n, units->factor, &n) || n < min || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return parse(text, plain, min, max, out);
}

int number_parse_scaled(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return parse(text, scales, min, max, out);
}

int number_parse_duration(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *out_ms)
{
	return parse(text, durations, min_ms, max_ms, out_ms);
}
