/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sections 5 (the flow table), 7 (fragments) and 9 (numbers) of docs/packets.md. */
#include <string.h>

#include "fuzz/oracle_parts.h"

static uint64_t nh(uint32_t a, uint32_t b, const uint32_t *k)
{
	return (uint64_t)(uint32_t)(a + k[0]) * (uint64_t)(uint32_t)(b + k[1]);
}

uint64_t oracle_hash(const uint8_t *source, const uint8_t *destination, uint32_t ports,
		     uint32_t protocol, const uint32_t *key)
{
	uint32_t s[4], d[4];

	memcpy(s, source, 16);
	memcpy(d, destination, 16);
	uint64_t x = nh(s[0], s[1], key) + nh(s[2], s[3], key + 2) + nh(d[0], d[1], key + 4) +
		     nh(d[2], d[3], key + 6) + nh(ports, protocol, key + 8);

	x ^= (uint64_t)key[11] << 32 | key[10];
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93;
	x ^= x >> 32;
	return x;
}

static struct oracle_flow *bucket(const struct facts *f, uint64_t hash)
{
	return f->w->flows[f->tenant->first_bucket + hash % f->tenant->buckets];
}

struct oracle_flow *flow_find(const struct facts *f, uint64_t hash)
{
	struct oracle_flow *ways = bucket(f, hash);

	for (uint32_t i = 0; i < ORACLE_WAYS; i++)
		if (ways[i].state != ORACLE_FREE && ways[i].hash == hash)
			return &ways[i];
	return NULL;
}

static uint16_t age(const struct oracle_flow *e, uint64_t now)
{
	return (uint16_t)((uint16_t)now - e->seen);
}

bool flow_is_live(const struct oracle_flow *e, uint64_t now, uint32_t idle_ticks,
		  uint32_t short_ticks)
{
	if (e->state == ORACLE_FREE)
		return false;
	if (e->state == ORACLE_FRAGMENT)
		return age(e, now) <= 30;
	return age(e, now) <= (e->state == ORACLE_CONFIRMED ? idle_ticks : short_ticks);
}

/* Whether e, of another flow, is in class c of those that give way. Its VIP's timeouts are not known: the tenant's longest counts. */
static bool gives_way(const struct facts *f, const struct oracle_flow *e, uint32_t c)
{
	bool is_live = flow_is_live(e, f->in->now, f->tenant->idle_ticks, f->tenant->idle_ticks);

	switch (c) {
	case 0:
		return e->state == ORACLE_FREE;
	case 1:
		return e->state != ORACLE_FREE && !is_live;
	case 2:
		return is_live && (e->state == ORACLE_NEW || e->state == ORACLE_FRAGMENT);
	default:
		return is_live && e->state == ORACLE_CLOSING;
	}
}

static struct oracle_flow *find_victim(const struct facts *f, uint64_t hash)
{
	struct oracle_flow *ways = bucket(f, hash), *victim = flow_find(f, hash);

	for (uint32_t c = 0; c < 4 && !victim; c++)
		for (uint32_t i = 0; i < ORACLE_WAYS; i++) {
			if (!gives_way(f, &ways[i], c))
				continue;
			if (!victim ||
			    (c >= 2 && age(&ways[i], f->in->now) > age(victim, f->in->now)))
				victim = &ways[i];
		}
	return victim;
}

static bool is_home(const struct facts *f, uint32_t backend)
{
	return f->vip->algorithm == ORACLE_SOURCE && backend == f->owner;
}

bool flow_store(struct facts *f, uint64_t hash, enum oracle_flow_state state, uint32_t backend)
{
	struct oracle_flow *victim = find_victim(f, hash);

	if (!victim)
		return false;
	bool is_own = victim->state && victim->hash == hash;
	uint32_t idle = is_own ? f->vip->idle_ticks : f->tenant->idle_ticks;
	uint32_t shorter = is_own ? f->vip->short_ticks : f->tenant->idle_ticks;

	if ((victim->state == ORACLE_NEW || victim->state == ORACLE_CONFIRMED) &&
	    flow_is_live(victim, f->in->now, idle, shorter))
		f->w->backends[victim->backend].load--;
	if (state == ORACLE_NEW || state == ORACLE_CONFIRMED)
		f->w->backends[backend].load++;
	*victim = (struct oracle_flow){.state = state,
				       .hash = hash,
				       .backend = backend,
				       .seen = (uint16_t)f->in->now,
				       .is_home = state != ORACLE_FRAGMENT && is_home(f, backend),
				       .is_by_id = state != ORACLE_FRAGMENT && f->is_by_id};
	return true;
}

void flow_go_on(struct facts *f, struct oracle_flow *e)
{
	int32_t *load = &f->w->backends[e->backend].load;

	if (f->is_closing) {
		*load -= e->state != ORACLE_CLOSING;
		e->state = ORACLE_CLOSING;
	} else if (f->is_syn) {
		*load += e->state == ORACLE_CLOSING;
		if (e->state != ORACLE_CONFIRMED)
			e->state = ORACLE_NEW;
	} else if (e->state == ORACLE_NEW) {
		e->state = ORACLE_CONFIRMED;
	}
	e->seen = (uint16_t)f->in->now;
	e->is_home = is_home(f, e->backend);
	e->is_by_id = f->is_by_id;
}

static uint64_t fragment_hash(const struct facts *f)
{
	return oracle_hash(f->source, f->destination, f->fragment_id,
			   65536 + (f->is_v6 ? 0 : f->protocol), f->tenant->key);
}

void remember_fragment(struct facts *f)
{
	f->outer_hash = fragment_hash(f);
	flow_store(f, f->outer_hash, ORACLE_FRAGMENT, f->backend);
}

enum oracle_reason later_fragment(struct facts *f)
{
	if (!is_known_l4(f->protocol) && !(f->is_v6 && is_ip6_header(f->protocol)))
		return ORACLE_other_protocol;
	if (!f->is_v6 && f->protocol == TCP && f->fragment_offset == 1)
		return ORACLE_fragment;
	f->outer_hash = fragment_hash(f);
	struct oracle_flow *e = flow_find(f, f->outer_hash);

	if (!e || !flow_is_live(e, f->in->now, 0, 0) || !serves(&f->w->backends[e->backend]))
		return ORACLE_fragment_unknown;
	e->seen = (uint16_t)f->in->now;
	f->backend = e->backend;
	enum oracle_reason reason = encapsulate(f);

	return reason ? reason : ORACLE_forwarded;
}
