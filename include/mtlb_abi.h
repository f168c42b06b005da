/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the data plane and user space agree on: limits, pins, map keys and values, reasons.
 * Builds for BPF and for user space. A change of any layout here raises MTLB_ABI_VERSION.
 */
#pragma once

#include <linux/types.h>

#ifdef __cplusplus
#define MTLB_STATIC_ASSERT(what, text) static_assert(what, text)
#else
#define MTLB_STATIC_ASSERT(what, text) _Static_assert(what, text)
#endif
#define MTLB_ASSERT_SIZE(type, size) MTLB_STATIC_ASSERT(sizeof(type) == (size), #type)
#define MTLB_ASSERT_AT(type, field, at)                                                            \
	MTLB_STATIC_ASSERT(__builtin_offsetof(type, field) == (at), #type "." #field)

#define MTLB_ABI_VERSION 1

#define MTLB_PIN_DIR "/sys/fs/bpf/mtlb"

enum {
	MTLB_NAME_LEN = 64,          /* names of tenants, VIPs, backends: at most 63 bytes and a NUL */
	MTLB_VLAN_MAX = 4094,
	MTLB_RING_LOG2_MIN = 2,      /* a ring has 4 to 1 Mi slots */
	MTLB_RING_LOG2_MAX = 20,
	MTLB_VIP_BACKENDS_MAX = 32767, /* a ring slot indexes the VIP's backends by 15 bits */
	MTLB_BACKENDS_MAX = 1 << 24, /* a flow entry names a backend by 24 bits */
	MTLB_TABLE_SMALL = 256,      /* entries of a VIP table in vip_tables: 16 kB, 64 VIPs or more */
	MTLB_TABLE_PROBES = 8,       /* open-addressed tables: mtlbd builds them so that this suffices */
	MTLB_FLOW_WAYS = 4,          /* entries in a flow bucket: one cache line */
	MTLB_L2_MAX = 22,            /* Ethernet and two tags */
	MTLB_OUTER_MAX = 88,         /* the outer headers behind Ethernet: IPv6, UDP, VXLAN, Ethernet = 70 */
	MTLB_TENANT_NONE = 0,        /* slot 0 of every tenant-indexed map is the node itself */
	MTLB_TICK_SHIFT = 30,        /* a tick is 2^30 ns (1.07 s) of CLOCK_MONOTONIC_COARSE */
};

/*
 * Every packet ends with exactly one of these. X(name, verdict, text): the verdict is one of
 * FORWARD (the encapsulated packet leaves), PASS (to the kernel, untouched) and DROP.
 * New ones go to the end of their group and raise the ABI version.
 */
#define MTLB_REASONS(X)                                                                            \
	X(forwarded, FORWARD, "encapsulated and sent to a backend")                                \
	X(not_ip, PASS, "neither IPv4 nor IPv6 (ARP, LLDP, ...), or cut off before an address")    \
	X(no_segment, PASS, "interface and VLAN belong to no segment")                             \
	X(not_vip, PASS, "the destination address is no VIP of this segment")                      \
	X(not_vip_port, PASS, "the address is a VIP's, but no VIP has this port")                  \
	X(other_protocol, PASS, "the address is a VIP's, but the protocol is neither TCP nor UDP") \
	X(malformed, DROP, "for a VIP, but truncated, or its lengths contradict each other")       \
	X(fragment, DROP, "a fragment for a VIP")                                                  \
	X(no_backend, DROP, "the VIP has no usable backend")                                       \
	X(no_next_hop, DROP, "the backend's next hop is not resolved")                             \
	X(no_headroom, DROP, "the driver gave no room for the outer headers")                      \
	X(too_big, DROP, "the outer packet would exceed 65535 bytes")                              \
	X(internal, DROP, "a look-up that cannot miss missed: the maps contradict each other")

enum mtlb_reason {
	MTLB_REASON_CONTINUE = 0,    /* a stage's answer: go on */
#define MTLB_REASON_ENUM(name, verdict, text) MTLB_REASON_##name,
	MTLB_REASONS(MTLB_REASON_ENUM)
#undef MTLB_REASON_ENUM
	MTLB_REASON_END,
};

/* ---- segments: open-addressed array, written in place through mmap ---------------------------
 * Key (ifindex, vlan, inner_vlan), position mtlb_segment_hash() and up to MTLB_TABLE_PROBES on.
 * state is stored last, and an entry's key changes only while no reader can hold it.
 */
enum mtlb_segment_state {
	MTLB_SEGMENT_EMPTY = 0,      /* ends a search */
	MTLB_SEGMENT_DEAD = 1,       /* removed: skipped, not the end of a search */
	MTLB_SEGMENT_LIVE = 2,
};

struct mtlb_segment {
	__u32 ifindex;
	__u16 vlan;                  /* outer VLAN id, host order; 0: untagged */
	__u16 inner_vlan;            /* second VLAN id of QinQ; 0: at most one tag */
	__u32 tenant;                /* MTLB_TENANT_NONE: shared, the destination address decides */
	__u16 state;                 /* enum mtlb_segment_state */
	__u8 l2_len;                 /* 14, 18 or 22: send with l2 below; 0: the backend's own next hop */
	__u8 zero;
	__u8 l2[24];                 /* Ethernet header and tags towards the given next hop; ethertype patched */
	__u8 zero2[24];
};
MTLB_ASSERT_SIZE(struct mtlb_segment, 64);
MTLB_ASSERT_AT(struct mtlb_segment, tenant, 8);

/* ---- tenants: array, by slot, written in place through mmap ------------------------------------- */
struct mtlb_tenant {
	__u32 key[12];               /* hash key of its flows: mtlb_flow.h; set once, before its first VIP */
	__u64 flows;                 /* mtlb_flow_range(): its part of the flow table, one store */
	__u32 idle_ticks;            /* the longest of its VIPs: a younger confirmed flow may be any VIP's */
	__u32 zero;
};
MTLB_ASSERT_SIZE(struct mtlb_tenant, 64);
MTLB_ASSERT_AT(struct mtlb_tenant, flows, 48);

/* ---- vip_tables: array of maps, tenant slot -> array of MTLB_TABLE_SMALL struct mtlb_vip -----------
 * vip_tables_large: the same, of any larger power of two, looked at where vip_tables has none. The kernel
 * inlines a look-up only where all inner maps have one size; a call costs 5 ns where returns are hardened.
 * Open-addressed: position (mtlb_table_hash() + probe) & (max_entries - 1), fewer than MTLB_TABLE_PROBES probes.
 * address_tables: the same with one slot, and one entry for each address that is reachable through
 * shared segments: (address, 0, 0) -> tenant in .id. All its tables have one size, so that the look-up is inlined.
 * Keys of a published table never change; .word of a VIP does, by one 8-byte store.
 */
enum mtlb_entry_kind {
	MTLB_ENTRY_EMPTY = 0,
	MTLB_ENTRY_VIP = 1,
	MTLB_ENTRY_ADDRESS = 2,      /* key (address, 0, 0): this address belongs to some VIP */
};

struct mtlb_vip {
	__u8 address[16];            /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 protocol;               /* IPPROTO_TCP, IPPROTO_UDP; 0 with MTLB_ENTRY_ADDRESS */
	__u8 kind;                   /* enum mtlb_entry_kind */
	__u32 id;                    /* index of vip_stats and vip_info; of an ADDRESS the tenant's slot */
	__u64 word;                  /* mtlb_vip_word_*() in mtlb_flow.h: ring and what moves */
	__u32 idle_ticks;            /* a confirmed flow is live for so long after its last packet */
	__u32 short_ticks;           /* an unconfirmed flow, or one after FIN or RST */
	__u8 zero[24];
};
MTLB_ASSERT_SIZE(struct mtlb_vip, 64);
MTLB_ASSERT_AT(struct mtlb_vip, word, 24);

/* ---- rings: array of 8-byte units, mmapped ----------------------------------------------------
 * A VIP's ring of L = 2^log2 slots starts at unit R (from its word):
 *   units R - 1, R - 2, ...           ids: backend i is ids[i & 1] of unit R - 1 - i / 2
 *   units R ... R + L/4 - 1           slots, four to a unit
 *   units R + L/4 ... R + L/2 - 1     previous owners; only while the VIP's word says moving
 */
#define MTLB_SLOT_MOVING 0x8000      /* mark of a moving slot; the other 15 bits index the ids */

union mtlb_ring_unit {
	__u16 slots[4];
	__u32 ids[2];
};
MTLB_ASSERT_SIZE(union mtlb_ring_unit, 8);

/* ---- backends: array, written in place through mmap -------------------------------------------
 * Two variants of the encapsulation: mtlbd writes the one not in use, then flips word.
 */
enum mtlb_backend_state {
	MTLB_BACKEND_FREE = 0,
	MTLB_BACKEND_UP = 1,
	MTLB_BACKEND_DRAINING = 2,   /* keeps its flows, gets no new ones */
	MTLB_BACKEND_DOWN = 3,       /* failed its health checks: flows lost */
	MTLB_BACKEND_DISABLED = 4,   /* by the operator: flows cut */
	MTLB_BACKEND_LEAVING = 5,    /* no longer configured, kept for its flows: like draining */
};

enum mtlb_encap_kind {
	MTLB_ENCAP_NONE = 0,         /* next hop unknown */
	MTLB_ENCAP_IPIP = 1,         /* bare IP in IP, all four family combinations */
	MTLB_ENCAP_VXLAN = 2,        /* RFC 7348 */
};

#define MTLB_ENCAP_OUTER_IPV6 0x01   /* flags: the outer header is IPv6 */
#define MTLB_ENCAP_UDP 0x02          /* UDP behind the outer IP: length and source port are patched */
#define MTLB_ENCAP_INNER_ETH 0x04    /* ends with an Ethernet header: its ethertype is the inner family's */

struct mtlb_encap {
	__u8 kind;                   /* enum mtlb_encap_kind */
	__u8 flags;
	__u8 l2_len;                 /* 14, 18 or 22 */
	__u8 outer_len;              /* bytes of outer in use: IP header and all up to the inner IP header */
	__u32 ifindex;               /* where the packet leaves */
	__u8 l2[24];                 /* Ethernet header with tags, first byte first */
	__u8 outer[MTLB_OUTER_MAX];  /* lengths zero; the IPv4 checksum field holds the folded sum
				      * of the constant fields (16 bits, not inverted): add the length, invert */
};

struct mtlb_backend {
	__u64 word;                  /* mtlb_backend_word_*(): state, variant in use */
	struct mtlb_encap encap0;
	__u64 zero;
	struct mtlb_encap encap1;
};
MTLB_ASSERT_SIZE(struct mtlb_encap, 120);
MTLB_ASSERT_SIZE(struct mtlb_backend, 256);
MTLB_ASSERT_AT(struct mtlb_backend, encap1, 136);

/* ---- flows: array of buckets, mmapped --------------------------------------------------------- */
struct mtlb_flow {
	__u64 fingerprint;           /* the flow hash; 0 with word 0: free */
	__u64 word;                  /* mtlb_flow_word_*() */
};

struct mtlb_flow_bucket {
	struct mtlb_flow ways[MTLB_FLOW_WAYS];
};
MTLB_ASSERT_SIZE(struct mtlb_flow_bucket, 64);

/* ---- counters: per-CPU arrays, read with bpftool map dump pinned ------------------------------- */
struct mtlb_tenant_stats {           /* by tenant slot; slot 0: packets that are no tenant's */
	__u64 bytes;                 /* of all packets below, Ethernet header included, as received */
#define MTLB_REASON_FIELD(name, verdict, text) __u64 name;
	MTLB_REASONS(MTLB_REASON_FIELD) /* packets, by reason; their sum is all packets */
#undef MTLB_REASON_FIELD
	__u64 flows_added;           /* entries written to the flow table */
	__u64 flows_refused;         /* flows that a full bucket could not take: non-zero holds moves open */
};

struct mtlb_vip_stats {              /* by VIP id */
	__u64 packets;               /* forwarded */
	__u64 bytes;                 /* of those, as received */
	__u64 syns;                  /* TCP connection attempts among them */
};

struct mtlb_backend_stats {          /* by backend id */
	__u64 packets;
	__u64 bytes;
};

/* ---- names, for people and for a restarted mtlbd; the data plane does not read these ----------- */
struct mtlb_tenant_info {
	char name[MTLB_NAME_LEN];    /* empty: slot is free */
};

struct mtlb_vip_info {
	char name[MTLB_NAME_LEN];    /* empty: id is free */
	__u32 tenant;
	__u8 address[16];
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

struct mtlb_backend_info {
	char name[MTLB_NAME_LEN];    /* empty: id is free */
	__u32 vip;
	__u32 weight;
	__u8 address[16];
};
MTLB_ASSERT_SIZE(struct mtlb_vip_info, 88);
MTLB_ASSERT_SIZE(struct mtlb_backend_info, 88);

/* ---- node: one element; an adopting mtlbd refuses maps of another version ---------------------- */
struct mtlb_node {
	__u32 abi_version;
	__u32 zero;
	__u64 generation;            /* raised by each applied change */
	__u64 table_key[2];          /* odd, secret, drawn with the maps: where entries lie in VIP tables */
};

/*
 * Maps, their pin names and what they hold. max_entries are set by mtlbd before load, but for
 * node (1). segments has a power of two of entries.
 *   node            array          struct mtlb_node
 *   segments        array, mmap    struct mtlb_segment
 *   address_tables  array of maps  one array, mmap, of fixed size: struct mtlb_vip
 *   tenants         array, mmap    struct mtlb_tenant
 *   vip_tables      array of maps  array, mmap, of fixed size: struct mtlb_vip
 *   vip_tables_large array of maps array, mmap, BPF_F_INNER_MAP: struct mtlb_vip
 *   rings           array, mmap    union mtlb_ring_unit
 *   backends        array, mmap    struct mtlb_backend
 *   flows           array, mmap    struct mtlb_flow_bucket
 *   tx_ports        devmap hash    ifindex -> ifindex
 *   tenant_stats    per-CPU array  struct mtlb_tenant_stats
 *   vip_stats       per-CPU array  struct mtlb_vip_stats
 *   backend_stats   per-CPU array  struct mtlb_backend_stats
 *   tenant_info     array          struct mtlb_tenant_info
 *   vip_info        array          struct mtlb_vip_info
 *   backend_info    array          struct mtlb_backend_info
 */
