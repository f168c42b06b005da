/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the flow table remembers: flows on moving slots and of VIPs that pick by something else than
 * the hash, QUIC connections that the hash would not find, and fragmented packets. One bucket of
 * four entries, one cache line; entries are written without a lock: the check bits of the word
 * belong to the fingerprint, so a pair torn by two writers reads as a miss.
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

static __always_inline struct mtlb_flow_bucket *flow_bucket(const struct mtlb_tenant *owner,
							    __u64 hash)
{
	/* one load: mtlbd stores while we look */
	__u64 range = *(const volatile __u64 *)&owner->flows;
	__u32 at = mtlb_flow_range_bucket(range, hash);

	return bpf_map_lookup_elem(&flows, &at);
}

/*
 * How readily an entry gives way: 0 never, more is sooner. What is left of the same flow, free or
 * timed out, new or a fragment's, closing; the older the sooner. idle_ticks: the longest of the
 * tenant, as the entry may be another VIP's, whose flows live longer.
 */
static __always_inline __u32 flow_yield(const struct mtlb_flow *f, __u64 hash, __u32 idle_ticks,
					__u16 now)
{
	__u64 word = f->word;
	__u32 state = mtlb_flow_word_state(word);
	__u32 age = (__u16)(now - mtlb_flow_word_seen(word));

	if (f->fingerprint == hash)
		return 0x80000;
	if (state == MTLB_FLOW_FREE)
		return 0x60000;
	if (!mtlb_flow_is_live(word, now, idle_ticks, idle_ticks))
		return 0x40000;
	if (state == MTLB_FLOW_NEW || state == MTLB_FLOW_FRAGMENT)
		return 0x20000 | age;
	if (state == MTLB_FLOW_CLOSING)
		return 0x10000 | age;
	return 0;
}

static __always_inline bool flow_is_load(__u64 word)
{
	__u32 state = mtlb_flow_word_state(word);

	return state == MTLB_FLOW_NEW || state == MTLB_FLOW_CONFIRMED;
}

/* An entry that said from says to: what that means for the loads of the backends that it names. */
static __always_inline void flow_count_load(__u64 word, __u32 change)
{
	__u32 at = mtlb_flow_word_backend(word);
	struct mtlb_backend_load *load = bpf_map_lookup_elem(&backend_loads, &at);

	if (load)
		__sync_fetch_and_add(&load->added, change);
}

struct flow_query {
	__u64 hash;
	__u32 idle_ticks, short_ticks; /* of the VIP */
	__u32 now;                   /* tick */
	__u32 is_syn, is_end;        /* the packet begins a flow; ends it: FIN, RST */
	__u32 is_read_only;
	__u32 home;                  /* of a source VIP the slot's owner: MTLB_FLOW_HOME */
	__u32 is_known;              /* out: there is a live entry, whether it binds or not */
};

/*
 * An entry binds as long as its backend serves. But a SYN is decided anew where a backend that
 * takes no new flows has not answered yet, and where a flow has been closed and silent for a while:
 * its port is used again. A flow that is in use is broken neither by a forged SYN nor by a forged
 * RST before it.
 */
#define FLOW_SILENT_TICKS 2          /* 1 to 2 seconds */

static __always_inline bool flow_is_bound(const struct flow_query *q, __u64 word)
{
	__u32 backend = flow_backend_state(mtlb_flow_word_backend(word));
	__u32 state = mtlb_flow_word_state(word);

	if (!mtlb_backend_is_alive(backend))
		return false;
	if (!q->is_syn || state == MTLB_FLOW_CONFIRMED)
		return true;
	if (backend != MTLB_BACKEND_UP)
		return false;
	return state == MTLB_FLOW_NEW ||
	       (__u16)(q->now - mtlb_flow_word_seen(word)) < FLOW_SILENT_TICKS;
}

/* What an entry in this state becomes with this packet. */
static __always_inline __u32 flow_next_state(const struct flow_query *q, __u32 state)
{
	if (state == MTLB_FLOW_FRAGMENT)
		return state;
	if (q->is_end)
		return MTLB_FLOW_CLOSING;
	if (q->is_syn)
		return state == MTLB_FLOW_CONFIRMED ? MTLB_FLOW_CONFIRMED : MTLB_FLOW_NEW;
	return state == MTLB_FLOW_CLOSING ? MTLB_FLOW_CLOSING : MTLB_FLOW_CONFIRMED;
}

