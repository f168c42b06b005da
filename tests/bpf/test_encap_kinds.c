/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every kind of encapsulation, in every mix of families: all bytes of its outer headers. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/stage.h"
#include "test.h"

#define L2        .l2_len = 14, .l2 = {0x02, 0, 0, 0, 0, 0x11, 0x02, 0, 0, 0, 0, 0x02}
#define INNER_MAC .inner_mac = {0x02, 0, 0, 0, 0, 0x99}

static const struct {
	const char *name;
	struct packet_tunnel tunnel;
	uint16_t shim_len; /* of what is between the outer and the inner IP header */
} kinds[] = {
	{"ipip", {.kind = PACKET_IPIP, L2}, 0},
	{"gue", {.kind = PACKET_GUE, .udp_port = 6080, L2}, 8},
	{"gue variant 0", {.kind = PACKET_GUE0, .udp_port = 6080, L2}, 12},
	{"fou", {.kind = PACKET_FOU, .udp_port = 5555, L2}, 8},
	{"gre", {.kind = PACKET_GRE, L2}, 4},
	{"gre with a key", {.kind = PACKET_GRE_KEY, .vni = 0xfedcba98, L2}, 8},
	{"vxlan", {.kind = PACKET_VXLAN, .udp_port = 4789, .vni = 0xfedcba, INNER_MAC, L2}, 30},
	{"geneve", {.kind = PACKET_GENEVE, .udp_port = 6081, .vni = 0xabcdef, INNER_MAC, L2}, 30},
	{"geneve with tenant id",
	 {.kind = PACKET_GENEVE_ID,
	  .udp_port = 6081,
	  .vni = 1,
	  .tenant_id = 0xfedcba98,
	  INNER_MAC,
	  L2},
	 38},
	{"l2", {.kind = PACKET_L2, L2}, 0},
};
enum {
	KINDS = sizeof(kinds) / sizeof(*kinds)
};

/* The stage's backend of the packet comes to be behind t; then the packet must leave as t says. */
static void check(struct world *w, const char *where, const struct packet_tunnel *t,
		  const struct packet_spec *s)
{
	uint32_t vip = stage_vip_id(s);
	struct packet in, out;

	packet_build(&in, s);
	world_add_backend(w, STAGE_BACKEND + vip, t, packet_is_ipv4(&in), 0);
	tunnel_expect(w, STAGE_TENANT, s, &in, t, &out);
	world_check(w, where, &in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = vip,
				       .backend = STAGE_BACKEND + vip,
				       .out = &out});
}

static struct packet_tunnel tunnel_of(int kind, bool outer_is_ipv6)
{
	struct packet_tunnel t = kinds[kind].tunnel;

	t.from = outer_is_ipv6 ? "fd00::1" : "10.0.0.1";
	t.to = outer_is_ipv6 ? "fd00::11" : "10.0.0.11";
	return t;
}

static void check_families(struct world *w, int kind, const struct packet_spec *s)
{
	for (int mix = 0; mix < 4; mix++) {
		struct packet_tunnel t = tunnel_of(kind, mix & 2);
		struct packet_spec spec = stage_spec(s, mix & 1);
		char where[64];

		snprintf(where, sizeof(where), "%s, %d in %d", kinds[kind].name, mix & 1 ? 6 : 4,
			 mix & 2 ? 6 : 4);
		check(w, where, &t, &spec);
	}
}

static void every_kind_carries_every_family(void)
{
	static const struct packet_spec specs[] = {
		{.payload = 0},
		{.payload = 1399},
		{.protocol = IPPROTO_UDP, .payload = 33, .padding = 9},
		{.protocol = IPPROTO_SCTP, .payload = 8},
		{.payload = 7000},
	};
	struct world w;

	stage_open(&w);
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++)
			check_families(&w, kind, &specs[i]);
	world_close(&w);
}

/* What packet_encapsulate() writes has the lengths of the RFCs, counted by hand. */
static void headers_have_the_lengths_of_their_kind(void)
{
	struct packet_spec s = {.payload = 10};
	struct packet in, out;

	packet_build(&in, &s);
	for (int kind = 0; kind < KINDS; kind++)
		for (int outer_is_ipv6 = 0; outer_is_ipv6 < 2; outer_is_ipv6++) {
			struct packet_tunnel t = tunnel_of(kind, outer_is_ipv6);
			uint32_t ip_len = t.kind == PACKET_L2 ? 0 : outer_is_ipv6 ? 40 : 20;

			packet_encapsulate(&out, &in, &t);
			CU_ASSERT_EQUAL(out.len, in.len + ip_len + kinds[kind].shim_len);
		}
}

