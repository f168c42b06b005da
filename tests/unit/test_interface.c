/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why an interface does not take the program: facts in, sentence out. */
#include <errno.h>
#include <linux/if_bonding.h>
#include <stdio.h>
#include <string.h>

#include "core/interface.h"
#include "test.h"

#define BOND(mode, policy)                                                                         \
	{                                                                                          \
		.name = "if0", .kind = "bond", .bond_mode = mode, .bond_policy = policy,           \
		.ports = "eth0, eth1"                                                              \
	}

static const struct {
	struct interface_facts facts;
	enum attach_mode mode;
	int err;
	const char *found, *advice; /* NULL: nothing is said */
} rows[] = {
	{BOND(BOND_MODE_BROADCAST, 0), ATTACH_NATIVE, -EOPNOTSUPP, "bond of mode broadcast,",
	 "allowed: balance-rr, active-backup, balance-xor and 802.3ad"},
	{BOND(BOND_MODE_TLB, 0), ATTACH_NATIVE, -EOPNOTSUPP, "bond of mode balance-tlb,",
	 "allowed: balance-rr, active-backup, balance-xor and 802.3ad"},
	{BOND(BOND_MODE_ALB, BOND_XMIT_POLICY_VLAN_SRCMAC), ATTACH_NATIVE, -EOPNOTSUPP,
	 "bond of mode balance-alb,", "or mtlbctl attach if0 --mode generic"},
	{BOND(99, 0), ATTACH_NATIVE, -EOPNOTSUPP, "bond of mode unknown,", "allowed: balance-rr"},
	{BOND(BOND_MODE_8023AD, BOND_XMIT_POLICY_VLAN_SRCMAC), ATTACH_NATIVE, -EOPNOTSUPP,
	 "mode 802.3ad with xmit_hash_policy vlan+srcmac",
	 "allowed: layer2, layer2+3, layer3+4, encap2+3 and encap3+4"},
	{BOND(BOND_MODE_XOR, BOND_XMIT_POLICY_VLAN_SRCMAC), ATTACH_NATIVE, -EOPNOTSUPP,
	 "mode balance-xor with xmit_hash_policy vlan+srcmac", "allowed: layer2"},
	/* the policy is without effect in these modes, so it must be the ports */
	{BOND(BOND_MODE_ROUNDROBIN, BOND_XMIT_POLICY_VLAN_SRCMAC), ATTACH_NATIVE, -EOPNOTSUPP,
	 "one of its ports (eth0, eth1)", "all of them need it"},
	{BOND(BOND_MODE_ACTIVEBACKUP, 0), ATTACH_NATIVE, -EOPNOTSUPP,
	 "one of its ports (eth0, eth1)", "all of them need it"},
	{BOND(BOND_MODE_8023AD, BOND_XMIT_POLICY_LAYER34), ATTACH_NATIVE, -EOPNOTSUPP,
	 "one of its ports (eth0, eth1)", "all of them need it"},
	{BOND(BOND_MODE_TLB, 0), ATTACH_GENERIC, -EOPNOTSUPP, NULL, NULL},
	{BOND(BOND_MODE_TLB, 0), ATTACH_NATIVE, -EPERM, NULL, NULL},
	{{.name = "if0", .kind = "bond", .taken_port = "eth1"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP, /* so says bond_xdp_set(), not EBUSY */
	 "whose port eth1 carries an XDP program",
	 "mtlbctl detach eth1"},
	{{.name = "if0", .kind = "bond", .bond_mode = BOND_MODE_TLB, .taken_port = "eth1"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "bond of mode balance-tlb",
	 "allowed: balance-rr"},
	{{.name = "if0", .kind = "bond"}, ATTACH_NATIVE, -EBUSY, NULL, NULL},
	{{.name = "if0", .upper = "bond0"},
	 ATTACH_NATIVE,
	 -EBUSY,
	 "is below bond0",
	 "attach to bond0 alone"},
	{{.name = "if0", .upper = "bond0"},
	 ATTACH_GENERIC,
	 -EBUSY,
	 "is below bond0",
	 "mtlbctl detach bond0"},
	{{.name = "if0", .upper = "bond0"}, ATTACH_NATIVE, -EOPNOTSUPP, NULL, NULL},
	{{.name = "if0"}, ATTACH_NATIVE, -EBUSY, NULL, NULL},
	{{.name = "if0", .kind = "vlan", .vlan = 100, .lower = "eth0"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is VLAN 100 of eth0",
	 "attach to eth0, and give it a segment with vlan: 100"},
	{{.name = "if0", .kind = "vlan", .vlan = 7},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is VLAN 7 of the interface that it stands on",
	 "vlan: 7"},
	{{.name = "if0", .kind = "bridge", .ports = "eth0, eth1"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is a bridge",
	 "attach to its ports (eth0, eth1)"},
	{{.name = "if0", .kind = "bridge"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is a bridge",
	 "(it has none)"},
	{{.name = "if0", .kind = "macvlan", .lower = "eth0"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is a macvlan on eth0",
	 "attach to eth0"},
	{{.name = "if0", .kind = "macvtap", .lower = "eth0"},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is a macvtap on eth0",
	 "attach to eth0"},
	{{.name = "if0", .is_loopback = true},
	 ATTACH_NATIVE,
	 -EOPNOTSUPP,
	 "is the loopback",
	 "attach to the interface that the clients' packets come in by"},
	{{.name = "if0", .kind = "wireguard"}, ATTACH_NATIVE, -EOPNOTSUPP, NULL, NULL},
	{{.name = "if0"}, ATTACH_NATIVE, -EOPNOTSUPP, NULL, NULL},
};

static void refusals_say_what_was_found_and_what_to_do(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct report r = {0};
		bool said = interface_explain(&rows[i].facts, rows[i].mode, rows[i].err, &r);

		CU_ASSERT_EQUAL(said, rows[i].found != NULL);
		CU_ASSERT_EQUAL_FATAL(r.n, said);
		if (said && (!strstr(r.lines[0].text, rows[i].found) ||
			     !strstr(r.lines[0].text, rows[i].advice))) {
			printf("     \"%s\" where \"%s\" and \"%s\" were expected\n",
			       r.lines[0].text, rows[i].found, rows[i].advice);
			CU_FAIL("another sentence was expected");
		}
		if (said)
			CU_ASSERT_STRING_EQUAL(r.lines[0].where, "if0");
		report_clear(&r);
	}
}

static const struct test tests[] = {
	{"refusals_say_what_was_found_and_what_to_do", refusals_say_what_was_found_and_what_to_do},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "interface", tests);
}
