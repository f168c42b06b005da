// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: from facts to findings. Each row is one deviation from a healthy machine. */
#include <stdio.h>
#include <string.h>

#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <netinet/in.h>

#include "cli/doctor.h"
#include "test.h"

enum {
	NOT_MEANT = -1
};

static void assert_finding(const char *row, bool is_meant, const struct finding *f, int state,
			   const char *advice)
{
	bool is_right =
		is_meant ? state == (int)f->state && strstr(f->advice, advice) : state == NOT_MEANT;

	CU_ASSERT_TRUE(is_right);
	if (!is_right)
		printf("     %s: %s: %s -> %s\n", row,
		       is_meant ? finding_state_name(f->state) : "not meant", f->found, f->advice);
	if (!is_meant)
		return;
	/* whoever is told that something is wrong is told what to type */
	CU_ASSERT_TRUE(*f->found);
	CU_ASSERT_EQUAL(f->state >= FINDING_WARNING && !*f->advice, false);
	CU_ASSERT_EQUAL(f->state == FINDING_OK && *f->advice, false);
}

/* ---- the machine ---- */
static void the_kernel_has_what_xdp_needs(void)
{
	static const struct doctor_host healthy = {.release = "6.1.0",
						   .major = 6,
						   .minor = 1,
						   .jit_known = true,
						   .jit = true,
						   .jit_harden = -1,
						   .has_bpffs = true,
						   .has_btf = true,
						   .has_daemon = true};
	static const struct {
		const char *name;
		bool (*judge)(const struct doctor_host *h, struct finding *f);
		unsigned int major, minor; /* 0: 6.1 */
		bool no_jit, jit_unknown, no_bpffs, no_btf, no_daemon, partial, share;
		int harden;
		const char *lockdown, *missing;
		int state;
		const char *advice;
	} rows[] = {
		{"daemon", judge_daemon, .state = FINDING_OK},
		{"no daemon", judge_daemon, .no_daemon = true, .state = FINDING_WARNING,
		 .advice = "systemctl start mtlbd"},
		{"another version", judge_daemon, .partial = true, .state = FINDING_WARNING,
		 .advice = "mtlbctl version"},
		{"6.1", judge_kernel, .state = FINDING_OK},
		{"7.0", judge_kernel, .major = 7, .state = FINDING_OK},
		{"6.0", judge_kernel, .major = 6, .state = FINDING_BROKEN, .advice = "6.1"},
		{"5.15", judge_kernel, .major = 5, .minor = 15, .state = FINDING_BROKEN},
		{"jit", judge_jit, .state = FINDING_OK},
		{"jit unknown", judge_jit, .jit_unknown = true, .state = FINDING_UNKNOWN},
		{"interpreter", judge_jit, .no_jit = true, .state = FINDING_BROKEN,
		 .advice = "bpf_jit_enable=1"},
		{"harden 1", judge_jit, .harden = 1, .state = FINDING_OK},
		{"harden 2", judge_jit, .harden = 2, .state = FINDING_WARNING,
		 .advice = "bpf_jit_harden=1"},
		{"bpffs", judge_bpffs, .state = FINDING_OK},
		{"no bpffs", judge_bpffs, .no_bpffs = true, .state = FINDING_BROKEN,
		 .advice = "mount -t bpf"},
		{"btf", judge_btf, .state = FINDING_OK},
		{"no btf", judge_btf, .no_btf = true, .state = FINDING_WARNING,
		 .advice = "DEBUG_INFO_BTF"},
		{"no btf, shared", judge_btf, .no_btf = true, .share = true,
		 .state = FINDING_BROKEN},
		{"no lockdown", judge_lockdown, .state = FINDING_OK},
		{"lockdown", judge_lockdown, .lockdown = "confidentiality", .state = FINDING_OK},
		{"lockdown, shared", judge_lockdown, .lockdown = "confidentiality", .share = true,
		 .state = FINDING_WARNING, .advice = "mtlbctl status"},
		{"integrity, shared", judge_lockdown, .lockdown = "integrity", .share = true,
		 .state = FINDING_OK},
		{"root", judge_capabilities, .state = FINDING_OK},
		{"not root", judge_capabilities, .missing = "CAP_BPF", .state = FINDING_WARNING,
		 .advice = "sudo"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct doctor_host h = healthy;
		struct finding f = {0};
		h.major = rows[i].major ? rows[i].major : h.major;
		h.minor = rows[i].major ? rows[i].minor : h.minor;
		h.jit_known = !rows[i].jit_unknown;
		h.jit = !rows[i].no_jit;
		h.has_bpffs = !rows[i].no_bpffs;
		h.has_btf = !rows[i].no_btf;
		h.has_daemon = !rows[i].no_daemon;
		h.is_partial = rows[i].partial;
		h.is_share_used = rows[i].share;
		h.jit_harden = rows[i].harden ? rows[i].harden : -1;
		snprintf(h.lockdown, sizeof(h.lockdown), "%s",
			 rows[i].lockdown ? rows[i].lockdown : "");
		snprintf(h.missing, sizeof(h.missing), "%s",
			 rows[i].missing ? rows[i].missing : "");
		assert_finding(rows[i].name, rows[i].judge(&h, &f), &f, rows[i].state,
			       rows[i].advice ? rows[i].advice : "");
	}
}

/* ---- interfaces ---- */
struct link_row {
	const char *name;
	bool (*judge)(const struct doctor_link *l, struct finding *f);
	const char *kind; /* NULL: a real NIC */
	bool is_generic, is_down, is_gone, is_detached, is_unexpected, is_elsewhere, has_tags;
	bool no_features, no_peer, in_skb_mode;
	uint32_t features, peer_features;
	int peer_xdp;      /* 0: as it must be; -1: none */
	uint32_t peer_mtu; /* 0: the same */
	uint32_t queues;   /* 0: 4, of 4 CPUs */
	bool rps;
	unsigned int irqs, irq_cpus;
	int rp_filter;
	bool in_bond, is_bond;
	uint8_t bond_mode, hash_policy;
	int state;
	const char *advice;
};

static struct doctor_link link_of(const struct link_row *r)
{
	struct doctor_link l = {.name = "eth0",
				.mode = r->is_generic ? ATTACH_GENERIC : ATTACH_NATIVE,
				.is_expected = !r->is_unexpected,
				.is_attached = !r->is_detached,
				.program_id = 7,
				.detail = "not attached",
				.has_tags = r->has_tags,
				.exists = !r->is_gone,
				.cpus = 4,
				.n_irqs = r->irqs,
				.n_irq_cpus = r->irq_cpus,
				.rps_known = true,
				.rps = r->rps,
				.rp_filter = r->rp_filter,
				.has_peer = r->kind && !r->no_peer,
				.peer_net = "ip netns exec sw ",
				.has_master = r->in_bond};

	snprintf(l.port.kind, sizeof(l.port.kind), "%s", r->kind ? r->kind : "");
	l.port.is_up = !r->is_down;
	l.port.mtu = 1600;
	l.port.program_id = r->is_unexpected || r->is_elsewhere ? 0 : 7;
	l.port.xdp = r->is_unexpected                  ? XDP_ATTACHED_NONE
		     : r->is_generic || r->in_skb_mode ? XDP_ATTACHED_SKB
						       : XDP_ATTACHED_DRV;
	l.port.rx_queues = r->queues ? r->queues : 4;
	l.port.features_known = !r->no_features;
	l.port.features = r->features;
	l.port.has_bond = r->is_bond;
	l.port.bond_mode = r->bond_mode;
	l.port.bond_hash_policy = r->hash_policy;
	l.peer = (struct doctor_port){.name = "p-lb",
				      .mtu = r->peer_mtu ? r->peer_mtu : 1600,
				      .xdp = r->peer_xdp < 0 ? XDP_ATTACHED_NONE
					     : r->peer_xdp   ? (uint8_t)r->peer_xdp
							     : XDP_ATTACHED_DRV,
				      .features_known = true,
				      .features = r->peer_features};
	l.master = (struct doctor_port){.name = "bond0", .has_bond = r->in_bond};
	return l;
}

static void judge_rows(const struct link_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct doctor_link l = link_of(&rows[i]);
		struct finding f = {0};
		assert_finding(rows[i].name, rows[i].judge(&l, &f), &f, rows[i].state,
			       rows[i].advice ? rows[i].advice : "");
	}
}

