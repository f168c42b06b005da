/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments: the first one finds the backend, the others follow it as long as it is remembered. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/stage.h"
#include "test.h"

enum {
	OTHER_TENANT = 2,
	VLAN_OTHER = 100,
	ID = 0x1234abcd,
	OPTIONS = 60,
};

static const uint8_t l4_protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

/* A packet of 1000 bytes behind its L4 header, and its fragments. */
struct pieces {
	struct packet_spec spec;
	struct packet whole, first, middle, last;
	uint64_t hash; /* of the fragments */
	uint32_t vip, backend;
};

static struct pieces cut(const struct world *w, uint8_t protocol, bool is_ipv6, uint32_t id)
{
	struct pieces c = {
		.spec = stage_spec(&(struct packet_spec){.protocol = protocol, .payload = 1000},
				   is_ipv6)};

	packet_build(&c.whole, &c.spec);
	uint32_t len = c.whole.len - c.whole.l4;

	packet_fragment(&c.first, &c.whole, 0, 400, id);
	packet_fragment(&c.middle, &c.whole, 400, 400, id);
	packet_fragment(&c.last, &c.whole, 800, len - 800, id);
	c.hash = world_fragment_hash(w, STAGE_TENANT, &c.spec, id);
	c.vip = stage_vip_id(&c.spec);
	c.backend = STAGE_BACKEND + c.vip;
	return c;
}

static void forward(struct world *w, const char *where, const struct pieces *c,
		    const struct packet *piece)
{
	stage_forward_to(w, where, piece, c->hash, c->vip, c->backend);
}

static void later_fragments_follow_the_first(void)
{
	struct world w;

	stage_open(&w);
	for (int i = 0; i < 3; i++)
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct pieces c = cut(&w, l4_protocols[i], is_ipv6, ID + i);

			stage_end(&w, "before the first", &c.middle, MTLB_REASON_fragment_unknown);
			forward(&w, "first", &c, &c.first);
			forward(&w, "last before middle", &c, &c.last);
			forward(&w, "middle", &c, &c.middle);
			forward(&w, "first again", &c, &c.first);
			forward(&w, "middle again", &c, &c.middle);
			stage_forward(&w, "whole", &c.spec, &c.whole);
		}
	world_close(&w);
}

static void every_offset_makes_a_later_fragment(void)
{
	struct packet piece;
	char where[64];
	struct world w;

	stage_open(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct pieces c = cut(&w, IPPROTO_UDP, is_ipv6, ID);

		forward(&w, "first", &c, &c.first);
		for (uint32_t from = 8; from <= 0x8000; from *= 2) {
			piece = c.last;
			packet_put16(is_ipv6 ? piece.bytes + piece.l4 - 6
					     : piece.bytes + piece.l3 + 6,
				     is_ipv6 ? from : from / 8);
			snprintf(where, sizeof(where), "offset %u, IPv%d", from, is_ipv6 ? 6 : 4);
			forward(&w, where, &c, &piece);
		}
	}
	world_close(&w);
}

/* Behind options, and between extension headers. */
static void fragments_behind_other_headers_are_followed(void)
{
	struct packet whole, piece;
	struct world w;

	stage_open(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct pieces c = cut(&w, IPPROTO_UDP, is_ipv6, ID);

		c.spec.ip_options = is_ipv6 ? 0 : 12;
		c.spec.n_extensions = is_ipv6 ? 2 : 0;
		c.spec.extensions[0] = c.spec.extensions[1] = (struct packet_extension){OPTIONS, 1};
		packet_build(&whole, &c.spec);
		packet_fragment(&piece, &whole, 0, 64, ID);
		forward(&w, "first", &c, &piece);
		packet_fragment(&piece, &whole, 400, whole.len - whole.l4 - 400, ID);
		forward(&w, "last", &c, &piece);
	}
	world_close(&w);
}

/* RFC 8200 4.5: the first fragment holds the whole chain; what follows the fragment header may be an extension. */
static void later_fragment_of_an_extension_header_is_followed(void)
{
	struct pieces c;
	struct world w;

	stage_open(&w);
	c = cut(&w, IPPROTO_UDP, true, ID);
	forward(&w, "first", &c, &c.first);
	c.last.bytes[c.last.l4 - 8] = OPTIONS;
	forward(&w, "last", &c, &c.last);
	c.last.bytes[c.last.l4 - 8] = IPPROTO_ESP;
	stage_end(&w, "other protocol", &c.last, MTLB_REASON_other_protocol);
	world_close(&w);
}

