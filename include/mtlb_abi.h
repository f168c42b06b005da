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

#define MTLB_ABI_VERSION 2

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
	MTLB_OUTER_MAX = 80,         /* the outer headers behind Ethernet: IPv6, UDP, Geneve with an option, Ethernet = 78 */
	MTLB_RANGES_MAX = 8,         /* port ranges of one address and protocol */
	MTLB_QUIC_CONFIGS = 8,       /* connection id configurations of a VIP, by rotation bits */
	MTLB_QUIC_SERVER_ID_MAX = 15,
	MTLB_IP6_HEADERS_MAX = 6,    /* IPv6 extension headers that are skipped */
	MTLB_FRAGMENT_TICKS = 30,    /* the first fragment is remembered for so long */
	MTLB_LEAST_EXACT = 256,      /* least-connections looks at all of so many backends, else at some: */
	MTLB_LEAST_SAMPLES = 16,
	MTLB_TENANT_NONE = 0,        /* slot 0 of every tenant-indexed map is the node itself */
	MTLB_TICK_SHIFT = 30,        /* a tick is 2^30 ns (1.07 s) of CLOCK_MONOTONIC_COARSE */
};

/*
 * Every packet ends with exactly one of these. X(name, verdict, text): the verdict is one of
 * FORWARD (the encapsulated packet leaves), REPLY (an answer goes back where the packet came from),
 * PASS (to the kernel, untouched) and DROP. docs/packets.md says when.
 * New ones go to the end of their group and raise the ABI version.
 */
#define MTLB_REASONS(X)                                                                            \
	X(forwarded, FORWARD, "encapsulated and sent to a backend")                                \
	X(icmp_forwarded, FORWARD, "an ICMP error about a flow, sent to the flow's backend")       \
	X(echo_answered, REPLY, "an echo request to a VIP, answered here")                         \
	X(too_big_answered, REPLY, "too long for the path to the backend: the sender was told")    \
	X(not_ip, PASS, "neither IPv4 nor IPv6 (ARP, LLDP, ...), or cut off before an address")    \
	X(no_segment, PASS, "interface and VLAN belong to no segment")                             \
	X(not_vip, PASS, "the destination address is no VIP of this segment")                      \
	X(not_vip_port, PASS, "the address is a VIP's, but no VIP has this port")                  \
	X(other_protocol, PASS, "the address is a VIP's, but not TCP, UDP, SCTP or ICMP")          \
	X(icmp_other, PASS, "ICMP for a VIP, neither an echo to answer nor about a flow")          \
	X(port_closed, DROP, "no VIP has this port, and the tenant drops such packets")            \
	X(truncated, DROP, "for a VIP, but the frame ends before the IP packet does")              \
	X(bad_ip_header, DROP, "for a VIP, but the lengths in its IP headers contradict each other") \
	X(bad_l4_header, DROP, "for a VIP, but its L4 header does not fit the IP packet")          \
	X(too_many_headers, DROP, "for a VIP, with more than 6 IPv6 extension headers")            \
	X(fragment, DROP, "a fragment for a VIP: of ICMP, or without its whole L4 header")         \
	X(fragment_unknown, DROP, "a later fragment for a VIP whose first one is not remembered")  \
	X(no_backend, DROP, "the VIP has no usable backend")                                       \
	X(no_next_hop, DROP, "the backend's next hop is not resolved")                             \
	X(no_headroom, DROP, "the driver gave no room for the outer headers")                      \
	X(too_big, DROP, "too long for the path to the backend, and nobody can be told")           \
	X(too_big_limited, DROP, "too long for the path, but the tenant's answers are used up")    \
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
	__u16 mtu;                   /* of the interface, where l2 is used */
	__u8 zero2[22];
};
MTLB_ASSERT_SIZE(struct mtlb_segment, 64);
MTLB_ASSERT_AT(struct mtlb_segment, tenant, 8);

/* ---- tenants: array, by slot, written in place through mmap ------------------------------------- */
struct mtlb_tenant {
	__u32 key[12];               /* hash key of its flows: mtlb_flow.h; set once, before its first VIP */
	__u64 flows;                 /* mtlb_flow_range(): its part of the flow table, one store */
	__u32 idle_ticks;            /* the longest of its VIPs: a younger confirmed flow may be any VIP's */
	__u16 answers;               /* ICMP errors that it may cause in a tick */
	__u8 flags;                  /* MTLB_TENANT_* */
	__u8 zero;
};
#define MTLB_TENANT_DROP_OTHER_PORTS 0x01 /* of its addresses; else the kernel gets them */
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
	MTLB_ENTRY_RANGES = 3,       /* key (address, 0, protocol): struct mtlb_ranges, where a VIP has a range */
	MTLB_ENTRY_RANGE = 4,        /* a VIP; key (address, first port, protocol) */
	MTLB_ENTRY_SERVER = 5,       /* struct mtlb_server: QUIC server id -> backend */
};

