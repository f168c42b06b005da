// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/interfaces: where the program is attached. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "util/cleanup.h"

static const struct datapath_attachment *find(const struct datapath_attachment *list, size_t n,
					      const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].interface, name))
			return &list[i];
	return NULL;
}

static json_t *interface_json(struct control *c, const struct model_interface *i)
{
	_cleanup_free_ struct datapath_attachment *list = NULL;
	uint32_t ifindex = if_nametoindex(i->name);
	size_t n = 0;

	if (datapath_list(c->datapath, &list, &n))
		n = 0;
	const struct datapath_attachment *at = find(list, n, i->name);
	bool attached = at && ifindex && at->ifindex == ifindex;
	const char *detail = attached ? at->detail : ifindex ? "not attached" : "no such interface";
	json_t *json = config_interface_to_json(i);
	json_object_set_new(json, "managed_by", json_string(api_managed_by(i->managed_by)));
	json_object_set_new(json, "status",
			    json_pack("{s:I, s:b, s:I, s:b, s:s}", "ifindex", (json_int_t)ifindex,
				      "attached", attached, "program_id",
				      (json_int_t)(attached ? at->program_id : 0), "shared",
				      attached && at->shared, "detail", detail));
	return json;
}

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model *m = q->control->model;
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_interfaces; i++)
		json_array_append_new(array, interface_json(q->control, &m->interfaces[i]));
	api_ok(a, 200, array);
}

static const struct model_interface *find_named(const struct api_request *q, struct api_answer *a)
{
	const struct model_interface *i = model_find_interface(q->control->model, q->args[0]);

	if (!i)
		api_fail(a, 404, "interfaces", "interface \"%s\" is not configured", q->args[0]);
	return i;
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_interface *i = find_named(q, a);

	if (i)
		api_ok(a, 200, interface_json(q->control, i));
}

static bool is_ours(const struct model_interface *i, struct api_answer *a)
{
	if (i->managed_by == MANAGED_BY_API)
		return true;
	api_fail(a, 409, i->name, "is managed by the file %s: change it there and reload",
		 i->origin.file ? i->origin.file : "");
	return false;
}

static void put(const struct api_request *q, struct api_answer *a)
{
	const struct model_interface *was = model_find_interface(q->control->model, q->args[0]);
	struct report r = {0};
	struct change change;

	if ((was && !is_ours(was, a)))
		return;
	json_t *fields = q->body ? api_fields(q, q->args[0], a)
				 : json_pack("{s:s}", "name", q->args[0]);
	if (!fields || !api_begin(q, NULL, CHANGE_NODE, &change, NULL, a)) {
		json_decref(fields);
		return;
	}
	struct model_interface *i = was ? model_find_interface(change.model, q->args[0])
					: model_add_interface(change.model);
	config_defaults_interface(i);
	int error = config_interface_from_json("interfaces", fields, i, &r);
	json_decref(fields);
	i->managed_by = MANAGED_BY_API;
	if (error)
		api_refuse(&change, error, &r, a);
	else if (api_commit(q, &change, a))
		api_ok(a, was ? 200 : 201,
		       interface_json(q->control,
				      model_find_interface(q->control->model, q->args[0])));
}

static void delete(const struct api_request *q, struct api_answer *a)
{
	const struct model_interface *i = find_named(q, a);
	struct change change;

	if (!i || !is_ours(i, a) || !api_begin(q, NULL, CHANGE_NODE, &change, NULL, a))
		return;
	model_remove_interface(change.model, model_find_interface(change.model, q->args[0]));
	if (api_commit(q, &change, a))
		api_ok(a, 200, NULL);
}

const struct api_route api_interfaces_routes[] = {
	{ "GET", "/v1/interfaces", list },
	{ "GET", "/v1/interfaces/{}", get },
	{ "PUT", "/v1/interfaces/{}", put },
	{ "DELETE", "/v1/interfaces/{}", delete },
	{ 0 },
};
