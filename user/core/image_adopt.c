/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps -> image: how a restarted mtlbd goes on. Nothing read is trusted. What an interrupted change
 * left (names without a table, a backend not yet or no longer in use) is no contradiction: the next
 * change tidies it up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_tables.h"
#include "util/cleanup.h"

struct adopt {
	const struct maps *maps;
	struct image *image;
	struct report *report;
	uint64_t now;
	int error;
};

#define REFUSE(a, ...) report_add((a)->report, "maps", __VA_ARGS__)

static bool is_name(const char *name)
{
	return name[0] && memchr(name, 0, MTLB_NAME_LEN);
}

/* ---- names ---- */
/* None where mtlbd ended between the tenant's name and the end of its record. */
static void read_record(struct adopt *a, uint32_t t)
{
	struct image_tenant *to = &a->image->tenants[t];
	struct mtlb_tenant record = a->maps->tenants[t];
	uint32_t base = record.flows, mask = record.flows >> 32;

	if (!record.flows)
		return;
	if (mask & ((uint64_t)mask + 1) || base & mask ||
	    (uint64_t)base + mask + 1 > a->maps->limits.flow_buckets) {
		REFUSE(a, "tenant slot %u: its range of the flow table does not fit", t);
		return;
	}
	to->record = record;
	to->flow_base = base;
	to->flow_buckets = mask + 1;
}

static void read_tenants(struct adopt *a)
{
	const struct maps *m = a->maps;

	for (uint32_t t = 1; t < m->limits.tenants; t++) {
		struct image_tenant *to = &a->image->tenants[t];

		if (!m->tenant_info[t].name[0])
			continue;
		if (!is_name(m->tenant_info[t].name)) {
			REFUSE(a, "tenant slot %u: its name has no end", t);
			continue;
		}
		strcpy(to->name, m->tenant_info[t].name);
		to->vips = to->last_vip = IMAGE_NONE;
		a->image->top_tenant = t + 1;
		read_record(a, t);
	}
}

static void read_vips(struct adopt *a)
{
	const struct maps *m = a->maps;

	for (uint32_t v = 0; v < m->limits.vips; v++) {
		struct mtlb_vip_info info = m->vip_info[v];

		if (!info.name[0])
			continue;
		if (!is_name(info.name) || info.tenant == MTLB_TENANT_NONE ||
		    !image_has_tenant(a->image, info.tenant)) {
			REFUSE(a, "VIP %u: its name has no end, or tenant slot %u is free", v,
			       info.tenant);
			continue;
		}
		a->image->vips[v].info = info;
		a->image->vips[v].backends = IMAGE_NONE;
		a->image->vips[v].is_adopted = true;
		a->image->top_vip = v + 1;
		image_append_vip(a->image, info.tenant, v);
	}
}

static void read_backend(struct adopt *a, uint32_t id)
{
	const struct mtlb_backend *record = &a->maps->backends[id];
	struct mtlb_backend_info info = a->maps->backend_info[id];
	uint32_t state = mtlb_backend_word_state(record->word);
	uint32_t variant = mtlb_backend_word_variant(record->word);
	uint32_t weight = mtlb_backend_word_weight(record->word);
	struct image_backend *to = &a->image->backends[id];

	if (state == MTLB_BACKEND_FREE) {
		to->has_left_name = info.name[0];
		if (to->has_left_name)
			a->image->top_backend = id + 1;
		return;
	}
	if (state > MTLB_BACKEND_LEAVING || !is_name(info.name) ||
	    !image_has_vip(a->image, info.vip) || !weight) {
		REFUSE(a, "backend %u: state %u, VIP %u and weight %u do not fit", id, state,
		       info.vip, weight);
		return;
	}
	to->info = info;
	to->info.weight = weight; /* the info may already be that of an interrupted change */
	to->has_other_name = info.weight != weight;
	to->state = state;
	to->variant = variant;
	to->encap = variant ? record->encap1 : record->encap0;
	a->image->top_backend = id + 1;
	image_append_backend(a->image, info.vip, id);
}

/* ---- rings ---- */
struct raw_ring { /* in the map */
	uint32_t base, log2;
	bool moving;
	const __u16 *slots, *previous;
};

/* false: outside of the map. */
static bool locate_ring(const struct adopt *a, uint64_t word, struct raw_ring *r)
{
	r->base = mtlb_vip_word_ring(word);
	r->log2 = mtlb_vip_word_log2(word);
	r->moving = word & MTLB_VIP_MOVING;
	if (r->log2 < MTLB_RING_LOG2_MIN || r->log2 > MTLB_RING_LOG2_MAX)
		return false;
	uint64_t units = (r->moving ? 2ULL : 1ULL) << (r->log2 - 2);

	if (r->base + units > a->maps->limits.ring_units)
		return false;
	r->slots = a->maps->rings[r->base].slots;
	r->previous = r->slots + (1ULL << r->log2);
	return true;
}

