/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow hash, table positions, and how the packed 8-byte words are laid out. Pure: no state, no
 * helper, the same bytes on both sides. All words are host order (the node's own CPU).
 */
#pragma once

#include "mtlb_abi.h"

/* ---- hashing ------------------------------------------------------------------------------------
 * NH (Black et al., UMAC, CRYPTO 1999; RFC 4418 section 5.2) over 32-bit words as they lie in
 * memory, keyed per tenant, then a multiply-xorshift finish with a second key. Two
 * different inputs collide before the finish with probability 2^-32, whoever chooses them.
 */
struct mtlb_tuple {                  /* what identifies a flow of a tenant */
	__u32 source[4];             /* wire order, IPv4 mapped */
	__u32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u32 protocol;
};
MTLB_ASSERT_SIZE(struct mtlb_tuple, 40);

static inline __attribute__((always_inline)) __u64 mtlb_nh(__u32 a, __u32 b, const __u32 *key)
{
	return (__u64)(__u32)(a + key[0]) * (__u32)(b + key[1]);
}

static inline __attribute__((always_inline)) __u64 mtlb_mix(__u64 hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ULL;
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ULL;
	hash ^= hash >> 32;
	return hash;
}

/* key: mtlb_tenant.key, 12 words: ten for NH, two for the finish. */
static inline __attribute__((always_inline)) __u64 mtlb_flow_hash(const struct mtlb_tuple *t,
								  const __u32 *key)
{
	__u32 ports = (__u32)t->source_port << 16 | t->destination_port;
	__u64 sum = mtlb_nh(t->source[0], t->source[1], key) +
		    mtlb_nh(t->source[2], t->source[3], key + 2) +
		    mtlb_nh(t->destination[0], t->destination[1], key + 4) +
		    mtlb_nh(t->destination[2], t->destination[3], key + 6) +
		    mtlb_nh(ports, t->protocol, key + 8);

	return mtlb_mix(sum ^ ((__u64)key[11] << 32 | key[10]));
}

/*
 * Position base in a VIP table: mask it. Two secret odd multipliers of the node, so that nobody can choose addresses
 * that meet, and a finish that brings what the high bits know down to the low ones. address: two words in wire order.
 */
static inline __attribute__((always_inline)) __u32
mtlb_table_hash(const __u64 *address, __be16 port, __u8 protocol, const __u64 *key)
{
	__u64 low = address[1] + ((__u64)port << 16 | protocol);
	__u64 sum = address[0] * key[0] + low * key[1];

	sum ^= sum >> 32;
	return (__u32)(sum * 0xd6e8feb86659fd93ULL >> 32);
}

/* Position base in the segment table: mask it. Not keyed: nobody outside chooses its entries. */
static inline __attribute__((always_inline)) __u32 mtlb_segment_hash(__u32 ifindex, __u16 vlan,
								     __u16 inner_vlan)
{
	__u64 word = (__u64)ifindex << 32 | (__u32)vlan << 16 | inner_vlan;

	word *= 0x9e3779b97f4a7c15ULL;
	word ^= word >> 32;
	return (__u32)(word * 0xd6e8feb86659fd93ULL >> 32);
}

/* The hash that chooses the slot of a VIP of algorithm source: client address, cut to bits of its 128. */
static inline __attribute__((always_inline)) __u64
mtlb_source_hash(const struct mtlb_tuple *t, __u32 bits, const __u32 *key)
{
	struct mtlb_tuple source = {.protocol = 0};

	for (__u32 i = 0; i < 4; i++) {
		__u32 kept = bits < 32 * i ? 0 : bits - 32 * i;
		__u32 mask = (__u32)(0xffffffff00000000ULL >> (kept < 32 ? kept : 32));

		source.source[i] = t->source[i] & __builtin_bswap32(mask);
	}
	return mtlb_flow_hash(&source, key);
}

/* The tuple under which the first fragment of a packet is remembered. id: as it lies in memory. */
static inline __attribute__((always_inline)) __u64
mtlb_fragment_hash(const struct mtlb_tuple *t, __u32 id, __u32 protocol, const __u32 *key)
{
	struct mtlb_tuple fragment = *t;

	fragment.source_port = (__be16)(id >> 16);
	fragment.destination_port = (__be16)id;
	fragment.protocol = protocol | 0x10000;
	return mtlb_flow_hash(&fragment, key);
}

/* ---- live flows of a backend: struct mtlb_backend_load ------------------------------------------ */
static inline __attribute__((always_inline)) __u32 mtlb_load(__u64 word, __u32 added)
{
	__u32 load = (__u32)word + added - (__u32)(word >> 32);

	return load >> 31 ? 0 : load; /* below zero for a moment: a flow ended that was not counted */
}

static inline __u64 mtlb_load_word(__u32 counted, __u32 mark)
{
	return (__u64)mark << 32 | counted;
}

/* ---- what is taken from a flow hash: disjoint bits as far as there are any ---------------------- */
static inline __attribute__((always_inline)) __u32 mtlb_hash_slot(__u64 hash, __u32 ring_log2)
{
	return (__u32)(hash >> 32) >> (32 - ring_log2);
}

static inline __attribute__((always_inline)) __u32 mtlb_hash_bucket(__u64 hash, __u32 flow_mask)
{
	return (__u32)hash & flow_mask;
}

static inline __attribute__((always_inline)) __u16 mtlb_hash_check(__u64 hash)
{
	return (__u16)(hash * 0x9e3779b97f4a7c15ULL >> 52);
}

/* ---- a tenant's range of the flow table: first bucket:32 mask:32 --------------------------------- */
static inline __u64 mtlb_flow_range(__u32 base, __u32 mask)
{
	return (__u64)mask << 32 | base;
}

static inline __attribute__((always_inline)) __u32 mtlb_flow_range_bucket(__u64 range, __u64 hash)
{
	return (__u32)range + mtlb_hash_bucket(hash, (__u32)(range >> 32));
}

/* ---- VIP word: ring offset:32 ring_log2:5 moving:1 unknown_to_previous:1 empty:1 zero:24 -------- */
#define MTLB_VIP_MOVING (1ULL << 37)  /* some slots are moving: previous owners lie behind the slots */
#define MTLB_VIP_LEARNING (1ULL << 38) /* unknown flows on moving slots (but TCP SYNs) stay with the previous owner */
#define MTLB_VIP_EMPTY (1ULL << 39)   /* no usable backend */

static inline __u64 mtlb_vip_word(__u32 ring, __u32 ring_log2, __u64 flags)
{
	return (__u64)ring | (__u64)ring_log2 << 32 | flags;
}

static inline __attribute__((always_inline)) __u32 mtlb_vip_word_ring(__u64 word)
{
	return (__u32)word;
}

static inline __attribute__((always_inline)) __u32 mtlb_vip_word_log2(__u64 word)
{
	return (__u32)(word >> 32) & 31;
}

/* ---- backend word: state:8 variant:1 zero:7 weight:16 zero:32 ------------------------------------ */
static inline __u64 mtlb_backend_word(enum mtlb_backend_state state, unsigned int variant,
				      unsigned int weight)
{
	return (__u64)state | (__u64)(variant & 1) << 8 | (__u64)(weight & 0xffff) << 16;
}

static inline __attribute__((always_inline)) __u32 mtlb_backend_word_weight(__u64 word)
{
	return (__u32)(word >> 16) & 0xffff;
}

static inline __attribute__((always_inline)) __u32 mtlb_backend_word_state(__u64 word)
{
	return (__u32)word & 0xff;
}

static inline __attribute__((always_inline)) __u32 mtlb_backend_word_variant(__u64 word)
{
	return (__u32)(word >> 8) & 1;
}

/* A backend that still serves the flows it has. */
static inline __attribute__((always_inline)) int mtlb_backend_is_alive(__u32 state)
{
	return state == MTLB_BACKEND_UP || state == MTLB_BACKEND_DRAINING ||
	       state == MTLB_BACKEND_LEAVING;
}

/* ---- flow word: seen:16 state:4 check:12 backend:24 home:1 by_id:1 spare:6 ---------------------- */
/*
 * Of VIPs of algorithm source: with its last packet the flow was on its slot's owner. Nobody can tell its slot from the
 * entry, so this is how mtlbd knows when a move is over.
 */
#define MTLB_FLOW_HOME (1ULL << 56)
/*
 * With its last packet a QUIC connection id named the flow's backend: the entry is there to be counted, and no mark of a
 * slot need stay for it.
 */
#define MTLB_FLOW_BY_ID (1ULL << 57)

enum mtlb_flow_state {
	MTLB_FLOW_FREE = 0,
	MTLB_FLOW_NEW = 1,           /* seen once: a SYN, one datagram */
	MTLB_FLOW_CONFIRMED = 2,     /* a second packet came, or it is older than the move */
	MTLB_FLOW_CLOSING = 3,       /* FIN or RST seen */
	MTLB_FLOW_FRAGMENT = 4,      /* no flow: later fragments of a packet follow its first one */
};

static inline __attribute__((always_inline)) __u64 mtlb_flow_word(__u64 hash, __u32 backend,
								  __u32 state, __u16 seen)
{
	return (__u64)seen | (__u64)state << 16 | (__u64)mtlb_hash_check(hash) << 20 |
	       (__u64)backend << 32;
}

static inline __attribute__((always_inline)) __u16 mtlb_flow_word_seen(__u64 word)
{
	return (__u16)word;
}

static inline __attribute__((always_inline)) __u32 mtlb_flow_word_state(__u64 word)
{
	return (__u32)(word >> 16) & 15;
}

static inline __attribute__((always_inline)) __u16 mtlb_flow_word_check(__u64 word)
{
	return (__u16)(word >> 20 & 0xfff);
}

static inline __attribute__((always_inline)) __u32 mtlb_flow_word_backend(__u64 word)
{
	return (__u32)(word >> 32) & 0xffffff;
}

/* now, seen: ticks, which wrap at 16 bits; timeouts are below 2^15 ticks (9.7 hours). */
static inline __attribute__((always_inline)) int
mtlb_flow_is_live(__u64 word, __u16 now, __u32 idle_ticks, __u32 short_ticks)
{
	__u32 state = mtlb_flow_word_state(word);
	__u16 age = (__u16)(now - mtlb_flow_word_seen(word));
	__u32 ticks = state == MTLB_FLOW_CONFIRMED ? idle_ticks : short_ticks;

	if (state == MTLB_FLOW_FREE)
		return 0;
	if (state == MTLB_FLOW_FRAGMENT)
		ticks = MTLB_FRAGMENT_TICKS;
	/* the clock may have gone on since the caller read it: up to two ticks ahead is alive */
	return (__u16)(age + 2) <= ticks + 2;
}

/* ---- Internet checksum (RFC 1071) --------------------------------------------------------------- */
/* One fold is not enough: 0x1ffff folds to 0x10000. */
static inline __attribute__((always_inline)) __u16 mtlb_csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}