#define ROWS(rows) rows, sizeof(rows) / sizeof(*rows)

static void an_interface_carries_the_program(void)
{
	static const struct link_row rows[] = {
		{"well", judge_interface, .state = FINDING_OK},
		{"gone", judge_interface, .is_gone = true, .state = FINDING_BROKEN,
		 .advice = "detach eth0"},
		{"down", judge_interface, .is_down = true, .state = FINDING_BROKEN,
		 .advice = "ip link set eth0 up"},
		{"detached", judge_interface, .is_detached = true, .state = FINDING_BROKEN,
		 .advice = "reload"},
		{"before mtlbd", judge_interface, .is_unexpected = true, .is_detached = true,
		 .state = FINDING_OK},
		{"of another namespace", judge_interface, .is_elsewhere = true,
		 .state = FINDING_BROKEN, .advice = "nsenter -n -t"},
		{"before mtlbd", judge_mode, .is_unexpected = true, .state = NOT_MEANT},
		{"native", judge_mode, .state = FINDING_OK},
		{"generic", judge_mode, .is_generic = true, .state = FINDING_WARNING,
		 .advice = "--mode native"},
		{"not as configured", judge_mode, .in_skb_mode = true, .state = FINDING_WARNING},
		{"gone", judge_mode, .is_gone = true, .state = NOT_MEANT},
		{"not a bond", judge_bond, .state = NOT_MEANT},
		{"802.3ad", judge_bond, .is_bond = true, .bond_mode = BOND_MODE_8023AD,
		 .state = FINDING_OK},
		{"active-backup", judge_bond, .is_bond = true, .bond_mode = BOND_MODE_ACTIVEBACKUP,
		 .state = FINDING_OK},
		{"balance-tlb", judge_bond, .is_bond = true, .bond_mode = BOND_MODE_TLB,
		 .state = FINDING_BROKEN, .advice = "mode 802.3ad"},
		{"balance-alb, generic", judge_bond, .is_bond = true, .is_generic = true,
		 .bond_mode = BOND_MODE_ALB, .state = FINDING_WARNING, .advice = "mode 802.3ad"},
		{"vlan+srcmac", judge_bond, .is_bond = true, .bond_mode = BOND_MODE_XOR,
		 .hash_policy = 5, .state = FINDING_BROKEN, .advice = "xmit_hash_policy"},
		{"a port", judge_bond, .in_bond = true, .state = FINDING_WARNING,
		 .advice = "attach bond0"},
	};

	judge_rows(ROWS(rows));
}

