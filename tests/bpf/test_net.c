// SPDX-License-Identifier: GPL-2.0-only
/* Next hops on the real kernel: how they are found, and that changes are followed. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <net/if.h>

#include <linux/if_arp.h>
#include <linux/if_link.h>

#include "neighbourhood.h"

static void probing_resolves_without_other_traffic(void)
{
	static const struct {
		const char *to, *source;
	} rows[] = {{"10.77.0.2", "10.77.0.1"}, {"fd77::2", "fd77::1"}};

	hood_reset();
	struct net *n = hood_open();

	for (size_t i = 0; i < 2; i++) {
		struct addr to = hood_address(rows[i].to), source = hood_address(rows[i].source);
		struct next_hop hop;
		struct image_interface own;

		CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
		CU_ASSERT(hood_explains(n, rows[i].to, "has not answered on nt0 yet"));
		CU_ASSERT(hood_wait(n, rows[i].to, HOOD_PEER_MAC, &hop, true));
		CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &own), 0);
		CU_ASSERT_EQUAL(hop.ifindex, if_nametoindex("nt0"));
		CU_ASSERT_EQUAL(hop.ifindex, own.ifindex);
		CU_ASSERT(hop.is_on_link);
		CU_ASSERT_EQUAL(hop.l2_len, 14);
		CU_ASSERT(!memcmp(hop.l2 + 6, own.mac.bytes, 6));
		CU_ASSERT(!memcmp(&hop.source, &source, sizeof(source)));
		CU_ASSERT_EQUAL(hop.l2[12] | hop.l2[13], 0);
	}
	net_close(n);
}

static void stale_entries_are_confirmed(void)
{
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT_EQUAL(
		hood_run("ip neigh replace 10.77.0.2 lladdr 02:00:00:00:00:99 nud stale dev nt0"),
		0);
	CU_ASSERT(hood_wait(n, "10.77.0.2", "02:00:00:00:00:99", &hop, false));
	/* the wrong MAC is found out: the unicast probes go unanswered, then a broadcast is */
	hood_run(
		"sysctl -qw net.ipv4.neigh.nt0.delay_first_probe_time=1 net.ipv4.neigh.nt0.ucast_solicit=1");
	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	net_close(n);
}

static void a_gateway_is_the_next_hop(void)
{
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "192.0.2.7", "", &hop, false));
	CU_ASSERT(hood_explains(n, "192.0.2.7", "no route to 192.0.2.7"));
	CU_ASSERT_EQUAL(hood_run("ip route add 192.0.2.0/24 via 10.77.0.3"), 0);
	CU_ASSERT(hood_wait(n, "192.0.2.7", HOOD_PEER_MAC, &hop, true));
	CU_ASSERT(!hop.is_on_link);
	CU_ASSERT_EQUAL(
		hood_run("ip route add 198.51.100.0/24 via inet6 fd77::2 dev nt0 src 10.77.0.1"),
		0);
	CU_ASSERT(hood_wait(n, "198.51.100.1", HOOD_PEER_MAC, &hop, true));
	CU_ASSERT(addr_is_ipv4(&hop.source));
	CU_ASSERT_EQUAL(hood_run("ip route replace 192.0.2.0/24 via 10.77.0.9"), 0);
	CU_ASSERT(hood_wait(n, "192.0.2.7", "", &hop, true));
	CU_ASSERT(hood_explains(n, "192.0.2.7", "gateway 10.77.0.9, which does not answer on nt0"));
	net_close(n);
}

static void changes_are_followed(void)
{
	struct next_hop hop;
	struct addr to = hood_address("10.77.0.2");

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_run("ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:44 nud permanent dev nt0");
	CU_ASSERT(hood_wait(n, "10.77.0.2", "02:77:00:00:00:44", &hop, false));
	hood_run("ip link set nt0 address 02:77:00:00:00:55");
	hood_settle(n);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop),
			hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true) ? 0 : 1);
	CU_ASSERT_EQUAL(hop.l2[11], 0x55);
	hood_run("ip link set nt0 down");
	CU_ASSERT(hood_wait(n, "10.77.0.2", "", &hop, false));
	hood_run("ip link set nt0 up");
	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_run("ip link del nt0");
	CU_ASSERT(hood_wait(n, "10.77.0.2", "", &hop, false));
	net_close(n);
}

