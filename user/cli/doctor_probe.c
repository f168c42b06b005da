// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * doctor --probe: does a backend take what mtlb sends it. A packet for the VIP goes to it encapsulated, past the data plane, from
 * this machine's own address; whatever comes back from the VIP's address proves that it was decapsulated and taken.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "cli/doctor_packet.h"
#include "net/net.h"
#include "util/cleanup.h"

enum {
	DEADLINE_MS = 1000,
	FIRST_ID = 0x8000,
	IDS = 0x7000,
	BURST = 4096 /* packets read before the clock is looked at */
};

struct sent {
	struct next_hop hop;
	struct probe_flow flow;
	double at_ms;
};

struct prober {
	struct doctor_probe *probes;
	struct sent *sent; /* by probe */
	size_t n, n_waiting;
	struct doctor_address *addresses;
	size_t n_addresses;
	const struct doctor_sources *sources;
	struct net *net;
	int out, in; /* packet sockets */
	uint32_t sequence;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* An address of one family, on this interface or (ifindex 0) on any; NULL: there is none. */
static const struct addr *find_address(const struct prober *p, bool is_ipv4, uint32_t ifindex)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		const struct doctor_address *a = &p->addresses[i];
		if (a->is_global && addr_is_ipv4(&a->address) == is_ipv4 &&
		    !addr_is_loopback(&a->address) && (!ifindex || a->ifindex == ifindex))
			return &a->address;
	}
	return NULL;
}

/* The route's own source; for a VIP of the other family one of the same interface, or any. */
static bool find_source(const struct prober *p, const struct next_hop *hop, const struct addr *vip,
			struct addr *out)
{
	bool is_ipv4 = addr_is_ipv4(vip);
	const struct addr *found = addr_is_ipv4(&hop->source) == is_ipv4 ? &hop->source : NULL;

	if (!found)
		found = find_address(p, is_ipv4, hop->ifindex);
	if (!found)
		found = find_address(p, is_ipv4, 0);
	if (found)
		*out = *found;
	return found;
}

/* The outer source is the configured one, as in the data plane. */
static void set_outer_source(const struct prober *p, struct next_hop *hop)
{
	int family = !addr_is_ipv4(&hop->source);

	if (p->sources->is_set[family])
		hop->source = p->sources->address[family];
}

static bool prepare(struct prober *p, size_t i)
{
	struct doctor_probe *probe = &p->probes[i];
	struct sent *s = &p->sent[i];

	if (net_next_hop(p->net, &probe->backend, &s->hop)) {
		net_explain(p->net, &probe->backend, probe->why, sizeof(probe->why));
		return false;
	}
	s->flow = (struct probe_flow){.vip = probe->vip,
				      .port = probe->port ? probe->port : 1,
				      .id = (uint16_t)(FIRST_ID + i % IDS),
				      .protocol = probe->protocol,
				      .sequence = p->sequence};
	if (!find_source(p, &s->hop, &probe->vip, &s->flow.from)) {
		snprintf(probe->why, sizeof(probe->why),
			 "this machine has no %s address that the backend could answer to",
			 addr_is_ipv4(&probe->vip) ? "IPv4" : "IPv6");
		return false;
	}
	set_outer_source(p, &s->hop);
	return true;
}

static bool send_frame(struct prober *p, size_t i, const struct probe_flow *flow)
{
	const struct doctor_probe *probe = &p->probes[i];
	const struct next_hop *hop = &p->sent[i].hop;
	uint8_t frame[PROBE_FRAME_MAX];
	size_t len = probe_compose(&probe->encap, &probe->backend, hop, flow, frame);
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)hop->ifindex};

	if (!len) {
		errno = EHOSTUNREACH;
		return false;
	}
	return sendto(p->out, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)len;
}

static void send_one(struct prober *p, size_t i)
{
	struct doctor_probe *probe = &p->probes[i];
	struct sent *s = &p->sent[i];

	if (!prepare(p, i))
		return;
	s->at_ms = now_ms();
	if (!send_frame(p, i, &s->flow)) {
		snprintf(probe->why, sizeof(probe->why), "sending: %s", strerror(errno));
		return;
	}
	probe->outcome = PROBE_SILENT;
	p->n_waiting++;
}

