/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Encapsulation templates byte for byte. */
#include <string.h>

#include "core/image_internal.h"
#include "fake_maps.h"

static const struct model_encap ipip = {.kind = MTLB_ENCAP_IPIP};
static const struct model_encap vxlan = {.kind = MTLB_ENCAP_VXLAN,
					 .vni = 0x001004,
					 .udp_port = 4789,
					 .inner_mac = {{2, 0x6d, 0x74, 0x6c, 0x62, 1}}};

static struct next_hop hop_from(const char *source, uint8_t l2_len)
{
	struct next_hop hop = {
		.ifindex = 7, .l2_len = l2_len, .l2 = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8}};

	CU_ASSERT_EQUAL_FATAL(addr_parse(source, &hop.source), 0);
	return hop;
}

static const struct {
	const char *name, *from, *to;
	const struct model_encap *model;
	bool inner_is_ipv4;
	uint8_t flags, outer_len;
	uint8_t outer[MTLB_OUTER_MAX]; /* IPv4: without the sum */
} rows[] = {
	{"4 in 4", "192.0.2.1", "10.0.0.11", &ipip, true, 0, 20, {0x45, 0,  0,  0, 0, 0,   0x40,
								  0,    64, 4,  0, 0, 192, 0,
								  2,    1,  10, 0, 0, 11}},
	{"6 in 4", "192.0.2.1", "10.0.0.11", &ipip, false, 0, 20, {0x45, 0,  0,  0, 0, 0,   0x40,
								   0,    64, 41, 0, 0, 192, 0,
								   2,    1,  10, 0, 0, 11}},
	{"4 in 6",
	 "2001:db8::1",
	 "2001:db8::b",
	 &ipip,
	 true,
	 MTLB_ENCAP_OUTER_IPV6,
	 40,
	 {0x60, 0, 0, 0, 0, 0, 4, 64, 0x20, 1, 0xd, 0xb8, [23] = 1, 0x20, 1, 0xd,
	  0xb8, [39] = 0xb}},
	{"6 in 6",
	 "2001:db8::1",
	 "2001:db8::b",
	 &ipip,
	 false,
	 MTLB_ENCAP_OUTER_IPV6,
	 40,
	 {0x60, 0, 0, 0, 0, 0, 41, 64, 0x20, 1, 0xd, 0xb8, [23] = 1, 0x20, 1, 0xd,
	  0xb8, [39] = 0xb}},
	{"VXLAN on 4",
	 "192.0.2.1",
	 "10.0.0.11",
	 &vxlan,
	 true,
	 MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH,
	 50,
	 {0x45, 0, 0,  0,    0,    0,    0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 10,
	  0,    0, 11, 0,    0,    0x12, 0xb5, 0, 0,  0,  0, 8, 0,   0, 0, 0, 0x10,
	  4,    0, 2,  0x6d, 0x74, 0x6c, 0x62, 1, 2,  0,  0, 0, 0,   8, 8, 0}},
	{"VXLAN on 6",
	 "2001:db8::1",
	 "2001:db8::b",
	 &vxlan,
	 false,
	 MTLB_ENCAP_OUTER_IPV6 | MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH,
	 70,
	 {0x60,     0,    0,    0,   0,    0,          17, 64,   0x20, 1,    0xd,  0xb8,
	  [23] = 1, 0x20, 1,    0xd, 0xb8, [39] = 0xb, 0,  0,    0x12, 0xb5, 0,    0,
	  0,        0,    8,    0,   0,    0,          0,  0x10, 4,    0,    2,    0x6d,
	  0x74,     0x6c, 0x62, 1,   2,    0,          0,  0,    0,    8,    0x86, 0xdd}},
};

static void templates_equal_the_written_out_headers(void)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct next_hop hop = hop_from(rows[r].from, 18);
		struct mtlb_encap e;
		struct addr to;
		bool outer_is_ipv4;

		addr_parse(rows[r].to, &to);
		encap_compose(rows[r].model, rows[r].inner_is_ipv4, to.bytes, &hop, &e);
		outer_is_ipv4 = !(rows[r].flags & MTLB_ENCAP_OUTER_IPV6);
		CU_ASSERT_EQUAL(e.kind, rows[r].model->kind);
		CU_ASSERT_EQUAL(e.flags, rows[r].flags);
		CU_ASSERT_EQUAL(e.outer_len, rows[r].outer_len);
		CU_ASSERT_EQUAL(e.l2_len, 18);
		CU_ASSERT_EQUAL(e.ifindex, 7);
		CU_ASSERT(!memcmp(e.l2, hop.l2, 16));
		CU_ASSERT_EQUAL(e.l2[16] << 8 | e.l2[17], outer_is_ipv4 ? 0x0800 : 0x86dd);
		if (outer_is_ipv4)
			e.outer[10] = e.outer[11] = 0;
		CU_ASSERT(!memcmp(e.outer, rows[r].outer, sizeof(e.outer)));
	}
}

/* What the data plane does: sum of the template, plus the length, inverted. */
static void ipv4_checksum_needs_only_the_length(void)
{
	struct next_hop hop = hop_from("255.255.254.1", 14);
	struct addr to;

	addr_parse("255.254.255.255", &to);
	for (uint32_t len = 20; len <= 65535; len += 7) {
		struct mtlb_encap e;
		uint16_t sum, word;
		uint32_t check = 0;

		encap_compose(&ipip, true, to.bytes, &hop, &e);
		memcpy(&sum, e.outer + 10, 2);
		sum = ~mtlb_csum_fold((uint32_t)sum + htons(len));
		memcpy(e.outer + 10, &sum, 2);
		e.outer[2] = len >> 8;
		e.outer[3] = len;
		for (int i = 0; i < 20; i += 2) {
			memcpy(&word, e.outer + i, 2);
			check += word;
		}
		if (mtlb_csum_fold(check) != 0xffff)
			CU_FAIL("a header's sum is not all ones");
	}
}

static void unresolved_backend_has_no_encapsulation(void)
{
	static const struct mtlb_encap none;
	struct next_hop bad = hop_from("192.0.2.1", 13);
	struct mtlb_encap e;
	uint8_t to[16] = {0};

	encap_compose(&ipip, true, to, NULL, &e);
	CU_ASSERT(!memcmp(&e, &none, sizeof(e)));
	encap_compose(&ipip, true, to, &bad, &e);
	CU_ASSERT(!memcmp(&e, &none, sizeof(e)));
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(templates_equal_the_written_out_headers),
	TEST(ipv4_checksum_needs_only_the_length),
	TEST(unresolved_backend_has_no_encapsulation),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "encap", tests);
}