static uint32_t largest_index(const struct raw_ring *r)
{
	uint32_t largest = 0;

	for (uint32_t s = 0; s < 1U << r->log2; s++) {
		uint32_t owner = r->slots[s] & ~MTLB_SLOT_MOVING;

		largest = owner > largest ? owner : largest;
		if (r->moving && r->slots[s] & MTLB_SLOT_MOVING && r->previous[s] > largest)
			largest = r->previous[s];
	}
	return largest;
}

/* The ids below the slots; NULL: outside of the map, or not this VIP's backends. */
static uint32_t *read_ids(const struct adopt *a, const struct raw_ring *r, uint32_t vip, uint32_t n)
{
	uint32_t *ids;

	if ((n + 1) / 2 > r->base)
		return NULL;
	ids = calloc(n, sizeof(*ids));
	for (uint32_t i = 0; ids && i < n; i++) {
		ids[i] = a->maps->rings[r->base - 1 - i / 2].ids[i & 1];
		if (!image_has_backend(a->image, ids[i]) ||
		    a->image->backends[ids[i]].info.vip != vip) {
			free(ids);
			return NULL;
		}
	}
	return ids;
}

static struct ring *copy_ring(const struct raw_ring *r, const uint32_t *ids, uint32_t n,
			      bool has_list)
{
	_cleanup_free_ bool *listed = calloc(n, sizeof(*listed));
	struct ring_draft d = {.log2 = r->log2, .n_ids = n, .ids = ids, .listed = listed};
	_cleanup_free_ uint16_t *owner = d.owner = malloc(sizeof(*d.owner) << r->log2);
	_cleanup_free_ uint32_t *previous = d.previous = malloc(sizeof(*d.previous) << r->log2);

	if (!owner || !previous || !listed)
		return NULL;
	memset(listed, has_list, n * sizeof(*listed));
	for (uint32_t s = 0; s < 1U << r->log2; s++) {
		owner[s] = r->slots[s] & ~MTLB_SLOT_MOVING;
		previous[s] =
			r->moving && r->slots[s] & MTLB_SLOT_MOVING ? r->previous[s] : IMAGE_NONE;
	}
	return ring_from_draft(&d);
}

/* Leaving backends own slots only where nothing else is left. */
static bool is_last_stand(const struct image *i, const struct ring *r)
{
	for (uint32_t k = 0; k < r->n_ids; k++)
		if (r->owned[k] && i->backends[r->ids[k]].state != MTLB_BACKEND_LEAVING)
			return false;
	return true;
}

/* n_listed: length of the list of ids; 0: as far as slots name them. */
static void read_ring(struct adopt *a, uint32_t vip, uint64_t word, uint32_t n_listed)
{
	struct image_vip *v = &a->image->vips[vip];
	_cleanup_free_ uint32_t *ids = NULL;
	struct raw_ring raw;
	uint32_t n;

	v->ring_log2 = 0;
	if (word & MTLB_VIP_EMPTY)
		return;
	if (!locate_ring(a, word, &raw)) {
		REFUSE(a, "VIP %u: its ring lies outside of the map", vip);
		return;
	}
	n = largest_index(&raw) + 1;
	if (n_listed && n_listed < n) {
		REFUSE(a, "VIP %u: its ring lists %u backends and names more", vip, n_listed);
		return;
	}
	n = n_listed ?: n;
	ids = read_ids(a, &raw, vip, n);
	if (!ids) {
		REFUSE(a, "VIP %u: its ring names backends that are not its own", vip);
		return;
	}
	v->ring = copy_ring(&raw, ids, n, n_listed);
	if (!v->ring) {
		a->error = -ENOMEM;
		return;
	}
	if (raw.moving != !!v->ring->n_moving)
		REFUSE(a, "VIP %u: its word says that slots move, but none does", vip);
	/* where it lies, also if some ids were of no use */
	v->ring->base = raw.base;
	v->ring->first = raw.base - (n + 1) / 2;
	v->ring->units = (n + 1) / 2 + ((raw.moving ? 2U : 1U) << (raw.log2 - 2));
	v->ring_log2 = raw.log2;
	v->is_last_stand = is_last_stand(a->image, v->ring);
	v->learning = raw.moving && word & MTLB_VIP_LEARNING;
	v->quiet.since = raw.moving ? a->now : 0;
	v->move_started = raw.moving ? (a->now ? a->now : 1) : 0;
}

