// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where the model comes from: the files, the API's documents, and the overrides on top. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "util/cleanup.h"

static int both(struct report *r, const char *kind, const char *name)
{
	char where[MTLB_NAME_LEN + 16];

	snprintf(where, sizeof(where), "%s/%s", kind, name);
	report_add(r, where,
		   "is managed by a file and by the API: remove it from one of them (the API's is kept in the state directory)");
	return -EINVAL;
}

/* ---- the node's own objects ---- */
static int add_interface(struct model *m, const json_t *json, struct report *r)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	if (name && model_find_interface(m, name))
		return both(r, "interfaces", name);
	struct model_interface *i = model_add_interface(m);
	config_defaults_interface(i);
	i->managed_by = MANAGED_BY_API;
	int error = config_interface_from_json("node.db: interfaces", json, i, r);
	i->managed_by = MANAGED_BY_API;
	return error;
}

static int add_segment(struct model *m, const json_t *json, struct report *r)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	if (name && model_find_segment(m, name))
		return both(r, "segments", name);
	struct model_segment *s = model_add_segment(m);
	config_defaults_segment(s);
	int error = config_segment_from_json("node.db: segments", json, s, r);
	s->managed_by = MANAGED_BY_API;
	return error;
}

static json_t *parse_document(const char *name, const struct store_revision *v, struct report *r)
{
	json_error_t why;
	json_t *json = json_loads(v->document, 0, &why);

	if (!json)
		report_add(r, name, "revision %llu is damaged: line %d, column %d: %s",
			   (unsigned long long)v->number, why.line, why.column, why.text);
	return json;
}

static int compose_node(struct store *store, struct model *m, struct report *r)
{
	struct store_revision v;
	size_t at;
	json_t *item;
	int error = store_read_revision(store, STORE_NODE, 0, &v, r);

	if (error)
		return error == -ENOENT ? 0 : error;
	json_t *json = parse_document("node.db", &v, r);
	store_revision_clear(&v);
	if (!json)
		return -EINVAL;
	json_array_foreach(json_object_get(json, "interfaces"), at, item)
		if (add_interface(m, item, r))
			error = -EINVAL;
	json_array_foreach(json_object_get(json, "segments"), at, item)
		if (add_segment(m, item, r))
			error = -EINVAL;
	json_decref(json);
	return error;
}

