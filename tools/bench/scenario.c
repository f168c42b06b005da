/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <string.h>

#include "core/addr.h"
#include "scenario.h"
#include "world.h"

enum {
	SYN = 0x02,
	ACK = 0x10,
	K = 1000,
	KI = 1024,
	TCP_HEADER = 20,
	LEN_IPIP = 20,
	LEN_IP6IP6 = 40,
	LEN_VXLAN = 20 + 8 + 8 + 14,
	PORT = 443,
};

/* Numbers of flows that no cycle of flows reaches: for those that never come again. */
#define NEVER_FIRST (1ULL << 32)
#define NEVER_END (1ULL << WRAP_FLOW_BITS)

const struct scenario scenarios[] = {
#define TCP(flags) IPPROTO_TCP, flags
#define UDP IPPROTO_UDP, 0
	/* name, to, protocol and flags, VLAN, destinations, flows, is_passed, outer_len */
	{ "tcp4-est-1", WORLD_VIP4, TCP(ACK), 0, 0, 1, false, LEN_IPIP },
	{ "tcp4-est-10k", WORLD_VIP4, TCP(ACK), 0, 0, 10 * K, false, LEN_IPIP },
	{ "tcp4-est-64k", WORLD_VIP4, TCP(ACK), 0, 0, 64 * KI, false, LEN_IPIP },
	{ "tcp4-est-1M", WORLD_VIP4, TCP(ACK), 0, 0, KI * KI, false, LEN_IPIP },
	{ "tcp4-syn-new", WORLD_VIP4, TCP(SYN), 0, 0, 0, false, LEN_IPIP },
	{ "tcp4-ack-new", WORLD_VIP4, TCP(ACK), 0, 0, 0, false, LEN_IPIP },
	{ "udp4-10k", WORLD_VIP4, UDP, 0, 0, 10 * K, false, LEN_IPIP },
	{ "tcp6-est-1M", WORLD_VIP6, TCP(ACK), 0, 0, KI * KI, false, LEN_IP6IP6 },
	{ "tcp4-vlan-10k", WORLD_VIP4, TCP(ACK), WORLD_VLAN, 0, 10 * K, false, LEN_IPIP - 4 },
	{ "tcp4-vxlan-10k", WORLD_VXLAN, TCP(ACK), 0, 0, 10 * K, false, LEN_VXLAN },
	{ "tcp4-128vips-10k", WORLD_MANY_VIPS, TCP(ACK), 0, 128, 10 * K, false, LEN_IPIP },
	{ "tcp4-1000tenants-10k", WORLD_MANY_TENANTS, TCP(ACK), 0, 1000, 10 * K, false, LEN_IPIP },
	{ "tcp4-moving-10k", WORLD_MOVING_SOME, TCP(ACK), 0, 0, 10 * K, false, LEN_IPIP },
	{ "tcp4-moving-1M", WORLD_MOVING_SOME, TCP(ACK), 0, 0, KI * KI, false, LEN_IPIP },
	{ "tcp4-moving-all-10k", WORLD_MOVING_ALL, TCP(ACK), 0, 0, 10 * K, false, LEN_IPIP },
	{ "tcp4-moving-all-1M", WORLD_MOVING_ALL, TCP(ACK), 0, 0, KI * KI, false, LEN_IPIP },
	{ "tcp4-moving-all-syn-new", WORLD_MOVING_ALL, TCP(SYN), 0, 0, 0, false, LEN_IPIP },
	{ "not-vip", WORLD_NOT_VIP, TCP(ACK), 0, 0, 10 * K, true, 0 },
};
const size_t n_scenarios = sizeof(scenarios) / sizeof(*scenarios);

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint32_t put_ethernet(const struct scenario *s, uint8_t *to, uint16_t ethertype)
{
	uint32_t at = ETH_HLEN;

	memcpy(to, "\x02mtlb\x01\x02mtlb\x02", 2 * ETH_ALEN);
	if (s->vlan) {
		put16(to + at - 2, ETH_P_8021Q);
		put16(to + at, s->vlan);
		at += 4;
	}
	put16(to + at - 2, ethertype);
	return at;
}

static uint32_t put_ipv4(const struct scenario *s, const struct addr *destination, uint8_t *to,
			 struct wrap_state *state)
{
	uint32_t at = put_ethernet(s, to, ETH_P_IP);
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = s->protocol,
			    .tot_len = htons((uint16_t)(WRAP_PACKET_LEN - at)),
			    .saddr = htonl(0x0b000000) };

	memcpy(&ip.daddr, destination->bytes + 12, 4);
	memcpy(to + at, &ip, sizeof(ip));
	state->source_at = at + 12;
	state->destination_at = at + 18;
	return at + sizeof(ip);
}

static uint32_t put_ipv6(const struct scenario *s, const struct addr *destination, uint8_t *to,
			 struct wrap_state *state)
{
	uint32_t at = put_ethernet(s, to, ETH_P_IPV6);
	struct ipv6hdr ip = { .version = 6, .hop_limit = 64, .nexthdr = s->protocol,
			      .payload_len = htons((uint16_t)(WRAP_PACKET_LEN - at - sizeof(ip))) };

	inet_pton(AF_INET6, "2001:db8:c::", &ip.saddr);
	memcpy(&ip.daddr, destination->bytes, 16);
	memcpy(to + at, &ip, sizeof(ip));
	state->source_at = at + 20;
	state->destination_at = at + 38;
	return at + sizeof(ip);
}

void scenario_prepare(const struct scenario *s, struct wrap_state *state)
{
	uint8_t *packet = (uint8_t *)state->packet;
	struct addr destination;
	uint32_t at;

	memset(state, 0, sizeof(*state));
	addr_parse(s->to, &destination);
	at = addr_is_ipv4(&destination) ? put_ipv4(s, &destination, packet, state) :
					  put_ipv6(s, &destination, packet, state);
	state->ports_at = at;
	put16(packet + at + 2, PORT);
	if (s->protocol == IPPROTO_TCP) {
		packet[at + 12] = TCP_HEADER / 4 << 4;
		packet[at + 13] = s->tcp_flags;
	} else {
		put16(packet + at + 4, (uint16_t)(WRAP_PACKET_LEN - at));
	}
	state->destinations = s->destinations;
	state->first = s->flows ? 0 : NEVER_FIRST;
	state->end = s->flows ? s->flows : NEVER_END;
	state->next = state->first;
}

uint32_t scenario_len_after(const struct scenario *s)
{
	return WRAP_PACKET_LEN + s->outer_len;
}

uint32_t scenario_floor_len(const struct scenario *s)
{
	struct addr to;

	addr_parse(s->to, &to);
	return WRAP_PACKET_LEN + (addr_is_ipv4(&to) ? LEN_IPIP : LEN_IP6IP6) - (s->vlan ? 4 : 0);
}