/* ---- tables ---- */
static bool is_reachable(const struct adopt *a, const struct table *t, uint32_t at)
{
	const struct mtlb_vip *e = &t->entries[at];
	__u64 address[2];

	memcpy(address, e->address, 16);
	uint32_t hash = mtlb_table_hash(address, e->port, e->protocol, a->maps->node->table_key);

	return ((at - hash) & (t->n - 1)) < MTLB_TABLE_PROBES;
}

static bool has_sound_quic(const struct mtlb_vip *e)
{
	for (int i = 0; i < MTLB_QUIC_CONFIGS; i++)
		if (e->quic[i].server_id_len > MTLB_QUIC_SERVER_ID_MAX ||
		    (e->quic[i].server_id_len && e->quic[i].id_len <= e->quic[i].server_id_len))
			return false;
	return e->quic_shift < 8;
}

static bool is_sound(const struct mtlb_vip *e)
{
	bool by_source = e->algorithm == MTLB_ALGORITHM_SOURCE;

	return e->algorithm <= MTLB_ALGORITHM_LEAST_CONNECTIONS && has_sound_quic(e) &&
	       !(e->flags & ~MTLB_VIP_QUIC) && by_source == !!e->source_bits &&
	       e->source_bits <= 128 && e->previous_source_bits <= 128 &&
	       (e->algorithm == MTLB_ALGORITHM_LEAST_CONNECTIONS || !e->ids);
}

/* The last port of a range: the name may already be that of a change that was interrupted. */
static bool find_last_port(const struct adopt *a, const struct table *t, const struct mtlb_vip *e,
			   __be16 *last_port)
{
	union entry key = {.vip = {.protocol = e->protocol, .kind = MTLB_ENTRY_RANGES}};

	memcpy(key.vip.address, e->address, 16);
	const struct mtlb_ranges *r = (const void *)table_find(t, &key, a->image->table_key);

	for (uint32_t i = 0; r && i < r->n && i < MTLB_RANGES_MAX; i++)
		if (r->ranges[i].first == ntohs(e->port) &&
		    r->ranges[i].last > r->ranges[i].first) {
			*last_port = htons(r->ranges[i].last);
			return true;
		}
	return false;
}

static bool read_service(struct adopt *a, const struct table *t, const struct mtlb_vip *e,
			 struct image_vip *v)
{
	union entry address = {.vip = {.kind = MTLB_ENTRY_ADDRESS}};
	const struct mtlb_vip *found;

	memcpy(address.vip.address, e->address, 16);
	found = table_find(t, &address, a->image->table_key);
	if (!found || !is_sound(e))
		return false;
	memcpy(v->info.address, e->address, 16);
	v->info.port = v->info.last_port = e->port;
	v->info.protocol = e->protocol;
	v->idle_ticks = e->idle_ticks;
	v->short_ticks = e->short_ticks;
	v->algorithm = e->algorithm;
	v->source_bits = e->source_bits;
	v->previous_bits = e->previous_source_bits;
	v->flags = e->flags;
	v->quic_shift = e->quic_shift;
	memcpy(v->quic, e->quic, sizeof(v->quic));
	v->echo = found->flags & MTLB_VIP_ECHO;
	return e->kind == MTLB_ENTRY_VIP || find_last_port(a, t, e, &v->info.last_port);
}

static void read_vip(struct adopt *a, uint32_t tenant, const struct table *t, uint32_t at,
		     uint64_t word)
{
	const struct mtlb_vip *e = &t->entries[at];
	struct image_vip *v;

	if (!image_has_vip(a->image, e->id) || a->image->vips[e->id].info.tenant != tenant ||
	    a->image->vips[e->id].position) {
		REFUSE(a, "table %u: element %u names VIP %u, which is not there or not its own",
		       tenant, at, e->id);
		return;
	}
	v = &a->image->vips[e->id];
	v->position = at + 1;
	if (!read_service(a, t, e, v)) {
		REFUSE(a, "table %u: element %u, of VIP %u, contradicts itself or the others",
		       tenant, at, e->id);
		return;
	}
	v->has_other_name = memcmp(&v->info, &a->maps->vip_info[e->id], sizeof(v->info));
	read_ring(a, e->id, word, e->ids);
}

static void read_server(struct adopt *a, uint32_t tenant, const struct mtlb_server *e, uint32_t at)
{
	uint32_t vip = e->vip_low | (uint32_t)e->vip_high << 16;
	struct image_backend *k =
		image_has_backend(a->image, e->backend) ? &a->image->backends[e->backend] : NULL;

	if (!e->id_len || e->id_len > MTLB_QUIC_SERVER_ID_MAX || !k || k->info.vip != vip ||
	    a->image->vips[vip].info.tenant != tenant || k->n_servers == MTLB_QUIC_CONFIGS) {
		REFUSE(a, "table %u: element %u names backend %u, which is not its VIP's", tenant,
		       at, e->backend);
		return;
	}
	struct model_server_id *id = &k->servers[k->n_servers++];

	id->len = e->id_len;
	memcpy(id->bytes, e->id, e->id_len);
}

