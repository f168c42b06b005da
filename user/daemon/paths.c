// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Interfaces by which packets leave though mtlb is not there: a driver that has no program of its own often drops what XDP
 * redirects into it, and counts nothing of it as mtlb does.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "util/log.h"

struct path {
	uint32_t ifindex;
	size_t n; /* backends */
	char first[3 * MTLB_NAME_LEN];
};

/* Redirects of generic mode need no driver, and a segment with a next hop uses none. */
static bool are_redirects_native(const struct model *m)
{
	bool native = false, routed = false;

	for (size_t i = 0; i < m->n_interfaces; i++)
		native |= m->interfaces[i].mode == ATTACH_NATIVE;
	for (size_t i = 0; i < m->n_segments; i++)
		routed |= !m->segments[i].next_hop_set;
	return native && routed;
}

/* Or on the ports of a bond, into one of which the bond passes the packet. */
static bool is_on(struct control *c, const char *name)
{
	struct image_interface port;
	char port_name[IF_NAMESIZE];

	if (model_find_interface(c->model, name))
		return true;
	for (size_t at = 1; !net_interface(c->net, name, at, &port); at++)
		if (if_indextoname(port.ifindex, port_name) &&
		    model_find_interface(c->model, port_name))
			return true;
	return false;
}

static const char *advise(struct control *c, uint32_t ifindex, const char *name, char *text,
			  size_t size)
{
	const char *kind = net_kind(c->net, ifindex);

	if (!strcmp(kind, "bridge") || !strcmp(kind, "team"))
		snprintf(text, size,
			 "%s is a %s, into which native XDP cannot send: route over its port", name,
			 kind);
	else
		snprintf(
			text, size,
			"%s is not in node.interfaces, and many drivers drop what is redirected into them "
			"where mtlb is not attached: add it, or mtlbctl attach %s",
			name, name);
	return text;
}

const char *control_explain_path(struct control *c, const struct next_hop *hop, char *text,
				 size_t size)
{
	char name[IF_NAMESIZE];

	if (!are_redirects_native(c->model) || !if_indextoname(hop->ifindex, name) ||
	    is_on(c, name))
		return NULL;
	return advise(c, hop->ifindex, name, text, size);
}

static struct path *find_path(struct path **paths, size_t *n, uint32_t ifindex)
{
	for (size_t i = 0; i < *n; i++)
		if ((*paths)[i].ifindex == ifindex)
			return &(*paths)[i];
	struct path *more = realloc(*paths, (*n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	*paths = more;
	memset(&more[*n], 0, sizeof(*more));
	more[*n].ifindex = ifindex;
	return &more[(*n)++];
}

static void count_backends(struct control *c, const struct model_tenant *t,
			   const struct model_vip *v, struct path **paths, size_t *n)
{
	struct next_hop hop;

	for (size_t b = 0; b < v->n_backends; b++) {
		struct path *p = net_next_hop(c->net, &v->backends[b].address, &hop)
					 ? NULL
					 : find_path(paths, n, hop.ifindex);

		if (p && !p->n++)
			snprintf(p->first, sizeof(p->first), "%s/%s/%s", t->name, v->name,
				 v->backends[b].name);
	}
}

static bool is_known(const struct report *r, const char *where)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->lines[i].where, where))
			return true;
	return false;
}

static void complain(struct control *c, const struct path *p, struct report *r)
{
	struct next_hop hop = {.ifindex = p->ifindex};
	char text[256], name[IF_NAMESIZE];

	if (!control_explain_path(c, &hop, text, sizeof(text)) || !if_indextoname(p->ifindex, name))
		return;
	report_add(r, name, "backends are reached by it (%zu, the first: %s), but %s", p->n,
		   p->first, text);
	if (!is_known(&c->paths, name))
		log_warning("%s: %s", name, r->lines[r->n - 1].text);
}

void paths_check(struct control *c)
{
	struct report fresh = {0};
	struct path *paths = NULL;
	size_t n = 0;

	for (size_t t = 0; are_redirects_native(c->model) && t < c->model->n_tenants; t++)
		for (size_t v = 0; v < c->model->tenants[t].n_vips; v++)
			count_backends(c, &c->model->tenants[t], &c->model->tenants[t].vips[v],
				       &paths, &n);
	for (size_t i = 0; i < n; i++)
		complain(c, &paths[i], &fresh);
	free(paths);
	report_clear(&c->paths);
	c->paths = fresh;
}
