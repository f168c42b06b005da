/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The steps between two images. Private to image_diff.c and apply*.c. */
#pragma once

#include "core/image_internal.h"

/* X(NAME, text): the text with what step_describe() knows of it. */
#define STEP_KINDS(X)                                                                              \
	X(ZERO_STATS, "zero counters")                                                             \
	X(GRACE, "grace period")                                                                   \
	X(TENANT_INFO, "tenant name")                                                              \
	X(VIP_INFO, "vip name")                                                                    \
	X(BACKEND_INFO, "backend name")                                                            \
	X(BACKEND, "backend")                                                                      \
	X(BACKEND_WORD, "backend state")                                                           \
	X(BACKEND_END, "backend ends")                                                             \
	X(RING, "ring")                                                                            \
	X(BRIDGE, "bridge tables")                                                                 \
	X(START, "start algorithm")                                                                \
	X(CLEAR_FLOWS, "clear flows")                                                              \
	X(COPY_FLOWS, "copy flows")                                                                \
	X(TENANT, "tenant")                                                                        \
	X(SWAP_TABLES, "tables")                                                                   \
	X(VIP_WORD, "vip word")                                                                    \
	X(SEGMENT_PUT, "segment")                                                                  \
	X(SEGMENT_DEAD, "segment gone")                                                            \
	X(PURGE_FLOWS, "purge flows")

enum step_kind {
#define STEP_ENUM(name, text) STEP_##name,
	STEP_KINDS(STEP_ENUM)
#undef STEP_ENUM
};

struct step {
	enum step_kind kind;
	uint32_t index;              /* slot, id or position; of VIP_WORD: the VIP */
	uint32_t which;              /* ZERO_STATS: enum maps_stats */
	uint64_t word;               /* VIP_WORD: the new one */
	const struct ring *ring;     /* RING */
};

struct steps {
	const struct image *from;    /* NULL: empty maps */
	const struct image *to;
	struct step *list;
	size_t n, room;
	uint32_t *swaps;             /* tenants whose tables are exchanged */
	size_t n_swaps;
	uint32_t *bridges;           /* tenants bridged while flow ranges are exchanged */
	size_t n_bridges;
};

/*
 * A tenant's table with the words of its VIPs; without entries where it has none. malloced.
 */
struct mtlb_vip *steps_table_bytes(const struct image *i, uint32_t tenant, uint32_t *n);
/*
 * The table of before with the VIPs that have a bridge on that: these pick by the slot's owner
 * alone, at the slots at which the homes of flows stand that the flow table does not know.
 */
struct mtlb_vip *steps_bridge_bytes(const struct steps *s, uint32_t tenant, uint32_t *n);

/*
 * Flow entries: apply_flows.c. Only those that the new image needs are copied, and none is put in
 * twice.
 */
void apply_clear_flows(const struct steps *s, struct maps *maps, uint32_t tenant);
void apply_copy_flows(const struct steps *s, struct maps *maps, uint32_t tenant);
void apply_copy_flows_back(const struct steps *s, struct maps *maps, uint32_t tenant);
void apply_purge_flows(const struct image *i, struct maps *maps, uint32_t tenant);
/*
 * Turn counters of VIPs that begin with round-robin to zero; loads of those that begin with
 * least-connections. 0 or -ENOMEM.
 */
int apply_start_algorithms(const struct steps *s, struct maps *maps, uint32_t tenant);
/* Does the VIP begin with this algorithm: new, in a table again, or with another one before. */
bool steps_begins_with(const struct image *from, const struct image *to, uint32_t vip,
		       enum mtlb_algorithm algorithm);
