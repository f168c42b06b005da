// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The two netlink sockets: one for events, one for questions, so that neither disturbs the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "internal.h"
#include "util/log.h"

bool attr_addr(const struct nlattr *a, struct addr *out)
{
	const void *data = mnl_attr_get_payload(a);

	*out = (struct addr){};
	if (mnl_attr_get_payload_len(a) == 16) {
		memcpy(out->bytes, data, 16);
		return true;
	}
	if (mnl_attr_get_payload_len(a) != 4)
		return false;
	out->bytes[10] = out->bytes[11] = 0xff;
	memcpy(out->bytes + 12, data, 4);
	return true;
}

/* libmnl would leave the rest of an interrupted dump unread, and the kernel then refuses the next one (EBUSY). */
static bool clear_interrupted(char *buffer, ssize_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)buffer;
	int left = len;
	bool found = false;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		found |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		h->nlmsg_flags &= ~NLM_F_DUMP_INTR;
	}
	return found;
}

int query(struct net *n, struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	uint32_t port = mnl_socket_get_portid(n->queries);
	char buffer[NET_BUFFER];
	int state = MNL_CB_OK;
	bool interrupted = false;

	request->nlmsg_seq = ++n->sequence;
	if (mnl_socket_sendto(n->queries, request, request->nlmsg_len) < 0)
		return -errno;
	while (state > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(n->queries, buffer, sizeof(buffer));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		/* left over from a question that failed half-way */
		if (((struct nlmsghdr *)buffer)->nlmsg_seq != n->sequence)
			continue;
		interrupted |= clear_interrupted(buffer, len);
		state = mnl_cb_run(buffer, len, n->sequence, port, cb, data);
	}
	if (state < 0)
		return -errno;
	return interrupted ? -EINTR : 0;
}

static int dump(struct net *n, uint16_t type, mnl_cb_t cb)
{
	char buffer[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (type == RTM_GETLINK)
		((struct ifinfomsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg)))
			->ifi_family = AF_UNSPEC;
	else
		((struct ndmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ndmsg)))->ndm_family =
			AF_UNSPEC;
	return query(n, h, cb, n);
}

static void clear_tables(struct net *n)
{
	neighbours_clear(n);
	free(n->links);
	n->links = NULL;
	n->n_links = 0;
}

static int dump_once(struct net *n)
{
	clear_tables(n);
	int err = dump(n, RTM_GETLINK, links_read);

	return err ? err : dump(n, RTM_GETNEIGH, neighbours_read);
}

/*
 * Everything anew: at the start, and after events were lost. A dump that a change interrupted may have gaps: it is asked for
 * again. What is known stays where the kernel gives no better, and net_probe() tries again.
 */
static int dump_all(struct net *n, bool gaps_are_better_than_nothing)
{
	struct net fresh = {.queries = n->queries, .sequence = n->sequence};
	int err = -EINTR;

	for (int attempt = 0; err == -EINTR && attempt < NET_DUMPS; attempt++)
		err = dump_once(&fresh);
	n->sequence = fresh.sequence;
	n->is_dump_due = err;
	if (err == -EINTR && gaps_are_better_than_nothing)
		err = 0;
	if (err) {
		clear_tables(&fresh);
		return err;
	}
	clear_tables(n);
	n->links = fresh.links;
	n->n_links = fresh.n_links;
	n->neighbours = fresh.neighbours;
	n->all_routes_old = n->neighbours_changed = n->is_changed = true;
	return 0;
}

static int open_sockets(struct net *n)
{
	static const int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_NEIGH,       RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_RULE,  RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP,
	};
	int room = 4 << 20;

	n->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	n->queries = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->events || !n->queries || mnl_socket_bind(n->events, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_bind(n->queries, 0, MNL_SOCKET_AUTOPID))
		return -errno;
	/* a full table of routes in one burst; more is lost and read anew */
	if (setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (mnl_socket_setsockopt(n->events, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(int)) &&
		    groups[i] != RTNLGRP_NEXTHOP)
			return -errno;
	return 0;
}

int net_open(struct net **out, struct report *r)
{
	struct net *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->sequence = (uint32_t)time(NULL);
	n->round = 1;
	int err = open_sockets(n);

	/* subscribed first: no change falls between the dump and the events */
	if (!err)
		err = dump_all(n, true);
	if (err) {
		report_add(r, NULL,
			   "links and neighbours cannot be read through netlink: %s; mtlbd needs "
			   "AF_NETLINK sockets",
			   strerror(-err));
		net_close(n);
		return err;
	}
	n->is_changed = false;
	*out = n;
	return 0;
}

void net_close(struct net *n)
{
	if (!n)
		return;
	answers_clear(n);
	clear_tables(n);
	if (n->events)
		mnl_socket_close(n->events);
	if (n->queries)
		mnl_socket_close(n->queries);
	free(n);
}

int net_fd(const struct net *n)
{
	return mnl_socket_get_fd(n->events);
}

static int read_event(const struct nlmsghdr *h, void *data)
{
	struct net *n = data;

	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return links_read(h, n);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neighbours_read(h, n);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return routes_read(h, n);
	default: /* addresses, rules, next hop objects: rare, and any route may depend on them */
		n->all_routes_old = true;
		return MNL_CB_OK;
	}
}

/* Reads what came; false: some of it was lost. */
static bool read_events(struct net *n, int *err)
{
	char buffer[NET_BUFFER];
	bool complete = true;

	*err = 0;
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(n->events, buffer, sizeof(buffer));

		if (len >= 0) {
			complete &= mnl_cb_run(buffer, len, 0, 0, read_event, n) >= 0;
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return complete;
		if (errno != ENOBUFS && errno != ENOSPC && errno != EINTR) {
			*err = -errno;
			return complete;
		}
		complete &= errno == EINTR;
	}
}

static bool update(struct net *n)
{
	bool changed = answers_update(n);

	changed |= n->is_changed;
	n->is_changed = false;
	return changed;
}

static void dump_again(struct net *n)
{
	bool is_retry = n->is_dump_due;
	int err = dump_all(n, false);

	if (err && !is_retry)
		log_warning(
			"links and neighbours cannot be read again: %s; what is known stays in use, and "
			"the next try follows",
			strerror(-err));
}

/* Events that wait are older than a dump: they are read first, also where some were lost. */
int net_process(struct net *n)
{
	int err;

	if (!read_events(n, &err)) {
		log_debug("netlink events were lost: reading everything again");
		dump_again(n);
	}
	return err ? err : update(n);
}

bool net_probe(struct net *n)
{
	if (n->is_dump_due)
		dump_again(n);
	answers_probe(n);
	return update(n);
}
