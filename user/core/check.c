// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tenants, VIPs and backends beside each other; the rest is in check_*.c. */
#include "core/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/position.h"
#include "core/ring.h"
#include "core/schema.h"

struct checker {
	const struct model *m;
	struct report *r;
	bool partial;
	struct check_set shared; /* addresses reachable through shared segments */
};

/* Where an address was first used. */
struct use {
	const struct model_tenant *tenant;
	const struct model_vip *vip;
};

static void check_name(struct checker *c, const char *name, const struct origin *o,
		       const char *path)
{
	if (!c->partial && !field_is_name(name))
		check_complain(c->r, o, path,
			       "found the name \"%s\", allowed: at most 63 of a-z 0-9 . _ -, "
			       "beginning with one of a-z 0-9",
			       name);
}

static bool is_usable(const struct addr *a, bool may_be_loopback)
{
	return !addr_is_unspecified(a) && !addr_is_multicast(a) &&
	       (may_be_loopback || !addr_is_loopback(a));
}

static void check_backend(struct checker *c, const struct model_tenant *t,
			  const struct model_vip *v, const struct model_backend *b,
			  struct check_set *addresses)
{
	const struct model_backend *first;
	char path[CHECK_PATH], place[512], text[ADDR_TEXT];

	check_path(path, t, v, b);
	check_name(c, b->name, &b->origin, path);
	if (!is_usable(&b->address, false)) {
		if (!c->partial)
			check_complain(c->r, &b->origin, path,
				       "address: found %s, allowed: an "
				       "address that is not unspecified, multicast or loopback",
				       addr_print(&b->address, text));
		return;
	}
	first = check_seen(addresses, &b->address, sizeof(b->address), b);
	if (!first)
		return;
	addr_print(&b->address, text);
	check_complain(c->r, &b->origin, path,
		       "address: found %s, which backend \"%s\" of this VIP has already (%s), "
		       "allowed: each address once; to send it more, raise its weight",
		       text, first->name, check_place(&first->origin, path, place, sizeof(place)));
}

static void check_backends(struct checker *c, const struct model_tenant *t,
			   const struct model_vip *v)
{
	struct check_set addresses = {0}, names = {0};
	char path[CHECK_PATH];

	for (size_t i = 0; i < v->n_backends; i++) {
		const struct model_backend *b = &v->backends[i];

		check_path(path, t, v, b);
		check_twice(c->r, &names, "backend", b->name, &b->origin, path);
		check_backend(c, t, v, b, &addresses);
	}
	check_forget(&names);
	check_forget(&addresses);
}

static void check_vip_address(struct checker *c, const struct model_tenant *t,
			      const struct model_vip *v, const char *path)
{
	char text[ADDR_TEXT], allowed[512] = "", prefix[ADDR_TEXT];
	size_t n = 0;

	if (!is_usable(&v->address, true)) {
		if (!c->partial)
			check_complain(c->r, &v->origin, path,
				       "address: found %s, allowed: an "
				       "address that is neither unspecified nor multicast",
				       addr_print(&v->address, text));
		return;
	}
	for (size_t i = 0; i < t->n_prefixes; i++) {
		if (prefix_contains(&t->prefixes[i], &v->address))
			return;
		if (n < sizeof(allowed))
			n += snprintf(allowed + n, sizeof(allowed) - n, "%s%s", n ? ", " : "",
				      prefix_print(&t->prefixes[i], prefix));
	}
	if (t->n_prefixes)
		check_complain(c->r, &v->origin, path,
			       "address: found %s, allowed: the prefixes of tenant \"%s\": %s",
			       addr_print(&v->address, text), t->name, allowed);
}

static void check_source_prefix(const struct model_vip *v, const char *path, struct report *r)
{
	if (addr_is_ipv4(&v->address) && v->source_prefix > 32)
		check_complain(
			r, &v->origin, path,
			"source_prefix: found %u for an IPv4 address, allowed: a number from "
			"1 to 32, or 0: the whole address",
			v->source_prefix);
}

static void check_ring_size(struct checker *c, const struct model_vip *v, const char *path)
{
	if (v->ring_size && v->n_backends > v->ring_size)
		check_complain(c->r, &v->origin, path,
			       "ring_size: found %u for %zu backends, allowed: at least a slot a "
			       "backend, better 100 (%u)",
			       v->ring_size, v->n_backends, 1u << ring_log2(v->n_backends));
	if (!c->partial && v->ring_size && (v->ring_size & (v->ring_size - 1)))
		check_complain(c->r, &v->origin, path,
			       "ring_size: found %u, allowed: a power of two", v->ring_size);
}

/* Where several tenants share a segment, an address tells whose packet it is. */
static void check_shared_address(struct checker *c, const struct model_tenant *t,
				 const struct model_vip *v, const char *path, struct use *use)
{
	const struct use *first;
	char text[ADDR_TEXT], place[512];

	*use = (struct use){t, v};
	if (addr_is_zero(&v->address))
		return;
	first = check_seen(&c->shared, &v->address, sizeof(v->address), use);
	if (!first || first->tenant == t)
		return;
	check_complain(
		c->r, &v->origin, path,
		"address: found %s, which tenant \"%s\" has already (%s), allowed: on shared "
		"segments an address is one tenant's; give one of them a segment of its own",
		addr_print(&v->address, text), first->tenant->name,
		check_place(&first->vip->origin, path, place, sizeof(place)));
}

static void check_tenant(struct checker *c, const struct model_tenant *t, struct use *uses)
{
	struct check_set names = {0};
	bool shared = tenant_is_shared(c->m, t);
	char path[CHECK_PATH];

	check_path(path, t, NULL, NULL);
	check_name(c, t->name, &t->origin, path);
	for (size_t i = 0; i < t->n_vips; i++) {
		const struct model_vip *v = &t->vips[i];

		check_path(path, t, v, NULL);
		check_name(c, v->name, &v->origin, path);
		check_twice(c->r, &names, "VIP", v->name, &v->origin, path);
		check_vip_address(c, t, v, path);
		check_source_prefix(v, path, c->r);
		check_ring_size(c, v, path);
		check_quic(t, v, c->partial, c->r);
		if (shared)
			check_shared_address(c, t, v, path, &uses[i]);
		check_backends(c, t, v);
	}
	check_ports(t, c->r);
	check_forget(&names);
}

static void check_tenants(struct checker *c)
{
	struct check_set names = {0};
	size_t n = 0, at = 0;
	struct use *uses;
	char path[CHECK_PATH];

	for (size_t i = 0; i < c->m->n_tenants; i++)
		n += c->m->tenants[i].n_vips;
	uses = calloc(n + 1, sizeof(*uses));
	if (!uses)
		abort();
	for (size_t i = 0; i < c->m->n_tenants; i++) {
		const struct model_tenant *t = &c->m->tenants[i];

		check_path(path, t, NULL, NULL);
		check_twice(c->r, &names, "tenant", t->name, &t->origin, path);
		check_tenant(c, t, uses + at);
		at += t->n_vips;
	}
	check_forget(&c->shared);
	check_forget(&names);
	free(uses);
}

void check_objects(const struct model *m, bool partial, struct report *r)
{
	struct checker c = {.m = m, .r = r, .partial = partial};

	check_segments(m, partial, r);
	check_tenants(&c);
	check_limits(m, r);
}

int model_check(const struct model *m, struct report *r)
{
	size_t first = r->n;

	check_objects(m, false, r);
	position_sort(m, r, first);
	return r->n > first ? -EINVAL : 0;
}
