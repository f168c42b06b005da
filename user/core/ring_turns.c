/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Smooth weighted round-robin. After t turns a member that took c of them has t * weight - c *
 * sum; members of one weight therefore take turns among themselves, in their order, and only
 * the first of each weight can be next.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/ring.h"
#include "util/cleanup.h"

struct turn_group {
	int64_t weight;
	int64_t credit; /* of its next member */
	uint32_t n, next;
	uint16_t *members;
};

static int compare_members(const void *a, const void *b, void *members)
{
	const struct ring_member *m = members;
	uint16_t i = *(const uint16_t *)a, j = *(const uint16_t *)b;

	if (m[i].weight != m[j].weight)
		return m[i].weight < m[j].weight ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* Usable members, by weight and then in their order; in groups of one weight. */
static uint32_t group_members(const struct ring_member *members, uint16_t *order, uint32_t n,
			      struct turn_group *groups)
{
	uint32_t n_groups = 0;

	qsort_r(order, n, sizeof(*order), compare_members, (void *)members);
	for (uint32_t i = 0; i < n; i++) {
		struct turn_group *g = n_groups ? &groups[n_groups - 1] : NULL;

		if (!g || g->weight != members[order[i]].weight) {
			g = &groups[n_groups++];
			*g = (struct turn_group){.weight = members[order[i]].weight,
						 .members = order + i};
		}
		g->n++;
	}
	return n_groups;
}

static struct turn_group *choose_group(struct turn_group *groups, uint32_t n)
{
	struct turn_group *best = NULL;

	for (uint32_t i = 0; i < n; i++) {
		struct turn_group *g = &groups[i];

		g->credit += g->weight;
		if (!best || g->credit > best->credit ||
		    (g->credit == best->credit && g->members[g->next] < best->members[best->next]))
			best = g;
	}
	return best;
}

static void deal_turns(struct turn_group *groups, uint32_t n, int64_t sum, uint32_t slots,
		       uint16_t *out)
{
	for (uint32_t s = 0; s < slots; s++) {
		struct turn_group *g = choose_group(groups, n);

		out[s] = g->members[g->next];
		/*
		 * when all of them have paid once, the first is next again, with what it has
		 * left
		 */
		if (++g->next == g->n) {
			g->next = 0;
			g->credit -= sum;
		}
	}
}

int ring_build_turns(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots)
{
	_cleanup_free_ uint16_t *order = calloc(n + 1, sizeof(*order));
	_cleanup_free_ struct turn_group *groups = calloc(n + 1, sizeof(*groups));
	uint32_t usable = 0;
	int64_t sum = 0;

	if (!order || !groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (!members[i].usable)
			continue;
		order[usable++] = i;
		sum += members[i].weight;
	}
	if (!usable)
		return -ENOENT;
	deal_turns(groups, group_members(members, order, usable, groups), sum, 1U << log2, slots);
	return 0;
}
