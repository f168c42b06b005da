/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fragments: the first one, which has the ports, is remembered under (source, destination,
 * identification), and the later ones follow it. In the tenant's own part of the flow table.
 */
#pragma once

#include "flow.h"
#include "maps.h"
#include "pkt.h"

static __always_inline __u64 fragment_hash(const struct pkt *p, const struct mtlb_tenant *owner)
{
	/* RFC 8200 4.5: in IPv6 the protocol is no part of it */
	__u32 protocol = p->ethertype == bpf_htons(ETH_P_IP) ? p->tuple.protocol : 0;

	return mtlb_fragment_hash(&p->tuple, p->fragment_id, protocol, owner->key);
}

/* The first fragment goes to p->backend_id. */
__noinline int fragment_remember(struct pkt *p, const struct mtlb_tenant *owner)
{
	struct flow_entry e = {};

	if (!p || !owner)
		return 0;
	e.hash = p->hash = fragment_hash(p, owner);
	e.idle_ticks = owner->idle_ticks;
	e.now = flow_now();
	e.is_read_only = p->is_trace;
	e.word = mtlb_flow_word(e.hash, p->backend_id, MTLB_FLOW_FRAGMENT, (__u16)e.now);
	return flow_remember(flow_bucket(owner, e.hash), &e);
}

/* The backend of a later fragment; MTLB_BACKENDS_MAX: not known. */
__noinline __u32 fragment_follow(struct pkt *p, const struct mtlb_tenant *owner)
{
	struct flow_query q = {
		.idle_ticks = MTLB_FRAGMENT_TICKS,
		.short_ticks = MTLB_FRAGMENT_TICKS,
		.home = MTLB_BACKENDS_MAX,
	};

	if (!p || !owner)
		return MTLB_BACKENDS_MAX;
	q.hash = p->hash = fragment_hash(p, owner);
	q.now = flow_now();
	q.is_read_only = p->is_trace;
	p->how |= MTLB_TRACE_FRAGMENT;
	return flow_follow(flow_bucket(owner, q.hash), &q);
}
