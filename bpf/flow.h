/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which backend serves a flow on a moving slot, and what the flow table remembers of it. One
 * bucket of four entries, one cache line; entries are written without a lock: the check bits of
 * the word belong to the fingerprint, so a pair torn by two writers reads as a miss.
 */
#pragma once

#include "maps.h"
#include "pkt.h"

static __always_inline __u16 flow_now(void)
{
	return (__u16)(bpf_ktime_get_coarse_ns() >> MTLB_TICK_SHIFT);
}

static __always_inline __u32 flow_backend_state(__u32 id)
{
	const struct mtlb_backend *b = bpf_map_lookup_elem(&backends, &id);

	return b ? mtlb_backend_word_state(b->word) : MTLB_BACKEND_FREE;
}

static __always_inline struct mtlb_flow_bucket *flow_bucket(const struct pkt *p)
{
	/* one load: mtlbd stores while we look */
	__u64 range = *(const volatile __u64 *)&p->owner->flows;
	__u32 at = mtlb_flow_range_bucket(range, p->hash);

	return bpf_map_lookup_elem(&flows, &at);
}

/* The flow's live entry; *found: its word as it was when its fingerprint matched. */
static __always_inline struct mtlb_flow *flow_find(struct mtlb_flow_bucket *bucket,
						   const struct pkt *p, __u16 now, __u64 *found)
{
	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		struct mtlb_flow *f = &bucket->ways[i];
		__u64 word = *(volatile __u64 *)&f->word;

		if (f->fingerprint == p->hash &&
		    mtlb_flow_word_check(word) == mtlb_hash_check(p->hash) &&
		    mtlb_flow_is_live(word, now, p->vip->idle_ticks, p->vip->short_ticks)) {
			*found = word;
			return f;
		}
	}
	return NULL;
}

/*
 * How readily an entry gives way: 0 never, more is sooner. What is left of the same flow, free or
 * timed out, new, closing; the older the sooner.
 */
static __always_inline __u32 flow_yield(const struct mtlb_flow *f, const struct pkt *p, __u16 now)
{
	__u64 word = f->word;
	__u32 state = mtlb_flow_word_state(word);
	__u32 age = (__u16)(now - mtlb_flow_word_seen(word));

	if (f->fingerprint == p->hash)
		return 0x80000;
	if (state == MTLB_FLOW_FREE)
		return 0x60000;
	/* the entry may be another VIP's, whose flows live longer */
	if (!mtlb_flow_is_live(word, now, p->owner->idle_ticks, p->owner->idle_ticks))
		return 0x40000;
	if (state == MTLB_FLOW_NEW)
		return 0x20000 | age;
	if (state == MTLB_FLOW_CLOSING)
		return 0x10000 | age;
	return 0;
}

/* False: the bucket is full of flows that are worth more. */
static __always_inline bool flow_remember(struct mtlb_flow_bucket *bucket, const struct pkt *p,
					  __u64 word, __u16 now)
{
	struct mtlb_flow *victim = NULL;
	__u32 best = 0;

	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		__u32 yield = flow_yield(&bucket->ways[i], p, now);

		if (yield > best) {
			best = yield;
			victim = &bucket->ways[i];
		}
	}
	if (!victim)
		return false;
	victim->fingerprint = p->hash;
	victim->word = word;
	return true;
}