/* A chain that nobody sends: of two that are no atomic ones the last counts, unless the first has an offset. */
static void last_of_several_fragment_headers_counts(void)
{
	struct packet whole, piece;
	struct pieces c;
	struct world w;

	stage_open(&w);
	c = cut(&w, IPPROTO_UDP, true, ID);
	c.spec.n_extensions = 1;
	c.spec.extensions[0] = (struct packet_extension){IPPROTO_FRAGMENT, 0};
	packet_build(&whole, &c.spec);
	packet_fragment(&piece, &whole, 0, 400, ID);
	uint8_t *before = piece.bytes + whole.l4 - 8;

	packet_put16(before + 2, 1);
	before[7] = 99;
	forward(&w, "both are first", &c, &piece);
	packet_put16(before + 2, 400);
	stage_end(&w, "id of the one with an offset", &piece, MTLB_REASON_fragment_unknown);
	packet_put16(before + 4, ID >> 16);
	packet_put16(before + 6, ID & 0xffff);
	packet_put16(before + 8 + 4, 0);
	forward(&w, "what follows it does not matter", &c, &piece);
	world_close(&w);
}

/* Whatever becomes of it after its backend is known. */
static void first_fragment_that_cannot_leave_is_remembered(void)
{
	struct mtlb_encap *e;
	struct pieces c;
	struct world w;

	stage_open(&w);
	for (int i = 0; i < 2; i++) {
		c = cut(&w, IPPROTO_UDP, false, ID + i);
		e = &w.backends[c.backend].encap0;
		e->mtu = i ? 100 : UINT16_MAX;
		e->kind = i ? MTLB_ENCAP_IPIP : MTLB_ENCAP_NONE;
		stage_end(&w, "first", &c.first, i ? MTLB_REASON_too_big : MTLB_REASON_no_next_hop);
		e->mtu = UINT16_MAX;
		e->kind = MTLB_ENCAP_IPIP;
		forward(&w, "later", &c, &c.last);
	}
	world_close(&w);
}

static void fragments_are_told_apart_by_all_of_their_key(void)
{
	struct packet piece;
	struct pieces c;
	struct world w;

	stage_open(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		c = cut(&w, IPPROTO_UDP, is_ipv6, ID);
		forward(&w, "first", &c, &c.first);
		packet_fragment(&piece, &c.whole, 400, 400, ID ^ 0x100);
		stage_end(&w, "other id", &piece, MTLB_REASON_fragment_unknown);
		packet_fragment(&piece, &c.whole, 400, 400, ID ^ 0x1000000);
		if (is_ipv6)
			stage_end(&w, "other high bits", &piece, MTLB_REASON_fragment_unknown);
		piece = c.middle;
		piece.bytes[piece.l3 + (is_ipv6 ? 23 : 15)] ^= 1;
		stage_end(&w, "other source", &piece, MTLB_REASON_fragment_unknown);
		piece = c.middle;
		piece.bytes[is_ipv6 ? piece.l4 - 8 : piece.l3 + 9] = IPPROTO_TCP;
		if (!is_ipv6)
			stage_end(&w, "other protocol", &piece, MTLB_REASON_fragment_unknown);
		else
			forward(&w, "the protocol is no part in IPv6", &c, &piece);
		forward(&w, "middle", &c, &c.middle);
	}
	world_close(&w);
}

static void fragment_is_remembered_for_thirty_ticks(void)
{
	struct mtlb_flow *f;
	struct pieces c;
	struct world w;

	stage_open(&w);
	c = cut(&w, IPPROTO_UDP, false, ID);
	forward(&w, "first", &c, &c.first);
	f = world_find_flow(&w, STAGE_TENANT, c.hash);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(mtlb_flow_word_state(f->word), MTLB_FLOW_FRAGMENT);
	world_set_flow(f, c.hash, c.backend, MTLB_FLOW_FRAGMENT, MTLB_FRAGMENT_TICKS - 1);
	forward(&w, "old", &c, &c.middle);
	CU_ASSERT_TRUE((uint16_t)(world_tick() - mtlb_flow_word_seen(f->word)) <= 1);
	CU_ASSERT_EQUAL(mtlb_flow_word_state(f->word), MTLB_FLOW_FRAGMENT);
	world_set_flow(f, c.hash, c.backend, MTLB_FLOW_FRAGMENT, MTLB_FRAGMENT_TICKS + 2);
	stage_end(&w, "too old", &c.middle, MTLB_REASON_fragment_unknown);
	world_set_flow(f, c.hash, c.backend, MTLB_FLOW_FRAGMENT, MTLB_FRAGMENT_TICKS - 1);
	forward(&w, "first again", &c, &c.first);
	CU_ASSERT_TRUE((uint16_t)(world_tick() - mtlb_flow_word_seen(f->word)) <= 1);
	world_close(&w);
}

