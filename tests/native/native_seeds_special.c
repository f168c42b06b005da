/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "mtlb_abi.h"
#include "native_map.h"
#include "native_seeds.h"

static const uint8_t protocols[] = {TCP, UDP, SCTP};

/* ---- ICMP --------------------------------------------------------------------------------------- */
/* The checksum of the reply comes out as 0. */
static void seed_echo_of_zeroes(bool is_ipv6, uint16_t vlan)
{
	struct build b;

	seed_begin(&b, is_ipv6, vlan);
	build_icmp(&b, is_ipv6 ? 128 : 8, 0);
	b.bytes[b.l4 + 2] = is_ipv6 ? 0x7e : 0xf7;
	b.bytes[b.l4 + 3] = 0xff;
	build_end(&b);
	seed_one("echo-of-zeroes", &b);
}

static void seed_echo(void)
{
	static const uint16_t vlans[] = {0, WORLD_VLAN_2, WORLD_VLAN_3};

	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		for (uint32_t i = 0; i < 3; i++) {
			struct build b;

			seed_begin(&b, is_ipv6, vlans[i]);
			build_icmp(&b, is_ipv6 ? 128 : 8, 0);
			build_bytes(&b, 0x77, 12);
			build_end(&b);
			seed_cuts("echo", &b);
			for (uint32_t type = 0; type < 20; type++)
				seed_bend("icmp-type", &b, b.l4, (uint8_t)type);
			for (uint32_t type = 128; type < 138; type++)
				seed_bend("icmp-type", &b, b.l4, (uint8_t)type);
			seed_bend("echo-code", &b, b.l4 + 1, 1);
			seed_echo_of_zeroes(is_ipv6, vlans[i]);
			/* sources that are not answered */
			for (uint32_t at = 0; at < (is_ipv6 ? 16 : 4); at++)
				for (uint32_t value = 0; value < 256;
				     value += value == 126 || value > 252 ? 1 : 42)
					seed_bend("echo-source", &b, b.l3 + (is_ipv6 ? 8 : 12) + at,
						  (uint8_t)value);
			memcpy(b.bytes + b.l3 + (is_ipv6 ? 8 : 12),
			       world_address[is_ipv6] + (is_ipv6 ? 0 : 12), is_ipv6 ? 16 : 4);
			seed_one("echo-of-itself", &b);
			memset(b.bytes + b.l3 + (is_ipv6 ? 8 : 12), 0, is_ipv6 ? 15 : 4);
			seed_one("echo-of-nobody", &b);
			build_ethernet(&b);
			build_ip(&b, is_ipv6, world_client[is_ipv6], world_quiet[is_ipv6]);
			build_icmp(&b, is_ipv6 ? 128 : 8, 0);
			build_end(&b);
			seed_one("echo-quiet", &b);
			seed_begin(&b, is_ipv6, vlans[i]);
			if (is_ipv6)
				build_extension(&b, 60, 8);
			else
				build_bytes(&b, 1, 4);
			if (!is_ipv6)
				b.bytes[b.l3] = 0x46;
			build_icmp(&b, is_ipv6 ? 128 : 8, 0);
			build_end(&b);
			seed_one("echo-options", &b);
		}
	}
}

/* An error about a packet from the VIP to the client. */
static void error_about(struct build *b, bool is_ipv6, uint8_t protocol, uint16_t port,
			bool has_options)
{
	uint32_t l3, l4, next;

	seed_begin(b, is_ipv6, 0);
	build_icmp(b, is_ipv6 ? 1 : 3, 0);
	l3 = b->l3;
	l4 = b->l4;
	next = b->next;
	uint16_t ethertype;

	memcpy(&ethertype, b->bytes + b->l4 + 6, 2);
	build_ip(b, is_ipv6, world_address[is_ipv6], world_client[is_ipv6]);
	memcpy(b->bytes + l4 + 6, &ethertype, 2); /* where a packet has its ethertype */
	if (has_options && is_ipv6) {
		build_extension(b, 60, 8);
		build_fragment(b, 0, 0, false);
	} else if (has_options) {
		build_bytes(b, 1, 8);
		b->bytes[b->l3] = 0x47;
	}
	build_l4(b, protocol, port, CLIENT);
	b->l3 = l3;
	b->l4 = 0;
	b->next = next;
	build_end(b);
	b->l4 = l4;
}

