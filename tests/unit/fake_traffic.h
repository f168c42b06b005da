/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data plane's rule for picking a backend, written from the contract and not from bpf/: on fake
 * maps.
 */
#pragma once

#include "fake_maps.h"

enum packet {
	PACKET_SYN,
	PACKET_DATA,
	PACKET_FIN,
};

static inline bool way_is_taken(const struct maps *m, const struct mtlb_flow *f,
				uint32_t idle_ticks, uint32_t short_ticks, uint16_t now)
{
	return mtlb_flow_is_live(f->word, now, idle_ticks, short_ticks) &&
	       fake_is_alive(m, mtlb_flow_word_backend(f->word));
}

static inline struct mtlb_flow *flow_find(const struct maps *m, struct mtlb_flow_bucket *b,
					  const struct mtlb_vip *v, uint64_t hash, uint16_t now)
{
	for (int i = 0; i < MTLB_FLOW_WAYS; i++)
		if (b->ways[i].fingerprint == hash &&
		    mtlb_flow_word_check(b->ways[i].word) == mtlb_hash_check(hash) &&
		    way_is_taken(m, &b->ways[i], v->idle_ticks, v->short_ticks, now))
			return &b->ways[i];
	return NULL;
}

static inline bool has_load(const struct mtlb_flow *f)
{
	uint32_t state = mtlb_flow_word_state(f->word);

	return state == MTLB_FLOW_NEW || state == MTLB_FLOW_CONFIRMED;
}

/* What an entry of the flow, or of another, takes the place of; NULL: the bucket is full. */
static inline struct mtlb_flow *find_victim(const struct maps *m, uint32_t tenant,
					    struct mtlb_flow_bucket *b, uint64_t hash, uint16_t now)
{
	uint32_t idle_ticks = m->tenants[tenant].idle_ticks; /* an entry may be another VIP's */

	for (int i = 0; i < MTLB_FLOW_WAYS; i++)
		if (b->ways[i].fingerprint == hash && b->ways[i].word)
			return &b->ways[i];
	for (int i = 0; i < MTLB_FLOW_WAYS; i++)
		if (!way_is_taken(m, &b->ways[i], idle_ticks, idle_ticks, now))
			return &b->ways[i];
	for (uint32_t lesser = MTLB_FLOW_NEW; lesser <= MTLB_FLOW_CLOSING; lesser += 2)
		for (int i = 0; i < MTLB_FLOW_WAYS; i++)
			if (mtlb_flow_word_state(b->ways[i].word) == lesser)
				return &b->ways[i];
	return NULL;
}

static inline bool flow_remember(const struct maps *m, uint32_t tenant, struct mtlb_flow_bucket *b,
				 uint64_t hash, uint64_t word, uint16_t now)
{
	struct mtlb_flow *victim = find_victim(m, tenant, b, hash, now);

	if (!victim)
		return false;
	if (has_load(victim))
		m->backend_loads[mtlb_flow_word_backend(victim->word)].added--;
	victim->fingerprint = hash;
	victim->word = word;
	if (has_load(victim))
		m->backend_loads[mtlb_flow_word_backend(word)].added++;
	return true;
}

/* What the data plane knows of a packet's VIP and slot. */
struct packet_view {
	const struct mtlb_vip *vip;
	uint64_t word, hash;
	uint32_t owner, previous;
	bool is_marked;        /* and its previous owner serves */
	bool is_new, is_first; /* a SYN; that, or a datagram */
};

static inline uint32_t slot_by(const struct maps *m, uint32_t tenant, const struct mtlb_tuple *t,
			       uint64_t hash, uint8_t source_bits, uint64_t word)
{
	if (source_bits)
		hash = mtlb_source_hash(t, source_bits, m->tenants[tenant].key);
	return mtlb_hash_slot(hash, mtlb_vip_word_log2(word));
}

static inline void view_slot(const struct maps *m, uint32_t tenant, const struct mtlb_tuple *t,
			     struct packet_view *p)
{
	const __u16 *slots = m->rings[mtlb_vip_word_ring(p->word)].slots;
	uint8_t bits = p->vip->algorithm == MTLB_ALGORITHM_SOURCE ? p->vip->source_bits : 0;
	uint32_t slot = slot_by(m, tenant, t, p->hash, bits, p->word);

