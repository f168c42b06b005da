// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: what an interface must be so that XDP sees packets as they were on the wire, and sends them. */
#include <string.h>

#include <linux/if_bonding.h>
#include <linux/if_link.h>

#include "cli/doctor.h"

static bool is_veth(const struct doctor_link *l)
{
	return !strcmp(l->port.kind, "veth");
}

static bool has(const struct doctor_port *p, uint32_t feature)
{
	return p->features_known && (p->features & feature);
}

bool judge_interface(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists) {
		finding_set(f, FINDING_BROKEN,
			    "there is no such interface in this network namespace");
		finding_advise(f, "ip link; correct node.interfaces, or mtlbctl detach %s",
			       l->name);
	} else if (!l->port.is_up) {
		finding_set(f, FINDING_BROKEN, "is down");
		finding_advise(f, "ip link set %s up", l->name);
	} else if (l->is_expected && !l->is_attached) {
		finding_set(f, FINDING_BROKEN, "does not carry mtlb's program: %s", l->detail);
		finding_advise(f, "mtlbctl reload, and see what mtlbd logs (journalctl -u mtlbd)");
	} else if (l->is_attached && l->program_id && l->program_id != l->port.program_id) {
		finding_set(
			f, FINDING_BROKEN,
			"mtlbd's program %u is on another interface of this name: mtlbctl runs in "
			"another network namespace than mtlbd",
			l->program_id);
		finding_advise(f, "nsenter -n -t $(pidof mtlbd) mtlbctl doctor");
	} else if (!l->is_expected && l->port.xdp == XDP_ATTACHED_NONE) {
		finding_set(f, FINDING_OK, "is up, and carries no program yet");
	} else {
		finding_set(f, FINDING_OK, "is up, with the program on it");
	}
	return true;
}

bool judge_mode(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists || (!l->is_expected && l->port.xdp == XDP_ATTACHED_NONE))
		return false;
	if (l->mode == ATTACH_NATIVE && l->port.xdp != XDP_ATTACHED_SKB) {
		finding_set(f, FINDING_OK, "native");
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		l->mode == ATTACH_NATIVE
			? "the configuration says native, but the kernel runs the program in generic mode"
			: "generic: several times slower, and only right while nothing merges packets "
			  "(check gro)");
	if (l->is_expected)
		finding_advise(f, "mtlbctl attach %s --mode native (or in the file, and reload)",
			       l->name);
	else
		finding_advise(f, "ip link show %s; attach it in native mode", l->name);
	return true;
}

/* Hardware's merging, unlike the kernel's, is done before even native XDP sees the packets. */
bool judge_lro(const struct doctor_link *l, struct finding *f)
{
	uint32_t merging = FEATURE_LRO | FEATURE_GRO_HW;

	if (!l->exists)
		return false;
	if (!l->port.features_known) {
		finding_set(f, FINDING_UNKNOWN, "the driver does not tell its offloads");
		return true;
	}
	if (!has(&l->port, merging)) {
		finding_set(f, FINDING_OK, "LRO and hardware GRO are off");
		return true;
	}
	bool has_lro = has(&l->port, FEATURE_LRO);
	/* for native XDP most drivers stop hardware GRO themselves, and leave the flag */
	if (has_lro || l->mode == ATTACH_GENERIC)
		finding_set(
			f, FINDING_BROKEN,
			"%s is on: the NIC merges packets of a flow before XDP sees them, and what is "
			"merged gets one outer header and is too long",
			has_lro ? "LRO" : "hardware GRO");
	else
		finding_set(
			f, FINDING_WARNING,
			"hardware GRO is on: unless the driver stops it for XDP, packets are merged "
			"before XDP sees them, and what is merged is too long");
	finding_advise(f, "ethtool -K %s%s%s", l->name, has_lro ? " lro off" : "",
		       has(&l->port, FEATURE_GRO_HW) ? " rx-gro-hw off" : "");
	return true;
}

static void judge_generic_peer(const struct doctor_link *l, struct finding *f)
{
	if (is_veth(l) && !l->has_peer) {
		finding_set(
			f, FINDING_WARNING,
			"GRO is off, but the other end of the veth cannot be seen: with TSO or GSO on "
			"there, segments larger than the MTU arrive and get one outer header");
		finding_advise(f, "at the other end: ethtool -K PEER tso off gso off gro off");
	} else if (is_veth(l) && has(&l->peer, FEATURE_TSO)) {
		finding_set(
			f, FINDING_BROKEN,
			"generic mode, and the veth's other end %s sends segments larger than the MTU: "
			"each gets one outer header, and uploads hang",
			l->peer.name);
		finding_advise(f, "%sethtool -K %s tso off gso off gro off", l->peer_net,
			       l->peer.name);
	} else {
		finding_set(f, FINDING_OK, "GRO is off, as generic mode needs");
	}
}

