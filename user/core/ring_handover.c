/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A slot's list begins with its owner in the full ring. The slots whose lists begin alike are a
 * group; a group is dealt out among the members that are not in that beginning, usable or not, by
 * weight. What is dealt to a member that is not usable is a group again. Groups too small for that
 * draw lots.
 *
 * That costs a sort of all members for each of those that are not usable. Of more than EXACT_MAX
 * members an owner's slots are spread evenly over the weights of the others, which costs the same
 * whatever fails, and the rest draws lots.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring_handover.h"
#include "util/cleanup.h"

enum {
	EXACT_MAX = 1024,
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
	uint16_t *position;     /* of each in by_seed */
	uint64_t *weight_until; /* sums of weights up to each of by_seed */
	uint16_t *guide;        /* where in by_seed to begin, by the first bits of a lot */
	uint32_t guide_log2;
	uint16_t *usable; /* of by_seed those that are usable */
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

static uint64_t scale(const struct handover *h, uint64_t lot)
{
	return (unsigned __int128)lot * h->weight >> 64;
}

/* The first of by_seed, from low to high, whose weight reaches beyond at. */
static uint32_t find_weight(const struct handover *h, uint64_t at, uint32_t low, uint32_t high)
{
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (h->weight_until[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Which of the members a draw falls on, by weight. */
static uint16_t draw(const struct handover *h, uint64_t lot)
{
	uint32_t begin = lot >> (64 - h->guide_log2);

	return h->by_seed[find_weight(h, scale(h, lot), h->guide[begin], h->guide[begin + 1])];
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
	uint64_t salt = ring_mix(slot), best_log = 0;
	uint16_t best = RING_NOBODY;

	for (uint32_t k = 0; k < h->n_usable; k++) {
		uint16_t i = h->usable[k];
		uint64_t log = negative_log2(ring_mix(h->members[i].seed ^ salt));

		if (best == RING_NOBODY ||
		    log * h->members[best].weight < best_log * h->members[i].weight) {
			best = i;
			best_log = log;
		}
	}
	return best;
}

static uint16_t draw_usable(const struct handover *h, uint64_t beginning, uint32_t slot)
{
	uint64_t lot = ring_mix(beginning ^ slot);
	uint16_t to = draw(h, lot);

	for (int i = 1; !h->members[to].usable && i < DRAWS_MAX; i++) {
		lot = ring_mix(lot);
		to = draw(h, lot);
	}
	return h->members[to].usable ? to : last_resort(h, slot);
}

static void draw_lots(struct handover *h, const struct group *g)
{
	for (uint32_t s = 0; s < g->n; s++)
		h->slots[g->slots[s]] = draw_usable(h, g->beginning, g->slots[s]);
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

/*
 * The slots of one member, spread over the weights of the others: at equal distances, from a place
 * on that is its own.
 */
static void spread(struct handover *h, const struct group *g, uint16_t owner)
{
	uint64_t weight = h->members[owner].weight, others = h->weight - weight;
	uint64_t first = h->weight_until[h->position[owner]] - weight;
	uint64_t begin = (unsigned __int128)ring_mix(g->beginning) * others >> 64;

	for (uint32_t s = 0; s < g->n; s++) {
		uint64_t at = (begin + s * others / g->n) % others;
		uint32_t to = find_weight(h, at < first ? at : at + weight, 0, h->n - 1);
		uint16_t i = h->by_seed[to];

		h->slots[g->slots[s]] =
			h->members[i].usable
				? i
				: draw_usable(h, ring_mix(g->beginning ^ h->members[i].seed),
					      g->slots[s]);
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

		if (h->n > EXACT_MAX) {
			spread(h, &rest, i);
			continue;
		}
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

/* As many places as members, or more: the search then ends soon, whatever the weights. */
static int prepare_guide(struct handover *h)
{
	for (h->guide_log2 = 1; 1U << h->guide_log2 < h->n; h->guide_log2++)
		;
	h->guide = malloc(((1U << h->guide_log2) + 1) * sizeof(*h->guide));
	if (!h->guide)
		return -ENOMEM;
	for (uint32_t k = 0; k < 1U << h->guide_log2; k++)
		h->guide[k] =
			find_weight(h, scale(h, (uint64_t)k << (64 - h->guide_log2)), 0, h->n - 1);
	h->guide[1U << h->guide_log2] = h->n - 1;
	return 0;
}

static int prepare_draws(struct handover *h)
{
	h->by_seed = malloc(h->n * sizeof(*h->by_seed));
	h->position = malloc(h->n * sizeof(*h->position));
	h->usable = malloc(h->n * sizeof(*h->usable));
	h->weight_until = malloc(h->n * sizeof(*h->weight_until));
	if (!h->by_seed || !h->position || !h->usable || !h->weight_until)
		return -ENOMEM;
	for (uint32_t i = 0; i < h->n; i++)
		h->by_seed[i] = i;
	qsort_r(h->by_seed, h->n, sizeof(*h->by_seed), compare_by_seed, (void *)h->members);
	for (uint32_t k = 0; k < h->n; k++) {
		uint16_t i = h->by_seed[k];

		h->position[i] = k;
		h->weight += h->members[i].weight;
		h->weight_until[k] = h->weight;
		if (h->members[i].usable)
			h->usable[h->n_usable++] = i;
	}
	return prepare_guide(h);
}

static void free_draws(struct handover *h)
{
	free(h->by_seed);
	free(h->position);
	free(h->usable);
	free(h->weight_until);
	free(h->guide);
}

int ring_hand_over(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots)
{
	_cleanup_free_ bool *tried = calloc(n, sizeof(*tried));
	_cleanup_free_ uint32_t *owned = calloc(n, sizeof(*owned));
	_cleanup_free_ uint32_t *all = malloc(sizeof(*all) << log2);
	struct handover h = {.members = members,
			     .n = n,
			     .log2 = log2,
			     .slots = slots,
			     .tried = tried,
			     .owned = owned};
	struct group everything = {.slots = all, .n = 1U << log2};
	int err = tried && owned && all ? prepare_draws(&h) : -ENOMEM;

	if (!err) {
		for (uint32_t s = 0; s < everything.n; s++) {
			all[s] = s;
			owned[slots[s]]++;
		}
		err = hand_over_rest(&h, &everything);
	}
	free_draws(&h);
	return err;
}