	p->owner = p->previous = fake_ring_id(m, p->word, slots[slot] & ~MTLB_SLOT_MOVING);
	if (!(p->word & MTLB_VIP_MOVING) || !(slots[slot] & MTLB_SLOT_MOVING))
		return;
	slot = slot_by(m, tenant, t, p->hash, p->vip->previous_source_bits, p->word);
	p->previous = fake_ring_id(m, p->word, slots[(1U << mtlb_vip_word_log2(p->word)) + slot]);
	p->is_marked = fake_is_alive(m, p->previous);
	if (!p->is_marked)
		p->previous = p->owner;
}

static inline uint32_t least_loaded(const struct maps *m, const struct packet_view *p)
{
	uint32_t best = UINT32_MAX;
	uint64_t best_load = 0, best_weight = 1;

	for (uint32_t i = 0; i < p->vip->ids; i++) {
		uint32_t id = fake_ring_id(m, p->word, i);
		const struct mtlb_backend *b = &m->backends[id];
		uint64_t load = mtlb_load(m->backend_loads[id].word, m->backend_loads[id].added);
		uint64_t weight = mtlb_backend_word_weight(b->word);

		if (mtlb_backend_word_state(b->word) != MTLB_BACKEND_UP || b->vip != p->vip->id ||
		    (best != UINT32_MAX && load * best_weight >= best_load * weight))
			continue;
		best = id;
		best_load = load;
		best_weight = weight;
	}
	return best == UINT32_MAX ? p->owner : best;
}

static inline uint32_t by_algorithm(const struct maps *m, const struct packet_view *p)
{
	if (!p->is_first || p->vip->algorithm < MTLB_ALGORITHM_ROUND_ROBIN)
		return p->owner;
	if (p->vip->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS)
		return least_loaded(m, p);
	uint32_t slots = 1U << mtlb_vip_word_log2(p->word);
	uint32_t slot = m->turns[p->vip->id]++ & (slots - 1);

	return fake_ring_id(m, p->word,
			    m->rings[mtlb_vip_word_ring(p->word)].slots[slot] & ~MTLB_SLOT_MOVING);
}

static inline uint64_t entry_word(const struct packet_view *p, uint32_t backend, uint32_t state,
				  uint16_t now)
{
	bool is_home = p->vip->algorithm == MTLB_ALGORITHM_SOURCE && backend == p->owner;

	return mtlb_flow_word(p->hash, backend, state, now) | (is_home ? MTLB_FLOW_HOME : 0);
}

static inline uint32_t follow(const struct maps *m, const struct packet_view *v,
			      struct mtlb_flow *f, enum packet p, uint16_t now)
{
	uint32_t state = mtlb_flow_word_state(f->word), backend = mtlb_flow_word_backend(f->word);
	bool had_load = has_load(f);

	if (p == PACKET_FIN)
		state = MTLB_FLOW_CLOSING;
	else if (state == MTLB_FLOW_CLOSING && p == PACKET_SYN)
		state = MTLB_FLOW_NEW; /* the port is used again */
	else if (state == MTLB_FLOW_NEW && p != PACKET_SYN)
		state = MTLB_FLOW_CONFIRMED;
	f->word = entry_word(v, backend, state, now);
	m->backend_loads[backend].added += has_load(f) - had_load;
	return backend;
}

static inline bool binds(const struct maps *m, const struct mtlb_flow *f, enum packet p,
			 uint16_t now)
{
	uint32_t state = mtlb_flow_word_state(f->word);
	const struct mtlb_backend *b = &m->backends[mtlb_flow_word_backend(f->word)];

	if (p != PACKET_SYN || state == MTLB_FLOW_CONFIRMED)
		return true;
	return mtlb_backend_word_state(b->word) == MTLB_BACKEND_UP &&
	       (state == MTLB_FLOW_NEW || (uint16_t)(now - mtlb_flow_word_seen(f->word)) < 2);
}

static inline uint32_t decide(struct fake *fake, uint32_t tenant, const struct packet_view *v,
			      struct mtlb_flow_bucket *bucket, enum packet p, uint16_t now)
{
	const struct maps *m = &fake->maps;
	bool learns = v->word & MTLB_VIP_LEARNING;
	uint32_t to = learns && v->is_marked && !v->is_new ? v->previous : by_algorithm(m, v);
	uint32_t state = p == PACKET_FIN ? MTLB_FLOW_CLOSING
			 : v->is_first   ? MTLB_FLOW_NEW
					 : MTLB_FLOW_CONFIRMED;

