/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Destination -> VIP, in the table of the segment's tenant; on a shared segment the address finds
 * the tenant first.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

static __always_inline const struct mtlb_table_head *vip_table_head(void *table)
{
	__u32 zero = 0;
	const struct mtlb_table_entry *entry = bpf_map_lookup_elem(table, &zero);

	return entry ? &entry->head : NULL;
}

struct vip_key { /* bytes 16 to 19 of struct mtlb_vip: compared as one word */
	__be16 port;
	__u8 protocol;
	__u8 kind;
};

static __always_inline const struct mtlb_vip *vip_find(void *table,
						       const struct mtlb_table_head *head,
						       const struct mtlb_tuple *t,
						       struct vip_key key)
{
	__u64 high = (__u64)t->destination[1] << 32 | t->destination[0];
	__u64 low = (__u64)t->destination[3] << 32 | t->destination[2];
	__u32 base = mtlb_table_hash(t->destination, key.port, key.protocol, head->key);
	__u32 wanted;

	__builtin_memcpy(&wanted, &key, sizeof(wanted));
	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = 1 + ((base + probe) & head->mask);
		const struct mtlb_table_entry *entry = bpf_map_lookup_elem(table, &at);
		const __u64 *address;

		if (!entry)
			return NULL;
		address = (const __u64 *)entry->vip.address;
		if (address[1] == low && *(const __u32 *)&entry->vip.port == wanted &&
		    address[0] == high)
			return &entry->vip;
		if (entry->vip.kind == MTLB_ENTRY_EMPTY)
			return NULL;
	}
	return NULL;
}

static __always_inline const struct mtlb_vip *
vip_find_address(void *table, const struct mtlb_table_head *head, const struct mtlb_tuple *t)
{
	const struct vip_key key = {.kind = MTLB_ENTRY_ADDRESS};

	return vip_find(table, head, t, key);
}

/* On a shared segment: whose address is it? */
static __always_inline enum mtlb_reason vip_find_tenant(struct pkt *p)
{
	__u32 none = MTLB_TENANT_NONE;
	void *table = bpf_map_lookup_elem(&vip_tables, &none);
	const struct mtlb_table_head *head;
	const struct mtlb_vip *address;

	if (!table)
		return MTLB_REASON_not_vip;
	head = vip_table_head(table);
	if (!head)
		return MTLB_REASON_internal;
	address = vip_find_address(table, head, &p->tuple);
	if (!address)
		return MTLB_REASON_not_vip;
	p->tenant = address->id;
	return MTLB_REASON_CONTINUE;
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
	table = bpf_map_lookup_elem(&vip_tables, &tenant);
	if (!table)
		return MTLB_REASON_not_vip; /* the tenant has no VIP, or is suspended */
	p->head = vip_table_head(table);
	if (!p->head)
		return MTLB_REASON_internal;
	if (!p->defect) {
		const struct vip_key key = {p->tuple.destination_port, (__u8)p->tuple.protocol,
					    MTLB_ENTRY_VIP};

		p->vip = vip_find(table, p->head, &p->tuple, key);
		if (p->vip)
			return MTLB_REASON_CONTINUE;
	}
	if (!vip_find_address(table, p->head, &p->tuple))
		return MTLB_REASON_not_vip;
	return p->defect ? p->defect : MTLB_REASON_not_vip_port;
}
