/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables that find a VIP: one for each tenant, and slot 0's with the addresses behind shared
 * segments. A table is built anew only where something else than a word changes; words change in
 * place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_tables.h"
#include "core/siphash.h"
#include "util/cleanup.h"

enum {
	GROWTHS = 6
}; /* doublings tried to place all entries */

void table_unref(struct table *t)
{
	if (t && !--t->refs)
		free(t);
}

/* Both halves of the secret key a hash each; their xor is as unpredictable as either. */
void tenant_key(const uint8_t secret[32], const char *name, uint32_t key[12])
{
	uint8_t text[8 + MTLB_NAME_LEN] = "tenant";
	size_t len = strnlen(name, MTLB_NAME_LEN);

	memcpy(text + 8, name, len);
	for (int i = 0; i < 12; i += 2) {
		text[7] = i;
		uint64_t word =
			siphash(secret, text, 8 + len) ^ siphash(secret + 16, text, 8 + len);

		key[i] = word;
		key[i + 1] = word >> 32;
	}
}

uint64_t image_ring_word(const struct ring *r, bool learning)
{
	return mtlb_vip_word(r->base, r->log2,
			     (r->n_moving ? MTLB_VIP_MOVING : 0) |
				     (r->n_moving && learning ? MTLB_VIP_LEARNING : 0));
}

uint64_t image_vip_word(const struct image_vip *v)
{
	return v->ring ? image_ring_word(v->ring, v->learning)
		       : mtlb_vip_word(0, 0, MTLB_VIP_EMPTY);
}

/* ---- making one ---- */
static uint32_t entry_home(const union entry *e, const uint64_t key[2], uint32_t n)
{
	__u64 address[2];
	const __u64 multipliers[2] = {key[0], key[1]};

	memcpy(address, e->vip.address, 16);
	return mtlb_table_hash(address, e->vip.port, e->vip.protocol, multipliers) & (n - 1);
}

static struct table *table_new(uint32_t n)
{
	struct table *t = calloc(1, sizeof(*t) + n * sizeof(t->entries[0]));

	if (t) {
		t->refs = 1;
		t->n = n;
	}
	return t;
}

static bool table_insert(struct table *t, const union entry *e, uint32_t home)
{
	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		struct mtlb_vip *at = &t->entries[(home + probe) & (t->n - 1)];

		if (at->kind != MTLB_ENTRY_EMPTY)
			continue;
		*at = e->vip;
		return true;
	}
	return false;
}

struct homed {
	uint32_t home;
	uint32_t index;
};

static int compare_homes(const void *a, const void *b)
{
	const struct homed *x = a, *y = b;

	if (x->home != y->home)
		return x->home < y->home ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/*
 * In the order of their homes, which makes the longest search as short as linear probing allows (Robin Hood hashing,
 * Celis 1986). -ENOSPC where an entry finds no place within the probes.
 */
static int table_fill(struct table *t, const struct entries *e, const uint64_t key[2])
{
	_cleanup_free_ struct homed *order = calloc(e->n + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < e->n; i++)
		order[i] = (struct homed){entry_home(&e->list[i], key, t->n), i};
	qsort(order, e->n, sizeof(*order), compare_homes);
	for (uint32_t i = 0; i < e->n; i++)
		if (!table_insert(t, &e->list[order[i].index], order[i].home))
			return -ENOSPC;
	t->n_used = e->n;
	return 0;
}

/*
 * least, most: elements; the table of addresses has one size, the others grow until all entries
 * have their places.
 */
/*
 * least, most: elements; the table of addresses has one size, the others grow until all entries
 * have their places.
 */
static int table_make(const struct image *i, const struct entries *e, uint32_t least, uint32_t most,
		      const char *whose, struct report *r, struct table **out)
{
	int err = -ENOSPC;

	for (uint32_t n = least; n <= most && err == -ENOSPC; n *= 2) {
		struct table *t = table_new(n);

		err = t ? table_fill(t, e, i->table_key) : -ENOMEM;
		if (!err)
			*out = t;
		else
			free(t);
	}
	if (err == -ENOSPC)
		report_add(r, whose, "%u table entries find no place within %d probes", e->n,
			   MTLB_TABLE_PROBES);
	return err;
}

/* ---- keeping one ---- */
const struct mtlb_vip *table_find(const struct table *t, const union entry *key,
				  const uint64_t table_key[2])
{
	uint32_t home = entry_home(key, table_key, t->n);

	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		const struct mtlb_vip *at = &t->entries[(home + probe) & (t->n - 1)];

		if (!entries_compare_keys(at, key))
			return at;
	}
	return NULL;
}