static void seed_errors(void)
{
	for (uint32_t vip = 0; vip < WORLD_VIPS; vip++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct build b;

			for (uint32_t i = 0; i < 3; i++) {
				error_about(&b, is_ipv6, protocols[i], (uint16_t)(WORLD_PORT + vip),
					    vip & 1);
				build_begin("error");
				build_packet(&b, TRACED);
				/* from many clients: to settled and to moving slots */
				for (uint32_t n = 0; n < 20; n++)
					build_step(
						STEP_AGAIN, (uint8_t)n,
						(uint16_t)(b.len - (protocols[i] == TCP   ? 17
								    : protocols[i] == UDP ? 5
											  : 13)));
			}
			if (vip > 2)
				continue;
			seed_cuts("error", &b);
			for (uint32_t at = b.l4; at < b.len; at++) {
				seed_bend("error", &b, at, 0x2c);
				seed_bend("error", &b, at, 0x46);
				seed_bend("error", &b, at, 0x01);
			}
			for (uint32_t len = 0; len < b.len - b.l3; len++)
				seed_bend("error-short", &b, b.l3 + (is_ipv6 ? 5 : 3),
					  (uint8_t)len);
			error_about(&b, is_ipv6, TCP, 7, false);
			seed_one("error-no-vip", &b);
			error_about(&b, is_ipv6, TCP, WORLD_RANGE_FIRST + 3, false);
			seed_one("error-range", &b);
		}
	}
}

/* ---- fragments ---------------------------------------------------------------------------------- */
static void fragment(struct build *b, bool is_ipv6, uint8_t protocol, uint16_t offset,
		     bool has_more, uint16_t port)
{
	seed_begin(b, is_ipv6, 0);
	build_fragment(b, 0x1234, offset, has_more);
	build_l4(b, protocol, CLIENT, port);
	build_bytes(b, 0x66, 40);
	build_end(b);
	b->bytes[b->l4 + 4] = 9; /* UDP: longer than the fragment */
}

static void seed_fragments(void)
{
	static const uint8_t kinds[] = {TCP, UDP, SCTP, 1, 58, 47, 60, 44};

	for (uint32_t i = 0; i < sizeof(kinds); i++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			for (uint32_t vip = 0; vip < WORLD_VIPS; vip++) {
				struct build first, later, end;
				uint16_t port = (uint16_t)(WORLD_PORT + vip);

				fragment(&first, is_ipv6, kinds[i], 0, true, port);
				fragment(&later, is_ipv6, kinds[i], 1, true, port);
				fragment(&end, is_ipv6, kinds[i], 8, false, port);
				build_begin("fragments");
				build_packet(&end, TRACED);
				build_packet(&first, TRACED);
				build_packet(&later, TRACED);
				build_packet(&end, TRACED);
				build_step(STEP_CLOCK, 0, 29);
				build_packet(&end, TRACED);
				build_step(STEP_CLOCK, 0, 31);
				build_packet(&end, TRACED);
				if (vip)
					continue;
				seed_cuts("fragment", &first);
				for (uint32_t len = 0; len < first.len - first.l3; len++)
					seed_bend("fragment-short", &first,
						  first.l3 + (is_ipv6 ? 5 : 3), (uint8_t)len);
				seed_bend("fragment-doff", &first, first.l4 + 12, 0x40);
				seed_bend("fragment-doff", &first, first.l4 + 12, 0xf0);
				for (uint16_t n = 0; n < WORLD_VIP_BACKENDS; n++) {
					build_begin("fragment-down");
					build_packet(&first, TRACED);
					build_step(STEP_STATE, MTLB_BACKEND_DOWN, n);
					build_packet(&end, TRACED);
				}
			}
		}
	}
}

/* ---- QUIC --------------------------------------------------------------------------------------- */
/* The id's first octet names the configuration. */
static void quic(struct build *b, bool is_ipv6, uint16_t vip, uint8_t first, bool is_long,
		 uint8_t id_len, uint8_t server, uint32_t server_len)
{
	static const uint8_t version[] = {0xc0, 0, 0, 0, 1};

	seed_begin(b, is_ipv6, 0);
	build_l4(b, UDP, CLIENT, (uint16_t)(WORLD_PORT + vip));
	if (is_long)
		build_copy(b, version, sizeof(version));
	build_bytes(b, is_long ? id_len : 0x40, 1);
	build_bytes(b, first, 1);
	build_bytes(b, server, server_len);
	build_bytes(b, 0, id_len > server_len ? id_len - 1 - server_len : 0);
	build_end(b);
}

