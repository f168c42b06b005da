// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Interfaces: index, name, MAC, MTU, what a VLAN device stands on, and which ports a bond has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>

#include <linux/if_arp.h>
#include <linux/if_link.h>

#include "internal.h"

const struct link *links_find(const struct net *n, uint32_t ifindex)
{
	for (size_t i = 0; i < n->n_links; i++)
		if (n->links[i].ifindex == ifindex)
			return &n->links[i];
	return NULL;
}

const struct link *links_parent(const struct net *n, const struct link *of)
{
	return of->is_parent_elsewhere ? NULL : links_find(n, of->parent);
}

bool link_is_bond(const struct link *l)
{
	return !strcmp(l->kind, "bond");
}

uint16_t link_mtu(const struct link *l)
{
	return l->mtu < UINT16_MAX ? l->mtu : UINT16_MAX;
}

static void read_vlan(const struct nlattr *data, struct link *out)
{
	const struct nlattr *a;

	out->vlan_protocol = 0x8100;
	mnl_attr_for_each_nested(a, data)
	{
		if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
			out->vlan = mnl_attr_get_u16(a);
		else if (mnl_attr_get_type(a) == IFLA_VLAN_PROTOCOL)
			out->vlan_protocol = __builtin_bswap16(mnl_attr_get_u16(a));
	}
}

static void read_bond(const struct nlattr *data, struct link *out)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, data)
	{
		if (mnl_attr_get_type(a) == IFLA_BOND_MODE)
			out->bond_mode = mnl_attr_get_u8(a);
		else if (mnl_attr_get_type(a) == IFLA_BOND_XMIT_HASH_POLICY)
			out->bond_policy = mnl_attr_get_u8(a);
	}
}

static void read_kind(const struct nlattr *info, struct link *out)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested(a, info)
	{
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			strncpy(out->kind, mnl_attr_get_str(a), sizeof(out->kind) - 1);
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
	}
	out->is_vlan = !strcmp(out->kind, "vlan");
	if (out->is_vlan && data)
		read_vlan(data, out);
	if (link_is_bond(out) && data)
		read_bond(data, out);
}

void link_read(const struct nlmsghdr *h, struct link *out)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	/* padding too: links are compared as bytes */
	memset(out, 0, sizeof(*out));
	out->ifindex = m->ifi_index;
	out->parent_net = -1;
	out->is_up = m->ifi_flags & IFF_UP;
	out->is_loopback = m->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			strncpy(out->name, mnl_attr_get_str(a), sizeof(out->name) - 1);
			break;
		case IFLA_ADDRESS:
			out->has_mac =
				m->ifi_type == ARPHRD_ETHER && mnl_attr_get_payload_len(a) == 6;
			if (out->has_mac)
				memcpy(out->mac.bytes, mnl_attr_get_payload(a), 6);
			break;
		case IFLA_MTU:
			out->mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_MASTER:
			out->master = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK:
			out->parent = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK_NETNSID:
			out->is_parent_elsewhere = true;
			out->parent_net = (int32_t)mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			read_kind(a, out);
			break;
		}
	}
}

static void forget_link(struct net *n, const struct link *l)
{
	if (l)
		n->links[l - n->links] = n->links[--n->n_links];
}

/*
 * Any change of an interface may change what a segment, a route or a next hop is; but events also come for
 * statistics and bridge ports, which must not look like one. IPv4 routes go with their device, without events.
 */
int links_read(const struct nlmsghdr *h, void *data)
{
	struct net *n = data;
	struct link fresh;

	/* a bridge tells of its ports with this family: the interface itself is meant by none */
	if (((const struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_family == AF_BRIDGE)
		return MNL_CB_OK;
	link_read(h, &fresh);
	const struct link *known = links_find(n, fresh.ifindex);

	if (h->nlmsg_type == RTM_NEWLINK && known && !memcmp(known, &fresh, sizeof(fresh)))
		return MNL_CB_OK;
	n->all_routes_old = n->is_changed = true;
	if (h->nlmsg_type == RTM_DELLINK) {
		forget_link(n, known);
		return MNL_CB_OK;
	}
	if (known) {
		n->links[known - n->links] = fresh;
		return MNL_CB_OK;
	}
	struct link *more = realloc(n->links, (n->n_links + 1) * sizeof(*more));

	if (!more)
		return MNL_CB_ERROR;
	n->links = more;
	n->links[n->n_links++] = fresh;
	return MNL_CB_OK;
}

static const struct link *find_named(const struct net *n, const char *name)
{
	for (size_t i = 0; i < n->n_links; i++)
		if (!strcmp(n->links[i].name, name))
			return &n->links[i];
	return NULL;
}

const struct link *links_port(const struct net *n, const struct link *of, size_t at)
{
	for (size_t i = 0; i < n->n_links; i++)
		if (n->links[i].master == of->ifindex && !at--)
			return &n->links[i];
	return NULL;
}

int net_interface(void *ctx, const char *name, size_t at, struct image_interface *out)
{
	const struct net *n = ctx;
	const struct link *l = find_named(n, name), *in = l;

	if (l && at)
		in = link_is_bond(l) ? links_port(n, l, at - 1) : NULL;
	if (!in)
		return -ENODEV;
	*out = (struct image_interface){.ifindex = in->ifindex, .mac = l->mac, .mtu = link_mtu(l)};
	return 0;
}

const char *net_kind(const struct net *n, uint32_t ifindex)
{
	const struct link *l = links_find(n, ifindex);

	return l ? l->kind : "";
}
