// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Every command: dispatch, usage and help are this table. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#define TENANT_FIELDS                                                                              \
	"Fields: shared=true|false, prefixes=PREFIX,..., other_ports=pass|drop, limits.vips,\n"    \
	"limits.backends, limits.flows, limits.icmp_per_second.\n"                                 \
	"A document (--file) may hold VIPs and backends too, as `mtlbctl --json tenant show` prints them."
#define VIP_NAMING                                                                                      \
	"VIP: TENANT/NAME or TENANT/ADDRESS:PORT/PROTOCOL, as acme/web, acme/203.0.113.10:443/tcp or\n" \
	"acme/203.0.113.10:8000-8999/udp."
#define VIP_FIELDS                                                                                 \
	"Fields: address, port=443|8000-8999|any, protocol=tcp|udp|sctp,\n"                        \
	"algorithm=maglev|source|round-robin|least-connections, source_prefix (source),\n"         \
	"echo=true|false, ring_size, idle_timeout=300s, quic.rotation_bits (udp),\n"               \
	"quic.configs=ROTATION:SERVER_ID_LENGTH:NONCE_LENGTH,... (udp),\n"                         \
	"encapsulation.type=ipip|gue|fou|gre|vxlan|geneve|l2, encapsulation.mtu,\n"                \
	"encapsulation.dscp=inner|0..63 (not l2), .port (gue, fou, vxlan, geneve),\n"              \
	".vni and .inner_mac (vxlan, geneve), .variant=0|1 (gue), .key=none|N (gre),\n"            \
	".tenant_id=none|N (geneve)."
#define BACKEND_NAMING                                                                             \
	"BACKEND: VIP/NAME or VIP/ADDRESS, as acme/web/web-1, acme/web/10.0.0.11 or\n"             \
	"acme/203.0.113.10:443/tcp/web-1."
#define BACKEND_FIELDS                                                                             \
	BACKEND_NAMING                                                                             \
	"\nFields: address, weight=1..65535, state=up|draining|disabled, server_id=HEX,...\n"      \
	"(QUIC; one for each length in the VIP's quic.configs)."
#define SEGMENT_FIELDS                                                                             \
	"Fields: interface, vlan, inner_vlan, tenant=NAME (none: shared), next_hop=auto|MAC."
#define FILE_MANAGED                                                                               \
	"What stands in the configuration file is changed there, but for weight and state of a\n"  \
	"backend: those are overridden here and survive reload and restart until `backend clear`."
#define DOCTOR_MORE                                                                                        \
	"Looks at the kernel, at the interfaces of the node (and at those named, before mtlbd ever\n"      \
	"ran), at VIPs and at the ways to the backends. A line each: ok, unknown, warning, broken, and\n"  \
	"what to type against it. Run it as root, in the network namespace of the balancer. IP\n"          \
	"forwarding is not looked at: mtlb does not need it.\n"                                            \
	"Nothing is sent without --probe. With it each backend gets one SYN for its VIP (UDP, SCTP: one\n" \
	"ping), encapsulated as mtlb does it, from this machine's own address, and a second to answer.\n"  \
	"Exit code: 1 something is broken, else 3 no mtlbd (then only the machine is looked at), else 0."

#define TRACE_ABOUT                                                                                   \
	"The packet runs through the loaded program, by the live maps, but nothing is sent and no\n"  \
	"flow, limit or counter changes. It is built from --src and --dst, or given as --hex or\n"    \
	"--pcap. One packet is told as a story, several as a table; --json prints everything there\n" \
	"is to know about each.\n"                                                                    \
	"  mtlbctl trace --src 198.51.100.7 --dst 203.0.113.10:443 --vlan 100\n"                      \
	"  mtlbctl trace --src 2001:db8::7 --dst '[2001:db8:ac::10]:443' --flags ack\n"               \
	"  mtlbctl trace --pcap clients.pcap"

