/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP for a VIP's address: echo requests are answered, errors follow the flow that they are about. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/answers.h"
#include "bpf/stage.h"
#include "test.h"

enum {
	ECHO_V4 = 8,
	ECHO_V6 = 128,
	OPTIONS = 60,
	AROUND_BUFFER = 256 + 320, /* headroom and skb_shared_info, in the page of BPF_PROG_RUN */
	PREVIOUS = 6,
	THIRD = 7
};

static void set_echo(struct world *w, const char *address, bool is_on)
{
	struct mtlb_vip *v = world_add_entry(w, STAGE_TENANT, address, 0, 0, MTLB_ENTRY_ADDRESS, 0);

	v->flags = is_on ? MTLB_VIP_ECHO : 0;
}

static void open_world(struct world *w)
{
	stage_open(w);
	set_echo(w, STAGE_V4, true);
	set_echo(w, STAGE_V6, true);
	world_add_segment(w, w->in, 100, 0, STAGE_TENANT);
	world_add_segment(w, w->in, 100, 200, STAGE_TENANT);
}

static struct packet_spec echo_spec(const struct packet_spec *s, bool is_ipv6)
{
	struct packet_spec echo = stage_spec(s, is_ipv6);

	echo.protocol = is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	echo.icmp_type = is_ipv6 ? ECHO_V6 : ECHO_V4;
	return echo;
}

static void check_answer(struct world *w, const char *where, const struct packet *in)
{
	struct packet out;

	answer_echo(&out, in);
	world_check(w, where, in,
		    &(struct expected){.reason = MTLB_REASON_echo_answered,
				       .tenant = STAGE_TENANT,
				       .out = &out});
}

static void echo_is_answered_byte_for_byte(void)
{
	static const struct {
		const char *name;
		struct packet_spec spec;
	} rows[] = {
		{"bare", {.payload = 0}},
		{"as ping sends it", {.payload = 56}},
		{"odd", {.payload = 1}},
		{"padded", {.payload = 1, .padding = 17}},
		{"TOS", {.payload = 8, .tos = 0xb9}},
		{"on a vlan", {.payload = 8, .n_tags = 1, .vlan = {0xf064}}},
		{"in qinq", {.payload = 8, .n_tags = 2, .vlan = {100, 0x20c8}}},
		{"behind a priority tag", {.payload = 8, .n_tags = 2, .vlan = {0xe000, 100}}},
		{"full frame", {.payload = 1472}},
		{"several buffers", {.payload = 8000}},
	};
	static const uint8_t ttls[] = {0, 1, 63, 64, 65, 255};
	struct packet in;
	struct world w;

	open_world(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct packet_spec s = echo_spec(&rows[i].spec, is_ipv6);

			packet_build(&in, &s);
			in.bytes[in.l3 + (is_ipv6 ? 7 : 8)] = ttls[i % 6];
			if (!is_ipv6)
				packet_fix_ipv4(&in);
			check_answer(&w, rows[i].name, &in);
		}
	world_close(&w);
}

static void fix_checksum(struct packet *p)
{
	uint8_t *icmp = p->bytes + p->l4;
	uint32_t len = p->l3 + packet_ip_len(p) - p->l4;

	packet_put16(icmp + 2, 0);
	packet_put16(icmp + 2, packet_is_ipv4(p) ? packet_checksum(icmp, len, 0)
						 : packet_l4_checksum(p->bytes + p->l3, icmp, len,
								      IPPROTO_ICMPV6));
}

