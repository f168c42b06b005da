/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend owns each slot of each VIP, and which slots are moving from whom.
 *
 * Who takes part: the configured backends that are up; where none is, those that are draining
 * (refusing would break what they serve, and a fresh start decides the same); where none is
 * configured and alive, those that are leaving. In that last stand all slots are marked, so
 * that the flow table shows when they serve nothing more.
 *
 * While a VIP changes what chooses its backends (the algorithm, or the part of the address that
 * is hashed) all its slots are marked: flows of before are on any backend, and previous owners
 * may lie at other slots than the owners of now.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
#include "core/ring.h"
#include "util/cleanup.h"

enum {
	MEMBERS_MAX = 65534
};

struct members {
	uint32_t n, n_configured;
	uint32_t *ids;
	uint32_t first, n_ring; /* those that the ring is built over */
	struct ring_member *ring;
	bool *alive;
	bool is_last_stand;
};

static void members_free(struct members *m)
{
	free(m->ids);
	free(m->ring);
	free(m->alive);
}

static int members_read(struct members *m, struct image *i, const struct image_vip *v)
{
	*m = (struct members){0};
	m->ids = calloc(v->n_backends + 1, sizeof(*m->ids));
	m->ring = calloc(v->n_backends + 1, sizeof(*m->ring));
	m->alive = calloc(v->n_backends + 1, sizeof(*m->alive));
	if (!m->ids || !m->ring || !m->alive)
		return -ENOMEM;
	for (uint32_t id = v->backends; id != IMAGE_NONE; id = i->backends[id].next) {
		struct image_backend *k = &i->backends[id];

		k->member = m->n;
		m->ids[m->n] = id;
		m->alive[m->n] = mtlb_backend_is_alive(k->state);
		m->n_configured += k->state != MTLB_BACKEND_LEAVING;
		m->n++;
	}
	return 0;
}

/*
 * Lets all members in the given state take part; false where there is none. Of those that leave, in
 * a last stand, as many as slots can name; the rest keeps the flows that it has.
 */
static bool members_use(struct members *m, const struct image *i, enum mtlb_backend_state state)
{
	bool any = false;

	m->is_last_stand = state == MTLB_BACKEND_LEAVING;
	m->first = m->is_last_stand ? m->n_configured : 0;
	m->n_ring = m->is_last_stand ? m->n - m->n_configured : m->n_configured;
	if (m->n_ring > MTLB_VIP_BACKENDS_MAX)
		m->n_ring = MTLB_VIP_BACKENDS_MAX;
	for (uint32_t k = 0; k < m->n_ring; k++) {
		const struct image_backend *b = &i->backends[m->ids[m->first + k]];

		m->ring[k] = (struct ring_member){.seed = ring_seed(b->info.name, b->info.address),
						  .weight = b->info.weight,
						  .usable = b->state == state};
		any |= m->ring[k].usable;
	}
	return any;
}

/* ---- one VIP's slots ---- */
struct slots {
	uint32_t log2;    /* the longer of the old and the new ring */
	uint16_t *target; /* the ring as configured: members, log2 of the VIP */
	uint16_t *owner;
	uint32_t *previous;
	uint32_t *old_member; /* by index in the old ring's ids; IMAGE_NONE: gone */
	bool was_learning;    /* unknown flows of marked slots went to previous owners */
	bool is_learning;     /* and have to now */
	bool has_news;        /* some slot has to wait for flows anew */
	bool is_same;         /* as the old ring */
	bool is_switched;     /* this change chooses backends in another way */
	bool marks_all;       /* no slot is known to have its flows on its owner alone */
	bool counts_homes;    /* of a source VIP: what its flows note has to be noted anew */
	uint8_t home_bits;    /* what chooses the slot at which the home of unknown flows stands */
	bool has_old_owner;   /* the old owner stands at the same slot */
	uint32_t n_moving;
};

static void slots_free(struct slots *s)
{
	free(s->target);
	free(s->owner);
	free(s->previous);
	free(s->old_member);
}

static int slots_alloc(struct slots *s, uint32_t target_log2, const struct ring *old)
{
	*s = (struct slots){.log2 = old && old->log2 > target_log2 ? old->log2 : target_log2};
	s->target = malloc(sizeof(*s->target) << target_log2);
	s->owner = malloc(sizeof(*s->owner) << s->log2);
	s->previous = malloc(sizeof(*s->previous) << s->log2);
	s->old_member = calloc((old ? old->n_ids : 0) + 1, sizeof(*s->old_member));
	return s->target && s->owner && s->previous && s->old_member ? 0 : -ENOMEM;
}

