/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Test programs: a table of named CUnit functions, and one line of outcome for each. */
#pragma once

#include <CUnit/CUnit.h>

struct test {
	const char *name;            /* states the behaviour: drained_backend_keeps_old_flows */
	void (*run)(void);
};

/* Called by a test that this machine cannot run: says why. What it asserted before still counts. */
void test_skip(const char *reason);

/*
 * Runs tests (the table ends with a NULL name; with arguments: only those whose names contain one of them), prints
 * "PASS suite.name", "SKIP suite.name: reason" or "FAIL suite.name" with the failed assertions. Returns the exit code: 0 only if all passed.
 */
int test_main(int argc, char **argv, const char *suite, const struct test *tests);
