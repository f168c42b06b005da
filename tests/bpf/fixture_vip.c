/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* VIPs, their rings and what else lies in a tenant's table; and flows. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "bpf/fixture.h"
#include "mtlb.skel.h"
#include "test.h"

/* The entry that begins with key (address, port, protocol, kind), or the free place for it. */
static struct mtlb_vip *find_place(struct world *w, uint32_t tenant, const struct mtlb_vip *key)
{
	const __u64 multipliers[2] = {w->skel->rodata->table_key[0], w->skel->rodata->table_key[1]};
	uint32_t mask = world_table_size(w, tenant) - 1;
	__u64 words[2];

	memcpy(words, key->address, sizeof(words));
	uint32_t at = mtlb_table_hash(words, key->port, key->protocol, multipliers);

	for (;; at++) {
		struct mtlb_vip *v = &w->tables[tenant][at & mask];

		if (v->kind == MTLB_ENTRY_EMPTY || !memcmp(v, key, 20))
			return v;
	}
}

struct mtlb_vip *world_add_entry(struct world *w, uint32_t tenant, const char *address,
				 uint16_t port, uint8_t protocol, uint8_t kind, uint32_t id)
{
	struct mtlb_vip entry = {.port = htons(port), .protocol = protocol, .kind = kind, .id = id};

	packet_address(address, entry.address);
	struct mtlb_vip *v = find_place(w, tenant, &entry);

	if (v->kind != MTLB_ENTRY_EMPTY)
		return v;
	if (kind == MTLB_ENTRY_VIP || kind == MTLB_ENTRY_RANGE) {
		entry.idle_ticks = 300;
		entry.short_ticks = 30;
	}
	*v = entry;
	return v;
}

static void add_range(struct world *w, uint32_t tenant, const char *address, uint8_t protocol,
		      struct mtlb_range range)
{
	struct mtlb_ranges *r =
		(void *)world_add_entry(w, tenant, address, 0, protocol, MTLB_ENTRY_RANGES, 0);

	world_add_entry(w, tenant, address, 0, 0, MTLB_ENTRY_ADDRESS, 0)->flags |= MTLB_VIP_RANGES;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->ranges[i].first == range.first)
			return;
	CU_ASSERT_FATAL(r->n < MTLB_RANGES_MAX);
	r->ranges[r->n++] = range;
}

/* The list before the slots. */
static void write_ids(struct world *w, uint32_t ring, const struct vip_row *row)
{
	const uint32_t pair[] = {row->owner, row->previous};
	const uint32_t *ids = row->backends ? row->backends : pair;
	uint32_t n = row->backends ? row->n_backends : 2;

	for (uint32_t i = 0; i < n; i++) {
		w->rings[ring - 1 - i / 2].ids[i & 1] = ids[i];
		if (ids[i] < WORLD_BACKENDS)
			w->backends[ids[i]].vip = row->id;
	}
}

uint16_t *world_slot(struct world *w, const struct mtlb_vip *v, uint32_t slot)
{
	return &w->rings[mtlb_vip_word_ring(v->word) + slot / 4].slots[slot % 4];
}

uint16_t *world_previous_slot(struct world *w, const struct mtlb_vip *v, uint32_t slot)
{
	return world_slot(w, v, slot + (1U << mtlb_vip_word_log2(v->word)));
}

static uint64_t add_ring(struct world *w, const struct vip_row *row)
{
	uint32_t log2 = row->ring_log2 ? row->ring_log2 : 2;
	uint32_t n = row->backends ? row->n_backends : 1;
	uint32_t ring = w->units_used + (row->backends ? (n + 1) / 2 : 1);
	struct mtlb_vip v = {.word = mtlb_vip_word(ring, log2, row->flags)};

	w->units_used = ring + 2 * (1U << log2) / 4;
	CU_ASSERT_FATAL(w->units_used <= WORLD_UNITS);
	write_ids(w, ring, row);
	for (uint32_t slot = 0; slot < 1U << log2; slot++) {
		*world_slot(w, &v, slot) =
			slot % n | (row->flags & MTLB_VIP_MOVING ? MTLB_SLOT_MOVING : 0);
		*world_previous_slot(w, &v, slot) = 1;
	}
	return v.word;
}

