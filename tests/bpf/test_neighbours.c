// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is not known is not taken for bad news: neighbours that have not answered yet, questions that fail, dumps that a change
 * interrupts, events that were lost.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <net/if.h>

#include <linux/if_arp.h>
#include <linux/if_link.h>

#include "neighbourhood.h"

/* ---- between net/ and the kernel: libmnl's, but as it is told here ---- */
static struct {
	uint16_t refused_type; /* requests of this type fail with ENOBUFS; 0: none */
	int interrupted;       /* so many of the next dumps have a change in them */
	bool is_dump;
} kernel;

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t len)
{
	static const struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *h = buf;

	if (kernel.refused_type && h->nlmsg_type == kernel.refused_type) {
		errno = ENOBUFS;
		return -1;
	}
	kernel.is_dump = (h->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	return sendto(mnl_socket_get_fd(s), buf, len, 0, (const struct sockaddr *)&to, sizeof(to));
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	ssize_t len = recv(mnl_socket_get_fd(s), buf, size, 0);
	struct nlmsghdr *h = buf;

	if (len > 0 && kernel.is_dump && kernel.interrupted && h->nlmsg_flags & NLM_F_MULTI) {
		h->nlmsg_flags |= NLM_F_DUMP_INTR;
		kernel.interrupted--;
		kernel.is_dump = false;
	}
	return len;
}

/* Reads events, and asks, until the answer is err, at most 8 s; how often something relevant changed. */
static int wait_for_error(struct net *n, const char *to, int err, int *changes)
{
	struct addr a = hood_address(to);
	struct next_hop hop;

	*changes = 0;
	for (int i = 0; i < 80 && net_next_hop(n, &a, &hop) != err; i++) {
		struct pollfd p = {.fd = net_fd(n), .events = POLLIN};

		*changes += net_probe(n);
		poll(&p, 1, 100);
		*changes += net_process(n);
	}
	return net_next_hop(n, &a, &hop);
}

static void who_has_not_answered_yet_has_a_way_without_a_mac(void)
{
	static const uint8_t nobody[6];
	struct addr to = hood_address("10.77.0.77"), source = hood_address("10.77.0.1");
	struct image_interface nt0;
	struct next_hop hop;
	int changes;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &nt0), 0);
	CU_ASSERT_EQUAL(hop.ifindex, nt0.ifindex);
	CU_ASSERT_EQUAL(hop.l2_len, 14);
	CU_ASSERT_EQUAL(hop.mtu, 1500);
	CU_ASSERT(!memcmp(hop.l2, nobody, 6));
	CU_ASSERT(!memcmp(hop.l2 + 6, nt0.mac.bytes, 6));
	CU_ASSERT(!memcmp(&hop.source, &source, sizeof(source)));
	/* the kernel gives up after three seconds: that is news, once */
	CU_ASSERT_EQUAL(wait_for_error(n, "10.77.0.77", -EHOSTUNREACH, &changes), -EHOSTUNREACH);
	CU_ASSERT_EQUAL(changes, 1);
	/* the way is known all the same: who answered there before may do so still */
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EHOSTUNREACH);
	CU_ASSERT_EQUAL(hop.ifindex, nt0.ifindex);
	CU_ASSERT_EQUAL(hop.l2_len, 14);
	CU_ASSERT(!memcmp(hop.l2, nobody, 6));
	CU_ASSERT(!memcmp(hop.l2 + 6, nt0.mac.bytes, 6));
	CU_ASSERT(hood_explains(n, "10.77.0.77", "10.77.0.77 does not answer on nt0"));
	CU_ASSERT_EQUAL(wait_for_error(n, "10.77.0.77", -EAGAIN, &changes), -EHOSTUNREACH);
	CU_ASSERT_EQUAL(changes, 0);
	CU_ASSERT_EQUAL(hood_run("ip -n mtlb-nettest addr add 10.77.0.77/24 dev nbr"), 0);
	CU_ASSERT(hood_wait(n, "10.77.0.77", HOOD_PEER_MAC, &hop, true));
	net_close(n);
}

