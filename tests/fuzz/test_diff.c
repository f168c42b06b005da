/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* That the comparison compares: with an error in what is expected it finds a difference, without one none. */
#include "fuzz/diff.h"
#include "test.h"

enum {
	PACKETS = 40960
};

static uint32_t differences(const char *error)
{
	struct diff_options o = {
		.seed = 1, .packets = PACKETS, .show = 1, .is_quiet = error, .plant = error};
	struct diff_totals t;

	CU_ASSERT_TRUE_FATAL(diff_run(&o, &t));
	return t.differences;
}

static void data_plane_and_oracle_agree(void)
{
	CU_ASSERT_EQUAL(differences(NULL), 0);
}

static void planted_errors_are_found(void)
{
	static const char *const errors[] = {"tos",    "last-byte", "length",  "verdict", "reason",
					     "tenant", "vip",       "backend", "syn",     "added",
					     "flow",   "load",      "turn",    "answers"};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		bool is_found = differences(errors[i]) == 1;

		if (!is_found)
			printf("     not found: %s\n", errors[i]);
		CU_ASSERT_TRUE(is_found);
	}
}

static void unknown_error_is_refused(void)
{
	struct diff_totals t;

	CU_ASSERT_FALSE(
		diff_run(&(struct diff_options){.packets = 1, .show = 1, .plant = "none"}, &t));
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"data_plane_and_oracle_agree", data_plane_and_oracle_agree},
		{"planted_errors_are_found", planted_errors_are_found},
		{"unknown_error_is_refused", unknown_error_is_refused},
		{NULL, NULL},
	};

	return test_main(argc, argv, "diff", tests);
}
