/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an image is made of. Private to image_*.c and apply.c. */
#pragma once

#include "core/image.h"
#include "mtlb_flow.h"

#define IMAGE_NONE 0xffffffffu

/* ---- rings: immutable once built, shared by the images that hold the same ring ---- */
struct ring {
	uint32_t refs;
	uint32_t log2;
	uint32_t base;               /* unit of the first slot */
	uint32_t first, units;       /* the extent, ids and previous owners included */
	uint32_t n_ids;
	uint32_t n_moving;           /* marked slots */
	uint32_t *ids;               /* backend ids: named by slots or previous, or listed */
	uint32_t *owned;             /* by index: slots it owns */
	uint32_t *awaited;           /* by index: marked slots whose previous owner it is */
	uint16_t *slots;             /* index into ids, MTLB_SLOT_MOVING */
	uint16_t *previous;          /* NULL where nothing moves */
};

static inline uint32_t ring_owner(const struct ring *r, uint32_t slot)
{
	return r->ids[r->slots[slot] & ~MTLB_SLOT_MOVING];
}

static inline bool ring_is_marked(const struct ring *r, uint32_t slot)
{
	return r->slots[slot] & MTLB_SLOT_MOVING;
}

struct ring *ring_ref(struct ring *r);
void ring_unref(struct ring *r);     /* NULL is fine */

/*
 * A ring in the making: by slot, indices into ids; previous is IMAGE_NONE where the slot is not
 * marked.
 */
struct ring_draft {
	uint32_t log2;
	uint32_t n_ids;
	const uint32_t *ids;
	const bool *listed;          /* ids that stay without a slot; NULL: none */
	uint16_t *owner;
	uint32_t *previous;
};
/*
 * Drops ids that nothing names and that are not listed. Not yet placed. NULL: out of memory, or
 * an owner is behind more ids than a slot can name.
 */
struct ring *ring_from_draft(const struct ring_draft *d);
/* The same owners, marks and list, wherever they lie. */
bool ring_is_equal(const struct ring *a, const struct ring *b);

/* ---- free ring space: what neither the image before nor the new one uses ---- */
struct ring_space;
struct ring_space *ring_space_new(uint32_t units, const struct image *used);
void ring_space_free(struct ring_space *s);
/* Sets the ring's place. false: no extent is long enough. */
bool ring_space_place(struct ring_space *s, struct ring *r);

/* ---- tables: keys and places are immutable and shared by images; words are the VIPs' ---- */
struct table {
	uint32_t refs;
	uint32_t n, n_used;          /* elements, a power of two; entries among them */
	struct mtlb_vip entries[];   /* words of VIPs zero */
};
void table_unref(struct table *t);

static inline bool entry_is_vip(const struct mtlb_vip *e)
{
	return e->kind == MTLB_ENTRY_VIP || e->kind == MTLB_ENTRY_RANGE;
}

/* Elements of other kinds, as what they are. */
union entry {
	struct mtlb_vip vip;
	struct mtlb_ranges ranges;
	struct mtlb_server server;
};

/* ---- the image ---- */
struct image_backend {
	struct mtlb_backend_info info; /* name empty: the id is free */
	struct mtlb_encap encap;
	uint32_t next;               /* of the same VIP, IMAGE_NONE ends */
	uint32_t member;             /* scratch: its index while its VIP's ring is built */
	uint8_t state;
	uint8_t variant;             /* where encap lies in the record */
	uint8_t n_servers;           /* QUIC server ids */
	struct model_server_id servers[MTLB_QUIC_CONFIGS];
	bool has_left_name;          /* adopted: free, but its name is in the map */
	bool has_other_name;         /* adopted: an interrupted change wrote the map's info */
};

struct image_quiet { /* since when the flow table has refused nothing */
	uint64_t since;              /* tick */
	uint64_t total;              /* of the tenant then */
	bool is_known;               /* else the next settle begins */
};

struct image_vip {
	struct mtlb_vip_info info;   /* name empty: the id is free */
	uint32_t next;               /* of the same tenant */
	uint32_t backends;           /* first; configured ones, then leaving ones */
	uint32_t last_backend;
	uint32_t n_backends;
	uint32_t ring_log2;          /* as configured; the ring may be longer while it shrinks */
	struct ring *ring;           /* NULL: no backend can serve, or the tenant is suspended */
	struct ring *bridge;         /* while the tenant's flow range is exchanged */
	uint32_t position;           /* element of the tenant's table + 1; 0: in none */
	uint32_t idle_ticks, short_ticks;
	uint8_t algorithm;           /* enum mtlb_algorithm */
	uint8_t source_bits;         /* of the address that chooses the slot; 0: the flow hash */
	uint8_t previous_bits;       /* the same when previous owners were owners */
	uint8_t flags, quic_shift;
	struct mtlb_quic_config quic[MTLB_QUIC_CONFIGS];
	bool echo;
	bool has_other_name;         /* adopted: an interrupted change wrote the map's info */
	bool is_adopted;             /* ring and backends need not fit each other */
	bool is_last_stand;          /* only leaving backends serve */
	bool learning;
	uint64_t move_started;       /* tick; 0: nothing moves */
	struct image_quiet quiet;    /* of flows, while learning */
	struct image_quiet noted;    /* of notes as well, while a backend of a VIP with ids leaves */
};

/* Is every flow of the VIP in the flow table, whether slots move or not. */
static inline bool image_remembers_all(const struct image_vip *v)
{
	return v->algorithm >= MTLB_ALGORITHM_ROUND_ROBIN;
}