static void fragment_follows_only_what_serves(void)
{
	static const struct {
		enum mtlb_backend_state state;
		bool serves;
	} rows[] = {
		{MTLB_BACKEND_UP, true},        {MTLB_BACKEND_DRAINING, true},
		{MTLB_BACKEND_LEAVING, true},   {MTLB_BACKEND_DOWN, false},
		{MTLB_BACKEND_DISABLED, false}, {MTLB_BACKEND_FREE, false},
	};
	struct pieces c;
	struct world w;

	stage_open(&w);
	c = cut(&w, IPPROTO_UDP, false, ID);
	forward(&w, "first", &c, &c.first);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		world_set_state(&w, c.backend, rows[i].state);
		if (rows[i].serves)
			forward(&w, "serves", &c, &c.middle);
		else
			stage_end(&w, "does not", &c.middle, MTLB_REASON_fragment_unknown);
	}
	world_close(&w);
}

/* state of the four entries of the only bucket; is_taken: a first fragment finds room. */
static const struct {
	const char *name;
	enum mtlb_flow_state state;
	uint16_t age;
	bool is_taken;
} full_rows[] = {
	{"confirmed", MTLB_FLOW_CONFIRMED, 299, false},
	{"timed out", MTLB_FLOW_CONFIRMED, 302, true},
	{"closing", MTLB_FLOW_CLOSING, 1, true},
	{"new", MTLB_FLOW_NEW, 1, true},
	{"fragments", MTLB_FLOW_FRAGMENT, 1, true},
};

static void first_fragment_pushes_out_what_a_flow_would(void)
{
	struct pieces c;
	struct world w;

	stage_open(&w);
	w.tenants[STAGE_TENANT].flows = mtlb_flow_range(8, 0);
	c = cut(&w, IPPROTO_UDP, false, ID);
	for (size_t i = 0; i < sizeof(full_rows) / sizeof(*full_rows); i++) {
		for (int way = 0; way < MTLB_FLOW_WAYS; way++)
			world_set_flow(&w.flows[8].ways[way], ~c.hash - way, c.backend,
				       full_rows[i].state, full_rows[i].age);
		/* neither flows_added nor flows_refused: stage_forward_to() asserts it */
		forward(&w, full_rows[i].name, &c, &c.first);
		if (full_rows[i].is_taken)
			forward(&w, full_rows[i].name, &c, &c.last);
		else
			stage_end(&w, full_rows[i].name, &c.last, MTLB_REASON_fragment_unknown);
	}
	world_close(&w);
}

/* A new flow of the same bucket needs the place. */
static void fragments_give_way_to_flows(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct packet in, out;
	struct pieces c;
	struct world w;

	stage_open(&w);
	w.tenants[STAGE_TENANT].flows = mtlb_flow_range(8, 0);
	world_add_vip(&w, &(struct vip_row){.tenant = STAGE_TENANT,
					    .protocol = IPPROTO_UDP,
					    .id = 2,
					    .owner = 10,
					    .previous = 10,
					    .flags = MTLB_VIP_MOVING});
	c = cut(&w, IPPROTO_TCP, false, ID);
	for (int way = 0; way < MTLB_FLOW_WAYS; way++)
		world_set_flow(&w.flows[8].ways[way], ~c.hash - way, c.backend, MTLB_FLOW_CONFIRMED,
			       1);
	world_set_flow(&w.flows[8].ways[2], c.hash, c.backend, MTLB_FLOW_FRAGMENT, 0);
	forward(&w, "before", &c, &c.last);
	packet_build(&in, &s);
	tunnel_expect(&w, STAGE_TENANT, &s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(&w, "flow", &in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = 2,
				       .backend = 10,
				       .out = &out,
				       .flows_added = 1});
	stage_end(&w, "after", &c.last, MTLB_REASON_fragment_unknown);
	world_close(&w);
}

