// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/tenants/T/revisions: the history of an API-managed tenant, and the way back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "util/number.h"

static json_t *revision_json(const struct store_revision *v)
{
	json_t *json = json_pack("{s:I, s:I, s:s, s:s}", "revision", (json_int_t)v->number, "time",
				 (json_int_t)v->time, "who", v->who, "message", v->message);

	if (v->document)
		json_object_set_new(json, "document", json_loads(v->document, 0, NULL));
	return json;
}

static const struct model_tenant *find_with_history(const struct api_request *q,
						    struct api_answer *a)
{
	const struct model_tenant *t = api_find_tenant(q, a);

	if (t && t->managed_by != MANAGED_BY_API) {
		api_fail(a, 409, t->name, "is managed by a file: its history is the file's");
		return NULL;
	}
	return t;
}

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = find_with_history(q, a);
	struct store_revision *rows;
	struct report r = {0};
	size_t n;

	if (!t)
		return;
	int error = store_list_revisions(q->control->store, t->name, &rows, &n, &r);
	if (error) {
		api_fail_report(a, error, &r);
		report_clear(&r);
		return;
	}
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, revision_json(&rows[i]));
	store_revisions_free(rows, n);
	api_ok(a, 200, array);
}

static bool read_one(const struct api_request *q, const struct model_tenant *t,
		     struct store_revision *out, struct api_answer *a)
{
	struct report r = {0};
	uint64_t number;

	if (number_parse(q->args[1], 1, INT64_MAX, &number)) {
		api_fail(a, 400, "revision", "\"%s\" is not a revision: a number from 1",
			 q->args[1]);
		return false;
	}
	int error = store_read_revision(q->control->store, t->name, number, out, &r);
	if (error == -ENOENT)
		api_fail(a, 404, "revisions", "tenant \"%s\" has no revision %s", t->name,
			 q->args[1]);
	else if (error)
		api_fail_report(a, error, &r);
	report_clear(&r);
	return !error;
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = find_with_history(q, a);
	struct store_revision v;

	if (!t || !read_one(q, t, &v, a))
		return;
	api_ok(a, 200, revision_json(&v));
	store_revision_clear(&v);
}

static void restore_document(const struct api_request *q, const struct model_tenant *t,
			     const json_t *document, struct api_answer *a)
{
	char message[64], where[MTLB_NAME_LEN + 16];
	struct report r = {0};
	struct change change;
	struct model_tenant *copy;

	if (!api_begin(q, t, CHANGE_TENANT, &change, &copy, a))
		return;
	snprintf(message, sizeof(message), "restore revision %s", q->args[1]);
	snprintf(where, sizeof(where), "tenants/%s", t->name);
	if (!change.message)
		change.message = message;
	bool suspended = copy->suspended;
	tenant_clear(copy);
	memset(copy, 0, sizeof(*copy));
	config_defaults_tenant(copy);
	int error = config_tenant_from_json(where, document, copy, &r);
	copy->managed_by = MANAGED_BY_API;
	copy->suspended = suspended;
	control_settle_configured(copy);
	if (error)
		api_refuse(&change, error, &r, a);
	else if (api_commit(q, &change, a))
		api_ok(a, 200,
		       api_tenant_json(q->control,
				       model_find_tenant(q->control->model, q->args[0])));
}

static void restore(const struct api_request *q, struct api_answer *a)
{
	const struct model_tenant *t = find_with_history(q, a);
	struct store_revision v;

	if (!t || !api_may_change(q, t, a) || !read_one(q, t, &v, a))
		return;
	json_t *document = json_loads(v.document, 0, NULL);
	store_revision_clear(&v);
	if (!document)
		api_fail(a, 500, "revisions", "revision %s is damaged", q->args[1]);
	else
		restore_document(q, t, document, a);
	json_decref(document);
}

const struct api_route api_revisions_routes[] = {
	{ "GET", "/v1/tenants/{}/revisions", list },
	{ "GET", "/v1/tenants/{}/revisions/{}", get },
	{ "POST", "/v1/tenants/{}/revisions/{}/restore", restore },
	{ 0 },
};
