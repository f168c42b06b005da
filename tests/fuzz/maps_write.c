/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An oracle's world as the bytes of the maps. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/maps.h"
#include "mtlb.skel.h"
#include "mtlb_flow.h"

static void write_segments(struct maps *m, const struct oracle_world *w)
{
	memset(m->segments, 0, MAPS_SEGMENTS * sizeof(*m->segments));
	for (uint32_t i = 0; i < w->n_segments; i++) {
		const struct oracle_segment *s = &w->segments[i];
		uint32_t at = mtlb_segment_hash(s->ifindex, s->vlan, s->inner_vlan);

		while (m->segments[at & (MAPS_SEGMENTS - 1)].state != MTLB_SEGMENT_EMPTY)
			at++;
		struct mtlb_segment *to = &m->segments[at & (MAPS_SEGMENTS - 1)];

		*to = (struct mtlb_segment){.ifindex = s->ifindex,
					    .vlan = s->vlan,
					    .inner_vlan = s->inner_vlan,
					    .tenant = s->tenant,
					    .state = MTLB_SEGMENT_LIVE,
					    .l2_len = (uint8_t)s->l2_len,
					    .mtu = (uint16_t)s->mtu};
		memcpy(to->l2, s->l2, s->l2_len);
	}
}

static uint32_t table_size(uint32_t tenant)
{
	return tenant == ORACLE_TENANTS - 1 ? MAPS_TABLE_LARGE : MTLB_TABLE_SMALL;
}

static uint32_t address_table_size(const struct maps *m)
{
	return bpf_map__max_entries(m->skel->maps.address_table);
}

/* A free element of the tenant's table, with its key and kind set. */
static struct mtlb_vip *add_entry(struct maps *m, uint32_t tenant, const uint8_t *address,
				  uint16_t port, uint8_t protocol, uint8_t kind)
{
	const __u64 key[2] = {m->skel->rodata->table_key[0], m->skel->rodata->table_key[1]};
	uint32_t mask = (tenant ? table_size(tenant) : address_table_size(m)) - 1, at;
	__u64 words[2];

	memcpy(words, address, 16);
	at = mtlb_table_hash(words, port, protocol, key);
	for (uint32_t i = 0; i < MTLB_TABLE_PROBES; i++) {
		struct mtlb_vip *v = &m->tables[tenant][(at + i) & mask];

		if (v->kind != MTLB_ENTRY_EMPTY)
			continue;
		memcpy(v->address, address, 16);
		v->port = port;
		v->protocol = protocol;
		v->kind = kind;
		return v;
	}
	fprintf(stderr, "a VIP table has no place for one more entry\n");
	exit(2);
}

static void write_address(struct maps *m, const struct oracle_world *w,
			  const struct oracle_address *a)
{
	uint8_t flags = a->answers_echo ? MTLB_VIP_ECHO : 0;

	for (uint32_t i = 0; i < w->n_vips; i++)
		if (w->vips[i].is_range && w->vips[i].tenant == a->tenant &&
		    !memcmp(w->vips[i].ip, a->ip, 16))
			flags |= MTLB_VIP_RANGES;
	for (uint32_t table = 0; table <= a->tenant; table += a->tenant) {
		if (table == 0 && !a->is_shared)
			continue;
		struct mtlb_vip *v = add_entry(m, table, a->ip, 0, 0, MTLB_ENTRY_ADDRESS);

		v->id = a->tenant;
		v->flags = flags;
	}
}

/* One of all ranges of (address, protocol), written with the first. */
static void write_ranges(struct maps *m, const struct oracle_world *w, const struct oracle_vip *v)
{
	struct mtlb_ranges *ranges = NULL;

	for (const struct oracle_vip *o = w->vips; o < w->vips + w->n_vips; o++) {
		if (!o->is_range || o->tenant != v->tenant || memcmp(o->ip, v->ip, 16) ||
		    o->protocol != v->protocol)
			continue;
		if (!ranges) {
			if (o != v)
				return;
			ranges = (struct mtlb_ranges *)add_entry(m, v->tenant, v->ip, 0,
								 v->protocol, MTLB_ENTRY_RANGES);
		}
		ranges->ranges[ranges->n++] = (struct mtlb_range){o->first, o->last};
	}
}

