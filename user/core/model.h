/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the operator asked for, as plain data. Filled by config.c (YAML files, JSON documents),
 * checked by check.c, compiled by image.c. No I/O, no kernel state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "mtlb_abi.h"

enum managed_by {
	MANAGED_BY_FILE = 0,
	MANAGED_BY_API = 1,
};

/* Where an object stands in its source, for errors found later. file: NULL for API documents. */
struct origin {
	const char *file;            /* owned by the model's string pool */
	int line, column;            /* from 1 */
};

enum backend_admin_state {
	BACKEND_ADMIN_UP = 0,
	BACKEND_ADMIN_DRAINING = 1,
	BACKEND_ADMIN_DISABLED = 2,
};

struct model_server_id {             /* QUIC */
	uint8_t len;                 /* 1 to MTLB_QUIC_SERVER_ID_MAX */
	uint8_t bytes[MTLB_QUIC_SERVER_ID_MAX];
};

struct model_backend {
	char name[MTLB_NAME_LEN];
	struct addr address;
	struct model_server_id server_ids[MTLB_QUIC_CONFIGS]; /* of one length at most one */
	size_t n_server_ids;
	uint32_t weight;             /* 1 to 65535, default 100; what is in force */
	enum backend_admin_state state; /* what is in force */
	uint32_t configured_weight;  /* what the file or document says; differs only under an override */
	enum backend_admin_state configured_state;
	bool weight_overridden, state_overridden;
	struct origin origin;
};

struct model_encap {
	enum mtlb_encap_kind kind;   /* default MTLB_ENCAP_IPIP */
	uint32_t vni;                /* vxlan, geneve: 0 to 2^24 - 1 */
	uint16_t udp_port;           /* vxlan 4789, geneve 6081, gue 6080, fou 5555 */
	struct mac inner_mac;        /* vxlan, geneve: the backends' device; default 02:6d:74:6c:62:01 */
	uint8_t variant;             /* gue: 0 or 1 (default) */
	bool key_set;                /* gre */
	uint32_t key;
	bool tenant_id_set;          /* geneve: an option carries it */
	uint32_t tenant_id;
	bool dscp_set;               /* false: the inner packet's; not with l2 */
	uint8_t dscp;                /* 0 to 63 */
	uint16_t mtu;                /* of the path to the backends, 1280 to 65535; 0: the interface's */
};

struct model_quic_config {
	uint8_t rotation;            /* 0 to 2^rotation_bits - 2: all ones mean no configuration */
	uint8_t server_id_length;    /* 1 to 15 */
	uint8_t nonce_length;        /* 4 to 18; 1 + server id + nonce at most 20 */
};

struct model_quic {
	uint8_t rotation_bits;       /* 1 to 3, default 3 */
	struct model_quic_config *configs; /* none: connection ids are not looked at */
	size_t n_configs;            /* at most MTLB_QUIC_CONFIGS - 1 */
};

struct model_vip {
	char name[MTLB_NAME_LEN];
	struct addr address;
	uint16_t port;               /* host order; of a range the first */
	uint16_t last_port;          /* the same without a range; "any": 0 to 65535 */
	uint8_t protocol;            /* IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP */
	enum mtlb_algorithm algorithm;
	uint8_t source_prefix;       /* algorithm source: 1 to 32 or 128; 0: the whole address */
	bool echo;                   /* echo requests are answered; default true */
	struct model_quic quic;
	uint32_t ring_size;          /* slots, a power of two; 0: by the number of backends */
	uint32_t idle_timeout_s;     /* default 300 for TCP and SCTP, 30 for UDP; 1 to 32768 */
	struct model_encap encap;
	struct model_backend *backends;
	size_t n_backends;
	struct origin origin;
};

struct model_limits {
	uint32_t vips;               /* default 64 */
	uint32_t backends;           /* of all VIPs together; default 1024 */
	uint32_t flows;              /* entries of the flow table, a power of two from 256; default 16Ki */
	uint32_t icmp_per_second;    /* ICMP errors that its packets may cause; 0 to 65535, default 1000 */
};

