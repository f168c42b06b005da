/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an image, for listings. */
#include <errno.h>
#include <string.h>

#include "core/image_internal.h"

int image_tenant_slot(const struct image *i, const char *tenant)
{
	uint32_t slot = image_find_tenant(i, tenant);

	return slot == IMAGE_NONE ? -ENOENT : (int)slot;
}

int image_vip_id(const struct image *i, const char *tenant, const char *vip)
{
	uint32_t slot = image_find_tenant(i, tenant);
	uint32_t id = slot == IMAGE_NONE ? IMAGE_NONE : image_find_vip(i, slot, vip);

	return id == IMAGE_NONE ? -ENOENT : (int)id;
}

int image_backend_id(const struct image *i, const char *tenant, const char *vip,
		     const char *backend)
{
	int v = image_vip_id(i, tenant, vip);
	uint32_t id = v < 0 ? IMAGE_NONE : image_find_backend(i, v, backend, NULL);

	return id == IMAGE_NONE ? -ENOENT : (int)id;
}

int image_view_vip(const struct image *i, uint32_t vip_id, struct image_vip_view *out)
{
	const struct image_vip *v;

	if (!image_has_vip(i, vip_id))
		return -ENOENT;
	v = &i->vips[vip_id];
	*out = (struct image_vip_view){
		.id = vip_id,
		.ring_slots = v->ring ? 1U << v->ring->log2 : 0,
		.moving_slots = v->ring ? v->ring->n_moving : 0,
		.learning = v->learning,
		.move_started = v->move_started,
	};
	return 0;
}

int image_view_backend(const struct image *i, uint32_t backend_id, struct image_backend_view *out)
{
	const struct image_backend *b;
	const struct ring *r;

	if (!image_has_backend(i, backend_id))
		return -ENOENT;
	b = &i->backends[backend_id];
	r = i->vips[b->info.vip].ring;
	*out = (struct image_backend_view){
		.id = backend_id, .state = b->state, .resolved = b->encap.kind != MTLB_ENCAP_NONE};
	for (uint32_t k = 0; r && k < r->n_ids; k++)
		if (r->ids[k] == backend_id) {
			out->slots = r->owned[k];
			out->moving_slots = r->awaited[k];
		}
	return 0;
}

int image_next_leaving(const struct image *i, uint32_t vip_id, int after)
{
	uint32_t k;

	if (!image_has_vip(i, vip_id))
		return -1;
	k = after < 0 ? i->vips[vip_id].backends : i->backends[after].next;
	while (k != IMAGE_NONE && i->backends[k].state != MTLB_BACKEND_LEAVING)
		k = i->backends[k].next;
	return k == IMAGE_NONE ? -1 : (int)k;
}

void image_flow_range(const struct image *i, uint32_t tenant_slot, uint32_t *base,
		      uint32_t *buckets)
{
	bool has = image_has_tenant(i, tenant_slot);

	*base = has ? i->tenants[tenant_slot].flow_base : 0;
	*buckets = has ? i->tenants[tenant_slot].flow_buckets : 0;
}

void image_walk_addresses(const struct image *i, void (*use)(void *ctx, const struct addr *to),
			  void *ctx)
{
	struct addr to;

	for (uint32_t k = 0; k < i->top_backend; k++)
		if (image_has_backend(i, k)) {
			memcpy(to.bytes, i->backends[k].info.address, sizeof(to.bytes));
			use(ctx, &to);
		}
}