static void xdp_sees_packets_as_they_were_sent(void)
{
	static const struct link_row rows[] = {
		{"lro off", judge_lro, .state = FINDING_OK},
		{"lro", judge_lro, .features = FEATURE_LRO, .state = FINDING_BROKEN,
		 .advice = "ethtool -K eth0 lro off"},
		{"gro in hardware", judge_lro, .features = FEATURE_GRO_HW, .state = FINDING_WARNING,
		 .advice = "ethtool -K eth0 rx-gro-hw off"},
		{"gro in hardware, generic", judge_lro, .features = FEATURE_GRO_HW,
		 .is_generic = true, .state = FINDING_BROKEN, .advice = "rx-gro-hw off"},
		{"offloads unknown", judge_lro, .no_features = true, .state = FINDING_UNKNOWN},
		{"gro, native", judge_gro, .features = FEATURE_GRO, .state = FINDING_OK},
		{"gro, generic", judge_gro, .features = FEATURE_GRO, .is_generic = true,
		 .state = FINDING_BROKEN, .advice = "ethtool -K eth0 gro off"},
		{"no gro, generic", judge_gro, .is_generic = true, .state = FINDING_OK},
		{"a peer's tso, generic", judge_gro, "veth", .is_generic = true,
		 .peer_features = FEATURE_TSO, .state = FINDING_BROKEN,
		 .advice = "ip netns exec sw ethtool -K p-lb tso off"},
		{"a peer's tso, native", judge_gro, "veth", .peer_features = FEATURE_TSO,
		 .state = FINDING_OK},
		{"a peer unseen, generic", judge_gro, "veth", .is_generic = true, .no_peer = true,
		 .state = FINDING_WARNING, .advice = "PEER"},
		{"no tags", judge_vlan_offload, .features = FEATURE_RX_VLAN, .state = NOT_MEANT},
		{"tags stay", judge_vlan_offload, .has_tags = true, .state = FINDING_OK},
		{"tags taken", judge_vlan_offload, .has_tags = true, .features = FEATURE_RX_VLAN,
		 .state = FINDING_BROKEN, .advice = "ethtool -K eth0 rxvlan off"},
		{"a veth's own flag", judge_vlan_offload, "veth", .has_tags = true,
		 .features = FEATURE_RX_VLAN, .state = FINDING_OK},
		{"a veth's peer", judge_vlan_offload, "veth", .has_tags = true,
		 .peer_features = FEATURE_TX_VLAN, .state = FINDING_BROKEN,
		 .advice = "ip netns exec sw ethtool -K p-lb txvlan off"},
		{"a veth's peer, no tags", judge_vlan_offload, "veth",
		 .peer_features = FEATURE_TX_VLAN, .state = NOT_MEANT},
		{"a peer unseen, tags", judge_vlan_offload, "veth", .has_tags = true,
		 .no_peer = true, .state = FINDING_WARNING, .advice = "txvlan off"},
	};

	judge_rows(ROWS(rows));
}