struct model_tenant {
	char name[MTLB_NAME_LEN];
	enum managed_by managed_by;
	bool shared_set, shared;     /* reachable through shared segments; default: it owns no segment */
	bool drop_other_ports;       /* of its addresses; default false: the kernel gets such packets */
	bool suspended;              /* override: its VIPs are taken out, its configuration kept */
	struct prefix *prefixes;     /* its VIPs lie in these; none: anywhere */
	size_t n_prefixes;
	struct model_limits limits;
	struct model_vip *vips;
	size_t n_vips;
	struct origin origin;
};

struct model_segment {
	char name[MTLB_NAME_LEN];
	enum managed_by managed_by;
	char interface[16];
	uint16_t vlan, inner_vlan;   /* 0: none */
	char tenant[MTLB_NAME_LEN];  /* "": shared */
	bool next_hop_set;           /* false: auto */
	struct mac next_hop;         /* reply through this interface and VLAN to this MAC */
	struct origin origin;
};

enum attach_mode {
	ATTACH_NATIVE = 0,
	ATTACH_GENERIC = 1,
};

struct model_interface {
	char name[16];
	enum managed_by managed_by;
	enum attach_mode mode;
	bool share;                  /* through libxdp's dispatcher, beside other programs */
	struct origin origin;
};

/* Sizes of the kernel's maps: read when they are created. */
struct model_node_limits {
	uint32_t tenants;            /* default 1024 */
	uint32_t vips;               /* default 16Ki */
	uint32_t backends;           /* default 64Ki */
	uint32_t ring_slots;         /* default 16Mi: rings of all VIPs, twice while they change */
	uint32_t segments;           /* default 4096 */
};

struct model_node {
	char name[MTLB_NAME_LEN];    /* default: the host name */
	uint32_t flows;              /* entries of the flow table; default 1Mi; power of two */
	bool source_set[2];          /* outer source address, IPv4 and IPv6; default: by the route */
	struct addr source[2];
	uint8_t source_bits[2];      /* of the 128 of the mapped address; less: a prefix whose host bits vary by flow */
	struct model_node_limits limits;
};

struct model {
	struct model_node node;
	struct model_interface *interfaces;
	size_t n_interfaces;
	struct model_segment *segments;
	size_t n_segments;
	struct model_tenant *tenants;
	size_t n_tenants;
	char **strings;              /* file names that origins point to */
	size_t n_strings;
};

struct model *model_new(void);
void model_free(struct model *m);
/* Deep copy, so that a change is tried on a copy and dropped whole if it is refused. */
struct model *model_copy(const struct model *m);

struct model_tenant *model_find_tenant(const struct model *m, const char *name);
struct model_segment *model_find_segment(const struct model *m, const char *name);
struct model_interface *model_find_interface(const struct model *m, const char *name);
struct model_vip *tenant_find_vip(const struct model_tenant *t, const char *name);
struct model_backend *vip_find_backend(const struct model_vip *v, const char *name);
/* Adds and removes keep order; an add returns the zeroed new element. */
struct model_tenant *model_add_tenant(struct model *m);
void model_remove_tenant(struct model *m, struct model_tenant *t);
struct model_segment *model_add_segment(struct model *m);
void model_remove_segment(struct model *m, struct model_segment *s);
struct model_interface *model_add_interface(struct model *m);
void model_remove_interface(struct model *m, struct model_interface *i);
struct model_vip *tenant_add_vip(struct model_tenant *t);
void tenant_remove_vip(struct model_tenant *t, struct model_vip *v);
struct model_backend *vip_add_backend(struct model_vip *v);
void vip_remove_backend(struct model_vip *v, struct model_backend *b);
struct model_quic_config *quic_add_config(struct model_quic *q);
struct prefix *tenant_add_prefix(struct model_tenant *t);
void tenant_clear(struct model_tenant *t);   /* frees what it holds */
void vip_clear(struct model_vip *v);
/* Deep copies over *to, which holds nothing to free. Origins are shared with the source. */
void tenant_copy(struct model_tenant *to, const struct model_tenant *from);
void vip_copy(struct model_vip *to, const struct model_vip *from);
/* The model's own copy of a text, for origins; the same text twice is kept once. */
const char *model_add_string(struct model *m, const char *text);

/* Is the tenant reachable through shared segments: as set, or because it owns none. */
bool tenant_is_shared(const struct model *m, const struct model_tenant *t);