/* A sum may be written in two ways where it comes to nothing (RFC 1624): what counts is that it is right. */
static void check_sum(struct world *w, const struct packet *in)
{
	static struct outcome o;
	struct packet out;
	uint32_t len = in->len - in->l4;

	answer_echo(&out, in);
	CU_ASSERT_EQUAL(world_run(w, in, &o), 0);
	CU_ASSERT_EQUAL(o.tenants[STAGE_TENANT].echo_answered, 1);
	CU_ASSERT_EQUAL_FATAL(o.out.len, out.len);
	const uint8_t *icmp = o.out.bytes + in->l4;

	CU_ASSERT_EQUAL(packet_is_ipv4(in) ? packet_checksum(icmp, len, 0)
					   : packet_l4_checksum(o.out.bytes + in->l3, icmp, len,
								IPPROTO_ICMPV6),
			0);
	memcpy(out.bytes + in->l4 + 2, icmp + 2, 2);
	CU_ASSERT_EQUAL(memcmp(o.out.bytes, out.bytes, out.len), 0);
}

/* Those at which an adjusted checksum carries or comes to nothing. */
static void echo_checksum_is_right_for_every_sum(void)
{
	static const uint16_t words[] = {0,      1,      2,      0x07ff, 0x0800, 0x0801,
					 0x7f00, 0x7fff, 0x8000, 0x8100, 0x817f, 0xf7fe,
					 0xf7ff, 0xf800, 0xfeff, 0xfffe, 0xffff};
	static const uint8_t zeroes[2];
	struct packet in;
	struct world w;

	open_world(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (int at = 0; at < 17 * 17; at++) {
			struct packet_spec s = echo_spec(
				&(struct packet_spec){.payload = 2, .data = zeroes}, is_ipv6);

			packet_build(&in, &s);
			packet_put16(in.bytes + in.l4 + 4, words[at / 17]);
			packet_put16(in.bytes + in.l4 + 6, words[at % 17]);
			fix_checksum(&in);
			check_sum(&w, &in);
		}
	world_close(&w);
}

/* Words of the echo request that are not those of an echo to be answered. */
static const struct {
	const char *name;
	bool is_ipv6;
	struct packet_spec spec;
	bool is_off;
	enum mtlb_reason reason;
} not_answered[] = {
	{"other address", false, {.to = "203.0.113.11"}, false, MTLB_REASON_not_vip},
	{"other address, IPv6", true, {.to = "2001:db8:a::11"}, false, MTLB_REASON_not_vip},
	{"echo is off", false, {0}, true, MTLB_REASON_icmp_other},
	{"echo is off, IPv6", true, {0}, true, MTLB_REASON_icmp_other},
	{"code 1", false, {.icmp_code = 1}, false, MTLB_REASON_icmp_other},
	{"code 255, IPv6", true, {.icmp_code = 255}, false, MTLB_REASON_icmp_other},
	{"options", false, {.ip_options = 4}, false, MTLB_REASON_icmp_other},
	{"extension header",
	 true,
	 {.n_extensions = 1, .extensions = {{OPTIONS, 0}}},
	 false,
	 MTLB_REASON_icmp_other},
	{"atomic fragment",
	 true,
	 {.n_extensions = 1, .extensions = {{44, 0}}},
	 false,
	 MTLB_REASON_icmp_other},
	{"from 0.0.0.0", false, {.from = "0.0.0.0"}, false, MTLB_REASON_icmp_other},
	{"from 0/8", false, {.from = "0.255.255.255"}, false, MTLB_REASON_icmp_other},
	{"from loopback", false, {.from = "127.0.0.1"}, false, MTLB_REASON_icmp_other},
	{"from 127/8", false, {.from = "127.255.255.255"}, false, MTLB_REASON_icmp_other},
	{"from multicast", false, {.from = "224.0.0.1"}, false, MTLB_REASON_icmp_other},
	{"from class E", false, {.from = "240.0.0.1"}, false, MTLB_REASON_icmp_other},
	{"from broadcast", false, {.from = "255.255.255.255"}, false, MTLB_REASON_icmp_other},
	{"from itself", false, {.from = STAGE_V4}, false, MTLB_REASON_icmp_other},
	{"from ::", true, {.from = "::"}, false, MTLB_REASON_icmp_other},
	{"from ::1", true, {.from = "::1"}, false, MTLB_REASON_icmp_other},
	{"from ff02::1", true, {.from = "ff02::1"}, false, MTLB_REASON_icmp_other},
	{"from ff00::", true, {.from = "ff00::"}, false, MTLB_REASON_icmp_other},
	{"from itself, IPv6", true, {.from = STAGE_V6}, false, MTLB_REASON_icmp_other},
	{"from 1.0.0.0", false, {.from = "1.0.0.0"}, false, MTLB_REASON_echo_answered},
	{"from 126/8", false, {.from = "126.255.255.255"}, false, MTLB_REASON_echo_answered},
	{"from 128/8", false, {.from = "128.0.0.1"}, false, MTLB_REASON_echo_answered},
	{"from 223/8", false, {.from = "223.255.255.255"}, false, MTLB_REASON_echo_answered},
	{"from ::2", true, {.from = "::2"}, false, MTLB_REASON_echo_answered},
	{"from fe80::1", true, {.from = "fe80::1"}, false, MTLB_REASON_echo_answered},
	{"from 1::1", true, {.from = "1::1"}, false, MTLB_REASON_echo_answered},
};

static void echo_that_may_not_be_answered_is_passed(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(not_answered) / sizeof(*not_answered); i++) {
		bool is_ipv6 = not_answered[i].is_ipv6;
		struct packet_spec s = echo_spec(&not_answered[i].spec, is_ipv6);

		set_echo(&w, is_ipv6 ? STAGE_V6 : STAGE_V4, !not_answered[i].is_off);
		packet_build(&in, &s);
		if (not_answered[i].reason == MTLB_REASON_echo_answered)
			check_answer(&w, not_answered[i].name, &in);
		else
			stage_end(&w, not_answered[i].name, &in, not_answered[i].reason);
	}
	world_close(&w);
}

