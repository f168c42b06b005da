/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static const char *skip_reason;

void test_skip(const char *reason)
{
	skip_reason = reason;
}

static bool is_wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

static void print_failures(void)
{
	for (const CU_FailureRecord *f = CU_get_failure_list(); f; f = f->pNext)
		printf("     %s:%u: %s\n", f->strFileName ? f->strFileName : "?", f->uiLineNumber,
		       f->strCondition ? f->strCondition : "?");
}

int test_main(int argc, char **argv, const char *suite, const struct test *tests)
{
	int failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	CU_set_error_action(CUEA_ABORT);
	for (const struct test *t = tests; t->name; t++) {
		if (!is_wanted(argc, argv, t->name))
			continue;
		/* a registry for each test, so that its failures are its own */
		if (CU_initialize_registry() != CUE_SUCCESS)
			return EXIT_FAILURE;
		CU_pSuite s = CU_add_suite(suite, NULL, NULL);

		skip_reason = NULL;
		CU_add_test(s, t->name, t->run);
		CU_run_all_tests();
		bool ok = CU_get_number_of_failures() == 0 && CU_get_number_of_tests_run() == 1;

		if (ok && skip_reason)
			printf("SKIP %s.%s: %s\n", suite, t->name, skip_reason);
		else
			printf("%s %s.%s\n", ok ? "PASS" : "FAIL", suite, t->name);
		if (!ok)
			print_failures();
		failed += !ok;
		CU_cleanup_registry();
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
