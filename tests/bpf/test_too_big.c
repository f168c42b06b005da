/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets longer than the path to their backend: who is told so, and how. */
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "bpf/answers.h"
#include "bpf/stage.h"
#include "test.h"

enum {
	OTHER_TENANT = 2,
	VLAN_OTHER = 300
};

static void set_mtu(struct world *w, uint16_t mtu)
{
	for (uint32_t id = 0; id < STAGE_VIPS; id++)
		w->backends[STAGE_BACKEND + id].encap0.mtu = mtu;
}

static void check_answer(struct world *w, const char *where, const struct packet *in,
			 uint32_t tenant, uint32_t mtu)
{
	struct packet out;

	answer_too_big(&out, in, mtu);
	world_check(w, where, in,
		    &(struct expected){
			    .reason = MTLB_REASON_too_big_answered, .tenant = tenant, .out = &out});
}

/* A packet of exactly len bytes, IP header included. */
static struct packet_spec of_len(const struct packet_spec *s, bool is_ipv6, uint32_t len)
{
	struct packet_spec spec = stage_spec(s, is_ipv6);
	struct packet p;

	spec.payload = 0;
	packet_build(&p, &spec);
	spec.payload = len - packet_ip_len(&p);
	return spec;
}

static const struct {
	const char *name;
	struct packet_spec spec;
	uint16_t mtu; /* outer: 20 bytes of it are headers */
	uint16_t len;
} answered[] = {
	{"one byte too long", {0}, 1500, 1481},
	{"datagram", {.protocol = IPPROTO_UDP}, 1500, 1500},
	{"SCTP", {.protocol = IPPROTO_SCTP}, 1500, 1481},
	{"SYN", {.flags = PACKET_SYN}, 1500, 1481},
	{"TOS", {.tos = 0xb9}, 1500, 1482},
	{"padded", {.padding = 7}, 1500, 1481},
	{"jumbo", {0}, 1500, 9000},
	{"jumbo, padded", {.padding = 60}, 9000, 9001},
	{"jumbo path", {0}, 9000, 8981},
	{"on a vlan", {.n_tags = 1, .vlan = {0xf064}}, 1500, 1500},
	{"in qinq", {.n_tags = 2, .vlan = {100, 0x60c8}}, 1500, 1500},
};

static void open_world(struct world *w)
{
	stage_open(w);
	world_add_segment(w, w->in, 100, 0, STAGE_TENANT);
	world_add_segment(w, w->in, 100, 200, STAGE_TENANT);
}

static void sender_is_told_byte_for_byte(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(answered) / sizeof(*answered); i++)
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct packet_spec s = of_len(&answered[i].spec, is_ipv6, answered[i].len);

			set_mtu(&w, answered[i].mtu);
			packet_build(&in, &s);
			check_answer(&w, answered[i].name, &in, STAGE_TENANT, answered[i].mtu - 20);
		}
	world_close(&w);
}

static void what_fits_exactly_is_forwarded(void)
{
	static const uint16_t mtus[] = {1280, 1500, 9000};
	struct packet in;
	struct world w;

	open_world(&w);
	for (int i = 0; i < 3; i++)
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			struct packet_spec s =
				of_len(&(struct packet_spec){0}, is_ipv6, mtus[i] - 20);

			set_mtu(&w, mtus[i]);
			packet_build(&in, &s);
			stage_forward(&w, "fits", &s, &in);
		}
	world_close(&w);
}

/* With IPv4 options and extension headers the packet is quoted as it is. */
static void packets_with_other_headers_are_quoted(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	set_mtu(&w, 1400);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct packet_spec s =
			stage_spec(&(struct packet_spec){.payload = 1400,
							 .ip_options = is_ipv6 ? 0 : 40,
							 .n_extensions = is_ipv6 ? 2 : 0,
							 .extensions = {{0, 0}, {60, 3}}},
				   is_ipv6);

		packet_build(&in, &s);
		check_answer(&w, "other headers", &in, STAGE_TENANT, 1380);
	}
	world_close(&w);
}

/* Lengths of words that no sum of the answer comes out wrong for. */
static void checksums_are_right_for_every_sum(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	set_mtu(&w, 1300);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (uint32_t port = 0; port < 512; port++) {
			struct packet_spec s =
				stage_spec(&(struct packet_spec){.payload = 1400}, is_ipv6);

			s.from_port = 1 + port * 127;
			packet_build(&in, &s);
			check_answer(&w, "sum", &in, STAGE_TENANT, 1280);
		}
	world_close(&w);
}

