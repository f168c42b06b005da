/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Encapsulation templates byte for byte. */
#include <string.h>

#include "core/image_internal.h"
#include "fake_maps.h"

static const struct model_encap ipip = {.kind = MTLB_ENCAP_IPIP};
static const struct model_encap gue0 = {.kind = MTLB_ENCAP_GUE, .udp_port = 6080, .variant = 0};
static const struct model_encap gue1 = {.kind = MTLB_ENCAP_GUE, .udp_port = 6080, .variant = 1};
static const struct model_encap fou = {.kind = MTLB_ENCAP_FOU, .udp_port = 5555};
static const struct model_encap gre = {.kind = MTLB_ENCAP_GRE};
static const struct model_encap gre_key = {
	.kind = MTLB_ENCAP_GRE, .key_set = true, .key = 0x0a0b0c0d};
static const struct model_encap vxlan = {.kind = MTLB_ENCAP_VXLAN,
					 .vni = 0x001004,
					 .udp_port = 4789,
					 .inner_mac = {{2, 0x6d, 0x74, 0x6c, 0x62, 1}}};
static const struct model_encap geneve = {.kind = MTLB_ENCAP_GENEVE,
					  .vni = 0x123456,
					  .udp_port = 6081,
					  .inner_mac = {{2, 0x6d, 0x74, 0x6c, 0x62, 1}}};
static const struct model_encap geneve_id = {.kind = MTLB_ENCAP_GENEVE,
					     .vni = 0x123456,
					     .udp_port = 6081,
					     .inner_mac = {{2, 0x6d, 0x74, 0x6c, 0x62, 1}},
					     .tenant_id_set = true,
					     .tenant_id = 0xc0ffee01};
static const struct model_encap l2 = {.kind = MTLB_ENCAP_L2};

static struct next_hop hop_from(const char *source, uint8_t l2_len)
{
	struct next_hop hop = {.ifindex = 7,
			       .l2_len = l2_len,
			       .l2 = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8},
			       .is_on_link = true,
			       .mtu = 1500};

	CU_ASSERT_EQUAL_FATAL(addr_parse(source, &hop.source), 0);
	return hop;
}

static void compose(const struct model_encap *model, bool inner_is_ipv4, const char *to,
		    const struct next_hop *hop, uint8_t source_bits, struct mtlb_encap *out)
{
	struct addr address;

	CU_ASSERT_EQUAL_FATAL(addr_parse(to, &address), 0);
	encap_compose(model, inner_is_ipv4, address.bytes, hop, source_bits, out);
}

/* Hexadecimal digits, spaces for the eye. */
static size_t read_hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned int byte;

	for (; *text; text += *text == ' ' ? 1 : 2)
		if (*text != ' ' && sscanf(text, "%2x", &byte) == 1)
			out[n++] = byte;
	return n;
}

/* 192.0.2.1 to 10.0.0.11, with the sum of all fields but the length; 2001:db8::1 to 2001:db8::b. */
#define V4(protocol, sum) "45 00 0000 0000 4000 40 " protocol " " sum " c0000201 0a00000b "
#define V6(protocol)                                                                               \
	"60000000 0000 " protocol                                                                  \
	" 40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 0000000b "
#define UDP(port) "0000 " port " 0000 0000 "
#define MACS      "026d746c6201 020000000008 "

#define ON6     MTLB_ENCAP_OUTER_IPV6
#define UDP_ETH (MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH)