/* marks: 0 or MTLB_FLOW_BY_ID. */
static __always_inline void flow_touch(const struct flow_query *q, struct mtlb_flow *f, __u64 word,
				       __u64 marks)
{
	__u32 backend = mtlb_flow_word_backend(word);
	__u64 next = mtlb_flow_word(q->hash, backend,
				    flow_next_state(q, mtlb_flow_word_state(word)), (__u16)q->now) |
		     marks;

	if (backend == q->home)
		next |= MTLB_FLOW_HOME;
	if (next == word || q->is_read_only)
		return; /* most packets of a tick change nothing: the line stays shared */
	if (flow_is_load(word) != flow_is_load(next))
		flow_count_load(word, flow_is_load(next) ? 1 : -1);
	f->word = next;
}

/* A live entry of the flow. */
static __always_inline bool flow_is_known(const struct flow_query *q, const struct mtlb_flow *f,
					  __u64 word)
{
	return f->fingerprint == q->hash &&
	       mtlb_flow_word_check(word) == mtlb_hash_check(q->hash) &&
	       mtlb_flow_is_live(word, (__u16)q->now, q->idle_ticks, q->short_ticks);
}

/* The flow's live entry and *word, what it says; NULL: there is none. */
static __always_inline struct mtlb_flow *flow_find(struct mtlb_flow_bucket *bucket,
						   struct flow_query *q, __u64 *word)
{
	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		struct mtlb_flow *f = &bucket->ways[i];

		*word = *(volatile __u64 *)&f->word;
		if (!flow_is_known(q, f, *word))
			continue;
		q->is_known = 1;
		return f;
	}
	return NULL;
}

/*
 * The backend that the table says, and the entry after this packet; MTLB_BACKENDS_MAX: the flow is
 * to be decided.
 */
__noinline __u32 flow_follow(struct mtlb_flow_bucket *bucket, struct flow_query *q)
{
	struct mtlb_flow *f;
	__u64 word;

	if (!bucket || !q)
		return MTLB_BACKENDS_MAX;
	f = flow_find(bucket, q, &word);
	if (!f || !flow_is_bound(q, word))
		return MTLB_BACKENDS_MAX;
	flow_touch(q, f, word, 0);
	return mtlb_flow_word_backend(word);
}

/*
 * The entry after a packet whose connection id names this backend; 0: there is none, or it names
 * another.
 */
__noinline int flow_go_on_by_id(struct mtlb_flow_bucket *bucket, struct flow_query *q, __u32 backend)
{
	struct mtlb_flow *f;
	__u64 word;

	if (!bucket || !q)
		return 0;
	f = flow_find(bucket, q, &word);
	if (!f || mtlb_flow_word_backend(word) != backend)
		return 0;
	flow_touch(q, f, word, MTLB_FLOW_BY_ID);
	return 1;
}

struct flow_entry {
	__u64 hash, word;            /* what is to be remembered */
	__u32 idle_ticks;            /* the longest of the tenant */
	__u32 now;
	__u32 is_read_only;
	__u32 is_known;              /* the flow has a live entry, which gives way */
};

static __always_inline void flow_replace(struct mtlb_flow *f, const struct flow_entry *e)
{
	__u64 before = f->word;
	bool is_live = f->fingerprint == e->hash ?
			       e->is_known :
			       mtlb_flow_is_live(before, (__u16)e->now, e->idle_ticks, e->idle_ticks);

	if (is_live && flow_is_load(before))
		flow_count_load(before, -1);
	if (flow_is_load(e->word))
		flow_count_load(e->word, 1);
	f->fingerprint = e->hash;
	f->word = e->word;
}

/* 0: the bucket is full of flows that are worth more. */
__noinline int flow_remember(struct mtlb_flow_bucket *bucket, const struct flow_entry *e)
{
	struct mtlb_flow *victim = NULL;
	__u32 best = 0;

	if (!bucket || !e)
		return 0;
	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		__u32 yield = flow_yield(&bucket->ways[i], e->hash, e->idle_ticks, (__u16)e->now);

		if (yield > best) {
			best = yield;
			victim = &bucket->ways[i];
		}
	}
	if (victim && !e->is_read_only)
		flow_replace(victim, e);
	return victim != NULL;
}
