/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes the seeds of build/fuzz/native: packets of every kind of docs/packets.md, to every kind of VIP. The same files
 * each time. Usage: native_seeds DIRECTORY.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native_seeds.h"

static const uint8_t protocols[] = {TCP, UDP, SCTP};

void seed_begin(struct build *b, bool is_ipv6, uint16_t vlan)
{
	build_ethernet(b);
	if (vlan)
		build_tag(b, vlan, ETH_P_8021Q);
	build_ip(b, is_ipv6, world_client[is_ipv6], world_address[is_ipv6]);
}

void seed_whole(struct build *b, bool is_ipv6, uint16_t vlan, uint8_t protocol, uint16_t from,
		uint16_t port, uint32_t payload)
{
	seed_begin(b, is_ipv6, vlan);
	build_l4(b, protocol, from, port);
	build_bytes(b, 0x42, payload);
	build_end(b);
}

void seed_bend(const char *name, const struct build *b, uint32_t at, uint8_t value)
{
	build_begin(name);
	build_packet(b, TRACED);
	build_step(STEP_AGAIN, value, (uint16_t)at);
}

void seed_cuts(const char *name, const struct build *b)
{
	build_begin(name);
	build_packet(b, TRACED);
	for (uint32_t len = b->len; len--;)
		build_step(STEP_CUT, 0, (uint16_t)len);
	build_begin(name);
	build_packet(b, BUFFERS);
	for (uint32_t len = b->len; len-- > 1;)
		build_step(STEP_CUT, 0, (uint16_t)len);
}

void seed_one(const char *name, const struct build *b)
{
	build_begin(name);
	build_packet(b, TRACED);
}

/* ---- flows -------------------------------------------------------------------------------------- */
/* SYN, data, end of the same flow to each VIP, then a SYN again, later; from several clients. */
static void seed_flows(uint8_t protocol, bool is_ipv6, uint16_t vlan, uint32_t vip)
{
	static const uint8_t tcp[] = {SYN, ACK, ACK | FIN, ACK, SYN, ACK, RST, SYN};
	static const uint8_t sctp[] = {1, 0, 6, 0, 1, 0, 14, 1};
	struct build b;
	uint16_t port = vip == WORLD_RANGE ? WORLD_RANGE_FIRST + 7 : (uint16_t)(WORLD_PORT + vip);

	build_begin("flows");
	for (uint16_t from = CLIENT; from < CLIENT + 12; from++) {
		seed_whole(&b, is_ipv6, vlan, protocol, from, port, 30);
		b.bytes[b.l3 + (is_ipv6 ? 23 : 15)] = (uint8_t)from;
		if (protocol != UDP)
			b.bytes[b.l4 + (protocol == TCP ? 13 : 12)] =
				protocol == TCP ? tcp[0] : sctp[0];
		build_packet(&b, TRACED);
		for (uint32_t i = 1; i < sizeof(tcp); i++) {
			uint32_t at = b.l4 + (protocol == TCP ? 13 : protocol == UDP ? 8 : 12);

			if (from & 1)
				build_step(STEP_CLOCK, 0, (uint16_t)(i * 3));
			build_step(STEP_AGAIN, protocol == TCP ? tcp[i] : sctp[i], (uint16_t)at);
		}
	}
}

/* Flows of a VIP while its backends change their states. */
static void seed_states(uint32_t vip)
{
	for (uint8_t state = 0; state < 6; state++) {
		struct build b;

		build_begin("states");
		for (uint16_t round = 0; round < 2; round++) {
			for (uint16_t from = CLIENT; from < CLIENT + 16; from++) {
				seed_whole(&b, false, 0, TCP, from, (uint16_t)(WORLD_PORT + vip),
					   4);
				b.bytes[b.l4 + 13] = SYN;
				build_packet(&b, TRACED);
			}
			for (uint16_t n = 0; n < WORLD_VIP_BACKENDS; n++)
				build_step(STEP_STATE, state,
					   (uint16_t)(vip * WORLD_VIP_BACKENDS + n));
		}
	}
}

/* The VIP's word says what its slots do not. */
static void seed_words(uint32_t vip)
{
	for (uint16_t flags = 0; flags < 8; flags++) {
		build_begin("words");
		build_step(STEP_WORD, (uint8_t)vip, flags);
		for (uint16_t from = CLIENT; from < CLIENT + 16; from++) {
			struct build b;

			seed_whole(&b, from & 1, 0, from & 2 ? TCP : UDP, from,
				   (uint16_t)(WORLD_PORT + vip), 4);
			build_packet(&b, TRACED);
		}
	}
}

