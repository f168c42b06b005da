// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Routes: the kernel is asked about each destination; its changes say whom to ask about again. */
#include <errno.h>
#include <string.h>

#include "internal.h"

/* RTA_VIA: a gateway of another family than the route's. */
static bool read_via(const struct nlattr *a, struct addr *out)
{
	const struct rtvia *via = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);

	*out = (struct addr){};
	if (len == sizeof(*via) + 16 && via->rtvia_family == AF_INET6) {
		memcpy(out->bytes, via->rtvia_addr, 16);
		return true;
	}
	if (len != sizeof(*via) + 4 || via->rtvia_family != AF_INET)
		return false;
	out->bytes[10] = out->bytes[11] = 0xff;
	memcpy(out->bytes + 12, via->rtvia_addr, 4);
	return true;
}

static int read_answer(const struct nlmsghdr *h, void *data)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct route *out = data;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	out->err = 0;
	out->type = m->rtm_type;
	mnl_attr_for_each(a, h, sizeof(*m))
	{
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			out->oif = mnl_attr_get_u32(a);
			break;
		case RTA_GATEWAY:
			attr_addr(a, &out->via);
			break;
		case RTA_VIA:
			read_via(a, &out->via);
			break;
		case RTA_PREFSRC:
			out->has_source = attr_addr(a, &out->source);
			break;
		}
	}
	return MNL_CB_OK;
}

/* No word about the route. */
static bool is_passing(int err)
{
	return err == -ENOBUFS || err == -ENOMEM || err == -EINTR || err == -EBUSY;
}

int routes_lookup(struct net *n, const struct addr *to, struct route *out)
{
	struct route found = {.err = -ENETUNREACH, .via = *to};
	bool ipv4 = addr_is_ipv4(to);
	char buffer[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->rtm_family = ipv4 ? AF_INET : AF_INET6;
	m->rtm_dst_len = ipv4 ? 32 : 128;
	mnl_attr_put(h, RTA_DST, ipv4 ? 4 : 16, to->bytes + (ipv4 ? 12 : 0));
	int err = query(n, h, read_answer, &found);

	if (is_passing(err))
		return err;
	if (err)
		found.err = err;
	*out = found;
	return 0;
}

/* A change of a route: only destinations in its prefix are asked about again. */
int routes_read(const struct nlmsghdr *h, void *data)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct net *n = data;
	struct changed_route c = {};
	const struct nlattr *a;

	/* what the kernel keeps for single destinations, not what somebody configured */
	if (m->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	if (n->n_changed == NET_CHANGED_ROUTES) {
		n->all_routes_old = true;
		return MNL_CB_OK;
	}
	if (m->rtm_family == AF_INET)
		c.addr.bytes[10] = c.addr.bytes[11] = 0xff;
	c.len = m->rtm_dst_len + (m->rtm_family == AF_INET ? 96 : 0);
	mnl_attr_for_each(a, h, sizeof(*m)) if (mnl_attr_get_type(a) == RTA_DST)
		attr_addr(a, &c.addr);
	n->changed[n->n_changed++] = c;
	return MNL_CB_OK;
}