static uint64_t vip_flags(const struct oracle_vip *v)
{
	return (v->is_moving ? MTLB_VIP_MOVING : 0) | (v->is_learning ? MTLB_VIP_LEARNING : 0) |
	       (v->is_empty ? MTLB_VIP_EMPTY : 0);
}

static uint64_t write_ring(struct maps *m, const struct oracle_vip *v)
{
	uint32_t slots = 1U << v->slots_log2, ring = m->units_used + (v->n_ids + 1) / 2;

	m->units_used = ring + slots / 2;
	if (m->units_used > MAPS_UNITS) {
		fprintf(stderr, "the rings have no place for one more\n");
		exit(2);
	}
	for (uint32_t i = 0; i < v->n_ids; i++)
		m->rings[ring - 1 - i / 2].ids[i & 1] = v->ids[i];
	for (uint32_t i = 0; i < slots; i++) {
		const struct oracle_slot *s = &v->slots[i];

		m->rings[ring + i / 4].slots[i % 4] =
			(uint16_t)(s->owner | (s->is_moving ? MTLB_SLOT_MOVING : 0));
		m->rings[ring + slots / 4 + i / 4].slots[i % 4] = s->previous;
	}
	return mtlb_vip_word(ring, v->slots_log2, 0);
}

static void write_vip(struct maps *m, const struct oracle_world *w, uint32_t id)
{
	static const uint8_t algorithms[] = {
		[ORACLE_MAGLEV] = MTLB_ALGORITHM_MAGLEV,
		[ORACLE_SOURCE] = MTLB_ALGORITHM_SOURCE,
		[ORACLE_ROUND_ROBIN] = MTLB_ALGORITHM_ROUND_ROBIN,
		[ORACLE_LEAST_CONNECTIONS] = MTLB_ALGORITHM_LEAST_CONNECTIONS,
	};
	const struct oracle_vip *v = &w->vips[id];
	struct mtlb_vip *to = add_entry(m, v->tenant, v->ip, htons(v->first), v->protocol,
					v->is_range ? MTLB_ENTRY_RANGE : MTLB_ENTRY_VIP);

	if (v->is_range)
		write_ranges(m, w, v);
	m->vip_words[id] = write_ring(m, v);
	m->vips[id] = to;
	to->id = id;
	to->word = m->vip_words[id] | vip_flags(v);
	to->idle_ticks = v->idle_ticks;
	to->short_ticks = v->short_ticks;
	to->algorithm = algorithms[v->algorithm];
	to->source_bits = (uint8_t)v->source_bits;
	to->previous_source_bits = (uint8_t)v->previous_source_bits;
	to->flags = v->has_quic ? MTLB_VIP_QUIC : 0;
	to->quic_shift = (uint8_t)(8 - v->rotation_bits);
	to->ids = (uint16_t)v->n_ids;
	for (uint32_t i = 0; i < 8; i++)
		to->quic[i] = (struct mtlb_quic_config){(uint8_t)v->quic[i].server_id_len,
							(uint8_t)v->quic[i].id_len};
}

static void write_server(struct maps *m, const struct oracle_world *w,
			 const struct oracle_server *s)
{
	struct mtlb_server server = {.id_len = (uint8_t)s->len};

	memcpy(server.id, s->id, s->len);
	struct mtlb_vip *v =
		add_entry(m, w->vips[s->vip].tenant, (const uint8_t *)&server, (uint16_t)s->vip,
			  (uint8_t)(s->vip >> 16), MTLB_ENTRY_SERVER);

	((struct mtlb_server *)v)->backend = s->backend;
}