static bool is_member_alive(const struct members *m, uint32_t member)
{
	return member != IMAGE_NONE && m->alive[member];
}

struct old_slot {
	uint32_t owner, previous; /* members; IMAGE_NONE: gone, or not marked */
	uint32_t home;            /* whose those flows are that the flow table does not know */
	bool is_marked;
};

static struct old_slot look_back(const struct slots *to, uint32_t s, const struct ring *old)
{
	uint32_t was = s >> (to->log2 - old->log2);
	struct old_slot o = {.is_marked = ring_is_marked(old, was)};

	o.owner = to->old_member[old->slots[was] & ~MTLB_SLOT_MOVING];
	o.previous = o.is_marked ? to->old_member[old->previous[was]] : IMAGE_NONE;
	o.home = o.is_marked && to->was_learning ? o.previous : o.owner;
	return o;
}

/*
 * Slot s goes from the old ring's owner to the target's. Its previous owner is the home of its
 * unknown flows, if that still serves. A marked slot stays marked, also where it returns to its
 * previous owner or where that one died: the table may hold flows of those in between.
 */
static void move_slot(struct slots *to, uint32_t s, uint32_t owner, const struct members *m,
		      const struct ring *old)
{
	struct old_slot was = look_back(to, s, old);
	uint32_t first = to->is_learning ? was.home : was.previous;
	uint32_t second = to->is_learning && to->has_old_owner ? was.owner : IMAGE_NONE;
	uint32_t previous = is_member_alive(m, first)    ? first
			    : is_member_alive(m, second) ? second
							 : owner;
	bool is_marked = was.is_marked || previous != owner || m->is_last_stand || to->marks_all;

	to->owner[s] = owner;
	to->previous[s] = is_marked ? previous : IMAGE_NONE;
	to->n_moving += is_marked;
	to->has_news |= (previous != owner && previous != was.previous) ||
			(to->counts_homes && owner != was.owner);
	to->is_same &= owner == was.owner && to->previous[s] == was.previous;
}

/* Does some slot leave the home of its unknown flows. */
static bool leaves_home(const struct slots *to, const struct members *m, uint32_t shift,
			const struct ring *old)
{
	for (uint32_t s = 0; s < 1U << to->log2; s++) {
		struct old_slot was = look_back(to, s, old);

		if ((is_member_alive(m, was.home) &&
		     was.home != to->target[s >> shift] + m->first) ||
		    (m->is_last_stand && !was.is_marked))
			return true;
	}
	return false;
}

static void map_old_members(struct slots *to, const struct image *i, const struct ring *old)
{
	for (uint32_t k = 0; k < old->n_ids; k++)
		to->old_member[k] = image_has_backend(i, old->ids[k])
					    ? i->backends[old->ids[k]].member
					    : IMAGE_NONE;
}

/* What this change means for all slots of a VIP that had a ring. */
static void compare_ways(struct slots *to, const struct image_vip *v,
			 const struct image_vip *before, bool exchanging)
{
	to->was_learning = before->learning;
	to->home_bits = before->learning ? before->previous_bits : before->source_bits;
	to->has_old_owner = to->home_bits == before->source_bits;
	to->is_switched =
		v->algorithm != before->algorithm || v->source_bits != before->source_bits;
	to->marks_all = to->is_switched || to->home_bits != v->source_bits ||
			(exchanging && image_remembers_all(before));
	to->has_news = to->is_switched;
	to->counts_homes = v->algorithm == MTLB_ALGORITHM_SOURCE;
}

static void move_slots(struct slots *to, const struct members *m, const struct image *i,
		       const struct image_vip *v, const struct image_vip *before, bool exchanging)
{
	uint32_t shift = to->log2 - v->ring_log2;
	const struct ring *old = before ? before->ring : NULL;

	if (old) {
		map_old_members(to, i, old);
		compare_ways(to, v, before, exchanging);
		to->is_learning = before->learning || to->marks_all || exchanging ||
				  leaves_home(to, m, shift, old);
	}
	to->is_same = old && to->log2 == old->log2;
	for (uint32_t s = 0; s < 1U << to->log2; s++) {
		uint32_t owner = to->target[s >> shift] + m->first;

		if (old) {
			move_slot(to, s, owner, m, old);
			continue;
		}
		to->owner[s] = owner;
		to->previous[s] = IMAGE_NONE;
	}
}