static void a_failed_neighbour_keeps_its_last_mac(void)
{
	struct next_hop hop;
	struct addr to = hood_address("10.77.0.2");

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	hood_run("ip neigh del 10.77.0.2 dev nt0");
	hood_settle(n);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT(hood_has_mac(&hop, HOOD_PEER_MAC));
	net_close(n);
}

static void what_changes_no_answer_is_no_change(void)
{
	struct next_hop hop;
	struct addr to = hood_address("10.77.0.2");

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	CU_ASSERT_EQUAL(net_process(n), 0);
	hood_run(
		"ip neigh add 10.77.0.200 lladdr 02:00:00:00:00:01 dev nt0; ip route add 203.0.113.0/24 via 10.77.0.2;"
		"ip route add 10.77.0.128/25 dev nt2; ip addr add 10.78.0.1/24 dev nt2");
	struct pollfd p = {.fd = net_fd(n), .events = POLLIN};

	CU_ASSERT_EQUAL(poll(&p, 1, 1000), 1);
	CU_ASSERT_EQUAL(net_process(n), 0);
	hood_run("ip route add 10.77.0.2/32 dev nt2");
	CU_ASSERT_EQUAL(poll(&p, 1, 1000), 1);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -EAGAIN);
	CU_ASSERT_EQUAL(hop.ifindex, if_nametoindex("nt2"));
	net_close(n);
}

static void unreachable_destinations_are_explained(void)
{
	static const struct {
		const char *to, *part;
	} rows[] = {
		{"10.77.0.1", "address of this node itself"},
		{"fd77::1", "address of this node itself"},
		{"127.0.0.1", "address of this node itself"},
		{"10.77.0.255", "broadcast"},
		{"192.0.2.1", "no route to 192.0.2.1"},
		{"2001:db8::1", "no route to 2001:db8::1"},
		{"198.18.0.1", "blackhole"},
		{"198.19.0.1", "unreachable"},
		{"203.0.113.1", "no MAC address"},
	};

	hood_reset();
	hood_run(
		"ip route add blackhole 198.18.0.0/24; ip route add unreachable 198.19.0.0/24;"
		"ip tuntap add dev nttun mode tun; ip link set nttun up; ip route add 203.0.113.0/24 dev nttun src 10.77.0.1");
	struct net *n = hood_open();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr to = hood_address(rows[i].to);
		struct next_hop hop;

		CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), -ENOENT);
		CU_ASSERT(hood_explains(n, rows[i].to, rows[i].part));
	}
	hood_run(
		"ip link del nttun; ip route flush type blackhole; ip route flush type unreachable");
	net_close(n);
}

static void a_given_source_replaces_the_routes(void)
{
	struct addr source = hood_address("10.77.0.99"), to = hood_address("10.77.0.2");
	struct next_hop hop;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	net_set_sources(n, &source, NULL);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT(!memcmp(&hop.source, &source, sizeof(source)));
	net_close(n);
}

/* What the kernel tells of a device of a kind that is missing from the kernel that CI runs on. */
struct told {
	const char *name, *kind;
	uint32_t ifindex, parent, master;
	uint16_t mtu, vlan, vlan_protocol;
	uint8_t mac, bond_mode, bond_policy;
};

