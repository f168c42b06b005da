/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of the data plane built for this machine: plain arrays, whose elements lie apart with poisoned bytes
 * between them, so that AddressSanitizer sees a byte too far.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which maps there are, what becomes of their contents between two inputs, and how many elements they have. */
#define NATIVE_MAPS(X)                                                                             \
	X(segments, CONFIG, 64)                                                                    \
	X(tenants, CONFIG, 16)                                                                     \
	X(rings, CONFIG, 1024)                                                                     \
	X(backends, CONFIG, 256)                                                                   \
	X(flows, STATE, 32)                                                                        \
	X(backend_loads, STATE, 256)                                                               \
	X(turns, STATE, 32)                                                                        \
	X(answers, STATE, 16)                                                                      \
	X(tenant_stats, STATE, 16)                                                                 \
	X(vip_stats, STATE, 32)                                                                    \
	X(backend_stats, STATE, 256)                                                               \
	X(trace, TRACE, 1)

enum native_map_id {
#define NATIVE_MAP_ID(name, kind, n) NATIVE_##name,
	NATIVE_MAPS(NATIVE_MAP_ID)
#undef NATIVE_MAP_ID
	NATIVE_address_tables, /* maps of maps: elements are pointers to tables */
	NATIVE_vip_tables,
	NATIVE_vip_tables_large,
	NATIVE_N,
};

enum native_map_kind {
	NATIVE_CONFIG,
	NATIVE_STATE,
	NATIVE_TRACE,
	NATIVE_OUTER
};

struct native_map {
	uint32_t max_entries;  /* first, as in the struct bpf_map that the data plane reads */
	uint32_t size, stride; /* bytes of an element; from one to the next */
	uint32_t full;         /* max_entries as made */
	enum native_map_kind kind;
	const void *declared; /* the variable by which the data plane names it */
	uint8_t *memory;
};

enum {
	NATIVE_TABLES = 5
}; /* of addresses; of tenants 1 to 4 */

extern struct native_map native_maps[NATIVE_N];
extern struct native_map native_tables[NATIVE_TABLES];

/* Tells what the data plane declared: once, for each map. native_map_make() then allocates all. */
void native_map_declare(enum native_map_id id, const void *declared, uint32_t size);
void native_map_declare_tables(const uint32_t *entries, uint32_t size);
void native_map_make(void);

/* The element, which there is. */
void *native_map_at(enum native_map_id id, uint32_t at);
void *native_table_at(uint32_t table, uint32_t at);

/* All contents as they are now become what native_map_reset() brings back. */
void native_map_keep(void);
/* has_changed: the configuration too, not only what packets write. Sizes are the full ones again. */
void native_map_reset(bool has_changed);

/* All that packets write; the same number for the same contents. */
uint64_t native_map_sum_state(void);
