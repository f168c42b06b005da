/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When a move is over. LEARNING ends when for the VIP's idle timeout no flow of the tenant was
 * refused by the flow table: each flow that is older than the move has sent a packet since, and is
 * in the table. After that a slot loses its mark when the table holds no live flow of it on another
 * backend; a leaving backend goes when no slot names it and it has no live flow. Where connection
 * ids name it as well, what the table refused may be a flow of it: it stays until nothing was
 * refused for the idle timeout.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_census.h"
#include "util/cleanup.h"

struct settle {
	const struct image *previous;
	struct image *image;
	const struct image_census *census;
	const struct image_refused *refused;
	uint64_t now;
	struct ring_space *space;
	bool *renew; /* by tenant slot: its table may change */
	bool changed;
	int error;
};

bool image_is_moving(const struct image *i)
{
	for (uint32_t v = 0; v < i->top_vip; v++)
		if (i->vips[v].info.name[0] && i->vips[v].ring && i->vips[v].ring->n_moving)
			return true;
	for (uint32_t k = 0; k < i->top_backend; k++)
		if (i->backends[k].info.name[0] && i->backends[k].state == MTLB_BACKEND_LEAVING)
			return true;
	return false;
}

static struct image_refused refused_of(const struct settle *s, const struct image_vip *v)
{
	static const struct image_refused none;

	return s->refused ? s->refused[v->info.tenant] : none;
}

/* Was nothing refused for the idle timeout: each flow that sent a packet meanwhile is in the table. */
static bool is_quiet(struct settle *s, const struct image_vip *v, struct image_quiet *q,
		     uint64_t total)
{
	if (!q->is_known || total != q->total) {
		*q = (struct image_quiet){.since = s->now, .total = total, .is_known = true};
		s->changed = true;
	}
	/* one tick more: an age is rounded down */
	return s->now - q->since > (uint64_t)v->idle_ticks + 1;
}

/* May a backend that ids named have flows that the table could not take. */
static bool may_hide_flows(struct settle *s, struct image_vip *v)
{
	struct image_refused refused = refused_of(s, v);

	return image_has_quic(v) && !is_quiet(s, v, &v->noted, refused.flows + refused.notes);
}

/*
 * A flow that is refused while LEARNING is on stays with the previous owner unseen: the time to
 * learn begins anew. Later, unknown flows belong to the new owner, whether they are remembered or
 * not. A flow that goes by its id needs no entry for that.
 */
static void end_learning(struct settle *s, struct image_vip *v)
{
	if (!v->learning || !is_quiet(s, v, &v->quiet, refused_of(s, v).flows))
		return;
	v->learning = false;
	s->changed = true;
}

#define IMAGE_SEVERAL (IMAGE_NONE - 1)

/* The backend that has flows which are not at home; IMAGE_NONE, or IMAGE_SEVERAL. */
static uint32_t with_flows_away(const struct settle *s, const struct image_vip *v)
{
	uint32_t found = IMAGE_NONE;

	for (uint32_t k = v->backends; k != IMAGE_NONE; k = s->image->backends[k].next)
		if (image_census_waiting(s->census, k))
			found = found == IMAGE_NONE ? k : IMAGE_SEVERAL;
	return found;
}

/*
 * Of a VIP that remembers all its flows no slot is held: whatever is marked, the table decides.
 * Of a source VIP nobody can tell a flow's slot, but one that is not at home is in none of
 * those that its backend owns.
 */
static bool is_held(const struct image_vip *v, const struct census_vip *c, uint32_t away,
		    uint32_t slot)
{
	if (image_remembers_all(v))
		return false;
	if (v->algorithm == MTLB_ALGORITHM_MAGLEV)
		return c->held[slot / 8] & 1 << (slot % 8);
	return away != IMAGE_NONE && away != ring_owner(v->ring, slot);
}

/*
 * What keeps its place in the list of a ring of least-connections. malloced; NULL: out of
 * memory.
 */