/* The first one is a packet of its flow too: on a moving slot both are remembered. */
static void first_fragment_is_a_packet_of_its_flow(void)
{
	struct packet out;
	struct pieces c;
	struct world w;

	stage_open(&w);
	c = cut(&w, IPPROTO_TCP, false, ID);
	world_add_vip(&w, &(struct vip_row){.tenant = STAGE_TENANT,
					    .owner = STAGE_BACKEND,
					    .previous = STAGE_BACKEND + 2,
					    .flags = MTLB_VIP_MOVING | MTLB_VIP_LEARNING});
	tunnel_expect_hash(c.hash, &c.first, &tunnel_rows[0].tunnel, &out);
	world_check(&w, "first", &c.first,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = STAGE_TENANT,
				       .backend = STAGE_BACKEND + 2,
				       .out = &out,
				       .flows_added = 1});
	stage_forward_to(&w, "later", &c.last, c.hash, 0, STAGE_BACKEND + 2);
	stage_forward_to(&w, "whole", &c.whole, world_hash(&w, STAGE_TENANT, &c.spec), 0,
			 STAGE_BACKEND + 2);
	struct mtlb_flow *f =
		world_find_flow(&w, STAGE_TENANT, world_hash(&w, STAGE_TENANT, &c.spec));

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(mtlb_flow_word_state(f->word), MTLB_FLOW_CONFIRMED);
	world_close(&w);
}

/* Same addresses and id, in another tenant: neither known nor pushed out. */
static void fragments_of_another_tenant_are_others(void)
{
	struct pieces c;
	struct packet other;
	struct world w;

	stage_open(&w);
	world_add_tenant(&w, OTHER_TENANT, 16, 0);
	world_add_segment(&w, w.in, VLAN_OTHER, 0, OTHER_TENANT);
	world_add_vip(
		&w, &(struct vip_row){
			    .tenant = OTHER_TENANT, .protocol = IPPROTO_UDP, .id = 7, .owner = 15});
	world_add_backend(&w, 15, &tunnel_rows[0].tunnel, true, 0);
	c = cut(&w, IPPROTO_UDP, false, ID);
	forward(&w, "first", &c, &c.first);
	c.spec.n_tags = 1;
	c.spec.vlan[0] = VLAN_OTHER;
	packet_build(&c.whole, &c.spec);
	packet_fragment(&other, &c.whole, 400, 400, ID);
	world_check(
		&w, "other tenant", &other,
		&(struct expected){.reason = MTLB_REASON_fragment_unknown, .tenant = OTHER_TENANT});
	for (uint32_t id = 1; id < 50; id++) {
		struct packet out;

		packet_fragment(&other, &c.whole, 0, 400, id);
		tunnel_expect_hash(world_fragment_hash(&w, OTHER_TENANT, &c.spec, id), &other,
				   &tunnel_rows[0].tunnel, &out);
		world_check(&w, "other tenant's first", &other,
			    &(struct expected){.reason = MTLB_REASON_forwarded,
					       .tenant = OTHER_TENANT,
					       .vip = 7,
					       .backend = 15,
					       .out = &out});
	}
	forward(&w, "still known", &c, &c.middle);
	world_close(&w);
}

/* A fragment of so many bytes from an offset on, and how it ends if no first one is remembered. */
static const struct {
	const char *name;
	uint8_t protocol;
	bool is_ipv6;
	uint16_t from, len;
	enum mtlb_reason reason;
} rows[] = {
	{"TCP header in full", IPPROTO_TCP, false, 0, 24, MTLB_REASON_forwarded},
	{"TCP header cut", IPPROTO_TCP, false, 0, 16, MTLB_REASON_fragment},
	{"TCP ports only", IPPROTO_TCP, false, 0, 8, MTLB_REASON_fragment},
	{"TCP offset 1", IPPROTO_TCP, false, 8, 16, MTLB_REASON_fragment},
	{"TCP offset 2", IPPROTO_TCP, false, 16, 16, MTLB_REASON_fragment_unknown},
	{"TCP header cut, IPv6", IPPROTO_TCP, true, 0, 16, MTLB_REASON_fragment},
	{"UDP header in full", IPPROTO_UDP, false, 0, 8, MTLB_REASON_forwarded},
	{"UDP header in full, IPv6", IPPROTO_UDP, true, 0, 8, MTLB_REASON_forwarded},
	{"UDP offset 1", IPPROTO_UDP, false, 8, 8, MTLB_REASON_fragment_unknown},
	{"SCTP header in full", IPPROTO_SCTP, false, 0, 16, MTLB_REASON_forwarded},
	{"SCTP chunk header missing", IPPROTO_SCTP, false, 0, 8, MTLB_REASON_fragment},
	{"SCTP chunk header missing, IPv6", IPPROTO_SCTP, true, 0, 8, MTLB_REASON_fragment},
	{"echo, first", IPPROTO_ICMP, false, 0, 64, MTLB_REASON_fragment},
	{"echo, later", IPPROTO_ICMP, false, 64, 64, MTLB_REASON_fragment},
	{"echo, IPv6, first", IPPROTO_ICMPV6, true, 0, 64, MTLB_REASON_fragment},
	{"echo, IPv6, later", IPPROTO_ICMPV6, true, 64, 64, MTLB_REASON_fragment},
	{"GRE, first", IPPROTO_GRE, false, 0, 64, MTLB_REASON_other_protocol},
	{"GRE, later", IPPROTO_GRE, false, 64, 64, MTLB_REASON_other_protocol},
	{"ESP, IPv6, first", IPPROTO_ESP, true, 0, 64, MTLB_REASON_other_protocol},
	{"ESP, IPv6, later", IPPROTO_ESP, true, 64, 64, MTLB_REASON_other_protocol},
};

