/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "mtlb_abi.h"
#include "mtlb_flow.h"
#include "native_bpf.h"
#include "native_world.h"

enum {
	TCP = 6,
	UDP = 17,
	SCTP = 132
};

#define DOC6 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const uint8_t protocols[] = {TCP, UDP, SCTP};

/* ---- tables ------------------------------------------------------------------------------------- */
static struct mtlb_vip *add_entry(uint32_t table, const struct mtlb_vip *entry)
{
	uint32_t at = native_bpf_table_hash(entry->address, entry->port, entry->protocol);

	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		struct mtlb_vip *v = native_table_at(table, at + probe);

		if (v->kind != MTLB_ENTRY_EMPTY)
			continue;
		*v = *entry;
		return v;
	}
	abort();
}

static struct mtlb_vip key_of(const uint8_t *address, uint16_t port, uint8_t protocol, uint8_t kind)
{
	struct mtlb_vip v = {.port = __builtin_bswap16(port), .protocol = protocol, .kind = kind};

	memcpy(v.address, address, 16);
	return v;
}

static void add_address(uint32_t table, const uint8_t *address, uint32_t tenant, uint8_t flags)
{
	struct mtlb_vip v = key_of(address, 0, 0, MTLB_ENTRY_ADDRESS);

	v.id = tenant;
	v.flags = flags;
	add_entry(table, &v);
}

static void add_ranges(uint32_t table, const uint8_t *address, uint8_t protocol)
{
	struct mtlb_ranges r = {
		.protocol = protocol,
		.kind = MTLB_ENTRY_RANGES,
		.n = 3,
		.ranges = {{200, 299}, {WORLD_RANGE_FIRST, WORLD_RANGE_FIRST + 99}, {9000, 9000}}};
	struct mtlb_vip v;

	memcpy(r.address, address, 16);
	memcpy(&v, &r, sizeof(v));
	add_entry(table, &v); /* the third range has no VIP: the maps contradict each other */
}

/* ---- rings -------------------------------------------------------------------------------------- */
static uint32_t units_used;

static union mtlb_ring_unit *unit_at(uint32_t at)
{
	return native_map_at(NATIVE_rings, at);
}

/* n ids from first on, each as often as it takes; returns where the slots begin. */
static uint32_t add_ring(uint32_t log2, uint32_t n, uint32_t first, bool is_moving)
{
	uint32_t ring = units_used + (n + 1) / 2, slots = 1U << log2;

	for (uint32_t i = 0; i < n; i++)
		unit_at(ring - 1 - i / 2)->ids[i & 1] = first + i % WORLD_VIP_BACKENDS;
	for (uint32_t i = 0; i < slots; i++) {
		bool moves = is_moving && i % 4 != 3;

		unit_at(ring + i / 4)->slots[i & 3] =
			(uint16_t)(i % n | (moves ? MTLB_SLOT_MOVING : 0));
		if (is_moving)
			unit_at(ring + (slots + i) / 4)->slots[i & 3] = (uint16_t)((i + 3) % n);
	}
	units_used = ring + slots / 4 * (is_moving ? 2 : 1);
	return ring;
}

