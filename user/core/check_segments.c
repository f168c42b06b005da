// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Interfaces and segments: what they name exists, and no packet belongs to two of them. */
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "core/schema.h"

/* A partly read model may have lost the very tenant or interface that a segment names. */
static bool has_nameless_tenant(const struct model *m)
{
	return model_find_tenant(m, "") != NULL;
}

static bool has_nameless_interface(const struct model *m)
{
	return model_find_interface(m, "") != NULL;
}

static void check_references(const struct model *m, bool partial, const struct model_segment *s,
			     const char *path, struct report *r)
{
	if (*s->tenant && !model_find_tenant(m, s->tenant) && !(partial && has_nameless_tenant(m)))
		check_complain(r, &s->origin, path,
			       "tenant: found \"%s\", which is no tenant of this "
			       "node, allowed: the name of one",
			       s->tenant);
	if (*s->interface && !model_find_interface(m, s->interface) &&
	    !(partial && has_nameless_interface(m)))
		check_complain(
			r, &s->origin, path,
			"interface: found \"%s\", which is none of mtlb's "
			"interfaces; add it under node.interfaces, or with mtlbctl attach %s",
			s->interface, s->interface);
}

static void check_tags(const struct model_segment *s, const char *path, struct report *r)
{
	if (s->inner_vlan && !s->vlan)
		check_complain(r, &s->origin, path,
			       "inner_vlan: found %u without vlan, allowed: only "
			       "beside the outer id (vlan)",
			       s->inner_vlan);
	if (s->vlan > MTLB_VLAN_MAX || s->inner_vlan > MTLB_VLAN_MAX)
		check_complain(r, &s->origin, path, "vlan: found %u, allowed: 0 to %d",
			       s->vlan > MTLB_VLAN_MAX ? s->vlan : s->inner_vlan, MTLB_VLAN_MAX);
}

static void check_key(const struct model_segment *s, const char *path, struct check_set *keys,
		      struct report *r)
{
	const struct model_segment *first;
	char key[64], place[512];

	snprintf(key, sizeof(key), "%s/%u/%u", s->interface, s->vlan, s->inner_vlan);
	first = *s->interface ? check_seen(keys, key, strlen(key), s) : NULL;
	if (first)
		check_complain(r, &s->origin, path,
			       "found interface %s, vlan %u, inner_vlan %u, which "
			       "is segment \"%s\" already (%s), allowed: each once",
			       s->interface, s->vlan, s->inner_vlan, first->name,
			       check_place(&first->origin, path, place, sizeof(place)));
}

static void check_interfaces(const struct model *m, struct report *r)
{
	struct check_set names = {0};
	char path[128];

	for (size_t i = 0; i < m->n_interfaces; i++) {
		const struct model_interface *f = &m->interfaces[i];

		snprintf(path, sizeof(path), "interfaces/%s", f->name);
		check_twice(r, &names, "interface", f->name, &f->origin, path);
	}
	check_forget(&names);
}

void check_segments(const struct model *m, bool partial, struct report *r)
{
	struct check_set names = {0}, keys = {0};
	char path[128];

	check_interfaces(m, r);
	for (size_t i = 0; i < m->n_segments; i++) {
		const struct model_segment *s = &m->segments[i];

		snprintf(path, sizeof(path), "segments/%s", s->name);
		if (!partial && !field_is_name(s->name))
			check_complain(r, &s->origin, path,
				       "found the name \"%s\", allowed: at most "
				       "63 of a-z 0-9 . _ -, beginning with one of a-z 0-9",
				       s->name);
		check_twice(r, &names, "segment", s->name, &s->origin, path);
		check_references(m, partial, s, path, r);
		check_tags(s, path, r);
		check_key(s, path, &keys, r);
	}
	check_forget(&names);
	check_forget(&keys);
}
