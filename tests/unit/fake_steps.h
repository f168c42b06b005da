/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes taken apart: packets, failures and death anywhere in them. */
#pragma once

#include "core/steps.h"
#include "fake_maps.h"

/* n of the steps, one by one, and after each what runs in between. */
static inline void run_singly(struct fake *f, const struct steps *s, size_t n,
			      void (*between)(void *ctx), void *ctx)
{
	struct report r = {0};

	for (size_t i = 0; i < n; i++) {
		struct steps one = *s;

		one.list = s->list + i;
		one.n = 1;
		CU_ASSERT_EQUAL(steps_apply(&one, &f->maps, &r), 0);
		between(ctx);
	}
	report_clear(&r);
}

/* Operations that may fail before traffic sees the change. */
static inline uint32_t count_ops_unseen(const struct steps *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		switch (s->list[i].kind) {
		case STEP_ZERO_STATS:
		case STEP_GRACE:
		case STEP_BRIDGE:
			n++;
			break;
		case STEP_SWAP_TABLES:
			return n + 1;
		case STEP_VIP_WORD:
			return n;
		default:
			break;
		}
	return n;
}

/* ---- does what packets may read name only what is there, at any moment of a change ---- */
static inline bool is_backend_of(const struct maps *m, uint32_t backend, uint32_t vip)
{
	const struct mtlb_backend *b = &m->backends[backend];

	return backend < m->limits.backends &&
	       mtlb_backend_word_state(b->word) != MTLB_BACKEND_FREE && b->vip == vip;
}

static inline bool is_index_of(const struct maps *m, const struct mtlb_vip *v, uint32_t index)
{
	return index / 2 < mtlb_vip_word_ring(v->word) &&
	       is_backend_of(m, fake_ring_id(m, v->word, index), v->id);
}

static inline bool is_vip_sound(const struct maps *m, const struct mtlb_vip *v)
{
	uint32_t slots = 1U << mtlb_vip_word_log2(v->word);
	const __u16 *s = m->rings[mtlb_vip_word_ring(v->word)].slots;

	if (v->word & MTLB_VIP_EMPTY)
		return true;
	for (uint32_t i = 0; i < slots; i++) {
		bool marked = s[i] & MTLB_SLOT_MOVING && v->word & MTLB_VIP_MOVING;

		if (!is_index_of(m, v, s[i] & ~MTLB_SLOT_MOVING) ||
		    (marked && !is_index_of(m, v, s[slots + i])))
			return false;
	}
	for (uint32_t i = 0; i < v->ids; i++)
		if (!is_index_of(m, v, i))
			return false;
	return true;
}

static inline bool is_table_sound(const struct maps *m, uint32_t tenant)
{
	const struct maps_table *t = &m->tables[tenant];

	for (uint32_t e = 0; e < t->n; e++) {
		const struct mtlb_vip *v = &t->entries[e];
		const struct mtlb_server *server = (const void *)v;

		if (v->kind == MTLB_ENTRY_SERVER
			    ? !is_backend_of(m, server->backend,
					     server->vip_low | (uint32_t)server->vip_high << 16)
		    : v->kind == MTLB_ENTRY_VIP || v->kind == MTLB_ENTRY_RANGE
			    ? !is_vip_sound(m, v) || m->vip_info[v->id].tenant != tenant
			    : false)
			return false;
	}
	return true;
}

static inline bool are_maps_sound(const struct maps *m)
{
	static const struct mtlb_tenant none;

	for (uint32_t t = 0; t < m->limits.tenants; t++)
		if (!is_table_sound(m, t))
			return false;
	for (uint32_t s = 0; s < m->limits.segments; s++) {
		uint32_t tenant = m->segments[s].tenant;

		if (m->segments[s].state == MTLB_SEGMENT_LIVE && tenant &&
		    (!m->tables[tenant].entries ||
		     !memcmp(m->tenants[tenant].key, none.key, sizeof(none.key))))
			return false;
	}
	return true;
}
