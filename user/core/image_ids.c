/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which slot, which id: what has one keeps it (tenant by name, VIP by name, backend by name and
 * address), the rest gets the lowest that is free now and was free in the image before: what names
 * a freed id (flows, packets under way) is gone only when this change has been applied. Also: in
 * which state each backend is, and who is leaving.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
#include "core/ring.h"

bool build_is_first_full(struct build *b, enum build_full what)
{
	bool first = !(b->full & 1U << what);

	b->full |= 1U << what;
	return first;
}

static uint32_t ticks_of_seconds(uint32_t seconds)
{
	return ((uint64_t)seconds * 1000000000 + (1 << MTLB_TICK_SHIFT) - 1) >> MTLB_TICK_SHIFT;
}

/*
 * TCP and SCTP flows that never got past a SYN, or are closing, are forgotten after 30 s; a
 * datagram is as good as another.
 */
static uint32_t short_ticks(const struct model_vip *v)
{
	uint32_t idle = ticks_of_seconds(v->idle_timeout_s), brief = ticks_of_seconds(30);

	return v->protocol != IPPROTO_UDP && brief < idle ? brief : idle;
}

/* ---- ids that are free in both images ---- */
static uint32_t free_tenant(struct build *b)
{
	for (uint32_t *t = &b->tenant_cursor; *t < b->in->limits.tenants; ++*t)
		if (!image_has_tenant(b->previous, *t) && !b->image->tenants[*t].name[0])
			return *t;
	if (build_is_first_full(b, FULL_TENANTS))
		report_add(b->report, "tenants",
			   "no place for all tenants: the node has %u, and those that this change "
			   "removes have theirs until it is done",
			   b->in->limits.tenants - 1);
	return IMAGE_NONE;
}

static uint32_t free_vip(struct build *b)
{
	for (uint32_t *v = &b->vip_cursor; *v < b->in->limits.vips; ++*v)
		if (!image_has_vip(b->previous, *v) && !b->image->vips[*v].info.name[0])
			return *v;
	if (build_is_first_full(b, FULL_VIPS))
		report_add(b->report, "vips",
			   "no place for all VIPs: the node has %u, and those that this change "
			   "removes have theirs until it is done",
			   b->in->limits.vips);
	return IMAGE_NONE;
}

static uint32_t free_backend(struct build *b)
{
	for (uint32_t *k = &b->backend_cursor; *k < b->in->limits.backends; ++*k)
		if (!image_has_backend(b->previous, *k) && !b->image->backends[*k].info.name[0])
			return *k;
	if (build_is_first_full(b, FULL_BACKENDS))
		report_add(b->report, "backends",
			   "no place for all backends: the node has %u, and those that this change "
			   "removes have theirs until their flows have ended",
			   b->in->limits.backends);
	return IMAGE_NONE;
}

static void copy_name(char to[MTLB_NAME_LEN], const char *from)
{
	size_t len = strnlen(from, MTLB_NAME_LEN - 1);

	memset(to, 0, MTLB_NAME_LEN);
	memcpy(to, from, len);
}

/* ---- backends ---- */
static enum mtlb_backend_state state_of(const struct build *b, const struct model_tenant *t,
					const struct model_vip *v, const struct model_backend *k)
{
	if (k->state == BACKEND_ADMIN_DISABLED)
		return MTLB_BACKEND_DISABLED;
	if (b->in->is_healthy && !b->in->is_healthy(b->in->ctx, t, v, k))
		return MTLB_BACKEND_DOWN;
	return k->state == BACKEND_ADMIN_DRAINING ? MTLB_BACKEND_DRAINING : MTLB_BACKEND_UP;
}

static void place_backend(struct build *b, uint32_t id, uint32_t vip, const char *name,
			  const uint8_t address[16], uint32_t weight)
{
	struct image_backend *new = &b->image->backends[id];

	copy_name(new->info.name, name);
	new->info.vip = vip;
	new->info.weight = weight;
	memcpy(new->info.address, address, 16);
	if (id >= b->image->top_backend)
		b->image->top_backend = id + 1;
	image_append_backend(b->image, vip, id);
}

static void add_backend(struct build *b, uint32_t vip, const struct model_tenant *t,
			const struct model_vip *v, const struct model_backend *k)
{
	uint32_t id = image_find_backend(b->previous, vip, k->name, k->address.bytes);

	if (id == IMAGE_NONE || b->image->backends[id].info.name[0])
		id = free_backend(b);
	if (id == IMAGE_NONE)
		return;
	place_backend(b, id, vip, k->name, k->address.bytes, k->weight);
	struct image_backend *new = &b->image->backends[id];

	new->state = state_of(b, t, v, k);
	new->n_servers = k->n_server_ids;
	memcpy(new->servers, k->server_ids, k->n_server_ids * sizeof(*k->server_ids));
}

/*
 * Has it flows: some slot is or was its own, or the flow table is in use and may name it, or ids
 * may.
 */
static bool may_have_flows(const struct image_vip *v, uint32_t id)
{
	const struct ring *r = v->ring;

	if (!r)
		return false;
	if (image_remembers_all(v) || image_has_quic(v))
		return true;
	for (uint32_t i = 0; i < r->n_ids; i++)
		if (r->ids[i] == id)
			return true;
	return r->n_moving;
}

