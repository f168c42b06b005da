/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a census found. Private to image_census.c, image_loads.c and image_settle.c. */
#pragma once

#include "core/image_internal.h"

struct census_vip {
	struct ring *ring;           /* of which it was counted; NULL: not in the table */
	bool learning;               /* at that time */
	uint32_t flows;              /* live ones in the table */
	uint8_t *held;               /* by slot, of maglev: a live flow not on the owner */
};

struct image_census {
	uint32_t n_vips, n_backends;
	struct census_vip *vips;
	uint32_t *flows, *waiting;   /* by backend id */
};

/* May the flow table hold flows that image_needs_flow(). */
static inline bool image_uses_table(const struct image_vip *v)
{
	return v->ring && (v->ring->n_moving || image_remembers_all(v) || image_has_quic(v));
}

/* A pair of stores under way, or two CPUs' stores mixed up: reads as a miss. */
static inline bool flow_is_torn(const struct mtlb_flow *f)
{
	return mtlb_flow_word_check(f->word) != mtlb_hash_check(f->fingerprint);
}

/* Calls walk for each entry of the tenant that image_needs_flow() and that lives; v: its VIP. */
void image_walk_flows(const struct image *i, uint32_t tenant, const struct mtlb_flow_bucket *flows,
		      uint64_t now,
		      void (*walk)(void *ctx, const struct image_vip *v,
				   const struct mtlb_flow *flow),
		      void *ctx);
