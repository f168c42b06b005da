/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where each segment stands in the segment table. One whose content changes gets a second place, and its first becomes a
 * tombstone, so that a look-up always finds one or the other. A new entry takes a place that held nothing, or a tombstone of an
 * earlier change. Changed in place is only what follows the interface, its MAC and MTU: when they change, they do for all of its
 * segments at once, and there may not be a second place for each. A packet of that moment may leave with a mixture of both MACs as
 * its source.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "core/image_internal.h"

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Ethernet header and tags towards the next hop; the ethertype behind them is the data plane's. */
static void compose_l2(const struct model_segment *m, const struct mac *from,
		       struct mtlb_segment *out)
{
	uint8_t *at = out->l2;

	memcpy(at, m->next_hop.bytes, ETH_ALEN);
	memcpy(at + ETH_ALEN, from->bytes, ETH_ALEN);
	at += 2 * ETH_ALEN;
	if (m->vlan) {
		put16(at, m->inner_vlan ? ETH_P_8021AD : ETH_P_8021Q);
		put16(at + 2, m->vlan);
		at += 4;
	}
	if (m->vlan && m->inner_vlan) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, m->inner_vlan);
		at += 4;
	}
	out->l2_len = at + 2 - out->l2;
}

/* false: its interface (at 0) or port is absent, or its tenant is unknown. */
static bool compose(const struct build *b, const struct model_segment *m, size_t at,
		    struct mtlb_segment *out)
{
	struct image_interface interface;

	memset(out, 0, sizeof(*out));
	out->tenant = MTLB_TENANT_NONE;
	if (m->tenant[0])
		out->tenant = image_find_tenant(b->image, m->tenant);
	if (out->tenant == IMAGE_NONE || !b->in->interface ||
	    b->in->interface(b->in->ctx, m->interface, at, &interface))
		return false;
	out->ifindex = interface.ifindex;
	out->vlan = m->vlan;
	out->inner_vlan = m->inner_vlan;
	out->state = MTLB_SEGMENT_LIVE;
	if (m->next_hop_set) {
		compose_l2(m, &interface.mac, out);
		out->mtu = interface.mtu;
	}
	return true;
}

/* Do they differ in nothing but MAC and MTU of the interface. */
static bool is_same_but_interface(const struct mtlb_segment *a, const struct mtlb_segment *b)
{
	struct mtlb_segment x = *a;

	if (x.l2_len && b->l2_len) {
		memcpy(x.l2 + ETH_ALEN, b->l2 + ETH_ALEN, ETH_ALEN);
		x.mtu = b->mtu;
	}
	return !memcmp(&x, b, sizeof(x));
}

/*
 * *free_at: the first place that a new entry may take, or IMAGE_NONE. Is the entry there already,
 * or one that may be changed in place?
 */
static bool find_place(const struct build *b, const struct mtlb_segment *want, uint32_t *free_at)
{
	uint32_t mask = b->in->limits.segments - 1;
	uint32_t hash = mtlb_segment_hash(want->ifindex, want->vlan, want->inner_vlan);

	*free_at = IMAGE_NONE;
	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		uint32_t at = (hash + probe) & mask;
		const struct mtlb_segment *old = b->previous ? &b->previous->segments[at] : NULL;
		bool was_live = old && old->state == MTLB_SEGMENT_LIVE;

		if (was_live && is_same_but_interface(old, want)) {
			*free_at = at;
			return true;
		}
		if (!was_live && *free_at == IMAGE_NONE &&
		    b->image->segments[at].state != MTLB_SEGMENT_LIVE)
			*free_at = at;
	}
	return false;
}

static void bury_all(struct build *b)
{
	for (uint32_t s = 0; b->previous && s < b->in->limits.segments; s++) {
		b->image->segments[s] = b->previous->segments[s];
		if (b->image->segments[s].state == MTLB_SEGMENT_LIVE)
			b->image->segments[s].state = MTLB_SEGMENT_DEAD;
	}
}

static bool has_key(const struct build *b, const struct mtlb_segment *want)
{
	uint32_t mask = b->in->limits.segments - 1;
	uint32_t hash = mtlb_segment_hash(want->ifindex, want->vlan, want->inner_vlan);

	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		const struct mtlb_segment *s = &b->image->segments[(hash + probe) & mask];

		if (s->state == MTLB_SEGMENT_LIVE && s->ifindex == want->ifindex &&
		    s->vlan == want->vlan && s->inner_vlan == want->inner_vlan)
			return true;
	}
	return false;
}

static void place(struct build *b, const char *name, const struct mtlb_segment *want)
{
	uint32_t at;

	find_place(b, want, &at);
	if (at != IMAGE_NONE)
		b->image->segments[at] = *want;
	else if (build_is_first_full(b, FULL_SEGMENTS))
		report_add(b->report, name,
			   "no place in the segment table of %u within %d probes: raise "
			   "node/limits/segments",
			   b->in->limits.segments, MTLB_TABLE_PROBES);
}

/* A port that has a segment of its own keeps it, whatever that of its bond says. */
void build_segments(struct build *b)
{
	const struct model *m = b->in->model;
	struct mtlb_segment want;

	bury_all(b);
	for (size_t s = 0; s < m->n_segments; s++)
		if (compose(b, &m->segments[s], 0, &want))
			place(b, m->segments[s].name, &want);
	for (size_t s = 0; s < m->n_segments; s++)
		for (size_t at = 1; compose(b, &m->segments[s], at, &want); at++)
			if (!has_key(b, &want))
				place(b, m->segments[s].name, &want);
}
