/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rings: shares, disruption, hand-over of what is not usable, the same on every host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/ring.h"
#include "core/siphash.h"
#include "test.h"
#include "util/cleanup.h"

static uint64_t seed_of(uint32_t i)
{
	uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [14] = i >> 8, [15] = i};
	char name[32];

	snprintf(name, sizeof(name), "web-%u", i);
	return ring_seed(name, address);
}

static struct ring_member *members_new(uint32_t n)
{
	struct ring_member *m = calloc(n, sizeof(*m));

	for (uint32_t i = 0; i < n; i++)
		m[i] = (struct ring_member){.seed = seed_of(i), .weight = 100, .usable = true};
	return m;
}

static uint16_t *ring_new(const struct ring_member *m, uint32_t n, uint32_t log2)
{
	uint16_t *slots = malloc(sizeof(*slots) << log2);

	CU_ASSERT_EQUAL_FATAL(ring_build(m, n, log2, slots), 0);
	return slots;
}

/* The largest deviation from the weighted share, relative to that share, in units of 10^-5. */
static uint32_t worst_share(const struct ring_member *m, uint32_t n, uint32_t log2,
			    const uint16_t *slots)
{
	_cleanup_free_ uint32_t *owned = calloc(n, sizeof(*owned));
	uint64_t total = 0;
	double worst = 0;

	for (uint32_t s = 0; s < 1U << log2; s++)
		owned[slots[s]]++;
	for (uint32_t i = 0; i < n; i++)
		total += m[i].usable ? m[i].weight : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!m[i].usable) {
			CU_ASSERT_EQUAL(owned[i], 0);
			continue;
		}
		double fair = (double)m[i].weight * (1U << log2) / total;
		double off = owned[i] > fair ? owned[i] / fair - 1 : 1 - owned[i] / fair;

		if (off > worst)
			worst = off;
	}
	return worst * 100000;
}

static const uint32_t sizes[] = {2,  3,   4,   5,   6,   7,   8,   10,  13,  20,  27,  40,
				 81, 100, 163, 200, 327, 400, 500, 655, 777, 900, 1000};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void shares_follow_weights_within_one_percent(void)
{
	uint32_t worst = 0;

	for (uint32_t n = 2; n <= 1000; n += n < 100 ? 1 : 25) {
		_cleanup_free_ struct ring_member *m = members_new(n);
		_cleanup_free_ uint16_t *slots = ring_new(m, n, ring_log2(n));
		uint32_t off = worst_share(m, n, ring_log2(n), slots);

		CU_ASSERT(off < 1000);
		worst = off > worst ? off : worst;
	}
	printf("     equal weights: worst deviation %.3f %%\n", worst / 1000.0);
}

static void unequal_weights_are_within_a_slot_of_their_share(void)
{
	static const uint32_t rows[][4] = {
		{100, 50, 25, 0},         {1, 2, 3, 4}, {100, 100, 1, 0},
		{65535, 65535, 32768, 1}, {7, 5, 0, 0},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		_cleanup_free_ struct ring_member *m = members_new(4);
		uint32_t n = 0, total = 0, owned[4] = {0};

		for (; n < 4 && rows[r][n]; n++)
			total += m[n].weight = rows[r][n];
		uint32_t log2 = ring_log2(n);
		_cleanup_free_ uint16_t *slots = ring_new(m, n, log2);

		for (uint32_t s = 0; s < 1U << log2; s++)
			owned[slots[s]]++;
		for (uint32_t i = 0; i < n; i++) {
			double fair = (double)rows[r][i] * (1U << log2) / total;

			CU_ASSERT(owned[i] > fair - 1 && owned[i] < fair + 1);
		}
	}
}

