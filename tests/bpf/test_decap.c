/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decapsulation program: outer headers go, everything else stays as it is. */
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/encapsulate.h"
#include "decap.skel.h"
#include "mtlb_decap.h"
#include "test.h"

static struct decap_bpf *open_program(void)
{
	struct decap_bpf *s = decap_bpf__open_and_load();

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct mtlb_decap_stats read_stats(struct decap_bpf *s)
{
	static struct mtlb_decap_stats cpus[256];
	struct mtlb_decap_stats sum = { 0 };
	uint32_t zero = 0;

	CU_ASSERT_EQUAL_FATAL(
		bpf_map_lookup_elem(bpf_map__fd(s->maps.decap_stats), &zero, cpus), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum.decapsulated += cpus[i].decapsulated;
		sum.passed += cpus[i].passed;
		sum.malformed += cpus[i].malformed;
	}
	return sum;
}

enum end { DECAPSULATED, PASSED, MALFORMED };

/* want: what must come out; NULL: the packet as it came. */
static void check(struct decap_bpf *s, const char *where, const struct packet *p, enum end end,
		  const struct packet *want)
{
	static uint8_t out[PACKET_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes, .data_size_in = p->len,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = 1);
	struct mtlb_decap_stats before = read_stats(s);

	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(bpf_program__fd(s->progs.decap), &opts), 0);
	struct mtlb_decap_stats after = read_stats(s);
	bool is_counted = after.decapsulated - before.decapsulated == (end == DECAPSULATED) &&
			  after.passed - before.passed == (end == PASSED) &&
			  after.malformed - before.malformed == (end == MALFORMED);

	want = want ? want : p;
	bool is_same = end == MALFORMED || (opts.data_size_out == want->len &&
					    !memcmp(out, want->bytes, want->len));
	bool is_verdict = opts.retval == (end == MALFORMED ? XDP_DROP : XDP_PASS);

	if (!is_counted || !is_same || !is_verdict)
		printf("     %s: verdict %u, %u bytes, expected %u\n", where, opts.retval,
		       opts.data_size_out, want->len);
	CU_ASSERT_TRUE(is_counted);
	CU_ASSERT_TRUE(is_same);
	CU_ASSERT_TRUE(is_verdict);
}

static const struct {
	const char *name, *from, *to, *outer_from, *outer_to;
} family_rows[] = {
	{ "4 in 4", "198.51.100.7", "203.0.113.10", "10.0.0.1", "10.0.0.11" },
	{ "6 in 4", "2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.11" },
	{ "4 in 6", "198.51.100.7", "203.0.113.10", "fd00::1", "fd00::11" },
	{ "6 in 6", "2001:db8::1", "2001:db8::2", "fd00::1", "fd00::11" },
};

/*
 * in: a tunnel packet with so many tags; inner: what it carries, behind the same Ethernet header
 * and tags.
 */
static void build(int family, int n_tags, uint16_t payload, struct packet *in, struct packet *inner)
{
	struct packet_tunnel t = { .from = family_rows[family].outer_from,
				   .to = family_rows[family].outer_to,
				   .l2_len = 14 + n_tags * 4 };

	packet_build(inner, &(struct packet_spec){ .from = family_rows[family].from,
						   .to = family_rows[family].to,
						   .payload = payload,
						   .n_tags = n_tags,
						   .vlan = { 100, 200 } });
	memcpy(t.l2, inner->bytes, t.l2_len);
	packet_encapsulate(in, inner, &t);
}

static void all_family_combinations_lose_the_outer_header(void)
{
	static const uint16_t payloads[] = { 0, 1, 100, 1400 };
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	for (int family = 0; family < 4; family++)
		for (int tags = 0; tags < 3; tags++)
			for (int i = 0; i < 4; i++) {
				build(family, tags, payloads[i], &in, &inner);
				check(s, family_rows[family].name, &in, DECAPSULATED, &inner);
			}
	decap_bpf__destroy(s);
}

static void outer_options_and_padding_are_understood(void)
{
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	build(0, 0, 10, &in, &inner);
	memmove(in.bytes + in.l3 + 28, in.bytes + in.l3 + 20, in.len - in.l3 - 20);
	memset(in.bytes + in.l3 + 20, 1, 8);
	in.bytes[in.l3] = 0x47;
	packet_put16(in.bytes + in.l3 + 2, packet_get16(in.bytes + in.l3 + 2) + 8);
	packet_fix_ipv4(&in);
	in.len += 8;
	check(s, "options", &in, DECAPSULATED, &inner);
	build(0, 0, 0, &in, &inner);
	memset(in.bytes + in.len, 0xee, 6);
	memset(inner.bytes + inner.len, 0xee, 6);
	in.len += 6;
	inner.len += 6;
	check(s, "padding", &in, DECAPSULATED, &inner);
	decap_bpf__destroy(s);
}

