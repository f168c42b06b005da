/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why an interface does not take the program: what the kernel answers with a bare error number, told from facts about it. */
#pragma once

#include "core/model.h"
#include "util/report.h"

enum { INTERFACE_LIST = 128 };       /* a list of names: "eth0, eth1, ..." */

struct interface_facts {
	char name[16];
	char kind[16];               /* as the kernel calls it: "bond", "vlan", "bridge", ...; "": hardware */
	bool is_loopback;
	char lower[16];              /* what a VLAN device or macvlan stands on; "": it is elsewhere */
	uint16_t vlan;
	uint8_t bond_mode, bond_policy; /* BOND_MODE_*, BOND_XMIT_POLICY_* of linux/if_bonding.h */
	char ports[INTERFACE_LIST];  /* of a bond or bridge; cut where there are too many */
	char taken_port[16];         /* the first port that carries a program of its own; "": none */
	char upper[16];              /* a bond, bridge or VLAN device on it that carries a program; "": none */
};

/*
 * err: what attaching answered, -EOPNOTSUPP or -EBUSY. One line in r that says what the interface is and what to do; none, and
 * false, where the facts do not explain the error.
 */
bool interface_explain(const struct interface_facts *f, enum attach_mode mode, int err,
		       struct report *r);
