// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which kinds of interfaces carry XDP, and what to attach to instead (Linux 6.1 to 6.18: bond_xdp_check(), dev_xdp_attach()). */
#include "core/interface.h"

#include <errno.h>
#include <linux/if_bonding.h>
#include <string.h>

static const char *const bond_modes[] = {
	[BOND_MODE_ROUNDROBIN] = "balance-rr", [BOND_MODE_ACTIVEBACKUP] = "active-backup",
	[BOND_MODE_XOR] = "balance-xor",       [BOND_MODE_BROADCAST] = "broadcast",
	[BOND_MODE_8023AD] = "802.3ad",        [BOND_MODE_TLB] = "balance-tlb",
	[BOND_MODE_ALB] = "balance-alb",
};

static const char *bond_mode_name(uint8_t mode)
{
	return mode < sizeof(bond_modes) / sizeof(*bond_modes) ? bond_modes[mode] : "unknown";
}

static bool is_kind(const struct interface_facts *f, const char *kind)
{
	return !strcmp(f->kind, kind);
}

static bool has_xdp_mode(const struct interface_facts *f)
{
	return f->bond_mode == BOND_MODE_ROUNDROBIN || f->bond_mode == BOND_MODE_ACTIVEBACKUP ||
	       f->bond_mode == BOND_MODE_XOR || f->bond_mode == BOND_MODE_8023AD;
}

static bool hashes_by_vlan(const struct interface_facts *f)
{
	return (f->bond_mode == BOND_MODE_XOR || f->bond_mode == BOND_MODE_8023AD) &&
	       f->bond_policy == BOND_XMIT_POLICY_VLAN_SRCMAC;
}

static void explain_bond(const struct interface_facts *f, struct report *r)
{
	if (!has_xdp_mode(f))
		report_add(
			r, f->name,
			"is a bond of mode %s, which has no native XDP; allowed: balance-rr, "
			"active-backup, balance-xor and 802.3ad, or mtlbctl attach %s --mode generic "
			"(slower)",
			bond_mode_name(f->bond_mode), f->name);
	else if (hashes_by_vlan(f))
		report_add(
			r, f->name,
			"is a bond of mode %s with xmit_hash_policy vlan+srcmac, which has no native "
			"XDP; allowed: layer2, layer2+3, layer3+4, encap2+3 and encap3+4",
			bond_mode_name(f->bond_mode));
	else if (*f->taken_port)
		report_add(
			r, f->name,
			"is a bond whose port %s carries an XDP program of its own: take that one "
			"off first (mtlbctl detach %s, or ip link set dev %s xdp off)",
			f->taken_port, f->taken_port, f->taken_port);
	else
		report_add(
			r, f->name,
			"is a bond, and one of its ports (%s) has a driver without native XDP: all "
			"of them need it; or mtlbctl attach %s --mode generic (slower)",
			f->ports, f->name);
}

/* false: a kind of which nothing is known. */
static bool explain_kind(const struct interface_facts *f, struct report *r)
{
	const char *lower = *f->lower ? f->lower : "the interface that it stands on";

	if (f->is_loopback)
		report_add(
			r, f->name,
			"is the loopback, where nothing comes in from the network: attach to the "
			"interface that the clients' packets come in by");
	else if (is_kind(f, "bond"))
		explain_bond(f, r);
	else if (is_kind(f, "vlan"))
		report_add(
			r, f->name,
			"is VLAN %u of %s, and VLAN devices have no native XDP: attach to %s, and "
			"give it a segment with vlan: %u",
			f->vlan, lower, lower, f->vlan);
	else if (is_kind(f, "bridge") || is_kind(f, "team"))
		report_add(r, f->name,
			   "is a %s, which has no native XDP: attach to its ports (%s), or mtlbctl "
			   "attach %s --mode generic (slower)",
			   f->kind, *f->ports ? f->ports : "it has none", f->name);
	else if (is_kind(f, "macvlan") || is_kind(f, "macvtap") || is_kind(f, "ipvlan"))
		report_add(r, f->name, "is a %s on %s, which has no native XDP: attach to %s",
			   f->kind, lower, lower);
	else
		return false;
	return true;
}

static bool explain_busy(const struct interface_facts *f, struct report *r)
{
	if (*f->upper)
		report_add(
			r, f->name,
			"is below %s, which carries an XDP program, and the kernel allows no second "
			"one: attach to %s alone, or take that one off first (mtlbctl detach %s, "
			"or ip link set dev %s xdp off)",
			f->upper, f->upper, f->upper, f->upper);
	return *f->upper;
}

bool interface_explain(const struct interface_facts *f, enum attach_mode mode, int err,
		       struct report *r)
{
	if (err == -EBUSY)
		return explain_busy(f, r);
	return err == -EOPNOTSUPP && mode == ATTACH_NATIVE && explain_kind(f, r);
}
