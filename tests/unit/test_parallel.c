// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <pthread.h>
#include <string.h>

#include "test.h"
#include "util/parallel.h"

static unsigned char times[5000];

static void count(void *context, size_t first, size_t end)
{
	unsigned int *parts = context;

	for (size_t i = first; i < end; i++)
		times[i]++;
	__atomic_fetch_add(parts, 1, __ATOMIC_RELAXED);
}

static void every_index_is_worked_on_once(void)
{
	const struct {
		size_t n;
		unsigned int parts;
	} rows[] = {{0, 0}, {1, 1}, {2, 2}, {127, 127}, {128, 128}, {129, 128}, {5000, 128}};

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		unsigned int parts = 0;

		memset(times, 0, sizeof(times));
		parallel_run(rows[r].n, count, &parts);
		CU_ASSERT_EQUAL(parts, rows[r].parts);
		for (size_t i = 0; i < sizeof(times); i++)
			CU_ASSERT_EQUAL(times[i], i < rows[r].n);
	}
}

static void meet(void *barrier, size_t first, size_t end)
{
	(void)first;
	(void)end;
	pthread_barrier_wait(barrier);
}

/* It would not come back if one part began when another has ended. */
static void parts_run_at_the_same_time(void)
{
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 100);
	parallel_run(100, meet, &barrier);
	pthread_barrier_destroy(&barrier);
}

static const struct test tests[] = {
	{"every_index_is_worked_on_once", every_index_is_worked_on_once},
	{"parts_run_at_the_same_time", parts_run_at_the_same_time},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "parallel", tests);
}