static void read_entry(struct adopt *a, uint32_t tenant, struct table *t, uint32_t at,
		       uint64_t word)
{
	const union entry *e = (const void *)&t->entries[at];

	if (e->vip.kind == MTLB_ENTRY_EMPTY)
		return;
	t->n_used++;
	if (e->vip.kind > MTLB_ENTRY_SERVER || !is_reachable(a, t, at) ||
	    (tenant == MTLB_TENANT_NONE && e->vip.kind != MTLB_ENTRY_ADDRESS))
		REFUSE(a, "table %u: element %u is in the wrong place", tenant, at);
	else if (entry_is_vip(&e->vip))
		read_vip(a, tenant, t, at, word);
	else if (e->vip.kind == MTLB_ENTRY_SERVER)
		read_server(a, tenant, &e->server, at);
}

static void read_table(struct adopt *a, uint32_t tenant)
{
	const struct maps_table *from = &a->maps->tables[tenant];
	struct table *t;

	if (!from->entries || !image_has_tenant(a->image, tenant))
		return;
	if (from->n & (from->n - 1) ||
	    (tenant == MTLB_TENANT_NONE ? from->n != maps_address_entries(&a->maps->limits)
					: from->n < MTLB_TABLE_SMALL)) {
		REFUSE(a, "table %u: it has %u elements", tenant, from->n);
		return;
	}
	t = calloc(1, sizeof(*t) + from->n * sizeof(t->entries[0]));
	if (!t) {
		a->error = -ENOMEM;
		return;
	}
	t->refs = 1;
	t->n = from->n;
	memcpy(t->entries, from->entries, t->n * sizeof(t->entries[0]));
	a->image->tenants[tenant].table = t;
	for (uint32_t e = 0; e < t->n; e++)
		if (entry_is_vip(&t->entries[e]))
			t->entries[e].word = 0;
	for (uint32_t e = 0; e < t->n; e++)
		read_entry(a, tenant, t, e, from->entries[e].word);
}

/* ---- overlaps ---- */
struct stretch {
	uint64_t first, n;
};

static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static bool overlap(struct stretch *list, size_t n)
{
	qsort(list, n, sizeof(*list), compare_stretches);
	for (size_t i = 1; i < n; i++)
		if (list[i - 1].first + list[i - 1].n > list[i].first)
			return true;
	return false;
}

static void check_overlaps(struct adopt *a)
{
	const struct image *i = a->image;
	_cleanup_free_ struct stretch *list = calloc(i->top_vip + i->top_tenant + 1, sizeof(*list));
	size_t n = 0;

	if (!list) {
		a->error = -ENOMEM;
		return;
	}
	for (uint32_t v = 0; v < i->top_vip; v++)
		if (i->vips[v].ring)
			list[n++] =
				(struct stretch){i->vips[v].ring->first, i->vips[v].ring->units};
	if (overlap(list, n))
		REFUSE(a, "two rings overlap");
	n = 0;
	for (uint32_t t = 1; t < i->top_tenant; t++)
		if (i->tenants[t].flow_buckets)
			list[n++] = (struct stretch){i->tenants[t].flow_base,
						     i->tenants[t].flow_buckets};
	if (overlap(list, n))
		REFUSE(a, "two tenants' ranges of the flow table overlap");
}

static void read_segments(struct adopt *a)
{
	for (uint32_t s = 0; s < a->maps->limits.segments; s++) {
		a->image->segments[s] = a->maps->segments[s];
		if (a->image->segments[s].state > MTLB_SEGMENT_LIVE ||
		    a->image->segments[s].tenant >= a->maps->limits.tenants)
			REFUSE(a, "segment %u: state or tenant slot out of range", s);
	}
}

int image_adopt(const struct maps *maps, uint64_t now, struct image **out, struct report *r)
{
	struct adopt a = {.maps = maps, .report = r, .now = now};
	size_t lines = r->n;

	a.image = image_new(&maps->limits);
	if (!a.image)
		return -ENOMEM;
	a.image->now = now;
	memcpy(a.image->table_key, maps->node->table_key, sizeof(a.image->table_key));
	read_tenants(&a);
	read_vips(&a);
	for (uint32_t k = 0; k < maps->limits.backends; k++)
		read_backend(&a, k);
	for (uint32_t t = 0; t < maps->limits.tenants; t++)
		read_table(&a, t);
	read_segments(&a);
	check_overlaps(&a);
	if (!a.error)
		a.error = image_build_index(a.image);
	if (!a.error && r->n > lines)
		a.error = -EINVAL;
	if (a.error)
		image_free(a.image);
	else
		*out = a.image;
	return a.error;
}
