/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps as malloced memory, with operations that can be told to fail, and models to fill them
 * from.
 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image.h"
#include "mtlb_flow.h"
#include "test.h"

struct fake {
	struct maps maps;
	int ops, fail_at; /* the fail_at-th operation from now on fails; 0: none */
	bool keeps_failing; /* and all after it */
	bool half_swaps;    /* then a swap that fails has exchanged half of its tables, and cannot put them back */
	void (*traffic)(void *ctx); /* runs inside operations: packets in the middle of a change */
	void *traffic_ctx;
	struct image_refused *refused; /* by tenant slot */
};

static inline int fake_op(struct maps *m)
{
	struct fake *f = m->owner;

	if (f->traffic)
		f->traffic(f->traffic_ctx);
	f->ops++;
	if (f->keeps_failing && f->fail_at && f->ops > f->fail_at)
		return -EIO;
	return f->ops == f->fail_at ? -EIO : 0;
}

static inline int fake_swap_tables(struct maps *m, const struct maps_swap *swaps, size_t n,
				   struct report *r)
{
	struct fake *f = m->owner;
	int err = fake_op(m);

	(void)r;
	if (err && f->keeps_failing && f->half_swaps) {
		n = (n + 1) / 2;
		err = -ENOTRECOVERABLE;
	}
	for (size_t i = 0; i < n && (!err || err == -ENOTRECOVERABLE); i++) {
		struct maps_table *t = &m->tables[swaps[i].tenant];

		free(t->entries);
		t->entries = NULL;
		t->n = swaps[i].n;
		if (t->n) {
			t->entries = malloc(t->n * sizeof(*t->entries));
			memcpy(t->entries, swaps[i].entries, t->n * sizeof(*t->entries));
		}
	}
	if (!err && f->traffic)
		f->traffic(f->traffic_ctx);
	return err;
}

static inline int fake_zero_stats(struct maps *m, enum maps_stats which, uint32_t index)
{
	(void)which;
	(void)index;
	return fake_op(m);
}

static const struct maps_ops fake_ops = {fake_swap_tables, fake_zero_stats, fake_op};

static inline struct fake *fake_new(const struct maps_limits *l)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct maps *m = &f->maps;

	m->limits = *l;
	m->node = calloc(1, sizeof(*m->node));
	m->node->table_key[0] = 0x9e3779b97f4a7c15;
	m->node->table_key[1] = 0xd6e8feb86659fd93;
	m->segments = calloc(l->segments, sizeof(*m->segments));
	m->tenants = calloc(l->tenants, sizeof(*m->tenants));
	m->tables = calloc(l->tenants, sizeof(*m->tables));
	m->rings = calloc(l->ring_units, sizeof(*m->rings));
	m->backends = calloc(l->backends, sizeof(*m->backends));
	m->backend_loads = calloc(l->backends, sizeof(*m->backend_loads));
	m->turns = calloc(l->vips, sizeof(*m->turns));
	m->answers = calloc(l->tenants, sizeof(*m->answers));
	m->flows = calloc(l->flow_buckets, sizeof(*m->flows));
	m->tenant_info = calloc(l->tenants, sizeof(*m->tenant_info));
	m->vip_info = calloc(l->vips, sizeof(*m->vip_info));
	m->backend_info = calloc(l->backends, sizeof(*m->backend_info));
	m->ops = &fake_ops;
	m->owner = f;
	f->refused = calloc(l->tenants, sizeof(*f->refused));
	return f;
}

static inline void fake_free(struct fake *f)
{
	for (uint32_t t = 0; t < f->maps.limits.tenants; t++)
		free(f->maps.tables[t].entries);
	free(f->maps.node);
	free(f->maps.segments);
	free(f->maps.tables);
	free(f->maps.tenants);
	free(f->maps.rings);
	free(f->maps.backends);
	free(f->maps.backend_loads);
	free(f->maps.turns);
	free(f->maps.answers);
	free(f->maps.flows);
	free(f->maps.tenant_info);
	free(f->maps.vip_info);
	free(f->maps.backend_info);
	free(f->refused);
	free(f);
}

/* ---- a data plane's view of the maps ---- */
static inline const struct mtlb_vip *fake_entry(const struct maps *m, uint32_t tenant,
						const void *address, __be16 port, uint8_t protocol,
						enum mtlb_entry_kind kind)
{
	const struct maps_table *t = &m->tables[tenant];
	__u64 words[2];

