/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is for a VIP leaves for its backend, byte for byte as it should. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1, OTHER = 2 };

/* Untagged, 802.1Q and QinQ; a priority tag (VLAN 0) counts as none. */
static const struct {
	const char *name;
	uint8_t n_tags;
	uint16_t tci[2];
	uint16_t vlan, inner_vlan;
} tag_rows[] = {
	{ "untagged", 0, { 0 }, 0, 0 },
	{ "vlan", 1, { 100 }, 100, 0 },
	{ "vlan with priority bits", 1, { 0xf064 }, 100, 0 },
	{ "highest vlan", 1, { 4094 }, 4094, 0 },
	{ "priority tag", 1, { 0xe000 }, 0, 0 },
	{ "qinq", 2, { 200, 100 }, 200, 100 },
	{ "qinq with priority bits", 2, { 0x70c8, 0xb064 }, 200, 100 },
	{ "vlan behind a priority tag", 2, { 0xe000, 100 }, 100, 0 },
	{ "priority tag behind a vlan", 2, { 100, 0xe000 }, 100, 0 },
};

static const struct {
	const char *name, *from, *to;
} family_rows[] = {
	{ "ipv4", "198.51.100.7", "203.0.113.10" },
	{ "ipv6", "2001:db8:c::7", "2001:db8:a::10" },
};

static const struct {
	const char *name;
	struct packet_spec spec;
} payload_rows[] = {
	{ "syn", { .flags = PACKET_SYN } },
	{ "ack", { .payload = 100 } },
	{ "fin", { .flags = PACKET_FIN | PACKET_ACK, .payload = 1 } },
	{ "syn-ack", { .flags = PACKET_SYN | PACKET_ACK } },
	{ "full frame", { .payload = 1400 } },
	{ "odd length", { .payload = 1399 } },
	{ "padded", { .payload = 1, .padding = 5 } },
	{ "udp", { .protocol = IPPROTO_UDP, .payload = 30 } },
	{ "empty datagram", { .protocol = IPPROTO_UDP } },
	{ "padded datagram", { .protocol = IPPROTO_UDP, .padding = 18 } },
	{ "options", { .ip_options = 40, .payload = 9 } },
};

static void check_rows(struct world *w, size_t tag, size_t family, const struct tunnel_row *tunnel)
{
	for (size_t i = 0; i < sizeof(payload_rows) / sizeof(*payload_rows); i++) {
		struct packet_spec s = payload_rows[i].spec;
		struct packet in, out;
		char where[128];

		s.from = family_rows[family].from;
		s.to = family_rows[family].to;
		s.n_tags = tag_rows[tag].n_tags;
		memcpy(s.vlan, tag_rows[tag].tci, sizeof(tag_rows[tag].tci));
		s.ip_options = family ? 0 : s.ip_options;
		packet_build(&in, &s);
		tunnel_expect(w, ACME, &s, &in, &tunnel->tunnel, &out);
		snprintf(where, sizeof(where), "%s, %s, %s, %s", tag_rows[tag].name,
			 family_rows[family].name, payload_rows[i].name, tunnel->name);
		world_check(w, where, &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = ACME,
						.vip = s.protocol == IPPROTO_UDP ? 3 : 2,
						.backend = 5,
						.out = &out });
	}
}

static void add_vips(struct world *w, const char *address)
{
	world_add_vip(w, &(struct vip_row){ ACME, .address = address, .id = 2, .owner = 5 });
	world_add_vip(w, &(struct vip_row){
				 ACME, .address = address, .protocol = IPPROTO_UDP, .id = 3, .owner = 5 });
}

