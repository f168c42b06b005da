/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose packet it is: tenant, address, VIP; and for what is not common all that can be wrong before
 * that.
 */
#pragma once

#include "headers.h"
#include "icmp.h"
#include "maps.h"
#include "pkt.h"
#include "vip.h"

/* All that parse.h left open. */
static __always_inline enum mtlb_reason service_read(struct xdp_md *ctx, struct pkt *p, bool echo)
{
	struct headers h = {
		.at = p->l2_len,
		.end = p->l2_len + p->ip_len,
		.frame_len = p->frame_len,
		.is_ipv4 = p->ethertype == bpf_htons(ETH_P_IP),
		.protocol = p->tuple.protocol,
	};
	enum mtlb_reason reason = headers_walk(ctx, &h);

	if (reason)
		return reason;
	p->l4 = h.at;
	p->is_fragment = h.is_fragment;
	p->is_later = h.is_later;
	p->fragment_id = h.fragment_id;
	if (!h.is_later && headers_is_icmp(&h)) {
		__builtin_memcpy(h.source, p->tuple.source, 16);
		__builtin_memcpy(h.destination, p->tuple.destination, 16);
		reason = icmp_read(ctx, p->l2_len, &h, echo && pkt_is_answerable(p));
		if (reason)
			return reason;
		__builtin_memcpy(p->tuple.source, h.source, 16);
		p->is_about = true;
	}
	p->tuple.protocol = h.protocol;
	p->tuple.source_port = h.source_port;
	p->tuple.destination_port = h.destination_port;
	p->tcp_flags = (__u8)h.tcp_flags;
	return MTLB_REASON_CONTINUE;
}

/*
 * The port has no VIP entry of its own, or the packet is not common. CONTINUE: vip_at is set, or it
 * is a later fragment.
 */
__noinline int service_uncommon(struct xdp_md *ctx, struct pkt *p, bool drops_other_ports)
{
	const struct mtlb_vip *address;
	enum mtlb_reason reason;
	struct vip_key key;
	long place;

	if (!p)
		return MTLB_REASON_internal;
	key = vip_key_for(p, 0, MTLB_ENTRY_ADDRESS);
	place = vip_place(&key, p->tenant);
	address = place < 0 ? NULL : vip_entry(p->tenant, (__u32)place, &key);
	if (!address)
		return MTLB_REASON_not_vip;
	place = -1;
	if (!p->is_common) {
		p->how |= MTLB_TRACE_UNCOMMON;
		reason = service_read(ctx, p, address->flags & MTLB_VIP_ECHO);
		if (reason || p->is_later)
			return reason;
		key = vip_key_for(p, p->tuple.destination_port, MTLB_ENTRY_VIP);
		place = vip_place(&key, p->tenant);
	}
	if (place < 0 && address->flags & MTLB_VIP_RANGES)
		place = vip_place_of_range(p, &key);
	if (place >= 0) {
		p->vip_at = (__u32)place;
		p->vip_port = key.port;
		p->vip_kind = key.kind;
		return MTLB_REASON_CONTINUE;
	}
	if (p->is_about)
		return MTLB_REASON_icmp_other;
	return drops_other_ports ? MTLB_REASON_port_closed : MTLB_REASON_not_vip_port;
}

static __always_inline enum mtlb_reason service_longer(struct xdp_md *ctx, struct pkt *p,
						       struct found *f)
{
	struct vip_key key;
	enum mtlb_reason reason =
		service_uncommon(ctx, p, f->owner->flags & MTLB_TENANT_DROP_OTHER_PORTS);

	if (reason || p->is_later)
		return reason;
	key = vip_key_for(p, p->vip_port, (__u8)p->vip_kind);
	f->vip = vip_entry(p->tenant, p->vip_at, &key);
	return f->vip ? MTLB_REASON_CONTINUE : MTLB_REASON_not_vip;
}

static __always_inline enum mtlb_reason service(struct xdp_md *ctx, struct pkt *p, struct found *f)
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
	f->owner = bpf_map_lookup_elem(&tenants, &tenant);
	if (!f->owner)
		return MTLB_REASON_internal;
	/* the same line twice, so that look-ups in the tables of one size are inlined */
	table = bpf_map_lookup_elem(&vip_tables, &tenant);
	if (table) {
		f->vip = p->is_common ? vip_find_port(table, &p->tuple) : NULL;
	} else {
		table = bpf_map_lookup_elem(&vip_tables_large, &tenant);
		if (!table)
			return MTLB_REASON_not_vip; /* the tenant has no VIP, or is suspended */
		f->vip = p->is_common ? vip_find_port(table, &p->tuple) : NULL;
	}
	return f->vip ? MTLB_REASON_CONTINUE : service_longer(ctx, p, f);
}
