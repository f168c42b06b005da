// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/version, /v1/node: what this daemon is and how full it is. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/api.h"

enum {
	UNIT_SLOTS = 4 /* of a unit of the ring map */
};

static void get_version(const struct api_request *q, struct api_answer *a)
{
	(void)q;
	api_ok(a, 200, json_pack("{s:s, s:i, s:i}", "version", MTLB_VERSION, "abi",
				 MTLB_ABI_VERSION, "api", 1));
}

static json_t *usage(size_t used, size_t size)
{
	return json_pack("{s:I, s:I}", "used", (json_int_t)used, "size", (json_int_t)size);
}

/* Units of the ring map: ids, slots, and previous owners while some are moving. */
static size_t ring_units(const struct image *image, const struct model_tenant *t,
			 const struct model_vip *v)
{
	struct image_vip_view view;
	int id = image_vip_id(image, t->name, v->name);

	if (id < 0 || image_view_vip(image, (uint32_t)id, &view))
		return 0;
	return view.ring_slots / UNIT_SLOTS * (view.moving_slots ? 2 : 1) + (v->n_backends + 1) / 2;
}

/* Sizes as the configuration has them. */
static json_t *maps_json(const struct control *c)
{
	const struct maps_limits *l = &datapath_maps(c->datapath)->limits;
	size_t vips = 0, backends = 0, units = 0, flows = 0;

	for (size_t i = 0; i < c->model->n_tenants; i++) {
		const struct model_tenant *t = &c->model->tenants[i];
		vips += t->n_vips;
		flows += api_tenant_entries(c, t);
		for (size_t j = 0; j < t->n_vips; j++) {
			backends += t->vips[j].n_backends;
			units += ring_units(c->image, t, &t->vips[j]);
		}
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "tenants",
			 usage(c->model->n_tenants, l->tenants - 1), "vips", usage(vips, l->vips),
			 "backends", usage(backends, l->backends), "segments",
			 usage(c->model->n_segments, l->segments / MAPS_SEGMENT_PLACES), "ring_slots",
			 usage(units * UNIT_SLOTS, (size_t)l->ring_units * UNIT_SLOTS), "flows",
			 usage(flows, (size_t)l->flow_buckets * MTLB_FLOW_WAYS));
}

static void set_load(struct control *c, json_t *json)
{
	const struct maps_limits *l = &datapath_maps(c->datapath)->limits;
	struct api_load sum = {0};

	for (size_t i = 0; i < c->model->n_tenants; i++) {
		const struct api_load load = api_tenant_load(c, &c->model->tenants[i]);
		sum.moving_vips += load.moving_vips;
		sum.moving_slots += load.moving_slots;
		sum.flows += load.flows;
	}
	json_object_set_new(json, "flows",
			    json_pack("{s:I, s:I}", "size",
				      (json_int_t)l->flow_buckets * MTLB_FLOW_WAYS, "live",
				      (json_int_t)sum.flows));
	json_object_set_new(json, "moving",
			    json_pack("{s:I, s:I}", "vips", (json_int_t)sum.moving_vips, "slots",
				      (json_int_t)sum.moving_slots));
}

static void append_lines(json_t *list, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(list, json_sprintf("%s: %s", r->lines[i].where,
							 r->lines[i].text));
}

struct idle {
	size_t vips, backends; /* whose packets are dropped */
};

static void count_idle(const struct control *c, const struct model_tenant *t, struct idle *sum)
{
	for (size_t i = 0; i < t->n_vips; i++) {
		const struct model_vip *v = &t->vips[i];
		struct image_vip_view vip = {0};
		int id = image_vip_id(c->image, t->name, v->name);

		if (id >= 0)
			image_view_vip(c->image, (uint32_t)id, &vip);
		sum->vips += !vip.ring_slots;
		for (size_t j = 0; j < v->n_backends; j++) {
			id = image_backend_id(c->image, t->name, v->name, v->backends[j].name);
			sum->backends += id >= 0 &&
					 !image_backend_is_resolved(c->image, (uint32_t)id) &&
					 v->backends[j].state != BACKEND_ADMIN_DISABLED;
		}
	}
}

static void append_idle(const struct control *c, json_t *list)
{
	struct idle sum = {0};

	for (size_t i = 0; i < c->model->n_tenants; i++)
		if (!c->model->tenants[i].suspended)
			count_idle(c, &c->model->tenants[i], &sum);
	if (sum.vips)
		json_array_append_new(list, json_sprintf("VIPs without a usable backend: %zu "
							 "(RING 0 in mtlbctl vip list)",
							 sum.vips));
	if (sum.backends)
		json_array_append_new(list, json_sprintf("backends without a next hop: %zu "
							 "(mtlbctl backend list says why)",
							 sum.backends));
}

static json_t *warnings_json(const struct control *c)
{
	json_t *list = json_array();

	append_lines(list, &c->warnings);
	append_lines(list, &c->paths);
	append_idle(c, list);
	return list;
}

static void get_node(const struct api_request *q, struct api_answer *a)
{
	struct control *c = q->control;
	const struct maps *maps = datapath_maps(c->datapath);
	json_t *json = config_node_to_json(&c->model->node);
	struct utsname host;

	uname(&host);
	json_t *more = json_pack(
		"{s:s, s:s, s:I, s:I, s:b, s:{s:s, s:I}, s:o, s:o}", "version", MTLB_VERSION,
		"kernel", host.release, "uptime_s",
		(json_int_t)((control_now_ms() - c->started_ms) / 1000), "generation",
		(json_int_t)maps->node->generation, "adopted", c->adopted, "config", "file",
		c->options->config, "loaded_at", (json_int_t)c->loaded_at, "maps", maps_json(c),
		"warnings", warnings_json(c));
	set_load(c, more);
	json_object_update(json, more);
	json_decref(more);
	api_ok(a, 200, json);
}

const struct api_route api_node_routes[] = {
	{ "GET", "/v1/version", get_version },
	{ "GET", "/v1/node", get_node },
	{ 0 },
};