static void weights_100_50_25_are_within_one_percent(void)
{
	_cleanup_free_ struct ring_member *m = members_new(300);

	for (uint32_t n = 3; n <= 300; n += 3) {
		for (uint32_t i = 0; i < n; i++)
			m[i].weight = 100 >> (i % 3);
		/* the least weight's share may be below 100 slots: there a slot is more than 1 % */
		uint32_t log2 = ring_log2(n);
		_cleanup_free_ uint16_t *slots = ring_new(m, n, log2);
		_cleanup_free_ uint32_t *owned = calloc(n, sizeof(*owned));
		uint64_t total = n / 3 * 175;

		for (uint32_t s = 0; s < 1U << log2; s++)
			owned[slots[s]]++;
		for (uint32_t i = 0; i < n; i++) {
			double fair = (double)m[i].weight * (1U << log2) / total;

			CU_ASSERT(owned[i] > fair - 1 && owned[i] < fair + 1);
			if (m[i].weight > 25)
				CU_ASSERT(owned[i] > fair * 0.99 && owned[i] < fair * 1.01);
		}
	}
}

static void check_only_slots_of(const uint16_t *before, const uint16_t *after, uint32_t log2,
				uint32_t member)
{
	uint32_t wrong = 0;

	for (uint32_t s = 0; s < 1U << log2; s++)
		wrong += before[s] == member ? after[s] == member : after[s] != before[s];
	CU_ASSERT_EQUAL(wrong, 0);
}

static void failure_moves_exactly_the_failed_share(void)
{
	uint32_t worst = 0;

	for (size_t k = 0; k < N_SIZES; k++) {
		uint32_t n = sizes[k], log2 = ring_log2(n);
		_cleanup_free_ struct ring_member *m = members_new(n);
		_cleanup_free_ uint16_t *all = ring_new(m, n, log2);

		for (uint32_t i = 0; i < n; i += 1 + n / 7) {
			m[i].usable = false;
			_cleanup_free_ uint16_t *without = ring_new(m, n, log2);
			uint32_t off = worst_share(m, n, log2, without);

			check_only_slots_of(all, without, log2, i);
			worst = off > worst ? off : worst;
			m[i].usable = true;
		}
	}
	CU_ASSERT(worst < 1000);
	printf("     after one failure: worst deviation %.3f %%\n", worst / 1000.0);
}

static void failures_and_returns_in_any_order_move_only_their_own(void)
{
	static const uint32_t counts[] = {2, 3, 4, 5, 10, 31, 100};
	uint64_t random = 1;

	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		uint32_t n = counts[k], log2 = ring_log2(n), usable = n;
		_cleanup_free_ struct ring_member *m = members_new(n);
		uint16_t *now = ring_new(m, n, log2);

		for (int step = 0; step < 60; step++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			uint32_t i = (random >> 33) % n;

			if (m[i].usable && usable == 1)
				continue;
			m[i].usable = !m[i].usable;
			usable += m[i].usable ? 1 : -1;
			uint16_t *next = ring_new(m, n, log2);

			if (m[i].usable)
				check_only_slots_of(next, now, log2, i);
			else
				check_only_slots_of(now, next, log2, i);
			free(now);
			now = next;
		}
		free(now);
	}
}

/* Above 1024 members the slots of a failed one are dealt out otherwise. */
static void of_many_members_any_failures_move_only_their_own(void)
{
	static const uint32_t counts[] = {1024, 1025, 3000};

	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		uint32_t n = counts[k], log2 = ring_log2(n);
		_cleanup_free_ struct ring_member *m = members_new(n);

		for (uint32_t i = 0; i < n; i++)
			m[i].weight = 1 + i % 200;
		uint16_t *now = ring_new(m, n, log2);

		/* more and more fail, up to all but one; some return */
		for (uint32_t step = 0; step < 16; step++) {
			uint32_t i = step * (n / 16);

			m[i].usable = false;
			uint16_t *next = ring_new(m, n, log2);

			check_only_slots_of(now, next, log2, i);
			m[i].usable = true;
			for (uint32_t other = i + 1; other < i + n / 16; other++)
				m[other].usable = step % 4 == 0;
			free(next);
			free(now);
			now = ring_new(m, n, log2);
		}
		free(now);
	}
}

