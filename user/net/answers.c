// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Destinations asked for, and how each is reached: route, device under its VLAN tags, neighbour. */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct answer *)a)->to, &((const struct answer *)b)->to,
		      sizeof(struct addr));
}

/* A VLAN device is left by the device under it, with its tag; the MAC is the VLAN device's own. */
struct way {
	const struct link *first, *last;       /* the route's device; the one that sends */
	const struct link *tags[NET_TAGS_MAX]; /* the innermost first */
	size_t n_tags;
};

static enum unresolved find_way(const struct net *n, uint32_t oif, struct way *w)
{
	const struct link *l = links_find(n, oif);

	*w = (struct way){.first = l};
	while (l && l->is_vlan) {
		if (w->n_tags == NET_TAGS_MAX)
			return TOO_MANY_TAGS;
		w->tags[w->n_tags++] = l;
		l = links_parent(n, l);
	}
	if (!l && n->is_dump_due)
		return NOT_KNOWN_YET;
	if (!l || !l->is_up || !w->first->is_up)
		return NO_LINK;
	w->last = l;
	return w->first->has_mac ? RESOLVED : NO_MAC;
}

/* A VLAN device may have a smaller one than what it stands on, and the reverse. */
static uint16_t find_mtu(const struct way *w)
{
	uint16_t mtu = link_mtu(w->last);

	for (size_t i = 0; i < w->n_tags; i++)
		if (link_mtu(w->tags[i]) < mtu)
			mtu = link_mtu(w->tags[i]);
	return mtu;
}

static void compose_l2(struct next_hop *hop, const struct way *w, const struct mac *mac)
{
	memcpy(hop->l2, mac->bytes, 6);
	memcpy(hop->l2 + 6, w->first->mac.bytes, 6);
	hop->l2_len = 12;
	for (size_t i = w->n_tags; i-- > 0; hop->l2_len += 4) {
		uint8_t *tag = hop->l2 + hop->l2_len;

		tag[0] = w->tags[i]->vlan_protocol >> 8;
		tag[1] = w->tags[i]->vlan_protocol;
		tag[2] = w->tags[i]->vlan >> 8;
		tag[3] = w->tags[i]->vlan;
	}
	hop->l2_len += 2;
	hop->ifindex = w->last->ifindex;
}

static bool choose_source(const struct net *n, const struct answer *a, struct addr *out)
{
	int family = !addr_is_ipv4(&a->to);

	*out = n->source_set[family] ? n->source[family] : a->route.source;
	return n->source_set[family] || a->route.has_source;
}

static void take_neighbour(struct answer *a, const struct neighbour *nb)
{
	if (neighbour_is_valid(nb)) {
		a->mac = nb->mac;
		a->has_mac = true;
	}
	a->has_failed = !a->has_mac && (a->has_failed || (nb && nb->has_failed));
}

/*
 * A neighbour that stops answering, or whose entry the kernel dropped, keeps its last known MAC until another one answers or the
 * route changes: a lost ARP reply must not cut a backend off. Whether the backend lives is for health checks to find out.
 */
static enum unresolved derive(const struct net *n, struct answer *a, struct next_hop *hop)
{
	struct way w;

	if (!a->has_route)
		return NOT_KNOWN_YET;
	if (a->route.err || a->route.type != RTN_UNICAST)
		return NO_ROUTE;
	enum unresolved why = find_way(n, a->route.oif, &w);

	if (why)
		return why;
	if (!choose_source(n, a, &hop->source))
		return NO_SOURCE;
	take_neighbour(a, neighbours_find(n, a->route.oif, &a->route.via));
	hop->is_on_link = !memcmp(&a->route.via, &a->to, sizeof(a->to));
	hop->mtu = find_mtu(&w);
	compose_l2(hop, &w, &a->mac);
	if (a->has_mac)
		return RESOLVED;
	return a->has_failed ? NO_ANSWER : NOT_ANSWERED_YET;
}

static bool is_same_route(const struct route *a, const struct route *b)
{
	return !a->err && !b->err && a->type == b->type && a->oif == b->oif &&
	       !memcmp(&a->via, &b->via, sizeof(a->via));
}

static void look_up(struct net *n, struct answer *a)
{
	struct route before = a->route;

	if (routes_lookup(n, &a->to, &a->route)) {
		n->are_routes_due = true;
		return;
	}
	if (!is_same_route(&before, &a->route)) {
		memset(&a->mac, 0, sizeof(a->mac));
		a->has_mac = a->has_failed = false;
	}
	a->has_route = true;
	a->is_route_old = false;
}

