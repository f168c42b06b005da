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
	       mtlb_backend_word_weight(p->word) == a->backend_info[x].weight &&
	       p->vip == a->backend_info[x].vip &&
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

static inline bool same_list(const struct maps *a, const struct mtlb_vip *v, const struct maps *b,
			     const struct mtlb_vip *w)
{
	if (v->ids != w->ids)
		return false;
	for (uint32_t i = 0; i < v->ids; i++)
		if (!same_backend(a, fake_ring_id(a, v->word, i), b, fake_ring_id(b, w->word, i)))
			return false;
	return true;
}

static inline bool same_vip(const struct maps *a, const struct mtlb_vip *v, const struct maps *b,
			    const struct mtlb_vip *w)
{
	if (!v || !w)
		return v == w;
	return v->kind == w->kind && v->idle_ticks == w->idle_ticks &&
	       v->short_ticks == w->short_ticks && v->algorithm == w->algorithm &&
	       v->source_bits == w->source_bits &&
	       v->previous_source_bits == w->previous_source_bits && v->flags == w->flags &&
	       v->quic_shift == w->quic_shift && !memcmp(v->quic, w->quic, sizeof(v->quic)) &&
	       !strcmp(a->vip_info[v->id].name, b->vip_info[w->id].name) &&
	       a->vip_info[v->id].last_port == b->vip_info[w->id].last_port &&
	       same_ring(a, v->word, b, w->word) && same_list(a, v, b, w);
}

/* Address and ranges. */
static inline bool same_place(const struct maps *a, uint32_t x, const struct maps *b, uint32_t y,
			      const struct model_vip *v)
{
	const struct mtlb_vip *p = fake_find(a, x, v->address.bytes, 0, 0);
	const struct mtlb_vip *q = fake_find(b, y, v->address.bytes, 0, 0);
	const struct mtlb_ranges *r =
		(const void *)fake_entry(a, x, v->address.bytes, 0, v->protocol, MTLB_ENTRY_RANGES);
	const struct mtlb_ranges *t =
		(const void *)fake_entry(b, y, v->address.bytes, 0, v->protocol, MTLB_ENTRY_RANGES);

	if (!p != !q || !r != !t)
		return false;
	return (!p || p->flags == q->flags) &&
	       (!r || (r->n == t->n && !memcmp(r->ranges, t->ranges, sizeof(r->ranges))));
}

static inline bool same_servers(const struct maps *a, uint32_t x, const struct maps *b, uint32_t y,
				const struct model_vip *v)
{
	const struct mtlb_vip *p = fake_find(a, x, v->address.bytes, htons(v->port), v->protocol);
	const struct mtlb_vip *q = fake_find(b, y, v->address.bytes, htons(v->port), v->protocol);

	if (!p || !q)
		return p == q;
	for (size_t k = 0; k < v->n_backends; k++)
		for (size_t s = 0; s < v->backends[k].n_server_ids; s++) {
			const struct model_server_id *id = &v->backends[k].server_ids[s];
			uint32_t i = fake_server(a, x, p->id, id->bytes, id->len);
			uint32_t j = fake_server(b, y, q->id, id->bytes, id->len);

			if ((i == UINT32_MAX) != (j == UINT32_MAX) ||
			    (i == UINT32_MAX) != !v->quic.n_configs ||
			    (i != UINT32_MAX && !same_backend(a, i, b, j)))
				return false;
		}
	return true;
}

static inline bool keeps_range(const struct model_tenant *t)
{
	for (size_t v = 0; v < t->n_vips; v++)
		if (t->vips[v].algorithm >= MTLB_ALGORITHM_ROUND_ROBIN)
			return true;
	return false;
}

static inline bool same_record(const struct mtlb_tenant *a, const struct mtlb_tenant *b,
			       bool may_be_larger)
{
	return !memcmp(a->key, b->key, sizeof(a->key)) && a->idle_ticks == b->idle_ticks &&
	       a->answers == b->answers && a->flags == b->flags &&
	       (may_be_larger ? a->flows >> 32 >= b->flows >> 32
			      : a->flows >> 32 == b->flows >> 32);
}

static inline bool same_tenant(const struct maps *a, const struct maps *b,
			       const struct model_tenant *t)
{
	uint32_t x = slot_of(a, t->name), y = slot_of(b, t->name);

	if (!x || !y || count_entries(a, x) != count_entries(b, y) ||
	    !same_record(&a->tenants[x], &b->tenants[y], keeps_range(t)))
		return false;
	for (size_t v = 0; v < t->n_vips; v++) {
		const uint8_t *address = t->vips[v].address.bytes;
		__be16 port = htons(t->vips[v].port);
		uint8_t protocol = t->vips[v].protocol;

		if (!same_vip(a, fake_find(a, x, address, port, protocol), b,
			      fake_find(b, y, address, port, protocol)) ||
		    !same_place(a, x, b, y, &t->vips[v]) || !same_servers(a, x, b, y, &t->vips[v]))
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
