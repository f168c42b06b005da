/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands in a table, before it has its places. Private to image_entries.c and
 * image_tables.c.
 */
#pragma once

#include "core/image_internal.h"

struct entries {
	union entry *list;           /* sorted by key */
	uint32_t n, room;
	bool is_short;               /* out of memory: some are missing */
};

void entries_clear(struct entries *e);
/* placed: only VIPs that have a place in the table now; else all. Words are zero. */
void entries_of_tenant(const struct image *i, uint32_t tenant, bool placed, struct entries *e,
		       struct report *r);
/* The addresses behind shared segments. */
void entries_of_addresses(const struct image *i, struct entries *e, struct report *r);
/* By address, port, protocol, kind. */
int entries_compare_keys(const void *a, const void *b);
/* NULL: the table has no entry of this key. */
const struct mtlb_vip *table_find(const struct table *t, const union entry *key,
				  const uint64_t table_key[2]);
