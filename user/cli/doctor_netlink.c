// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: links, routes and addresses as rtnetlink tells them, of this network namespace and of those that veths lead to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "cli/doctor.h"
#include "net/link.h"

enum {
	BUFFER = 32768,
	REQUEST = 512
};

/* A socket for each question: there are few of them. */
static int query(struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	static char buffer[BUFFER];
	int err = 0;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = 1;
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(s, request, request->nlmsg_len) < 0)
		err = -errno;
	for (int more = 1; !err && more > 0;) {
		ssize_t len = mnl_socket_recvfrom(s, buffer, sizeof(buffer));
		more = len < 0 ? -1 : mnl_cb_run(buffer, (size_t)len, 1, 0, cb, data);
		if (more < 0)
			err = -errno;
	}
	if (s)
		mnl_socket_close(s);
	return err;
}

/* ---- links ---- */
static void read_xdp(const struct nlattr *xdp, struct doctor_port *out)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, xdp)
	{
		if (mnl_attr_get_type(a) == IFLA_XDP_ATTACHED)
			out->xdp = mnl_attr_get_u8(a);
		else if (mnl_attr_get_type(a) == IFLA_XDP_PROG_ID)
			out->program_id = mnl_attr_get_u32(a);
	}
}

static void read_link(const struct nlmsghdr *h, struct doctor_port *out)
{
	const struct nlattr *a;
	struct link l;

	link_read(h, &l);
	*out = (struct doctor_port){.ifindex = l.ifindex,
				    .mtu = l.mtu,
				    .master = l.master,
				    .link = l.parent,
				    .link_net = l.parent_net,
				    .is_up = l.is_up,
				    .has_bond = link_is_bond(&l),
				    .bond_mode = l.bond_mode,
				    .bond_hash_policy = l.bond_policy};
	memcpy(out->name, l.name, sizeof(out->name));
	memcpy(out->kind, l.kind, sizeof(out->kind));
	mnl_attr_for_each(a, h, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(a) == IFLA_NUM_RX_QUEUES)
			out->rx_queues = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_XDP)
			read_xdp(a, out);
	}
}

static int take_link(const struct nlmsghdr *h, void *data)
{
	if (h->nlmsg_type == RTM_NEWLINK)
		read_link(h, data);
	return MNL_CB_OK;
}

int doctor_read_port(const char *name, uint32_t ifindex, int32_t net, struct doctor_port *out)
{
	char buffer[REQUEST];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct doctor_port found = {0};

	h->nlmsg_type = RTM_GETLINK;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = name ? 0 : (int)ifindex;
	if (name)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	if (net >= 0)
		mnl_attr_put_u32(h, IFLA_TARGET_NETNSID, (uint32_t)net);
	int err = query(h, take_link, &found);

	if (!err && !found.ifindex)
		err = -ENODEV;
	if (!err)
		*out = found;
	return err;
}

struct links {
	struct doctor_port *list;
	size_t n;
};

static int take_xdp_link(const struct nlmsghdr *h, void *data)
{
	struct links *l = data;
	struct doctor_port port;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	read_link(h, &port);
	if (port.xdp == XDP_ATTACHED_NONE)
		return MNL_CB_OK;
	struct doctor_port *more = realloc(l->list, (l->n + 1) * sizeof(*more));

	if (!more)
		return MNL_CB_ERROR;
	l->list = more;
	l->list[l->n++] = port;
	return MNL_CB_OK;
}

int doctor_read_xdp_links(struct doctor_port **out, size_t *n)
{
	char buffer[REQUEST];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct links links = {0};

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_DUMP;
	((struct ifinfomsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg)))->ifi_family =
		AF_UNSPEC;
	int err = query(h, take_xdp_link, &links);

	if (err) {
		free(links.list);
		return err;
	}
	*out = links.list;
	*n = links.n;
	return 0;
}

/* ---- routes ---- */
struct route {
	uint32_t ifindex, mtu;
};

