/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The image: what every map should hold. A pure function of model, health, next hops and the image before, so
 * that slots, ids and places stay where they are, and slots whose owner changes become moving ones.
 * image_build() / image_settle() -> image_diff() -> steps_apply().
 */
#pragma once

#include "maps.h"
#include "model.h"

struct next_hop {
	uint32_t ifindex;
	uint8_t l2_len;              /* 14, 18 or 22 */
	uint8_t l2[24];              /* destination MAC first; ethertype left zero, tags filled */
	bool is_on_link;             /* l2 is the destination's own MAC, not a gateway's */
	uint16_t mtu;                /* of the interface, at most 65535 */
	struct addr source;          /* outer source address, of the destination's family */
};

struct image_interface {
	uint32_t ifindex;
	struct mac mac;
	uint16_t mtu;                /* at most 65535 */
};

struct image_inputs {
	const struct model *model;
	const struct image *previous; /* NULL: nothing is there yet */
	uint8_t secret[32];          /* hash keys of tenants derive from it and their names */
	uint64_t table_key[2];       /* maps->node->table_key: drawn when the maps were made */
	uint64_t now;                /* ticks, not wrapped */
	struct maps_limits limits;
	/*
	 * 0 with *out filled; all of it but the destination MAC with -EAGAIN while nobody has answered yet, and with -EHOSTUNREACH
	 * where nobody does: who answered on that way before is taken to do so still. -EBUSY: the way cannot be told yet, and that of
	 * before stays. -ENOENT: there is none.
	 */
	int (*next_hop)(void *ctx, const struct addr *to, struct next_hop *out);
	/*
	 * at 0: the interface of this name; from 1 on the ports of a bond, whose packets come in with the port's index: MAC
	 * and MTU are the bond's. 0, or -ENODEV: no (more) such. Segments of an absent interface are left out.
	 */
	int (*interface)(void *ctx, const char *name, size_t at, struct image_interface *out);
	/* NULL, or false for a backend that failed its checks. */
	bool (*is_healthy)(void *ctx, const struct model_tenant *t, const struct model_vip *v,
			   const struct model_backend *b);
	void *ctx;
};

struct image;

/*
 * -ENOSPC with a line for each thing that does not fit (tenants, VIPs, backends, ring space, flow ranges, table probes): nothing
 * was built. A backend without next hop is no error: its encapsulation kind is MTLB_ENCAP_NONE until it has one that
 * encap_refuses() does not refuse.
 */
int image_build(const struct image_inputs *in, struct image **out, struct report *r);

/* NULL, or why packets so encapsulated cannot take this next hop: what follows the backend's address in a sentence. */
const char *encap_refuses(const struct model_encap *model, const struct next_hop *hop);

/* What the maps hold: how a restarted mtlbd goes on. -EINVAL with lines in r if they contradict each other. */
int image_adopt(const struct maps *maps, uint64_t now, struct image **out, struct report *r);

/*
 * Takes out of the flow table what the image has no use for. After image_adopt(), before anything
 * else: a change that was interrupted may have left entries of backends whose ids the next one gives
 * away.
 */
void image_clean_flows(const struct image *i, struct maps *maps);

void image_free(struct image *i);

/* ---- progress of moves ---- */
struct image_census;                 /* live flows, counted from the flow table */
/* Counts flows of every VIP of the image; flows is maps->flows. NULL: out of memory. */
struct image_census *image_census(const struct image *i, const struct mtlb_flow_bucket *flows, uint64_t now);
void image_census_free(struct image_census *c);
/*
 * Live flows in the table that this backend serves: all of a round-robin or least-connections
 * VIP, else those on moving slots and those that go by a connection id.
 */
uint32_t image_census_flows(const struct image_census *c, uint32_t backend_id);
/*
 * Live flows on slots that meanwhile belong to another backend: what the marks of slots wait for.
 * Where every flow is remembered, and of those that go by a connection id: 0.
 */
uint32_t image_census_waiting(const struct image_census *c, uint32_t backend_id);

