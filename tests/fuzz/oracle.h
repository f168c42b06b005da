/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What docs/packets.md says about a packet, in plain C: a second reading, to compare the data plane with. It shares
 * nothing with bpf/ and include/, looks everything up by walking a list, and takes no care to be fast.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ORACLE_SEGMENTS = 12,
	ORACLE_TENANTS = 5, /* slot 0 is the node */
	ORACLE_ADDRESSES = 16,
	ORACLE_VIPS = 32,
	ORACLE_BACKENDS = 64,
	ORACLE_SERVERS = 32,
	ORACLE_SLOTS = 512, /* of one ring */
	ORACLE_IDS = 320,   /* backends of one ring */
	ORACLE_BUCKETS = 64,
	ORACLE_WAYS = 4,
	ORACLE_PACKET_MAX = 70000,
};

/* In the order of section 1. */
/* clang-format off */
#define ORACLE_REASONS(X) \
	X(forwarded) \
	X(icmp_forwarded) \
	X(echo_answered) \
	X(too_big_answered) \
	X(not_ip) \
	X(no_segment) \
	X(not_vip) \
	X(not_vip_port) \
	X(other_protocol) \
	X(icmp_other) \
	X(port_closed) \
	X(truncated) \
	X(bad_ip_header) \
	X(bad_l4_header) \
	X(too_many_headers) \
	X(fragment) \
	X(fragment_unknown) \
	X(no_backend) \
	X(no_next_hop) \
	X(no_headroom) \
	X(too_big) \
	X(too_big_limited) \
	X(internal)
/* clang-format on */

enum oracle_reason {
	ORACLE_GO_ON,
#define ORACLE_REASON_ENUM(name) ORACLE_##name,
	ORACLE_REASONS(ORACLE_REASON_ENUM)
#undef ORACLE_REASON_ENUM
	ORACLE_REASON_END,
};

enum oracle_verdict {
	ORACLE_DROP,
	ORACLE_PASS,
	ORACLE_BACK, /* leaves by the interface it came in by */
	ORACLE_AWAY, /* leaves by another one */
};

struct oracle_segment {
	uint32_t ifindex;
	uint16_t vlan, inner_vlan;
	uint32_t tenant; /* 0: shared */
	uint32_t l2_len; /* 0: no next hop of its own */
	uint8_t l2[22];
	uint32_t mtu;
};

struct oracle_tenant {
	uint32_t key[12];
	uint32_t first_bucket, buckets;
	uint32_t idle_ticks; /* the longest of its VIPs */
	uint32_t answers;    /* in a tick */
	bool drops_other_ports;
	uint64_t answers_tick; /* state: answers given in this tick */
	uint32_t answers_sent;
};

struct oracle_address {
	uint32_t tenant;
	uint8_t ip[16]; /* IPv4 mapped */
	bool is_shared; /* reachable through shared segments */
	bool answers_echo;
};

enum oracle_algorithm {
	ORACLE_MAGLEV,
	ORACLE_SOURCE,
	ORACLE_ROUND_ROBIN,
	ORACLE_LEAST_CONNECTIONS,
};

struct oracle_slot {
	uint16_t owner, previous; /* indexes of ids */
	bool is_moving;
};

struct oracle_quic {
	uint32_t server_id_len; /* 0: no such configuration */
	uint32_t id_len;
};

struct oracle_vip {
	uint32_t tenant;
	uint8_t ip[16];
	uint8_t protocol;
	bool is_range;
	uint16_t first, last; /* ports */
	uint32_t idle_ticks, short_ticks;
	enum oracle_algorithm algorithm;
	uint32_t source_bits;          /* of 128 */
	uint32_t previous_source_bits; /* 0: slots of previous owners are by the flow's hash */
	bool is_empty, is_moving, is_learning;
	bool has_quic;
	uint32_t rotation_bits;
	struct oracle_quic quic[8];
	uint32_t slots_log2, n_ids;
	struct oracle_slot slots[ORACLE_SLOTS];
	uint32_t ids[ORACLE_IDS];
	uint64_t turn; /* state */
};

