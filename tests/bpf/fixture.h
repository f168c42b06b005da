/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data plane, loaded with small maps that tests fill by hand, and one way to run a packet
 * through it. Nothing of user/ is used: what mtlbd writes and what these tests write meet only in
 * include/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/encapsulate.h"
#include "bpf/packet.h"
#include "mtlb_abi.h"
#include "mtlb_flow.h"

enum {
	WORLD_TENANTS = 8,
	WORLD_IDS = 16, /* VIPs */
	WORLD_BACKENDS = 320,
	WORLD_SEGMENTS = 16,
	WORLD_UNITS = 4096,
	WORLD_BUCKETS = 64,
};

struct mtlb_bpf;

struct world {
	struct mtlb_bpf *skel;
	int prog_fd;
	uint32_t in, out; /* ifindex: where packets come from; another one, in tx_ports */
	struct mtlb_segment *segments;
	struct mtlb_vip *tables[WORLD_TENANTS]; /* of slot 0: addresses */
	struct mtlb_tenant *tenants;
	union mtlb_ring_unit *rings;
	struct mtlb_backend *backends;
	struct mtlb_backend_load *loads;
	uint64_t *turns;   /* by VIP id */
	uint64_t *answers; /* by tenant */
	struct mtlb_flow_bucket *flows;
	const struct mtlb_trace *trace;
	bool has_large_tables; /* of all tenants: set before the first one is added */
	uint32_t units_used;
	uint32_t meta_len; /* bytes of metadata before the packet: they eat headroom */
};

/* What one run did. */
struct outcome {
	int verdict; /* XDP_* */
	struct packet out;
	struct mtlb_tenant_stats tenants[WORLD_TENANTS];
	struct mtlb_vip_stats vips[WORLD_IDS];
	struct mtlb_backend_stats backends[WORLD_BACKENDS];
};

/* What a run must do; everything not said must not happen. */
struct expected {
	enum mtlb_reason reason;
	uint32_t tenant, vip, backend;
	const struct packet *out; /* NULL: the packet as it came in */
	bool is_redirected;       /* leaves by another interface */
	uint32_t flows_added, flows_refused, notes_refused;
};

/*
 * Loads the program into a namespace of this process; ends the process if that fails.
 * world_close() frees.
 */
void world_open(struct world *w);
void world_close(struct world *w);

/* A segment entry at its place. Returns it, so that tests can give it a next hop or kill it. */
struct mtlb_segment *world_add_segment(struct world *w, uint32_t ifindex, uint16_t vlan,
				       uint16_t inner_vlan, uint32_t tenant);

/* Gives the tenant a VIP table (empty) and the flow buckets [base, base + mask]. */
void world_add_tenant(struct world *w, uint32_t tenant, uint32_t flow_base, uint32_t flow_mask);
void world_remove_tenant(struct world *w, uint32_t tenant);
uint32_t world_table_size(const struct world *w, uint32_t tenant);

/*
 * Any entry; returns the place in memory. (address, 0, 0) with kind ADDRESS makes the address
 * known.
 */
struct mtlb_vip *world_add_entry(struct world *w, uint32_t tenant, const char *address,
				 uint16_t port, uint8_t protocol, uint8_t kind, uint32_t id);

struct vip_row {
	uint32_t tenant;
	const char *address; /* [203.0.113.10] */
	uint16_t port;       /* [443] */
	uint16_t last_port;  /* of a range that begins with port */
	uint8_t protocol;    /* [TCP] */
	uint32_t id;
	uint32_t ring_log2; /* [2] */
	uint64_t flags;     /* MTLB_VIP_* */
	enum mtlb_algorithm algorithm;
	uint32_t owner;    /* backend of each slot, the first of the ring's list */
	uint32_t previous; /* with MTLB_VIP_MOVING: the backend before, the second */
	const uint32_t *backends; /* or the ring's list: slot i is the (i modulo n_backends)-th's */
	uint32_t n_backends;
};

/*
 * A VIP, its address entry (that does not answer echo requests), its ring, and its backends' VIP. Returns the entry.
 */
struct mtlb_vip *world_add_vip(struct world *w, const struct vip_row *row);

/* Its slots, and behind them those of the previous owners; an index into the ring's list, with marks. */
uint16_t *world_slot(struct world *w, const struct mtlb_vip *v, uint32_t slot);
uint16_t *world_previous_slot(struct world *w, const struct mtlb_vip *v, uint32_t slot);

/* The server id of a QUIC VIP's backend. */
void world_add_server(struct world *w, uint32_t tenant, uint32_t vip, const uint8_t *id,
		      uint8_t id_len, uint32_t backend);

/* A backend behind t: both variants alike. ifindex 0: w->in. */
struct mtlb_backend *world_add_backend(struct world *w, uint32_t id, const struct packet_tunnel *t,
				       bool inner_is_v4, uint32_t ifindex);
void world_set_state(struct world *w, uint32_t backend, enum mtlb_backend_state state);

/* The hash that the tenant's flow has, that its fragments have, and the bucket that a hash lives in. */
uint64_t world_hash(const struct world *w, uint32_t tenant, const struct packet_spec *s);
uint64_t world_fragment_hash(const struct world *w, uint32_t tenant, const struct packet_spec *s,
			     uint32_t id);
struct mtlb_flow_bucket *world_bucket(const struct world *w, uint32_t tenant, uint64_t hash);

/* Entries of the flow table: what a packet of now (tick) leaves, and what one left age ticks ago. */
uint16_t world_tick(void);
void world_set_flow(struct mtlb_flow *f, uint64_t hash, uint32_t backend,
		    enum mtlb_flow_state state, uint16_t age);
/* The flow's entry; NULL: none. A flow with more than one is an error. */
struct mtlb_flow *world_find_flow(const struct world *w, uint32_t tenant, uint64_t hash);

/* Runs the packet once, or says why not (-errno). o: counters are what this run added. */
int world_run(struct world *w, const struct packet *p, struct outcome *o);

/* Does the kernel let a test run have so many bytes of metadata before the packet. */
bool world_takes_meta(struct world *w, uint32_t len);

/* Runs mtlb_trace on the packet, and asserts that it changed no map but the trace. o: the counters are not set. */
int world_run_trace(struct world *w, const struct packet *p, struct outcome *o);

/*
 * Runs and asserts everything in e; before that, that the trace of the packet says and does the same. where names
 * the row in the output.
 */
void world_check(struct world *w, const char *where, const struct packet *p,
		 const struct expected *e);

/* Runs of this process that ended with the reason. */
uint32_t world_reached(enum mtlb_reason reason);
const char *world_reason_name(enum mtlb_reason reason);