/* Frame and IP packet both end within the L4 header; TCP options, cut off or in other buffers. */
static void seed_short(void)
{
	for (uint32_t i = 0; i < sizeof(protocols); i++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct build b;

			for (uint32_t len = 0; len < 20; len++) {
				seed_whole(&b, is_ipv6, 0, protocols[i], CLIENT, WORLD_PORT, 20);
				b.len = b.l4 + len;
				build_end(&b);
				seed_one("short-frame", &b);
			}
			seed_whole(&b, is_ipv6, 0, protocols[i], CLIENT, WORLD_PORT, 24);
			b.bytes[b.l4 + 12] = 0x80;
			seed_cuts("tcp-options", &b);
			memcpy(b.bytes + b.l3 + 34, "\xff\xff", 2);
			seed_one("half-mapped", &b);
		}
	}
}

/* Buckets that are full, of every state, young and old. */
static void seed_buckets(void)
{
	static const uint16_t states[] = {0x2222, 0x1111, 0x3333, 0x4444, 0x9999, 0xbbbb, 0xcccc,
					  0x19ab, 0x2a31, 0x0222, 0xaaaa, 0x1392, 0x5555, 0x3b2a};

	for (uint32_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		for (uint32_t vip = WORLD_MAGLEV_MOVING; vip <= WORLD_LEAST_LEARNING; vip++) {
			struct build b;

			build_begin("buckets");
			build_step(STEP_FILL, 16, states[i]);
			if (i & 1)
				build_step(STEP_CLOCK, 0, (uint16_t)(i * 20));
			for (uint16_t from = CLIENT; from < CLIENT + 6; from++) {
				seed_whole(&b, false, WORLD_VLAN_2, i & 2 ? TCP : UDP, from,
					   (uint16_t)(WORLD_PORT + vip), 4);
				build_packet(&b, TRACED);
				build_step(STEP_AGAIN, SYN, (uint16_t)(b.l4 + 13));
			}
		}
	}
}

static void seed_vips(void)
{
	static const uint16_t vlans[] = {0, WORLD_VLAN_2, WORLD_VLAN_3, WORLD_VLAN_SMALL};

	for (uint32_t vip = 0; vip < WORLD_VIPS; vip++) {
		for (uint32_t i = 0; i < sizeof(protocols); i++)
			for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
				seed_flows(protocols[i], is_ipv6, vlans[(vip + i) & 3], vip);
		seed_flows(TCP, vip & 1, 0, vip);
		seed_flows(UDP, vip & 1, 0, vip);
	}
	for (uint32_t vip = WORLD_MAGLEV; vip <= WORLD_QUIC_ROUND_ROBIN; vip++) {
		seed_states(vip);
		seed_words(vip);
	}
	seed_buckets();
	seed_short();
}

/* ---- Ethernet and IP ---------------------------------------------------------------------------- */
static void seed_ethernet(void)
{
	static const uint16_t vlans[] = {WORLD_VLAN_2,
					 WORLD_VLAN_3,
					 WORLD_VLAN_SUSPENDED,
					 WORLD_VLAN_UNKNOWN,
					 WORLD_VLAN_DEAD,
					 WORLD_VLAN_CROWDED,
					 4000};
	struct build b;

	for (uint32_t i = 0; i < sizeof(vlans) / sizeof(vlans[0]); i++) {
		seed_whole(&b, false, vlans[i], TCP, CLIENT, WORLD_PORT, 0);
		seed_one("vlan", &b);
	}
	for (int inner = 0; inner < 4; inner++) {
		build_ethernet(&b);
		build_tag(&b, inner & 1 ? 0x6000 : WORLD_VLAN_2, ETH_P_8021AD);
		build_tag(&b, inner & 2 ? WORLD_VLAN_3_INNER : WORLD_VLAN_2, ETH_P_8021Q);
		build_ip(&b, inner & 2, world_client[inner >> 1], world_address[inner >> 1]);
		build_l4(&b, TCP, CLIENT, WORLD_PORT);
		build_end(&b);
		seed_cuts("two-tags", &b);
		build_tag(&b, 1, ETH_P_8021Q); /* not where it belongs: bytes behind the packet */
		seed_one("padded", &b);
	}
	build_ethernet(&b);
	for (int i = 0; i < 3; i++)
		build_tag(&b, WORLD_VLAN_2, ETH_P_8021Q);
	build_ip(&b, false, world_client[0], world_address[0]);
	seed_one("three-tags", &b);
	build_ethernet(&b);
	b.bytes[13] = 6;
	build_bytes(&b, 0, 46);
	seed_one("arp", &b);
}

static void seed_addresses(void)
{
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		const uint8_t *const to[] = {world_other[is_ipv6], world_quiet[is_ipv6],
					     world_crowded, world_address[0]};

		for (uint32_t i = 0; i < 4; i++) {
			for (uint32_t vlan = 0; vlan < 2; vlan++) {
				struct build b;

				build_ethernet(&b);
				if (vlan)
					build_tag(&b, WORLD_VLAN_2, ETH_P_8021Q);
				build_ip(&b, is_ipv6, world_client[is_ipv6], to[i]);
				build_l4(&b, TCP, CLIENT, WORLD_PORT);
				build_end(&b);
				seed_one("address", &b);
				build_begin("interface");
				for (uint8_t ifindex = 0; ifindex < 4; ifindex++)
					build_packet(&b, TRACED | ifindex);
			}
		}
	}
}