static const struct {
	const char *name;
	const struct model_encap *model;
	char inner, outer; /* '4', '6' */
	uint8_t flags;
	const char *bytes;
} rows[] = {
	{"ipip", &ipip, '4', '4', 0, V4("04", "9111")},
	{"ipip", &ipip, '6', '4', 0, V4("29", "9136")},
	{"ipip", &ipip, '4', '6', ON6, V6("04")},
	{"ipip", &ipip, '6', '6', ON6, V6("29")},
	{"gue, variant 0", &gue0, '4', '4', MTLB_ENCAP_UDP,
	 V4("11", "911e") UDP("17c0") "00040000"},
	{"gue, variant 0", &gue0, '6', '4', MTLB_ENCAP_UDP,
	 V4("11", "911e") UDP("17c0") "00290000"},
	{"gue, variant 0", &gue0, '4', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("17c0") "00040000"},
	{"gue, variant 0", &gue0, '6', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("17c0") "00290000"},
	{"gue, variant 1", &gue1, '4', '4', MTLB_ENCAP_UDP, V4("11", "911e") UDP("17c0")},
	{"gue, variant 1", &gue1, '6', '4', MTLB_ENCAP_UDP, V4("11", "911e") UDP("17c0")},
	{"gue, variant 1", &gue1, '4', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("17c0")},
	{"gue, variant 1", &gue1, '6', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("17c0")},
	{"fou", &fou, '4', '4', MTLB_ENCAP_UDP, V4("11", "911e") UDP("15b3")},
	{"fou", &fou, '6', '4', MTLB_ENCAP_UDP, V4("11", "911e") UDP("15b3")},
	{"fou", &fou, '4', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("15b3")},
	{"fou", &fou, '6', '6', ON6 | MTLB_ENCAP_UDP, V6("11") UDP("15b3")},
	{"gre", &gre, '4', '4', 0, V4("2f", "913c") "0000 0800"},
	{"gre", &gre, '6', '4', 0, V4("2f", "913c") "0000 86dd"},
	{"gre", &gre, '4', '6', ON6, V6("2f") "0000 0800"},
	{"gre", &gre, '6', '6', ON6, V6("2f") "0000 86dd"},
	{"gre, key", &gre_key, '4', '4', 0, V4("2f", "913c") "2000 0800 0a0b0c0d"},
	{"gre, key", &gre_key, '6', '4', 0, V4("2f", "913c") "2000 86dd 0a0b0c0d"},
	{"gre, key", &gre_key, '4', '6', ON6, V6("2f") "2000 0800 0a0b0c0d"},
	{"gre, key", &gre_key, '6', '6', ON6, V6("2f") "2000 86dd 0a0b0c0d"},
	{"vxlan", &vxlan, '4', '4', UDP_ETH,
	 V4("11", "911e") UDP("12b5") "08000000 00100400 " MACS "0800"},
	{"vxlan", &vxlan, '6', '4', UDP_ETH,
	 V4("11", "911e") UDP("12b5") "08000000 00100400 " MACS "86dd"},
	{"vxlan", &vxlan, '4', '6', ON6 | UDP_ETH,
	 V6("11") UDP("12b5") "08000000 00100400 " MACS "0800"},
	{"vxlan", &vxlan, '6', '6', ON6 | UDP_ETH,
	 V6("11") UDP("12b5") "08000000 00100400 " MACS "86dd"},
	{"geneve", &geneve, '4', '4', UDP_ETH,
	 V4("11", "911e") UDP("17c1") "00006558 12345600 " MACS "0800"},
	{"geneve", &geneve, '6', '4', UDP_ETH,
	 V4("11", "911e") UDP("17c1") "00006558 12345600 " MACS "86dd"},
	{"geneve", &geneve, '4', '6', ON6 | UDP_ETH,
	 V6("11") UDP("17c1") "00006558 12345600 " MACS "0800"},
	{"geneve", &geneve, '6', '6', ON6 | UDP_ETH,
	 V6("11") UDP("17c1") "00006558 12345600 " MACS "86dd"},
	{"geneve, tenant", &geneve_id, '4', '4', UDP_ETH,
	 V4("11", "911e") UDP("17c1") "02006558 12345600 ff4d 01 01 c0ffee01 " MACS "0800"},
	{"geneve, tenant", &geneve_id, '6', '4', UDP_ETH,
	 V4("11", "911e") UDP("17c1") "02006558 12345600 ff4d 01 01 c0ffee01 " MACS "86dd"},
	{"geneve, tenant", &geneve_id, '4', '6', ON6 | UDP_ETH,
	 V6("11") UDP("17c1") "02006558 12345600 ff4d 01 01 c0ffee01 " MACS "0800"},
	{"geneve, tenant", &geneve_id, '6', '6', ON6 | UDP_ETH,
	 V6("11") UDP("17c1") "02006558 12345600 ff4d 01 01 c0ffee01 " MACS "86dd"},
	{"l2", &l2, '4', '4', 0, ""},
	{"l2", &l2, '6', '4', 0, ""},
	{"l2", &l2, '4', '6', 0, ""},
	{"l2", &l2, '6', '6', 0, ""},
};

