// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: the ways to the backends, and whether these take what comes. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"

enum {
	CLIENT_MTU = 1500,
	TCP_HEADERS = 60, /* IPv6 and TCP; that does for IPv4, too */
	/* of 4096 bytes XDP's headroom and the kernel's book-keeping leave 3520: 22 for Ethernet and two tags */
	ONE_BUFFER_MTU = 3498,
};

bool judge_local_vip(const struct doctor_vip *v, struct finding *f)
{
	char text[ADDR_TEXT];

	addr_print(&v->address, text);
	if (!*v->local) {
		finding_set(f, FINDING_OK, "its address %s is on no interface of this machine",
			    text);
		return true;
	}
	finding_set(
		f, FINDING_BROKEN,
		"its address %s is on %s of this machine: the kernel takes it for its own and answers "
		"for it, and health checks and tunnels to it end here",
		text, v->local);
	finding_advise(f, "ip addr del %s/%d dev %s", text, addr_is_ipv4(&v->address) ? 32 : 128,
		       v->local);
	return true;
}

bool judge_next_hop(const struct doctor_path *p, struct finding *f)
{
	char text[ADDR_TEXT], more[48] = "";

	if (p->is_resolved && !*p->silent) {
		finding_set(f, FINDING_OK, "%s", p->next_hop);
		return true;
	}
	addr_print(&p->to, text);
	if (p->n_backends > 1)
		snprintf(more, sizeof(more), " and %zu more", p->n_backends - 1);
	if (p->is_resolved)
		finding_set(f, FINDING_BROKEN,
			    "%s; packets for %s%s still go where it was last: %s", p->silent,
			    p->name, more, p->next_hop);
	else if (p->is_kept)
		finding_set(f, FINDING_BROKEN,
			    "%s; packets for %s%s still go where they went before", p->next_hop,
			    p->name, more);
	else
		finding_set(f, FINDING_BROKEN, "%s%s gets no packets: %s", p->name, more,
			    p->next_hop);
	finding_advise(f, "ping -c 1 %s; ip route get %s; ip neigh%s%s", text, text,
		       p->n_links ? " show dev " : "", p->n_links ? p->links[0].name : "");
	return true;
}

bool judge_route(const struct doctor_path *p, struct finding *f)
{
	const struct doctor_port *last = p->n_links ? &p->links[p->n_links - 1] : NULL;

	if (!last)
		return false;
	if (p->is_ours) {
		finding_set(f, FINDING_OK, "leaves by %s", last->name);
		return true;
	}
	finding_set(f, FINDING_BROKEN,
		    "the route goes by %s, which is not in node.interfaces: packets "
		    "cannot leave by it",
		    last->name);
	if (!strcmp(last->kind, "bridge"))
		finding_advise(
			f, "XDP cannot send into a bridge: route over one of its ports, which is "
			   "in node.interfaces");
	else
		finding_advise(f, "mtlbctl attach %s", last->name);
	return true;
}

static void advise_mtu(const struct doctor_path *p, unsigned int needed, unsigned int mss,
		       struct finding *f)
{
	char text[ADDR_TEXT], raise[160] = "";

	addr_print(&p->to, text);
	switch (p->mtu_limit) {
	case MTU_LIMIT_LINK:
		snprintf(raise, sizeof(raise), "ip link set %s mtu %u (and what lies between)",
			 p->mtu_link, needed);
		break;
	case MTU_LIMIT_ROUTE:
		snprintf(
			raise, sizeof(raise),
			"ip route get %s: raise the route's mtu, or ip route flush cache if it was learned",
			text);
		break;
	case MTU_LIMIT_CONFIGURATION:
		snprintf(raise, sizeof(raise),
			 "set encapsulation.mtu to %u if the network takes it", needed);
		break;
	}
	finding_advise(f, "%s; or on %s: ip route change default ... advmss %u", raise, text, mss);
}

