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

/* What a look-up in a table of any size needs of the kernel's struct bpf_map: read by CO-RE (Linux 5.9). */
struct bpf_map {
	__u32 max_entries;
} __attribute__((preserve_access_index));

struct vip_key { /* bytes 16 to 19 of struct mtlb_vip: compared as one word */
	__be16 port;
	__u8 protocol;
	__u8 kind;
};

static __always_inline const struct mtlb_vip *vip_find(void *table, const struct mtlb_tuple *t,
						       struct vip_key key)
{
	const __u64 address[2] = {(__u64)t->destination[1] << 32 | t->destination[0],
				  (__u64)t->destination[3] << 32 | t->destination[2]};
	const __u64 multipliers[2] = {table_key[0], table_key[1]};
	__u32 base = mtlb_table_hash(address, key.port, key.protocol, multipliers);
	__u32 mask = ((const struct bpf_map *)table)->max_entries - 1;
	__u32 wanted;

	__builtin_memcpy(&wanted, &key, sizeof(wanted));
	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = (base + probe) & mask;
		const struct mtlb_vip *v = bpf_map_lookup_elem(table, &at);
		const __u64 *have;

		if (!v)
			return NULL;
		have = (const __u64 *)v->address;
		if (have[1] == address[1] && *(const __u32 *)&v->port == wanted &&
		    have[0] == address[0])
			return v;
		if (v->kind == MTLB_ENTRY_EMPTY)
			return NULL;
	}
	return NULL;
}

static __always_inline const struct mtlb_vip *vip_find_address(void *table,
							       const struct mtlb_tuple *t)
{
	const struct vip_key key = {.kind = MTLB_ENTRY_ADDRESS};

	return vip_find(table, t, key);
}

/* On a shared segment: whose address is it? */
static __always_inline enum mtlb_reason vip_find_tenant(struct pkt *p)
{
	__u32 only = 0;
	void *table = bpf_map_lookup_elem(&address_tables, &only);
	const struct mtlb_vip *address;

	if (!table)
		return MTLB_REASON_not_vip;
	address = vip_find_address(table, &p->tuple);
	if (!address)
		return MTLB_REASON_not_vip;
	p->tenant = address->id;
	return MTLB_REASON_CONTINUE;
}

/* In the table of the tenant. */
static __always_inline enum mtlb_reason vip_find_own(struct pkt *p, void *table)
{
	if (!p->defect) {
		const struct vip_key key = {p->tuple.destination_port, (__u8)p->tuple.protocol,
					    MTLB_ENTRY_VIP};

		p->vip = vip_find(table, &p->tuple, key);
		if (p->vip)
			return MTLB_REASON_CONTINUE;
	}
	if (!vip_find_address(table, &p->tuple))
		return MTLB_REASON_not_vip;
	return p->defect ? p->defect : MTLB_REASON_not_vip_port;
}

static __always_inline enum mtlb_reason vip(struct xdp_md *ctx, struct pkt *p)
{
	enum mtlb_reason reason;
	__u32 tenant;
	void *table;

	if (p->tenant == MTLB_TENANT_NONE) {
		reason = vip_find_tenant(p);
		if (reason)
			return reason;
	}
	tenant = p->tenant;
	p->owner = bpf_map_lookup_elem(&tenants, &tenant);
	if (!p->owner)
		return MTLB_REASON_internal;
	table = bpf_map_lookup_elem(&vip_tables, &tenant);
	if (table)
		return vip_find_own(p, table); /* the same lines below, but with look-ups inlined */
	table = bpf_map_lookup_elem(&vip_tables_large, &tenant);
	if (table)
		return vip_find_own(p, table);
	return MTLB_REASON_not_vip; /* the tenant has no VIP, or is suspended */
}
