/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mtlb_flow.h: how words are packed, when a flow is live, what a hash is cut into. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mtlb_flow.h"
#include "test.h"

static uint64_t random_state = 1;

static uint64_t random64(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state ^ random_state >> 29;
}

static void flow_words_keep_every_field(void)
{
	for (int i = 0; i < 10000; i++) {
		uint64_t hash = random64();
		uint32_t backend = random64() & 0xffffff, state = random64() & 3;
		uint16_t seen = random64();
		uint64_t word = mtlb_flow_word(hash, backend, state, seen);

		CU_ASSERT_EQUAL(mtlb_flow_word_backend(word), backend);
		CU_ASSERT_EQUAL(mtlb_flow_word_state(word), state);
		CU_ASSERT_EQUAL(mtlb_flow_word_seen(word), seen);
		CU_ASSERT_EQUAL(mtlb_flow_word_check(word), mtlb_hash_check(hash));
		CU_ASSERT_EQUAL(word >> 56, 0);
	}
}

static void vip_words_keep_every_field(void)
{
	for (uint32_t log2 = MTLB_RING_LOG2_MIN; log2 <= MTLB_RING_LOG2_MAX; log2++) {
		uint64_t word = mtlb_vip_word(0xfedcba98, log2, MTLB_VIP_MOVING | MTLB_VIP_EMPTY);

		CU_ASSERT_EQUAL(mtlb_vip_word_ring(word), 0xfedcba98);
		CU_ASSERT_EQUAL(mtlb_vip_word_log2(word), log2);
		CU_ASSERT(word & MTLB_VIP_MOVING && word & MTLB_VIP_EMPTY);
		CU_ASSERT(!(word & MTLB_VIP_LEARNING));
	}
}

static void backend_words_keep_state_and_variant(void)
{
	for (uint32_t state = 0; state <= MTLB_BACKEND_LEAVING; state++)
		for (unsigned int variant = 0; variant < 2; variant++) {
			uint64_t word = mtlb_backend_word(state, variant, 100);

			CU_ASSERT_EQUAL(mtlb_backend_word_state(word), state);
			CU_ASSERT_EQUAL(mtlb_backend_word_variant(word), variant);
		}
}

static void flows_live_for_their_timeout(void)
{
	static const struct {
		uint32_t state;
		uint16_t seen, now;
		int live;
	} rows[] = {
		{MTLB_FLOW_FREE, 100, 100, 0},        {MTLB_FLOW_CONFIRMED, 100, 380, 1},
		{MTLB_FLOW_CONFIRMED, 100, 381, 0},   {MTLB_FLOW_NEW, 100, 128, 1},
		{MTLB_FLOW_NEW, 100, 129, 0},         {MTLB_FLOW_CLOSING, 100, 129, 0},
		{MTLB_FLOW_CONFIRMED, 65500, 200, 1}, {MTLB_FLOW_CONFIRMED, 65500, 300, 0},
		/* seen after the reader took its time */
		{MTLB_FLOW_CONFIRMED, 101, 100, 1},   {MTLB_FLOW_NEW, 1, 65535, 1},
		{MTLB_FLOW_CONFIRMED, 103, 100, 0},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		CU_ASSERT_EQUAL(mtlb_flow_is_live(mtlb_flow_word(1, 1, rows[r].state, rows[r].seen),
						  rows[r].now, 280, 28),
				rows[r].live);
}

static void longer_ring_splits_each_slot(void)
{
	for (int i = 0; i < 10000; i++) {
		uint64_t hash = random64();

		for (uint32_t log2 = MTLB_RING_LOG2_MIN; log2 < MTLB_RING_LOG2_MAX; log2++) {
			CU_ASSERT(mtlb_hash_slot(hash, log2) < 1U << log2);
			CU_ASSERT_EQUAL(mtlb_hash_slot(hash, log2 + 1) >> 1,
					mtlb_hash_slot(hash, log2));
		}
	}
}

/* Tuples that differ in one bit only still spread over slots and buckets. */
static void similar_tuples_spread_evenly(void)
{
	enum {
		N = 65536,
		CELLS = 256
	};
	uint32_t key[12], slots[CELLS] = {0}, buckets[CELLS] = {0};

	for (int i = 0; i < 12; i++)
		key[i] = random64() >> 32;
	for (uint32_t i = 0; i < N; i++) {
		struct mtlb_tuple t = {
			.source = {0, 0, 0xffff0000, 0x0100000a + ((i & 0xff) << 24)},
			.source_port = i >> 8,
			.destination_port = 443,
			.protocol = 6};
		uint64_t hash = mtlb_flow_hash(&t, key);

		slots[mtlb_hash_slot(hash, 8)]++;
		buckets[mtlb_hash_bucket(hash, CELLS - 1)]++;
	}
	for (int c = 0; c < CELLS; c++) {
		/* 256 expected, standard deviation 16 */
		CU_ASSERT(slots[c] > 160 && slots[c] < 352);
		CU_ASSERT(buckets[c] > 160 && buckets[c] < 352);
	}
}

static void checksum_is_folded_twice(void)
{
	CU_ASSERT_EQUAL(mtlb_csum_fold(0x1ffff), 1);
	CU_ASSERT_EQUAL(mtlb_csum_fold(0xffffffff), 0xffff);
	CU_ASSERT_EQUAL(mtlb_csum_fold(0x12345678), 0x68ac);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(flow_words_keep_every_field),
	TEST(vip_words_keep_every_field),
	TEST(backend_words_keep_state_and_variant),
	TEST(flows_live_for_their_timeout),
	TEST(longer_ring_splits_each_slot),
	TEST(similar_tuples_spread_evenly),
	TEST(checksum_is_folded_twice),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "flow", tests);
}
