// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"
#include "util/log.h"
#include "util/number.h"
#include "util/report.h"

struct row {
	const char *text;
	uint64_t min, max;
	int err;
	uint64_t value;
};

static void run(const struct row *rows, size_t n,
		int (*parse)(const char *, uint64_t, uint64_t, uint64_t *))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t out = 4711;

		CU_ASSERT_EQUAL(parse(rows[i].text, rows[i].min, rows[i].max, &out), rows[i].err);
		CU_ASSERT_EQUAL(out, rows[i].err ? 4711 : rows[i].value);
	}
}

#define RUN(rows, parse) run(rows, sizeof(rows) / sizeof(rows[0]), parse)

static void plain_numbers_are_the_whole_text(void)
{
	static const struct row rows[] = {
		{"0", 0, 9, 0, 0},
		{"65535", 1, 65535, 0, 65535},
		{"65536", 1, 65535, -ERANGE, 0},
		{"0", 1, 65535, -ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999999999", 0, UINT64_MAX, -ERANGE, 0},
		{"80x", 0, 100, -EINVAL, 0},
		{"", 0, 100, -EINVAL, 0},
		{" 80", 0, 100, -EINVAL, 0},
		{"80 ", 0, 100, -EINVAL, 0},
		{"+80", 0, 100, -EINVAL, 0},
		{"-1", 0, 100, -EINVAL, 0},
		{"0x10", 0, 100, -EINVAL, 0},
		{"1k", 0, 10000, -EINVAL, 0},
	};

	RUN(rows, number_parse);
}

static void suffixes_scale(void)
{
	static const struct row rows[] = {
		{"7", 0, 9, 0, 7},
		{"2k", 0, 10000, 0, 2000},
		{"3M", 0, UINT64_MAX, 0, 3000000},
		{"1G", 0, UINT64_MAX, 0, 1000000000},
		{"64Ki", 0, UINT64_MAX, 0, 65536},
		{"1Mi", 0, UINT64_MAX, 0, 1048576},
		{"1Gi", 0, UINT64_MAX, 0, 1 << 30},
		{"64ki", 0, UINT64_MAX, -EINVAL, 0},
		{"1K", 0, UINT64_MAX, -EINVAL, 0},
		{"Ki", 0, UINT64_MAX, -EINVAL, 0},
		{"1 Ki", 0, UINT64_MAX, -EINVAL, 0},
		{"18446744073709551615Gi", 0, UINT64_MAX, -ERANGE, 0},
	};

	RUN(rows, number_parse_scaled);
}

static void durations_are_milliseconds(void)
{
	static const struct row rows[] = {
		{"300s", 0, 1000000, 0, 300000},  {"30", 0, 1000000, 0, 30000},
		{"100ms", 0, 1000000, 0, 100},    {"5m", 0, 1000000, 0, 300000},
		{"2h", 0, 10000000, 0, 7200000},  {"1d", 0, 100000000, 0, 86400000},
		{"1s", 2000, 3000, -ERANGE, 0},   {"1w", 0, UINT64_MAX, -EINVAL, 0},
		{"s", 0, UINT64_MAX, -EINVAL, 0},
	};

	RUN(rows, number_parse_duration);
}

static void report_keeps_every_line_on_one_line(void)
{
	struct report r = {0};

	CU_ASSERT_TRUE(report_is_empty(&r));
	report_add(&r, NULL, "first %d", 1);
	report_add(&r, "a:1:2", "second\nline");
	CU_ASSERT_EQUAL(r.n, 2);
	CU_ASSERT_STRING_EQUAL(r.lines[0].where, "");
	CU_ASSERT_STRING_EQUAL(r.lines[0].text, "first 1");
	CU_ASSERT_STRING_EQUAL(r.lines[1].text, "second line");
	report_clear(&r);
	CU_ASSERT_TRUE(report_is_empty(&r));
}

static void log_levels_have_names(void)
{
	enum log_level level = LOG_LEVEL_INFO;

	CU_ASSERT_EQUAL(log_level_parse("debug", &level), 0);
	CU_ASSERT_EQUAL(level, LOG_LEVEL_DEBUG);
	CU_ASSERT_EQUAL(log_level_parse("loud", &level), -EINVAL);
	CU_ASSERT_EQUAL(level, LOG_LEVEL_DEBUG);
}

static void capture_log(char *buffer, size_t size)
{
	int pipes[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_warning("disk %s", "full");
	log_debug("not shown");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	n = read(pipes[0], buffer, size - 1);
	buffer[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
}

static void log_lines_carry_priorities_only_for_the_journal(void)
{
	char text[256];

	unsetenv("JOURNAL_STREAM");
	capture_log(text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "warning: disk full\n");
	setenv("JOURNAL_STREAM", "8:1", 1);
	capture_log(text, sizeof(text));
	CU_ASSERT_STRING_EQUAL(text, "<4>disk full\n");
	unsetenv("JOURNAL_STREAM");
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"plain_numbers_are_the_whole_text", plain_numbers_are_the_whole_text},
		{"suffixes_scale", suffixes_scale},
		{"durations_are_milliseconds", durations_are_milliseconds},
		{"report_keeps_every_line_on_one_line", report_keeps_every_line_on_one_line},
		{"log_levels_have_names", log_levels_have_names},
		{"log_lines_carry_priorities_only_for_the_journal",
		 log_lines_carry_priorities_only_for_the_journal},
		{0},
	};

	return test_main(argc, argv, "number", tests);
}