/* The mean square of how far shares are off, in parts of the fair one. */
static double mean_square(const struct ring_member *m, uint32_t n, uint32_t log2, uint32_t usable)
{
	_cleanup_free_ uint16_t *slots = ring_new(m, n, log2);
	_cleanup_free_ uint32_t *owned = calloc(n, sizeof(*owned));
	double sum = 0, fair = (double)(1U << log2) / usable;

	for (uint32_t s = 0; s < 1U << log2; s++)
		owned[slots[s]]++;
	for (uint32_t i = 0; i < n; i++)
		sum += m[i].usable ? (owned[i] / fair - 1) * (owned[i] / fair - 1) : 0;
	return sum / usable;
}

static void of_many_members_those_that_are_left_have_like_shares(void)
{
	enum {
		N = 10000
	};
	uint32_t log2 = ring_log2(N);
	_cleanup_free_ struct ring_member *m = members_new(N);

	m[N / 3].usable = false;
	double one = mean_square(m, N, log2, N - 1);

	for (uint32_t i = 0; i < N; i++)
		m[i].usable = i % 2;
	double half = mean_square(m, N, log2, N / 2);

	/* 1 %, and 6 %: chance alone brings 5 */
	CU_ASSERT(one < 0.0001 && half < 0.0036);
	printf("     10000 members: mean square off with one down %.6f, with half down %.6f\n", one,
	       half);
}

static void removal_from_the_configuration_disturbs_few_others(void)
{
	double worst = 0;

	for (size_t k = 1; k < N_SIZES; k++) {
		uint32_t n = sizes[k], log2 = ring_log2(n);
		_cleanup_free_ struct ring_member *m = members_new(n);
		_cleanup_free_ struct ring_member *fewer = calloc(n, sizeof(*fewer));
		_cleanup_free_ uint16_t *all = ring_new(m, n, log2);

		for (uint32_t gone = 0; gone < n; gone += 1 + n / 5) {
			uint32_t others = 0;

			memcpy(fewer, m, gone * sizeof(*m));
			memcpy(fewer + gone, m + gone + 1, (n - gone - 1) * sizeof(*m));
			_cleanup_free_ uint16_t *rest = ring_new(fewer, n - 1, log2);

			for (uint32_t s = 0; s < 1U << log2; s++)
				others += all[s] != gone && rest[s] + (rest[s] >= gone) != all[s];
			double part = 100.0 * others / (1U << log2);

			CU_ASSERT(part < 3.0);
			worst = part > worst ? part : worst;
		}
	}
	printf("     removal: at most %.2f %% of the slots beyond the share\n", worst);
}

static void order_of_members_does_not_matter(void)
{
	enum {
		N = 50
	};
	uint32_t log2 = ring_log2(N);
	_cleanup_free_ struct ring_member *m = members_new(N);
	_cleanup_free_ struct ring_member *reversed = calloc(N, sizeof(*reversed));

	for (uint32_t i = 0; i < N; i++) {
		m[i].weight = 10 + i % 4;
		m[i].usable = i % 7 != 3;
	}
	for (uint32_t i = 0; i < N; i++)
		reversed[N - 1 - i] = m[i];
	_cleanup_free_ uint16_t *a = ring_new(m, N, log2), *b = ring_new(reversed, N, log2);
	uint32_t wrong = 0;

	for (uint32_t s = 0; s < 1U << log2; s++)
		wrong += a[s] != N - 1 - b[s];
	CU_ASSERT_EQUAL(wrong, 0);
}

static uint64_t checksum(const uint16_t *slots, uint32_t log2)
{
	static const uint8_t key[16] = {1};
	_cleanup_free_ uint8_t *bytes = malloc((size_t)2 << log2);

	for (uint32_t s = 0; s < 1U << log2; s++) {
		bytes[2 * s] = slots[s];
		bytes[2 * s + 1] = slots[s] >> 8;
	}
	return siphash(key, bytes, (size_t)2 << log2);
}

