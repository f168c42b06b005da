// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/tenants/T/vips/V/backends, /v1/backends: servers; of file-managed tenants weight and state can be overridden. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v = api_find_vip(q, a, &t);

	if (!v)
		return;
	json_t *array = json_array();
	api_backends_append(q->control, t, v, array);
	api_ok(a, 200, array);
}

static void list_all(const struct api_request *q, struct api_answer *a)
{
	const struct model *m = q->control->model;
	const char *tenant = q->query(q, "tenant"), *vip = q->query(q, "vip");
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_tenants; i++) {
		const struct model_tenant *t = &m->tenants[i];
		for (size_t j = 0; j < t->n_vips; j++)
			if ((!tenant || !strcmp(tenant, t->name)) &&
			    (!vip || !strcmp(vip, t->vips[j].name)))
				api_backends_append(q->control, t, &t->vips[j], array);
	}
	api_ok(a, 200, array);
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v;
	const struct model_backend *b = api_find_backend(q, a, &t, &v);

	if (b)
		api_ok(a, 200, api_backend_json(q->control, t, v, b));
}

static void commit(const struct api_request *q, struct change *change, const char *name,
		   unsigned int status, struct api_answer *a)
{
	if (!api_commit(q, change, a))
		return;
	const struct model_tenant *t = model_find_tenant(q->control->model, q->args[0]);
	const struct model_vip *v = tenant_find_vip(t, q->args[1]);
	api_ok(a, status, api_backend_json(q->control, t, v, vip_find_backend(v, name)));
}

static json_t *backend_fields(const struct api_request *q, const char *name, struct api_answer *a)
{
	json_t *fields = api_fields(q, name, a);

	json_object_del(fields, "tenant");
	json_object_del(fields, "vip");
	return fields;
}

enum {
	WHERE_TEXT = 3 * MTLB_NAME_LEN + 32
};

/* "tenants/T/vips/V/backends/B"; without B where name is NULL. */
static void write_where(const struct model_tenant *t, const struct model_vip *v, const char *name,
			char where[WHERE_TEXT])
{
	snprintf(where, WHERE_TEXT, "tenants/%s/vips/%s/backends%s%s", t->name, v->name,
		 name ? "/" : "", name ? name : "");
}

/* ---- API-managed: the document changes ---- */
/* name NULL: a new one, named by the fields. keep: fields that are absent keep their values. Takes fields over. */
static void write_backend(const struct api_request *q, const struct model_tenant *t,
			  const char *name, json_t *fields, bool keep, struct api_answer *a)
{
	char where[WHERE_TEXT], written[MTLB_NAME_LEN];
	struct report r = {0};
	struct change change;
	struct model_tenant *copy;

	if (!fields || !api_may_change(q, t, a) ||
	    !api_begin(q, t, CHANGE_TENANT, &change, &copy, a)) {
		json_decref(fields);
		return;
	}
	struct model_vip *v = tenant_find_vip(copy, q->args[1]);
	struct model_backend *b = name ? vip_find_backend(v, name) : NULL;
	bool is_new = !b;
	if (is_new)
		b = vip_add_backend(v);
	if (is_new || !keep)
		config_defaults_backend(b);
	write_where(t, v, name, where);
	int error = config_backend_from_json(where, fields, b, &r);
	json_decref(fields);
	snprintf(written, sizeof(written), "%s", b->name);
	control_settle_configured(copy);
	if (!error && is_new && vip_find_backend(tenant_find_vip(t, q->args[1]), written)) {
		control_abort(&change);
		api_fail(a, 409, where, "there is a backend \"%s\" already", written);
	} else if (error) {
		api_refuse(&change, error, &r, a);
	} else {
		commit(q, &change, written, is_new ? 201 : 200, a);
	}
}

static void post(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;

	if (api_find_vip(q, a, &t))
		write_backend(q, t, NULL, backend_fields(q, NULL, a), false, a);
}

static void put(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;

	if (api_find_vip(q, a, &t))
		write_backend(q, t, q->args[2], backend_fields(q, q->args[2], a), false, a);
}

static void delete(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v;
	struct change change;
	struct model_tenant *copy;

	if (!api_find_backend(q, a, &t, &v) || !api_may_change(q, t, a) ||
	    !api_begin(q, t, CHANGE_TENANT, &change, &copy, a))
		return;
	struct model_vip *to = tenant_find_vip(copy, q->args[1]);
	vip_remove_backend(to, vip_find_backend(to, q->args[2]));
	if (api_commit(q, &change, a))
		api_ok(a, 200, NULL);
}

