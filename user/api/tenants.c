// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/tenants: a tenant's configuration as one document, and its suspension. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"

struct api_load api_tenant_load(struct control *c, const struct model_tenant *t)
{
	const struct image_census *census = control_census(c);
	struct api_load load = {0};

	for (size_t i = 0; i < t->n_vips; i++) {
		const struct model_vip *v = &t->vips[i];
		struct image_vip_view view;
		int vip = image_vip_id(c->image, t->name, v->name);
		if (vip < 0 || image_view_vip(c->image, (uint32_t)vip, &view))
			continue;
		load.moving_slots += view.moving_slots;
		load.moving_vips += view.moving_slots > 0;
		for (size_t j = 0; census && j < v->n_backends; j++) {
			int id = image_backend_id(c->image, t->name, v->name, v->backends[j].name);
			load.flows += id < 0 ? 0 : image_census_flows(census, (uint32_t)id);
		}
		for (int id = image_next_leaving(c->image, (uint32_t)vip, -1); census && id >= 0;
		     id = image_next_leaving(c->image, (uint32_t)vip, id))
			load.flows += image_census_flows(census, (uint32_t)id);
	}
	return load;
}

size_t api_tenant_entries(const struct control *c, const struct model_tenant *t)
{
	int slot = image_tenant_slot(c->image, t->name);
	uint32_t base = 0, buckets = 0;

	if (slot >= 0)
		image_flow_range(c->image, (uint32_t)slot, &base, &buckets);
	return (size_t)buckets * MTLB_FLOW_WAYS;
}

static json_t *status_json(struct control *c, const struct model_tenant *t)
{
	const struct api_load load = api_tenant_load(c, t);

	return json_pack("{s:i, s:b, s:{s:I, s:I}, s:I}", "slot",
			 image_tenant_slot(c->image, t->name), "shared",
			 tenant_is_shared(c->model, t), "flows", "size",
			 (json_int_t)api_tenant_entries(c, t), "live", (json_int_t)load.flows,
			 "moving_slots", (json_int_t)load.moving_slots);
}

json_t *api_tenant_json(struct control *c, const struct model_tenant *t)
{
	json_t *json = config_tenant_to_json(t);

	json_object_set_new(json, "managed_by", json_string(api_managed_by(t->managed_by)));
	if (t->managed_by == MANAGED_BY_API)
		json_object_set_new(json, "revision",
				    json_integer((json_int_t)control_revision(c, t->name)));
	json_object_set_new(json, "suspended", json_boolean(t->suspended));
	json_object_set_new(json, "status", status_json(c, t));
	return json;
}

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model *m = q->control->model;
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_tenants; i++)
		json_array_append_new(array, api_tenant_json(q->control, &m->tenants[i]));
	api_ok(a, 200, array);
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (t)
		api_ok(a, 200, api_tenant_json(q->control, t));
}

static void commit(const struct api_request *q, struct change *change, const char *name,
		   unsigned int status, struct api_answer *a)
{
	if (api_commit(q, change, a))
		api_ok(a, status,
		       api_tenant_json(q->control, model_find_tenant(q->control->model, name)));
}

/* A document of its own: all that it does not say is default. */
static void create(const struct api_request *q, const char *name, struct api_answer *a)
{
	json_t *fields = api_fields(q, name, a);
	struct report r = {0};
	struct change change;
	char written[MTLB_NAME_LEN];

	if (!fields)
		return;
	if (!api_begin(q, NULL, CHANGE_TENANT, &change, NULL, a)) {
		json_decref(fields);
		return;
	}
	struct model_tenant *t = model_add_tenant(change.model);
	config_defaults_tenant(t);
	int error = config_tenant_from_json("tenants", fields, t, &r);
	json_decref(fields);
	t->managed_by = MANAGED_BY_API;
	snprintf(written, sizeof(written), "%s", t->name);
	if (error) {
		api_refuse(&change, error, &r, a);
	} else if (model_find_tenant(q->control->model, written)) {
		control_abort(&change);
		api_fail(a, 409, "tenants", "there is a tenant \"%s\" already", written);
	} else {
		change.tenant = written;
		commit(q, &change, written, 201, a);
	}
}

static void post(const struct api_request *q, struct api_answer *a)
{
	create(q, NULL, a);
}

static void change_document(const struct api_request *q, const struct model_tenant *t, bool keep,
			    struct api_answer *a)
{
	char where[MTLB_NAME_LEN + 16];
	struct report r = {0};
	struct change change;
	struct model_tenant *copy;
	json_t *fields = api_may_change(q, t, a) ? api_fields(q, t->name, a) : NULL;

	if (!fields)
		return;
	if (!api_begin(q, t, CHANGE_TENANT, &change, &copy, a)) {
		json_decref(fields);
		return;
	}
	bool suspended = copy->suspended;
	if (!keep) {
		tenant_clear(copy);
		memset(copy, 0, sizeof(*copy));
		config_defaults_tenant(copy);
	}
	snprintf(where, sizeof(where), "tenants/%s", t->name);
	int error = config_tenant_from_json(where, fields, copy, &r);
	json_decref(fields);
	copy->managed_by = MANAGED_BY_API;
	copy->suspended = suspended;
	control_settle_configured(copy);
	if (error)
		api_refuse(&change, error, &r, a);
	else
		commit(q, &change, q->args[0], 200, a);
}

static void patch(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (t)
		change_document(q, t, true, a);
}

static void put(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = model_find_tenant(q->control->model, q->args[0]);

	if (t)
		change_document(q, t, false, a);
	else
		create(q, q->args[0], a);
}

static void delete(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);
	struct change change;
	struct model_tenant *copy;

	if (!t || !api_may_change(q, t, a) ||
	    !api_begin(q, t, CHANGE_TENANT_DELETE, &change, &copy, a))
		return;
	model_remove_tenant(change.model, copy);
	if (api_commit(q, &change, a))
		api_ok(a, 200, NULL);
}

static void set_suspended(const struct api_request *q, bool suspended, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);
	struct change change;
	struct model_tenant *copy;

	if (!t || !api_begin(q, t, CHANGE_OVERRIDES, &change, &copy, a))
		return;
	copy->suspended = suspended;
	commit(q, &change, q->args[0], 200, a);
}

static void suspend(const struct api_request *q, struct api_answer *a)
{
	set_suspended(q, true, a);
}

static void resume(const struct api_request *q, struct api_answer *a)
{
	set_suspended(q, false, a);
}

const struct api_route api_tenants_routes[] = {
	{ "GET", "/v1/tenants", list },
	{ "POST", "/v1/tenants", post },
	{ "GET", "/v1/tenants/{}", get },
	{ "PUT", "/v1/tenants/{}", put },
	{ "PATCH", "/v1/tenants/{}", patch },
	{ "DELETE", "/v1/tenants/{}", delete },
	{ "POST", "/v1/tenants/{}/suspend", suspend },
	{ "POST", "/v1/tenants/{}/resume", resume },
	{ 0 },
};
