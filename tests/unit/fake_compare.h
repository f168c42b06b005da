/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Do two sets of maps do the same, whatever ids and places they use. */
#pragma once

#include "fake_maps.h"

static inline uint32_t slot_of(const struct maps *m, const char *tenant)
{
	for (uint32_t t = 1; t < m->limits.tenants; t++)
		if (!strcmp(m->tenant_info[t].name, tenant))
			return t;
	return 0;
}

static inline bool same_backend(const struct maps *a, uint32_t x, const struct maps *b, uint32_t y)
{
	const struct mtlb_backend *p = &a->backends[x], *q = &b->backends[y];

	return !strcmp(a->backend_info[x].name, b->backend_info[y].name) &&
	       !memcmp(a->backend_info[x].address, b->backend_info[y].address, 16) &&
	       a->backend_info[x].weight == b->backend_info[y].weight &&
	       mtlb_backend_word_state(p->word) == mtlb_backend_word_state(q->word) &&
	       !memcmp(mtlb_backend_word_variant(p->word) ? &p->encap1 : &p->encap0,
		       mtlb_backend_word_variant(q->word) ? &q->encap1 : &q->encap0,
		       sizeof(p->encap0));
}

static inline bool same_ring(const struct maps *a, uint64_t v, const struct maps *b, uint64_t w)
{
	uint32_t log2 = mtlb_vip_word_log2(v);

	if (log2 != mtlb_vip_word_log2(w) || v >> 37 != w >> 37)
		return false;
	if (v & MTLB_VIP_EMPTY)
		return true;
	const __u16 *s = a->rings[mtlb_vip_word_ring(v)].slots;
	const __u16 *t = b->rings[mtlb_vip_word_ring(w)].slots;

	for (uint32_t i = 0; i < 1U << log2; i++)
		if (s[i] & MTLB_SLOT_MOVING || t[i] & MTLB_SLOT_MOVING ||
		    !same_backend(a, fake_ring_id(a, v, s[i]), b, fake_ring_id(b, w, t[i])))
			return false;
	return true;
}

static inline uint32_t count_entries(const struct maps *m, uint32_t t)
{
	uint32_t n = 0;

	for (uint32_t e = 0; e < m->tables[t].n; e++)
		n += m->tables[t].entries[e].kind != MTLB_ENTRY_EMPTY;
	return n;
}

static inline bool same_entry(const struct maps *a, uint32_t ta, const struct maps *b, uint32_t tb,
			      const uint8_t address[16], __be16 port, uint8_t protocol)
{
	const struct mtlb_vip *v = fake_find(a, ta, address, port, protocol);
	const struct mtlb_vip *w = fake_find(b, tb, address, port, protocol);

	if (!v || !w)
		return v == w;
	return v->kind == w->kind && v->idle_ticks == w->idle_ticks &&
	       v->short_ticks == w->short_ticks &&
	       (v->kind != MTLB_ENTRY_VIP ||
		(!strcmp(a->vip_info[v->id].name, b->vip_info[w->id].name) &&
		 same_ring(a, v->word, b, w->word)));
}

static inline bool same_tenant(const struct maps *a, const struct maps *b,
			       const struct model_tenant *t)
{
	uint32_t x = slot_of(a, t->name), y = slot_of(b, t->name);

	if (!x || !y || count_entries(a, x) != count_entries(b, y) ||
	    memcmp(a->tenants[x].key, b->tenants[y].key, sizeof(a->tenants[x].key)) ||
	    a->tenants[x].flows >> 32 != b->tenants[y].flows >> 32 ||
	    a->tenants[x].idle_ticks != b->tenants[y].idle_ticks)
		return false;
	for (size_t v = 0; v < t->n_vips; v++) {
		const uint8_t *address = t->vips[v].address.bytes;

		if (!same_entry(a, x, b, y, address, htons(t->vips[v].port), t->vips[v].protocol) ||
		    !same_entry(a, x, b, y, address, 0, 0))
			return false;
		const struct mtlb_vip *p = fake_find(a, 0, address, 0, 0);
		const struct mtlb_vip *q = fake_find(b, 0, address, 0, 0);

		if (!p != !q ||
		    (p && strcmp(a->tenant_info[p->id].name, b->tenant_info[q->id].name)))
			return false;
	}
	return true;
}

static inline bool same_segments(const struct maps *a, const struct maps *b, const struct model *m)
{
	uint32_t live[2] = {0};

	for (uint32_t s = 0; s < a->limits.segments; s++) {
		live[0] += a->segments[s].state == MTLB_SEGMENT_LIVE;
		live[1] += b->segments[s].state == MTLB_SEGMENT_LIVE;
	}
	if (live[0] != live[1])
		return false;
	for (size_t s = 0; s < m->n_segments; s++) {
		const struct mtlb_segment *p = fake_segment(a, 2, m->segments[s].vlan);
		const struct mtlb_segment *q = fake_segment(b, 2, m->segments[s].vlan);

		if (!p != !q ||
		    (p && (p->l2_len != q->l2_len || memcmp(p->l2, q->l2, 24) ||
			   strcmp(a->tenant_info[p->tenant].name, b->tenant_info[q->tenant].name))))
			return false;
	}
	return true;
}

static inline uint32_t count_used(const struct maps *m)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < m->limits.tenants; t++)
		n += m->tenant_info[t].name[0] != 0;
	for (uint32_t v = 0; v < m->limits.vips; v++)
		n += m->vip_info[v].name[0] != 0;
	for (uint32_t k = 0; k < m->limits.backends; k++)
		n += (m->backend_info[k].name[0] != 0) + (m->backends[k].word != 0);
	return n;
}

/* After n has settled: as a fresh start with the same model. */
static inline bool is_like_fresh(const struct node *n)
{
	struct node fresh;
	bool same;

	node_init(&fresh, &n->fake->maps.limits);
	model_free(fresh.model);
	fresh.model = model_copy(n->model);
	fresh.is_healthy = n->is_healthy;
	fresh.ctx = n->ctx;
	CU_ASSERT_EQUAL_FATAL(node_change(&fresh), 0);
	const struct maps *a = &n->fake->maps, *b = &fresh.fake->maps;

	/* backends' words: variants may differ, so states are counted by name above */
	same = count_entries(a, 0) == count_entries(b, 0) && count_used(a) == count_used(b) &&
	       same_segments(a, b, n->model);
	for (size_t t = 0; t < n->model->n_tenants; t++)
		same = same && same_tenant(a, b, &n->model->tenants[t]);
	node_free(&fresh);
	return same;
}