/* ---- file-managed: weight and state are overridden, nothing else ---- */
static bool only_overrides(const json_t *fields, const struct model_tenant *t, struct api_answer *a)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)fields, key, value) {
		if (!strcmp(key, "weight") || !strcmp(key, "state") || !strcmp(key, "name"))
			continue;
		api_fail(a, 409, key,
			 "tenant \"%s\" is managed by the file %s: only weight and state can be overridden here",
			 t->name, t->origin.file ? t->origin.file : "");
		return false;
	}
	return true;
}

/* What says the same as the file is no override. */
static void set_override(struct model_backend *b, const struct model_backend *asked)
{
	b->weight = asked->weight;
	b->weight_overridden = b->weight != b->configured_weight;
	b->state = asked->state;
	b->state_overridden = b->state != b->configured_state;
}

static void override(const struct api_request *q, const struct model_tenant *t,
		     const struct model_backend *asked, struct api_answer *a)
{
	struct change change;
	struct model_tenant *copy;

	if (!api_begin(q, t, CHANGE_OVERRIDES, &change, &copy, a))
		return;
	set_override(vip_find_backend(tenant_find_vip(copy, q->args[1]), q->args[2]), asked);
	commit(q, &change, q->args[2], 200, a);
}

static void patch(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v;
	const struct model_backend *b = api_find_backend(q, a, &t, &v);
	json_t *fields = b ? backend_fields(q, q->args[2], a) : NULL;
	struct report r = {0};

	if (!fields)
		return;
	if (t->managed_by == MANAGED_BY_API) {
		write_backend(q, t, q->args[2], fields, true, a);
		return;
	}
	struct model_backend asked = *b;
	char where[WHERE_TEXT];
	write_where(t, v, b->name, where);
	if (only_overrides(fields, t, a)) {
		int error = config_backend_from_json(where, fields, &asked, &r);
		if (error)
			api_fail_report(a, error, &r);
		else
			override(q, t, &asked, a);
	}
	report_clear(&r);
	json_decref(fields);
}

static void set_state(const struct api_request *q, enum backend_admin_state state,
		      struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v;
	const struct model_backend *b = api_find_backend(q, a, &t, &v);

	if (!b)
		return;
	if (t->managed_by == MANAGED_BY_API) {
		write_backend(q, t, q->args[2], json_pack("{s:s, s:s}", "name", b->name, "state",
							 api_admin_state(state)), true, a);
		return;
	}
	struct model_backend asked = *b;
	asked.state = state;
	override(q, t, &asked, a);
}

static void drain(const struct api_request *q, struct api_answer *a)
{
	set_state(q, BACKEND_ADMIN_DRAINING, a);
}

static void up(const struct api_request *q, struct api_answer *a)
{
	set_state(q, BACKEND_ADMIN_UP, a);
}

static void disable(const struct api_request *q, struct api_answer *a)
{
	set_state(q, BACKEND_ADMIN_DISABLED, a);
}

static void clear_overrides(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t;
	const struct model_vip *v;
	const struct model_backend *b = api_find_backend(q, a, &t, &v);

	if (!b)
		return;
	struct model_backend asked = *b;
	asked.weight = b->configured_weight;
	asked.state = b->configured_state;
	if (t->managed_by == MANAGED_BY_API)
		api_ok(a, 200, api_backend_json(q->control, t, v, b));
	else
		override(q, t, &asked, a);
}

#define ONE "/v1/tenants/{}/vips/{}/backends/{}"

const struct api_route api_backends_routes[] = {
	{ "GET", "/v1/backends", list_all },
	{ "GET", "/v1/tenants/{}/vips/{}/backends", list },
	{ "POST", "/v1/tenants/{}/vips/{}/backends", post },
	{ "GET", ONE, get },
	{ "PUT", ONE, put },
	{ "PATCH", ONE, patch },
	{ "DELETE", ONE, delete },
	{ "POST", ONE "/drain", drain },
	{ "POST", ONE "/undrain", up },
	{ "POST", ONE "/disable", disable },
	{ "POST", ONE "/enable", up },
	{ "DELETE", ONE "/overrides", clear_overrides },
	{ 0 },
};