/* Where ids name the backends, flows that the hash would not find are in the flow table. */
static inline bool image_has_quic(const struct image_vip *v)
{
	return v->flags & MTLB_VIP_QUIC;
}

struct image_tenant {
	char name[MTLB_NAME_LEN];    /* empty: the slot is free. Slot 0: the node, without a name */
	uint32_t vips, last_vip;
	uint32_t flow_base, flow_buckets; /* 0 buckets: none */
	bool is_shared, suspended;
	struct mtlb_tenant record;
	struct table *table;
};

struct index {                       /* open-addressed: hash -> id + 1 */
	uint32_t mask;
	uint32_t *ids;
};

struct image {
	struct maps_limits limits;
	struct image_tenant *tenants; /* [limits.tenants] */
	struct image_vip *vips;       /* [limits.vips] */
	struct image_backend *backends; /* [limits.backends] */
	struct mtlb_segment *segments; /* [limits.segments] */
	uint32_t top_tenant, top_vip, top_backend; /* ids in use are below */
	uint64_t now;                /* tick at which it was made */
	uint64_t table_key[2];       /* where entries lie in tables */
	struct index tenant_index, vip_index, backend_index;
};

struct image *image_new(const struct maps_limits *limits);
/* The same, rings and tables shared. */
struct image *image_clone(const struct image *i);
void image_append_vip(struct image *i, uint32_t tenant, uint32_t vip);
void image_append_backend(struct image *i, uint32_t vip, uint32_t backend);
int image_build_index(struct image *i);

uint32_t image_find_tenant(const struct image *i, const char *name);
uint32_t image_find_vip(const struct image *i, uint32_t tenant, const char *name);
/* address NULL: any, a configured one before a leaving one. */
uint32_t image_find_backend(const struct image *i, uint32_t vip, const char *name,
			    const uint8_t *address);

static inline bool image_has_backend(const struct image *i, uint32_t id)
{
	return i && id < i->top_backend && i->backends[id].info.name[0];
}

static inline bool image_has_vip(const struct image *i, uint32_t id)
{
	return i && id < i->top_vip && i->vips[id].info.name[0];
}

static inline bool image_has_tenant(const struct image *i, uint32_t slot)
{
	return i && slot < i->top_tenant && (slot == MTLB_TENANT_NONE || i->tenants[slot].name[0]);
}

static inline bool image_is_alive(const struct image *i, uint32_t backend)
{
	return image_has_backend(i, backend) &&
	       mtlb_backend_is_alive(i->backends[backend].state);
}

/* The word that stands in the VIP's table entry. */
uint64_t image_vip_word(const struct image_vip *v);
uint64_t image_ring_word(const struct ring *r, bool learning);

/* ---- parts of a build ---- */
struct build {
	const struct image_inputs *in;
	const struct image *previous; /* may be NULL */
	struct image *image;
	struct report *report;
	struct ring_space *space;
	uint32_t tenant_cursor, vip_cursor, backend_cursor; /* ids below are taken */
	int error;                   /* -ENOMEM, or 0 */
	uint32_t full;               /* bits of what has been reported as full */
};

void build_ids(struct build *b);     /* image_ids.c: tenants, VIPs, backends and their states */
void build_encaps(struct build *b);  /* image_encap.c */
void build_flow_ranges(struct build *b); /* image_flows.c */
void build_rings(struct build *b);   /* image_moves.c */
void build_tables(struct build *b);  /* image_tables.c */
/*
 * A changed VIP's entry, or ids that are gone: the tenant's table again. 0, -ENOMEM, or -ENOSPC
 * with lines in r.
 */
int image_renew_table(struct image *i, uint32_t tenant, struct report *r);
void build_segments(struct build *b); /* image_segments.c */
/* A line for a thing that does not fit, once for each kind: the first stands for all. */
enum build_full { FULL_TENANTS, FULL_VIPS, FULL_BACKENDS, FULL_RINGS, FULL_FLOWS, FULL_SEGMENTS };
bool build_is_first_full(struct build *b, enum build_full what);

/*
 * Template of one backend: image_encap.c. hop NULL: not resolved. source_bits: of the 128 of hop->source; below 128 the rest,
 * at most the last 32, vary by flow with ipip and gre. Kind NONE where hop cannot carry it.
 */
void encap_compose(const struct model_encap *model, bool inner_is_ipv4, const uint8_t to[16],
		   const struct next_hop *hop, uint8_t source_bits, struct mtlb_encap *out);
/* Hash key of a tenant ("": of the node): image_tables.c */
void tenant_key(const uint8_t secret[32], const char *name, uint32_t key[12]);
/*
 * Is an entry of the flow table of use in this image: a live backend of the tenant, and a VIP
 * that remembers all its flows, a flow that goes by its connection id, or a slot that moves (of a
 * source VIP any slot: nobody can tell the flow's). Remembered fragments are no flows.
 */
bool image_needs_flow(const struct image *i, uint32_t tenant, const struct mtlb_flow *flow);
/* As image_count_loads(), of one tenant. */
int image_count_loads_of(const struct image *i, uint32_t tenant, const struct maps *maps,
			 uint64_t now);
/* Does a connection id say where the flow goes, whatever becomes of its entry. */
bool image_goes_by_id(const struct image_vip *v, const struct mtlb_flow *flow);
/*
 * Does the flow table hold what must not get lost: flows on moving slots, all flows of some VIP,
 * or what keeps a backend that takes no new QUIC connections.
 */
bool image_has_flow_state(const struct image *i, uint32_t tenant);
