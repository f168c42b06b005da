/* SPDX-License-Identifier: GPL-2.0-only */
/* Destination -> VIP, in the table of the segment's tenant; on a shared segment the address finds the tenant first. */
#pragma once

#include "maps.h"
#include "pkt.h"

static __always_inline const struct mtlb_table_head *vip_table_head(void *table)
{
	__u32 zero = 0;
	const struct mtlb_table_entry *entry = bpf_map_lookup_elem(table, &zero);

	return entry ? &entry->head : NULL;
}

static __always_inline const struct mtlb_vip *vip_find(void *table, const struct mtlb_table_head *head,
						       const struct mtlb_tuple *t, __be16 port,
						       __u8 protocol)
{
	const __u64 *wanted = (const __u64 *)t->destination;
	__u32 base = mtlb_table_hash(t->destination, port, protocol, head->key);

	for (__u32 probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		__u32 at = 1 + ((base + probe) & head->mask);
		const struct mtlb_table_entry *entry = bpf_map_lookup_elem(table, &at);
		const __u64 *have;

		if (!entry || entry->vip.kind == MTLB_ENTRY_EMPTY)
			return NULL;
		have = (const __u64 *)entry->vip.address;
		if (have[1] == wanted[1] && have[0] == wanted[0] && entry->vip.port == port &&
		    entry->vip.protocol == protocol)
			return &entry->vip;
	}
	return NULL;
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
	address = vip_find(table, head, &p->tuple, 0, 0);
	if (!address)
		return MTLB_REASON_not_vip;
	p->tenant = address->id;
	return MTLB_REASON_CONTINUE;
}

static __always_inline enum mtlb_reason vip(struct xdp_md *ctx, struct pkt *p)
{
	enum mtlb_reason reason;
	void *table;

	if (p->tenant == MTLB_TENANT_NONE) {
		reason = vip_find_tenant(p);
		if (reason)
			return reason;
	}
	table = bpf_map_lookup_elem(&vip_tables, &p->tenant);
	if (!table)
		return MTLB_REASON_not_vip; /* the tenant has no VIP, or is suspended */
	p->head = vip_table_head(table);
	if (!p->head)
		return MTLB_REASON_internal;
	if (!p->defect) {
		p->vip = vip_find(table, p->head, &p->tuple, p->tuple.destination_port,
				  (__u8)p->tuple.protocol);
		if (p->vip)
			return MTLB_REASON_CONTINUE;
	}
	if (!vip_find(table, p->head, &p->tuple, 0, 0))
		return MTLB_REASON_not_vip;
	return p->defect ? p->defect : MTLB_REASON_not_vip_port;
}