enum oracle_state {
	ORACLE_UP,
	ORACLE_DRAINING,
	ORACLE_LEAVING,
	ORACLE_DOWN,
	ORACLE_DISABLED,
};

enum oracle_kind {
	ORACLE_NO_NEXT_HOP,
	ORACLE_IPIP,
	ORACLE_GUE0, /* variant 0: 4 bytes behind UDP */
	ORACLE_GUE1,
	ORACLE_FOU,
	ORACLE_GRE,
	ORACLE_VXLAN,
	ORACLE_GENEVE,
	ORACLE_L2,
	ORACLE_KIND_END,
};

struct oracle_encap {
	enum oracle_kind kind;
	bool is_v6;                          /* the outer header */
	uint8_t source[16], destination[16]; /* IPv4 mapped */
	uint32_t host_bits;                  /* of the source address, set from the hash: 0 to 32 */
	uint32_t l2_len, ifindex;
	uint8_t l2[22]; /* the ethertype at its end is not looked at */
	uint16_t port;
	uint32_t id; /* VNI, key */
	bool has_key, has_tenant_id;
	uint32_t tenant_id;
	uint8_t inner_mac[6], own_mac[6];
	int dscp; /* -1: the inner one */
	uint32_t mtu;
};

struct oracle_backend {
	uint32_t vip, weight;
	enum oracle_state state;
	struct oracle_encap encap;
	int32_t load; /* state */
};

struct oracle_server {
	uint32_t vip, backend, len;
	uint8_t id[15];
};

enum oracle_flow_state {
	ORACLE_FREE,
	ORACLE_NEW,
	ORACLE_CONFIRMED,
	ORACLE_CLOSING,
	ORACLE_FRAGMENT,
};

struct oracle_flow {
	enum oracle_flow_state state;
	uint64_t hash;
	uint32_t backend;
	uint16_t seen; /* tick */
	bool is_home;  /* of a source VIP: the backend is the owner of the slot */
	bool is_by_id; /* noted for a connection id */
};

struct oracle_world {
	uint32_t n_segments, n_addresses, n_vips, n_backends, n_servers;
	struct oracle_segment segments[ORACLE_SEGMENTS];
	struct oracle_tenant tenants[ORACLE_TENANTS];
	struct oracle_address addresses[ORACLE_ADDRESSES];
	struct oracle_vip vips[ORACLE_VIPS];
	struct oracle_backend backends[ORACLE_BACKENDS];
	struct oracle_server servers[ORACLE_SERVERS];
	struct oracle_flow flows[ORACLE_BUCKETS][ORACLE_WAYS];
};

struct oracle_input {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t first_len; /* of the first buffer */
	uint32_t headroom;
	uint32_t ifindex;
	uint64_t now; /* tick */
};

struct oracle_result {
	enum oracle_verdict verdict;
	enum oracle_reason reason;
	uint32_t tenant;
	bool is_counted; /* for VIP and backend */
	bool is_syn;
	uint32_t vip, backend;
	uint32_t flows_added, flows_refused, notes_refused;
	uint32_t ifindex; /* by which it leaves */
	uint32_t len;
	uint8_t bytes[ORACLE_PACKET_MAX]; /* what leaves, or goes to the kernel */
};

/* What the packet does: changes the state in w, fills r. */
void oracle_packet(struct oracle_world *w, const struct oracle_input *in, struct oracle_result *r);

const char *oracle_reason_name(enum oracle_reason reason);

/* Section 9. ports: sport << 16 | dport as they lie in memory. */
uint64_t oracle_hash(const uint8_t *source, const uint8_t *destination, uint32_t ports,
		     uint32_t protocol, const uint32_t *key);