static void add_local(struct decap_bpf *s, const char *text)
{
	uint8_t address[16];
	uint32_t one = 1;

	packet_address(text, address);
	CU_ASSERT_EQUAL_FATAL(
		bpf_map_update_elem(bpf_map__fd(s->maps.local_addresses), address, &one, 0), 0);
}

static void only_listed_addresses_are_local(void)
{
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	add_local(s, "10.0.0.99");
	build(0, 0, 0, &in, &inner);
	check(s, "not listed", &in, PASSED, NULL);
	build(3, 0, 0, &in, &inner);
	check(s, "not listed, ipv6", &in, PASSED, NULL);
	add_local(s, "10.0.0.11");
	add_local(s, "fd00::11");
	check(s, "listed, ipv6", &in, DECAPSULATED, &inner);
	build(0, 0, 0, &in, &inner);
	check(s, "listed", &in, DECAPSULATED, &inner);
	decap_bpf__destroy(s);
}

static void what_is_no_tunnel_packet_stays(void)
{
	static const struct packet_spec specs[] = {
		{ .payload = 50 },
		{ .protocol = IPPROTO_UDP },
		{ .protocol = IPPROTO_ICMP },
		{ .from = "fd00::1", .to = "fd00::11", .payload = 9 },
		{ .from = "fd00::1", .to = "fd00::11", .protocol = 44, .payload = 60 },
		{ .n_tags = 3 },
	};
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		packet_build(&in, &specs[i]);
		check(s, "other", &in, PASSED, NULL);
	}
	packet_build(&in, &specs[0]);
	packet_put16(in.bytes + 12, ETH_P_ARP);
	check(s, "arp", &in, PASSED, NULL);
	build(0, 0, 40, &in, &inner);
	in.bytes[in.l3] = 0x65;
	check(s, "version 6 in an IPv4 frame", &in, PASSED, NULL);
	decap_bpf__destroy(s);
}

static void fragments_are_never_decapsulated(void)
{
	static const uint16_t fields[] = { 0x2000, 0x2001, 0x0001, 0x1fff, 0x6000 };
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		build(0, 0, 40, &in, &inner);
		packet_put16(in.bytes + in.l3 + 6, fields[i]);
		packet_fix_ipv4(&in);
		check(s, "fragment", &in, PASSED, NULL);
	}
	decap_bpf__destroy(s);
}

static void lying_lengths_are_dropped(void)
{
	/* at: offset from the outer IP header, of a byte that becomes value */
	static const struct {
		const char *name;
		int family;
		uint32_t at;
		uint8_t value;
	} rows[] = {
		{ "outer header of 16 bytes", 0, 0, 0x44 },
		{ "outer longer than the frame", 0, 2, 0x01 },
		{ "outer shorter than its header", 0, 3, 19 },
		{ "outer too short for the inner", 0, 3, 79 },
		{ "inner header of 16 bytes", 0, 20, 0x44 },
		{ "inner of version 6 in protocol 4", 0, 20, 0x60 },
		{ "inner longer than the outer", 0, 23, 81 },
		{ "inner shorter than its header", 0, 23, 19 },
		{ "outer payload too long", 3, 4, 0x10 },
		{ "outer payload too short", 3, 5, 79 },
		{ "inner of version 4 in protocol 41", 3, 40, 0x45 },
		{ "inner payload too long", 3, 45, 100 },
	};
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		build(rows[i].family, 0, 20, &in, &inner);
		in.bytes[in.l3 + rows[i].at] = rows[i].value;
		check(s, rows[i].name, &in, MALFORMED, NULL);
	}
	decap_bpf__destroy(s);
}

/* Below a whole outer header nothing says that it is a tunnel packet. */
static void every_truncation_is_safe(void)
{
	struct decap_bpf *s = open_program();
	struct packet in, inner;

	for (int family = 0; family < 4; family++)
		for (int tags = 0; tags < 3; tags++) {
			build(family, tags, 0, &in, &inner);
			uint32_t whole = in.len;

			for (in.len = 14; in.len < whole; in.len++)
				check(s, "truncated", &in, in.len < in.l4 ? PASSED : MALFORMED,
				      NULL);
		}
	decap_bpf__destroy(s);
}

static const struct test tests[] = {
	{ "all_family_combinations_lose_the_outer_header",
	  all_family_combinations_lose_the_outer_header },
	{ "outer_options_and_padding_are_understood", outer_options_and_padding_are_understood },
	{ "only_listed_addresses_are_local", only_listed_addresses_are_local },
	{ "what_is_no_tunnel_packet_stays", what_is_no_tunnel_packet_stays },
	{ "fragments_are_never_decapsulated", fragments_are_never_decapsulated },
	{ "lying_lengths_are_dropped", lying_lengths_are_dropped },
	{ "every_truncation_is_safe", every_truncation_is_safe },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "decap", tests);
}
