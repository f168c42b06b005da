/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Text <-> model. One table of fields (schema.c) reads YAML, reads JSON, writes JSON and says
 * what is allowed. All mistakes of an input are reported, not only the first.
 */
#pragma once

#include <jansson.h>

#include "model.h"
#include "util/report.h"

/*
 * Reads the main file and, where dir is not NULL and exists, every *.yaml in it in the order of
 * their names (each holds one tenant: the keys of a tenant at top level, or a "tenants:" list).
 * -EINVAL or -errno with lines in r and *m untouched.
 */
int config_load(const char *file, const char *dir, struct model **m, struct report *r);

/*
 * One main file's text, for tests and fuzzing: name is what errors call it. Appends to m,
 * whose node gets its defaults if it has no name yet. What could be read is in *m even where
 * -EINVAL is returned.
 */
int config_parse_yaml(const char *name, const char *text, size_t len, struct model *m,
		      struct report *r);

/*
 * One JSON object -> model object, fields absent keep what *out holds (so: defaults on a fresh
 * object, or the present values for a PATCH). where prefixes the report's places: "tenants/acme".
 * -EINVAL with lines in r and *out untouched.
 */
int config_tenant_from_json(const char *where, const json_t *json, struct model_tenant *out,
			    struct report *r);
int config_vip_from_json(const char *where, const json_t *json, struct model_vip *out,
			 struct report *r);
int config_backend_from_json(const char *where, const json_t *json, struct model_backend *out,
			     struct report *r);
int config_segment_from_json(const char *where, const json_t *json, struct model_segment *out,
			     struct report *r);
int config_interface_from_json(const char *where, const json_t *json,
			       struct model_interface *out, struct report *r);

/* The fields of an object as the config file spells them; children included. New reference. */
json_t *config_tenant_to_json(const struct model_tenant *t);
json_t *config_vip_to_json(const struct model_vip *v);
json_t *config_backend_to_json(const struct model_backend *b);
json_t *config_segment_to_json(const struct model_segment *s);
json_t *config_interface_to_json(const struct model_interface *i);
json_t *config_node_to_json(const struct model_node *n);

/*
 * Defaults of a fresh object: call on the result of a model_add_*() before filling it by hand.
 * Names and lists that it has are forgotten.
 */
void config_defaults_node(struct model_node *n);
void config_defaults_tenant(struct model_tenant *t);
void config_defaults_vip(struct model_vip *v);
void config_defaults_backend(struct model_backend *b);
void config_defaults_segment(struct model_segment *s);
void config_defaults_interface(struct model_interface *i);

/*
 * Checks across objects: duplicate names and keys, VIPs outside the tenant's prefixes, two shared
 * tenants with one address, overlapping segments, limits exceeded, a segment of an unknown tenant
 * or interface, families that the encapsulation cannot mix, sums over the node's sizes. -EINVAL
 * with lines in r.
 */
int model_check(const struct model *m, struct report *r);