static const struct {
	const char *name;
	bool is_ipv6;
	struct packet_spec spec;
	uint16_t mtu, len;
	enum mtlb_reason reason;
} silent[] = {
	{"without DF", false, {.may_fragment = true}, 1500, 1500, MTLB_REASON_too_big},
	{"IPv4 of 547 bytes", false, {0}, 100, 547, MTLB_REASON_too_big},
	{"IPv4 of 548 bytes", false, {0}, 100, 548, MTLB_REASON_too_big_answered},
	{"IPv6 of 1280 bytes", true, {0}, 1280, 1280, MTLB_REASON_too_big},
	{"IPv6 of 1281 bytes", true, {0}, 1280, 1281, MTLB_REASON_too_big_answered},
	{"from 0.0.0.1", false, {.from = "0.0.0.1"}, 1500, 1500, MTLB_REASON_too_big},
	{"from loopback", false, {.from = "127.1.2.3"}, 1500, 1500, MTLB_REASON_too_big},
	{"from multicast", false, {.from = "239.1.2.3"}, 1500, 1500, MTLB_REASON_too_big},
	{"from broadcast", false, {.from = "255.255.255.255"}, 1500, 1500, MTLB_REASON_too_big},
	{"from itself", false, {.from = STAGE_V4}, 1500, 1500, MTLB_REASON_too_big},
	{"from ::", true, {.from = "::"}, 1500, 1500, MTLB_REASON_too_big},
	{"from ::1", true, {.from = "::1"}, 1500, 1500, MTLB_REASON_too_big},
	{"from ff02::1", true, {.from = "ff02::1"}, 1500, 1500, MTLB_REASON_too_big},
	{"from itself, IPv6", true, {.from = STAGE_V6}, 1500, 1500, MTLB_REASON_too_big},
};

static void nobody_is_told_who_cannot_be(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++) {
		bool is_ipv6 = silent[i].is_ipv6;
		struct packet_spec s = of_len(&silent[i].spec, is_ipv6, silent[i].len);
		uint32_t mtu = silent[i].mtu - 20;

		set_mtu(&w, silent[i].mtu);
		packet_build(&in, &s);
		if (silent[i].reason == MTLB_REASON_too_big_answered)
			check_answer(&w, silent[i].name, &in, STAGE_TENANT,
				     is_ipv6 && mtu < 1280 ? 1280 : mtu);
		else
			stage_end(&w, silent[i].name, &in, silent[i].reason);
	}
	world_close(&w);
}

static void errors_and_later_fragments_are_dropped(void)
{
	struct packet about, in, piece;
	struct world w;

	open_world(&w);
	set_mtu(&w, 1500);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		struct packet_spec s = stage_spec(&(struct packet_spec){.payload = 2000}, is_ipv6);

		packet_build(&in, &s);
		set_mtu(&w, 9000);
		packet_fragment(&piece, &in, 0, 64, 7);
		stage_forward_to(&w, "first fragment", &piece,
				 world_fragment_hash(&w, STAGE_TENANT, &s, 7), stage_vip_id(&s),
				 STAGE_BACKEND + stage_vip_id(&s));
		set_mtu(&w, 1500);
		packet_fragment(&piece, &in, 400, 1500, 7);
		stage_end(&w, "later fragment", &piece, MTLB_REASON_too_big);
		packet_build(&about, &(struct packet_spec){.from = s.to,
							   .to = s.from,
							   .from_port = 443,
							   .payload = 2000});
		s.protocol = is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		s.icmp_type = is_ipv6 ? 1 : 3;
		packet_build_error(&in, &s, &about, 1600);
		stage_end(&w, "error", &in, MTLB_REASON_too_big);
	}
	world_close(&w);
}

/* The rest of a tick at most: a new one begins a new share. */
static void check_limit(struct world *w, const struct packet *in, const struct packet *other)
{
	uint16_t before = world_tick();

	w->answers[STAGE_TENANT] = 0;
	for (int i = 0; i < 3; i++)
		check_answer(w, "in the limit", in, STAGE_TENANT, 1480);
	for (int i = 0; i < 3; i++)
		stage_end(w, "above", in, MTLB_REASON_too_big_limited);
	check_answer(w, "another tenant's", other, OTHER_TENANT, 1480);
	CU_ASSERT_EQUAL(world_tick(), before);
	CU_ASSERT_EQUAL((uint16_t)(w->answers[STAGE_TENANT] >> 32), before);
	w->answers[STAGE_TENANT] -= 1ULL << 32;
	check_answer(w, "next tick", in, STAGE_TENANT, 1480);
	CU_ASSERT_EQUAL((uint32_t)w->answers[STAGE_TENANT], 1);
}

/* So that all of a limit's checks are in one: it lasts a second. */
static void wait_for_a_new_tick(void)
{
	uint16_t before = world_tick();

	for (int ms = 0; world_tick() == before && ms < 5000; ms++)
		usleep(1000);
	CU_ASSERT_NOT_EQUAL(world_tick(), before);
}