static void templates_equal_the_written_out_headers(void)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		bool on4 = rows[r].outer == '4';
		/* what l2 sends is the packet itself */
		char sent = rows[r].model == &l2 ? rows[r].inner : rows[r].outer;
		struct next_hop hop = hop_from(on4 ? "192.0.2.1" : "2001:db8::1", 18);
		uint8_t want[MTLB_OUTER_MAX] = {0};
		size_t len = read_hex(rows[r].bytes, want);
		struct mtlb_encap e;

		compose(rows[r].model, rows[r].inner == '4', on4 ? "10.0.0.11" : "2001:db8::b",
			&hop, 128, &e);
		CU_ASSERT_EQUAL(e.kind, rows[r].model->kind);
		CU_ASSERT_EQUAL(e.flags, rows[r].flags);
		CU_ASSERT_EQUAL(e.l2_len, 18);
		CU_ASSERT_EQUAL(e.ifindex, 7);
		CU_ASSERT(!memcmp(e.l2, hop.l2, 16));
		CU_ASSERT_EQUAL(e.l2[16] << 8 | e.l2[17], sent == '4' ? 0x0800 : 0x86dd);
		CU_ASSERT_EQUAL(e.entropy, 0);
		if (e.outer_len != len || memcmp(e.outer, want, sizeof(want))) {
			printf("     %s, IPv%c in IPv%c: %u bytes, %zu expected\n", rows[r].name,
			       rows[r].inner, rows[r].outer, e.outer_len, len);
			CU_FAIL("not the headers that were expected");
		}
	}
}