	if (flow_remember(m, tenant, bucket, v->hash, entry_word(v, to, state, now), now))
		return to;
	fake->refused[tenant].flows++;
	/* where its next packet goes as well, if that is not remembered either, or is */
	return learns ? v->previous : v->owner;
}

/* Does the table decide about the packet's flow, once its slot is known. */
static inline bool uses_table(const struct maps *m, uint32_t tenant, const struct mtlb_tuple *t,
			      const struct packet_view *v)
{
	const __u16 *slots = m->rings[mtlb_vip_word_ring(v->word)].slots;
	uint8_t bits = v->vip->algorithm == MTLB_ALGORITHM_SOURCE ? v->vip->source_bits : 0;

	return v->vip->algorithm >= MTLB_ALGORITHM_ROUND_ROBIN ||
	       (v->word & MTLB_VIP_MOVING &&
		slots[slot_by(m, tenant, t, v->hash, bits, v->word)] & MTLB_SLOT_MOVING);
}

/* The backend's id, or UINT32_MAX where the packet is not forwarded. */
static inline uint32_t pick(struct fake *fake, uint32_t tenant, const struct mtlb_tuple *t,
			    enum packet p, uint16_t now)
{
	const struct maps *m = &fake->maps;
	bool is_udp = t->protocol == IPPROTO_UDP;
	struct packet_view v = {.is_new = p == PACKET_SYN, .is_first = p == PACKET_SYN || is_udp};
	struct mtlb_flow_bucket *bucket;
	struct mtlb_flow *known;

	v.vip = fake_find(m, tenant, (const uint8_t *)t->destination, t->destination_port,
			  t->protocol);
	if (!v.vip || v.vip->word & MTLB_VIP_EMPTY)
		return UINT32_MAX;
	v.word = v.vip->word;
	v.hash = mtlb_flow_hash(t, m->tenants[tenant].key);
	view_slot(m, tenant, t, &v);
	if (!uses_table(m, tenant, t, &v))
		return v.owner;
	bucket = &m->flows[mtlb_flow_range_bucket(m->tenants[tenant].flows, v.hash)];
	known = flow_find(m, bucket, v.vip, v.hash, now);
	if (known && binds(m, known, p, now))
		return follow(m, &v, known, p, now);
	return decide(fake, tenant, &v, bucket, p, now);
}

/* A datagram whose connection id names a server of 2 bytes. */
static inline uint32_t pick_by_id(struct fake *fake, uint32_t tenant, const struct mtlb_tuple *t,
				  const uint8_t server[2], uint16_t now)
{
	const struct maps *m = &fake->maps;
	struct packet_view v = {.vip = fake_find(m, tenant, (const uint8_t *)t->destination,
						 t->destination_port, t->protocol)};
	uint32_t backend = v.vip ? fake_server(m, tenant, v.vip->id, server, 2) : UINT32_MAX;
	struct mtlb_flow_bucket *bucket;
	struct mtlb_flow *known;

	if (backend == UINT32_MAX || !(v.vip->flags & MTLB_VIP_QUIC) || !fake_is_alive(m, backend))
		return pick(fake, tenant, t, PACKET_DATA, now);
	v.word = v.vip->word;
	v.hash = mtlb_flow_hash(t, m->tenants[tenant].key);
	v.owner = UINT32_MAX;
	if (!(v.word & MTLB_VIP_EMPTY)) {
		view_slot(m, tenant, t, &v);
		if (v.owner == backend && !uses_table(m, tenant, t, &v))
			return backend;
	}
	bucket = &m->flows[mtlb_flow_range_bucket(m->tenants[tenant].flows, v.hash)];
	known = flow_find(m, bucket, v.vip, v.hash, now);
	if (known && mtlb_flow_word_backend(known->word) == backend) {
		follow(m, &v, known, PACKET_DATA, now);
		known->word |= MTLB_FLOW_BY_ID;
	} else if (!flow_remember(m, tenant, bucket, v.hash,
				  entry_word(&v, backend, MTLB_FLOW_NEW, now) | MTLB_FLOW_BY_ID,
				  now)) {
		fake->refused[tenant].notes++;
	}
	return backend;
}
