/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Section 5 of docs/packets.md: the backend. */
#include <string.h>

#include "fuzz/oracle_parts.h"

bool serves(const struct oracle_backend *b)
{
	return b->state == ORACLE_UP || b->state == ORACLE_DRAINING || b->state == ORACLE_LEAVING;
}

static uint16_t swapped(uint16_t x)
{
	return (uint16_t)(x << 8 | x >> 8);
}

static uint64_t flow_hash(const struct facts *f)
{
	return oracle_hash(f->flow_source, f->flow_destination,
			   (uint32_t)swapped(f->sport) << 16 | swapped(f->dport), f->flow_protocol,
			   f->tenant->key);
}

static uint64_t source_hash(const struct facts *f, uint32_t bits)
{
	uint8_t source[16] = {0}, zero[16] = {0};

	for (uint32_t i = 0; i < bits; i++)
		source[i / 8] |= f->flow_source[i / 8] & 0x80 >> i % 8;
	return oracle_hash(source, zero, 0, 0, f->tenant->key);
}

static uint32_t slot_of(const struct oracle_vip *v, uint64_t hash)
{
	return (uint32_t)(hash >> 32) >> (32 - v->slots_log2);
}

/* Whether a is less loaded than b. */
static bool is_better(const struct oracle_backend *a, const struct oracle_backend *b)
{
	uint64_t load_a = a->load < 0 ? 0 : (uint64_t)a->load;
	uint64_t load_b = b->load < 0 ? 0 : (uint64_t)b->load;

	return load_a * b->weight < load_b * a->weight;
}

static uint32_t least_connections(const struct facts *f, uint32_t slot, uint32_t owner)
{
	const struct oracle_vip *v = f->vip;
	const struct oracle_backend *all = f->w->backends;
	uint32_t slots = 1U << v->slots_log2, n = v->n_ids > 256 ? 16 : v->n_ids, best = owner;
	bool is_found = false;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = v->n_ids > 256
				      ? v->ids[v->slots[(slot + i * slots / 16) % slots].owner]
				      : v->ids[i];

		if (all[id].state != ORACLE_UP || (is_found && !is_better(&all[id], &all[best])))
			continue;
		best = id;
		is_found = true;
	}
	return best;
}

/* Where a new flow goes. */
static uint32_t by_algorithm(struct facts *f, uint32_t slot, uint32_t owner)
{
	struct oracle_vip *v = f->vip;

	if (v->algorithm == ORACLE_ROUND_ROBIN)
		return v->ids[v->slots[v->turn++ % (1U << v->slots_log2)].owner];
	if (v->algorithm == ORACLE_LEAST_CONNECTIONS)
		return least_connections(f, slot, owner);
	return owner;
}

/* False: the slot does not move, or its previous owner no longer serves. */
static bool find_previous(const struct facts *f, uint32_t slot, uint32_t *previous)
{
	const struct oracle_vip *v = f->vip;

	if (!v->is_moving || !v->slots[slot].is_moving)
		return false;
	uint64_t hash = v->previous_source_bits ? source_hash(f, v->previous_source_bits) : f->hash;

	*previous = v->ids[v->slots[slot_of(v, hash)].previous];
	return serves(&f->w->backends[*previous]);
}

/* Rule 1: whether the entry of the flow decides. */
static bool entry_decides(const struct facts *f, const struct oracle_flow *e)
{
	const struct oracle_backend *b = &f->w->backends[e->backend];

	if (!serves(b))
		return false;
	if (!f->is_syn || e->state == ORACLE_CONFIRMED)
		return true;
	return b->state == ORACLE_UP &&
	       !(e->state == ORACLE_CLOSING && (uint16_t)((uint16_t)f->in->now - e->seen) >= 2);
}

/* Rules 2 and 3. */
static void decide_anew(struct facts *f, uint32_t slot, uint32_t owner, bool was_live)
{
	struct oracle_vip *v = f->vip;
	uint32_t previous;
	bool has_previous = find_previous(f, slot, &previous);
	enum oracle_flow_state state = f->is_closing ? ORACLE_CLOSING
				       : f->is_first ? ORACLE_NEW
						     : ORACLE_CONFIRMED;

	if (v->is_learning && !f->is_syn && has_previous)
		f->backend = previous;
	else
		f->backend = f->is_first ? by_algorithm(f, slot, owner) : owner;
	if (f->is_error)
		return;
	if (flow_store(f, f->hash, state, f->backend)) {
		f->r->flows_added = !was_live;
		return;
	}
	f->r->flows_refused = 1;
	f->backend = v->is_learning && has_previous ? previous : owner;
}