static bool has_way(enum unresolved why)
{
	return why == RESOLVED || why == NOT_ANSWERED_YET || why == NO_ANSWER;
}

static void probe(struct net *n, const struct answer *a)
{
	if (!has_way(a->why))
		return;
	/* made here where the kernel has none, so that a gateway of many is asked for once a round */
	struct neighbour *nb = neighbours_add(n, a->route.oif, &a->route.via);

	if (!nb || nb->probed == n->round)
		return;
	nb->probed = n->round;
	if (!(nb->state & (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_DELAY | NUD_PROBE)))
		neighbours_use(n, nb->ifindex, &nb->addr);
}

/* As image_inputs.next_hop has it. */
static int result_of(enum unresolved why)
{
	switch (why) {
	case RESOLVED:
		return 0;
	case NOT_KNOWN_YET:
		return -EBUSY;
	case NOT_ANSWERED_YET:
		return -EAGAIN;
	case NO_ANSWER:
		return -EHOSTUNREACH;
	default:
		return -ENOENT;
	}
}

/* True: the answer differs from before. Why there is no way does not matter to who asked. */
static bool refresh(struct net *n, struct answer *a)
{
	struct next_hop hop;
	enum unresolved before = a->why;

	memset(&hop, 0, sizeof(hop));
	if (a->is_route_old)
		look_up(n, a);
	a->why = derive(n, a, &hop);
	if (!has_way(a->why))
		memset(&hop, 0, sizeof(hop));
	/* a new one is asked for at once: until it answers, traffic takes the way of before, or none */
	if (a->why == NOT_ANSWERED_YET)
		probe(n, a);
	bool changed = result_of(before) != result_of(a->why) || memcmp(&hop, &a->hop, sizeof(hop));

	a->hop = hop;
	return changed;
}

static struct answer *find_answer(struct net *n, const struct addr *to)
{
	struct answer key = {.to = *to};
	struct answer **found = tfind(&key, &n->answers, compare);

	if (found)
		return *found;
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->to = *to;
	a->is_route_old = true;
	a->why = NOT_KNOWN_YET;
	if (!tsearch(a, &n->answers, compare)) {
		free(a);
		return NULL;
	}
	refresh(n, a);
	return a;
}

static bool is_touched(const struct net *n, const struct addr *to)
{
	for (size_t i = 0; i < n->n_changed; i++) {
		struct prefix p = {.addr = n->changed[i].addr, .len = n->changed[i].len};

		if (prefix_contains(&p, to))
			return true;
	}
	return n->all_routes_old;
}

struct update {
	struct net *net;
	bool changed;
};

static void update_one(const void *node, VISIT which, void *closure)
{
	struct answer *a = *(struct answer *const *)node;
	struct update *u = closure;

	if (which != postorder && which != leaf)
		return;
	if (is_touched(u->net, &a->to))
		a->is_route_old = true;
	if (a->is_route_old || u->net->neighbours_changed)
		u->changed |= refresh(u->net, a);
}

bool answers_update(struct net *n)
{
	struct update u = {.net = n};

	bool needed =
		n->all_routes_old || n->n_changed || n->neighbours_changed || n->are_routes_due;

	n->are_routes_due = false;
	if (needed)
		twalk_r(n->answers, update_one, &u);
	n->all_routes_old = n->neighbours_changed = false;
	n->n_changed = 0;
	return u.changed;
}

void answers_clear(struct net *n)
{
	tdestroy(n->answers, free);
	n->answers = NULL;
}

int net_next_hop(void *ctx, const struct addr *to, struct next_hop *out)
{
	struct answer *a = find_answer(ctx, to);

	if (!a)
		return -EBUSY;
	if (has_way(a->why))
		*out = a->hop;
	return result_of(a->why);
}

void net_set_sources(struct net *n, const struct addr *ipv4, const struct addr *ipv6)
{
	const struct addr *given[] = {ipv4, ipv6};

	for (int i = 0; i < 2; i++) {
		n->source_set[i] = given[i];
		n->source[i] = given[i] ? *given[i] : (struct addr){};
	}
	/* whoever sets them builds next: no event, but the answers must be right at once */
	n->neighbours_changed = true;
	n->is_changed |= answers_update(n);
}

static void probe_one(const void *node, VISIT which, void *closure)
{
	if (which == postorder || which == leaf)
		probe(closure, *(struct answer *const *)node);
}

