/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The image as an object: made, copied, freed, and searched by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/image_internal.h"
#include "core/siphash.h"
#include "util/cleanup.h"

struct image *image_new(const struct maps_limits *limits)
{
	struct image *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->limits = *limits;
	i->tenants = calloc(limits->tenants, sizeof(*i->tenants));
	i->vips = calloc(limits->vips, sizeof(*i->vips));
	i->backends = calloc(limits->backends, sizeof(*i->backends));
	i->segments = calloc(limits->segments, sizeof(*i->segments));
	if (!i->tenants || !i->vips || !i->backends || !i->segments) {
		image_free(i);
		return NULL;
	}
	i->tenants[MTLB_TENANT_NONE].vips = i->tenants[MTLB_TENANT_NONE].last_vip = IMAGE_NONE;
	i->top_tenant = 1;
	return i;
}

struct image *image_clone(const struct image *from)
{
	struct image *i = image_new(&from->limits);

	if (!i)
		return NULL;
	memcpy(i->tenants, from->tenants, from->top_tenant * sizeof(*i->tenants));
	memcpy(i->vips, from->vips, from->top_vip * sizeof(*i->vips));
	memcpy(i->backends, from->backends, from->top_backend * sizeof(*i->backends));
	memcpy(i->segments, from->segments, from->limits.segments * sizeof(*i->segments));
	i->top_tenant = from->top_tenant;
	i->top_vip = from->top_vip;
	i->top_backend = from->top_backend;
	memcpy(i->table_key, from->table_key, sizeof(i->table_key));
	for (uint32_t t = 0; t < i->top_tenant; t++)
		if (i->tenants[t].table)
			i->tenants[t].table->refs++;
	for (uint32_t k = 0; k < i->top_backend; k++)
		i->backends[k].has_left_name = i->backends[k].has_other_name = false;
	for (uint32_t v = 0; v < i->top_vip; v++) {
		ring_ref(i->vips[v].ring);
		i->vips[v].bridge = NULL;
	}
	return i;
}

void image_free(struct image *i)
{
	if (!i)
		return;
	for (uint32_t t = 0; t < i->top_tenant; t++)
		table_unref(i->tenants[t].table);
	for (uint32_t v = 0; v < i->top_vip; v++) {
		ring_unref(i->vips[v].ring);
		ring_unref(i->vips[v].bridge);
	}
	free(i->tenants);
	free(i->vips);
	free(i->backends);
	free(i->segments);
	free(i->tenant_index.ids);
	free(i->vip_index.ids);
	free(i->backend_index.ids);
	free(i);
}

void image_append_vip(struct image *i, uint32_t tenant, uint32_t vip)
{
	struct image_tenant *t = &i->tenants[tenant];

	i->vips[vip].next = IMAGE_NONE;
	if (t->vips == IMAGE_NONE)
		t->vips = vip;
	else
		i->vips[t->last_vip].next = vip;
	t->last_vip = vip;
}

void image_append_backend(struct image *i, uint32_t vip, uint32_t backend)
{
	struct image_vip *v = &i->vips[vip];

	i->backends[backend].next = IMAGE_NONE;
	if (v->backends == IMAGE_NONE)
		v->backends = backend;
	else
		i->backends[v->last_backend].next = backend;
	v->last_backend = backend;
	v->n_backends++;
}

/* ---- search by name ---- */
static uint32_t index_hash(uint32_t parent, const char *name)
{
	static const uint8_t key[16] = "mtlb image index";
	uint8_t text[4 + MTLB_NAME_LEN];
	size_t len = strnlen(name, MTLB_NAME_LEN);

	memcpy(text, &parent, 4);
	memcpy(text + 4, name, len);
	return siphash(key, text, 4 + len);
}

static int index_make(struct index *x, uint32_t n)
{
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	free(x->ids);
	x->ids = calloc(size, sizeof(*x->ids));
	x->mask = size - 1;
	return x->ids ? 0 : -ENOMEM;
}

static void index_add(struct index *x, uint32_t hash, uint32_t id)
{
	while (x->ids[hash & x->mask])
		hash++;
	x->ids[hash & x->mask] = id + 1;
}

int image_build_index(struct image *i)
{
	if (index_make(&i->tenant_index, i->top_tenant) || index_make(&i->vip_index, i->top_vip) ||
	    index_make(&i->backend_index, i->top_backend))
		return -ENOMEM;
	for (uint32_t t = 1; t < i->top_tenant; t++)
		if (i->tenants[t].name[0])
			index_add(&i->tenant_index, index_hash(0, i->tenants[t].name), t);
	for (uint32_t v = 0; v < i->top_vip; v++)
		if (i->vips[v].info.name[0])
			index_add(&i->vip_index,
				  index_hash(i->vips[v].info.tenant, i->vips[v].info.name), v);
	for (uint32_t k = 0; k < i->top_backend; k++)
		if (i->backends[k].info.name[0])
			index_add(&i->backend_index,
				  index_hash(i->backends[k].info.vip, i->backends[k].info.name), k);
	return 0;
}

uint32_t image_find_tenant(const struct image *i, const char *name)
{
	if (!i || !i->tenant_index.ids)
		return IMAGE_NONE;
	for (uint32_t h = index_hash(0, name);; h++) {
		uint32_t id = i->tenant_index.ids[h & i->tenant_index.mask] - 1;

		if (id == IMAGE_NONE || !strcmp(i->tenants[id].name, name))
			return id;
	}
}

uint32_t image_find_vip(const struct image *i, uint32_t tenant, const char *name)
{
	if (!i || !i->vip_index.ids)
		return IMAGE_NONE;
	for (uint32_t h = index_hash(tenant, name);; h++) {
		uint32_t id = i->vip_index.ids[h & i->vip_index.mask] - 1;

		if (id == IMAGE_NONE ||
		    (i->vips[id].info.tenant == tenant && !strcmp(i->vips[id].info.name, name)))
			return id;
	}
}

uint32_t image_find_backend(const struct image *i, uint32_t vip, const char *name,
			    const uint8_t *address)
{
	uint32_t leaving = IMAGE_NONE;

	if (!i || !i->backend_index.ids)
		return IMAGE_NONE;
	for (uint32_t h = index_hash(vip, name);; h++) {
		uint32_t id = i->backend_index.ids[h & i->backend_index.mask] - 1;

		if (id == IMAGE_NONE)
			return leaving;
		const struct image_backend *b = &i->backends[id];

		if (b->info.vip != vip || strcmp(b->info.name, name) ||
		    (address && memcmp(b->info.address, address, 16)))
			continue;
		if (address || b->state != MTLB_BACKEND_LEAVING)
			return id;
		leaving = id;
	}
}