static void put_kind(struct nlmsghdr *h, const struct told *t)
{
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);

	mnl_attr_put_strz(h, IFLA_INFO_KIND, t->kind);
	struct nlattr *data = mnl_attr_nest_start(h, IFLA_INFO_DATA);

	if (!strcmp(t->kind, "vlan")) {
		mnl_attr_put_u16(h, IFLA_VLAN_ID, t->vlan);
		mnl_attr_put_u16(h, IFLA_VLAN_PROTOCOL, __builtin_bswap16(t->vlan_protocol));
	} else if (!strcmp(t->kind, "bond")) {
		mnl_attr_put_u8(h, IFLA_BOND_MODE, t->bond_mode);
		mnl_attr_put_u8(h, IFLA_BOND_XMIT_HASH_POLICY, t->bond_policy);
	}
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
}

static struct nlmsghdr *compose_link(char *buffer, uint16_t type, const struct told *t)
{
	const unsigned char mac[6] = {2, 0, 0, 0, 0, t->mac};
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);

	h->nlmsg_type = type;
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	m->ifi_index = t->ifindex;
	m->ifi_type = ARPHRD_ETHER;
	m->ifi_flags = IFF_UP;
	mnl_attr_put_strz(h, IFLA_IFNAME, t->name);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(h, IFLA_MTU, t->mtu ? t->mtu : 1500);
	if (t->parent)
		mnl_attr_put_u32(h, IFLA_LINK, t->parent);
	if (t->master)
		mnl_attr_put_u32(h, IFLA_MASTER, t->master);
	if (t->kind)
		put_kind(h, t);
	return h;
}

static void tell(struct net *n, uint16_t type, struct told t)
{
	char buffer[1024];

	CU_ASSERT_EQUAL(links_read(compose_link(buffer, type, &t), n), MNL_CB_OK);
}

static void tell_vlan(struct net *n, const char *name, uint32_t ifindex, uint32_t parent,
		      uint16_t id, uint16_t protocol)
{
	tell(n, RTM_NEWLINK,
	     (struct told){.name = name,
			   .kind = "vlan",
			   .ifindex = ifindex,
			   .parent = parent,
			   .mtu = 1490,
			   .vlan = id,
			   .vlan_protocol = protocol,
			   .mac = id});
}

static void vlan_devices_become_tags(void)
{
	static const unsigned char one[] = {0x81, 0, 0, 30, 0, 0},
				   two[] = {0x88, 0xa8, 0, 40, 0x81, 0, 0, 30, 0, 0};
	struct next_hop hop;
	struct addr to = hood_address("10.77.0.2");

	hood_reset();
	struct net *n = hood_open();
	uint32_t nt0 = if_nametoindex("nt0"), nt2 = if_nametoindex("nt2");

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	tell_vlan(n, "nt0", nt0, nt2, 30, 0x8100);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT_EQUAL(hop.ifindex, nt2);
	CU_ASSERT_EQUAL(hop.l2_len, 18);
	CU_ASSERT_EQUAL(hop.mtu, 1490);  /* not the 1500 of what it stands on */
	CU_ASSERT_EQUAL(hop.l2[11], 30); /* the VLAN device's own MAC */
	CU_ASSERT(!memcmp(hop.l2 + 12, one, sizeof(one)));
	tell_vlan(n, "nt0", nt0, 1000, 30, 0x8100);
	tell_vlan(n, "mid", 1000, nt2, 40, 0x88a8);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT_EQUAL(hop.l2_len, 22);
	CU_ASSERT(!memcmp(hop.l2 + 12, two, sizeof(two)));
	tell_vlan(n, "mid", 1000, 1001, 40, 0x8100);
	tell_vlan(n, "low", 1001, nt2, 50, 0x8100);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT(hood_explains(n, "10.77.0.2", "more than two VLAN tags"));
	net_close(n);
}