/* meta_len: bytes of poison where the outer headers come to lie. */
static void check_all(bool is_shared, uint32_t meta_len)
{
	struct world w;

	world_open(&w);
	w.meta_len = meta_len;
	world_add_tenant(&w, 0, 0, 0);
	world_add_tenant(&w, ACME, 8, 7);
	for (size_t i = 0; i < sizeof(tag_rows) / sizeof(*tag_rows); i++)
		if (i < 2 || i == 3 || i == 5)
			world_add_segment(&w, w.in, tag_rows[i].vlan, tag_rows[i].inner_vlan,
					  is_shared ? 0 : ACME);
	for (size_t family = 0; family < 2; family++) {
		add_vips(&w, family_rows[family].to);
		if (is_shared)
			world_add_entry(&w, 0, family_rows[family].to, 0, 0, MTLB_ENTRY_ADDRESS, ACME);
		for (const struct tunnel_row *t = tunnel_rows; t->name; t++) {
			/* the inner ethertype in VXLAN's template is wrong: the packet's counts */
			world_add_backend(&w, 5, &t->tunnel, tunnel_has_ethernet(&t->tunnel) ? family : !family,
					  0);
			for (size_t tag = 0; tag < sizeof(tag_rows) / sizeof(*tag_rows); tag++)
				check_rows(&w, tag, family, t);
		}
	}
	world_close(&w);
}

static void every_kind_of_packet_is_encapsulated(void)
{
	check_all(false, 0);
}

static void shared_segment_finds_the_tenant_by_address(void)
{
	check_all(true, 0);
}

static void no_byte_of_the_headroom_shows(void)
{
	struct world w;
	uint32_t room;

	/* what kernels before 6.3 or so allow */
	world_open(&w);
	room = world_takes_meta(&w, 96) ? 96 : 32;
	world_close(&w);
	check_all(false, room);
}

/* 802.1Q and 802.1ad, in each place. */
static void tags_of_both_types_choose_the_segment(void)
{
	static const uint16_t types[] = { 0x8100, 0x88a8 };
	struct packet in, out;
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 8, 7);
	world_add_segment(&w, w.in, 100, 0, ACME);
	world_add_segment(&w, w.in, 100, 200, ACME);
	world_add_vip(&w, &(struct vip_row){ ACME, .id = 2, .owner = 5 });
	world_add_backend(&w, 5, &tunnel_rows[0].tunnel, true, 0);
	for (int i = 0; i < 4; i++)
		for (int n_tags = 1; n_tags <= 2; n_tags++) {
			struct packet_spec s = { .n_tags = n_tags, .vlan = { 100, 200 } };

			packet_build(&in, &s);
			packet_put16(in.bytes + 12, types[i & 1]);
			if (n_tags == 2)
				packet_put16(in.bytes + 16, types[i >> 1]);
			tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
			world_check(&w, "tag types", &in,
				    &(struct expected){ .reason = MTLB_REASON_forwarded,
							.tenant = ACME,
							.vip = 2,
							.backend = 5,
							.out = &out });
		}
	world_close(&w);
}

static void same_vip_in_two_tenants_on_two_vlans(void)
{
	struct packet_spec s = { .n_tags = 1, .payload = 10 };
	struct packet in, out;
	struct world w;

	world_open(&w);
	for (uint32_t t = ACME; t <= OTHER; t++) {
		world_add_tenant(&w, t, t * 8, 7);
		world_add_segment(&w, w.in, t * 100, 0, t);
		world_add_vip(&w, &(struct vip_row){ t, .id = t + 3, .owner = t + 6 });
		world_add_backend(&w, t + 6, &tunnel_rows[t].tunnel, true, 0);
	}
	for (uint32_t t = ACME; t <= OTHER; t++) {
		s.vlan[0] = t * 100;
		packet_build(&in, &s);
		tunnel_expect(&w, t, &s, &in, &tunnel_rows[t].tunnel, &out);
		world_check(&w, "two tenants", &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = t,
						.vip = t + 3,
						.backend = t + 6,
						.out = &out });
	}
	world_close(&w);
}

