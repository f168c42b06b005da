/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of net/ share: links and neighbours as the kernel told them, and the answers given so far. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "link.h"
#include "net.h"

enum {
	NET_BUFFER = 32768,
	NET_CHANGED_ROUTES = 64,
	NET_DUMPS = 10, /* attempts, where changes interrupt them */
	NET_TAGS_MAX = 2
};

struct neighbour {
	uint32_t ifindex;
	struct addr addr;
	uint16_t state; /* NUD_* */
	bool has_mac;
	struct mac mac;
	uint32_t probed; /* round of net_probe() in which the kernel was asked; 0: not yet */
	bool has_failed; /* the kernel was asked, and got no answer */
};

/* What the kernel answers for a destination. */
struct route {
	int err;      /* 0, or why there is none: -ENETUNREACH, -EINVAL (blackhole), ... */
	uint8_t type; /* RTN_* */
	uint32_t oif;
	struct addr via; /* the gateway (of either family), or the destination itself */
	bool has_source;
	struct addr source;
};

enum unresolved {
	RESOLVED,
	NOT_KNOWN_YET, /* the kernel could not be asked, or told of the links with gaps */
	NO_ROUTE,
	NO_LINK,
	NO_MAC, /* the device has none */
	TOO_MANY_TAGS,
	NO_SOURCE,
	NOT_ANSWERED_YET,
	NO_ANSWER, /* the kernel asked the neighbour, and gave up */
};

/* One destination that was asked for. */
struct answer {
	struct addr to;
	bool is_used;      /* since the last net_sweep() */
	struct answer *next_unused; /* while it is swept */
	bool is_route_old; /* to be looked up again */
	bool has_route;    /* the kernel has said what it is, or that there is none */
	struct route route;
	bool has_mac; /* the last known one of route.via on route.oif */
	struct mac mac;
	bool has_failed; /* its neighbour, since the route is this one */
	enum unresolved why;
	struct next_hop hop; /* where why is RESOLVED; without a MAC where nobody answers (yet) */
};

struct changed_route {
	struct addr addr;
	uint8_t len; /* of 128 */
};

struct net {
	struct mnl_socket *events, *queries;
	uint32_t sequence, round;
	bool is_dump_due;    /* the last one failed, or has gaps */
	bool are_routes_due; /* some could not be looked up */
	struct link *links;
	size_t n_links;
	void *neighbours;   /* tsearch: struct neighbour by (ifindex, addr) */
	void *answers;      /* tsearch: struct answer by destination */
	bool source_set[2]; /* IPv4, IPv6 */
	struct addr source[2];
	/* collected while events are read */
	bool all_routes_old, is_changed;
	struct changed_route changed[NET_CHANGED_ROUTES];
	size_t n_changed;
	bool neighbours_changed;
};

/* ---- net.c ---- */
/* Sends a request and hands its replies to cb; 0 or -errno as the kernel answers. */
int query(struct net *n, struct nlmsghdr *request, mnl_cb_t cb, void *data);
bool attr_addr(const struct nlattr *a, struct addr *out);

/* ---- links.c ---- */
uint16_t link_mtu(const struct link *l); /* as the data plane counts: at most 65535 */
int links_read(const struct nlmsghdr *h, void *data);
const struct link *links_find(const struct net *n, uint32_t ifindex);
/* What it stands on; NULL: nothing, or something in another namespace. */
const struct link *links_parent(const struct net *n, const struct link *of);
/* Ports of a bond or bridge, from 0 on; NULL: no more. */
const struct link *links_port(const struct net *n, const struct link *of, size_t at);

/* ---- neighbours.c ---- */
int neighbours_read(const struct nlmsghdr *h, void *data);
struct neighbour *neighbours_find(const struct net *n, uint32_t ifindex, const struct addr *addr);
struct neighbour *neighbours_add(struct net *n, uint32_t ifindex, const struct addr *addr);
void neighbours_clear(struct net *n);
bool neighbour_is_valid(const struct neighbour *nb);
/* Tells the kernel that the entry is used: it makes it, and resolves or confirms it as its state demands. */
void neighbours_use(struct net *n, uint32_t ifindex, const struct addr *addr);

/* ---- routes.c ---- */
int routes_read(const struct nlmsghdr *h, void *data);
/* -errno where the kernel could not be asked: *out is not written then. */
int routes_lookup(struct net *n, const struct addr *to, struct route *out);

/* ---- answers.c ---- */
/* Brings all answers up to date with what was collected. True: one of them differs. */
bool answers_update(struct net *n);
/* A new round: asks the kernel to resolve, or confirm, each neighbour that an answer needs. */
void answers_probe(struct net *n);
void answers_clear(struct net *n);