static bool *listed(const struct settle *s, const struct image_vip *v, const struct ring *r)
{
	bool *list = calloc(r->n_ids + 1, sizeof(*list));

	for (uint32_t i = 0; list && i < r->n_ids; i++)
		list[i] = v->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS &&
			  s->image->backends[r->ids[i]].state != MTLB_BACKEND_LEAVING;
	return list;
}

/*
 * Can the ring be written at the length that the configuration asks for: long ones were kept while
 * they moved.
 */
static bool is_uniform(const struct ring *r, uint32_t log2)
{
	uint32_t group = (1U << (r->log2 - log2)) - 1;

	for (uint32_t s = 0; s < 1U << r->log2; s++)
		if (r->slots[s] != r->slots[s & ~group])
			return false;
	return true;
}

static struct ring *shorten(const struct settle *s, const struct image_vip *v, const struct ring *r,
			    uint32_t log2)
{
	_cleanup_free_ bool *list = listed(s, v, r);
	struct ring_draft d = {.log2 = log2, .n_ids = r->n_ids, .ids = r->ids, .listed = list};
	_cleanup_free_ uint16_t *owner = d.owner = malloc(sizeof(*d.owner) << log2);
	_cleanup_free_ uint32_t *previous = d.previous = malloc(sizeof(*d.previous) << log2);

	if (!owner || !previous || !list)
		return NULL;
	for (uint32_t k = 0; k < 1U << log2; k++) {
		owner[k] = r->slots[k << (r->log2 - log2)] & ~MTLB_SLOT_MOVING;
		previous[k] = IMAGE_NONE;
	}
	return ring_from_draft(&d);
}

/* The ring without the marks that nothing holds; NULL where none can go, or out of memory. */
static struct ring *unmark(const struct settle *s, const struct image_vip *v,
			   const struct census_vip *c)
{
	const struct ring *r = v->ring;
	_cleanup_free_ bool *list = listed(s, v, r);
	struct ring_draft d = {.log2 = r->log2, .n_ids = r->n_ids, .ids = r->ids, .listed = list};
	_cleanup_free_ uint16_t *owner = d.owner = malloc(sizeof(*d.owner) << r->log2);
	_cleanup_free_ uint32_t *previous = d.previous = malloc(sizeof(*d.previous) << r->log2);
	uint32_t moving = 0, away = with_flows_away(s, v);
	struct ring *settled;

	if (!owner || !previous || !list)
		return NULL;
	for (uint32_t k = 0; k < 1U << r->log2; k++) {
		bool stays = ring_is_marked(r, k) && is_held(v, c, away, k);

		owner[k] = r->slots[k] & ~MTLB_SLOT_MOVING;
		previous[k] = stays ? r->previous[k] : IMAGE_NONE;
		moving += stays;
	}
	if (moving == r->n_moving)
		return NULL;
	settled = ring_from_draft(&d);
	if (settled && !moving && v->ring_log2 < r->log2 && is_uniform(settled, v->ring_log2)) {
		struct ring *shorter = shorten(s, v, settled, v->ring_log2);

		ring_unref(settled);
		settled = shorter;
	}
	return settled;
}

/* Takes over the new ring if there is room for it; else the next settle tries again. */
static void replace_ring(struct settle *s, struct image_vip *v, struct ring *r)
{
	if (!s->space)
		s->space = ring_space_new(s->image->limits.ring_units, s->previous);
	if (!s->space || !ring_space_place(s->space, r)) {
		ring_unref(r);
		return;
	}
	ring_unref(v->ring);
	v->ring = r;
	s->changed = true;
}

static void stop_moving(struct image_vip *v)
{
	v->learning = false;
	v->previous_bits = v->source_bits;
	v->move_started = 0;
	v->quiet = (struct image_quiet){};
	v->is_last_stand = false;
}