enum mtlb_algorithm {
	MTLB_ALGORITHM_MAGLEV = 0,   /* slot of the flow hash */
	MTLB_ALGORITHM_SOURCE = 1,   /* slot of the hash of the client's address */
	/* from here on every flow is in the flow table */
	MTLB_ALGORITHM_ROUND_ROBIN = 2,
	MTLB_ALGORITHM_LEAST_CONNECTIONS = 3,
};

#define MTLB_VIP_ECHO 0x01           /* flags of an ADDRESS: echo requests are answered */
#define MTLB_VIP_RANGES 0x02         /* of an ADDRESS: there are RANGES entries */
#define MTLB_VIP_QUIC 0x01           /* of a VIP: look at the connection id */

struct mtlb_quic_config {
	__u8 server_id_len;          /* 0: no such configuration; else 1 to MTLB_QUIC_SERVER_ID_MAX */
	__u8 id_len;                 /* of the whole connection id: first octet, server id, nonce */
};

struct mtlb_vip {
	__u8 address[16];            /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 protocol;               /* IPPROTO_TCP, _UDP, _SCTP; 0 with MTLB_ENTRY_ADDRESS */
	__u8 kind;                   /* enum mtlb_entry_kind */
	__u32 id;                    /* index of vip_stats and vip_info; of an ADDRESS the tenant's slot */
	__u64 word;                  /* mtlb_vip_word_*() in mtlb_flow.h: ring and what moves */
	__u32 idle_ticks;            /* a confirmed flow is live for so long after its last packet */
	__u32 short_ticks;           /* an unconfirmed flow, or one after FIN or RST */
	__u8 algorithm;              /* enum mtlb_algorithm */
	__u8 source_bits;            /* MTLB_ALGORITHM_SOURCE: of the 128 of the mapped address */
	__u8 flags;                  /* MTLB_VIP_* */
	__u8 quic_shift;             /* 8 - rotation bits: first octet of an id >> this is its configuration */
	__u16 ids;                   /* length of the ring's list of backends, where least-connections needs it */
	__u8 previous_source_bits;   /* slots of previous owners: 0: by the flow hash, else as source_bits */
	__u8 zero;
	struct mtlb_quic_config quic[MTLB_QUIC_CONFIGS];
};
MTLB_ASSERT_SIZE(struct mtlb_vip, 64);
MTLB_ASSERT_AT(struct mtlb_vip, word, 24);
MTLB_ASSERT_AT(struct mtlb_vip, algorithm, 40);
MTLB_ASSERT_AT(struct mtlb_vip, quic, 48);

/* Elements of the same tables, of other kinds. */
struct mtlb_range {
	__u16 first, last;           /* host order */
};

struct mtlb_ranges {
	__u8 address[16];
	__be16 port;                 /* 0 */
	__u8 protocol;
	__u8 kind;                   /* MTLB_ENTRY_RANGES */
	__u32 n;
	struct mtlb_range ranges[MTLB_RANGES_MAX];
	__u8 zero[8];
};
MTLB_ASSERT_SIZE(struct mtlb_ranges, 64);

struct mtlb_server {
	__u8 id[15];                 /* server id, zeroes behind */
	__u8 id_len;
	__be16 vip_low;              /* the VIP's id, low 16 bits; as they lie in memory */
	__u8 vip_high;               /* and the next 8 */
	__u8 kind;                   /* MTLB_ENTRY_SERVER */
	__u32 backend;
	__u8 zero[40];
};
MTLB_ASSERT_SIZE(struct mtlb_server, 64);
/* which of them an element is stands at the same place in all */
MTLB_ASSERT_AT(struct mtlb_vip, kind, 19);
MTLB_ASSERT_AT(struct mtlb_ranges, kind, 19);
MTLB_ASSERT_AT(struct mtlb_server, kind, 19);

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
	MTLB_ENCAP_GUE = 3,          /* draft-ietf-intarea-gue, variants 0 and 1 */
	MTLB_ENCAP_FOU = 4,          /* UDP and the packet */
	MTLB_ENCAP_GRE = 5,          /* RFC 2784, RFC 2890 */
	MTLB_ENCAP_GENEVE = 6,       /* RFC 8926 */
	MTLB_ENCAP_L2 = 7,           /* no outer header: the backend has the VIP */
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
	__be32 entropy;              /* bits of the source address, its last 32, that the hash sets; zero in outer */
	__u16 mtu;                   /* the outer packet's longest; of l2 the packet's */
	__u8 dscp;                   /* outer TOS or traffic class: this ... */
	__u8 copied;                 /* ... and these bits of the inner one: 0x03 (ECN) or 0xff */
	__u8 outer[MTLB_OUTER_MAX];  /* lengths and TOS zero; the IPv4 checksum field holds the folded sum
				      * of the constant fields (16 bits, not inverted): add the rest, invert */
};

