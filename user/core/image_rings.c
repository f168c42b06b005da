/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ring objects, and where in the ring map they lie. */
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
#include "util/cleanup.h"

struct ring *ring_ref(struct ring *r)
{
	if (r)
		r->refs++;
	return r;
}

void ring_unref(struct ring *r)
{
	if (!r || --r->refs)
		return;
	free(r->ids);
	free(r->owned);
	free(r->awaited);
	free(r->slots);
	free(r->previous);
	free(r);
}

static struct ring *ring_alloc(uint32_t log2, uint32_t n_ids, bool moving)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->refs = 1;
	r->log2 = log2;
	r->n_ids = n_ids;
	r->ids = calloc(n_ids + 1, sizeof(*r->ids));
	r->owned = calloc(n_ids + 1, sizeof(*r->owned));
	r->awaited = calloc(n_ids + 1, sizeof(*r->awaited));
	r->slots = malloc(sizeof(*r->slots) << log2);
	r->previous = moving ? malloc(sizeof(*r->previous) << log2) : NULL;
	if (r->ids && r->owned && r->awaited && r->slots && (r->previous || !moving))
		return r;
	ring_unref(r);
	return NULL;
}

/* New index of each id that something names or that is listed; the rest is dropped. */
static uint32_t renumber(const struct ring_draft *d, uint16_t *number, uint32_t *n_moving)
{
	uint32_t n = 0;

	*n_moving = 0;
	for (uint32_t i = 0; i < d->n_ids; i++)
		number[i] = d->listed && d->listed[i];
	for (uint32_t s = 0; s < 1U << d->log2; s++) {
		number[d->owner[s]] = 1;
		if (d->previous[s] == IMAGE_NONE)
			continue;
		number[d->previous[s]] = 1;
		++*n_moving;
	}
	for (uint32_t i = 0; i < d->n_ids; i++)
		number[i] = number[i] ? n++ : UINT16_MAX;
	return n;
}

struct ring *ring_from_draft(const struct ring_draft *d)
{
	_cleanup_free_ uint16_t *number = malloc((d->n_ids + 1) * sizeof(*number));
	uint32_t n_moving, n_ids;
	struct ring *r;

	if (!number)
		return NULL;
	n_ids = renumber(d, number, &n_moving);
	r = ring_alloc(d->log2, n_ids, n_moving);
	if (!r)
		return NULL;
	r->n_moving = n_moving;
	for (uint32_t i = 0; i < d->n_ids; i++)
		if (number[i] != UINT16_MAX)
			r->ids[number[i]] = d->ids[i];
	for (uint32_t s = 0; s < 1U << d->log2; s++) {
		uint16_t to = number[d->owner[s]], from = to;

		if (to >= MTLB_SLOT_MOVING) {
			ring_unref(r);
			return NULL;
		}
		r->owned[to]++;
		r->slots[s] = to;
		if (d->previous[s] != IMAGE_NONE) {
			from = number[d->previous[s]];
			r->awaited[from]++;
			r->slots[s] |= MTLB_SLOT_MOVING;
		}
		if (r->previous)
			r->previous[s] = from;
	}
	r->units = (n_ids + 1) / 2 + (n_moving ? 2 : 1) * ((1U << d->log2) / 4);
	return r;
}

bool ring_is_equal(const struct ring *a, const struct ring *b)
{
	size_t slots = sizeof(*a->slots) << a->log2;

	return a->log2 == b->log2 && a->n_ids == b->n_ids && a->n_moving == b->n_moving &&
	       !memcmp(a->ids, b->ids, a->n_ids * sizeof(*a->ids)) &&
	       !memcmp(a->slots, b->slots, slots) &&
	       (!a->previous || !memcmp(a->previous, b->previous, slots));
}

/* ---- space ---- */
struct extent {
	uint32_t first, units;
};

struct ring_space {
	struct extent *list; /* free, by place */
	size_t n;
};

static int compare_extents(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

struct ring_space *ring_space_new(uint32_t units, const struct image *used)
{
	struct ring_space *s = calloc(1, sizeof(*s));
	uint32_t rings = used ? used->top_vip : 0;
	_cleanup_free_ struct extent *taken = calloc(rings + 1, sizeof(*taken));
	uint32_t n = 0, at = 0;

	if (!s || !taken || !(s->list = calloc(rings + 1, sizeof(*s->list)))) {
		ring_space_free(s);
		return NULL;
	}
	for (uint32_t v = 0; v < rings; v++)
		if (used->vips[v].ring)
			taken[n++] = (struct extent){used->vips[v].ring->first,
						     used->vips[v].ring->units};
	qsort(taken, n, sizeof(*taken), compare_extents);
	for (uint32_t i = 0; i < n; at = taken[i].first + taken[i].units, i++)
		if (taken[i].first > at)
			s->list[s->n++] = (struct extent){at, taken[i].first - at};
	if (at < units)
		s->list[s->n++] = (struct extent){at, units - at};
	return s;
}

void ring_space_free(struct ring_space *s)
{
	if (!s)
		return;
	free(s->list);
	free(s);
}

bool ring_space_place(struct ring_space *s, struct ring *r)
{
	for (size_t i = 0; i < s->n; i++) {
		struct extent *e = &s->list[i];

		if (e->units < r->units)
			continue;
		r->first = e->first;
		r->base = r->first + (r->n_ids + 1) / 2;
		e->first += r->units;
		e->units -= r->units;
		return true;
	}
	return false;
}