/* Every type: what is neither an echo request nor an error is the kernel's; a bare error says nothing. */
static void all_other_types_are_passed(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (int type = 0; type < 256; type++) {
			struct packet_spec s =
				echo_spec(&(struct packet_spec){.payload = 16}, is_ipv6);

			if (type == s.icmp_type)
				continue;
			s.icmp_type = type;
			packet_build(&in, &s);
			stage_end(&w, "type", &in, MTLB_REASON_icmp_other);
		}
	world_close(&w);
}

static void short_icmp_is_bad(void)
{
	struct packet in;
	struct world w;

	open_world(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (uint16_t len = 0; len < 8; len++) {
			struct packet_spec s = echo_spec(&(struct packet_spec){0}, is_ipv6);

			packet_build(&in, &s);
			packet_put16(in.bytes + in.l3 + (is_ipv6 ? 4 : 2),
				     is_ipv6 ? len : 20 + len);
			if (!is_ipv6)
				packet_fix_ipv4(&in);
			stage_end(&w, "short", &in, MTLB_REASON_bad_l4_header);
		}
	world_close(&w);
}

/* What the packet inside an error is; all else is as the VIP's answer to the client would be. */
static const struct error_row {
	const char *name;
	bool is_ipv6;
	uint8_t type, protocol;
	struct packet_spec inside;
	uint16_t l4; /* bytes of the inner L4 header that are there [8] */
	struct packet_spec outside;
	enum mtlb_reason reason;
} error_rows[] = {
#define OK    MTLB_REASON_icmp_forwarded
#define OTHER MTLB_REASON_icmp_other
	{"unreachable", false, 3, IPPROTO_TCP, {0}, 0, {0}, OK},
	{"fragmentation needed", false, 3, IPPROTO_UDP, {0}, 0, {.icmp_code = 4}, OK},
	{"time exceeded", false, 11, IPPROTO_SCTP, {0}, 0, {0}, OK},
	{"parameter problem", false, 12, IPPROTO_TCP, {0}, 0, {0}, OK},
	{"unreachable, IPv6", true, 1, IPPROTO_TCP, {0}, 0, {0}, OK},
	{"packet too big, IPv6", true, 2, IPPROTO_UDP, {0}, 0, {0}, OK},
	{"time exceeded, IPv6", true, 3, IPPROTO_SCTP, {0}, 0, {0}, OK},
	{"parameter problem, IPv6", true, 4, IPPROTO_TCP, {0}, 0, {0}, OK},
	{"source quench", false, 4, IPPROTO_TCP, {0}, 0, {0}, OTHER},
	{"redirect", false, 5, IPPROTO_TCP, {0}, 0, {0}, OTHER},
	{"redirect, IPv6", true, 137, IPPROTO_TCP, {0}, 0, {0}, OTHER},
	{"reserved type, IPv6", true, 5, IPPROTO_TCP, {0}, 0, {0}, OTHER},
	{"a whole packet", false, 3, IPPROTO_TCP, {.payload = 400}, 420, {0}, OK},
	{"a whole packet, IPv6", true, 2, IPPROTO_TCP, {.payload = 1100}, 1120, {0}, OK},
	{"7 bytes", false, 3, IPPROTO_UDP, {0}, 7, {0}, OTHER},
	{"7 bytes, IPv6", true, 1, IPPROTO_UDP, {0}, 7, {0}, OTHER},
	{"options inside", false, 3, IPPROTO_TCP, {.ip_options = 40}, 0, {0}, OK},
	{"options inside, 7 bytes", false, 3, IPPROTO_TCP, {.ip_options = 40}, 7, {0}, OTHER},
	{"options outside", false, 3, IPPROTO_TCP, {0}, 0, {.ip_options = 8}, OK},
	{"extension headers inside",
	 true,
	 1,
	 IPPROTO_UDP,
	 {.n_extensions = 6,
	  .extensions = {{0, 0}, {OPTIONS, 1}, {43, 2}, {44, 0}, {51, 4}, {OPTIONS, 0}}},
	 0,
	 {0},
	 OK},
	{"seven inside",
	 true,
	 1,
	 IPPROTO_UDP,
	 {.n_extensions = 7,
	  .extensions = {{OPTIONS, 0},
			 {OPTIONS, 0},
			 {OPTIONS, 0},
			 {OPTIONS, 0},
			 {OPTIONS, 0},
			 {OPTIONS, 0},
			 {OPTIONS, 0}}},
	 0,
	 {0},
	 OTHER},
	{"extension headers outside",
	 true,
	 1,
	 IPPROTO_UDP,
	 {0},
	 0,
	 {.n_extensions = 2, .extensions = {{0, 0}, {OPTIONS, 1}}},
	 OK},
	{"from another address", false, 3, IPPROTO_TCP, {.from = "203.0.113.11"}, 0, {0}, OTHER},
	{"from another address, IPv6",
	 true,
	 1,
	 IPPROTO_TCP,
	 {.from = "2001:db8:a::11"},
	 0,
	 {0},
	 OTHER},
	{"from another port", false, 3, IPPROTO_TCP, {.from_port = 80}, 0, {0}, OTHER},
	{"from another port, IPv6", true, 1, IPPROTO_UDP, {.from_port = 80}, 0, {0}, OTHER},
	{"about ICMP", false, 3, IPPROTO_ICMP, {0}, 0, {0}, OTHER},
	{"about ICMPv6", true, 1, IPPROTO_ICMPV6, {0}, 0, {0}, OTHER},
	{"about GRE", false, 3, IPPROTO_GRE, {0}, 0, {0}, OTHER},
	{"padded", false, 3, IPPROTO_TCP, {0}, 0, {.padding = 9}, OK},
#undef OK
#undef OTHER
};

/* The error, and the flow that it is about as a packet of the client has it. */
static void build_error(const struct error_row *r, struct packet *error, struct packet_spec *flow)
{
	struct packet_spec inside = r->inside, outside = r->outside;
	struct packet about;

	inside.protocol = r->protocol;
	inside.from = inside.from ? inside.from : r->is_ipv6 ? STAGE_V6 : STAGE_V4;
	inside.to = r->is_ipv6 ? STAGE_CLIENT_V6 : "198.51.100.7";
	inside.from_port = inside.from_port ? inside.from_port : 443;
	inside.to_port = 40000;
	packet_build(&about, &inside);
	outside.from = r->is_ipv6 ? "2001:db8:f::1" : "192.0.2.1";
	outside.to = r->is_ipv6 ? STAGE_V6 : STAGE_V4;
	outside.protocol = r->is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	outside.icmp_type = r->type;
	packet_build_error(error, &outside, &about, about.l4 - about.l3 + (r->l4 ? r->l4 : 8));
	*flow = stage_spec(&(struct packet_spec){.protocol = r->protocol}, r->is_ipv6);
}

static void check_error(struct world *w, const char *where, const struct packet *error,
			const struct packet_spec *flow, uint32_t backend)
{
	static struct mtlb_flow_bucket before[WORLD_BUCKETS];
	struct packet out;

	memcpy(before, w->flows, sizeof(before));
	tunnel_expect_hash(world_hash(w, STAGE_TENANT, flow), error, &tunnel_rows[0].tunnel, &out);
	world_check(w, where, error,
		    &(struct expected){.reason = MTLB_REASON_icmp_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = stage_vip_id(flow),
				       .backend = backend,
				       .out = &out});
	CU_ASSERT_EQUAL(memcmp(before, w->flows, sizeof(before)), 0);
}

static void error_goes_to_the_backend_of_its_flow(void)
{
	struct packet_spec flow;
	struct packet error;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(*error_rows); i++) {
		const struct error_row *r = &error_rows[i];

		build_error(r, &error, &flow);
		if (r->reason == MTLB_REASON_icmp_forwarded)
			check_error(&w, r->name, &error, &flow,
				    STAGE_BACKEND + stage_vip_id(&flow));
		else
			stage_end(&w, r->name, &error, r->reason);
	}
	world_close(&w);
}