/* What the data plane does: sum of the template, plus the length, inverted. */
static void ipv4_checksum_needs_only_the_length(void)
{
	struct next_hop hop = hop_from("255.255.254.1", 14);

	for (uint32_t len = 20; len <= 65535; len += 7) {
		struct mtlb_encap e;
		uint16_t sum, word;
		uint32_t check = 0;

		compose(&ipip, true, "255.254.255.255", &hop, 128, &e);
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

static void unusable_next_hop_is_no_encapsulation(void)
{
	static const struct model_encap unknown = {.kind = MTLB_ENCAP_L2 + 1},
					none_set = {.kind = MTLB_ENCAP_NONE};
	static const struct mtlb_encap none;
	struct next_hop bad = hop_from("192.0.2.1", 13), routed = hop_from("192.0.2.1", 14);
	struct next_hop good = routed;
	struct mtlb_encap e;

	routed.is_on_link = false;
	const struct {
		const struct model_encap *model;
		const struct next_hop *hop;
		bool is_usable;
	} cases[] = {
		{&ipip, NULL, false},   {&l2, NULL, false},       {&ipip, &bad, false},
		{&l2, &routed, false},  {&unknown, &good, false}, {&none_set, &good, false},
		{&ipip, &routed, true}, {&l2, &good, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		compose(cases[i].model, true, "10.0.0.11", cases[i].hop, 128, &e);
		CU_ASSERT_EQUAL(!!memcmp(&e, &none, sizeof(e)), cases[i].is_usable);
	}
	CU_ASSERT_PTR_NULL(encap_refuses(&l2, &good));
	CU_ASSERT_PTR_NULL(encap_refuses(&ipip, &routed));
	CU_ASSERT_PTR_NOT_NULL_FATAL(encap_refuses(&l2, &routed));
	CU_ASSERT_PTR_NOT_NULL(strstr(encap_refuses(&l2, &routed), "gateway"));
}

static void the_smaller_mtu_and_the_dscp_are_told(void)
{
	static const struct {
		uint16_t given, interface, mtu;
		bool dscp_set;
		uint8_t dscp, tos, copied;
	} cases[] = {
		{0, 1500, 1500, false, 0, 0, 0xff},
		{1400, 1500, 1400, true, 0, 0, 0x03},
		{9000, 1500, 1500, true, 46, 0xb8, 0x03},
		{65535, 65535, 65535, true, 63, 0xfc, 0x03},
		{1280, 9000, 1280, false, 46, 0, 0xff},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct next_hop hop = hop_from("192.0.2.1", 14);
		struct model_encap m = {.kind = MTLB_ENCAP_IPIP,
					.mtu = cases[i].given,
					.dscp_set = cases[i].dscp_set,
					.dscp = cases[i].dscp};
		struct mtlb_encap e;

		hop.mtu = cases[i].interface;
		compose(&m, true, "10.0.0.11", &hop, 128, &e);
		CU_ASSERT_EQUAL(e.mtu, cases[i].mtu);
		CU_ASSERT_EQUAL(e.dscp, cases[i].tos);
		CU_ASSERT_EQUAL(e.copied, cases[i].copied);
		CU_ASSERT_EQUAL(e.outer[1], 0);
		m.kind = MTLB_ENCAP_L2;
		compose(&m, true, "10.0.0.11", &hop, 128, &e);
		CU_ASSERT_EQUAL(e.mtu, cases[i].mtu);
	}
}

static void host_bits_of_a_source_prefix_are_left_to_the_hash(void)
{
	static const struct {
		const struct model_encap *model;
		const char *source, *to;
		uint8_t bits;
		uint32_t entropy;
		const char *in_outer; /* the last 4 bytes of the source */
	} cases[] = {
		{&ipip, "10.9.8.7", "10.0.0.11", 128, 0, "0a090807"},
		{&ipip, "10.9.8.0", "10.0.0.11", 120, 0xff, "0a090800"},
		{&ipip, "10.9.8.7", "10.0.0.11", 120, 0xff, "0a090800"},
		{&gre, "10.9.8.0", "10.0.0.11", 117, 0x7ff, "0a090800"},
		{&gre_key, "10.9.8.6", "10.0.0.11", 127, 1, "0a090806"},
		{&gre, "10.0.0.0", "10.0.0.11", 104, 0xffffff, "0a000000"},
		{&ipip, "2001:db8::ffff:0", "2001:db8::b", 112, 0xffff, "ffff0000"},
		{&gre, "2001:db8::", "2001:db8::b", 96, 0xffffffff, "00000000"},
		{&gre, "2001:db8::1:2", "2001:db8::b", 64, 0xffffffff, "00000000"},
		{&gue1, "10.9.8.7", "10.0.0.11", 120, 0, "0a090807"},
		{&fou, "10.9.8.7", "10.0.0.11", 120, 0, "0a090807"},
		{&vxlan, "10.9.8.7", "10.0.0.11", 120, 0, "0a090807"},
		{&geneve, "2001:db8::1:2", "2001:db8::b", 64, 0, "00010002"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct next_hop hop = hop_from(cases[i].source, 14);
		bool on4 = addr_is_ipv4(&hop.source);
		struct mtlb_encap e;
		uint8_t want[4];

		compose(cases[i].model, true, cases[i].to, &hop, cases[i].bits, &e);
		CU_ASSERT_EQUAL(read_hex(cases[i].in_outer, want), 4);
		CU_ASSERT_EQUAL(ntohl(e.entropy), cases[i].entropy);
		CU_ASSERT(!memcmp(e.outer + (on4 ? 12 : 20), want, 4));
		if (!on4)
			CU_ASSERT(!memcmp(e.outer + 8, hop.source.bytes, 12));
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(templates_equal_the_written_out_headers),
	TEST(ipv4_checksum_needs_only_the_length),
	TEST(unusable_next_hop_is_no_encapsulation),
	TEST(the_smaller_mtu_and_the_dscp_are_told),
	TEST(host_bits_of_a_source_prefix_are_left_to_the_hash),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "encap", tests);
}
