// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What tenants use, against their limits and the sizes of the node. */
#include <stdio.h>

#include "core/check.h"
#include "core/ring.h"
#include "core/schema.h"

struct sums {
	uint64_t vips, backends, flows, ring_slots;
};

static uint64_t ring_slots(const struct model_vip *v)
{
	if (v->ring_size)
		return v->ring_size;
	return v->n_backends ? 1ull << ring_log2(v->n_backends) : 0;
}

static void check_tenant(const struct model_tenant *t, struct sums *sums, struct report *r)
{
	size_t backends = 0;
	char path[128];

	snprintf(path, sizeof(path), "tenants/%s", t->name);
	for (size_t i = 0; i < t->n_vips; i++) {
		backends += t->vips[i].n_backends;
		sums->ring_slots += ring_slots(&t->vips[i]);
	}
	if (t->n_vips > t->limits.vips)
		check_complain(r, &t->origin, path,
			       "found %zu VIPs, allowed: %u (limits.vips of "
			       "tenant \"%s\")",
			       t->n_vips, t->limits.vips, t->name);
	if (backends > t->limits.backends)
		check_complain(r, &t->origin, path,
			       "found %zu backends, allowed: %u "
			       "(limits.backends of tenant \"%s\")",
			       backends, t->limits.backends, t->name);
	sums->vips += t->n_vips;
	sums->backends += backends;
}

static void check_sum(const struct origin *at, const char *what, uint64_t found, uint64_t allowed,
		      const char *key, struct report *r)
{
	char found_text[32], allowed_text[32];

	if (found > allowed)
		check_complain(r, at, "node", "found %s %s in all, allowed: %s (%s)",
			       field_print_number(found, found_text, sizeof(found_text)), what,
			       field_print_number(allowed, allowed_text, sizeof(allowed_text)),
			       key);
}

static void check_flows(const struct model *m, struct report *r)
{
	const struct model_tenant *over = NULL;
	char found[32], allowed[32], path[128];
	uint64_t sum = 0;

	/* The mistake stands at the first tenant that no longer fits. */
	for (size_t i = 0; i < m->n_tenants; i++) {
		sum += m->tenants[i].limits.flows;
		if (sum > m->node.flows && !over)
			over = &m->tenants[i];
	}
	if (!over)
		return;
	snprintf(path, sizeof(path), "tenants/%s", over->name);
	check_complain(r, &over->origin, path,
		       "found %s flows in all tenants' limits.flows, with "
		       "tenant \"%s\" over what is allowed: %s (node.flows)",
		       field_print_number(sum, found, sizeof(found)), over->name,
		       field_print_number(m->node.flows, allowed, sizeof(allowed)));
}

void check_limits(const struct model *m, struct report *r)
{
	const struct model_node_limits *l = &m->node.limits;
	const struct origin *tenant = NULL, *segment = NULL;
	struct sums sums = {0};

	if (m->n_tenants)
		tenant = &m->tenants[m->n_tenants - 1].origin;
	if (m->n_segments)
		segment = &m->segments[m->n_segments - 1].origin;
	for (size_t i = 0; i < m->n_tenants; i++)
		check_tenant(&m->tenants[i], &sums, r);
	check_flows(m, r);
	check_sum(tenant, "tenants", m->n_tenants, l->tenants, "node.limits.tenants", r);
	check_sum(tenant, "VIPs", sums.vips, l->vips, "node.limits.vips", r);
	check_sum(tenant, "backends", sums.backends, l->backends, "node.limits.backends", r);
	check_sum(tenant, "ring slots", sums.ring_slots, l->ring_slots, "node.limits.ring_slots",
		  r);
	check_sum(segment, "segments", m->n_segments, l->segments, "node.limits.segments", r);
}