/* What the packet inside says of its own lengths does not matter; whether it is a later fragment does. */
static void bent_packets_inside_are_understood(void)
{
	struct packet_spec flow;
	struct packet error;
	struct world w;

	open_world(&w);
	build_error(&error_rows[0], &error, &flow);
	uint8_t *inside = error.bytes + error.l4 + 8;

	packet_put16(inside + 2, 65535);
	check_error(&w, "total length 65535", &error, &flow, STAGE_BACKEND);
	packet_put16(inside + 2, 20);
	check_error(&w, "total length 20", &error, &flow, STAGE_BACKEND);
	packet_put16(inside + 6, 0x2000);
	check_error(&w, "first fragment", &error, &flow, STAGE_BACKEND);
	packet_put16(inside + 6, 0x2001);
	stage_end(&w, "later fragment", &error, MTLB_REASON_icmp_other);
	packet_put16(inside + 6, 0);
	inside[0] = 0x65;
	stage_end(&w, "version 6", &error, MTLB_REASON_icmp_other);
	inside[0] = 0x44;
	stage_end(&w, "header of 16 bytes", &error, MTLB_REASON_icmp_other);
	world_close(&w);
}

/* The headers of the packet inside lie before or behind the end of the first buffer. */
static void packet_inside_beyond_the_first_buffer_is_passed(void)
{
	uint32_t first_buffer = sysconf(_SC_PAGESIZE) - AROUND_BUFFER;
	struct packet_spec flow;
	struct packet error;
	struct world w;

	open_world(&w);
	for (uint32_t len = 0; len < 256; len += 3) {
		struct error_row r = error_rows[7];

		r.inside.payload = 1400;
		r.l4 = 1420;
		r.outside.n_extensions = 2;
		r.outside.extensions[0] = (struct packet_extension){OPTIONS, 255};
		r.outside.extensions[1] = (struct packet_extension){OPTIONS, len};
		build_error(&r, &error, &flow);
		if (error.l4 + 8 + 40 + 8 <= first_buffer)
			check_error(&w, "before", &error, &flow, STAGE_BACKEND + 1);
		else
			stage_end(&w, "behind", &error,
				  error.l4 + 8 <= first_buffer ? MTLB_REASON_icmp_other
							       : MTLB_REASON_truncated);
	}
	world_close(&w);
}