static bool table_holds(const struct table *t, const struct entries *e, const uint64_t key[2])
{
	if (t->n_used != e->n)
		return false;
	for (uint32_t i = 0; i < e->n; i++) {
		const struct mtlb_vip *found = table_find(t, &e->list[i], key);

		if (!found || memcmp(found, &e->list[i], sizeof(*found)))
			return false;
	}
	return true;
}

/* *out: old, if it holds just these entries, or a new one. */
static int choose_table(const struct image *i, uint32_t slot, struct table *old,
			const struct entries *e, struct report *r, struct table **out)
{
	uint32_t least = MTLB_TABLE_SMALL, growths = GROWTHS;
	bool is_shared = slot == MTLB_TENANT_NONE;

	if (e->is_short)
		return -ENOMEM;
	if (old && table_holds(old, e, i->table_key)) {
		old->refs++;
		*out = old;
		return 0;
	}
	while (least < 2 * e->n)
		least *= 2;
	if (is_shared) {
		least = maps_address_entries(&i->limits);
		growths = 0;
	}
	return table_make(i, e, least, least << growths,
			  is_shared ? "shared addresses" : i->tenants[slot].name, r, out);
}

static void note_positions(struct image *i, const struct table *t)
{
	for (uint32_t k = 0; t && k < t->n; k++)
		if (entry_is_vip(&t->entries[k]))
			i->vips[t->entries[k].id].position = k + 1;
}

/* What the data plane knows of the tenant itself; limits and flags are there. */
static void build_record(struct build *b, struct image_tenant *t)
{
	tenant_key(b->in->secret, t->name, t->record.key);
	t->record.flows = mtlb_flow_range(t->flow_base, t->flow_buckets ? t->flow_buckets - 1 : 0);
	for (uint32_t v = t->vips; v != IMAGE_NONE; v = b->image->vips[v].next)
		if (b->image->vips[v].idle_ticks > t->record.idle_ticks)
			t->record.idle_ticks = b->image->vips[v].idle_ticks;
}

static void build_table(struct build *b, uint32_t slot, const struct entries *e)
{
	struct table *old =
		image_has_tenant(b->previous, slot) ? b->previous->tenants[slot].table : NULL;
	struct table **to = &b->image->tenants[slot].table;
	int err = choose_table(b->image, slot, old, e, b->report, to);

	if (err && err != -ENOSPC)
		b->error = err;
	if (slot != MTLB_TENANT_NONE)
		note_positions(b->image, *to);
}

void build_tables(struct build *b)
{
	struct entries e = {0};

	for (uint32_t t = 1; t < b->image->top_tenant; t++) {
		if (!b->image->tenants[t].name[0])
			continue;
		build_record(b, &b->image->tenants[t]);
		e.n = 0;
		if (!b->image->tenants[t].suspended)
			entries_of_tenant(b->image, t, false, &e, b->report);
		build_table(b, t, &e);
	}
	entries_of_addresses(b->image, &e, b->report);
	build_table(b, MTLB_TENANT_NONE, &e);
	entries_clear(&e);
}

int image_renew_table(struct image *i, uint32_t tenant, struct report *r)
{
	struct image_tenant *t = &i->tenants[tenant];
	struct table *old = t->table;
	struct entries e = {0};
	int err;

	if (!old)
		return 0;
	entries_of_tenant(i, tenant, true, &e, r);
	err = choose_table(i, tenant, old, &e, r, &t->table);
	entries_clear(&e);
	if (err)
		return err;
	table_unref(old);
	note_positions(i, t->table);
	return 0;
}