/* What served and is no longer configured stays for its flows. */
static void keep_leaving(struct build *b, uint32_t vip)
{
	const struct image *p = b->previous;

	if (!image_has_vip(p, vip))
		return;
	b->image->vips[vip].noted = p->vips[vip].noted;
	for (uint32_t id = p->vips[vip].backends; id != IMAGE_NONE; id = p->backends[id].next) {
		const struct image_backend *old = &p->backends[id];

		if (b->image->backends[id].info.name[0] || !image_is_alive(p, id) ||
		    !may_have_flows(&p->vips[vip], id))
			continue;
		place_backend(b, id, vip, old->info.name, old->info.address, old->info.weight);
		b->image->backends[id].state = MTLB_BACKEND_LEAVING;
		if (old->state != MTLB_BACKEND_LEAVING)
			b->image->vips[vip].noted = (struct image_quiet){};
		b->image->backends[id].n_servers = old->n_servers;
		memcpy(b->image->backends[id].servers, old->servers, sizeof(old->servers));
	}
}

/* ---- VIPs ---- */
static uint32_t log2_of_vip(const struct image_vip *old, const struct model_vip *v)
{
	uint32_t log2 = MTLB_RING_LOG2_MIN;

	if (!v->ring_size)
		return v->n_backends || !old ? ring_log2(v->n_backends) : old->ring_log2;
	while (log2 < MTLB_RING_LOG2_MAX && 1U << log2 < v->ring_size)
		log2++;
	return log2;
}

static uint8_t source_bits(const struct model_vip *v)
{
	if (v->algorithm != MTLB_ALGORITHM_SOURCE)
		return 0;
	if (!v->source_prefix)
		return 128;
	return v->source_prefix + (addr_is_ipv4(&v->address) ? 96 : 0);
}

static void copy_quic(struct image_vip *to, const struct model_quic *q)
{
	if (!q->n_configs)
		return;
	to->flags |= MTLB_VIP_QUIC;
	to->quic_shift = 8 - q->rotation_bits;
	for (size_t i = 0; i < q->n_configs; i++)
		to->quic[q->configs[i].rotation] = (struct mtlb_quic_config){
			.server_id_len = q->configs[i].server_id_length,
			.id_len = 1 + q->configs[i].server_id_length + q->configs[i].nonce_length};
}

/* How its packets are told, and what becomes of them. */
static void copy_service(struct image_vip *to, const struct model_vip *v)
{
	memcpy(to->info.address, v->address.bytes, 16);
	to->info.port = htons(v->port);
	to->info.last_port = htons(v->last_port);
	to->info.protocol = v->protocol;
	to->idle_ticks = ticks_of_seconds(v->idle_timeout_s);
	to->short_ticks = short_ticks(v);
	to->algorithm = v->algorithm;
	to->source_bits = to->previous_bits = source_bits(v);
	to->echo = v->echo;
	copy_quic(to, &v->quic);
}

static void add_vip(struct build *b, uint32_t tenant, const struct model_tenant *t,
		    const struct model_vip *v)
{
	uint32_t id = image_find_vip(b->previous, tenant, v->name);

	if (id == IMAGE_NONE || b->image->vips[id].info.name[0])
		id = free_vip(b);
	if (id == IMAGE_NONE)
		return;
	struct image_vip *new = &b->image->vips[id];
	const struct image_vip *old =
		image_has_vip(b->previous, id) ? &b->previous->vips[id] : NULL;

	copy_name(new->info.name, v->name);
	new->info.tenant = tenant;
	copy_service(new, v);
	new->backends = IMAGE_NONE;
	new->ring_log2 = log2_of_vip(old, v);
	if (id >= b->image->top_vip)
		b->image->top_vip = id + 1;
	image_append_vip(b->image, tenant, id);
	for (size_t k = 0; k < v->n_backends; k++)
		add_backend(b, id, t, v, &v->backends[k]);
	if (!t->suspended)
		keep_leaving(b, id);
}

/* Of a second to of a tick, rounded, but some stay some. */
static uint16_t per_tick(uint32_t per_second)
{
	uint64_t n = (((uint64_t)per_second << MTLB_TICK_SHIFT) + 500000000) / 1000000000;

	if (!n)
		return per_second > 0;
	return n > UINT16_MAX ? UINT16_MAX : n;
}

static void add_tenant(struct build *b, const struct model_tenant *t)
{
	uint32_t slot = image_find_tenant(b->previous, t->name);

	if (slot == IMAGE_NONE || b->image->tenants[slot].name[0])
		slot = free_tenant(b);
	if (slot == IMAGE_NONE)
		return;
	struct image_tenant *new = &b->image->tenants[slot];

	copy_name(new->name, t->name);
	new->vips = new->last_vip = IMAGE_NONE;
	new->is_shared = tenant_is_shared(b->in->model, t);
	new->suspended = t->suspended;
	new->record.answers = per_tick(t->limits.icmp_per_second);
	new->record.flags = t->drop_other_ports ? MTLB_TENANT_DROP_OTHER_PORTS : 0;
	if (slot >= b->image->top_tenant)
		b->image->top_tenant = slot + 1;
	for (size_t v = 0; v < t->n_vips; v++)
		add_vip(b, slot, t, &t->vips[v]);
}

void build_ids(struct build *b)
{
	b->tenant_cursor = 1;
	for (size_t t = 0; t < b->in->model->n_tenants; t++)
		add_tenant(b, &b->in->model->tenants[t]);
	if (image_build_index(b->image))
		b->error = -ENOMEM;
}