struct mtlb_backend {
	__u64 word;                  /* mtlb_backend_word_*(): state, variant in use, weight */
	struct mtlb_encap encap0;
	__u32 vip;                   /* whose backend it is */
	__u32 zero;
	struct mtlb_encap encap1;
};
MTLB_ASSERT_SIZE(struct mtlb_encap, 120);
MTLB_ASSERT_SIZE(struct mtlb_backend, 256);
MTLB_ASSERT_AT(struct mtlb_backend, encap1, 136);

/* ---- backend_loads: array, by backend id: live flows in the flow table ------------------------------
 * load = counted + (added - mark): mtlbd counts the flow table and stores word where a VIP asks for least-connections; the
 * data plane adds in between, always.
 */
struct mtlb_backend_load {
	__u64 word;                  /* counted:32 mark:32 (the value that added had before the count) */
	__u32 added;                 /* wraps: flows begun less flows ended */
	__u32 zero;
};
MTLB_ASSERT_SIZE(struct mtlb_backend_load, 16);

/* ---- answers: array, by tenant slot: ICMP errors sent in this tick; sent:32 tick:32 ---------------- */
/* ---- turns: array, by VIP id: turn counters of round-robin ---------------------------------------- */

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
	__u64 notes_refused;         /* the same of flows that go by a QUIC id: removed backends wait */
};

struct mtlb_vip_stats {              /* by VIP id */
	__u64 packets;               /* forwarded */
	__u64 bytes;                 /* of those, as received */
	__u64 syns;                  /* connection attempts among them: TCP SYN, SCTP INIT */
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
	__be16 port;                 /* first of a range */
	__be16 last_port;            /* the same without one */
	__u8 protocol;
	__u8 zero[3];
};

struct mtlb_backend_info {
	char name[MTLB_NAME_LEN];    /* empty: id is free */
	__u32 vip;
	__u32 weight;
	__u8 address[16];
};
MTLB_ASSERT_SIZE(struct mtlb_vip_info, 92);
MTLB_ASSERT_SIZE(struct mtlb_backend_info, 88);

/* ---- trace: one element, written by the program that mtlbd loads for `mtlbctl trace` alone ---------- */
struct mtlb_trace {
	__u32 reason;                /* enum mtlb_reason */
	__u32 tenant;                /* slot */
	__u32 segment;               /* index into segments + 1; 0: none */
	__u32 vip;                   /* id + 1; 0: none */
	__u32 backend;               /* id + 1; 0: none */
	__u32 slot;
	__u32 owner, previous;       /* of the slot: backend ids */
	__u64 hash;
	__u32 how;                   /* MTLB_TRACE_* */
	__u32 zero;
};
MTLB_ASSERT_SIZE(struct mtlb_trace, 48);
#define MTLB_TRACE_SLOT 0x01         /* slot, owner and hash are set */
#define MTLB_TRACE_MOVING 0x02       /* the slot is moving: previous is set */
#define MTLB_TRACE_LEARNING 0x04
#define MTLB_TRACE_KNOWN 0x08        /* the flow table decided */
#define MTLB_TRACE_TABLE 0x10        /* the flow table was asked */
#define MTLB_TRACE_QUIC 0x20         /* the connection id decided */
#define MTLB_TRACE_UNCOMMON 0x40     /* by the longer way: headers, fragments, ICMP, several buffers */
#define MTLB_TRACE_FRAGMENT 0x80     /* a later fragment, remembered */

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
 *   backend_loads   array, mmap    struct mtlb_backend_load
 *   turns           array, mmap    __u64
 *   answers         array, mmap    __u64
 *   flows           array, mmap    struct mtlb_flow_bucket
 *   tx_ports        devmap hash    ifindex -> ifindex
 *   tenant_stats    per-CPU array  struct mtlb_tenant_stats
 *   vip_stats       per-CPU array  struct mtlb_vip_stats
 *   backend_stats   per-CPU array  struct mtlb_backend_stats
 *   tenant_info     array          struct mtlb_tenant_info
 *   vip_info        array          struct mtlb_vip_info
 *   backend_info    array          struct mtlb_backend_info
 *   trace           array, mmap    struct mtlb_trace
 */