/* Nodes of different versions must agree: these values change only on purpose. */
static void rings_equal_the_recorded_ones(void)
{
	static const struct {
		uint32_t n, down;
		uint64_t sum;
	} rows[] = {
		{3, 0, 0x725fe84d57f81a7fULL},
		{10, 2, 0xa2ade275e1f3960aULL},
		{100, 60, 0xe1f6c5d3da1f1de1ULL},
		{1000, 1, 0x5ccf4e0a073aeb0aULL},
		{1025, 1, 0xcdbc5be6a92bcd50ULL},
		{3000, 1400, 0xed1934fed5f54db3ULL},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		uint32_t n = rows[r].n, log2 = ring_log2(n);
		_cleanup_free_ struct ring_member *m = members_new(n);

		for (uint32_t i = 0; i < n; i++) {
			m[i].weight = 100 - 50 * (i % 3 == 2);
			m[i].usable = i >= rows[r].down;
		}
		_cleanup_free_ uint16_t *slots = ring_new(m, n, log2);

		CU_ASSERT_EQUAL(checksum(slots, log2), rows[r].sum);
		if (checksum(slots, log2) != rows[r].sum)
			printf("     %u members, %u down: 0x%016llx\n", n, rows[r].down,
			       (unsigned long long)checksum(slots, log2));
	}
}

static void no_usable_member_leaves_the_slots_alone(void)
{
	_cleanup_free_ struct ring_member *m = members_new(2);
	uint16_t slots[256] = {[7] = 42};

	m[0].usable = m[1].usable = false;
	CU_ASSERT_EQUAL(ring_build(m, 2, 8, slots), -ENOENT);
	CU_ASSERT_EQUAL(slots[7], 42);
}

static void length_follows_the_number_of_backends(void)
{
	static const uint32_t rows[][2] = {{0, 8},  {1, 8},     {2, 8},      {3, 9},     {5, 9},
					   {6, 10}, {1000, 17}, {10486, 20}, {32767, 20}};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		CU_ASSERT_EQUAL(ring_log2(rows[r][0]), rows[r][1]);
}

/* The definition, as it stands in docs/packets.md. */
static void turns_by_definition(const struct ring_member *m, uint32_t n, uint32_t slots,
				uint16_t *out)
{
	_cleanup_free_ int64_t *credit = calloc(n, sizeof(*credit));
	int64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += m[i].usable ? m[i].weight : 0;
	for (uint32_t s = 0; s < slots; s++) {
		uint32_t best = n;

		for (uint32_t i = 0; i < n; i++) {
			if (!m[i].usable)
				continue;
			credit[i] += m[i].weight;
			if (best == n || credit[i] > credit[best])
				best = i;
		}
		out[s] = best;
		credit[best] -= sum;
	}
}

static void turns_are_those_of_the_definition(void)
{
	uint64_t random = 3;

	for (int round = 0; round < 200; round++) {
		uint32_t n = 1 + round % 23;
		_cleanup_free_ struct ring_member *m = members_new(n);
		uint16_t turns[1024], wanted[1024];

		for (uint32_t i = 0; i < n; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			m[i].weight = 1 + (random >> 40) % (round % 2 ? 4 : 65535);
			m[i].usable = i == 0 || random >> 62;
		}
		CU_ASSERT_EQUAL_FATAL(ring_build_turns(m, n, 10, turns), 0);
		turns_by_definition(m, n, 1024, wanted);
		CU_ASSERT(!memcmp(turns, wanted, sizeof(turns)));
	}
}

/* At any moment each has had its share, give or take one turn of each other member. */
static void turns_are_spread_evenly(void)
{
	static const uint32_t weights[] = {100, 50, 25, 25};
	_cleanup_free_ struct ring_member *m = members_new(4);
	uint16_t turns[256];
	double taken[4] = {0};

	for (int i = 0; i < 4; i++)
		m[i].weight = weights[i];
	CU_ASSERT_EQUAL_FATAL(ring_build_turns(m, 4, 8, turns), 0);
	for (uint32_t s = 0; s < 256; s++) {
		taken[turns[s]]++;
		for (int i = 0; i < 4; i++) {
			double due = (s + 1) * weights[i] / 200.0;

			CU_ASSERT(taken[i] > due - 1 && taken[i] < due + 1);
		}
	}
	m[0].usable = m[1].usable = m[2].usable = m[3].usable = false;
	turns[7] = 42;
	CU_ASSERT_EQUAL(ring_build_turns(m, 4, 8, turns), -ENOENT);
	CU_ASSERT_EQUAL(turns[7], 42);
}