bool judge_gro(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists || !l->port.features_known)
		return false;
	if (l->mode == ATTACH_NATIVE) {
		finding_set(f, FINDING_OK, "GRO is %s; native XDP runs before it",
			    has(&l->port, FEATURE_GRO) ? "on" : "off");
		return true;
	}
	if (!has(&l->port, FEATURE_GRO)) {
		judge_generic_peer(l, f);
		return true;
	}
	finding_set(
		f, FINDING_BROKEN,
		"generic XDP runs behind GRO, which is on: what is merged gets one outer header and is "
		"too long; small requests work, uploads hang");
	finding_advise(f, "ethtool -K %s gro off", l->name);
	return true;
}

/* What an offload at the other end of a veth does to the frames that come from there. */
struct peer_offload {
	uint32_t feature;
	const char *key; /* as ethtool -K has it */
	const char *unseen, *on, *off;
};

static void judge_peer_offload(const struct doctor_link *l, const struct peer_offload *o,
			       struct finding *f)
{
	if (!l->has_peer || !l->peer.features_known) {
		finding_set(f, FINDING_WARNING,
			    "the offloads of the veth's other end cannot be seen; %s", o->unseen);
		finding_advise(f, "at the other end: ethtool -K PEER %s off", o->key);
	} else if (has(&l->peer, o->feature)) {
		finding_set(f, FINDING_BROKEN, "the veth's other end %s leaves %s", l->peer.name,
			    o->on);
		finding_advise(f, "%sethtool -K %s %s off", l->peer_net, l->peer.name, o->key);
	} else {
		finding_set(f, FINDING_OK, "the veth's other end %s %s", l->peer.name, o->off);
	}
}

bool judge_vlan_offload(const struct doctor_link *l, struct finding *f)
{
	static const struct peer_offload tags = {
		FEATURE_TX_VLAN,
		"txvlan",
		"with VLAN offload on, XDP sees no tags, though packets come tagged",
		"the tags of packets beside the frame: XDP sees them untagged, in another segment",
		"leaves tags in the frame",
	};

	if (!l->exists || !l->has_tags || (!is_veth(l) && !l->port.features_known))
		return false;
	if (is_veth(l)) {
		judge_peer_offload(l, &tags, f);
	} else if (has(&l->port, FEATURE_RX_VLAN)) {
		finding_set(
			f, FINDING_BROKEN,
			"segments with VLANs are on it, but the NIC takes the tags off: XDP sees the "
			"packets untagged, in another segment");
		finding_advise(f, "ethtool -K %s rxvlan off", l->name);
	} else {
		finding_set(f, FINDING_OK, "tags stay in the frame");
	}
	return true;
}

/* The kernel flushes what XDP sends on a veth only by the peer's NAPI, which runs where a program is attached. */
bool judge_peer(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists || !is_veth(l) || l->mode != ATTACH_NATIVE)
		return false;
	if (!l->has_peer) {
		finding_set(
			f, FINDING_WARNING,
			"the other end of the veth is in a network namespace that cannot be seen; "
			"without an XDP program there, all that is forwarded is lost");
		finding_advise(f,
			       "at the other end: ip -d link show PEER must say xdp; else attach a "
			       "program that returns XDP_PASS");
	} else if (l->peer.xdp != XDP_ATTACHED_DRV && l->peer.xdp != XDP_ATTACHED_MULTI) {
		finding_set(
			f, FINDING_BROKEN,
			"the veth's other end %s carries no native XDP program: what mtlb forwards is "
			"dropped without a word",
			l->peer.name);
		finding_advise(
			f,
			"%sip link set %s xdpdrv obj PASS.o sec xdp, of a program that returns "
			"XDP_PASS",
			l->peer_net, l->peer.name);
	} else if (l->peer.mtu < l->port.mtu) {
		finding_set(
			f, FINDING_WARNING,
			"MTU %u here, %u at the veth's other end %s: what is longer is dropped there",
			l->port.mtu, l->peer.mtu, l->peer.name);
		finding_advise(f, "%sip link set %s mtu %u", l->peer_net, l->peer.name,
			       l->port.mtu);
	} else {
		finding_set(f, FINDING_OK, "the veth's other end %s carries an XDP program",
			    l->peer.name);
	}
	return true;
}

