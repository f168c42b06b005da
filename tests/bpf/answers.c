/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "bpf/answers.h"

/* Ethernet with its tags as in came with, back to where it came from. */
static void turn_ethernet(struct packet *out, const struct packet *in)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, in->bytes + 6, 6);
	memcpy(out->bytes + 6, in->bytes, 6);
	memcpy(out->bytes + 12, in->bytes + 12, in->l3 - 12);
	out->l3 = in->l3;
}

static void turn_addresses(uint8_t *to, const uint8_t *from, bool is_ipv4)
{
	uint32_t at = is_ipv4 ? 12 : 8, len = is_ipv4 ? 4 : 16;

	memcpy(to + at, from + at + len, len);
	memcpy(to + at + len, from + at, len);
}

static void set_checksums(struct packet *out, bool is_ipv4)
{
	uint8_t *icmp = out->bytes + out->l4;
	uint32_t len = out->len - out->l4;

	packet_put16(icmp + 2, 0);
	if (is_ipv4) {
		packet_fix_ipv4(out);
		packet_put16(icmp + 2, packet_checksum(icmp, len, 0));
	} else {
		packet_put16(icmp + 2,
			     packet_l4_checksum(out->bytes + out->l3, icmp, len, IPPROTO_ICMPV6));
	}
}

void answer_echo(struct packet *out, const struct packet *in)
{
	bool is_ipv4 = packet_is_ipv4(in);
	uint32_t padding = in->len - in->l3 - packet_ip_len(in);

	turn_ethernet(out, in);
	memcpy(out->bytes + in->l3, in->bytes + in->l3, in->len - in->l3);
	turn_addresses(out->bytes + in->l3, in->bytes + in->l3, is_ipv4);
	out->bytes[in->l3 + (is_ipv4 ? 8 : 7)] = 64;
	out->l4 = in->l4;
	out->len = in->len - padding;
	out->bytes[out->l4] = is_ipv4 ? 0 : 129;
	set_checksums(out, is_ipv4);
	out->len = in->len;
}

void answer_too_big(struct packet *out, const struct packet *in, uint32_t mtu)
{
	bool is_ipv4 = packet_is_ipv4(in);
	uint32_t quote = is_ipv4 ? 548 : 1232;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	const uint8_t *in_ip = in->bytes + in->l3;

	turn_ethernet(out, in);
	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, in_ip + (is_ipv4 ? 16 : 24), from, sizeof(from));
	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, in_ip + (is_ipv4 ? 12 : 8), to, sizeof(to));
	out->l4 = out->l3 + packet_put_ip(out->bytes + out->l3, from, to,
					  is_ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
					  is_ipv4 ? 0xc0 : 0, 0, 8 + quote);
	uint8_t *icmp = out->bytes + out->l4;

	icmp[0] = is_ipv4 ? 3 : 2;
	icmp[1] = is_ipv4 ? 4 : 0;
	packet_put16(icmp + 6, mtu);
	memcpy(icmp + 8, in_ip, quote);
	out->len = out->l4 + 8 + quote;
	set_checksums(out, is_ipv4);
}
