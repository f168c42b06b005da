/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The entries of a table: VIPs, their addresses, port ranges and QUIC server ids. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_tables.h"

void entries_clear(struct entries *e)
{
	free(e->list);
	*e = (struct entries){0};
}

/* Zeroed; where memory is short, a place that nobody reads. */
static union entry *add(struct entries *e)
{
	static union entry nowhere;

	if (e->n == e->room) {
		uint32_t room = e->room ? 2 * e->room : 16;
		union entry *list = realloc(e->list, room * sizeof(*list));

		if (!list) {
			e->is_short = true;
			return &nowhere;
		}
		e->list = list;
		e->room = room;
	}
	memset(&e->list[e->n], 0, sizeof(*e->list));
	return &e->list[e->n++];
}

/* ---- one entry ---- */
static bool has_range(const struct image_vip *v)
{
	return v->info.port != v->info.last_port;
}

static void add_vip(struct entries *e, const struct image_vip *v, uint32_t id)
{
	struct mtlb_vip *out = &add(e)->vip;

	memcpy(out->address, v->info.address, 16);
	out->port = v->info.port;
	out->protocol = v->info.protocol;
	out->kind = has_range(v) ? MTLB_ENTRY_RANGE : MTLB_ENTRY_VIP;
	out->id = id;
	out->idle_ticks = v->idle_ticks;
	out->short_ticks = v->short_ticks;
	out->algorithm = v->algorithm;
	out->source_bits = v->source_bits;
	out->previous_source_bits = v->previous_bits;
	out->flags = v->flags;
	out->quic_shift = v->quic_shift;
	memcpy(out->quic, v->quic, sizeof(out->quic));
	if (v->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS && v->ring)
		out->ids = v->ring->n_ids;
}

static void add_address(struct entries *e, const uint8_t address[16], uint32_t tenant,
			uint8_t flags)
{
	struct mtlb_vip *out = &add(e)->vip;

	memcpy(out->address, address, 16);
	out->kind = MTLB_ENTRY_ADDRESS;
	out->id = tenant;
	out->flags = flags;
}

static void add_range(struct entries *e, const struct image_vip *v)
{
	struct mtlb_ranges *out = &add(e)->ranges;

	memcpy(out->address, v->info.address, 16);
	out->protocol = v->info.protocol;
	out->kind = MTLB_ENTRY_RANGES;
	out->n = 1;
	out->ranges[0] = (struct mtlb_range){ntohs(v->info.port), ntohs(v->info.last_port)};
}

static bool is_same_id(const struct model_server_id *a, const struct model_server_id *b)
{
	return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* Has a backend before this one in the list the id: configured ones are before those that leave. */
static bool is_taken(const struct image *i, uint32_t vip, uint32_t backend,
		     const struct model_server_id *id)
{
	for (uint32_t k = i->vips[vip].backends; k != backend; k = i->backends[k].next)
		for (uint32_t s = 0; s < i->backends[k].n_servers; s++)
			if (is_same_id(&i->backends[k].servers[s], id))
				return true;
	return false;
}

static void add_servers(struct entries *e, const struct image *i, uint32_t vip, uint32_t backend)
{
	const struct image_backend *b = &i->backends[backend];

	for (uint32_t s = 0; s < b->n_servers; s++) {
		const struct model_server_id *id = &b->servers[s];

		if (b->state == MTLB_BACKEND_LEAVING && is_taken(i, vip, backend, id))
			continue;
		struct mtlb_server *out = &add(e)->server;

		memcpy(out->id, id->bytes, id->len);
		out->id_len = id->len;
		out->vip_low = vip;
		out->vip_high = vip >> 16;
		out->kind = MTLB_ENTRY_SERVER;
		out->backend = backend;
	}
}

/* ---- sorted, and one for each key ---- */
int entries_compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct mtlb_vip, id));
}

static int compare_ranges(const void *a, const void *b)
{
	const struct mtlb_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* An address has one entry however many VIPs are on it, and its ranges have one. */
static bool merge(union entry *into, const union entry *e, bool *is_full)
{
	if (entries_compare_keys(into, e))
		return false;
	if (e->vip.kind == MTLB_ENTRY_ADDRESS && into->vip.id == e->vip.id) {
		into->vip.flags |= e->vip.flags;
		return true;
	}
	if (e->vip.kind != MTLB_ENTRY_RANGES)
		return false;
	if (into->ranges.n == MTLB_RANGES_MAX)
		*is_full = true;
	else
		into->ranges.ranges[into->ranges.n++] = e->ranges.ranges[0];
	return true;
}

static void sort(struct entries *e, const char *whose, struct report *r)
{
	bool is_full = false;
	uint32_t n = 0;

	if (e->n)
		qsort(e->list, e->n, sizeof(*e->list), entries_compare_keys);
	for (uint32_t i = 0; i < e->n; i++)
		if (!n || !merge(&e->list[n - 1], &e->list[i], &is_full))
			e->list[n++] = e->list[i];
	e->n = n;
	for (uint32_t i = 0; i < n; i++)
		if (e->list[i].vip.kind == MTLB_ENTRY_RANGES)
			qsort(e->list[i].ranges.ranges, e->list[i].ranges.n,
			      sizeof(struct mtlb_range), compare_ranges);
	if (is_full)
		report_add(r, whose, "more port ranges on one address and protocol than %d",
			   MTLB_RANGES_MAX);
}

void entries_of_tenant(const struct image *i, uint32_t tenant, bool placed, struct entries *e,
		       struct report *r)
{
	const struct image_tenant *t = &i->tenants[tenant];

	e->n = 0;
	for (uint32_t id = t->vips; id != IMAGE_NONE; id = i->vips[id].next) {
		const struct image_vip *v = &i->vips[id];

		if (placed && !v->position)
			continue;
		add_vip(e, v, id);
		add_address(e, v->info.address, tenant,
			    (v->echo ? MTLB_VIP_ECHO : 0) | (has_range(v) ? MTLB_VIP_RANGES : 0));
		if (has_range(v))
			add_range(e, v);
		for (uint32_t k = v->flags & MTLB_VIP_QUIC ? v->backends : IMAGE_NONE;
		     k != IMAGE_NONE; k = i->backends[k].next)
			add_servers(e, i, id, k);
	}
	sort(e, t->name, r);
}

void entries_of_addresses(const struct image *i, struct entries *e, struct report *r)
{
	e->n = 0;
	for (uint32_t t = 1; t < i->top_tenant; t++) {
		const struct image_tenant *tenant = &i->tenants[t];

		if (!tenant->name[0] || !tenant->is_shared || tenant->suspended)
			continue;
		for (uint32_t v = tenant->vips; v != IMAGE_NONE; v = i->vips[v].next)
			add_address(e, i->vips[v].info.address, t, 0);
	}
	sort(e, "shared addresses", r);
	/* two tenants with one address: the checks before refuse that */
	for (uint32_t k = 1; k < e->n; k++)
		if (!entries_compare_keys(&e->list[k - 1], &e->list[k]))
			report_add(r, i->tenants[e->list[k].vip.id].name,
				   "shares an address with tenant %s on shared segments",
				   i->tenants[e->list[k - 1].vip.id].name);
}
