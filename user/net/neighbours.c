// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's neighbour table: which MAC answers for an address on an interface. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <linux/neighbour.h>

#include "internal.h"

static int compare(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

struct neighbour *neighbours_find(const struct net *n, uint32_t ifindex, const struct addr *addr)
{
	struct neighbour key = {.ifindex = ifindex, .addr = *addr};
	struct neighbour **found = tfind(&key, (void *const *)&n->neighbours, compare);

	return found ? *found : NULL;
}

struct neighbour *neighbours_add(struct net *n, uint32_t ifindex, const struct addr *addr)
{
	struct neighbour *nb = neighbours_find(n, ifindex, addr);

	if (nb)
		return nb;
	nb = calloc(1, sizeof(*nb));
	if (!nb)
		return NULL;
	nb->ifindex = ifindex;
	nb->addr = *addr;
	if (!tsearch(nb, &n->neighbours, compare)) {
		free(nb);
		return NULL;
	}
	return nb;
}

void neighbours_clear(struct net *n)
{
	tdestroy(n->neighbours, free);
	n->neighbours = NULL;
}

bool neighbour_is_valid(const struct neighbour *nb)
{
	const uint16_t valid =
		NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;

	return nb && nb->has_mac && (nb->state & valid);
}

static void store(struct net *n, const struct ndmsg *m, const struct addr *addr,
		  const struct nlattr *lladdr)
{
	struct neighbour *nb = neighbours_add(n, m->ndm_ifindex, addr);

	if (!nb)
		return;
	bool was_valid = neighbour_is_valid(nb), had_failed = nb->has_failed;
	struct mac mac = nb->mac;

	nb->state = m->ndm_state;
	nb->has_mac = lladdr && mnl_attr_get_payload_len(lladdr) == 6;
	if (nb->has_mac)
		memcpy(nb->mac.bytes, mnl_attr_get_payload(lladdr), 6);
	/* what failed before anybody asked here may be long ago */
	nb->has_failed =
		!neighbour_is_valid(nb) && (had_failed || (nb->probed && nb->state & NUD_FAILED));
	/* STALE to REACHABLE and back is what entries do all day */
	if (was_valid != neighbour_is_valid(nb) || had_failed != nb->has_failed ||
	    memcmp(&mac, &nb->mac, sizeof(mac)))
		n->neighbours_changed = true;
}

static void forget(struct net *n, uint32_t ifindex, const struct addr *addr)
{
	struct neighbour *nb = neighbours_find(n, ifindex, addr);

	if (!nb)
		return;
	tdelete(nb, &n->neighbours, compare);
	free(nb);
	n->neighbours_changed = true;
}

int neighbours_read(const struct nlmsghdr *h, void *data)
{
	const struct ndmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a, *lladdr = NULL;
	struct addr addr;
	bool found = false;

	if (m->ndm_family != AF_INET && m->ndm_family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == NDA_DST)
			found = attr_addr(a, &addr);
		else if (mnl_attr_get_type(a) == NDA_LLADDR)
			lladdr = a;
	}
	if (found && h->nlmsg_type == RTM_DELNEIGH)
		forget(data, m->ndm_ifindex, &addr);
	else if (found)
		store(data, m, &addr, lladdr);
	return MNL_CB_OK;
}

/*
 * NTF_USE, each second, is what a packet would do: it makes a missing entry, asks for an unresolved one, and has a stale one
 * confirmed; a reachable one is left alone. NTF_EXT_MANAGED (5.16) would spare the calls, but such entries stay in the kernel
 * when the backend, or mtlbd, is long gone.
 */
void neighbours_use(struct net *n, uint32_t ifindex, const struct addr *addr)
{
	bool ipv4 = addr_is_ipv4(addr);
	char buffer[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = RTM_NEWNEIGH;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ndm_family = ipv4 ? AF_INET : AF_INET6;
	m->ndm_ifindex = ifindex;
	m->ndm_state = NUD_NONE;
	m->ndm_flags = NTF_USE;
	mnl_attr_put(h, NDA_DST, ipv4 ? 4 : 16, addr->bytes + (ipv4 ? 12 : 0));
	query(n, h, NULL, NULL); /* what comes of it is told by events */
}