static void a_veth_delivers_what_xdp_sends(void)
{
	static const struct link_row rows[] = {
		{"no veth", judge_peer, .state = NOT_MEANT},
		{"well", judge_peer, "veth", .state = FINDING_OK},
		{"several programs", judge_peer, "veth", .peer_xdp = XDP_ATTACHED_MULTI,
		 .state = FINDING_OK},
		{"no program", judge_peer, "veth", .peer_xdp = -1, .state = FINDING_BROKEN,
		 .advice = "ip netns exec sw ip link set p-lb xdpdrv"},
		{"a generic one", judge_peer, "veth", .peer_xdp = XDP_ATTACHED_SKB,
		 .state = FINDING_BROKEN, .advice = "xdpdrv"},
		{"no program, generic", judge_peer, "veth", .peer_xdp = -1, .is_generic = true,
		 .state = NOT_MEANT},
		{"unseen", judge_peer, "veth", .no_peer = true, .state = FINDING_WARNING,
		 .advice = "PEER"},
		{"MTU", judge_peer, "veth", .peer_mtu = 1500, .state = FINDING_WARNING,
		 .advice = "ip netns exec sw ip link set p-lb mtu 1600"},
		{"checksums", judge_checksum, "veth", .state = FINDING_OK},
		{"half a checksum", judge_checksum, "veth", .peer_features = FEATURE_TX_CHECKSUM,
		 .state = FINDING_BROKEN, .advice = "ip netns exec sw ethtool -K p-lb tx off"},
		{"half a checksum, generic", judge_checksum, "veth", .is_generic = true,
		 .peer_features = FEATURE_TX_CHECKSUM, .state = NOT_MEANT},
		{"a NIC's offload", judge_checksum, .features = FEATURE_TX_CHECKSUM,
		 .state = NOT_MEANT},
		{"checksums unseen", judge_checksum, "veth", .no_peer = true,
		 .state = FINDING_WARNING, .advice = "tx off"},
	};

	judge_rows(ROWS(rows));
}

static void work_is_spread_over_cpus(void)
{
	static const struct link_row rows[] = {
		{"enough", judge_queues, .state = FINDING_OK},
		{"one", judge_queues, .queues = 1, .state = FINDING_WARNING,
		 .advice = "ethtool -L eth0 combined 4"},
		{"one, with RPS", judge_queues, .queues = 1, .rps = true, .state = FINDING_WARNING},
		{"one of a veth", judge_queues, "veth", .queues = 1, .state = FINDING_WARNING,
		 .advice = "ethtool -L eth0 rx 4"},
		{"generic", judge_queues, .queues = 1, .is_generic = true, .state = FINDING_WARNING,
		 .advice = "rps_cpus"},
		{"generic, with RPS", judge_queues, .queues = 1, .is_generic = true, .rps = true,
		 .state = FINDING_OK},
		{"no interrupts", judge_irqs, .state = NOT_MEANT},
		{"spread", judge_irqs, .irqs = 4, .irq_cpus = 4, .state = FINDING_OK},
		{"one", judge_irqs, .irqs = 1, .irq_cpus = 1, .state = FINDING_OK},
		{"all on one CPU", judge_irqs, .irqs = 4, .irq_cpus = 1, .state = FINDING_WARNING,
		 .advice = "irqbalance"},
		{"off", judge_rp_filter, .state = FINDING_OK},
		{"loose", judge_rp_filter, .rp_filter = 2, .state = FINDING_OK},
		{"strict", judge_rp_filter, .rp_filter = 1, .state = FINDING_WARNING,
		 .advice = "net.ipv4.conf.eth0.rp_filter=2"},
		{"unknown", judge_rp_filter, .rp_filter = -1, .state = NOT_MEANT},
	};

	judge_rows(ROWS(rows));
}

