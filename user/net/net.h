/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Links, routes and neighbours through netlink: where a backend is reached, kept up to date. */
#pragma once

#include "core/image.h"
#include "core/interface.h"

struct net;

/* Dumps links, routes, neighbours and subscribes to their changes. source: outer addresses set by the operator, or NULL by family. */
int net_open(struct net **out, struct report *r);
void net_close(struct net *n);
/* To poll for reading; net_process() then reads what came. 1: something relevant changed, 0: nothing did, or -errno. */
int net_fd(const struct net *n);
int net_process(struct net *n);
/* Addresses used as outer source instead of the route's; NULL: the route's. */
void net_set_sources(struct net *n, const struct addr *ipv4, const struct addr *ipv6);

/* The shapes of image_inputs.next_hop and .interface, with their results; ctx is a struct net. */
int net_next_hop(void *ctx, const struct addr *to, struct next_hop *out);
int net_interface(void *ctx, const char *name, size_t at, struct image_interface *out);

/* What the interface is, for interface_explain(). 0, or -ENODEV or another -errno. */
int net_facts(struct net *n, const char *name, struct interface_facts *out);
/* As the kernel calls it: "bond", "bridge", ...; "": hardware, or there is none. */
const char *net_kind(const struct net *n, uint32_t ifindex);

/*
 * Asks the kernel to resolve, and keep fresh, what was asked for; and for all that it could not tell before. Call every second
 * or so. true: something relevant changed.
 */
bool net_probe(struct net *n);
/* Which addresses are in use: net_use() each, then net_sweep() forgets the others, which nobody asks the kernel about any more. */
void net_use(struct net *n, const struct addr *to);
void net_sweep(struct net *n);
/* A sentence that says why an address has no next hop: "no route", "10.0.0.11 does not answer on eth0". */
const char *net_explain(struct net *n, const struct addr *to, char *text, size_t size);
