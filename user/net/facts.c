// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an interface is, and who carries XDP programs around it: asked afresh, as programs come and go without events. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_link.h>

#include "internal.h"

struct asked {
	struct link link;
	bool is_found, has_program;
};

static bool has_program(const struct nlattr *xdp)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, xdp) if (mnl_attr_get_type(a) ==
					     IFLA_XDP_ATTACHED) return mnl_attr_get_u8(a) !=
		XDP_ATTACHED_NONE;
	return false;
}

static int read_answer(const struct nlmsghdr *h, void *data)
{
	struct asked *out = data;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link_read(h, &out->link);
	out->is_found = true;
	mnl_attr_for_each(a, h, sizeof(struct ifinfomsg)) if (mnl_attr_get_type(a) == IFLA_XDP)
		out->has_program = has_program(a);
	return MNL_CB_OK;
}

/* By name, or where that is NULL by index. */
static int ask(struct net *n, const char *name, uint32_t ifindex, struct asked *out)
{
	char buffer[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	*out = (struct asked){};
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = name ? 0 : ifindex;
	if (name)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	int err = query(n, h, read_answer, out);

	return err ? err : out->is_found ? 0 : -ENODEV;
}

static bool carries_program(struct net *n, uint32_t ifindex)
{
	struct asked a;

	return !ask(n, NULL, ifindex, &a) && a.has_program;
}

/* Not of a veth, whose "parent" is its peer. */
static bool stands_on(const struct link *l, uint32_t ifindex)
{
	return l->parent == ifindex && !l->is_parent_elsewhere &&
	       (l->is_vlan || !strncmp(l->kind, "macv", 4) || !strcmp(l->kind, "ipvlan"));
}

static void find_upper(struct net *n, const struct link *of, struct interface_facts *out)
{
	for (size_t i = 0; i < n->n_links; i++) {
		const struct link *l = &n->links[i];

		if ((of->master == l->ifindex || stands_on(l, of->ifindex)) &&
		    carries_program(n, l->ifindex))
			memcpy(out->upper, l->name, sizeof(out->upper));
	}
}

static void list_ports(struct net *n, const struct link *of, struct interface_facts *out)
{
	const struct link *port;
	size_t used = 0;

	for (size_t at = 0; (port = links_port(n, of, at)); at++) {
		if (used < sizeof(out->ports))
			used += (size_t)snprintf(out->ports + used, sizeof(out->ports) - used,
						 "%s%s", at ? ", " : "", port->name);
		if (!*out->taken_port && carries_program(n, port->ifindex))
			memcpy(out->taken_port, port->name, sizeof(out->taken_port));
	}
}

int net_facts(struct net *n, const char *name, struct interface_facts *out)
{
	struct asked a;
	int err = ask(n, name, 0, &a);

	if (err)
		return err;
	struct interface_facts f = {.is_loopback = a.link.is_loopback,
				    .vlan = a.link.vlan,
				    .bond_mode = a.link.bond_mode,
				    .bond_policy = a.link.bond_policy};
	const struct link *lower = links_parent(n, &a.link);

	memcpy(f.name, a.link.name, sizeof(f.name));
	memcpy(f.kind, a.link.kind, sizeof(f.kind));
	if (lower && stands_on(&a.link, lower->ifindex))
		memcpy(f.lower, lower->name, sizeof(f.lower));
	find_upper(n, &a.link, &f);
	list_ports(n, &a.link, &f);
	*out = f;
	return 0;
}
