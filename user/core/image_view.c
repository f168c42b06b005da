/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading an image, for listings. */
#include <errno.h>
#include <stdlib.h>
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

struct image_shares {
	size_t n;
	struct share {
		uint32_t backend, slots, moving_slots;
	} shares[];
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->backend > y->backend) - (x->backend < y->backend);
}

struct image_shares *image_shares_new(const struct image *i, uint32_t vip_id)
{
	const struct ring *r = image_has_vip(i, vip_id) ? i->vips[vip_id].ring : NULL;
	size_t n = r ? r->n_ids : 0;
	struct image_shares *s = malloc(sizeof(*s) + n * sizeof(*s->shares));

	if (!s)
		return NULL;
	s->n = n;
	for (size_t k = 0; k < n; k++)
		s->shares[k] = (struct share){r->ids[k], r->owned[k], r->awaited[k]};
	qsort(s->shares, n, sizeof(*s->shares), compare_shares);
	return s;
}

void image_shares_free(struct image_shares *s)
{
	free(s);
}

static struct share find_share(const struct image *i, const struct image_shares *s, uint32_t id)
{
	const struct ring *r = i->vips[i->backends[id].info.vip].ring;
	struct share key = {.backend = id};

	if (s) {
		const struct share *found =
			bsearch(&key, s->shares, s->n, sizeof(key), compare_shares);
		return found ? *found : key;
	}
	for (uint32_t k = 0; r && k < r->n_ids; k++)
		if (r->ids[k] == id)
			return (struct share){id, r->owned[k], r->awaited[k]};
	return key;
}

int image_view_backend(const struct image *i, uint32_t backend_id,
		       const struct image_shares *shares, struct image_backend_view *out)
{
	struct share share;

	if (!image_has_backend(i, backend_id))
		return -ENOENT;
	share = find_share(i, shares, backend_id);
	*out = (struct image_backend_view){.id = backend_id,
					   .state = i->backends[backend_id].state,
					   .slots = share.slots,
					   .moving_slots = share.moving_slots};
	return 0;
}

bool image_backend_is_resolved(const struct image *i, uint32_t backend_id)
{
	return image_has_backend(i, backend_id) &&
	       i->backends[backend_id].encap.kind != MTLB_ENCAP_NONE;
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