/*
 * A ring that shrinks stays long until nothing moves: a short slot may have several previous
 * owners.
 */
static void shorten(struct slots *s, const struct image_vip *v)
{
	uint32_t shift = s->log2 - v->ring_log2;

	if (!shift || s->n_moving)
		return;
	for (uint32_t k = 0; k < 1U << v->ring_log2; k++)
		s->owner[k] = s->owner[k << shift];
	s->log2 = v->ring_log2;
	s->is_same = false;
}

static struct ring *place(struct build *b, struct ring *r)
{
	if (!r) {
		b->error = -ENOMEM;
		return NULL;
	}
	if (!b->space)
		b->space = ring_space_new(b->in->limits.ring_units, b->previous);
	if (!b->space)
		b->error = -ENOMEM;
	else if (!ring_space_place(b->space, r) && build_is_first_full(b, FULL_RINGS))
		report_add(b->report, "node/limits/ring_slots",
			   "no room for a ring of %u slots: %u on the node, twice what is in use "
			   "while rings change",
			   1U << r->log2, b->in->limits.ring_units * 4);
	return r;
}

static bool has_list(const struct image_vip *v)
{
	return v->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS;
}

/*
 * The ring of least-connections lists all configured backends, so that its list changes only
 * with the configuration.
 */
static struct ring *ring_from_slots(struct build *b, const struct slots *s, const struct members *m,
				    const struct image_vip *v, struct ring *old)
{
	_cleanup_free_ bool *listed = calloc(m->n + 1, sizeof(*listed));
	struct ring_draft draft = {.log2 = s->log2,
				   .n_ids = m->n,
				   .ids = m->ids,
				   .listed = listed,
				   .owner = s->owner,
				   .previous = s->previous};
	struct ring *r;

	/* in a last stand none of these takes flows, and owners need the low numbers */
	if (listed && has_list(v) && !m->is_last_stand)
		memset(listed, true, m->n_configured * sizeof(*listed));
	r = listed ? ring_from_draft(&draft) : NULL;
	if (!r || !old || !ring_is_equal(r, old))
		return place(b, r);
	ring_unref(r);
	return ring_ref(old);
}

static void carry_progress(struct image_vip *v, const struct image_vip *old)
{
	v->learning = old->learning;
	v->previous_bits = old->previous_bits;
	v->move_started = old->move_started;
	v->quiet = old->quiet;
}

static void start_learning(struct image_vip *v, uint64_t now)
{
	v->learning = true;
	v->quiet = (struct image_quiet){.since = now};
	if (!v->move_started)
		v->move_started = now ? now : 1;
}

static int move_vip(struct build *b, struct image_vip *v, const struct image_vip *before,
		    const struct members *m, bool exchanging)
{
	struct ring *old = before ? before->ring : NULL;
	struct slots s;
	int err = slots_alloc(&s, v->ring_log2, old);

	if (!err)
		err = v->algorithm == MTLB_ALGORITHM_ROUND_ROBIN
			      ? ring_build_turns(m->ring, m->n_ring, v->ring_log2, s.target)
			      : ring_build(m->ring, m->n_ring, v->ring_log2, s.target);
	if (!err) {
		move_slots(&s, m, b->image, v, before, exchanging);
		shorten(&s, v);
		if (s.is_same && !has_list(v) && !has_list(before))
			v->ring = ring_ref(old);
		else
			v->ring = ring_from_slots(b, &s, m, v, old);
		v->is_last_stand = m->is_last_stand;
		if (s.n_moving && before)
			carry_progress(v, before);
		if (s.n_moving && s.is_learning)
			v->previous_bits = s.home_bits;
		if (s.n_moving && s.is_learning && (!v->learning || s.has_news || exchanging))
			start_learning(v, b->in->now);
	}
	slots_free(&s);
	return err;
}

