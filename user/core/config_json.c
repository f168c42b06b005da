// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Single objects <-> JSON, and their defaults. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/schema.h"

/* object: a copy of its own, which holds the new state, or garbage, afterwards. */
static int read_json(const struct schema *s, const char *where, const json_t *json, void *object,
		     struct report *r)
{
	const struct schema_source from = {.where = where, .r = r};
	struct value v;
	int err;

	err = value_from_json(where, json, &v, r);
	if (!err)
		err = schema_read(s, &from, &v, object);
	value_clear(&v);
	return err;
}

int config_tenant_from_json(const char *where, const json_t *json, struct model_tenant *out,
			    struct report *r)
{
	struct model_tenant t, drop;
	int err;

	tenant_copy(&t, out);
	err = read_json(&schema_tenant, where, json, &t, r);
	drop = err ? t : *out;
	if (!err)
		*out = t;
	tenant_clear(&drop);
	return err;
}

int config_vip_from_json(const char *where, const json_t *json, struct model_vip *out,
			 struct report *r)
{
	struct model_vip v, drop;
	int err;

	vip_copy(&v, out);
	err = read_json(&schema_vip, where, json, &v, r);
	drop = err ? v : *out;
	if (!err)
		*out = v;
	vip_clear(&drop);
	return err;
}

int config_backend_from_json(const char *where, const json_t *json, struct model_backend *out,
			     struct report *r)
{
	struct model_backend b = *out;
	int err = read_json(&schema_backend, where, json, &b, r);

	if (!err)
		*out = b;
	return err;
}

int config_segment_from_json(const char *where, const json_t *json, struct model_segment *out,
			     struct report *r)
{
	struct model_segment s = *out;
	int err = read_json(&schema_segment, where, json, &s, r);

	if (!err)
		*out = s;
	return err;
}

int config_interface_from_json(const char *where, const json_t *json, struct model_interface *out,
			       struct report *r)
{
	struct model_interface i = *out;
	int err = read_json(&schema_interface, where, json, &i, r);

	if (!err)
		*out = i;
	return err;
}

json_t *config_tenant_to_json(const struct model_tenant *t)
{
	return schema_write(&schema_tenant, t);
}

json_t *config_vip_to_json(const struct model_vip *v)
{
	return schema_write(&schema_vip, v);
}

json_t *config_backend_to_json(const struct model_backend *b)
{
	return schema_write(&schema_backend, b);
}

json_t *config_segment_to_json(const struct model_segment *s)
{
	return schema_write(&schema_segment, s);
}

json_t *config_interface_to_json(const struct model_interface *i)
{
	return schema_write(&schema_interface, i);
}

json_t *config_node_to_json(const struct model_node *n)
{
	/*
	 * The table reads a node as the head of a model; interfaces are objects of their own here.
	 */
	const struct model m = {.node = *n};
	json_t *json = schema_write(&schema_node, &m);

	json_object_del(json, "interfaces");
	return json;
}

void config_defaults_node(struct model_node *n)
{
	struct model m = {0};

	schema_defaults(&schema_node, &m);
	*n = m.node;
}

void config_defaults_tenant(struct model_tenant *t)
{
	schema_defaults(&schema_tenant, t);
}

void config_defaults_vip(struct model_vip *v)
{
	schema_defaults(&schema_vip, v);
}

void config_defaults_backend(struct model_backend *b)
{
	schema_defaults(&schema_backend, b);
}

void config_defaults_segment(struct model_segment *s)
{
	schema_defaults(&schema_segment, s);
}

void config_defaults_interface(struct model_interface *i)
{
	schema_defaults(&schema_interface, i);
}