static void write_state(struct maps *m, const struct oracle_world *w, uint32_t id)
{
	static const enum mtlb_backend_state states[] = {
		[ORACLE_UP] = MTLB_BACKEND_UP,
		[ORACLE_DRAINING] = MTLB_BACKEND_DRAINING,
		[ORACLE_LEAVING] = MTLB_BACKEND_LEAVING,
		[ORACLE_DOWN] = MTLB_BACKEND_DOWN,
		[ORACLE_DISABLED] = MTLB_BACKEND_DISABLED,
	};
	const struct oracle_backend *b = &w->backends[id];

	m->backends[id].word = mtlb_backend_word(states[b->state], id & 1, b->weight);
}

/* Every second backend uses its second variant; the other one is nonsense. */
static void write_backend(struct maps *m, const struct oracle_world *w, uint32_t id)
{
	const struct oracle_backend *b = &w->backends[id];
	struct mtlb_backend *to = &m->backends[id];
	bool inner_is_v6 = w->vips[b->vip].ip[0];

	memset(to, 0xee, sizeof(*to));
	template_write(id & 1 ? &to->encap1 : &to->encap0, &b->encap, inner_is_v6);
	to->vip = b->vip;
	to->zero = 0;
	write_state(m, w, id);
}

/* As a count of mtlbd's: what was added before is in it. */
static void write_load(struct maps *m, const struct oracle_world *w, uint32_t id)
{
	m->loads[id].word = mtlb_load_word((uint32_t)w->backends[id].load, m->loads[id].added);
}

static void write_tenant(struct maps *m, const struct oracle_world *w, uint32_t t)
{
	const struct oracle_tenant *tenant = &w->tenants[t];
	struct mtlb_tenant *to = &m->tenants[t];

	memset(to, 0, sizeof(*to));
	memcpy(to->key, tenant->key, sizeof(to->key));
	to->flows = mtlb_flow_range(tenant->first_bucket, tenant->buckets - 1);
	to->idle_ticks = tenant->idle_ticks;
	to->answers = (uint16_t)tenant->answers;
	to->flags = tenant->drops_other_ports ? MTLB_TENANT_DROP_OTHER_PORTS : 0;
}

void maps_write(struct maps *m, const struct oracle_world *w)
{
	memset(m->tables[0], 0, address_table_size(m) * sizeof(struct mtlb_vip));
	memset(m->flows, 0, ORACLE_BUCKETS * sizeof(*m->flows));
	memset(m->turns, 0, ORACLE_VIPS * sizeof(*m->turns));
	memset(m->answers, 0, ORACLE_TENANTS * sizeof(*m->answers));
	m->units_used = 8;
	write_segments(m, w);
	for (uint32_t t = 1; t < ORACLE_TENANTS; t++) {
		memset(m->tables[t], 0, table_size(t) * sizeof(struct mtlb_vip));
		write_tenant(m, w, t);
	}
	for (uint32_t i = 0; i < w->n_addresses; i++)
		write_address(m, w, &w->addresses[i]);
	for (uint32_t i = 0; i < w->n_vips; i++)
		write_vip(m, w, i);
	for (uint32_t i = 0; i < w->n_servers; i++)
		write_server(m, w, &w->servers[i]);
	for (uint32_t i = 0; i < w->n_backends; i++) {
		write_backend(m, w, i);
		write_load(m, w, i);
	}
}

void maps_follow(struct maps *m, const struct oracle_world *w, const struct gen_event *e)
{
	__u64 *word;

	switch (e->kind) {
	case GEN_AGE:
		word = &m->flows[e->index].ways[e->way].word;
		*word = (*word & ~0xffffULL) | (uint16_t)(*word - e->ticks);
		break;
	case GEN_STATE:
		write_state(m, w, e->index);
		break;
	case GEN_FLAGS:
		m->vips[e->index]->word = m->vip_words[e->index] | vip_flags(&w->vips[e->index]);
		break;
	case GEN_COUNT:
		write_load(m, w, e->index);
		break;
	default:
		break;
	}
}
