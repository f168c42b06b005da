// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the resources have in common: who is meant, who may write, and how a change begins and ends. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "util/number.h"

const struct model_tenant *api_find_tenant(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = model_find_tenant(q->control->model, q->args[0]);

	if (!t)
		api_fail(a, 404, "tenants", "there is no tenant \"%s\"", q->args[0]);
	return t;
}

const struct model_vip *api_find_vip(const struct api_request *q, struct api_answer *a,
				     const struct model_tenant **t)
{
	*t = api_find_tenant(q, a);
	const struct model_vip *v = *t ? tenant_find_vip(*t, q->args[1]) : NULL;

	if (*t && !v)
		api_fail(a, 404, "vips", "tenant \"%s\" has no VIP \"%s\"", q->args[0], q->args[1]);
	return v;
}

const struct model_backend *api_find_backend(const struct api_request *q, struct api_answer *a,
					     const struct model_tenant **t,
					     const struct model_vip **v)
{
	*v = api_find_vip(q, a, t);
	const struct model_backend *b = *v ? vip_find_backend(*v, q->args[2]) : NULL;

	if (*v && !b)
		api_fail(a, 404, "backends", "VIP \"%s\" of tenant \"%s\" has no backend \"%s\"",
			 q->args[1], q->args[0], q->args[2]);
	return b;
}

bool api_need_body(const struct api_request *q, struct api_answer *a)
{
	if (json_is_object(q->body))
		return true;
	api_fail(a, 400, "", q->body ? "the body must be a JSON object"
				     : "the body is missing: a JSON object is expected");
	return false;
}

/* What an answer adds to the fields of the configuration: clients may send back what they got. */
static void strip(json_t *json)
{
	static const char *const shown[] = {
		"managed_by", "status", "revision", "suspended", "overrides", "configured",
	};
	size_t at;
	json_t *item;

	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		json_object_del(json, shown[i]);
	json_array_foreach(json_object_get(json, "vips"), at, item)
		strip(item);
	json_array_foreach(json_object_get(json, "backends"), at, item)
		strip(item);
}

json_t *api_fields(const struct api_request *q, const char *name, struct api_answer *a)
{
	if (!api_need_body(q, a))
		return NULL;
	json_t *json = json_deep_copy(q->body);
	json_t *given = json_object_get(json, "name");
	strip(json);
	if (name && given && (!json_is_string(given) || strcmp(json_string_value(given), name))) {
		api_fail(a, 400, "name", "is not \"%s\" as in the path: names do not change", name);
		json_decref(json);
		return NULL;
	}
	if (name)
		json_object_set_new(json, "name", json_string(name));
	return json;
}

static bool is_fresh(const struct api_request *q, const struct model_tenant *t,
		     struct api_answer *a)
{
	const char *text = q->query(q, "revision");
	uint64_t from, now = control_revision(q->control, t->name);
	char where[MTLB_NAME_LEN + 16];

	if (!text)
		return true;
	snprintf(where, sizeof(where), "tenants/%s", t->name);
	if (number_parse(text, 1, INT64_MAX, &from)) {
		api_fail(a, 400, "revision", "\"%s\" is not a revision: a number from 1", text);
		return false;
	}
	if (from == now)
		return true;
	api_fail(a, 409, where, "is at revision %llu, the change was made from revision %llu",
		 (unsigned long long)now, (unsigned long long)from);
	return false;
}

bool api_may_change(const struct api_request *q, const struct model_tenant *t, struct api_answer *a)
{
	char where[MTLB_NAME_LEN + 16];

	if (t->managed_by == MANAGED_BY_API)
		return is_fresh(q, t, a);
	snprintf(where, sizeof(where), "tenants/%s", t->name);
	api_fail(a, 409, where,
		 "is managed by the file %s: change it there and reload; only weight and state of backends and suspension can be overridden here",
		 t->origin.file ? t->origin.file : "");
	return false;
}

bool api_begin(const struct api_request *q, const struct model_tenant *t, enum change_kind kind,
	       struct change *change, struct model_tenant **copy, struct api_answer *a)
{
	memset(change, 0, sizeof(*change));
	change->kind = kind;
	change->who = q->who;
	change->message = q->message;
	control_begin(q->control, change);
	if (!change->model) {
		api_fail(a, 500, "", "out of memory");
		return false;
	}
	if (t) {
		change->tenant = t->name;
		*copy = model_find_tenant(change->model, t->name);
	}
	return true;
}

bool api_commit(const struct api_request *q, struct change *change, struct api_answer *a)
{
	struct report r = {0};
	char tenant[MTLB_NAME_LEN];

	/* The name may lie in the model that the change replaces. */
	if (change->tenant) {
		snprintf(tenant, sizeof(tenant), "%s", change->tenant);
		change->tenant = tenant;
	}
	int error = control_commit(q->control, change, &r);
	change->tenant = NULL;
	if (error)
		api_fail_report(a, error, &r);
	report_clear(&r);
	return !error;
}

void api_refuse(struct change *change, int error, struct report *r, struct api_answer *a)
{
	control_abort(change);
	api_fail_report(a, error, r);
	report_clear(r);
}