	if (!t->entries)
		return NULL;
	memcpy(words, address, 16);
	uint32_t hash = mtlb_table_hash(words, port, protocol, m->node->table_key);

	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		const struct mtlb_vip *v = &t->entries[(hash + probe) & (t->n - 1)];

		if (v->kind == MTLB_ENTRY_EMPTY)
			return NULL;
		if (!memcmp(v->address, address, 16) && v->port == port &&
		    v->protocol == protocol && v->kind == kind)
			return v;
	}
	return NULL;
}

/* The VIP of a packet; with protocol 0 the address. */
static inline const struct mtlb_vip *fake_find(const struct maps *m, uint32_t tenant,
					       const uint8_t address[16], __be16 port,
					       uint8_t protocol)
{
	const struct mtlb_vip *v = fake_entry(m, tenant, address, port, protocol,
					      protocol ? MTLB_ENTRY_VIP : MTLB_ENTRY_ADDRESS);
	const struct mtlb_ranges *r;

	if (v || !protocol)
		return v;
	r = (const void *)fake_entry(m, tenant, address, 0, protocol, MTLB_ENTRY_RANGES);
	for (uint32_t i = 0; r && i < r->n; i++)
		if (r->ranges[i].first <= ntohs(port) && ntohs(port) <= r->ranges[i].last)
			return fake_entry(m, tenant, address, htons(r->ranges[i].first), protocol,
					  MTLB_ENTRY_RANGE);
	return NULL;
}

/* The backend of a QUIC server id; UINT32_MAX: none. */
static inline uint32_t fake_server(const struct maps *m, uint32_t tenant, uint32_t vip,
				   const void *id, uint8_t id_len)
{
	struct mtlb_server key = {.id_len = id_len, .vip_low = vip, .vip_high = vip >> 16};
	const struct mtlb_vip *e;

	memcpy(key.id, id, id_len);
	e = fake_entry(m, tenant, key.id, key.vip_low, key.vip_high, MTLB_ENTRY_SERVER);
	return e ? ((const struct mtlb_server *)e)->backend : UINT32_MAX;
}

static inline const struct mtlb_segment *fake_segment(const struct maps *m, uint32_t ifindex,
						      uint16_t vlan)
{
	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		uint32_t at =
			(mtlb_segment_hash(ifindex, vlan, 0) + probe) & (m->limits.segments - 1);
		const struct mtlb_segment *s = &m->segments[at];

		if (s->state == MTLB_SEGMENT_EMPTY)
			return NULL;
		if (s->state == MTLB_SEGMENT_LIVE && s->ifindex == ifindex && s->vlan == vlan)
			return s;
	}
	return NULL;
}

static inline uint32_t fake_ring_id(const struct maps *m, uint64_t word, uint32_t index)
{
	return m->rings[mtlb_vip_word_ring(word) - 1 - index / 2].ids[index & 1];
}

static inline bool fake_is_alive(const struct maps *m, uint32_t backend)
{
	return mtlb_backend_is_alive(mtlb_backend_word_state(m->backends[backend].word));
}

/* ---- models ---- */
static inline void set_name(char *to, const char *format, unsigned int i)
{
	snprintf(to, MTLB_NAME_LEN, format, i);
}

static inline struct addr address_of(uint8_t net, uint32_t i)
{
	struct addr a = {
		{[10] = 0xff, [11] = 0xff, [12] = net, [13] = i >> 16, [14] = i >> 8, [15] = i}};

	return a;
}

static inline struct model_backend *add_backend(struct model_vip *v, uint32_t i)
{
	struct model_backend *b = vip_add_backend(v);

	set_name(b->name, "web-%u", i);
	b->address = address_of(10, i);
	b->weight = 100;
	return b;
}

/* Backends are numbered across the tenant, so that addresses differ between VIPs. */
static inline struct model_vip *add_vip(struct model_tenant *t, uint32_t i, uint32_t backends)
{
	struct model_vip *v = tenant_add_vip(t);

	set_name(v->name, "vip-%u", i);
	v->address = address_of(203, i);
	v->port = v->last_port = 443;
	v->echo = true;
	v->protocol = IPPROTO_TCP;
	v->idle_timeout_s = 300;
	v->encap.kind = MTLB_ENCAP_IPIP;
	for (uint32_t k = 0; k < backends; k++)
		add_backend(v, i * 1000 + k);
	return v;
}

static inline struct model_tenant *add_tenant(struct model *m, uint32_t i)
{
	struct model_tenant *t = model_add_tenant(m);

	set_name(t->name, "tenant-%u", i);
	t->limits.flows = 256;
	return t;
}

