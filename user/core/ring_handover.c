/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A slot's list begins with its owner in the full ring. The slots whose lists begin alike are a
 * group; a group is dealt out among the members that are not in that beginning, usable or not, by
 * weight. What is dealt to a member that is not usable is a group again. Groups too small for that
 * draw lots.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring_handover.h"
#include "util/cleanup.h"

enum {
	DRAWS_MAX = 32
};

struct handover {
	const struct ring_member *members;
	uint32_t n, log2;
	uint16_t *slots;
	bool *tried; /* the members at the beginning of the group's lists */
	uint32_t n_tried;
	uint64_t weight, tried_weight;
	uint32_t *owned;        /* slots in the full ring */
	uint16_t *by_seed;      /* members in the order of their seeds, for draws */
	uint64_t *weight_until; /* sums of weights up to each of by_seed */
	uint16_t *usable;       /* those of by_seed that are */
	uint32_t n_usable;
};

struct group {
	uint32_t *slots; /* ascending */
	uint32_t n;
	uint64_t beginning; /* hash of the members tried */
	bool is_first;      /* only the owner in the full ring was tried */
};

static int compare_by_seed(const void *a, const void *b, void *members)
{
	const struct ring_member *m = members;
	uint16_t i = *(const uint16_t *)a, j = *(const uint16_t *)b;

	if (m[i].seed != m[j].seed)
		return m[i].seed < m[j].seed ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* Which of the members a draw falls on, by weight. */
static uint16_t draw(const struct handover *h, uint64_t lot)
{
	uint64_t at = (unsigned __int128)lot * h->weight >> 64;
	uint32_t low = 0, high = h->n - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (h->weight_until[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return h->by_seed[low];
}

/*
 * -log2(x / 2^64) in units of 2^-16, linear between powers of two: integers, so that all hosts
 * agree.
 */
static uint64_t negative_log2(uint64_t x)
{
	int zeros = __builtin_clzll(x | 1);

	return ((uint64_t)(zeros + 1) << 16) - ((x << zeros << 1) >> 48);
}

/* Weighted rendezvous: ends a list that draws alone would not end soon. */
static uint16_t last_resort(const struct handover *h, uint32_t slot)
{
	uint16_t best = RING_NOBODY;
	uint64_t best_log = 0;

	for (uint32_t k = 0; k < h->n_usable; k++) {
		uint16_t i = h->usable[k];
		uint64_t log = negative_log2(ring_mix(h->members[i].seed ^ ring_mix(slot)));

		if (best == RING_NOBODY ||
		    log * h->members[best].weight < best_log * h->members[i].weight) {
			best = i;
			best_log = log;
		}
	}
	return best;
}

static void draw_lots(struct handover *h, const struct group *g)
{
	for (uint32_t s = 0; s < g->n; s++) {
		uint64_t lot = ring_mix(g->beginning ^ g->slots[s]);
		uint16_t to = draw(h, lot);

		for (int i = 1; !h->members[to].usable && i < DRAWS_MAX; i++) {
			lot = ring_mix(lot);
			to = draw(h, lot);
		}
		if (!h->members[to].usable)
			to = last_resort(h, g->slots[s]);
		h->slots[g->slots[s]] = to;
	}
}

/*
 * A first group fills up what its takers lack of their share without the failed one, so that shares
 * stay within a slot of the weights; later groups are dealt out evenly.
 */
static uint32_t share_group(const struct handover *h, const struct group *g,
			    struct ring_share *shares)
{
	uint64_t weight = h->weight - h->tried_weight;
	uint64_t units = g->is_first ? (uint64_t)1 << h->log2 : g->n;
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		if (h->tried[i])
			continue;
		uint64_t scaled = units * h->members[i].weight;
		uint64_t has = g->is_first ? h->owned[i] : 0;
		struct ring_share *s = &shares[n++];

		s->member = i;
		s->tie = ring_mix(h->members[i].seed ^ g->beginning);
		s->quota = scaled / weight >= has ? scaled / weight - has : 0;
		s->remainder = scaled / weight >= has ? scaled % weight : 0;
	}
	ring_share_out(shares, n, g->n);
	return n;
}

/* Each slot to the taker with the least hash among those whose quota is not full. */
static void deal(struct handover *h, const struct group *g, struct ring_share *takers, uint32_t n)
{
	for (uint32_t s = 0; s < g->n; s++) {
		uint64_t salt = ring_mix(g->slots[s]), least = 0;
		uint32_t best = n;

		for (uint32_t i = 0; i < n; i++) {
			uint64_t hash =
				(h->members[takers[i].member].seed ^ salt) * 0x9e3779b97f4a7c15ULL;

			if (best == n || hash < least) {
				best = i;
				least = hash;
			}
		}
		h->slots[g->slots[s]] = takers[best].member;
		if (!--takers[best].quota)
			takers[best] = takers[--n];
	}
}

static int hand_over_group(struct handover *h, const struct group *g);

/* The slots of g that were dealt to members that are not usable, grouped by these: again. */
static int hand_over_rest(struct handover *h, const struct group *g)
{
	_cleanup_free_ uint32_t *at = calloc(h->n + 1, sizeof(*at));
	_cleanup_free_ uint32_t *sorted = malloc(g->n * sizeof(*sorted));
	int err = 0;

	if (!at || !sorted)
		return -ENOMEM;
	for (uint32_t s = 0; s < g->n; s++)
		at[h->slots[g->slots[s]] + 1]++;
	for (uint32_t i = 0; i < h->n; i++)
		at[i + 1] += at[i];
	for (uint32_t s = 0; s < g->n; s++)
		sorted[at[h->slots[g->slots[s]]]++] = g->slots[s];
	for (uint32_t i = 0, from = 0; i < h->n && !err; from = at[i++]) {
		if (h->members[i].usable || at[i] == from)
			continue;
		struct group rest = {.slots = sorted + from,
				     .n = at[i] - from,
				     .beginning = ring_mix(g->beginning ^ h->members[i].seed),
				     .is_first = !h->n_tried};

		h->tried[i] = true;
		h->n_tried++;
		h->tried_weight += h->members[i].weight;
		err = hand_over_group(h, &rest);
		h->tried_weight -= h->members[i].weight;
		h->n_tried--;
		h->tried[i] = false;
	}
	return err;
}

static int hand_over_group(struct handover *h, const struct group *g)
{
	_cleanup_free_ struct ring_share *shares = NULL;
	uint32_t n = 0;

	if (!g->is_first && g->n < h->n - h->n_tried) {
		draw_lots(h, g);
		return 0;
	}
	shares = malloc(h->n * sizeof(*shares));
	if (!shares)
		return -ENOMEM;
	uint32_t all = share_group(h, g, shares);

	for (uint32_t i = 0; i < all; i++)
		if (shares[i].quota)
			shares[n++] = shares[i];
	deal(h, g, shares, n);
	return hand_over_rest(h, g);
}

static void prepare_draws(struct handover *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->by_seed[i] = i;
	qsort_r(h->by_seed, h->n, sizeof(*h->by_seed), compare_by_seed, (void *)h->members);
	for (uint32_t i = 0; i < h->n; i++) {
		h->weight += h->members[h->by_seed[i]].weight;
		h->weight_until[i] = h->weight;
		if (h->members[h->by_seed[i]].usable)
			h->usable[h->n_usable++] = h->by_seed[i];
	}
}

int ring_hand_over(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots)
{
	_cleanup_free_ bool *tried = calloc(n, sizeof(*tried));
	_cleanup_free_ uint32_t *owned = calloc(n, sizeof(*owned));
	_cleanup_free_ uint16_t *by_seed = malloc(n * sizeof(*by_seed));
	_cleanup_free_ uint64_t *weight_until = malloc(n * sizeof(*weight_until));
	_cleanup_free_ uint16_t *usable = malloc(n * sizeof(*usable));
	_cleanup_free_ uint32_t *all = malloc(sizeof(*all) << log2);
	struct handover h = {.members = members,
			     .n = n,
			     .log2 = log2,
			     .slots = slots,
			     .tried = tried,
			     .owned = owned,
			     .by_seed = by_seed,
			     .weight_until = weight_until,
			     .usable = usable};
	struct group everything = {.slots = all, .n = 1U << log2};

	if (!tried || !owned || !by_seed || !weight_until || !usable || !all)
		return -ENOMEM;
	for (uint32_t s = 0; s < everything.n; s++) {
		all[s] = s;
		owned[slots[s]]++;
	}
	prepare_draws(&h);
	return hand_over_rest(&h, &everything);
}
