// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/counters: what the data plane has counted, with names. */
#include <string.h>

#include "api/api.h"

static json_t *reasons_json(const struct mtlb_tenant_stats *s, uint64_t *packets)
{
	json_t *json = json_object();

	*packets = 0;
#define SET_REASON(name, verdict, text)                                                            \
	json_object_set_new(json, #name, json_integer((json_int_t)s->name));                       \
	*packets += s->name;
	MTLB_REASONS(SET_REASON)
#undef SET_REASON
	return json;
}

static json_t *backend_counters(struct control *c, const char *name, const struct addr *address,
				uint32_t id)
{
	struct mtlb_backend_stats s = {0};

	datapath_backend_stats(c->datapath, id, &s);
	return json_pack("{s:s, s:o, s:I, s:I}", "name", name, "address", api_addr(address),
			 "packets", (json_int_t)s.packets, "bytes", (json_int_t)s.bytes);
}

static json_t *backends_counters(struct control *c, const struct model_tenant *t,
				 const struct model_vip *v, uint32_t vip)
{
	const struct mtlb_backend_info *info = datapath_maps(c->datapath)->backend_info;
	json_t *array = json_array();

	for (size_t i = 0; i < v->n_backends; i++) {
		const struct model_backend *b = &v->backends[i];
		int id = image_backend_id(c->image, t->name, v->name, b->name);
		if (id >= 0)
			json_array_append_new(array, backend_counters(c, b->name, &b->address,
								      (uint32_t)id));
	}
	for (int id = image_next_leaving(c->image, vip, -1); id >= 0;
	     id = image_next_leaving(c->image, vip, id)) {
		struct addr address;
		memcpy(address.bytes, info[id].address, sizeof(address.bytes));
		json_array_append_new(array, backend_counters(c, info[id].name, &address,
							      (uint32_t)id));
	}
	return array;
}

static json_t *vip_counters(struct control *c, const struct model_tenant *t,
			    const struct model_vip *v, uint32_t id)
{
	struct mtlb_vip_stats s = {0};

	datapath_vip_stats(c->datapath, id, &s);
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "name", v->name, "packets",
			 (json_int_t)s.packets, "bytes", (json_int_t)s.bytes, "syns",
			 (json_int_t)s.syns, "backends", backends_counters(c, t, v, id));
}

static json_t *tenant_counters(struct control *c, const struct model_tenant *t, uint32_t slot)
{
	struct mtlb_tenant_stats s = {0};
	json_t *vips = json_array();
	uint64_t packets;

	datapath_tenant_stats(c->datapath, slot, &s);
	for (size_t i = 0; i < t->n_vips; i++) {
		int id = image_vip_id(c->image, t->name, t->vips[i].name);
		if (id >= 0)
			json_array_append_new(vips, vip_counters(c, t, &t->vips[i], (uint32_t)id));
	}
	json_t *reasons = reasons_json(&s, &packets);
	return json_pack("{s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:o}", "name", t->name, "bytes",
			 (json_int_t)s.bytes, "packets", (json_int_t)packets, "reasons", reasons,
			 "flows_added", (json_int_t)s.flows_added, "flows_refused",
			 (json_int_t)s.flows_refused, "notes_refused", (json_int_t)s.notes_refused,
			 "vips", vips);
}

static json_t *node_counters(struct control *c)
{
	struct mtlb_tenant_stats s = {0};
	uint64_t packets;

	datapath_tenant_stats(c->datapath, MTLB_TENANT_NONE, &s);
	json_t *reasons = reasons_json(&s, &packets);
	return json_pack("{s:o, s:I, s:I}", "reasons", reasons, "bytes", (json_int_t)s.bytes,
			 "packets", (json_int_t)packets);
}

static json_t *time_json(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9);
}

static void get(const struct api_request *q, struct api_answer *a)
{
	struct control *c = q->control;
	const char *only = q->query(q, "tenant");
	json_t *tenants;

	if (only && !model_find_tenant(c->model, only)) {
		api_fail(a, 404, "tenants", "there is no tenant \"%s\"", only);
		return;
	}
	tenants = json_array();
	for (size_t i = 0; i < c->model->n_tenants; i++) {
		const struct model_tenant *t = &c->model->tenants[i];
		int slot = image_tenant_slot(c->image, t->name);
		if (slot >= 0 && (!only || !strcmp(only, t->name)))
			json_array_append_new(tenants, tenant_counters(c, t, (uint32_t)slot));
	}
	api_ok(a, 200, json_pack("{s:o, s:o, s:o}", "time", time_json(), "node", node_counters(c),
				 "tenants", tenants));
}

const struct api_route api_counters_routes[] = {
	{ "GET", "/v1/counters", get },
	{ 0 },
};
