// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tables and numbers as mtlbctl shows them. */
#include <stdlib.h>
#include <string.h>

#include "cli/table.h"
#include "test.h"

static const struct column columns[] = {
	{"NAME", false},
	{"COUNT", true},
	{"DETAIL", false},
};

static struct table *example(void)
{
	struct table *t = table_new(columns, 3);

	table_add(t, "a");
	table_add(t, "%d", 7);
	table_add(t, "a text of some length");
	table_add_state(t, "up");
	table_add(t, "%d", 123456);
	table_add(t, "%s", "");
	return t;
}

static void check(size_t width, bool is_coloured, const char *expected)
{
	struct table *t = example();
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	table_write(t, to, width, is_coloured);
	fclose(to);
	CU_ASSERT_STRING_EQUAL(text, expected);
	CU_ASSERT_EQUAL(table_rows(t), 2);
	free(text);
	table_free(t);
}

static void columns_are_aligned(void)
{
	check(0, false,
	      "NAME   COUNT  DETAIL\n"
	      "a          7  a text of some length\n"
	      "up    123456\n");
}

static void texts_are_cut_to_the_width(void)
{
	check(26, false,
	      "NAME   COUNT  DETAIL\n"
	      "a          7  a text of s…\n"
	      "up    123456\n");
	check(1, false,
	      "NAME   COUNT  DETAIL\n"
	      "a          7  a text …\n"
	      "up    123456\n");
}

static void titles_are_cut_before_texts(void)
{
	static const struct column wide[] = {
		{"NAME", false}, {"ENCAPSULATION", false}, {"TEXT", false}};
	struct table *t = table_new(wide, 3);
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	table_add(t, "a");
	table_add(t, "vxlan 4100");
	table_add(t, "198.51.100.10:80/tcp");
	table_write(t, to, 37, false);
	table_write(t, to, 36, false);
	fclose(to);
	CU_ASSERT_STRING_EQUAL(text, "NAME  ENCAPSULA…  TEXT\n"
				     "a     vxlan 4100  198.51.100.10:80/t…\n"
				     "NAME  ENCAPSULA…  TEXT\n"
				     "a     vxlan 4100  198.51.100.10:80/…\n");
	free(text);
	table_free(t);
}

static void states_have_colours(void)
{
	check(0, true,
	      "\033[1mNAME\033[0m   \033[1mCOUNT\033[0m  \033[1mDETAIL\033[0m\n"
	      "a          7  a text of some length\n"
	      "\033[32mup\033[0m    123456\n");
}

static void control_characters_do_not_reach_the_terminal(void)
{
	struct table *t = table_new(columns, 1);
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	table_add(t, "x\033[2J\ny");
	table_write(t, to, 0, false);
	fclose(to);
	CU_ASSERT_STRING_EQUAL(text, "NAME\nx [2J y\n");
	free(text);
	table_free(t);
}

static void numbers_keep_two_digits_at_least(void)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{0, "0"},         {7, "7"},         {0.5, "0.5"},    {9.96, "10"},
		{999, "999"},     {999.7, "1.0k"},  {1234, "1.2k"},  {45678, "46k"},
		{999499, "999k"}, {999500, "1.0M"}, {2.5e9, "2.5G"}, {1e21, "1000E"},
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_STRING_EQUAL(number_print(rows[i].value, text), rows[i].text);
}

static void durations_have_two_units(void)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{0, "0s"}, {59, "59s"}, {60, "1m 0s"}, {3725, "1h 2m"}, {273600, "3d 4h"},
	};
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_STRING_EQUAL(duration_print(rows[i].seconds, text), rows[i].text);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"columns_are_aligned", columns_are_aligned},
		{"texts_are_cut_to_the_width", texts_are_cut_to_the_width},
		{"titles_are_cut_before_texts", titles_are_cut_before_texts},
		{"states_have_colours", states_have_colours},
		{"control_characters_do_not_reach_the_terminal",
		 control_characters_do_not_reach_the_terminal},
		{"numbers_keep_two_digits_at_least", numbers_keep_two_digits_at_least},
		{"durations_have_two_units", durations_have_two_units},
		{0},
	};

	return test_main(argc, argv, "cli_table", tests);
}