/* Did the census see what the flow table holds of this VIP, and holds for good. */
static bool is_counted(const struct settle *s, uint32_t id)
{
	const struct image_vip *was = &s->previous->vips[id];
	const struct census_vip *c = id < s->census->n_vips ? &s->census->vips[id] : NULL;

	if (!image_uses_table(was))
		return true;
	return !was->learning && c && c->ring == was->ring && !c->learning;
}

static void settle_vip(struct settle *s, uint32_t id)
{
	struct image_vip *v = &s->image->vips[id];

	if (!v->ring || !v->ring->n_moving)
		return;
	end_learning(s, v);
	if (v->learning || !is_counted(s, id))
		return;
	const struct census_vip *c = &s->census->vips[id];

	if (v->is_last_stand) {
		if (c->flows || may_hide_flows(s, v))
			return;
		ring_unref(v->ring);
		v->ring = NULL;
		s->changed = true;
	} else {
		struct ring *r = unmark(s, v, c);

		if (r)
			replace_ring(s, v, r);
	}
	if (!v->ring || !v->ring->n_moving)
		stop_moving(v);
}

static bool is_named(const struct ring *r, uint32_t backend)
{
	for (uint32_t i = 0; r && i < r->n_ids; i++)
		if (r->ids[i] == backend)
			return true;
	return false;
}

/* Has the leaving backend no flow any more, as far as anybody can tell. */
static bool is_done(struct settle *s, uint32_t vip, uint32_t backend)
{
	struct image_vip *v = &s->image->vips[vip];

	if (is_named(v->ring, backend) || !is_counted(s, vip) ||
	    image_census_flows(s->census, backend))
		return false;
	return !v->ring || !may_hide_flows(s, v);
}

/*
 * Flows on slots that are still marked may be those of a backend in between, which no slot names.
 */
static void drop_leaving(struct settle *s, uint32_t id)
{
	struct image_vip *v = &s->image->vips[id];
	uint32_t *link = &v->backends;

	v->last_backend = IMAGE_NONE;
	while (*link != IMAGE_NONE) {
		uint32_t k = *link;
		struct image_backend *b = &s->image->backends[k];

		if (b->state == MTLB_BACKEND_LEAVING && is_done(s, id, k)) {
			*link = b->next;
			memset(b, 0, sizeof(*b));
			v->n_backends--;
			s->changed = true;
			continue;
		}
		v->last_backend = k;
		link = &b->next;
	}
}

/* What stands in an entry beside the word may have changed, or a server id's backend be gone. */
static void renew_tables(struct settle *s)
{
	struct report r = {0};

	for (uint32_t t = 1; t < s->image->top_tenant && s->changed && !s->error; t++)
		if (s->renew[t])
			s->error = image_renew_table(s->image, t, &r);
	report_clear(&r);
}

static void settle_vips(struct settle *s)
{
	for (uint32_t v = 0; v < s->image->top_vip; v++) {
		struct image_vip *vip = &s->image->vips[v];
		struct ring *before = vip->ring;
		uint32_t n = vip->n_backends;

		if (!vip->info.name[0])
			continue;
		settle_vip(s, v);
		drop_leaving(s, v);
		s->renew[vip->info.tenant] |= vip->ring != before || vip->n_backends != n;
	}
}

int image_settle(const struct image *previous, const struct image_census *census,
		 const struct image_refused *refused, uint64_t now, struct image **out)
{
	struct settle s = {.previous = previous, .census = census, .refused = refused, .now = now};
	_cleanup_free_ bool *renew = s.renew = calloc(previous->top_tenant, sizeof(*renew));

	*out = NULL;
	if (!image_is_moving(previous))
		return 0;
	s.image = image_clone(previous);
	if (!s.image || !renew) {
		image_free(s.image);
		return -ENOMEM;
	}
	s.image->now = now;
	settle_vips(&s);
	ring_space_free(s.space);
	renew_tables(&s);
	if (s.changed && !s.error)
		s.error = image_build_index(s.image);
	if (s.changed && !s.error)
		*out = s.image;
	else
		image_free(s.image);
	return s.error;
}
