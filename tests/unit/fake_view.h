/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A node with some tenants, and what its image says. */
#pragma once

#include "fake_maps.h"

static inline void start(struct node *n, uint32_t tenants, uint32_t vips, uint32_t backends)
{
	struct maps_limits l = small_limits();

	node_init(n, &l);
	for (uint32_t t = 0; t < tenants; t++) {
		struct model_tenant *tenant = add_tenant(n->model, t);

		for (uint32_t v = 0; v < vips; v++)
			add_vip(tenant, t * vips + v, backends);
	}
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
}

static inline struct model_vip *vip_of(struct node *n, uint32_t t, uint32_t v)
{
	return &n->model->tenants[t].vips[v];
}

static inline struct image_vip_view view_vip(struct node *n, uint32_t t, uint32_t v)
{
	struct image_vip_view view = {0};
	int id = image_vip_id(n->image, n->model->tenants[t].name, vip_of(n, t, v)->name);

	CU_ASSERT_FATAL(id >= 0);
	CU_ASSERT_EQUAL(image_view_vip(n->image, id, &view), 0);
	return view;
}

static inline struct image_backend_view view_backend(struct node *n, const char *name)
{
	struct image_backend_view view = {0}, listed = {0};
	int id = image_backend_id(n->image, "tenant-0", "vip-0", name);
	int vip = image_vip_id(n->image, "tenant-0", "vip-0");
	struct image_shares *shares;

	CU_ASSERT_FATAL(id >= 0 && vip >= 0);
	shares = image_shares_new(n->image, vip);
	CU_ASSERT_EQUAL(image_view_backend(n->image, id, NULL, &view), 0);
	CU_ASSERT_EQUAL(image_view_backend(n->image, id, shares, &listed), 0);
	CU_ASSERT(view.slots == listed.slots && view.moving_slots == listed.moving_slots);
	image_shares_free(shares);
	return view;
}

static inline size_t steps_to(struct node *n, char **text)
{
	struct image_inputs in = node_inputs(n);
	struct report r = {0};
	struct image *next;
	struct steps *s;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
	CU_ASSERT_EQUAL_FATAL(image_diff(n->image, next, &s), 0);
	size_t count = steps_count(s);

	if (text)
		*text = steps_describe(s);
	steps_free(s);
	image_free(next);
	return count;
}