bool judge_checksum(const struct doctor_link *l, struct finding *f)
{
	static const struct peer_offload checksums = {
		FEATURE_TX_CHECKSUM,
		"tx",
		"with checksum offload on, packets come with half a checksum, and backends drop them",
		"checksums to hardware that is not there: backends drop what comes from this machine's "
		"own clients (TcpInCsumErrors)",
		"completes checksums",
	};

	if (!l->exists || !is_veth(l) || l->mode != ATTACH_NATIVE)
		return false;
	judge_peer_offload(l, &checksums, f);
	return true;
}

bool judge_bond(const struct doctor_link *l, struct finding *f)
{
	const struct doctor_port *p = &l->port;

	if (l->exists && l->has_master && l->master.has_bond) {
		finding_set(
			f, FINDING_WARNING,
			"is a port of the bond %s: packets that come by its other ports are not "
			"balanced",
			l->master.name);
		finding_advise(f, "mtlbctl detach %s && mtlbctl attach %s", l->name,
			       l->master.name);
		return true;
	}
	if (!l->exists || !p->has_bond)
		return false;
	bool has_mode = p->bond_mode == BOND_MODE_ROUNDROBIN ||
			p->bond_mode == BOND_MODE_ACTIVEBACKUP || p->bond_mode == BOND_MODE_XOR ||
			p->bond_mode == BOND_MODE_8023AD;
	if (has_mode && p->bond_hash_policy != BOND_XMIT_POLICY_VLAN_SRCMAC) {
		finding_set(f, FINDING_OK, "the bond's mode has native XDP");
		return true;
	}
	finding_set(
		f, l->mode == ATTACH_NATIVE ? FINDING_BROKEN : FINDING_WARNING,
		has_mode
			? "a bond with xmit_hash_policy vlan+srcmac has no native XDP"
			: "a bond in mode broadcast, balance-tlb or balance-alb has no native XDP");
	finding_advise(f, "ip link set %s type bond %s", l->name,
		       has_mode ? "xmit_hash_policy layer3+4"
				: "mode 802.3ad (with all ports down)");
	return true;
}

bool judge_queues(const struct doctor_link *l, struct finding *f)
{
	uint32_t n = l->port.rx_queues;

	if (!l->exists || !n || !l->cpus)
		return false;
	if (n >= l->cpus || l->cpus == 1) {
		finding_set(f, FINDING_OK, "%u receive queues for %u CPUs", n, l->cpus);
	} else if (l->mode == ATTACH_GENERIC && l->rps_known && l->rps) {
		finding_set(
			f, FINDING_OK,
			"%u receive queue%s for %u CPUs, and RPS spreads packets before generic XDP",
			n, n == 1 ? "" : "s", l->cpus);
	} else if (l->mode == ATTACH_GENERIC) {
		finding_set(f, FINDING_WARNING, "%u receive queue%s for %u CPUs, and no RPS", n,
			    n == 1 ? "" : "s", l->cpus);
		finding_advise(
			f,
			"ethtool -L %s combined %u, or CPUs into /sys/class/net/%s/queues/rx-0/rps_cpus",
			l->name, l->cpus, l->name);
	} else {
		finding_set(f, FINDING_WARNING,
			    "%u receive queue%s for %u CPUs: the others forward nothing%s", n,
			    n == 1 ? "" : "s", l->cpus,
			    l->rps_known && l->rps ? "; RPS comes behind XDP and does not help"
						   : "");
		finding_advise(f, "ethtool -L %s %s %u", l->name, is_veth(l) ? "rx" : "combined",
			       l->cpus);
	}
	return true;
}

bool judge_irqs(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists || !l->n_irqs)
		return false;
	if (l->n_irqs == 1 || l->n_irq_cpus > 1 || l->cpus == 1) {
		finding_set(f, FINDING_OK, "%u interrupts of its queues, on %u CPUs", l->n_irqs,
			    l->n_irq_cpus);
		return true;
	}
	finding_set(f, FINDING_WARNING,
		    "all %u interrupts of its queues go to one CPU, which does all the work",
		    l->n_irqs);
	finding_advise(f,
		       "start irqbalance, or write one CPU each into /proc/irq/N/smp_affinity_list "
		       "(grep %s /proc/interrupts)",
		       l->name);
	return true;
}

bool judge_rp_filter(const struct doctor_link *l, struct finding *f)
{
	if (!l->exists || l->rp_filter < 0)
		return false;
	if (l->rp_filter != 1) {
		finding_set(f, FINDING_OK, "rp_filter is %s", l->rp_filter ? "loose" : "off");
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		"rp_filter is strict: not for what mtlb forwards, but answers to this machine (health "
		"checks, ping) that come by another way than the route back are dropped");
	finding_advise(f,
		       "sysctl -w net.ipv4.conf.%s.rp_filter=2 (the larger of this and "
		       "net.ipv4.conf.all.rp_filter counts)",
		       l->name);
	return true;
}