static bool quic_config(const struct facts *f, const uint8_t *id, uint32_t room, bool is_long,
			uint32_t long_len)
{
	const struct oracle_vip *v = f->vip;
	const struct oracle_quic *c;

	if (room < 1 || (is_long && long_len < 1))
		return false;
	c = &v->quic[id[0] >> (8 - v->rotation_bits)];
	if (!c->server_id_len || room < c->id_len || (is_long && long_len != c->id_len))
		return false;
	for (uint32_t i = 0; i < f->w->n_servers; i++) {
		const struct oracle_server *s = &f->w->servers[i];

		if (&f->w->vips[s->vip] != v || s->len != c->server_id_len ||
		    memcmp(s->id, id + 1, s->len))
			continue;
		((struct facts *)f)->backend = s->backend;
		return serves(&f->w->backends[s->backend]);
	}
	return false;
}

/* A datagram ends where UDP says, or where the IP packet (or first fragment) does. */
static bool by_quic(struct facts *f)
{
	const uint8_t *l4 = f->in->bytes + f->l4;
	uint32_t len = get16(l4 + 4);

	if (!f->vip->has_quic || f->flow_protocol != UDP || f->is_error)
		return false;
	if (len > f->l4_len)
		len = f->l4_len;
	if (f->l4 + len > f->in->first_len)
		len = f->in->first_len - f->l4;
	len -= 8;
	if (len < 1)
		return false;
	if (!(l4[8] & 0x80))
		return quic_config(f, l4 + 9, len - 1, false, 0);
	return len >= 6 && quic_config(f, l4 + 14, len - 6, true, l4[13]);
}

/* Where the flow's slot is, and whether it is marked as moving. Sets f->owner. */
static uint32_t find_slot(struct facts *f, bool *is_marked)
{
	const struct oracle_vip *v = f->vip;
	uint32_t slot = slot_of(v, v->algorithm == ORACLE_SOURCE ? source_hash(f, v->source_bits)
								 : f->hash);

	*is_marked = v->is_moving && v->slots[slot].is_moving;
	f->owner = v->ids[v->slots[slot].owner];
	return slot;
}

/* The entry of the flow, if it is live. */
static struct oracle_flow *live_entry(const struct facts *f)
{
	struct oracle_flow *e = flow_find(f, f->hash);
	const struct oracle_vip *v = f->vip;

	return e && flow_is_live(e, f->in->now, v->idle_ticks, v->short_ticks) ? e : NULL;
}

/* A flow that goes by its id: where nothing else tells of it. */
static bool has_to_be_noted(struct facts *f)
{
	bool is_marked;

	f->owner = NOBODY;
	if (f->vip->is_empty)
		return true;
	find_slot(f, &is_marked);
	return is_marked || f->owner != f->backend || f->vip->algorithm == ORACLE_ROUND_ROBIN ||
	       f->vip->algorithm == ORACLE_LEAST_CONNECTIONS;
}

static void note(struct facts *f)
{
	struct oracle_flow *e = live_entry(f);

	f->is_by_id = true;
	if (e && e->backend == f->backend)
		flow_go_on(f, e);
	else if (flow_store(f, f->hash, ORACLE_NEW, f->backend))
		f->r->flows_added = !e;
	else
		f->r->notes_refused = 1;
}

/* An error about a flow of a VIP with connection ids: rule 1 before all else. */
static bool error_by_entry(struct facts *f)
{
	struct oracle_flow *e = f->is_error && f->vip->has_quic ? live_entry(f) : NULL;

	if (!e || !entry_decides(f, e))
		return false;
	f->backend = e->backend;
	return true;
}

enum oracle_reason pick(struct facts *f)
{
	struct oracle_vip *v = f->vip;
	bool is_marked;

	f->hash = f->outer_hash = flow_hash(f);
	if (error_by_entry(f))
		return ORACLE_GO_ON;
	if (by_quic(f)) {
		if (has_to_be_noted(f))
			note(f);
		return ORACLE_GO_ON;
	}
	if (v->is_empty)
		return ORACLE_no_backend;
	uint32_t slot = find_slot(f, &is_marked);

	f->backend = f->owner;
	if (v->algorithm < ORACLE_ROUND_ROBIN && !is_marked)
		return ORACLE_GO_ON;
	struct oracle_flow *e = live_entry(f);

	if (!e || !entry_decides(f, e)) {
		decide_anew(f, slot, f->owner, e);
		return ORACLE_GO_ON;
	}
	f->backend = e->backend;
	if (!f->is_error)
		flow_go_on(f, e);
	return ORACLE_GO_ON;
}
