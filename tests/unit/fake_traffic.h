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

static inline bool flow_remember(const struct maps *m, uint32_t tenant, struct mtlb_flow_bucket *b,
				 uint64_t hash, uint32_t backend, uint32_t state, uint16_t now)
{
	uint32_t idle_ticks = m->tenants[tenant].idle_ticks; /* an entry may be another VIP's */
	struct mtlb_flow *victim = NULL;

	for (int i = 0; i < MTLB_FLOW_WAYS && !victim; i++)
		if (b->ways[i].fingerprint == hash && b->ways[i].word)
			victim = &b->ways[i];
	for (int i = 0; i < MTLB_FLOW_WAYS && !victim; i++)
		if (!way_is_taken(m, &b->ways[i], idle_ticks, idle_ticks, now))
			victim = &b->ways[i];
	for (uint32_t lesser = MTLB_FLOW_NEW; lesser <= MTLB_FLOW_CLOSING; lesser += 2)
		for (int i = 0; i < MTLB_FLOW_WAYS && !victim; i++)
			if (mtlb_flow_word_state(b->ways[i].word) == lesser)
				victim = &b->ways[i];
	if (!victim)
		return false;
	victim->fingerprint = hash;
	victim->word = mtlb_flow_word(hash, backend, state, now);
	return true;
}

static inline uint32_t follow(struct mtlb_flow *f, uint64_t hash, enum packet p, uint16_t now)
{
	uint32_t state = mtlb_flow_word_state(f->word);

	if (p == PACKET_FIN)
		state = MTLB_FLOW_CLOSING;
	else if (state == MTLB_FLOW_CLOSING && p == PACKET_SYN)
		state = MTLB_FLOW_NEW; /* the port is used again */
	else if (state == MTLB_FLOW_NEW && p != PACKET_SYN)
		state = MTLB_FLOW_CONFIRMED;
	f->word = mtlb_flow_word(hash, mtlb_flow_word_backend(f->word), state, now);
	return mtlb_flow_word_backend(f->word);
}

/* The backend's id, or UINT32_MAX where the packet is not forwarded. */
static inline uint32_t pick(struct fake *fake, uint32_t tenant, const struct mtlb_tuple *t,
			    enum packet p, uint16_t now)
{
	const struct maps *m = &fake->maps;
	const struct mtlb_vip *v = fake_find(m, tenant, (const uint8_t *)t->destination,
					     t->destination_port, t->protocol);

	if (!v || v->word & MTLB_VIP_EMPTY)
		return UINT32_MAX;
	const struct mtlb_tenant *owner_of = &m->tenants[tenant];
	uint64_t hash = mtlb_flow_hash(t, owner_of->key);
	uint32_t log2 = mtlb_vip_word_log2(v->word), slot = mtlb_hash_slot(hash, log2);
	const __u16 *slots = m->rings[mtlb_vip_word_ring(v->word)].slots;
	uint32_t owner = fake_ring_id(m, v->word, slots[slot] & ~MTLB_SLOT_MOVING);

	if (!(v->word & MTLB_VIP_MOVING) || !(slots[slot] & MTLB_SLOT_MOVING))
		return owner;
	uint32_t previous = fake_ring_id(m, v->word, slots[(1U << log2) + slot]);
	struct mtlb_flow_bucket *bucket =
		&m->flows[mtlb_flow_range_bucket(owner_of->flows, hash)];
	struct mtlb_flow *known = flow_find(m, bucket, v, hash, now);

	if (known) {
		uint32_t backend = mtlb_flow_word_backend(known->word);

		if (p != PACKET_SYN || mtlb_flow_word_state(known->word) == MTLB_FLOW_CONFIRMED ||
		    (mtlb_backend_word_state(m->backends[backend].word) == MTLB_BACKEND_UP &&
		     (mtlb_flow_word_state(known->word) == MTLB_FLOW_NEW ||
		      (uint16_t)(now - mtlb_flow_word_seen(known->word)) < 2)))
			return follow(known, hash, p, now);
	}
	bool is_new = p == PACKET_SYN, is_udp = t->protocol == IPPROTO_UDP;
	bool stays =
		v->word & MTLB_VIP_LEARNING && (is_udp || !is_new) && fake_is_alive(m, previous);
	uint32_t to = stays ? previous : owner;
	uint32_t state = is_new || is_udp ? MTLB_FLOW_NEW : MTLB_FLOW_CONFIRMED;

	if (flow_remember(m, tenant, bucket, hash, to, state, now))
		return to;
	fake->refused[tenant]++;
	/* where its next packet goes as well, if that is not remembered either, or is */
	return v->word & MTLB_VIP_LEARNING && fake_is_alive(m, previous) ? previous : owner;
}