static void a_changed_mtu_is_a_change(void)
{
	struct image_interface nt0;
	struct next_hop hop;
	struct addr to = hood_address("10.77.0.2");

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	CU_ASSERT_EQUAL(hop.mtu, 1500);
	hood_run("ip link set nt0 mtu 1400");
	struct pollfd p = {.fd = net_fd(n), .events = POLLIN};

	CU_ASSERT_EQUAL(poll(&p, 1, 1000), 1);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT_EQUAL(net_next_hop(n, &to, &hop), 0);
	CU_ASSERT_EQUAL(hop.mtu, 1400);
	CU_ASSERT_EQUAL(net_interface(n, "nt0", 0, &nt0), 0);
	CU_ASSERT_EQUAL(nt0.mtu, 1400);
	CU_ASSERT_EQUAL(net_interface(n, "lo", 0, &nt0), 0);
	CU_ASSERT_EQUAL(nt0.mtu, 65535); /* it has 65536 */
	net_close(n);
}

static bool has_port(struct net *n, const char *name, size_t at, uint32_t ifindex)
{
	struct image_interface port;
	int err = net_interface(n, name, at, &port);

	if (!ifindex)
		return err == -ENODEV;
	/* what leaves, leaves with the bond's address and size */
	return !err && port.ifindex == ifindex && port.mac.bytes[5] == 7 && port.mtu == 1450;
}

static void ports_of_a_bond_come_and_go(void)
{
	struct told bond = {.name = "bd", .kind = "bond", .ifindex = 1000, .mtu = 1450, .mac = 7};
	struct told port = {.name = "bp", .ifindex = 1001, .master = 1000, .mac = 8};
	struct told bridge = {.name = "br", .kind = "bridge", .ifindex = 1003};

	hood_reset();
	struct net *n = hood_open();

	tell(n, RTM_NEWLINK, bond);
	CU_ASSERT(has_port(n, "bd", 0, 1000));
	CU_ASSERT(has_port(n, "bd", 1, 0));
	tell(n, RTM_NEWLINK, port);
	port.name = "bq";
	port.ifindex = 1002;
	tell(n, RTM_NEWLINK, port);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT(has_port(n, "bd", 1, 1001));
	CU_ASSERT(has_port(n, "bd", 2, 1002));
	CU_ASSERT(has_port(n, "bd", 3, 0));
	port.master = 0;
	tell(n, RTM_NEWLINK, port);
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT(has_port(n, "bd", 1, 1001));
	CU_ASSERT(has_port(n, "bd", 2, 0));
	tell(n, RTM_NEWLINK, bridge);
	port.master = 1003;
	tell(n, RTM_NEWLINK, port);
	CU_ASSERT(has_port(n, "br", 1, 0)); /* packets of a bridge are the bridge's own */
	tell(n, RTM_DELLINK, (struct told){.name = "bp", .ifindex = 1001});
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT(has_port(n, "bd", 1, 0));
	net_close(n);
}

static void lost_events_are_made_up_for(void)
{
	struct next_hop hop;
	int room = 1;

	hood_reset();
	struct net *n = hood_open();

	CU_ASSERT(hood_wait(n, "10.77.0.2", HOOD_PEER_MAC, &hop, true));
	hood_settle(n);
	setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(net_fd(n), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	hood_run(
		"for i in $(seq 20 60); do ip neigh add 10.77.0.$i lladdr 02:00:00:00:00:01 dev nt0; done;"
		"ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:66 nud permanent dev nt0");
	CU_ASSERT_EQUAL(net_process(n), 1);
	CU_ASSERT(hood_wait(n, "10.77.0.2", "02:77:00:00:00:66", &hop, false));
	net_close(n);
}

static const struct test tests[] = {
#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
	TEST(probing_resolves_without_other_traffic),
	TEST(stale_entries_are_confirmed),
	TEST(a_gateway_is_the_next_hop),
	TEST(changes_are_followed),
	TEST(a_failed_neighbour_keeps_its_last_mac),
	TEST(what_changes_no_answer_is_no_change),
	TEST(unreachable_destinations_are_explained),
	TEST(a_given_source_replaces_the_routes),
	TEST(vlan_devices_become_tags),
	TEST(a_changed_mtu_is_a_change),
	TEST(ports_of_a_bond_come_and_go),
	TEST(lost_events_are_made_up_for),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return hood_main(argc, argv, "net", tests);
}
