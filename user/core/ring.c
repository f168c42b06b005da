/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each member's number of slots is fixed first (largest remainder), then the members take turns in
 * the order of their seeds, each taking the next free slot of its own permutation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"
#include "core/ring_handover.h"
#include "core/siphash.h"
#include "mtlb_abi.h"
#include "util/cleanup.h"

uint64_t ring_seed(const char *name, const uint8_t address[16])
{
	static const uint8_t key[16] = "mtlb ring seed";
	uint8_t text[16 + MTLB_NAME_LEN] = {0};
	size_t len = strnlen(name, MTLB_NAME_LEN);

	memcpy(text, address, 16);
	memcpy(text + 16, name, len);
	return siphash(key, text, 16 + len);
}

uint32_t ring_log2(uint32_t n)
{
	uint32_t log2 = 8;

	while (log2 < MTLB_RING_LOG2_MAX && (uint64_t)1 << log2 < (uint64_t)n * 100)
		log2++;
	return log2;
}

/* splitmix64's finish: the permutation's parameters from a seed. */
uint64_t ring_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static int compare_remainders(const void *a, const void *b)
{
	const struct ring_share *x = a, *y = b;

	if (x->remainder != y->remainder)
		return x->remainder < y->remainder ? 1 : -1;
	if (x->tie != y->tie)
		return x->tie < y->tie ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

/*
 * Brings the k shares that come first by compare_remainders() to the front, k < n (Hoare's
 * selection: a sort would be most of the work of a hand-over among thousands).
 */
static void select_first(struct ring_share *shares, uint32_t n, uint32_t k)
{
	uint32_t low = 0, high = n;

	while (low < k && k < high) {
		struct ring_share pivot = shares[low + (high - 1 - low) / 2];
		uint32_t i = low, j = high - 1;

		for (;; i++, j--) {
			while (compare_remainders(&shares[i], &pivot) < 0)
				i++;
			while (compare_remainders(&shares[j], &pivot) > 0)
				j--;
			if (i >= j)
				break;
			struct ring_share swapped = shares[i];

			shares[i] = shares[j];
			shares[j] = swapped;
		}
		/* up to j nothing comes after the pivot, and behind j nothing before it */
		if (k <= j)
			high = j + 1;
		else
			low = j + 1;
	}
}

/* Whose quotas are cut where they do not suffice: the last ones. */
static void cut_quotas(struct ring_share *shares, uint32_t n, uint64_t left)
{
	qsort(shares, n, sizeof(*shares), compare_remainders);
	for (uint32_t i = 0; i < n; i++) {
		if (shares[i].quota > left)
			shares[i].quota = left;
		left -= shares[i].quota;
	}
}

void ring_share_out(struct ring_share *shares, uint32_t n, uint64_t left)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += shares[i].quota;
	if (sum >= left) {
		cut_quotas(shares, n, left);
		return;
	}
	if (!n)
		return;
	select_first(shares, n, (left - sum) % n);
	for (uint32_t i = 0; i < n; i++)
		shares[i].quota += (left - sum) / n + (i < (left - sum) % n);
}

struct taker {
	uint64_t seed;
	uint32_t quota;
	uint32_t at, skip; /* next slot of its permutation; odd */
	uint16_t member;
};

static int compare_seeds(const void *a, const void *b)
{
	const struct taker *x = a, *y = b;

	if (x->seed != y->seed)
		return x->seed < y->seed ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

static int fill_quotas(const struct ring_member *members, struct taker *takers, uint32_t n,
		       uint32_t log2)
{
	_cleanup_free_ struct ring_share *shares = calloc(n, sizeof(*shares));
	uint64_t total = 0;

	if (!shares)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		total += members[i].weight;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t scaled = (uint64_t)members[takers[i].member].weight << log2;

		shares[i].member = i;
		shares[i].tie = takers[i].seed;
		shares[i].quota = scaled / total;
		shares[i].remainder = scaled % total;
	}
	ring_share_out(shares, n, (uint64_t)1 << log2);
	for (uint32_t i = 0; i < n; i++)
		takers[shares[i].member].quota = shares[i].quota;
	return 0;
}

/*
 * Turn k of a taker with quota q is due at (k + 1/2) / q of the way. Sorts all turns by their time,
 * in units of a slot, and among equals by taker: a counting sort, so O(slots).
 */
static int order_turns(const struct taker *takers, uint32_t n, uint32_t log2, uint16_t *turns)
{
	uint32_t slots = 1U << log2;
	_cleanup_free_ uint32_t *at = calloc(slots + 1, sizeof(*at));

	if (!at)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		for (uint64_t k = 0; k < takers[i].quota; k++)
			at[(((2 * k + 1) << log2) / (2 * (uint64_t)takers[i].quota)) + 1]++;
	for (uint32_t s = 0; s < slots; s++)
		at[s + 1] += at[s];
	for (uint32_t i = 0; i < n; i++)
		for (uint64_t k = 0; k < takers[i].quota; k++)
			turns[at[((2 * k + 1) << log2) / (2 * (uint64_t)takers[i].quota)]++] = i;
	return 0;
}

static int take_turns(struct taker *takers, uint32_t n, uint32_t log2, uint16_t *slots)
{
	uint32_t mask = (1U << log2) - 1;
	_cleanup_free_ uint16_t *turns = malloc(sizeof(*turns) << log2);

	if (!turns || order_turns(takers, n, log2, turns))
		return -ENOMEM;
	memset(slots, 0xff, sizeof(*slots) << log2);
	for (uint32_t turn = 0; turn <= mask; turn++) {
		struct taker *t = &takers[turns[turn]];

		while (slots[t->at] != RING_NOBODY)
			t->at = (t->at + t->skip) & mask;
		slots[t->at] = t->member;
	}
	return 0;
}

static int build_base(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots)
{
	_cleanup_free_ struct taker *takers = calloc(n, sizeof(*takers));
	uint32_t mask = (1U << log2) - 1;

	if (!takers)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		takers[i].seed = members[i].seed;
		takers[i].at = ring_mix(members[i].seed) >> 32 & mask;
		takers[i].skip = (ring_mix(members[i].seed ^ 0x736b6970) >> 32 & mask) | 1;
		takers[i].member = i;
	}
	qsort(takers, n, sizeof(*takers), compare_seeds);
	int err = fill_quotas(members, takers, n, log2);

	return err ?: take_turns(takers, n, log2, slots);
}

int ring_build(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots)
{
	_cleanup_free_ uint16_t *ring = NULL;
	uint32_t usable = 0;
	int err;

	for (uint32_t i = 0; i < n; i++)
		usable += members[i].usable;
	if (!usable)
		return -ENOENT;
	ring = malloc(sizeof(*ring) << log2);
	if (!ring)
		return -ENOMEM;
	err = build_base(members, n, log2, ring);
	if (!err && usable < n)
		err = ring_hand_over(members, n, log2, ring);
	if (!err)
		memcpy(slots, ring, sizeof(*ring) << log2);
	return err;
}
