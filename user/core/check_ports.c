// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What tells the VIPs of a tenant apart: address, protocol, and port or range of ports. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/ports.h"

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

static bool is_range(const struct model_vip *v)
{
	return v->last_port > v->port;
}

/* A partly read VIP was told of already. */
static bool is_known(const struct model_vip *v)
{
	return (v->port || v->last_port) && !addr_is_zero(&v->address);
}

static void check_port(const struct model_tenant *t, const struct model_vip *v,
		       struct check_set *keys, struct report *r)
{
	struct {
		struct addr address;
		uint16_t port;
		uint16_t protocol;
	} key = {v->address, v->port, v->protocol};
	const struct model_vip *first = check_seen(keys, &key, sizeof(key), v);
	char path[CHECK_PATH], text[ADDR_TEXT], place[512];

	if (!first)
		return;
	check_path(path, t, v, NULL);
	check_complain(r, &v->origin, path,
		       "found %s port %u/%s, which VIP \"%s\" has already (%s), "
		       "allowed: each address, port and protocol once in a tenant",
		       addr_print(&v->address, text), v->port, protocol_name(v->protocol),
		       first->name, check_place(&first->origin, path, place, sizeof(place)));
}

/* By address and protocol, then by ports; equal ones in the order of the configuration. */
static int compare_ranges(const void *a, const void *b)
{
	const struct model_vip *v = *(const struct model_vip *const *)a;
	const struct model_vip *w = *(const struct model_vip *const *)b;
	int order = memcmp(&v->address, &w->address, sizeof(v->address));

	if (order)
		return order;
	if (v->protocol != w->protocol)
		return v->protocol < w->protocol ? -1 : 1;
	if (v->port != w->port)
		return v->port < w->port ? -1 : 1;
	return v < w ? -1 : v > w;
}

static bool have_one_key(const struct model_vip *v, const struct model_vip *w)
{
	return v->protocol == w->protocol && !memcmp(&v->address, &w->address, sizeof(v->address));
}

/* It stands at the one that comes later in the configuration. */
static void complain_overlap(const struct model_tenant *t, const struct model_vip *v,
			     const struct model_vip *w, struct report *r)
{
	const struct model_vip *first = v < w ? v : w, *second = v < w ? w : v;
	char path[CHECK_PATH], place[512], text[ADDR_TEXT], mine[PORTS_TEXT], theirs[PORTS_TEXT];

	check_path(path, t, second, NULL);
	check_complain(r, &second->origin, path,
		       "port: found %s of %s/%s, which overlaps %s of VIP \"%s\" (%s), allowed: "
		       "ranges apart from each other, and single ports within one",
		       ports_print(second->port, second->last_port, mine),
		       addr_print(&second->address, text), protocol_name(second->protocol),
		       ports_print(first->port, first->last_port, theirs), first->name,
		       check_place(&first->origin, path, place, sizeof(place)));
}

/* n ranges of one address and protocol, by their first ports. */
static void check_ranges(const struct model_tenant *t, const struct model_vip **ranges, size_t n,
			 struct report *r)
{
	const struct model_vip *furthest = ranges[0], *last = ranges[0];
	char path[CHECK_PATH], text[ADDR_TEXT];

	for (size_t i = 1; i < n; i++) {
		if (ranges[i]->port <= furthest->last_port)
			complain_overlap(t, furthest, ranges[i], r);
		furthest = ranges[i]->last_port > furthest->last_port ? ranges[i] : furthest;
		last = ranges[i] > last ? ranges[i] : last;
	}
	if (n <= MTLB_RANGES_MAX)
		return;
	check_path(path, t, last, NULL);
	check_complain(r, &last->origin, path,
		       "port: found %zu ranges of %s/%s, allowed: at most %d of an address and "
		       "protocol",
		       n, addr_print(&last->address, text), protocol_name(last->protocol),
		       MTLB_RANGES_MAX);
}

static void check_all_ranges(const struct model_tenant *t, const struct model_vip **ranges,
			     size_t n, struct report *r)
{
	size_t same;

	if (n)
		qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < n; i += same) {
		for (same = 1; i + same < n && have_one_key(ranges[i], ranges[i + same]);)
			same++;
		check_ranges(t, ranges + i, same, r);
	}
}

void check_ports(const struct model_tenant *t, struct report *r)
{
	const struct model_vip **ranges = calloc(t->n_vips + 1, sizeof(*ranges));
	struct check_set keys = {0};
	size_t n = 0;

	if (!ranges)
		abort();
	for (size_t i = 0; i < t->n_vips; i++) {
		const struct model_vip *v = &t->vips[i];

		if (!is_known(v))
			continue;
		if (is_range(v))
			ranges[n++] = v;
		else
			check_port(t, v, &keys, r);
	}
	check_all_ranges(t, ranges, n, r);
	check_forget(&keys);
	free(ranges);
}