const struct verb verbs[] = {
	{NULL, "status", "", 0, 0, 0, "what runs, how full it is, and whether it is well", NULL,
	 status_run},
	{NULL, "stats", "[TENANT]", 0, 1, OPT(WATCH) | OPT(TOTALS),
	 "rates per tenant, VIP, backend and reason",
	 "Rates are of one second, taken from two samples. With --json it is one sample of totals.",
	 stats_run},
	{NULL, "trace", "", 0, 0,
	 OPT(SRC) | OPT(DST) | OPT(PROTO) | OPT(FLAGS) | OPT(INTERFACE) | OPT(VLAN) | OPT(LENGTH) |
		 OPT(HEX) | OPT(PCAP),
	 "what happens to a packet, and why", TRACE_ABOUT, trace_run},
	{NULL, "attach", "IFACE", 1, 1, OPT(MODE) | OPT(SHARE), "balance on an interface", NULL,
	 attach_run},
	{NULL, "detach", "IFACE", 1, 1, 0, "stop balancing on an interface", NULL, detach_run},
	{NULL, "reload", "", 0, 0, 0, "read the configuration files again and apply what changed",
	 NULL, reload_run},
	{NULL, "check", "FILE", 1, 1, OPT(TENANTS),
	 "say what is wrong in a configuration, without a daemon",
	 "FILE may be - for standard input.", check_run},
	{NULL, "doctor", "[IFACE...]", 0, CLI_ANY, OPT(PROBE),
	 "look for what silently breaks a balancer", DOCTOR_MORE, doctor_run},

	{"tenant", "list", "", 0, 0, 0, "all tenants", NULL, tenant_list},
	{"tenant", "show", "TENANT", 1, 1, 0, "one tenant with its VIPs and backends", NULL,
	 tenant_show},
	{"tenant", "add", "TENANT [KEY=VALUE...]", 1, CLI_ANY, OPT(FILE) | OPT(MESSAGE),
	 "a new tenant", TENANT_FIELDS, tenant_add},
	{"tenant", "set", "TENANT [KEY=VALUE...]", 1, CLI_ANY, OPT(FILE) | OPT_WRITE,
	 "change a tenant", TENANT_FIELDS "\nWith --file the document replaces the whole tenant.",
	 tenant_set},
	{"tenant", "del", "TENANT", 1, 1, OPT_WRITE, "remove a tenant with all it has", NULL,
	 tenant_del},
	{"tenant", "suspend", "TENANT", 1, 1, 0,
	 "stop forwarding for a tenant, keep its configuration", NULL, tenant_suspend},
	{"tenant", "resume", "TENANT", 1, 1, 0, "forward for it again", NULL, tenant_resume},
	{"tenant", "revisions", "TENANT [N]", 1, 2, 0, "its history, or the document of revision N",
	 NULL, tenant_revisions},
	{"tenant", "restore", "TENANT N", 2, 2, OPT_WRITE, "make revision N the present one again",
	 NULL, tenant_restore},

	{"vip", "list", "[TENANT]", 0, 1, 0, "all VIPs, or a tenant's", NULL, vip_list},
	{"vip", "show", "VIP", 1, 1, 0, "one VIP with its backends", VIP_NAMING, vip_show},
	{"vip", "add", "TENANT/NAME KEY=VALUE...", 1, CLI_ANY, OPT(FILE) | OPT_WRITE, "a new VIP",
	 VIP_FIELDS, vip_add},
	{"vip", "set", "VIP KEY=VALUE...", 2, CLI_ANY, OPT_WRITE, "change a VIP",
	 VIP_NAMING "\n" VIP_FIELDS, vip_set},
	{"vip", "del", "VIP", 1, 1, OPT_WRITE, "remove a VIP", VIP_NAMING, vip_del},

	{"backend", "list", "[TENANT | VIP]", 0, 1, 0, "all backends, or a tenant's, or a VIP's",
	 NULL, backend_list},
	{"backend", "show", "BACKEND", 1, 1, 0, "one backend", BACKEND_NAMING, backend_show},
	{"backend", "add", "VIP/NAME KEY=VALUE...", 1, CLI_ANY, OPT(FILE) | OPT_WRITE,
	 "a new backend", BACKEND_FIELDS, backend_add},
	{"backend", "set", "BACKEND KEY=VALUE...", 2, CLI_ANY, OPT_WRITE, "change a backend",
	 BACKEND_FIELDS "\n" FILE_MANAGED, backend_set},
	{"backend", "del", "BACKEND", 1, 1, OPT_WRITE, "remove a backend; its flows end in peace",
	 BACKEND_NAMING, backend_del},
	{"backend", "drain", "BACKEND", 1, 1, OPT(WAIT) | OPT(TIMEOUT) | OPT_WRITE,
	 "no new flows for it, those it has go on", BACKEND_NAMING, backend_drain},
	{"backend", "undrain", "BACKEND", 1, 1, OPT_WRITE, "new flows for it again", BACKEND_NAMING,
	 backend_undrain},
	{"backend", "disable", "BACKEND", 1, 1, OPT_WRITE,
	 "nothing for it, at once: its flows break", BACKEND_NAMING, backend_disable},
	{"backend", "enable", "BACKEND", 1, 1, OPT_WRITE, "flows for it again", BACKEND_NAMING,
	 backend_enable},
	{"backend", "clear", "BACKEND", 1, 1, 0,
	 "forget overrides: weight and state as in the file", BACKEND_NAMING, backend_clear},

	{"segment", "list", "", 0, 0, 0, "where packets may enter", NULL, segment_list},
	{"segment", "show", "SEGMENT", 1, 1, 0, "one segment", NULL, segment_show},
	{"segment", "add", "SEGMENT KEY=VALUE...", 1, CLI_ANY, OPT(FILE), "a new segment",
	 SEGMENT_FIELDS, segment_add},
	{"segment", "set", "SEGMENT KEY=VALUE...", 2, CLI_ANY, 0, "change a segment",
	 SEGMENT_FIELDS, segment_set},
	{"segment", "del", "SEGMENT", 1, 1, 0, "remove a segment", NULL, segment_del},

	{"decap", "attach", "IFACE", 1, 1, OPT(MODE) | OPT(ADDRESS) | OPT(PIN_DIR),
	 "on a backend: take the IPIP header off in XDP",
	 "For backends whose kernel has no tunnel device. Needs no mtlbd; stays until detached or\n"
	 "until the machine restarts. Without --address it is for every address. On a veth whose\n"
	 "other end balances natively, generic mode needs `ethtool -K IFACE gro on`.",
	 decap_attach_run},
	{"decap", "detach", "IFACE", 1, 1, OPT(PIN_DIR), "the end of that", NULL, decap_detach_run},
	{"decap", "list", "", 0, 0, OPT(PIN_DIR), "where it is attached, and what it counted", NULL,
	 decap_list_run},

	{NULL, "version", "", 0, 0, 0, "of mtlbctl, and of the daemon where one runs", NULL,
	 version_run},
	{NULL, "help", "[VERB...]", 0, 2, 0, "this text, or that of a verb", NULL, help_run},
	{0},
};

