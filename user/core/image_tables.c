/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables that find a VIP: one for each tenant, and slot 0's with the addresses behind shared
 * segments. A table is built anew only where a key, a place or a timeout changes; words change in
 * place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
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
struct entries {
	struct mtlb_vip *list;
	uint32_t n;
};

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct mtlb_vip, id));
}

static void vip_entry(const struct image_vip *v, uint32_t id, struct mtlb_vip *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->address, v->info.address, 16);
	out->port = v->info.port;
	out->protocol = v->info.protocol;
	out->kind = MTLB_ENTRY_VIP;
	out->id = id;
	out->idle_ticks = v->idle_ticks;
	out->short_ticks = v->short_ticks;
}

static void address_entry(const uint8_t address[16], uint32_t tenant, struct mtlb_vip *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->address, address, 16);
	out->kind = MTLB_ENTRY_ADDRESS;
	out->id = tenant;
}

/* Sorts, and drops what is there twice (an address has one entry, however many VIPs are on it). */
static void entries_sort(struct entries *e)
{
	uint32_t n = 0;

	qsort(e->list, e->n, sizeof(*e->list), compare_keys);
	for (uint32_t i = 0; i < e->n; i++)
		if (!n || memcmp(&e->list[n - 1], &e->list[i], sizeof(e->list[i])))
			e->list[n++] = e->list[i];
	e->n = n;
}

static uint32_t entry_home(const struct mtlb_vip *e, const uint64_t key[2], uint32_t n)
{
	__u64 address[2];
	const __u64 multipliers[2] = {key[0], key[1]};

	memcpy(address, e->address, 16);
	return mtlb_table_hash(address, e->port, e->protocol, multipliers) & (n - 1);
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

static bool table_insert(struct table *t, const struct mtlb_vip *e, uint32_t home)
{
	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		struct mtlb_vip *at = &t->entries[(home + probe) & (t->n - 1)];

		if (at->kind != MTLB_ENTRY_EMPTY)
			continue;
		*at = *e;
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

/* least, most: elements; the table of addresses has one size, the others grow until all entries have their places. */
static struct table *table_make(struct build *b, const struct entries *e, uint32_t least,
				uint32_t most, const char *whose)
{
	int err = -ENOSPC;

	for (uint32_t n = least; n <= most && err == -ENOSPC; n *= 2) {
		struct table *t = table_new(n);

		err = t ? table_fill(t, e, b->in->table_key) : -ENOMEM;
		if (!err)
			return t;
		free(t);
	}
	if (err == -ENOSPC)
		report_add(b->report, whose, "%u table entries find no place within %d probes",
			   e->n, MTLB_TABLE_PROBES);
	else
		b->error = err;
	return NULL;
}

/* ---- keeping one ---- */
static const struct mtlb_vip *table_find(const struct table *t, const struct mtlb_vip *key,
					 const uint64_t table_key[2])
{
	uint32_t home = entry_home(key, table_key, t->n);

	for (uint32_t probe = 0; probe < MTLB_TABLE_PROBES; probe++) {
		const struct mtlb_vip *at = &t->entries[(home + probe) & (t->n - 1)];

		if (!compare_keys(at, key))
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

static void choose_table(struct build *b, uint32_t slot, struct entries *e, const char *whose)
{
	struct image_tenant *t = &b->image->tenants[slot];
	struct table *old = image_has_tenant(b->previous, slot) ? b->previous->tenants[slot].table
								: NULL;
	uint32_t least = MTLB_TABLE_SMALL, growths = GROWTHS;

	entries_sort(e);
	if (old && table_holds(old, e, b->in->table_key)) {
		old->refs++;
		t->table = old;
		return;
	}
	while (least < 2 * e->n)
		least *= 2;
	if (slot == MTLB_TENANT_NONE) {
		least = maps_address_entries(&b->in->limits);
		growths = 0;
	}
	t->table = table_make(b, e, least, least << growths, whose);
}

/* What the data plane knows of the tenant itself. */
static void build_record(struct build *b, struct image_tenant *t)
{
	memset(&t->record, 0, sizeof(t->record));
	tenant_key(b->in->secret, t->name, t->record.key);
	t->record.flows = mtlb_flow_range(t->flow_base, t->flow_buckets ? t->flow_buckets - 1 : 0);
	for (uint32_t v = t->vips; v != IMAGE_NONE; v = b->image->vips[v].next)
		if (b->image->vips[v].idle_ticks > t->record.idle_ticks)
			t->record.idle_ticks = b->image->vips[v].idle_ticks;
}

static void build_tenant_table(struct build *b, uint32_t slot, struct entries *e)
{
	struct image_tenant *t = &b->image->tenants[slot];

	build_record(b, t);
	e->n = 0;
	for (uint32_t v = t->suspended ? IMAGE_NONE : t->vips; v != IMAGE_NONE;
	     v = b->image->vips[v].next) {
		vip_entry(&b->image->vips[v], v, &e->list[e->n++]);
		address_entry(b->image->vips[v].info.address, slot, &e->list[e->n++]);
	}
	choose_table(b, slot, e, t->name);
	for (uint32_t i = 0; t->table && i < t->table->n; i++)
		if (t->table->entries[i].kind == MTLB_ENTRY_VIP)
			b->image->vips[t->table->entries[i].id].position = i + 1;
}

static void build_shared_table(struct build *b, struct entries *e)
{
	e->n = 0;
	for (uint32_t t = 1; t < b->image->top_tenant; t++) {
		const struct image_tenant *tenant = &b->image->tenants[t];

		if (!tenant->name[0] || !tenant->is_shared || tenant->suspended)
			continue;
		for (uint32_t v = tenant->vips; v != IMAGE_NONE; v = b->image->vips[v].next)
			address_entry(b->image->vips[v].info.address, t, &e->list[e->n++]);
	}
	choose_table(b, MTLB_TENANT_NONE, e, "shared addresses");
	/* two tenants with one address: the checks before refuse that */
	for (uint32_t i = 1; i < e->n; i++)
		if (!compare_keys(&e->list[i - 1], &e->list[i]))
			report_add(b->report, b->image->tenants[e->list[i].id].name,
				   "shares an address with tenant %s on shared segments",
				   b->image->tenants[e->list[i - 1].id].name);
}

void build_tables(struct build *b)
{
	struct entries e = {.list = calloc(2 * (size_t)b->image->top_vip + 1, sizeof(*e.list))};
	_cleanup_free_ struct mtlb_vip *owned = e.list;

	if (!owned) {
		b->error = -ENOMEM;
		return;
	}
	for (uint32_t t = 1; t < b->image->top_tenant; t++)
		if (b->image->tenants[t].name[0])
			build_tenant_table(b, t, &e);
	build_shared_table(b, &e);
}