/* ---- ways and backends ---- */
static void what_becomes_of_packets_for_who_is_silent_is_told(void)
{
	static const struct {
		bool is_resolved, is_kept;
		const char *silent, *text;
	} rows[] = {
		{true, false, "quiet", "quiet; packets for a/b/c still go where it was last: here"},
		{false, true, "quiet", "here; packets for a/b/c still go where they went before"},
		{false, false, "quiet", "a/b/c gets no packets: here"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct doctor_path p = {.name = "a/b/c",
					.n_backends = 1,
					.is_resolved = rows[i].is_resolved,
					.is_kept = rows[i].is_kept,
					.next_hop = "here"};
		struct finding f = {0};

		strcpy(p.silent, rows[i].silent);
		CU_ASSERT(judge_next_hop(&p, &f));
		CU_ASSERT_EQUAL(f.state, FINDING_BROKEN);
		CU_ASSERT_STRING_EQUAL(f.found, rows[i].text);
	}
}

static void backends_are_reached(void)
{
	static const struct {
		const char *name;
		bool (*judge)(const struct doctor_path *p, struct finding *f);
		bool is_unresolved, no_route, is_foreign, is_silent;
		const char *kind;
		uint32_t mtu, other_mtu;
		unsigned int outer_len;
		enum mtu_limit limit;
		bool is_redirecting;
		int state;
		const char *advice;
	} rows[] = {
		{"resolved", judge_next_hop, .state = FINDING_OK},
		{"unresolved", judge_next_hop, .is_unresolved = true, .state = FINDING_BROKEN,
		 .advice = "ip neigh show dev eth1"},
		{"silent", judge_next_hop, .is_silent = true, .state = FINDING_BROKEN,
		 .advice = "ping -c 1 10.0.0.11"},
		{"no route", judge_next_hop, .is_unresolved = true, .no_route = true,
		 .state = FINDING_BROKEN, .advice = "ip route get 10.0.0.11"},
		{"ours", judge_route, .state = FINDING_OK},
		{"foreign", judge_route, .is_foreign = true, .state = FINDING_BROKEN,
		 .advice = "mtlbctl attach eth1"},
		{"bridge", judge_route, .is_foreign = true, .kind = "bridge",
		 .state = FINDING_BROKEN, .advice = "one of its ports"},
		{"bond", judge_route, .is_foreign = true, .kind = "bond", .state = FINDING_BROKEN,
		 .advice = "mtlbctl attach eth1"},
		{"no route", judge_route, .no_route = true, .state = NOT_MEANT},
		{"exact", judge_mtu, .mtu = 1550, .outer_len = 50, .state = FINDING_OK},
		{"short of one", judge_mtu, .mtu = 1549, .outer_len = 50, .state = FINDING_WARNING,
		 .advice = "ip link set eth1 mtu 1550"},
		{"ipip", judge_mtu, .mtu = 1500, .outer_len = 20, .state = FINDING_WARNING,
		 .advice = "advmss 1420"},
		{"of a route", judge_mtu, .mtu = 1500, .outer_len = 20, .limit = MTU_LIMIT_ROUTE,
		 .state = FINDING_WARNING, .advice = "ip route get 10.0.0.11"},
		{"as configured", judge_mtu, .mtu = 1400, .outer_len = 20,
		 .limit = MTU_LIMIT_CONFIGURATION, .state = FINDING_WARNING,
		 .advice = "encapsulation.mtu to 1520"},
		{"l2", judge_mtu, .mtu = 1500, .state = FINDING_OK},
		{"unknown", judge_mtu, .outer_len = 50, .state = NOT_MEANT},
		{"jumbo, by the same interface", judge_jumbo, .mtu = 9000, .state = NOT_MEANT},
		{"jumbo, by another", judge_jumbo, .mtu = 9000, .other_mtu = 9000,
		 .state = FINDING_WARNING, .advice = "ip link set eth0 mtu 3498"},
		{"jumbo, by another, Linux 6.3", judge_jumbo, .mtu = 9000, .other_mtu = 9000,
		 .is_redirecting = true, .state = FINDING_OK},
		{"in one buffer", judge_jumbo, .mtu = 9000, .other_mtu = 3498, .state = NOT_MEANT},
		{"in two", judge_jumbo, .mtu = 9000, .other_mtu = 3499, .state = FINDING_WARNING},
		{"jumbo that the path takes not", judge_jumbo, .mtu = 3548, .outer_len = 50,
		 .other_mtu = 9000, .state = NOT_MEANT},
		{"jumbo that it takes", judge_jumbo, .mtu = 3549, .outer_len = 50,
		 .other_mtu = 9000, .state = FINDING_WARNING},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct doctor_path p = {.name = "acme/web/web-1",
					.n_backends = 1,
					.is_resolved = !rows[i].is_unresolved,
					.next_hop = "02:00:00:00:00:01 on eth1",
					.silent = {rows[i].is_silent ? '-' : 0},
					.has_route = !rows[i].no_route,
					.n_links = !rows[i].no_route,
					.is_ours = !rows[i].is_foreign,
					.mtu = rows[i].mtu,
					.outer_len = rows[i].outer_len,
					.mtu_limit = rows[i].limit,
					.mtu_link = "eth1",
					.other_link = "eth0",
					.other_mtu = rows[i].other_mtu,
					.redirects_frags = rows[i].is_redirecting};
		struct finding f = {0};
		addr_parse("10.0.0.11", &p.to);
		strcpy(p.links[0].name, "eth1");
		strcpy(p.links[0].kind, rows[i].kind ? rows[i].kind : "");
		assert_finding(rows[i].name, rows[i].judge(&p, &f), &f, rows[i].state,
			       rows[i].advice ? rows[i].advice : "");
	}
}

static void backends_take_the_vip(void)
{
	static const struct {
		const char *name;
		enum probe_outcome outcome;
		enum mtlb_encap_kind kind;
		int state;
		const char *advice;
	} rows[] = {
		{"answered", PROBE_ANSWERED, MTLB_ENCAP_IPIP, FINDING_OK, ""},
		{"closed", PROBE_CLOSED, MTLB_ENCAP_IPIP, FINDING_WARNING, "start the service"},
		{"silent", PROBE_SILENT, MTLB_ENCAP_IPIP, FINDING_BROKEN,
		 "ip addr add 203.0.113.1/32"},
		{"ipip", PROBE_UNREACHABLE, MTLB_ENCAP_IPIP, FINDING_BROKEN, "tunl0"},
		{"gue", PROBE_UNREACHABLE, MTLB_ENCAP_GUE, FINDING_BROKEN, "ip fou add"},
		{"vxlan", PROBE_UNREACHABLE, MTLB_ENCAP_VXLAN, FINDING_BROKEN, "vxlan device"},
		{"not sent", PROBE_NOT_SENT, MTLB_ENCAP_IPIP, FINDING_UNKNOWN, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct doctor_probe p = {.port = 80,
					 .protocol = IPPROTO_TCP,
					 .encap.kind = rows[i].kind,
					 .outcome = rows[i].outcome,
					 .why = "no route"};
		struct finding f = {0};
		addr_parse("203.0.113.1", &p.vip);
		addr_parse("10.0.0.11", &p.backend);
		assert_finding(rows[i].name, judge_probe(&p, &f), &f, rows[i].state,
			       rows[i].advice);
	}
}

static void a_vip_is_not_on_the_balancer(void)
{
	struct doctor_vip v = {.name = "acme/web"};
	struct finding f = {0};

	addr_parse("2001:db8::1", &v.address);
	assert_finding("elsewhere", judge_local_vip(&v, &f), &f, FINDING_OK, "");
	strcpy(v.local, "lo");
	assert_finding("here", judge_local_vip(&v, &f), &f, FINDING_BROKEN,
		       "ip addr del 2001:db8::1/128 dev lo");
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"the_kernel_has_what_xdp_needs", the_kernel_has_what_xdp_needs},
		{"an_interface_carries_the_program", an_interface_carries_the_program},
		{"xdp_sees_packets_as_they_were_sent", xdp_sees_packets_as_they_were_sent},
		{"a_veth_delivers_what_xdp_sends", a_veth_delivers_what_xdp_sends},
		{"work_is_spread_over_cpus", work_is_spread_over_cpus},
		{"what_becomes_of_packets_for_who_is_silent_is_told",
		 what_becomes_of_packets_for_who_is_silent_is_told},
		{"backends_are_reached", backends_are_reached},
		{"backends_take_the_vip", backends_take_the_vip},
		{"a_vip_is_not_on_the_balancer", a_vip_is_not_on_the_balancer},
		{0},
	};

	return test_main(argc, argv, "doctor", tests);
}