static inline struct model_segment *add_segment(struct model *m, uint16_t vlan, const char *tenant)
{
	struct model_segment *s = model_add_segment(m);

	set_name(s->name, "segment-%u", vlan);
	strcpy(s->interface, "eth0");
	s->vlan = vlan;
	strcpy(s->tenant, tenant);
	return s;
}

/* Every second octet below .200 answers from a MAC made of its address. */
static inline int fake_next_hop(void *ctx, const struct addr *to, struct next_hop *out)
{
	(void)ctx;
	memset(out, 0, sizeof(*out));
	out->ifindex = 2;
	out->l2_len = 14;
	out->is_on_link = true;
	out->mtu = 1500;
	out->l2[0] = out->l2[6] = 2;
	memcpy(out->l2 + 2, to->bytes + 12, 4);
	out->source = address_of(192, 1);
	return 0;
}

static inline int fake_interface(void *ctx, const char *name, size_t at,
				 struct image_interface *out)
{
	(void)ctx;
	if (strcmp(name, "eth0") || at)
		return -ENODEV;
	*out = (struct image_interface){.ifindex = 2, .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500};
	return 0;
}

static inline struct maps_limits small_limits(void)
{
	return (struct maps_limits){.tenants = 16,
				    .vips = 64,
				    .backends = 256,
				    .segments = 64,
				    .ring_units = 1 << 16,
				    .flow_buckets = 1 << 13};
}

/* ---- the road of a change ---- */
struct node {
	struct fake *fake;
	struct model *model;
	struct image *image; /* what is applied; NULL at first */
	uint64_t now;
	bool (*is_healthy)(void *ctx, const struct model_tenant *t, const struct model_vip *v,
			   const struct model_backend *b);
	void *ctx;
};

static inline void node_init(struct node *n, const struct maps_limits *l)
{
	*n = (struct node){.fake = fake_new(l), .model = model_new(), .now = 1000};
}

static inline void node_free(struct node *n)
{
	fake_free(n->fake);
	model_free(n->model);
	image_free(n->image);
}

static inline struct image_inputs node_inputs(const struct node *n)
{
	return (struct image_inputs){.model = n->model,
				     .previous = n->image,
				     .secret = {1, 2, 3},
				     .table_key = {n->fake->maps.node->table_key[0],
						   n->fake->maps.node->table_key[1]},
				     .now = n->now,
				     .limits = n->fake->maps.limits,
				     .next_hop = fake_next_hop,
				     .interface = fake_interface,
				     .is_healthy = n->is_healthy,
				     .ctx = n->ctx};
}

static inline int node_apply(struct node *n, struct image *next)
{
	struct report r = {0};
	struct steps *s = NULL;
	int err = image_diff(n->image, next, &s);

	CU_ASSERT_EQUAL_FATAL(err, 0);
	err = steps_apply(s, &n->fake->maps, &r);
	steps_free(s);
	report_clear(&r);
	if (err) {
		image_free(next);
		return err;
	}
	image_free(n->image);
	n->image = next;
	return 0;
}

static inline int node_change(struct node *n)
{
	struct image_inputs in = node_inputs(n);
	struct report r = {0};
	struct image *next;
	int err = image_build(&in, &next, &r);

	for (size_t i = 0; i < r.n; i++)
		printf("     %s: %s\n", r.lines[i].where, r.lines[i].text);
	report_clear(&r);
	return err ?: node_apply(n, next);
}

static inline bool node_settle(struct node *n)
{
	struct image_census *c = image_census(n->image, n->fake->maps.flows, n->now);
	struct image *next = NULL;

	CU_ASSERT_EQUAL(image_settle(n->image, c, n->fake->refused, n->now, &next), 0);
	image_census_free(c);
	if (next)
		CU_ASSERT_EQUAL(node_apply(n, next), 0);
	return next;
}

/* Lets time pass until nothing moves; false: it never ends. */
static inline bool node_settle_all(struct node *n)
{
	for (int i = 0; i < 2000 && image_is_moving(n->image); i++, n->now += 20)
		node_settle(n);
	return !image_is_moving(n->image);
}

/* mtlbd is killed and comes again. */
static inline int node_restart(struct node *n)
{
	struct report r = {0};
	struct image *adopted;
	int err = image_adopt(&n->fake->maps, n->now, &adopted, &r);

	for (size_t i = 0; i < r.n; i++)
		printf("     %s: %s\n", r.lines[i].where, r.lines[i].text);
	report_clear(&r);
	if (err)
		return err;
	image_free(n->image);
	n->image = adopted;
	image_clean_flows(adopted, &n->fake->maps);
	return 0;
}
