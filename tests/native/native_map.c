/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>

#include "native_map.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

#define UNCHECKED __attribute__((no_sanitize("address"), noinline))

enum {
	GAP = 16
};

struct native_map native_maps[NATIVE_N];
struct native_map native_tables[NATIVE_TABLES];

/* Two stretches of memory, so that one copy resets each. */
static struct arena {
	uint8_t *memory, *kept;
	size_t len;
} arenas[2]; /* NATIVE_CONFIG (and _OUTER), NATIVE_STATE (and _TRACE) */

static struct arena *arena_of(enum native_map_kind kind)
{
	return &arenas[kind == NATIVE_STATE || kind == NATIVE_TRACE];
}

static void set_size(struct native_map *m, enum native_map_kind kind, uint32_t n, uint32_t size)
{
	m->kind = kind;
	m->max_entries = m->full = n;
	m->size = size;
	m->stride = (size + 7) / 8 * 8 + GAP;
	arena_of(kind)->len += (size_t)n * m->stride;
}

void native_map_declare(enum native_map_id id, const void *declared, uint32_t size)
{
	static const struct {
		enum native_map_kind kind;
		uint32_t n;
	} rows[NATIVE_N] = {
#define NATIVE_ROW(name, kind, n) [NATIVE_##name] = {NATIVE_##kind, n},
		NATIVE_MAPS(NATIVE_ROW)
#undef NATIVE_ROW
			[NATIVE_address_tables] = {NATIVE_OUTER, 1},
		[NATIVE_vip_tables] = {NATIVE_OUTER, 16},
		[NATIVE_vip_tables_large] = {NATIVE_OUTER, 16},
	};
	struct native_map *m = &native_maps[id];

	m->declared = declared;
	set_size(m, rows[id].kind, rows[id].n,
		 rows[id].kind == NATIVE_OUTER ? (uint32_t)sizeof(struct native_map *) : size);
}

void native_map_declare_tables(const uint32_t *entries, uint32_t size)
{
	for (int i = 0; i < NATIVE_TABLES; i++)
		set_size(&native_tables[i], NATIVE_CONFIG, entries[i], size);
}

/* Returns the end of the map's memory, which begins at. */
static uint8_t *place(struct native_map *m, uint8_t *at)
{
	m->memory = at;
	for (uint32_t i = 0; i < m->full; i++, at += m->stride)
		ASAN_POISON_MEMORY_REGION(at + m->size, m->stride - m->size);
	return at;
}

void native_map_make(void)
{
	uint8_t *at[2];

	for (int i = 0; i < 2; i++) {
		at[i] = arenas[i].memory = calloc(1, arenas[i].len);
		arenas[i].kept = calloc(1, arenas[i].len);
		if (!arenas[i].memory || !arenas[i].kept)
			abort();
	}
	for (int i = 0; i < NATIVE_N; i++) {
		uint8_t **next = &at[arena_of(native_maps[i].kind) - arenas];

		*next = place(&native_maps[i], *next);
	}
	for (int i = 0; i < NATIVE_TABLES; i++)
		at[0] = place(&native_tables[i], at[0]);
}

static void *element(const struct native_map *m, uint32_t at)
{
	return at < m->max_entries ? m->memory + (size_t)at * m->stride : NULL;
}

void *native_map_at(enum native_map_id id, uint32_t at)
{
	if (at >= native_maps[id].full)
		abort();
	return native_maps[id].memory + (size_t)at * native_maps[id].stride;
}

void *native_table_at(uint32_t table, uint32_t at)
{
	return element(&native_tables[table], at & (native_tables[table].full - 1));
}

/* Over the poisoned bytes as well, which memcpy() would report. */
static UNCHECKED void copy(uint8_t *to, const uint8_t *from, size_t len)
{
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
}

void native_map_keep(void)
{
	for (int i = 0; i < 2; i++)
		copy(arenas[i].kept, arenas[i].memory, arenas[i].len);
}

void native_map_reset(bool has_changed)
{
	copy(arenas[1].memory, arenas[1].kept, arenas[1].len);
	if (!has_changed)
		return;
	copy(arenas[0].memory, arenas[0].kept, arenas[0].len);
	for (int i = 0; i < NATIVE_N; i++)
		native_maps[i].max_entries = native_maps[i].full;
	for (int i = 0; i < NATIVE_TABLES; i++)
		native_tables[i].max_entries = native_tables[i].full;
}

uint64_t native_map_sum_state(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < NATIVE_N; i++) {
		const struct native_map *m = &native_maps[i];

		for (uint32_t e = 0; m->kind == NATIVE_STATE && e < m->full; e++)
			for (uint32_t at = 0; at + 8 <= m->size; at += 8)
				sum = (sum ^ *(const uint64_t *)(m->memory + (size_t)e * m->stride +
								 at)) *
				      0xd6e8feb86659fd93;
	}
	return sum;
}

static const struct native_map *find(const void *map)
{
	const struct native_map *table = map;

	if (table >= native_tables && table < native_tables + NATIVE_TABLES)
		return table;
	for (int i = 0; i < NATIVE_N; i++)
		if (native_maps[i].declared == map)
			return &native_maps[i];
	abort(); /* the data plane has a map that NATIVE_MAPS does not list */
}

/* The helper of the data plane. */
void *bpf_map_lookup_elem(const void *map, const void *key);

void *bpf_map_lookup_elem(const void *map, const void *key)
{
	const struct native_map *m = find(map);
	void *e = element(m, *(const uint32_t *)key);

	return e && m->kind == NATIVE_OUTER ? *(void **)e : e;
}
