/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Destination -> VIP, in the table of the segment's tenant; on a shared segment the address finds
 * the tenant first.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

/* mtlb_node.table_key; mtlbd sets it before load, so that it is an immediate operand here. */
const volatile __u64 table_key[2] = {1, 1};

/*
 * What a look-up in a table of any size needs of the kernel's struct bpf_map: read by CO-RE (Linux
 * 5.9).
 */
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

struct vip_key { /* what struct mtlb_vip begins with: compared as three words */
	__u64 address[2];
	__be16 port;
	__u8 protocol;
	__u8 kind;
};

static __always_inline bool vip_is(const struct mtlb_vip *v, const struct vip_key *key)
{
	const __u64 *have = (const __u64 *)v->address;
	__u32 wanted;

	__builtin_memcpy(&wanted, &key->port, sizeof(wanted));
	return have[1] == key->address[1] && *(const __u32 *)&v->port == wanted &&
	       have[0] == key->address[0];
}

/* *place: where it stands, if there is one. */
static __always_inline const struct mtlb_vip *vip_find_at(void *table, const struct vip_key *key,
							  __u32 *place)
{
	const __u64 multipliers[2] = {table_key[0], table_key[1]};
	__u32 base = mtlb_table_hash(key->address, key->port, key->protocol, multipliers);
	__u32 mask = ((const struct bpf_map *)table)->max_entries - 1;

	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = (base + probe) & mask;
		const struct mtlb_vip *v = bpf_map_lookup_elem(table, &at);

		if (!v)
			return NULL;
		*place = at;
		if (vip_is(v, key))
			return v;
		if (v->kind == MTLB_ENTRY_EMPTY)
			return NULL;
	}
	return NULL;
}

static __always_inline const struct mtlb_vip *vip_find(void *table, const struct vip_key *key)
{
	__u32 place;

	return vip_find_at(table, key, &place);
}

/* The key of an entry of the packet's destination address. */
static __always_inline struct vip_key vip_key_of(const struct mtlb_tuple *t, __be16 port,
						 __u8 protocol, __u8 kind)
{
	return (struct vip_key){
		.address = {(__u64)t->destination[1] << 32 | t->destination[0],
			    (__u64)t->destination[3] << 32 | t->destination[2]},
		.port = port,
		.protocol = protocol,
		.kind = kind,
	};
}

static __always_inline const struct mtlb_vip *vip_find_port(void *table, const struct mtlb_tuple *t)
{
	const struct vip_key key = vip_key_of(t, t->destination_port, (__u8)t->protocol,
					      MTLB_ENTRY_VIP);

	return vip_find(table, &key);
}

/* ---- the longer way: tables of either kind --------------------------------------------------- */
static __always_inline void *vip_table_of(__u32 tenant)
{
	void *table = bpf_map_lookup_elem(&vip_tables, &tenant);

	return table ? table : bpf_map_lookup_elem(&vip_tables_large, &tenant);
}

/*
 * Where the entry is in the tenant's table, -1: nowhere. A global function: the verifier walks its
 * probes once, and not for each way that leads here.
 */
__noinline long vip_place(const struct vip_key *key, __u32 tenant)
{
	void *table = vip_table_of(tenant);
	__u32 place = 0;

	return table && key && vip_find_at(table, key, &place) ? place : -1L;
}

/*
 * The entry at a place. Where mtlbd has exchanged the table since it was found, another one may
 * stand there, or even of another kind: NULL then.
 */
static __always_inline const struct mtlb_vip *vip_entry(__u32 tenant, __u32 place,
							const struct vip_key *key)
{
	void *table = vip_table_of(tenant);
	const struct mtlb_vip *v = table ? bpf_map_lookup_elem(table, &place) : NULL;

	return v && vip_is(v, key) ? v : NULL;
}

/* The key of an entry for the packet: of its address, and, but for ADDRESS, its protocol. */
static __always_inline struct vip_key vip_key_for(const struct pkt *p, __be16 port, __u8 kind)
{
	__u8 protocol = kind == MTLB_ENTRY_ADDRESS ? 0 : (__u8)p->tuple.protocol;

	return vip_key_of(&p->tuple, port, protocol, kind);
}

/* The first port of the range that holds the port, -1: none does. */
__noinline int vip_range_first(const struct mtlb_ranges *ranges, __u32 port)
{
	if (!ranges)
		return -1;
	for (__u32 i = 0; i < MTLB_RANGES_MAX; i++)
		if (i < ranges->n && port >= ranges->ranges[i].first &&
		    port <= ranges->ranges[i].last)
			return ranges->ranges[i].first;
	return -1;
}

/* Where the VIP is whose range of ports holds the destination's, and its key. */
static __always_inline long vip_place_of_range(const struct pkt *p, struct vip_key *key)
{
	const struct vip_key all = vip_key_for(p, 0, MTLB_ENTRY_RANGES);
	long place = vip_place(&all, p->tenant);
	const struct mtlb_ranges *ranges;
	int first;

	if (place < 0)
		return -1;
	ranges = (const void *)vip_entry(p->tenant, (__u32)place, &all);
	if (!ranges)
		return -1;
	first = vip_range_first(ranges, bpf_ntohs(p->tuple.destination_port));
	if (first < 0)
		return -1;
	*key = vip_key_for(p, bpf_htons((__u16)first), MTLB_ENTRY_RANGE);
	return vip_place(key, p->tenant);
}

/* On a shared segment: whose address is it? */
static __always_inline enum mtlb_reason vip_find_tenant(struct pkt *p)
{
	__u32 only = 0;
	void *table = bpf_map_lookup_elem(&address_tables, &only);
	const struct vip_key key = vip_key_of(&p->tuple, 0, 0, MTLB_ENTRY_ADDRESS);
	const struct mtlb_vip *address;

	if (!table)
		return MTLB_REASON_not_vip;
	address = vip_find(table, &key);
	if (!address)
		return MTLB_REASON_not_vip;
	p->tenant = address->id;
	return MTLB_REASON_CONTINUE;
}