static void tenant_answers_only_so_often_in_a_tick(void)
{
	struct packet_spec s = {.payload = 1500, .n_tags = 1, .vlan = {VLAN_OTHER}};
	struct packet in, other;
	struct world w;

	open_world(&w);
	world_add_tenant(&w, OTHER_TENANT, 16, 0);
	world_add_segment(&w, w.in, VLAN_OTHER, 0, OTHER_TENANT);
	world_add_vip(&w, &(struct vip_row){.tenant = OTHER_TENANT, .id = 7, .owner = 15});
	world_add_backend(&w, 15, &tunnel_rows[0].tunnel, true, 0)->encap0.mtu = 1500;
	set_mtu(&w, 1500);
	packet_build(&other, &s);
	s.n_tags = 0;
	packet_build(&in, &s);
	w.tenants[STAGE_TENANT].answers = 3;
	wait_for_a_new_tick();
	check_limit(&w, &in, &other);
	w.tenants[STAGE_TENANT].answers = 0;
	stage_end(&w, "none at all", &in, MTLB_REASON_too_big_limited);
	world_close(&w);
}

/* An answer that finds no room is one of the tenant's all the same. */
static void answer_without_headroom_is_counted_as_one(void)
{
	struct packet_spec s = {.payload = 1500};
	struct packet in;
	struct world w;

	open_world(&w);
	set_mtu(&w, 1500);
	if (!world_takes_meta(&w, 200)) {
		test_skip("this kernel allows too little metadata to use the headroom up");
		world_close(&w);
		return;
	}
	w.meta_len = 200;
	w.tenants[STAGE_TENANT].answers = 1;
	packet_build(&in, &s);
	wait_for_a_new_tick();
	stage_end(&w, "no headroom", &in, MTLB_REASON_no_headroom);
	w.meta_len = 0;
	stage_end(&w, "used up", &in, MTLB_REASON_too_big_limited);
	world_close(&w);
}

static void unknown_next_hop_goes_before_the_length(void)
{
	struct packet_spec s = {.payload = 1500};
	struct packet in;
	struct world w;

	open_world(&w);
	set_mtu(&w, 1500);
	w.backends[STAGE_BACKEND].encap0.kind = MTLB_ENCAP_NONE;
	packet_build(&in, &s);
	stage_end(&w, "no next hop", &in, MTLB_REASON_no_next_hop);
	world_close(&w);
}

/* Of the two the smaller one, wherever the packet leaves. */
static void path_mtu_is_the_smaller_of_both(void)
{
	static const struct {
		uint16_t encap, segment, path;
	} rows[] = {{1500, 1400, 1400}, {1400, 1500, 1400}, {9000, 9000, 9000}};
	struct packet in;
	struct world w;

	open_world(&w);
	struct mtlb_segment *segment = world_add_segment(&w, w.in, 500, 0, STAGE_TENANT);
	const struct packet_spec tagged = {.n_tags = 1, .vlan = {500}};

	for (int i = 0; i < 3; i++) {
		struct packet_spec fits = of_len(&tagged, false, rows[i].path - 20);
		struct packet_spec is_long = of_len(&tagged, false, rows[i].path - 19);

		set_mtu(&w, rows[i].encap);
		segment->mtu = rows[i].segment;
		segment->l2_len = tunnel_rows[0].tunnel.l2_len;
		memcpy(segment->l2, tunnel_rows[0].tunnel.l2, segment->l2_len);
		packet_build(&in, &fits);
		stage_forward(&w, "fits", &fits, &in);
		packet_build(&in, &is_long);
		check_answer(&w, "too long", &in, STAGE_TENANT, rows[i].path - 20);
		/* without a next hop of its own the segment's MTU says nothing */
		segment->l2_len = 0;
		segment->mtu = 60;
		packet_build(&in, &fits);
		stage_forward(&w, "no next hop", &fits, &in);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"sender_is_told_byte_for_byte", sender_is_told_byte_for_byte},
	{"what_fits_exactly_is_forwarded", what_fits_exactly_is_forwarded},
	{"packets_with_other_headers_are_quoted", packets_with_other_headers_are_quoted},
	{"checksums_are_right_for_every_sum", checksums_are_right_for_every_sum},
	{"nobody_is_told_who_cannot_be", nobody_is_told_who_cannot_be},
	{"errors_and_later_fragments_are_dropped", errors_and_later_fragments_are_dropped},
	{"tenant_answers_only_so_often_in_a_tick", tenant_answers_only_so_often_in_a_tick},
	{"answer_without_headroom_is_counted_as_one", answer_without_headroom_is_counted_as_one},
	{"unknown_next_hop_goes_before_the_length", unknown_next_hop_goes_before_the_length},
	{"path_mtu_is_the_smaller_of_both", path_mtu_is_the_smaller_of_both},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "too_big", tests);
}