static int take_route(const struct nlmsghdr *h, void *data)
{
	const struct nlattr *a, *metric;
	struct route *r = data;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(a) == RTA_OIF)
			r->ifindex = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) != RTA_METRICS)
			continue;
		mnl_attr_for_each_nested(metric, a)
		{
			if (mnl_attr_get_type(metric) == RTAX_MTU)
				r->mtu = mnl_attr_get_u32(metric);
		}
	}
	return MNL_CB_OK;
}

int doctor_read_route(const struct addr *to, uint32_t *ifindex, uint32_t *mtu)
{
	bool ipv4 = addr_is_ipv4(to);
	char buffer[REQUEST];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct route found = {0};

	h->nlmsg_type = RTM_GETROUTE;
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = ipv4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = ipv4 ? 32 : 128;
	mnl_attr_put(h, RTA_DST, ipv4 ? 4 : 16, to->bytes + (ipv4 ? 12 : 0));
	int err = query(h, take_route, &found);

	if (!err && !found.ifindex)
		err = -ENETUNREACH;
	if (err)
		return err;
	*ifindex = found.ifindex;
	*mtu = found.mtu;
	return 0;
}

/* ---- addresses ---- */
struct addresses {
	struct doctor_address *list;
	size_t n;
};

static bool read_addr(const struct nlattr *a, struct addr *out)
{
	size_t len = mnl_attr_get_payload_len(a);

	memset(out, 0, sizeof(*out));
	if (len == 16) {
		memcpy(out->bytes, mnl_attr_get_payload(a), 16);
	} else if (len == 4) {
		out->bytes[10] = out->bytes[11] = 0xff;
		memcpy(out->bytes + 12, mnl_attr_get_payload(a), 4);
	}
	return len == 4 || len == 16;
}

static int take_address(const struct nlmsghdr *h, void *data)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct addresses *l = data;
	struct doctor_address found = {.ifindex = m->ifa_index};
	bool has_local = false;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	/* of a point-to-point link ADDRESS is the other end */
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		if (mnl_attr_get_type(a) == IFA_LOCAL)
			has_local = read_addr(a, &found.address);
		else if (mnl_attr_get_type(a) == IFA_ADDRESS && !has_local)
			read_addr(a, &found.address);
	}
	found.is_global = m->ifa_scope == RT_SCOPE_UNIVERSE && !(m->ifa_flags & IFA_F_TENTATIVE);
	struct doctor_address *more = realloc(l->list, (l->n + 1) * sizeof(*more));

	if (!more)
		return MNL_CB_ERROR;
	l->list = more;
	l->list[l->n++] = found;
	return MNL_CB_OK;
}

int doctor_read_addresses(struct doctor_address **out, size_t *n)
{
	char buffer[REQUEST];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct addresses found = {0};

	h->nlmsg_type = RTM_GETADDR;
	h->nlmsg_flags = NLM_F_DUMP;
	((struct ifaddrmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ifaddrmsg)))->ifa_family =
		AF_UNSPEC;
	int err = query(h, take_address, &found);

	if (err) {
		free(found.list);
		return err;
	}
	*out = found.list;
	*n = found.n;
	return 0;
}

/* ---- network namespaces ---- */
static int take_net_id(const struct nlmsghdr *h, void *data)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(a) == NETNSA_NSID)
			*(int32_t *)data = (int32_t)mnl_attr_get_u32(a);
	}
	return MNL_CB_OK;
}

int32_t doctor_net_id(int fd)
{
	char buffer[REQUEST];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	int32_t id = -1;

	h->nlmsg_type = RTM_GETNSID;
	((struct rtgenmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct rtgenmsg)))->rtgen_family =
		AF_UNSPEC;
	mnl_attr_put_u32(h, NETNSA_FD, (uint32_t)fd);
	return query(h, take_net_id, &id) ? -1 : id;
}