static void seed_ip(void)
{
	static const uint8_t extensions[] = {0, 60, 43, 51, 44};

	for (uint32_t i = 0; i < sizeof(protocols); i++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct build b;

			seed_whole(&b, is_ipv6, i & 1 ? WORLD_VLAN_2 : 0, protocols[i], CLIENT,
				   WORLD_PORT, 24);
			seed_cuts("whole", &b);
			seed_bend("version", &b, b.l3, 0x35);
			seed_bend("ihl", &b, b.l3, 0x44);
			seed_bend("ihl", &b, b.l3, 0x4f);
			seed_bend("length", &b, b.l3 + (is_ipv6 ? 5 : 3), 1);
			seed_bend("length", &b, b.l3 + (is_ipv6 ? 4 : 2), 1);
			seed_bend("length", &b, b.l3 + (is_ipv6 ? 5 : 3),
				  (uint8_t)(b.len - b.l3 - 40));
			for (uint32_t at = 0; at < 16; at++)
				for (uint32_t value = 0; value < 256; value += 51)
					seed_bend("l4", &b, b.l4 + at, (uint8_t)value);
			for (uint32_t l4 = 0; l4 < 40; l4 += 3)
				seed_bend("short", &b, b.l3 + (is_ipv6 ? 5 : 3),
					  (uint8_t)(l4 + (is_ipv6 ? 0 : 20)));
			build_bytes(&b, 0, 9);
			seed_one("padded", &b);
			seed_begin(&b, is_ipv6, 0);
			if (is_ipv6)
				for (uint32_t e = 0; e < sizeof(extensions); e++)
					build_extension(&b, extensions[e], e == 3 ? 12 : 8);
			else
				build_bytes(&b, 1, 8);
			if (!is_ipv6)
				b.bytes[b.l3] = 0x47;
			else
				memset(b.bytes + b.len - 7, 0, 7); /* an atomic fragment */
			build_l4(&b, protocols[i], CLIENT, WORLD_PORT);
			build_bytes(&b, 0x33, 12);
			build_end(&b);
			seed_cuts("extensions", &b);
			for (uint32_t at = b.l3; at < b.l4; at++)
				seed_bend("extensions", &b, at, 0x2c);
			for (uint32_t at = b.l3; at < b.l4; at++)
				seed_bend("extensions", &b, at, 0x07);
			for (uint32_t len = 0; len < b.len - b.l3; len++)
				seed_bend("extensions-short", &b, b.l3 + (is_ipv6 ? 5 : 3),
					  (uint8_t)len);
		}
	}
}

static void seed_headers(void)
{
	static const uint8_t others[] = {0, 47, 50, 59, 1, 58, 2, 255};
	struct build b;

	build_ethernet(&b);
	build_ip(&b, false, world_client[0], world_crowded);
	build_bytes(&b, 1, 4);
	b.bytes[b.l3] = 0x46;
	build_l4(&b, TCP, CLIENT, WORLD_PORT);
	build_end(&b);
	seed_one("crowded", &b);

	for (uint32_t n = 5; n < 9; n++) {
		seed_begin(&b, true, 0);
		for (uint32_t i = 0; i < n; i++)
			build_extension(&b, 60, 8);
		build_l4(&b, UDP, CLIENT, WORLD_PORT);
		build_end(&b);
		seed_one("many-headers", &b);
	}
	seed_begin(&b, true, 0);
	build_extension(&b, 43, 1600);
	build_extension(&b, 60, 1600);
	build_l4(&b, UDP, CLIENT, WORLD_PORT);
	build_end(&b);
	seed_one("long-headers", &b);
	for (uint32_t i = 0; i < sizeof(others); i++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			seed_whole(&b, is_ipv6, 0, UDP, CLIENT, WORLD_PORT, 32);
			b.bytes[b.next] = others[i];
			seed_one("protocol", &b);
		}
	}
	for (uint16_t port = 0; port < 3; port++) {
		static const uint16_t ports[] = {7999, WORLD_RANGE_FIRST + 99, 9000};

		for (uint32_t i = 0; i < sizeof(protocols); i++)
			for (uint32_t vlan = 0; vlan < 2; vlan++) {
				seed_whole(&b, port & 1, vlan ? WORLD_VLAN_2 : 0, protocols[i],
					   CLIENT, ports[port], 0);
				seed_one("ports", &b);
			}
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	build_open(argv[1]);
	seed_vips();
	seed_ethernet();
	seed_addresses();
	seed_ip();
	seed_headers();
	seed_special();
	printf("%u seeds in %s\n", build_finish(), argv[1]);
	return 0;
}