/* Whatever the first 8 bytes mean as TCP flags elsewhere: an error is no first packet. */
static const struct moving_row {
	const char *name;
	enum mtlb_algorithm algorithm;
	uint64_t flags;
	enum mtlb_flow_state known;
	uint32_t backend;
} moving_rows[] = {
	{"unknown, learning", MTLB_ALGORITHM_MAGLEV, MTLB_VIP_LEARNING, 0, PREVIOUS},
	{"unknown", MTLB_ALGORITHM_MAGLEV, 0, 0, STAGE_BACKEND},
	{"known", MTLB_ALGORITHM_MAGLEV, MTLB_VIP_LEARNING, MTLB_FLOW_CONFIRMED, THIRD},
	{"known, new", MTLB_ALGORITHM_MAGLEV, 0, MTLB_FLOW_NEW, THIRD},
	{"known, closing", MTLB_ALGORITHM_MAGLEV, 0, MTLB_FLOW_CLOSING, THIRD},
	{"unknown, round-robin", MTLB_ALGORITHM_ROUND_ROBIN, 0, 0, STAGE_BACKEND},
	{"unknown, round-robin, learning", MTLB_ALGORITHM_ROUND_ROBIN, MTLB_VIP_LEARNING, 0,
	 PREVIOUS},
	{"known, round-robin", MTLB_ALGORITHM_ROUND_ROBIN, 0, MTLB_FLOW_NEW, THIRD},
	{"unknown, least-connections", MTLB_ALGORITHM_LEAST_CONNECTIONS, 0, 0, STAGE_BACKEND},
};