/* Same backends in the same states: then the same ring, whatever has settled meanwhile. */
static bool is_as_before(const struct build *b, const struct image_vip *v,
			 const struct image_vip *before)
{
	uint32_t k = v->backends, was;

	if (!before || !before->ring || before->is_adopted || before->ring_log2 != v->ring_log2 ||
	    before->n_backends != v->n_backends || before->algorithm != v->algorithm ||
	    before->source_bits != v->source_bits)
		return false;
	for (was = before->backends; k != IMAGE_NONE && k == was;
	     k = b->image->backends[k].next, was = b->previous->backends[was].next)
		if (b->image->backends[k].state != b->previous->backends[was].state ||
		    b->image->backends[k].info.weight != b->previous->backends[was].info.weight)
			return false;
	return k == IMAGE_NONE && was == IMAGE_NONE;
}

/* Does the VIP's tenant get another range of the flow table while that holds flows of the VIP. */
static bool is_exchanging(const struct build *b, const struct image_vip *v,
			  const struct image_vip *before)
{
	const struct image_tenant *is, *was;

	if (!before || !before->ring || (!before->ring->n_moving && !image_remembers_all(before)))
		return false;
	is = &b->image->tenants[v->info.tenant];
	was = &b->previous->tenants[v->info.tenant];
	return is->flow_base != was->flow_base || is->flow_buckets != was->flow_buckets;
}

static void build_ring(struct build *b, uint32_t id)
{
	struct image_vip *v = &b->image->vips[id];
	const struct image_vip *before =
		image_has_vip(b->previous, id) ? &b->previous->vips[id] : NULL;
	bool exchanging = is_exchanging(b, v, before);
	struct members m;
	int err;

	if (b->image->tenants[v->info.tenant].suspended)
		return;
	if (!exchanging && is_as_before(b, v, before)) {
		v->ring = ring_ref(before->ring);
		v->is_last_stand = before->is_last_stand;
		carry_progress(v, before);
		return;
	}
	err = members_read(&m, b->image, v);
	if (!err && (m.n > MEMBERS_MAX || m.n_configured > MTLB_VIP_BACKENDS_MAX)) {
		report_add(b->report, v->info.name,
			   "%u backends, %u with those that leave: at most %d and %d",
			   m.n_configured, m.n, MTLB_VIP_BACKENDS_MAX, MEMBERS_MAX);
	} else if (!err && (members_use(&m, b->image, MTLB_BACKEND_UP) ||
			    members_use(&m, b->image, MTLB_BACKEND_DRAINING) ||
			    members_use(&m, b->image, MTLB_BACKEND_LEAVING))) {
		err = move_vip(b, v, before, &m, exchanging);
	}
	if (err)
		b->error = err;
	members_free(&m);
}

/*
 * While a tenant's flow range is exchanged, what a packet under way remembers may miss the
 * copy. So for that time all new flows of a moving slot go where those go that the table does
 * not know; also those of a VIP that remembers all its flows. The slot is the one at which
 * these homes stand.
 */
static struct ring *bridge_of(const struct image_vip *before)
{
	const struct ring *r = before->ring;
	struct ring_draft d = {.log2 = r->log2, .n_ids = r->n_ids, .ids = r->ids};
	_cleanup_free_ uint16_t *owner = d.owner = malloc(sizeof(*d.owner) << r->log2);
	_cleanup_free_ uint32_t *previous = d.previous = malloc(sizeof(*d.previous) << r->log2);

	if (!owner || !previous)
		return NULL;
	for (uint32_t s = 0; s < 1U << r->log2; s++) {
		owner[s] = r->slots[s] & ~MTLB_SLOT_MOVING;
		if (ring_is_marked(r, s) && before->learning)
			owner[s] = r->previous[s];
		previous[s] =
			ring_is_marked(r, s) || image_remembers_all(before) ? owner[s] : IMAGE_NONE;
	}
	return ring_from_draft(&d);
}

static void build_bridge(struct build *b, uint32_t id)
{
	const struct image_vip *before =
		image_has_vip(b->previous, id) ? &b->previous->vips[id] : NULL;
	struct image_vip *v = &b->image->vips[id];

	if (is_exchanging(b, v, before) && before->position)
		v->bridge = place(b, bridge_of(before));
}

void build_rings(struct build *b)
{
	for (uint32_t v = 0; v < b->image->top_vip && !b->error; v++) {
		if (!b->image->vips[v].info.name[0])
			continue;
		build_ring(b, v);
		build_bridge(b, v);
	}
}