/* Ids of all servers in turn from one address: the flow's entry follows them, if it has one. */
static void seed_noted(uint16_t vip, uint16_t flags, bool has_table)
{
	struct build b;

	build_begin("quic-noted");
	build_step(STEP_WORD, (uint8_t)vip, flags);
	if (!has_table)
		build_step(STEP_SHRINK, NATIVE_flows, 0);
	for (uint32_t n = 0; n < 2 * WORLD_VIP_BACKENDS; n++) {
		bool is_odd = n / 2 & 1;

		quic(&b, false, vip, is_odd ? 0x5f : 0x3f, false,
		     is_odd ? WORLD_QUIC_ID_LONG : WORLD_QUIC_ID_LEN, (uint8_t)(0xa0 + n / 2),
		     is_odd ? WORLD_QUIC_SERVER_LONG : WORLD_QUIC_SERVER_LEN);
		build_packet(&b, TRACED);
	}
}

static void seed_quic(void)
{
	struct build b;

	for (uint16_t vip = WORLD_QUIC; vip <= WORLD_QUIC_ROUND_ROBIN; vip++) {
		for (int is_long = 0; is_long < 2; is_long++) {
			for (uint32_t n = 0; n < 9; n++) {
				bool is_odd = n & 1;

				quic(&b, n & 2, vip, is_odd ? 0x5f : 0x3f, is_long,
				     is_odd ? WORLD_QUIC_ID_LONG : WORLD_QUIC_ID_LEN,
				     (uint8_t)(0xa0 + n),
				     is_odd ? WORLD_QUIC_SERVER_LONG : WORLD_QUIC_SERVER_LEN);
				seed_cuts("quic", &b);
				for (uint32_t len = 8; len < 30; len++)
					seed_bend("quic-short", &b, b.l4 + 5, (uint8_t)len);
				for (uint32_t state = 0; state < 6; state++) {
					build_begin("quic-state");
					build_step(STEP_STATE, (uint8_t)state,
						   (uint16_t)(vip * WORLD_VIP_BACKENDS + n));
					build_packet(&b, TRACED);
				}
				for (uint32_t at = b.l4; at < b.len; at++)
					seed_bend("quic", &b, at, 0);
				for (uint32_t at = b.l4; at < b.len; at++)
					seed_bend("quic", &b, at, 0xff);
			}
		}
	}
	for (uint16_t vip = WORLD_QUIC; vip <= WORLD_QUIC_ROUND_ROBIN; vip++)
		for (uint16_t flags = 0; flags < 8; flags++)
			for (int has_table = 0; has_table < 2; has_table++)
				seed_noted(vip, flags, has_table);
	/* the id is shorter than the server id in it */
	for (uint32_t len = 0; len < 20; len++) {
		quic(&b, false, WORLD_QUIC, 0x7f, false, 4, 0xa1, len);
		seed_one("quic-contradiction", &b);
	}
	/* the first buffer ends within the id */
	quic(&b, false, WORLD_QUIC, 0x5f, true, WORLD_QUIC_ID_LONG, 0xa1, WORLD_QUIC_SERVER_LONG);
	for (uint32_t cut = 1; cut < b.len - b.l4; cut++) {
		struct build in_buffers = b;

		in_buffers.len = b.len - cut;
		build_begin("quic-buffers");
		build_step(STEP_ENV, BUFFERS, (uint16_t)cut);
		build_packet(&in_buffers, BUFFERS);
	}
}

/* ---- encapsulation ------------------------------------------------------------------------------ */
static void seed_lengths(void)
{
	static const uint16_t lengths[] = {0,    500,  600,  660,  1190, 1300,
					   1340, 1440, 1460, 1500, 2000, 3000};
	static const uint8_t envs[] = {TRACED,  NO_HEADROOM, LITTLE_HEADROOM, SOME_HEADROOM,
				       BUFFERS, TRACED | 1,  TRACED | 2};
	static const uint16_t vlans[] = {0, WORLD_VLAN_2, WORLD_VLAN_3};

	for (uint32_t i = 0; i < sizeof(lengths) / 2; i++) {
		for (uint32_t e = 0; e < sizeof(envs); e++) {
			for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
				struct build b;

				seed_whole(&b, is_ipv6, vlans[(i + e) % 3], TCP, CLIENT,
					   (uint16_t)(WORLD_PORT + (i & 1)), lengths[i]);
				build_begin("length");
				build_packet(&b, envs[e]);
				/* other ports: other backends */
				for (uint32_t n = 0; n < 24; n++)
					build_step(STEP_AGAIN, (uint8_t)(n * 7),
						   (uint16_t)(b.l4 + 1));
				build_step(STEP_CLOCK, 0, 1);
				for (uint32_t n = 0; n < 24; n++)
					build_step(STEP_AGAIN, (uint8_t)(n * 7),
						   (uint16_t)(b.l4 + 1));
				build_step(STEP_AGAIN, 0, (uint16_t)(b.l3 + 6));
				build_step(STEP_AGAIN, 0xff, (uint16_t)(b.l3 + (is_ipv6 ? 8 : 12)));
				build_step(STEP_AGAIN, 60, (uint16_t)(b.l3 + (is_ipv6 ? 4 : 2)));
			}
		}
	}
}