char *compose_node_document(const struct model *m)
{
	json_t *interfaces = json_array(), *segments = json_array();

	for (size_t i = 0; i < m->n_interfaces; i++)
		if (m->interfaces[i].managed_by == MANAGED_BY_API)
			json_array_append_new(interfaces,
					      config_interface_to_json(&m->interfaces[i]));
	for (size_t i = 0; i < m->n_segments; i++)
		if (m->segments[i].managed_by == MANAGED_BY_API)
			json_array_append_new(segments, config_segment_to_json(&m->segments[i]));
	json_t *json = json_pack("{s:o, s:o}", "interfaces", interfaces, "segments", segments);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

/* ---- tenants ---- */
static int add_revision(struct composed *c, const char *name, uint64_t number)
{
	struct control_revision *grown =
		realloc(c->revisions, (c->n_revisions + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->revisions = grown;
	struct control_revision *v = &grown[c->n_revisions++];
	snprintf(v->name, sizeof(v->name), "%s", name);
	v->number = number;
	return 0;
}

static int add_ended(struct composed *c, const char *name)
{
	char **grown = realloc(c->ended, (c->n_ended + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->ended = grown;
	grown[c->n_ended] = strdup(name);
	return grown[c->n_ended] ? (int)(c->n_ended++, 0) : -ENOMEM;
}

static int add_api_tenant(struct composed *c, const char *name, const struct store_revision *v,
			  const struct store_overrides *o, struct report *r)
{
	char where[MTLB_NAME_LEN + 16];

	if (model_find_tenant(c->model, name))
		return both(r, "tenants", name);
	snprintf(where, sizeof(where), "tenants/%s", name);
	json_t *json = parse_document(where, v, r);
	if (!json)
		return -EINVAL;
	struct model_tenant *t = model_add_tenant(c->model);
	config_defaults_tenant(t);
	int error = config_tenant_from_json(where, json, t, r);
	json_decref(json);
	if (!error && strcmp(t->name, name)) {
		report_add(r, where, "its database holds the tenant \"%s\"", t->name);
		error = -EINVAL;
	}
	t->managed_by = MANAGED_BY_API;
	t->suspended = o->suspended;
	control_settle_configured(t);
	return error ? error : add_revision(c, name, v->number);
}

/* true: it still changes something. One that says what the file says has ended. */
static bool override_backend(const struct model_tenant *t, const struct store_override *o)
{
	struct model_vip *v = tenant_find_vip(t, o->vip);
	struct model_backend *b = v ? vip_find_backend(v, o->backend) : NULL;
	bool stands = b != NULL;

	if (b && o->has_weight && o->weight && o->weight <= UINT16_MAX &&
	    o->weight != b->configured_weight) {
		b->weight = o->weight;
		b->weight_overridden = true;
	} else if (o->has_weight) {
		stands = false;
	}
	if (b && o->has_state && o->state <= BACKEND_ADMIN_DISABLED &&
	    o->state != b->configured_state) {
		b->state = o->state;
		b->state_overridden = true;
	} else if (o->has_state) {
		stands = false;
	}
	return stands;
}

static int override_tenant(struct composed *c, const char *name, const struct store_overrides *o)
{
	struct model_tenant *t = model_find_tenant(c->model, name);
	bool stands = true;

	if (!t)
		return o->suspended || o->n ? add_ended(c, name) : 0;
	t->suspended = o->suspended;
	for (size_t i = 0; i < o->n; i++)
		stands = override_backend(t, &o->rows[i]) && stands;
	return stands ? 0 : add_ended(c, name);
}

static int compose_tenant(struct store *store, struct composed *c, const char *name,
			  struct report *r)
{
	struct store_overrides o = {0};
	struct store_revision v;
	int error = store_read_overrides(store, name, &o, r);

	if (error)
		return error == -ENOENT ? 0 : error;
	error = store_read_revision(store, name, 0, &v, r);
	if (!error) {
		error = add_api_tenant(c, name, &v, &o, r);
		store_revision_clear(&v);
	} else if (error == -ENOENT) {
		error = override_tenant(c, name, &o);
	}
	store_overrides_clear(&o);
	return error;
}

static int compose_tenants(struct store *store, struct composed *c, struct report *r)
{
	char **names;
	size_t n;
	int error = store_list_tenants(store, &names, &n, r);

	if (error)
		return error;
	for (size_t i = 0; i < n; i++) {
		int failed = compose_tenant(store, c, names[i], r);
		error = failed ? failed : error;
	}
	store_names_free(names, n);
	return error;
}

int compose_overrides(const struct model_tenant *t, struct store_overrides *out)
{
	struct store_overrides o = { .suspended = t->suspended };

	for (size_t i = 0; i < t->n_vips; i++) {
		const struct model_vip *v = &t->vips[i];
		for (size_t j = 0; j < v->n_backends; j++) {
			const struct model_backend *b = &v->backends[j];
			if (!b->weight_overridden && !b->state_overridden)
				continue;
			struct store_override *grown =
				realloc(o.rows, (o.n + 1) * sizeof(*grown));
			if (!grown) {
				store_overrides_clear(&o);
				return -ENOMEM;
			}
			o.rows = grown;
			struct store_override *row = &grown[o.n++];
			*row = (struct store_override){
				.has_weight = b->weight_overridden,
				.weight = b->weight,
				.has_state = b->state_overridden,
				.state = b->state,
			};
			memcpy(row->vip, v->name, sizeof(row->vip));
			memcpy(row->backend, b->name, sizeof(row->backend));
		}
	}
	*out = o;
	return 0;
}

void control_settle_configured(struct model_tenant *t)
{
	for (size_t i = 0; i < t->n_vips; i++)
		for (size_t j = 0; j < t->vips[i].n_backends; j++) {
			struct model_backend *b = &t->vips[i].backends[j];
			b->configured_weight = b->weight;
			b->configured_state = b->state;
			b->weight_overridden = b->state_overridden = false;
		}
}

void composed_clear(struct composed *c)
{
	model_free(c->model);
	free(c->revisions);
	store_names_free(c->ended, c->n_ended);
	memset(c, 0, sizeof(*c));
}

int compose_model(struct store *store, const struct model *files, struct composed *out,
		  struct report *r)
{
	struct composed c = { .model = model_copy(files) };
	int error = c.model ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < c.model->n_tenants; i++)
		control_settle_configured(&c.model->tenants[i]);
	if (!error)
		error = compose_node(store, c.model, r);
	if (!error || error == -EINVAL) {
		int failed = compose_tenants(store, &c, r);
		error = failed ? failed : error;
	}
	if (!error)
		error = model_check(c.model, r);
	if (error) {
		composed_clear(&c);
		return error;
	}
	*out = c;
	return 0;
}