/* ---- backends ----------------------------------------------------------------------------------- */
static uint16_t folded_sum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] | (uint32_t)header[i + 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint8_t put_outer_ip(uint8_t *at, bool is_ipv6, uint8_t protocol, bool has_entropy)
{
	static const uint8_t ipv4[20] = {0x45, 0, 0,   0, 0, 0, 0x40, 0, 64, 0,
					 0,    0, 192, 0, 2, 1, 192,  0, 2,  50};
	static const uint8_t ipv6[40] = {0x60, 0, 0, 0, 0, 0, 0, 64, DOC6, 1, DOC6, 2};

	if (is_ipv6) {
		memcpy(at, ipv6, sizeof(ipv6));
		at[6] = protocol;
		if (has_entropy)
			at[23] = 0;
		return sizeof(ipv6);
	}
	memcpy(at, ipv4, sizeof(ipv4));
	at[9] = protocol;
	if (has_entropy)
		at[15] = 0;
	uint16_t sum = folded_sum(at);

	memcpy(at + 10, &sum, 2);
	return sizeof(ipv4);
}

/* The headers behind the outer IP, and UDP's in front of them. */
static const struct template
{
	uint8_t protocol, flags;
	uint8_t len;
	uint8_t bytes[32];
}
templates[] = {
	[MTLB_ENCAP_IPIP] = {4, 0, 0, {0}},
	[MTLB_ENCAP_VXLAN] = {UDP,
			      MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH,
			      30,
			      {0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 16, 4, 0}},
	[MTLB_ENCAP_GUE] = {UDP, MTLB_ENCAP_UDP, 12, {0, 0, 0x17, 0xc0, 0, 0, 0, 0, 0, 4}},
	[MTLB_ENCAP_FOU] = {UDP, MTLB_ENCAP_UDP, 8, {0, 0, 0x15, 0xb3}},
	[MTLB_ENCAP_GRE] = {47, 0, 8, {0x20, 0, 8, 0, 0, 0, 0, 7}},
	[MTLB_ENCAP_GENEVE] = {UDP,
			       MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH,
			       30,
			       {0, 0, 0x17, 0xc1, 0, 0, 0, 0, 0, 0, 0x65, 0x58, 0, 16, 4, 0}},
};

static void set_encap(struct mtlb_encap *e, uint8_t kind, bool is_ipv6, uint8_t l2_len)
{
	static const uint8_t l2[24] = {2, 0, 0,    0, 9, 9, 2,    0, 0, 0,
				       8, 8, 0x81, 0, 0, 5, 0x81, 0, 0, 6};
	bool has_entropy = kind == MTLB_ENCAP_IPIP || kind == MTLB_ENCAP_GRE;

	*e = (struct mtlb_encap){.kind = kind,
				 .l2_len = l2_len,
				 .ifindex = 1,
				 .entropy = has_entropy ? __builtin_bswap32(0xff) : 0,
				 .mtu = WORLD_MTU,
				 .dscp = is_ipv6 ? 0x28 : 0,
				 .copied = is_ipv6 ? 0x03 : 0xff};
	memcpy(e->l2, l2, sizeof(l2));
	if (kind == MTLB_ENCAP_NONE || kind == MTLB_ENCAP_L2)
		return;
	const struct template *t = &templates[kind];
	uint8_t at = put_outer_ip(e->outer, is_ipv6, t->protocol, has_entropy);

	memcpy(e->outer + at, t->bytes, t->len);
	e->outer_len = at + t->len;
	e->flags = t->flags | (is_ipv6 ? MTLB_ENCAP_OUTER_IPV6 : 0);
}

static void add_backend(uint32_t id, uint32_t vip)
{
	static const uint8_t l2_lens[] = {14, 18, 22};
	uint32_t n = id % WORLD_VIP_BACKENDS;
	struct mtlb_backend *b = native_map_at(NATIVE_backends, id);
	enum mtlb_backend_state state = n == 4   ? MTLB_BACKEND_DRAINING
					: n == 6 ? MTLB_BACKEND_LEAVING
						 : MTLB_BACKEND_UP;

	b->word = mtlb_backend_word(state, vip & 1, 1 + n);
	b->vip = vip;
	set_encap(&b->encap0, (uint8_t)n, false, l2_lens[id % 3]);
	set_encap(&b->encap1, (uint8_t)n, true, l2_lens[(id + 1) % 3]);
	if (n == 1)
		b->encap0.mtu = b->encap1.mtu = WORLD_MTU_SHORT;
	if (n == 3)
		b->encap0.ifindex = b->encap1.ifindex = 2;
	if (n == 2 && vip == WORLD_LEAST)
		b->vip = 31; /* another one's by now */
	if (n == 5)
		b->encap0.ifindex = b->encap1.ifindex = 77; /* not in tx_ports */
}

/* ---- VIPs --------------------------------------------------------------------------------------- */
struct vip_kind {
	uint8_t algorithm;
	bool is_moving;
	uint64_t flags;    /* of the word, beside MOVING */
	uint8_t ring_log2; /* [4] */
	uint16_t ids;      /* [8] */
	uint8_t source_bits, previous_source_bits;
	uint8_t vip_flags;
	uint32_t first; /* [8 * id]: the first backend */
};

static const struct vip_kind kinds[WORLD_VIPS] = {
	[WORLD_MAGLEV] = {0},
	[WORLD_MAGLEV_MOVING] = {.is_moving = true},
	[WORLD_MAGLEV_LEARNING] = {.is_moving = true, .flags = MTLB_VIP_LEARNING},
	[WORLD_SOURCE] = {.algorithm = MTLB_ALGORITHM_SOURCE, .source_bits = 120},
	[WORLD_SOURCE_MOVING] = {.algorithm = MTLB_ALGORITHM_SOURCE,
				 .source_bits = 128,
				 .previous_source_bits = 56,
				 .is_moving = true},
	[WORLD_ROUND_ROBIN] = {.algorithm = MTLB_ALGORITHM_ROUND_ROBIN},
	[WORLD_ROUND_ROBIN_LEARNING] = {.algorithm = MTLB_ALGORITHM_ROUND_ROBIN,
					.is_moving = true,
					.flags = MTLB_VIP_LEARNING},
	[WORLD_LEAST] = {.algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS},
	[WORLD_LEAST_SAMPLED] = {.algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS,
				 .ids = 300,
				 .ring_log2 = 9},
	[WORLD_LEAST_LEARNING] = {.algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS,
				  .is_moving = true,
				  .flags = MTLB_VIP_LEARNING},
	[WORLD_EMPTY] = {.flags = MTLB_VIP_EMPTY},
	[WORLD_WAS_SOURCE] = {.is_moving = true, .previous_source_bits = 96},
	[WORLD_QUIC] = {.is_moving = true, .vip_flags = MTLB_VIP_QUIC},
	[WORLD_QUIC_ROUND_ROBIN] = {.algorithm = MTLB_ALGORITHM_ROUND_ROBIN,
				    .vip_flags = MTLB_VIP_QUIC},
	[WORLD_RANGE] = {0},
	[WORLD_SMALL] = {.ring_log2 = MTLB_RING_LOG2_MIN, .ids = 4},
	[WORLD_NO_RING] = {0},
	[WORLD_NO_IDS] = {0},
	[WORLD_NO_PREVIOUS] = {.is_moving = true},
	[WORLD_NO_BACKEND] = {.first = 1000},
	[WORLD_ROUND_ROBIN_NO_RING] = {.algorithm = MTLB_ALGORITHM_ROUND_ROBIN},
	[WORLD_TURNLESS] = {.algorithm = MTLB_ALGORITHM_ROUND_ROBIN},
};

/* Where the ring of the contradictory ones is said to be. */
static uint32_t bend_ring(enum world_vip id, uint32_t ring)
{
	uint32_t end = native_maps[NATIVE_rings].full;

	if (id == WORLD_NO_RING)
		return end + 100;
	if (id == WORLD_ROUND_ROBIN_NO_RING)
		return end - 2; /* the half of it is */
	if (id == WORLD_NO_PREVIOUS)
		return end - 4; /* 16 slots, and the map is at its end */
	return ring;
}

static uint64_t make_word(enum world_vip id, const struct vip_kind *k)
{
	uint32_t log2 = k->ring_log2 ? k->ring_log2 : 4;
	uint32_t first = k->first ? k->first : (uint32_t)id * WORLD_VIP_BACKENDS;
	uint32_t ring = add_ring(log2, k->ids ? k->ids : WORLD_VIP_BACKENDS, first, k->is_moving);

	if (id == WORLD_NO_IDS)
		for (uint32_t i = 0; i < 16; i++)
			unit_at(ring + i / 4)->slots[i & 3] = 0x7fff;
	if (id == WORLD_NO_PREVIOUS)
		for (uint32_t i = 0; i < 16; i++)
			unit_at(bend_ring(id, ring) + i / 4)->slots[i & 3] = MTLB_SLOT_MOVING;
	return mtlb_vip_word(bend_ring(id, ring), log2,
			     k->flags | (k->is_moving ? MTLB_VIP_MOVING : 0));
}

static struct mtlb_vip make_vip(enum world_vip id, uint64_t word)
{
	const struct vip_kind *k = &kinds[id];
	struct mtlb_vip v = {.id = id == WORLD_TURNLESS ? 100 : id,
			     .word = word,
			     .idle_ticks = 100,
			     .short_ticks = 20,
			     .algorithm = k->algorithm,
			     .source_bits = k->source_bits,
			     .flags = k->vip_flags,
			     .quic_shift = WORLD_QUIC_SHIFT,
			     .ids = k->ids ? k->ids : WORLD_VIP_BACKENDS,
			     .previous_source_bits = k->previous_source_bits};

	v.quic[1] = (struct mtlb_quic_config){WORLD_QUIC_SERVER_LEN, WORLD_QUIC_ID_LEN};
	v.quic[2] = (struct mtlb_quic_config){WORLD_QUIC_SERVER_LONG, WORLD_QUIC_ID_LONG};
	v.quic[3] = (struct mtlb_quic_config){WORLD_QUIC_SERVER_LONG, 4}; /* contradicts itself */
	return v;
}

static void add_vip(uint32_t table, const uint8_t *address, enum world_vip id, uint64_t word)
{
	bool is_range = id == WORLD_RANGE;

	for (uint32_t i = 0; i < sizeof(protocols); i++) {
		struct mtlb_vip v = make_vip(id, word);
		struct mtlb_vip key =
			key_of(address, is_range ? WORLD_RANGE_FIRST : (uint16_t)(WORLD_PORT + id),
			       protocols[i], is_range ? MTLB_ENTRY_RANGE : MTLB_ENTRY_VIP);

		memcpy(v.address, key.address, 16);
		v.port = key.port;
		v.protocol = key.protocol;
		v.kind = key.kind;
		add_entry(table, &v);
	}
}

static void add_servers(uint32_t table, enum world_vip vip)
{
	for (uint32_t n = 0; n < WORLD_VIP_BACKENDS; n++) {
		struct mtlb_server s = {.id_len = n & 1 ? WORLD_QUIC_SERVER_LONG
							: WORLD_QUIC_SERVER_LEN,
					.vip_low = (uint16_t)vip,
					.vip_high = 0,
					.kind = MTLB_ENTRY_SERVER,
					.backend = (uint32_t)vip * WORLD_VIP_BACKENDS + n};
		struct mtlb_vip v;

		memset(s.id, 0xa0 + (int)n, s.id_len);
		if (n == 7)
			s.backend = 1000; /* there is none */
		memcpy(&v, &s, sizeof(v));
		add_entry(table, &v);
	}
}

/* So many entries at the place of (crowded, 80, TCP) that a search ends for want of probes. */
static void add_crowd(uint32_t table)
{
	uint32_t at = native_bpf_table_hash(world_crowded, __builtin_bswap16(80), TCP);

	for (uint32_t i = 0; i < MTLB_TABLE_PROBES; i++) {
		struct mtlb_vip *v = native_table_at(table, at + i);

		if (v->kind == MTLB_ENTRY_EMPTY)
			*v = key_of(world_crowded, (uint16_t)(60000 + i), TCP, MTLB_ENTRY_VIP);
	}
}

/* ---- tenants and segments ----------------------------------------------------------------------- */
static void add_tenant(uint32_t tenant, uint32_t base, uint32_t mask, uint16_t n_answers,
		       uint8_t flags)
{
	struct mtlb_tenant *t = native_map_at(NATIVE_tenants, tenant);

	for (uint32_t i = 0; i < 12; i++)
		t->key[i] = (tenant * 12 + i + 1) * 0x9e3779b9;
	t->flows = mtlb_flow_range(base, mask);
	t->idle_ticks = 200;
	t->answers = n_answers;
	t->flags = flags;
}

static void publish(enum native_map_id outer, uint32_t slot, uint32_t table)
{
	*(struct native_map **)native_map_at(outer, slot) = &native_tables[table];
}

static struct mtlb_segment *segment_slot(uint32_t ifindex, uint16_t vlan, uint16_t inner,
					 uint32_t probe)
{
	return native_map_at(NATIVE_segments, (mtlb_segment_hash(ifindex, vlan, inner) + probe) &
						      native_bpf_segment_mask());
}

static struct mtlb_segment *add_segment(uint32_t ifindex, uint16_t vlan, uint16_t inner,
					uint32_t tenant, enum mtlb_segment_state state)
{
	uint32_t probe = 0;

	while (segment_slot(ifindex, vlan, inner, probe)->state != MTLB_SEGMENT_EMPTY)
		probe++;
	struct mtlb_segment *s = segment_slot(ifindex, vlan, inner, probe);

	*s = (struct mtlb_segment){.ifindex = ifindex,
				   .vlan = vlan,
				   .inner_vlan = inner,
				   .tenant = tenant,
				   .state = (uint16_t)state};
	return s;
}

static void add_segments(void)
{
	static const uint8_t l2[24] = {2, 0, 0, 0, 7, 7, 2, 0, 0, 0, 6, 6, 0x81, 0, 0, 9};
	struct mtlb_segment *s;

	add_segment(1, WORLD_VLAN_DEAD, 0, 1, MTLB_SEGMENT_DEAD);
	for (int i = 0; i < MTLB_TABLE_PROBES; i++)
		add_segment(1, WORLD_VLAN_CROWDED, 0, 1, MTLB_SEGMENT_DEAD);
	add_segment(1, 0, 0, MTLB_TENANT_NONE, MTLB_SEGMENT_LIVE);
	add_segment(3, 0, 0, MTLB_TENANT_NONE, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_2, 0, 2, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_3, 0, 3, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_2, WORLD_VLAN_3_INNER, 3, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_2, WORLD_VLAN_2_INNER, 2, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_SMALL, 0, 4, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_SUSPENDED, 0, 9, MTLB_SEGMENT_LIVE);
	add_segment(1, WORLD_VLAN_UNKNOWN, 0, 99, MTLB_SEGMENT_LIVE);
	s = add_segment(2, 0, 0, 1, MTLB_SEGMENT_LIVE);
	memcpy(s->l2, l2, sizeof(l2));
	s->l2_len = 18;
	s->mtu = WORLD_MTU - 100;
}

void world_make(void)
{
	units_used = 8;
	for (uint32_t vip = 0; vip < WORLD_VIPS; vip++) {
		uint64_t word = make_word(vip, &kinds[vip]);

		for (uint32_t n = 0; n < WORLD_VIP_BACKENDS; n++)
			add_backend(vip * WORLD_VIP_BACKENDS + n, vip);
		for (uint32_t table = 1; table < NATIVE_TABLES; table++)
			for (int family = 0; family < 2; family++)
				add_vip(table, world_address[family], vip, word);
	}
	for (uint32_t table = 1; table < NATIVE_TABLES; table++) {
		for (int family = 0; family < 2; family++) {
			add_address(table, world_address[family], table,
				    MTLB_VIP_ECHO | MTLB_VIP_RANGES);
			add_address(table, world_quiet[family], table, 0);
			add_ranges(table, world_address[family], TCP);
			add_ranges(table, world_address[family], UDP);
		}
		add_address(table, world_crowded, table, 0);
		add_servers(table, WORLD_QUIC);
		add_crowd(table);
	}
	for (int family = 0; family < 2; family++) {
		add_address(0, world_address[family], 1, 0);
		add_address(0, world_quiet[family], 1, 0);
	}
	add_address(0, world_crowded, 1, 0);
	add_tenant(1, 0, 15, 3, 0);
	add_tenant(2, 16, 0, 1000, MTLB_TENANT_DROP_OTHER_PORTS);
	add_tenant(3, 17, 7, 0, 0);
	add_tenant(4, 1 << 20, 0, 10, 0);
	add_tenant(9, 0, 0, 10, 0);
	publish(NATIVE_address_tables, 0, 0);
	publish(NATIVE_vip_tables, 1, 1);
	publish(NATIVE_vip_tables, 2, 2);
	publish(NATIVE_vip_tables_large, 3, 3);
	publish(NATIVE_vip_tables, 4, 4);
	add_segments();
	native_map_keep();
}