const struct verb *verb_find(char *const *words, size_t n, size_t *used)
{
	for (const struct verb *v = verbs; v->name; v++) {
		size_t len = v->object ? 2 : 1;
		if (n < len || strcmp(words[len - 1], v->name) ||
		    (v->object && strcmp(words[0], v->object)))
			continue;
		*used = len;
		return v;
	}
	return NULL;
}

static bool is_object(const char *word)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (v->object && !strcmp(v->object, word))
			return true;
	return false;
}

int verb_unknown(char *const *words, size_t n)
{
	const char *separator = "";

	if (!n || !is_object(words[0])) {
		fprintf(stderr, "mtlbctl: there is no verb \"%s\"; see mtlbctl help\n",
			n ? words[0] : "");
		return CLI_USAGE;
	}
	if (n > 1)
		fprintf(stderr, "mtlbctl: \"%s\" cannot be done with a %s: it is ", words[1],
			words[0]);
	else
		fprintf(stderr, "mtlbctl: %s what: ", words[0]);
	for (const struct verb *v = verbs; v->name; v++)
		if (v->object && !strcmp(v->object, words[0])) {
			fprintf(stderr, "%s%s", separator, v->name);
			separator = ", ";
		}
	fprintf(stderr, "; see mtlbctl help %s\n", words[0]);
	return CLI_USAGE;
}
