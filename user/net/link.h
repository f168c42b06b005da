/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An interface as rtnetlink tells it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"

struct nlmsghdr;

struct link {
	uint32_t ifindex;
	char name[16];
	struct mac mac;
	bool has_mac; /* Ethernet with an address; not loopback, tunnels, point-to-point */
	bool is_up;
	bool is_loopback;
	uint32_t mtu;
	char kind[16];   /* as the kernel calls it: "bond", "vlan", "veth", ...; "": hardware */
	uint32_t master; /* the bond or bridge whose port it is; 0: none */
	bool is_vlan;
	uint32_t parent; /* of a VLAN device or macvlan; of a veth the other end; 0: none */
	bool is_parent_elsewhere; /* in another namespace, whose indices mean nothing here */
	int32_t parent_net;       /* which: a netnsid; -1: this one, or one without */
	uint16_t vlan;
	uint16_t vlan_protocol; /* host order */
	uint8_t bond_mode, bond_policy; /* BOND_MODE_*, BOND_XMIT_POLICY_* */
};

/* Of a message RTM_NEWLINK or RTM_DELLINK. */
void link_read(const struct nlmsghdr *h, struct link *out);
bool link_is_bond(const struct link *l);
