// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/frame.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	VLAN_ID = 0x0fff,
	IPV4_OFFSET = 0x1fff,
	IPV4_MORE = 0x2000,
	IPV6_HEADER = 40,
	IPV6_OFFSET = 0xfff8,
	IPV6_MORE = 1,
	EXTENSIONS = 6, /* more of them the data plane does not skip */
	EXTENSION_MIN = 8,
};

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},      {"sctp", IPPROTO_SCTP},
	{"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
};

const char *frame_protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	return NULL;
}

uint8_t frame_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(protocols[i].name, name))
			return protocols[i].number;
	return 0;
}

const char *frame_flag_name(unsigned int bit)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};

	return bit < sizeof(names) / sizeof(*names) ? names[bit] : NULL;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Up to two tags; an outer id of 0 is only a priority. Returns where the network header begins. */
static size_t read_ethernet(const uint8_t *bytes, size_t len, struct frame *f)
{
	size_t at = 12;

	if (len < FRAME_MIN)
		return len;
	for (int tags = 0; tags < 2 && at + 6 <= len; tags++, at += 4) {
		uint16_t type = get16(bytes + at);

		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		uint16_t id = get16(bytes + at + 2) & VLAN_ID;
		*(f->vlan ? &f->inner_vlan : &f->vlan) = id;
	}
	f->ethertype = get16(bytes + at);
	return at + 2;
}

static size_t read_ipv4(const uint8_t *ip, size_t len, struct frame *f)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (len < 20 || ip[0] >> 4 != 4)
		return 0;
	memcpy(f->source.bytes, mapped, sizeof(mapped));
	memcpy(f->destination.bytes, mapped, sizeof(mapped));
	memcpy(f->source.bytes + 12, ip + 12, 4);
	memcpy(f->destination.bytes + 12, ip + 16, 4);
	f->protocol = ip[9];
	f->fragment = (uint16_t)((get16(ip + 6) & IPV4_OFFSET) * 8);
	f->is_fragment = f->fragment || get16(ip + 6) & IPV4_MORE;
	return (ip[0] & 15) * 4U < 20 ? 20 : (ip[0] & 15) * 4U;
}

/* 0: it is no extension header that the data plane skips. */
static size_t extension_len(uint8_t protocol, const uint8_t *header)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (header[1] + 1U) * 8;
	case IPPROTO_AH:
		return (header[1] + 2U) * 4;
	case IPPROTO_FRAGMENT:
		return 8;
	}
	return 0;
}

static void read_ipv6_fragment(const uint8_t *header, struct frame *f)
{
	uint16_t field = get16(header + 2);

	if (!(field & (IPV6_OFFSET | IPV6_MORE)))
		return;
	f->is_fragment = true;
	f->fragment = field & IPV6_OFFSET;
}

/* Behind a fragment header with an offset is no header any more. */
static size_t read_extensions(const uint8_t *ip, size_t len, struct frame *f)
{
	size_t at = IPV6_HEADER, header;

	for (int n = 0; n < EXTENSIONS && !f->fragment && at + EXTENSION_MIN <= len; n++) {
		header = extension_len(f->protocol, ip + at);
		if (!header)
			break;
		if (f->protocol == IPPROTO_FRAGMENT)
			read_ipv6_fragment(ip + at, f);
		f->protocol = ip[at];
		at += header;
	}
	return at;
}

static size_t read_ipv6(const uint8_t *ip, size_t len, struct frame *f)
{
	if (len < IPV6_HEADER || ip[0] >> 4 != 6)
		return 0;
	memcpy(f->source.bytes, ip + 8, 16);
	memcpy(f->destination.bytes, ip + 24, 16);
	f->protocol = ip[6];
	return read_extensions(ip, len, f);
}

static void read_l4(const uint8_t *l4, size_t len, struct frame *f)
{
	bool is_icmp = f->protocol == IPPROTO_ICMP || f->protocol == IPPROTO_ICMPV6;

	if (is_icmp && len >= 8) {
		f->has_type = true;
		f->type = l4[0];
	}
	if (is_icmp || !frame_protocol_name(f->protocol) || len < 4)
		return;
	f->has_ports = true;
	f->source_port = get16(l4);
	f->destination_port = get16(l4 + 2);
	if (f->protocol == IPPROTO_TCP && len >= 14)
		f->flags = l4[13];
	if (f->protocol == IPPROTO_SCTP && len >= 13) {
		f->has_type = true;
		f->type = l4[12];
	}
}

void frame_read(const uint8_t *bytes, size_t len, struct frame *out)
{
	size_t header = 0;

	memset(out, 0, sizeof(*out));
	size_t at = read_ethernet(bytes, len, out);
	if (out->ethertype == ETH_P_IP)
		header = read_ipv4(bytes + at, len - at, out);
	else if (out->ethertype == ETH_P_IPV6)
		header = read_ipv6(bytes + at, len - at, out);
	out->is_ip = header > 0;
	if (out->is_ip && !out->fragment && at + header <= len)
		read_l4(bytes + at + header, len - at - header, out);
}

/* ---- text ---- */
static void print_end(FILE *to, const struct frame *f, const struct addr *address, uint16_t port)
{
	char text[ADDR_TEXT];
	bool is_bracketed = f->has_ports && !addr_is_ipv4(address);

	fprintf(to, is_bracketed ? "[%s]" : "%s", addr_print(address, text));
	if (f->has_ports)
		fprintf(to, ":%u", port);
}

static void print_ip(FILE *to, const struct frame *f)
{
	const char *name = frame_protocol_name(f->protocol), *separator = " ";

	if (name)
		fprintf(to, "%s ", name);
	else
		fprintf(to, "protocol %u ", f->protocol);
	print_end(to, f, &f->source, f->source_port);
	fputs(" > ", to);
	print_end(to, f, &f->destination, f->destination_port);
	for (unsigned int bit = 0; bit < 8; bit++)
		if (f->flags & 1U << bit) {
			fprintf(to, "%s%s", separator, frame_flag_name(bit));
			separator = ",";
		}
	if (f->has_type)
		fprintf(to, " %s %u", f->protocol == IPPROTO_SCTP ? "chunk" : "type", f->type);
	if (f->is_fragment)
		fprintf(to, " fragment at %u", f->fragment);
}

const char *frame_print(const struct frame *f, char *text)
{
	FILE *to = fmemopen(text, FRAME_TEXT, "w");

	*text = '\0';
	if (!to)
		return text;
	if (f->is_ip)
		print_ip(to, f);
	else if (f->ethertype == ETH_P_ARP)
		fputs("arp", to);
	else
		fprintf(to, "ethertype 0x%04x", f->ethertype);
	fclose(to);
	return text;
}
