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

int query(struct net *n, struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	uint32_t port = mnl_socket_get_portid(n->queries);
	char buffer[NET_BUFFER];
	int state = MNL_CB_OK;

	request->nlmsg_seq = ++n->sequence;
	if (mnl_socket_sendto(n->queries, request, request->nlmsg_len) < 0)
		return -errno;
	while (state > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(n->queries, buffer, sizeof(buffer));

		if (len < 0)
			return -errno;
		/* left over from a question that failed half-way */
		if (((struct nlmsghdr *)buffer)->nlmsg_seq != n->sequence)
			continue;
		state = mnl_cb_run(buffer, len, n->sequence, port, cb, data);
	}
	return state < 0 ? -errno : 0;
}

static int dump(struct net *n, uint16_t type, mnl_cb_t cb)
{
	char buffer[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	int err;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (type == RTM_GETLINK)
		((struct ifinfomsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg)))
			->ifi_family = AF_UNSPEC;
	else
		((struct ndmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ndmsg)))->ndm_family =
			AF_UNSPEC;
	/* interrupted by a change: the events tell the rest, but a gap is possible, so ask again */
	for (int attempt = 0; (err = query(n, h, cb, n)) == -EINTR && attempt < 10; attempt++)
		;
	return err;
}

/* Everything anew: at the start, and after events were lost. */
static int dump_all(struct net *n)
{
	n->n_links = 0;
	neighbours_clear(n);
	int err = dump(n, RTM_GETLINK, links_read);

	if (!err)
		err = dump(n, RTM_GETNEIGH, neighbours_read);
	n->all_routes_old = n->neighbours_changed = true;
	return err;
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
	int err = open_sockets(n);

	/* subscribed first: no change falls between the dump and the events */
	if (!err)
		err = dump_all(n);
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
	neighbours_clear(n);
	free(n->links);
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

int net_process(struct net *n)
{
	char buffer[NET_BUFFER];
	ssize_t len;
	int err = 0;

	while (!err && ((len = mnl_socket_recvfrom(n->events, buffer, sizeof(buffer))) >= 0 ||
			errno == ENOBUFS || errno == EINTR)) {
		if (len >= 0) {
			mnl_cb_run(buffer, len, 0, 0, read_event, n);
		} else if (errno == ENOBUFS) {
			log_debug("netlink events were lost: reading everything again");
			err = dump_all(n);
			n->is_changed = true;
		}
	}
	if (err || (errno != EAGAIN && errno != EWOULDBLOCK))
		return err ? err : -errno;
	bool changed = answers_update(n) || n->is_changed;

	n->is_changed = false;
	return changed;
}