static void what_failed_before_anybody_asked_is_asked_again(void)
{
	struct addr to = hood_address("10.77.0.2");
	struct next_hop hop;

	hood_reset();
	CU_ASSERT_EQUAL(hood_run("ip neigh add 10.77.0.2 dev nt0 nud failed"), 0);
	struct net *n = hood_open();

	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	net_close(n);
}

static void a_new_gateway_is_asked_at_once(void)
{
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT_EQUAL(hood_run("ip route add 192.0.2.0/24 via 10.77.0.2"), 0);
	CU_ASSERT(hood_wait(n, "192.0.2.7", HOOD_PEER_MAC, &hop, false));
	CU_ASSERT_EQUAL(hood_run("ip route replace 192.0.2.0/24 via 10.77.0.3;"
				 "ip -n mtlb-nettest link set nbr address 02:77:00:00:00:03"),
			0);
	CU_ASSERT(hood_wait(n, "192.0.2.7", "02:77:00:00:00:03", &hop, false));
	net_close(n);
}

static void a_route_that_could_not_be_asked_for_stays_as_it_was(void)
{
	struct addr to = hood_address("10.77.0.2");
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	kernel.refused_type = RTM_GETROUTE;
	CU_ASSERT_EQUAL(hood_run("ip route add 10.77.0.2/32 dev nt2"), 0);
	hood_settle(n);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT(!net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	kernel.refused_type = 0;
	CU_ASSERT(net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT_EQUAL(hop.ifindex, if_nametoindex("nt2"));
	net_close(n);
}

static void a_route_that_could_not_be_asked_for_at_first_is_not_known_yet(void)
{
	struct addr to = hood_address("10.77.0.2"), nowhere = hood_address("192.0.2.1");
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	kernel.refused_type = RTM_GETROUTE;
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EBUSY);
	CU_ASSERT_EQUAL(net_next_hop(n, &nowhere, &hop), -EBUSY);
	CU_ASSERT(hood_explains(n, "192.0.2.1", "192.0.2.1 is reached is not known yet"));
	CU_ASSERT(!net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EBUSY);
	kernel.refused_type = 0;
	CU_ASSERT(net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT_EQUAL(hop.ifindex, if_nametoindex("nt0"));
	CU_ASSERT_EQUAL(net_next_hop(n, &nowhere, &hop), -ENOENT);
	CU_ASSERT(hood_explains(n, "192.0.2.1", "no route"));
	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	net_close(n);
}

/* An interface that no dump has told of yet. */
static void a_way_through_a_gap_of_a_dump_is_not_known_yet(void)
{
	struct addr to = hood_address("10.77.0.2");
	struct next_hop hop;

	hood_reset();
	kernel.interrupted = NET_DUMPS;
	struct net *n = hood_open();

	CU_ASSERT(n->is_dump_due);
	n->n_links = 0;
	kernel.refused_type = RTM_GETLINK;
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EBUSY);
	CU_ASSERT(!net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EBUSY);
	kernel.refused_type = 0;
	CU_ASSERT(net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	net_close(n);
}

static void an_interrupted_dump_is_asked_for_again(void)
{
	struct image_interface nt0;
	struct next_hop hop;

	hood_reset();
	for (int dumps = 1; dumps <= NET_DUMPS + 1; dumps += NET_DUMPS) {
		kernel.interrupted = dumps;
		struct net *n = hood_open();

		/* more than it tries at once: it starts with what it has, and goes on trying */
		CU_ASSERT_EQUAL(kernel.interrupted, dumps > NET_DUMPS);
		CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &nt0), 0);
		hood_settle(n);
		CU_ASSERT_EQUAL(net_probe(n), dumps > NET_DUMPS);
		CU_ASSERT_EQUAL(kernel.interrupted, 0);
		CU_ASSERT(!net_probe(n));
		CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
		net_close(n);
	}
}

/* More events than the socket has room for. */
static void lose_events(struct net *n)
{
	int room = 1;

	setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	hood_run(
		"for i in $(seq 20 60); do ip neigh replace 10.77.0.$i lladdr 02:00:00:00:00:01 dev nt0; done;"
		"ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:66 nud permanent dev nt0");
}