static void vips_that_share_an_address_are_apart(void)
{
	static const struct packet_spec specs[] = {
		{ .to_port = 443 },
		{ .to_port = 80 },
		{ .to_port = 443, .protocol = IPPROTO_UDP },
		{ .to_port = 53, .protocol = IPPROTO_UDP },
		{ .to_port = 65535 },
	};
	struct packet in, out;
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 0, 0);
	world_add_segment(&w, w.in, 0, 0, ACME);
	for (uint32_t i = 0; i < 5; i++) {
		world_add_vip(&w, &(struct vip_row){ ACME, .port = specs[i].to_port, .id = i,
						     .protocol = specs[i].protocol, .owner = i + 8 });
		world_add_backend(&w, i + 8, &tunnel_rows[i].tunnel, true, 0);
	}
	for (uint32_t i = 0; i < 5; i++) {
		packet_build(&in, &specs[i]);
		tunnel_expect(&w, ACME, &specs[i], &in, &tunnel_rows[i].tunnel, &out);
		world_check(&w, "shared address", &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = ACME,
						.vip = i,
						.backend = i + 8,
						.out = &out });
	}
	world_close(&w);
}

/* With and without a carry, from the constant fields and from the length. */
static void outer_checksum_is_right_for_every_sum(void)
{
	struct packet_tunnel t = tunnel_rows[0].tunnel;
	struct packet_spec s = { .payload = 1000 };
	struct packet in, out;
	char to[32];
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 0, 0);
	world_add_segment(&w, w.in, 0, 0, ACME);
	world_add_vip(&w, &(struct vip_row){ ACME, .id = 2, .owner = 5 });
	packet_build(&in, &s);
	t.to = to;
	for (int i = 0; i < 512; i++) {
		snprintf(to, sizeof(to), "10.0.%d.%d", i & 1 ? 255 : 0, i / 2);
		world_add_backend(&w, 5, &t, true, 0);
		tunnel_expect(&w, ACME, &s, &in, &t, &out);
		CU_ASSERT_EQUAL(packet_checksum(out.bytes + out.l3, 20, 0), 0);
		world_check(&w, to, &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = ACME,
						.vip = 2,
						.backend = 5,
						.out = &out });
	}
	world_close(&w);
}

/* Backend i owns slot i of a ring of 8: the hash decides, and both hosts must agree how. */
static void slot_comes_from_the_hash(void)
{
	struct packet_spec s = { 0 };
	struct packet in, out;
	uint32_t seen = 0;
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 0, 0);
	world_add_segment(&w, w.in, 0, 0, ACME);
	for (uint32_t i = 0; i < 8; i++) {
		world_add_backend(&w, i, &tunnel_rows[0].tunnel, true, 0);
		w.rings[100 - 1 - i / 2].ids[i & 1] = i;
		w.rings[100 + i / 4].slots[i % 4] = i;
	}
	struct mtlb_vip *v = world_add_vip(&w, &(struct vip_row){ ACME, .id = 2 });

	v->word = mtlb_vip_word(100, 3, 0);
	for (uint16_t port = 1000; port < 1100; port++) {
		s.from_port = port;
		packet_build(&in, &s);
		tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
		uint32_t slot = mtlb_hash_slot(world_hash(&w, ACME, &s), 3);

		seen |= 1U << slot;
		world_check(&w, "slot", &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = ACME,
						.vip = 2,
						.backend = slot,
						.out = &out });
	}
	CU_ASSERT_EQUAL(seen, 0xff);
	world_close(&w);
}

static const struct test tests[] = {
	{ "every_kind_of_packet_is_encapsulated", every_kind_of_packet_is_encapsulated },
	{ "shared_segment_finds_the_tenant_by_address", shared_segment_finds_the_tenant_by_address },
	{ "no_byte_of_the_headroom_shows", no_byte_of_the_headroom_shows },
	{ "tags_of_both_types_choose_the_segment", tags_of_both_types_choose_the_segment },
	{ "same_vip_in_two_tenants_on_two_vlans", same_vip_in_two_tenants_on_two_vlans },
	{ "vips_that_share_an_address_are_apart", vips_that_share_an_address_are_apart },
	{ "outer_checksum_is_right_for_every_sum", outer_checksum_is_right_for_every_sum },
	{ "slot_comes_from_the_hash", slot_comes_from_the_hash },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "forward", tests);
}