/* ---- answers ---- */
static bool is_answer_to(const struct probe_answer *a, const struct sent *s)
{
	if (memcmp(&a->from, &s->flow.vip, sizeof(a->from)) ||
	    memcmp(&a->to, &s->flow.from, sizeof(a->to)) || a->id != s->flow.id)
		return false;
	return s->flow.protocol != IPPROTO_TCP ||
	       (a->port == s->flow.port && a->acknowledged == s->flow.sequence + 1);
}

/* The backend would otherwise repeat its SYN/ACK for a minute. */
static void reset(struct prober *p, size_t i)
{
	struct probe_flow flow = p->sent[i].flow;

	flow.is_reset = true;
	flow.sequence++;
	send_frame(p, i, &flow);
}

static void settle(struct prober *p, size_t i, enum probe_outcome outcome)
{
	struct doctor_probe *probe = &p->probes[i];

	if (probe->outcome != PROBE_SILENT && probe->outcome != PROBE_UNREACHABLE)
		return;
	probe->ms = now_ms() - p->sent[i].at_ms;
	p->n_waiting -= probe->outcome == PROBE_SILENT;
	probe->outcome = outcome;
	if (outcome == PROBE_ANSWERED && probe->protocol == IPPROTO_TCP)
		reset(p, i);
}

/* ICMP errors may be about what mtlb forwards meanwhile: an answer from the VIP weighs more. */
static void settle_refused(struct prober *p, const struct addr *backend)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->probes[i].outcome == PROBE_SILENT &&
		    !memcmp(&p->probes[i].backend, backend, sizeof(*backend)))
			settle(p, i, PROBE_UNREACHABLE);
}

static void take(struct prober *p, const struct probe_answer *a)
{
	if (a->outcome == PROBE_UNREACHABLE) {
		settle_refused(p, &a->from);
		return;
	}
	if (a->id < FIRST_ID)
		return;
	for (size_t i = a->id - FIRST_ID; i < p->n; i += IDS)
		if (is_answer_to(a, &p->sent[i]))
			settle(p, i, a->outcome);
}

static void receive(struct prober *p)
{
	struct probe_answer a;
	uint8_t packet[2048];
	ssize_t len;

	for (int i = 0; i < BURST; i++) {
		len = recv(p->in, packet, sizeof(packet), MSG_DONTWAIT);
		if (len < 0)
			return;
		if (probe_read(packet, (size_t)len, &a))
			take(p, &a);
	}
}

static void wait_for_answers(struct prober *p)
{
	double end = now_ms() + DEADLINE_MS, left;

	while (p->n_waiting && (left = end - now_ms()) > 0) {
		struct pollfd in = {.fd = p->in, .events = POLLIN};
		poll(&in, 1, (int)left + 1);
		receive(p);
	}
}

/* ---- the sockets ---- */
static int open_sockets(struct prober *p)
{
	int yes = 1, room = 4 << 20;

	p->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	p->in = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (p->out < 0 || p->in < 0)
		return -errno;
	setsockopt(p->in, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
	setsockopt(p->in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return 0;
}

static void explain_all(struct prober *p, const char *why)
{
	for (size_t i = 0; i < p->n; i++)
		snprintf(p->probes[i].why, sizeof(p->probes[i].why), "%s", why);
}

void doctor_probe(struct doctor_probe *probes, size_t n, const struct doctor_sources *sources)
{
	struct prober p = {.probes = probes, .n = n, .sources = sources, .out = -1, .in = -1};
	struct report r = {0};
	int error = n ? open_sockets(&p) : 0;

	p.sent = calloc(n ? n : 1, sizeof(*p.sent));
	if (!error && (!p.sent || net_open(&p.net, &r) ||
		       doctor_read_addresses(&p.addresses, &p.n_addresses) ||
		       getrandom(&p.sequence, sizeof(p.sequence), 0) < 0))
		error = errno ? -errno : -ENOMEM;
	if (error)
		explain_all(&p, error == -EPERM ? "run mtlbctl as root" : strerror(-error));
	for (size_t i = 0; !error && i < n; i++) {
		send_one(&p, i);
		receive(&p);
	}
	if (!error)
		wait_for_answers(&p);
	report_clear(&r);
	net_close(p.net);
	free(p.addresses);
	free(p.sent);
	if (p.out >= 0)
		close(p.out);
	if (p.in >= 0)
		close(p.in);
}
