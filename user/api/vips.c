// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/tenants/T/vips, /v1/vips: services. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"

json_t *api_vip_json(struct control *c, const struct model_tenant *t, const struct model_vip *v)
{
	json_t *json = config_vip_to_json(v);
	int id = image_vip_id(c->image, t->name, v->name);
	struct image_vip_view view = {0};

	if (id >= 0)
		image_view_vip(c->image, (uint32_t)id, &view);
	json_object_set_new(json, "tenant", json_string(t->name));
	json_object_set_new(json, "managed_by", json_string(api_managed_by(t->managed_by)));
	json_object_set_new(json, "status",
			    json_pack("{s:i, s:I, s:I, s:b}", "id", id, "ring_slots",
				      (json_int_t)view.ring_slots, "moving_slots",
				      (json_int_t)view.moving_slots, "learning", view.learning));
	return json;
}

static void append(struct control *c, const struct model_tenant *t, json_t *array)
{
	for (size_t i = 0; i < t->n_vips; i++)
		json_array_append_new(array, api_vip_json(c, t, &t->vips[i]));
}

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (!t)
		return;
	json_t *array = json_array();
	append(q->control, t, array);
	api_ok(a, 200, array);
}

static void list_all(const struct api_request *q, struct api_answer *a)
{
	const struct model *m = q->control->model;
	const char *tenant = q->query(q, "tenant");
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_tenants; i++)
		if (!tenant || !strcmp(tenant, m->tenants[i].name))
			append(q->control, &m->tenants[i], array);
	api_ok(a, 200, array);
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v = api_find_vip(q, a, &t);

	if (v)
		api_ok(a, 200, api_vip_json(q->control, t, v));
}

static void commit(const struct api_request *q, struct change *change, const char *name,
		   unsigned int status, struct api_answer *a)
{
	if (!api_commit(q, change, a))
		return;
	const struct model_tenant *t = model_find_tenant(q->control->model, q->args[0]);
	api_ok(a, status, api_vip_json(q->control, t, tenant_find_vip(t, name)));
}

/* name NULL: a new one, named by the fields. keep: fields that are absent keep their values. */
static void write_vip(const struct api_request *q, const struct model_tenant *t, const char *name,
		      bool keep, struct api_answer *a)
{
	char where[2 * MTLB_NAME_LEN + 32], written[MTLB_NAME_LEN];
	struct report r = {0};
	struct change change;
	struct model_tenant *copy;
	json_t *fields = api_may_change(q, t, a) ? api_fields(q, name, a) : NULL;

	if (!fields)
		return;
	json_object_del(fields, "tenant");
	if (!api_begin(q, t, CHANGE_TENANT, &change, &copy, a)) {
		json_decref(fields);
		return;
	}
	struct model_vip *v = name ? tenant_find_vip(copy, name) : NULL;
	bool is_new = !v;
	if (is_new)
		v = tenant_add_vip(copy);
	if (!is_new && !keep) {
		vip_clear(v);
		memset(v, 0, sizeof(*v));
	}
	if (is_new || !keep)
		config_defaults_vip(v);
	snprintf(where, sizeof(where), "tenants/%s/vips%s%s", t->name, name ? "/" : "",
		 name ? name : "");
	int error = config_vip_from_json(where, fields, v, &r);
	json_decref(fields);
	snprintf(written, sizeof(written), "%s", v->name);
	control_settle_configured(copy);
	if (!error && is_new && tenant_find_vip(t, written)) {
		control_abort(&change);
		api_fail(a, 409, where, "there is a VIP \"%s\" already", written);
	} else if (error) {
		api_refuse(&change, error, &r, a);
	} else {
		commit(q, &change, written, is_new ? 201 : 200, a);
	}
}

static void post(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (t)
		write_vip(q, t, NULL, false, a);
}

static void put(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (t)
		write_vip(q, t, q->args[1], false, a);
}

static void patch(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;

	if (api_find_vip(q, a, &t))
		write_vip(q, t, q->args[1], true, a);
}

static void delete(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	struct change change;
	struct model_tenant *copy;

	if (!api_find_vip(q, a, &t) || !api_may_change(q, t, a) ||
	    !api_begin(q, t, CHANGE_TENANT, &change, &copy, a))
		return;
	tenant_remove_vip(copy, tenant_find_vip(copy, q->args[1]));
	if (api_commit(q, &change, a))
		api_ok(a, 200, NULL);
}

const struct api_route api_vips_routes[] = {
	{ "GET", "/v1/vips", list_all },
	{ "GET", "/v1/tenants/{}/vips", list },
	{ "POST", "/v1/tenants/{}/vips", post },
	{ "GET", "/v1/tenants/{}/vips/{}", get },
	{ "PUT", "/v1/tenants/{}/vips/{}", put },
	{ "PATCH", "/v1/tenants/{}/vips/{}", patch },
	{ "DELETE", "/v1/tenants/{}/vips/{}", delete },
	{ 0 },
};