/* All values of the byte: DSCP is copied, or the VIP's; ECN always is the packet's (RFC 6040). */
static void dscp_is_copied_or_set_and_ecn_copied(void)
{
	static const uint8_t dscps[] = {0, 1, 46, 63};
	struct world w;

	stage_open(&w);
	for (int tos = 0; tos < 256; tos += 5)
		for (int kind = 0; kind < KINDS; kind += 3)
			check_families(&w, kind, &(struct packet_spec){.tos = tos});
	for (int i = 0; i < 4; i++)
		for (int ecn = 0; ecn < 4; ecn++)
			for (int mix = 0; mix < 4; mix++) {
				struct packet_tunnel t = tunnel_of(mix & 1 ? 0 : 6, mix & 2);
				struct packet_spec s = stage_spec(
					&(struct packet_spec){.tos = 0xb8 | ecn}, mix & 1);

				t.sets_dscp = true;
				t.dscp = dscps[i];
				check(&w, "dscp set", &t, &s);
			}
	world_close(&w);
}

/* The source address of ipip and gre has the hash in its host bits, however many. */
static void source_prefix_takes_the_hash(void)
{
	static const struct {
		const char *from;
		uint8_t bits;
	} rows[] = {
		{"10.1.0.0", 16}, {"10.1.2.0", 8},     {"10.1.2.2", 1},   {"10.0.0.0", 24},
		{"0.0.0.0", 32},  {"fd00::1:0:0", 32}, {"fd00::ab00", 8}, {"fd00::1:8000:0", 31},
	};
	static const int prefix_kinds[] = {0, 4, 5};
	struct packet_spec s = {0};
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int k = 0; k < 3; k++)
			for (uint16_t port = 1000; port < 1020; port++) {
				struct packet_tunnel t =
					tunnel_of(prefix_kinds[k], rows[i].from[0] == 'f');

				t.from = rows[i].from;
				t.entropy_bits = rows[i].bits;
				s.from_port = port;
				check(&w, rows[i].from, &t, &s);
			}
	world_close(&w);
}

/* Flow label and source port: from flow to flow another, of one flow always the same. */
static void entropy_spreads_flows(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	uint32_t ports[4] = {0};
	struct world w;

	stage_open(&w);
	for (uint16_t port = 2000; port < 2016; port++) {
		s.from_port = port;
		ports[(world_hash(&w, STAGE_TENANT, &s) & 0x3fff) >> 12]++;
		for (int kind = 0; kind < KINDS; kind++)
			check_families(&w, kind, &s);
	}
	for (int i = 0; i < 4; i++)
		CU_ASSERT_TRUE(ports[i] > 0);
	world_close(&w);
}

static void l2_needs_no_outer_header(void)
{
	struct packet_tunnel t = tunnel_of(KINDS - 1, false);
	struct world w;

	stage_open(&w);
	world_add_segment(&w, w.in, 100, 200, STAGE_TENANT);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (uint8_t tags = 0; tags <= 2; tags++)
			for (int is_tagged_in = 0; is_tagged_in < 2; is_tagged_in++) {
				struct packet_spec s = stage_spec(
					&(struct packet_spec){.tos = 0xb9,
							      .payload = 50,
							      .padding = 3,
							      .n_tags = is_tagged_in ? 2 : 0,
							      .vlan = {100, 200}},
					is_ipv6);

				t.l2_len = 14 + 4 * tags;
				memcpy(t.l2 + 12, "\x88\xa8\x00\x4e\x81\x00\x00\x4d", 8);
				check(&w, "l2", &t, &s);
			}
	world_close(&w);
}

/* Both variants of a backend's encapsulation, of different kinds. */
static void kind_changes_with_the_variant(void)
{
	struct packet_spec s = {.payload = 20};
	struct packet in, out;
	struct world w;

	stage_open(&w);
	packet_build(&in, &s);
	for (int kind = 0; kind < KINDS; kind++) {
		struct packet_tunnel now = tunnel_of(kind, false);
		struct packet_tunnel other = tunnel_of((kind + 1) % KINDS, true);
		struct mtlb_backend *b = world_add_backend(&w, STAGE_BACKEND, &now, true, 0);
		struct mtlb_encap encap = b->encap0;

		world_add_backend(&w, STAGE_BACKEND, &other, true, 0);
		b->encap1 = encap;
		b->word = mtlb_backend_word(MTLB_BACKEND_UP, 1, 100);
		tunnel_expect(&w, STAGE_TENANT, &s, &in, &now, &out);
		world_check(&w, kinds[kind].name, &in,
			    &(struct expected){.reason = MTLB_REASON_forwarded,
					       .tenant = STAGE_TENANT,
					       .backend = STAGE_BACKEND,
					       .out = &out});
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"every_kind_carries_every_family", every_kind_carries_every_family},
	{"headers_have_the_lengths_of_their_kind", headers_have_the_lengths_of_their_kind},
	{"dscp_is_copied_or_set_and_ecn_copied", dscp_is_copied_or_set_and_ecn_copied},
	{"source_prefix_takes_the_hash", source_prefix_takes_the_hash},
	{"entropy_spreads_flows", entropy_spreads_flows},
	{"l2_needs_no_outer_header", l2_needs_no_outer_header},
	{"kind_changes_with_the_variant", kind_changes_with_the_variant},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "encap_kinds", tests);
}