/*
 * Counts the live flows of the backends of least-connections and stores them in
 * maps->backend_loads; where no VIP uses that nothing is done. Once a tick, and when an image
 * has been adopted. 0 or -ENOMEM.
 */
int image_count_loads(const struct image *i, const struct maps *maps, uint64_t now);

enum {
	IMAGE_SWEEP_TICKS = 4096
};
/*
 * Frees what has timed out in a part of the flow table: once a tick, so that all of it has its
 * turn in IMAGE_SWEEP_TICKS. The ticks in entries wrap at 16 bits: one left for 2^16 - its
 * timeout would be taken for a live flow again.
 */
void image_sweep_flows(const struct image *i, struct maps *maps, uint64_t now);

bool image_is_moving(const struct image *i);
/* What the flow table could not take since it began; by tenant slot. */
struct image_refused {
	uint64_t flows, notes;       /* struct mtlb_tenant_stats */
};

/*
 * Ends what can end: LEARNING of VIPs whose idle timeout has passed since the move and whose tenant's flows_refused has not
 * risen meanwhile (refused: by tenant slot, totals), marks of slots without live flows elsewhere, leaving backends
 * without slots and flows (of a VIP with connection ids: after an idle timeout without a refused flow). *out is NULL where
 * nothing changes.
 */
int image_settle(const struct image *previous, const struct image_census *census,
		 const struct image_refused *refused, uint64_t now, struct image **out);

/* ---- reading an image, for listings ---- */
/* Ids by name: -ENOENT. */
int image_tenant_slot(const struct image *i, const char *tenant);
int image_vip_id(const struct image *i, const char *tenant, const char *vip);
int image_backend_id(const struct image *i, const char *tenant, const char *vip, const char *backend);

struct image_backend_view {
	uint32_t id;
	enum mtlb_backend_state state;
	uint32_t slots, moving_slots; /* slots it owns; moving slots whose previous owner it is */
};
struct image_vip_view {
	uint32_t id, ring_slots, moving_slots;
	bool learning;
	uint64_t move_started;       /* tick; 0: nothing moves */
};
int image_view_vip(const struct image *i, uint32_t vip_id, struct image_vip_view *out);
/*
 * Slots of all backends of a VIP, for listings: without them each view goes through the whole ring's
 * list. Valid while the image is. NULL: out of memory.
 */
struct image_shares;
struct image_shares *image_shares_new(const struct image *i, uint32_t vip_id);
void image_shares_free(struct image_shares *s);
/* shares: of the backend's VIP, or NULL. */
int image_view_backend(const struct image *i, uint32_t backend_id,
		       const struct image_shares *shares, struct image_backend_view *out);
/* Is its next hop known. */
bool image_backend_is_resolved(const struct image *i, uint32_t backend_id);
/* Calls use for the address of each backend, leaving ones too; the same address several times. */
void image_walk_addresses(const struct image *i, void (*use)(void *ctx, const struct addr *to),
			  void *ctx);
/* Iterates backends that are no longer configured but still serve flows: from -1, returns the next id or -1. */
int image_next_leaving(const struct image *i, uint32_t vip_id, int after);
void image_flow_range(const struct image *i, uint32_t tenant_slot, uint32_t *base, uint32_t *buckets);

/* ---- diff and apply ---- */
struct steps;
/* from may be NULL: empty maps. Steps point into both images, which must outlive them. */
int image_diff(const struct image *from, const struct image *to, struct steps **out);
bool steps_is_empty(const struct steps *s);
size_t steps_count(const struct steps *s);
/* One line a step, for logs and tests: "ring 4096+512", "table acme 33 entries", ... Returns a malloced text. */
char *steps_describe(const struct steps *s);
/*
 * Does them in order. What can fail comes before what traffic can see; a failure undoes what was
 * done. -ENOTRECOVERABLE: that failed, too, and the maps hold something in between, which works and
 * which image_adopt() reads.
 */
int steps_apply(const struct steps *s, struct maps *maps, struct report *r);
void steps_free(struct steps *s);