static double build_ms(const struct ring_member *m, uint32_t n)
{
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	free(ring_new(m, n, ring_log2(n)));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	return (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6;
}

static void thousand_members_are_built_quickly(void)
{
	_cleanup_free_ struct ring_member *m = members_new(1000);
	double all = build_ms(m, 1000), one, half, few;

	m[5].usable = false;
	one = build_ms(m, 1000);
	for (int i = 0; i < 500; i++)
		m[i].usable = false;
	half = build_ms(m, 1000);
	for (int i = 0; i < 998; i++)
		m[i].usable = false;
	few = build_ms(m, 1000);
	CU_ASSERT(all < 500 && one < 500 && half < 2000 && few < 2000);
	printf("     131072 slots: all up %.1f ms, one down %.1f, half down %.1f, 998 down %.1f\n",
	       all, one, half, few);
}

/* On the one loop of mtlbd, so whatever fails. */
static void ten_thousand_members_are_built_quickly_whatever_fails(void)
{
	enum {
		N = 10000
	};
	static const uint32_t down[] = {0, 1, N / 2, N - N / 32, N - 2};
	_cleanup_free_ struct ring_member *m = members_new(N);

	for (size_t k = 0; k < sizeof(down) / sizeof(down[0]); k++) {
		for (uint32_t i = 0; i < N; i++)
			m[i].usable = i >= down[k];
		double ms = build_ms(m, N);

		CU_ASSERT(ms < 3000); /* of a sanitized build on a busy machine */
		printf("     1048576 slots, %u of 10000 down: %.1f ms\n", down[k], ms);
	}
}

/* As fast as the first hand-over of each failed one alone allows: no sort of all in each. */
static void failures_among_thousands_are_handed_over_quickly(void)
{
	_cleanup_free_ struct ring_member *m = members_new(4000);
	double all = build_ms(m, 4000), half;

	for (int i = 0; i < 4000; i += 2)
		m[i].usable = false;
	half = build_ms(m, 4000);
	CU_ASSERT(half < 30 * all);
	printf("     524288 slots: all up %.1f ms, half down %.1f\n", all, half);
}

/* Appendix A of the SipHash paper, and the first rows of its reference implementation's vectors. */
static void siphash_gives_the_published_values(void)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31ULL}, {1, 0x74f839c593dc67fdULL},  {7, 0xab0200f58b01d137ULL},
		{8, 0x93f5f5799a932462ULL}, {15, 0xa129ca6149be45e5ULL},
	};
	uint8_t key[16], text[16];

	for (int i = 0; i < 16; i++)
		key[i] = text[i] = i;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		CU_ASSERT_EQUAL(siphash(key, text, rows[r].len), rows[r].hash);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(siphash_gives_the_published_values),
	TEST(length_follows_the_number_of_backends),
	TEST(shares_follow_weights_within_one_percent),
	TEST(unequal_weights_are_within_a_slot_of_their_share),
	TEST(weights_100_50_25_are_within_one_percent),
	TEST(failure_moves_exactly_the_failed_share),
	TEST(failures_and_returns_in_any_order_move_only_their_own),
	TEST(of_many_members_any_failures_move_only_their_own),
	TEST(of_many_members_those_that_are_left_have_like_shares),
	TEST(removal_from_the_configuration_disturbs_few_others),
	TEST(order_of_members_does_not_matter),
	TEST(rings_equal_the_recorded_ones),
	TEST(no_usable_member_leaves_the_slots_alone),
	TEST(turns_are_those_of_the_definition),
	TEST(turns_are_spread_evenly),
	TEST(thousand_members_are_built_quickly),
	TEST(ten_thousand_members_are_built_quickly_whatever_fails),
	TEST(failures_among_thousands_are_handed_over_quickly),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "ring", tests);
}