static void a_failed_dump_leaves_what_is_known(void)
{
	struct addr to = hood_address("10.77.0.2");
	struct image_interface nt0;
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	for (int i = 0; i < 2; i++) {
		kernel.refused_type = i ? RTM_GETNEIGH : RTM_GETLINK;
		lose_events(n);
		CU_ASSERT_EQUAL(net_process(n), 0);
		CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
		CU_ASSERT(hood_has_mac(&hop, HOOD_PEER_MAC));
		CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &nt0), 0);
		CU_ASSERT(!net_probe(n));
	}
	kernel.refused_type = 0;
	CU_ASSERT(net_probe(n));
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT(hood_has_mac(&hop, "02:77:00:00:00:66"));
	net_close(n);
}

/* Links as they are told after events were lost, not as the events before say. */
static void events_from_before_a_dump_do_not_come_after_it(void)
{
	struct image_interface nt0;

	hood_reset();
	struct net *n = hood_open();

	hood_settle(n);
	CU_ASSERT_EQUAL(hood_run("ip link set nt0 mtu 1400"), 0);
	lose_events(n);
	CU_ASSERT_EQUAL(hood_run("ip link set nt0 mtu 1300"), 0);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &nt0), 0);
	CU_ASSERT_EQUAL(nt0.mtu, 1300);
	net_close(n);
}

static void addresses_out_of_use_are_no_longer_asked_for(void)
{
	struct addr kept = hood_address("10.77.0.2"), gone = hood_address("10.77.0.3");
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	CU_ASSERT(hood_wait(n, "10.77.0.3", HOOD_PEER_MAC, &hop, true));
	for (int i = 0; i < 2; i++) {
		net_use(n, &kept);
		if (!i)
			net_use(n, &gone);
		net_sweep(n);
		hood_run("ip neigh flush dev nt0");
		hood_settle(n);
		net_probe(n);
		CU_ASSERT_EQUAL(hood_run("ip neigh show 10.77.0.2 dev nt0 | grep -q ."), 0);
		CU_ASSERT_EQUAL(hood_run("ip neigh show 10.77.0.3 dev nt0 | grep -q ."), i);
	}
	CU_ASSERT_EQUAL(net_next_hop(n, &kept, &hop), 0);
	net_close(n);
}

/* A VLAN device whose interface is in another namespace: its index there is another interface here. */
static void a_vlan_of_another_namespace_is_no_way(void)
{
	struct addr to = hood_address("10.77.0.2");
	char buffer[512];
	struct next_hop hop;
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	h->nlmsg_type = RTM_NEWLINK;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = if_nametoindex("nt0");
	m->ifi_type = ARPHRD_ETHER;
	m->ifi_flags = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, "nt0");
	mnl_attr_put(h, IFLA_ADDRESS, 6, "\2\0\0\0\0\1");
	mnl_attr_put_u32(h, IFLA_MTU, 1500);
	mnl_attr_put_u32(h, IFLA_LINK, if_nametoindex("nt2"));
	mnl_attr_put_u32(h, IFLA_LINK_NETNSID, 0);
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);

	mnl_attr_put_strz(h, IFLA_INFO_KIND, "vlan");
	struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);

	mnl_attr_put_u16(h, IFLA_VLAN_ID, 30);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	CU_ASSERT_EQUAL(links_read(h, n), MNL_CB_OK);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -ENOENT);
	CU_ASSERT(hood_explains(n, "10.77.0.2", "another network namespace"));
	net_close(n);
}

static const struct test tests[] = {
#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
	TEST(who_has_not_answered_yet_has_a_way_without_a_mac),
	TEST(what_failed_before_anybody_asked_is_asked_again),
	TEST(a_new_gateway_is_asked_at_once),
	TEST(a_route_that_could_not_be_asked_for_stays_as_it_was),
	TEST(a_route_that_could_not_be_asked_for_at_first_is_not_known_yet),
	TEST(a_way_through_a_gap_of_a_dump_is_not_known_yet),
	TEST(an_interrupted_dump_is_asked_for_again),
	TEST(a_failed_dump_leaves_what_is_known),
	TEST(events_from_before_a_dump_do_not_come_after_it),
	TEST(addresses_out_of_use_are_no_longer_asked_for),
	TEST(a_vlan_of_another_namespace_is_no_way),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return hood_main(argc, argv, "neighbours", tests);
}
