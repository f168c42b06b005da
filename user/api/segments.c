// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/segments: where packets enter. */
#include <net/if.h>
#include <stdio.h>

#include "api/api.h"

static json_t *segment_json(const struct model_segment *s)
{
	json_t *json = config_segment_to_json(s);

	json_object_set_new(json, "managed_by", json_string(api_managed_by(s->managed_by)));
	json_object_set_new(json, "status",
			    json_pack("{s:b}", "present", if_nametoindex(s->interface) != 0));
	return json;
}

static void list(const struct api_request *q, struct api_answer *a)
{
	const struct model *m = q->control->model;
	json_t *array = json_array();

	for (size_t i = 0; i < m->n_segments; i++)
		json_array_append_new(array, segment_json(&m->segments[i]));
	api_ok(a, 200, array);
}

static const struct model_segment *find(const struct api_request *q, struct api_answer *a)
{
	const struct model_segment *s = model_find_segment(q->control->model, q->args[0]);

	if (!s)
		api_fail(a, 404, "segments", "there is no segment \"%s\"", q->args[0]);
	return s;
}

static bool is_ours(const struct model_segment *s, struct api_answer *a)
{
	char where[MTLB_NAME_LEN + 16];

	if (s->managed_by == MANAGED_BY_API)
		return true;
	snprintf(where, sizeof(where), "segments/%s", s->name);
	api_fail(a, 409, where, "is managed by the file %s: change it there and reload",
		 s->origin.file ? s->origin.file : "");
	return false;
}

static void get(const struct api_request *q, struct api_answer *a)
{
	const struct model_segment *s = find(q, a);

	if (s)
		api_ok(a, 200, segment_json(s));
}

/* name NULL: a new one, named by the fields. keep: fields that are absent keep their values. */
static void write_segment(const struct api_request *q, const char *name, bool keep,
			  struct api_answer *a)
{
	json_t *fields = api_fields(q, name, a);
	struct report r = {0};
	struct change change;
	char written[MTLB_NAME_LEN];

	if (!fields)
		return;
	if (!api_begin(q, NULL, CHANGE_NODE, &change, NULL, a)) {
		json_decref(fields);
		return;
	}
	struct model_segment *s = name ? model_find_segment(change.model, name) : NULL;
	bool is_new = !s;
	if (is_new)
		s = model_add_segment(change.model);
	if (is_new || !keep)
		config_defaults_segment(s);
	int error = config_segment_from_json("segments", fields, s, &r);
	json_decref(fields);
	s->managed_by = MANAGED_BY_API;
	snprintf(written, sizeof(written), "%s", s->name);
	if (!error && !name && model_find_segment(q->control->model, written)) {
		control_abort(&change);
		api_fail(a, 409, "segments", "there is a segment \"%s\" already", written);
	} else if (error) {
		api_refuse(&change, error, &r, a);
	} else if (api_commit(q, &change, a)) {
		api_ok(a, is_new ? 201 : 200,
		       segment_json(model_find_segment(q->control->model, written)));
	}
}

static void post(const struct api_request *q, struct api_answer *a)
{
	write_segment(q, NULL, false, a);
}

static void patch(const struct api_request *q, struct api_answer *a)
{
	const struct model_segment *s = find(q, a);

	if (s && is_ours(s, a))
		write_segment(q, q->args[0], true, a);
}

static void put(const struct api_request *q, struct api_answer *a)
{
	const struct model_segment *s = model_find_segment(q->control->model, q->args[0]);

	if (!s || is_ours(s, a))
		write_segment(q, q->args[0], false, a);
}

static void delete(const struct api_request *q, struct api_answer *a)
{
	const struct model_segment *s = find(q, a);
	struct change change;

	if (!s || !is_ours(s, a) || !api_begin(q, NULL, CHANGE_NODE, &change, NULL, a))
		return;
	model_remove_segment(change.model, model_find_segment(change.model, q->args[0]));
	if (api_commit(q, &change, a))
		api_ok(a, 200, NULL);
}

const struct api_route api_segments_routes[] = {
	{ "GET", "/v1/segments", list },
	{ "POST", "/v1/segments", post },
	{ "GET", "/v1/segments/{}", get },
	{ "PUT", "/v1/segments/{}", put },
	{ "PATCH", "/v1/segments/{}", patch },
	{ "DELETE", "/v1/segments/{}", delete },
	{ 0 },
};