static void fragment_that_may_be_an_attack_is_dropped(void)
{
	struct packet whole, piece;
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct packet_spec s =
			stage_spec(&(struct packet_spec){.protocol = rows[i].protocol,
							 .icmp_type = rows[i].is_ipv6 ? 128 : 8,
							 .payload = 200},
				   rows[i].is_ipv6);
		uint32_t vip = stage_vip_id(&s);

		packet_build(&whole, &s);
		packet_fragment(&piece, &whole, rows[i].from, rows[i].len, i + 1);
		if (rows[i].reason != MTLB_REASON_forwarded)
			stage_end(&w, rows[i].name, &piece, rows[i].reason);
		else
			stage_forward_to(&w, rows[i].name, &piece,
					 world_fragment_hash(&w, STAGE_TENANT, &s, i + 1), vip,
					 STAGE_BACKEND + vip);
	}
	world_close(&w);
}

/* TCP options beyond the first fragment; and a data offset that is wrong by itself. */
static void first_fragment_holds_the_options_of_tcp(void)
{
	struct packet_spec s = {.payload = 200};
	struct packet whole, piece;
	struct world w;

	stage_open(&w);
	packet_build(&whole, &s);
	whole.bytes[whole.l4 + 12] = 0xf0;
	packet_fragment(&piece, &whole, 0, 56, 1);
	stage_end(&w, "4 bytes of options missing", &piece, MTLB_REASON_fragment);
	packet_fragment(&piece, &whole, 0, 64, 1);
	stage_forward_to(&w, "all options", &piece, world_fragment_hash(&w, STAGE_TENANT, &s, 1), 0,
			 STAGE_BACKEND);
	whole.bytes[whole.l4 + 12] = 0x40;
	packet_fragment(&piece, &whole, 0, 64, 2);
	stage_end(&w, "data offset 4", &piece, MTLB_REASON_bad_l4_header);
	world_close(&w);
}

static const struct test tests[] = {
	{"later_fragments_follow_the_first", later_fragments_follow_the_first},
	{"every_offset_makes_a_later_fragment", every_offset_makes_a_later_fragment},
	{"fragments_behind_other_headers_are_followed",
	 fragments_behind_other_headers_are_followed},
	{"later_fragment_of_an_extension_header_is_followed",
	 later_fragment_of_an_extension_header_is_followed},
	{"last_of_several_fragment_headers_counts", last_of_several_fragment_headers_counts},
	{"first_fragment_that_cannot_leave_is_remembered",
	 first_fragment_that_cannot_leave_is_remembered},
	{"fragments_are_told_apart_by_all_of_their_key",
	 fragments_are_told_apart_by_all_of_their_key},
	{"fragment_is_remembered_for_thirty_ticks", fragment_is_remembered_for_thirty_ticks},
	{"fragment_follows_only_what_serves", fragment_follows_only_what_serves},
	{"first_fragment_pushes_out_what_a_flow_would",
	 first_fragment_pushes_out_what_a_flow_would},
	{"fragments_give_way_to_flows", fragments_give_way_to_flows},
	{"first_fragment_is_a_packet_of_its_flow", first_fragment_is_a_packet_of_its_flow},
	{"fragments_of_another_tenant_are_others", fragments_of_another_tenant_are_others},
	{"fragment_that_may_be_an_attack_is_dropped", fragment_that_may_be_an_attack_is_dropped},
	{"first_fragment_holds_the_options_of_tcp", first_fragment_holds_the_options_of_tcp},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "fragments", tests);
}
