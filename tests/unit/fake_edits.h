/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Random edits of a model: what an operator may do to tenants, VIPs, backends and segments. */
#pragma once

#include "fake_maps.h"

struct edits {
	struct node node;
	uint64_t random;
	uint32_t next; /* numbers names and addresses */
};

static inline uint32_t draw(struct edits *e, uint32_t below)
{
	e->random = e->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (e->random >> 33) % below;
}

/* ---- random edits ---- */
static inline void edit_backend(struct edits *e, struct model_vip *v)
{
	struct model_backend *b = v->n_backends ? &v->backends[draw(e, v->n_backends)] : NULL;

	switch (b ? draw(e, 6) : 0) {
	case 0:
	case 1:
		if (v->n_backends < 6)
			add_backend(v, e->next++ % 60000);
		break;
	case 2:
		vip_remove_backend(v, b);
		break;
	case 3:
		b->weight = 1 + draw(e, 300);
		break;
	case 4:
		b->state = draw(e, 3);
		break;
	default:
		b->address = address_of(11, e->next++);
	}
}

static inline void add_numbered_vip(struct edits *e, struct model_tenant *t, uint32_t backends)
{
	uint32_t i = e->next++;

	struct model_vip *v = add_vip(t, i % 60, backends);

	v->port = v->last_port = 1024 + 4 * i;
}

static inline void add_server_id(struct edits *e, struct model_backend *b)
{
	uint32_t i = e->next++;

	b->n_server_ids = draw(e, 3);
	for (size_t k = 0; k < b->n_server_ids; k++)
		b->server_ids[k] = (struct model_server_id){2 + k, {i, i >> 8}};
}

static inline void edit_quic(struct edits *e, struct model_vip *v)
{
	free(v->quic.configs);
	v->quic = (struct model_quic){.rotation_bits = 3};
	if (!draw(e, 3))
		return;
	v->quic.n_configs = 1 + draw(e, 2);
	v->quic.configs = calloc(v->quic.n_configs, sizeof(*v->quic.configs));
	for (size_t k = 0; k < v->quic.n_configs; k++)
		v->quic.configs[k] = (struct model_quic_config){
			.rotation = 3 * k, .server_id_length = 2 + k, .nonce_length = 4};
}

static inline void edit_service(struct edits *e, struct model_vip *v)
{
	switch (draw(e, 5)) {
	case 0:
		v->last_port = v->port + draw(e, 4);
		break;
	case 1:
		v->echo = !v->echo;
		break;
	case 2:
		edit_quic(e, v);
		break;
	case 3:
		if (v->n_backends)
			add_server_id(e, &v->backends[draw(e, v->n_backends)]);
		break;
	default:
		v->algorithm = draw(e, 4);
		v->source_prefix = v->algorithm == MTLB_ALGORITHM_SOURCE ? draw(e, 33) : 0;
	}
}

static inline void edit_vip(struct edits *e, struct model_tenant *t)
{
	struct model_vip *v = t->n_vips ? &t->vips[draw(e, t->n_vips)] : NULL;

	switch (v ? draw(e, 13) : 0) {
	case 0:
		if (t->n_vips < 5)
			add_numbered_vip(e, t, draw(e, 4));
		break;
	case 1:
		tenant_remove_vip(t, v);
		break;
	case 2:
		v->port = v->last_port = 1024 + 4 * e->next++;
		break;
	case 3:
		v->idle_timeout_s = 30 + draw(e, 100);
		break;
	case 4:
		v->ring_size = draw(e, 2) ? 0 : 16U << draw(e, 6);
		break;
	case 5:
		v->encap.kind =
			v->encap.kind == MTLB_ENCAP_IPIP ? MTLB_ENCAP_VXLAN : MTLB_ENCAP_IPIP;
		break;
	case 6:
	case 7:
	case 8:
		edit_service(e, v);
		break;
	default:
		edit_backend(e, v);
	}
}

static inline void edit_segment(struct edits *e)
{
	struct model *m = e->node.model;
	struct model_segment *s = m->n_segments ? &m->segments[draw(e, m->n_segments)] : NULL;

	if (s && draw(e, 2)) {
		model_remove_segment(m, s);
	} else if (m->n_segments < 10) {
		const struct model_tenant *t = &m->tenants[draw(e, m->n_tenants)];

		s = add_segment(m, 1 + e->next++ % 4000, draw(e, 2) ? t->name : "");
		s->next_hop_set = draw(e, 2);
		s->next_hop = (struct mac){{2, 1}};
	}
}

/* Names and addresses collide only within what the checks before would refuse. */
static inline void remove_doubles(struct model *m)
{
	for (size_t t = 0; t < m->n_tenants; t++)
		for (size_t v = 0; v < m->tenants[t].n_vips; v++)
			for (size_t u = 0; u < t + 1; u++)
				for (size_t w = 0; w < m->tenants[u].n_vips; w++) {
					struct model_vip *a = &m->tenants[t].vips[v];
					struct model_vip *b = &m->tenants[u].vips[w];

					if (a == b)
						continue;
					if (t != u && !memcmp(&a->address, &b->address, 16))
						a->address = address_of(204 + t, a->port);
					if (t == u && !strcmp(a->name, b->name))
						snprintf(a->name, MTLB_NAME_LEN, "port-%u",
							 a->port);
				}
}

static inline void edit(struct edits *e)
{
	struct model *m = e->node.model;
	struct model_tenant *t = &m->tenants[draw(e, m->n_tenants)];

	switch (draw(e, 20)) {
	case 0:
		if (m->n_tenants < 7)
			add_numbered_vip(e, add_tenant(m, e->next), 2);
		break;
	case 1:
		if (m->n_tenants > 2)
			model_remove_tenant(m, t);
		break;
	case 2:
		t->suspended = !t->suspended;
		break;
	case 3:
		t->limits.flows = 256U << draw(e, 4);
		break;
	case 4:
		t->drop_other_ports = draw(e, 2);
		t->limits.icmp_per_second = draw(e, 2000);
		break;
	case 5:
	case 6:
		edit_segment(e);
		break;
	default:
		edit_vip(e, t);
	}
	remove_doubles(m);
}

static inline void edits_init(struct edits *e, uint64_t seed)
{
	struct maps_limits l = small_limits();

	*e = (struct edits){.random = seed, .next = 100};
	node_init(&e->node, &l);
	for (int t = 0; t < 3; t++)
		for (int v = 0; v < 2; v++)
			add_vip(v ? &e->node.model->tenants[t] : add_tenant(e->node.model, t),
				t * 2 + v, 3);
	CU_ASSERT_EQUAL_FATAL(node_change(&e->node), 0);
}