/* The answer needs more room than there is: two tags and no headroom. Errors and fragments too long. */
static void seed_too_big(void)
{
	struct build b;

	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		build_ethernet(&b);
		build_tag(&b, WORLD_VLAN_2, ETH_P_8021AD);
		build_tag(&b, is_ipv6 ? WORLD_VLAN_2_INNER : WORLD_VLAN_3_INNER, ETH_P_8021Q);
		build_ip(&b, is_ipv6, world_client[is_ipv6], world_address[is_ipv6]);
		build_l4(&b, UDP, CLIENT, WORLD_PORT);
		build_bytes(&b, 0x11, 2000);
		build_end(&b);
		seed_one("too-big-limited", &b);
		build_begin("too-big-answered");
		build_packet(&b, TRACED);
		error_about(&b, is_ipv6, UDP, WORLD_PORT, false);
		b.l4 = 0;
		build_bytes(&b, 0x22, 1600);
		build_end(&b);
		seed_one("too-big-error", &b);
		fragment(&b, is_ipv6, UDP, 0, true, WORLD_PORT);
		build_begin("too-big-fragment");
		build_packet(&b, TRACED);
		fragment(&b, is_ipv6, UDP, 9, true, WORLD_PORT);
		b.l4 = 0;
		build_bytes(&b, 0x22, 1600);
		build_end(&b);
		build_packet(&b, TRACED);
	}
}

static void seed_templates(void)
{
	static const uint8_t values[] = {0,  1,  2,  7,  13, 14, 18, 19, 20,
					 21, 22, 23, 28, 50, 80, 81, 255};

	for (uint8_t field = 0; field < FIELDS; field++) {
		for (uint32_t i = 0; i < sizeof(values); i++) {
			for (uint32_t vip = 0; vip < 2; vip++) {
				struct build b;

				build_begin("template");
				for (uint32_t n = 0; n < WORLD_VIP_BACKENDS; n++)
					build_step(STEP_ENCAP,
						   (uint8_t)(vip * WORLD_VIP_BACKENDS + n),
						   (uint16_t)(field << 8 | values[i]));
				for (uint16_t from = CLIENT; from < CLIENT + 24; from++) {
					seed_whole(&b, i & 1, 0, TCP, from,
						   (uint16_t)(WORLD_PORT + vip), 0);
					build_packet(&b, TRACED);
				}
			}
		}
	}
}

/* ---- maps that contradict each other ------------------------------------------------------------ */
static void seed_contradictions(void)
{
	for (uint8_t map = 0; map < NATIVE_N + NATIVE_TABLES; map++) {
		for (uint16_t n = 0; n < 33; n = n ? n * 2 : 1) {
			for (uint32_t vip = 0; vip < WORLD_NO_RING; vip++) {
				struct build b;
				uint16_t vlan = vip & 1 ? WORLD_VLAN_3 : 0;
				uint16_t port = vip == WORLD_RANGE ? WORLD_RANGE_FIRST
								   : (uint16_t)(WORLD_PORT + vip);

				build_begin("contradiction");
				build_step(STEP_SHRINK, map, n);
				for (uint16_t from = CLIENT; from < CLIENT + 3; from++) {
					seed_whole(&b, from & 1, vlan, TCP, from, port, 1500);
					build_packet(&b, TRACED);
					seed_whole(&b, from & 1, 0, UDP, from, port, 0);
					build_packet(&b, TRACED);
				}
				fragment(&b, vip & 1, UDP, 0, true, port);
				build_packet(&b, TRACED);
				fragment(&b, vip & 1, UDP, 8, true, port);
				build_packet(&b, TRACED);
				error_about(&b, vip & 1, UDP, port, false);
				build_packet(&b, TRACED);
			}
		}
	}
}

void seed_special(void)
{
	seed_echo();
	seed_errors();
	seed_fragments();
	seed_quic();
	seed_lengths();
	seed_too_big();
	seed_templates();
	seed_contradictions();
}