struct mtlb_vip *world_add_vip(struct world *w, const struct vip_row *row)
{
	const char *address = row->address ? row->address : "203.0.113.10";
	uint8_t protocol = row->protocol ? row->protocol : IPPROTO_TCP;
	uint16_t port = row->port ? row->port : row->last_port ? 0 : 443;
	struct mtlb_vip *v;

	world_add_entry(w, row->tenant, address, 0, 0, MTLB_ENTRY_ADDRESS, 0);
	if (row->last_port)
		add_range(w, row->tenant, address, protocol,
			  (struct mtlb_range){port, row->last_port});
	v = world_add_entry(w, row->tenant, address, port, protocol,
			    row->last_port ? MTLB_ENTRY_RANGE : MTLB_ENTRY_VIP, row->id);
	v->algorithm = row->algorithm;
	v->ids = row->backends ? row->n_backends : 1;
	v->word = add_ring(w, row);
	return v;
}

void world_add_server(struct world *w, uint32_t tenant, uint32_t vip, const uint8_t *id,
		      uint8_t id_len, uint32_t backend)
{
	struct mtlb_server server = {.id_len = id_len,
				     .vip_low = (__be16)vip,
				     .vip_high = vip >> 16,
				     .kind = MTLB_ENTRY_SERVER,
				     .backend = backend};

	memcpy(server.id, id, id_len);
	*(struct mtlb_server *)find_place(w, tenant, (const struct mtlb_vip *)&server) = server;
}

static struct mtlb_tuple tuple_of(const struct packet_spec *s)
{
	struct mtlb_tuple t = {.protocol = s->protocol ? s->protocol : IPPROTO_TCP,
			       .source_port = htons(s->from_port ? s->from_port : 40000),
			       .destination_port = htons(s->to_port ? s->to_port : 443)};

	packet_address(s->from ? s->from : "198.51.100.7", (uint8_t *)t.source);
	packet_address(s->to ? s->to : "203.0.113.10", (uint8_t *)t.destination);
	return t;
}

uint64_t world_hash(const struct world *w, uint32_t tenant, const struct packet_spec *s)
{
	struct mtlb_tuple t = tuple_of(s);

	return mtlb_flow_hash(&t, w->tenants[tenant].key);
}

/* docs/packets.md section 9: the identification in place of the ports, as it lies in memory. */
uint64_t world_fragment_hash(const struct world *w, uint32_t tenant, const struct packet_spec *s,
			     uint32_t id)
{
	struct mtlb_tuple t = tuple_of(s);
	uint8_t unused[16];
	bool is_ipv4 = packet_address(s->to ? s->to : "203.0.113.10", unused);
	uint32_t in_memory = is_ipv4 ? htons(id) : htonl(id);

	t.source_port = in_memory >> 16;
	t.destination_port = in_memory;
	t.protocol = (is_ipv4 ? t.protocol : 0) + 65536;
	return mtlb_flow_hash(&t, w->tenants[tenant].key);
}

struct mtlb_flow_bucket *world_bucket(const struct world *w, uint32_t tenant, uint64_t hash)
{
	return &w->flows[mtlb_flow_range_bucket(w->tenants[tenant].flows, hash)];
}

uint16_t world_tick(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + t.tv_nsec) >> MTLB_TICK_SHIFT;
}

void world_set_flow(struct mtlb_flow *f, uint64_t hash, uint32_t backend,
		    enum mtlb_flow_state state, uint16_t age)
{
	f->fingerprint = hash;
	f->word = mtlb_flow_word(hash, backend, state, world_tick() - age);
}

struct mtlb_flow *world_find_flow(const struct world *w, uint32_t tenant, uint64_t hash)
{
	struct mtlb_flow_bucket *bucket = world_bucket(w, tenant, hash);
	struct mtlb_flow *found = NULL;

	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		if (bucket->ways[i].fingerprint != hash)
			continue;
		CU_ASSERT_PTR_NULL(found);
		found = &bucket->ways[i];
	}
	return found;
}