void answers_probe(struct net *n)
{
	n->round++;
	twalk_r(n->answers, probe_one, n);
}

void net_use(struct net *n, const struct addr *to)
{
	struct answer *a = find_answer(n, to);

	if (a)
		a->is_used = true;
}

struct unused {
	struct answer *list; /* linked by next_unused */
};

static void collect_unused(const void *node, VISIT which, void *closure)
{
	struct answer *a = *(struct answer *const *)node;
	struct unused *u = closure;

	if (which != postorder && which != leaf)
		return;
	if (!a->is_used) {
		a->next_unused = u->list;
		u->list = a;
	}
	a->is_used = false;
}

void net_sweep(struct net *n)
{
	struct unused u = {};
	struct answer *next;

	twalk_r(n->answers, collect_unused, &u);
	for (struct answer *a = u.list; a; a = next) {
		next = a->next_unused;
		tdelete(a, &n->answers, compare);
		free(a);
	}
}

static const char *explain_route(const struct answer *a, const char *to, char *text, size_t size)
{
	if (!a->route.err && a->route.type == RTN_LOCAL)
		snprintf(text, size,
			 "%s is an address of this node itself, and a backend must be another host",
			 to);
	else if (!a->route.err && (a->route.type == RTN_BROADCAST ||
				   a->route.type == RTN_MULTICAST || a->route.type == RTN_ANYCAST))
		snprintf(text, size,
			 "%s is a broadcast, multicast or anycast address, not that of one host",
			 to);
	else if (a->route.err == -ENETUNREACH || a->route.err == -ENETDOWN)
		snprintf(text, size,
			 "no route to %s: add one (`ip route get %s` shows what the kernel does)",
			 to, to);
	else
		snprintf(text, size,
			 "the route to %s is a blackhole, unreachable or prohibit one: %s", to,
			 a->route.err ? strerror(-a->route.err) : "see `ip route`");
	return text;
}

static void explain_silence(const struct answer *a, const char *to, const char *device, char *text,
			    size_t size)
{
	bool is_early = a->why == NOT_ANSWERED_YET;
	char via[ADDR_TEXT];

	addr_print(&a->route.via, via);
	if (!memcmp(&a->route.via, &a->to, sizeof(a->to)))
		snprintf(text, size,
			 is_early ? "%s has not answered on %s yet" : "%s does not answer on %s",
			 to, device);
	else
		snprintf(text, size, "%s is routed through the gateway %s, which %s on %s%s", to,
			 via, is_early ? "has not answered" : "does not answer", device,
			 is_early ? " yet" : "");
}

const char *net_explain(struct net *n, const struct addr *to, char *text, size_t size)
{
	const struct answer *a = find_answer(n, to);
	const struct link *l = a ? links_find(n, a->route.oif) : NULL;
	const char *device = l ? l->name : "an interface that is gone";
	char name[ADDR_TEXT], via[ADDR_TEXT];

	addr_print(to, name);
	if (!a) {
		snprintf(text, size, "out of memory");
		return text;
	}
	addr_print(&a->route.via, via);
	switch (a->why) {
	case RESOLVED:
		snprintf(text, size, "%s is reached through %s on %s", name, via, device);
		break;
	case NOT_KNOWN_YET:
		snprintf(text, size,
			 "how %s is reached is not known yet: the kernel could not be asked", name);
		break;
	case NO_ROUTE:
		return explain_route(a, name, text, size);
	case NO_LINK:
		if (l && l->is_vlan && l->is_parent_elsewhere) {
			snprintf(
				text, size,
				"%s is routed through %s, a VLAN of an interface in another network "
				"namespace: mtlb can send through interfaces of its own only",
				name, device);
			break;
		}
		snprintf(text, size, "%s is routed through %s, which is down: ip link set %s up",
			 name, device, device);
		break;
	case NO_MAC:
		snprintf(text, size,
			 "%s is routed through %s, which has no MAC address (loopback, tunnel or "
			 "point-to-point): mtlb sends through Ethernet only",
			 name, device);
		break;
	case TOO_MANY_TAGS:
		snprintf(text, size, "%s is routed through %s, which has more than two VLAN tags",
			 name, device);
		break;
	case NO_SOURCE:
		snprintf(
			text, size,
			"the route to %s has no source address: give %s an address, or set node.source",
			name, device);
		break;
	case NOT_ANSWERED_YET:
	case NO_ANSWER:
		explain_silence(a, name, device, text, size);
		break;
	}
	return text;
}
