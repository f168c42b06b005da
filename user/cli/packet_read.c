// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet as it is typed. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cli/packet.h"
#include "mtlb_abi.h"
#include "util/number.h"

enum {
	FLAG_SYN = 0x02,
	CHUNK_INIT = 1,
	WORD = 64,
};

static const struct {
	const char *name;
	uint8_t type;
} chunks[] = {
	{"data", 0},
	{"init", CHUNK_INIT},
	{"abort", 6},
	{"shutdown-complete", 14},
};

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT"; *port stays as it is where there is none. */
static int read_end(const char *text, struct addr *address, uint64_t *port)
{
	char copy[ADDR_TEXT + 16], *part = copy, *colon;

	if (!addr_parse(text, address))
		return 0;
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	if (*copy == '[') {
		char *end = strchr(copy, ']');
		if (!end)
			return -EINVAL;
		*end = '\0';
		part++;
		colon = end + 1;
		if (!*colon)
			return addr_parse(part, address);
	} else {
		colon = strrchr(copy, ':');
	}
	if (!colon || *colon != ':')
		return -EINVAL;
	*colon = '\0';
	return number_parse(colon + 1, 0, 65535, port) ? -EINVAL : addr_parse(part, address);
}

/* port: PORT_NONE where none was given, before and after. */
#define PORT_NONE 65536

static void read_address(const char *option, const char *text, struct addr *address, uint64_t *port,
			 struct report *r)
{
	if (!text)
		report_add(r, option, "is missing: ADDRESS or ADDRESS:PORT");
	else if (read_end(text, address, port))
		report_add(r, option,
			   "%s is neither an address nor ADDRESS:PORT (203.0.113.10:443 or "
			   "[2001:db8::1]:443)",
			   text);
}

static bool read_protocol(const char *text, struct packet_spec *s, struct report *r)
{
	uint64_t number;

	s->protocol = text ? frame_protocol(text) : IPPROTO_TCP;
	if (s->protocol == IPPROTO_ICMP && !addr_is_ipv4(&s->source))
		s->protocol = IPPROTO_ICMPV6;
	if (s->protocol)
		return true;
	if (number_parse(text, 0, 255, &number)) {
		report_add(r, "--proto", "%s: tcp, udp, sctp, icmp, or a number from 0 to 255",
			   text);
		return false;
	}
	s->protocol = (uint8_t)number;
	return true;
}

static void read_tcp_flags(const char *text, struct packet_spec *s, struct report *r)
{
	char copy[WORD], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, ","))) {
		unsigned int bit = 0;
		while (frame_flag_name(bit) && strcmp(frame_flag_name(bit), word))
			bit++;
		if (frame_flag_name(bit))
			s->flags |= (uint8_t)(1U << bit);
		else if (strcmp(text, "none"))
			report_add(r, "--flags",
				   "%s: of fin, syn, rst, psh, ack, urg, ece, cwr, with commas "
				   "between them, or none",
				   text);
	}
}

static void read_chunk(const char *text, struct packet_spec *s, struct report *r)
{
	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++)
		if (!strcmp(chunks[i].name, text)) {
			s->chunk = chunks[i].type;
			return;
		}
	report_add(r, "--flags", "%s: of SCTP init, data, abort or shutdown-complete", text);
}

static void read_flags(const char *text, struct packet_spec *s, struct report *r)
{
	s->chunk = CHUNK_INIT;
	if (!text) {
		s->flags = s->protocol == IPPROTO_TCP ? FLAG_SYN : 0;
	} else if (s->protocol == IPPROTO_TCP) {
		s->flags = 0;
		read_tcp_flags(text, s, r);
	} else if (s->protocol == IPPROTO_SCTP) {
		read_chunk(text, s, r);
	} else {
		report_add(r, "--flags", "only TCP and SCTP have flags");
	}
}

static void read_vlan(const char *text, struct packet_spec *s, struct report *r)
{
	char copy[WORD], *rest = copy;
	uint64_t outer = 0, inner = 0;

	if (!text)
		return;
	snprintf(copy, sizeof(copy), "%s", text);
	bool is_wrong = number_parse(strsep(&rest, "."), 1, MTLB_VLAN_MAX, &outer) ||
			(rest && number_parse(rest, 1, MTLB_VLAN_MAX, &inner));
	if (is_wrong)
		report_add(r, "--vlan", "%s: a VLAN id from 1 to %d, or OUTER.INNER", text,
			   MTLB_VLAN_MAX);
	s->vlan = (uint16_t)outer;
	s->inner_vlan = (uint16_t)inner;
}

static void read_ports(uint64_t source, uint64_t destination, struct packet_spec *s,
		       struct report *r)
{
	if (has_ports(s->protocol)) {
		s->source_port = source == PORT_NONE ? PACKET_SOURCE_PORT : (uint16_t)source;
		s->destination_port = (uint16_t)destination;
		if (destination == PORT_NONE)
			report_add(r, "--dst", "has no port: %s is expected for %s",
				   addr_is_ipv4(&s->destination) ? "ADDRESS:PORT"
								 : "[ADDRESS]:PORT",
				   frame_protocol_name(s->protocol));
	} else if (source != PORT_NONE || destination != PORT_NONE) {
		report_add(r, source != PORT_NONE ? "--src" : "--dst",
			   "has a port, but only TCP, UDP and SCTP have ports");
	}
}

static void read_length(const char *text, struct packet_spec *s, struct report *r)
{
	uint64_t length = 0;
	uint32_t shortest = packet_shortest(s);

	if (text && number_parse(text, shortest, PACKET_IP_MAX, &length))
		report_add(r, "--length",
			   "%s: of the IP packet; with these headers from %u to %d bytes", text,
			   shortest, PACKET_IP_MAX);
	s->length = (uint32_t)length;
}

int packet_read(const struct packet_words *w, struct packet_spec *out, struct report *r)
{
	uint64_t source = PORT_NONE, destination = PORT_NONE;
	struct packet_spec s = {0};
	size_t before = r->n;

	read_address("--src", w->source, &s.source, &source, r);
	read_address("--dst", w->destination, &s.destination, &destination, r);
	if (r->n == before && addr_is_ipv4(&s.source) != addr_is_ipv4(&s.destination))
		report_add(r, "--dst", "%s is not of the same family as --src %s", w->destination,
			   w->source);
	/* what the rest may be depends on addresses and protocol */
	bool has_addresses = r->n == before;
	read_vlan(w->vlan, &s, r);
	if (read_protocol(w->protocol, &s, r) && has_addresses) {
		read_flags(w->flags, &s, r);
		read_ports(source, destination, &s, r);
		read_length(w->length, &s, r);
	}
	if (r->n != before)
		return -EINVAL;
	*out = s;
	return 0;
}