static void error_changes_no_flow(void)
{
	struct packet_spec flow;
	struct packet error;
	struct world w;

	open_world(&w);
	world_add_backend(&w, PREVIOUS, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(&w, THIRD, &tunnel_rows[0].tunnel, true, 0);
	build_error(&error_rows[0], &error, &flow);
	uint64_t hash = world_hash(&w, STAGE_TENANT, &flow);
	struct mtlb_flow *f = &world_bucket(&w, STAGE_TENANT, hash)->ways[1];

	for (size_t i = 0; i < sizeof(moving_rows) / sizeof(*moving_rows); i++) {
		const struct moving_row *r = &moving_rows[i];

		world_add_vip(&w, &(struct vip_row){.tenant = STAGE_TENANT,
						    .owner = STAGE_BACKEND,
						    .previous = PREVIOUS,
						    .algorithm = r->algorithm,
						    .flags = MTLB_VIP_MOVING | r->flags});
		*f = (struct mtlb_flow){0};
		if (r->known)
			world_set_flow(f, hash, THIRD, r->known, 5);
		w.turns[0] = 1;
		check_error(&w, r->name, &error, &flow, r->backend);
		CU_ASSERT_EQUAL(w.turns[0], 1);
		CU_ASSERT_EQUAL(w.loads[r->backend].added, 0);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"echo_is_answered_byte_for_byte", echo_is_answered_byte_for_byte},
	{"echo_checksum_is_right_for_every_sum", echo_checksum_is_right_for_every_sum},
	{"echo_that_may_not_be_answered_is_passed", echo_that_may_not_be_answered_is_passed},
	{"all_other_types_are_passed", all_other_types_are_passed},
	{"short_icmp_is_bad", short_icmp_is_bad},
	{"error_goes_to_the_backend_of_its_flow", error_goes_to_the_backend_of_its_flow},
	{"bent_packets_inside_are_understood", bent_packets_inside_are_understood},
	{"packet_inside_beyond_the_first_buffer_is_passed",
	 packet_inside_beyond_the_first_buffer_is_passed},
	{"error_changes_no_flow", error_changes_no_flow},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "icmp", tests);
}