bool judge_mtu(const struct doctor_path *p, struct finding *f)
{
	unsigned int needed = CLIENT_MTU + p->outer_len;

	if (!p->mtu)
		return false;
	if (p->mtu >= needed) {
		finding_set(
			f, FINDING_OK,
			"%u bytes, %u of them for the outer headers: clients' packets to %u fit",
			p->mtu, p->outer_len, p->mtu - p->outer_len);
		return true;
	}
	unsigned int fits = p->mtu > p->outer_len ? p->mtu - p->outer_len : 0;
	finding_set(
		f, FINDING_WARNING,
		"the path takes %u bytes; %u are outer headers, so clients' packets over %u do not fit: "
		"small requests work, uploads depend on ICMP",
		p->mtu, p->outer_len, fits);
	advise_mtu(p, needed, fits > TCP_HEADERS ? fits - TCP_HEADERS : 0, f);
	return true;
}

bool judge_jumbo(const struct doctor_path *p, struct finding *f)
{
	const struct doctor_port *last = p->n_links ? &p->links[p->n_links - 1] : NULL;

	/* what the path does not take is answered, and never redirected */
	if (!last || p->other_mtu <= ONE_BUFFER_MTU || p->mtu <= ONE_BUFFER_MTU + p->outer_len)
		return false;
	if (p->redirects_frags) {
		finding_set(f, FINDING_OK, "frames of %u bytes come in by %s and leave by %s",
			    p->other_mtu, p->other_link, last->name);
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		"%s takes frames of %u bytes, and they leave by %s: Linux before 6.3 drops those of "
		"more than one buffer on the way, after mtlb has counted them as forwarded",
		p->other_link, p->other_mtu, last->name);
	finding_advise(f, "ip link set %s mtu %d; or route to the backend over %s; or Linux 6.3",
		       p->other_link, ONE_BUFFER_MTU, p->other_link);
	return true;
}

/* ---- what a backend says ---- */
static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : protocol == IPPROTO_UDP ? "udp" : "sctp";
}

/* Whatever comes back from the VIP's address has been decapsulated and taken. */
static void advise_backend(const struct doctor_probe *p, const char *vip, struct finding *f)
{
	static const struct {
		enum mtlb_encap_kind kind;
		const char *what;
	} rows[] = {
		{MTLB_ENCAP_IPIP, "a tunnel device (ip link set tunl0 up) or mtlbctl decap attach"},
		{MTLB_ENCAP_VXLAN, "its vxlan device (VNI, port, MAC address as configured)"},
		{MTLB_ENCAP_GUE, "ip fou add port PORT gue"},
		{MTLB_ENCAP_FOU, "ip fou add port PORT ipproto 4 (or 41)"},
		{MTLB_ENCAP_GRE, "its gre device (key as configured)"},
		{MTLB_ENCAP_GENEVE, "its geneve device (VNI, port, MAC address as configured)"},
	};
	const char *what = "its link";
	char address[ADDR_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].kind == p->encap.kind)
			what = rows[i].what;
	addr_print(&p->backend, address);
	finding_advise(f, "on %s: ip addr add %s/%d dev lo; %s; net.ipv4.conf.*.rp_filter=0",
		       address, vip, addr_is_ipv4(&p->vip) ? 32 : 128, what);
}

bool judge_probe(const struct doctor_probe *p, struct finding *f)
{
	char vip[ADDR_TEXT];

	addr_print(&p->vip, vip);
	switch (p->outcome) {
	case PROBE_NOT_SENT:
		finding_set(f, FINDING_UNKNOWN, "no probe could be sent: %s", p->why);
		break;
	case PROBE_ANSWERED:
		finding_set(f, FINDING_OK, "takes packets for %s: answered in %.1f ms", vip, p->ms);
		break;
	case PROBE_CLOSED:
		finding_set(f, FINDING_WARNING,
			    "takes packets for %s, but nothing listens on port %u/%s", vip, p->port,
			    protocol_name(p->protocol));
		finding_advise(f, "start the service on the backend, on %s or on all addresses",
			       vip);
		break;
	case PROBE_UNREACHABLE:
		finding_set(f, FINDING_BROKEN,
			    "does not decapsulate: it refuses the outer packet with an ICMP error");
		advise_backend(p, vip, f);
		break;
	case PROBE_SILENT:
		finding_set(
			f, FINDING_BROKEN,
			"nothing came back from %s within a second: the backend does not have the VIP, "
			"does not decapsulate, drops it (rp_filter, firewall), or is down",
			vip);
		advise_backend(p, vip, f);
		break;
	}
	return true;
}
