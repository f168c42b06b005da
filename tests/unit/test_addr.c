// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "core/addr.h"
#include "test.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))

static void addresses_print_as_they_are_read(void)
{
	static const struct {
		const char *text, *printed; /* printed NULL: refused */
	} rows[] = {
		{"203.0.113.10", "203.0.113.10"},
		{"0.0.0.0", "0.0.0.0"},
		{"::", "::"},
		{"2001:DB8:0:0::1", "2001:db8::1"},
		{"::ffff:1.2.3.4", "1.2.3.4"},
		{"1.2.3", NULL},
		{"1.2.3.4.5", NULL},
		{"01.2.3.4", NULL},
		{"256.1.1.1", NULL},
		{"1.2.3.4/32", NULL},
		{" 1.2.3.4", NULL},
		{"fe80::1%eth0", NULL},
		{"2001:db8:acme::1", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[ADDR_TEXT];
		struct addr a;
		int err = addr_parse(rows[i].text, &a);

		CU_ASSERT_EQUAL(err, rows[i].printed ? 0 : -EINVAL);
		if (!err && rows[i].printed)
			CU_ASSERT_STRING_EQUAL(addr_print(&a, text), rows[i].printed);
	}
}

static void addresses_know_their_kind(void)
{
	static const struct {
		const char *text;
		bool ipv4, zero, unspecified, loopback, multicast;
	} rows[] = {
		{"10.0.0.1", .ipv4 = true},
		{"0.0.0.0", .ipv4 = true, .unspecified = true},
		{"::", .zero = true, .unspecified = true},
		{"127.1.2.3", .ipv4 = true, .loopback = true},
		{"::1", .loopback = true},
		{"239.255.255.255", .ipv4 = true, .multicast = true},
		{"255.255.255.255", .ipv4 = true, .multicast = true},
		{"ff02::1", .multicast = true},
		{"fe80::1", .ipv4 = false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr a;

		CU_ASSERT_EQUAL_FATAL(addr_parse(rows[i].text, &a), 0);
		CU_ASSERT_EQUAL(addr_is_ipv4(&a), rows[i].ipv4);
		CU_ASSERT_EQUAL(addr_is_zero(&a), rows[i].zero);
		CU_ASSERT_EQUAL(addr_is_unspecified(&a), rows[i].unspecified);
		CU_ASSERT_EQUAL(addr_is_loopback(&a), rows[i].loopback);
		CU_ASSERT_EQUAL(addr_is_multicast(&a), rows[i].multicast);
	}
}

static void prefixes_have_no_host_bits(void)
{
	static const struct {
		const char *text, *printed;
		int len;
	} rows[] = {
		{"203.0.113.0/28", "203.0.113.0/28", 124},
		{"0.0.0.0/0", "0.0.0.0/0", 96},
		{"10.0.0.1/32", "10.0.0.1/32", 128},
		{"::/0", "::/0", 0},
		{"2001:db8::/64", "2001:db8::/64", 64},
		{"203.0.113.1/28", NULL, 0},
		{"203.0.113.0/33", NULL, 0},
		{"203.0.113.0", NULL, 0},
		{"203.0.113.0/", NULL, 0},
		{"203.0.113.0/28x", NULL, 0},
		{"2001:db8::/129", NULL, 0},
		{"/8", NULL, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[ADDR_TEXT];
		struct prefix p = {0};
		int err = prefix_parse(rows[i].text, &p);

		CU_ASSERT_EQUAL(err, rows[i].printed ? 0 : -EINVAL);
		if (err || !rows[i].printed)
			continue;
		CU_ASSERT_EQUAL(p.len, rows[i].len);
		CU_ASSERT_STRING_EQUAL(prefix_print(&p, text), rows[i].printed);
	}
}

static void prefixes_contain_and_overlap(void)
{
	static const struct {
		const char *a, *b, *address;
		bool overlaps, contains; /* a: address */
	} rows[] = {
		{"10.0.0.0/8", "10.1.0.0/16", "10.255.0.1", true, true},
		{"10.1.0.0/16", "10.0.0.0/8", "10.2.0.1", true, false},
		{"10.0.0.0/9", "10.128.0.0/9", "10.128.0.0", false, false},
		{"::/0", "10.0.0.0/8", "10.0.0.1", true, true},
		{"0.0.0.0/0", "2001:db8::/32", "2001:db8::1", false, false},
		{"10.0.0.1/32", "10.0.0.1/32", "10.0.0.1", true, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct prefix a, b;
		struct addr address;

		CU_ASSERT_EQUAL_FATAL(prefix_parse(rows[i].a, &a), 0);
		CU_ASSERT_EQUAL_FATAL(prefix_parse(rows[i].b, &b), 0);
		CU_ASSERT_EQUAL_FATAL(addr_parse(rows[i].address, &address), 0);
		CU_ASSERT_EQUAL(prefix_overlaps(&a, &b), rows[i].overlaps);
		CU_ASSERT_EQUAL(prefix_contains(&a, &address), rows[i].contains);
	}
}

static void macs_are_six_pairs(void)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{"02:00:5e:10:00:ff", true},   {"02:00:5E:10:00:FF", true},
		{"02:00:5e:10:00", false},     {"02:00:5e:10:00:ff:", false},
		{"02-00-5e-10-00-ff", false},  {"2:0:5e:10:0:ff", false},
		{"02:00:5e:10:00:fg", false},  {"", false},
		{"02:00:5e:10:00:ff0", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[MAC_TEXT];
		struct mac m;
		int err = mac_parse(rows[i].text, &m);

		CU_ASSERT_EQUAL(err, rows[i].ok ? 0 : -EINVAL);
		if (!err)
			CU_ASSERT_STRING_EQUAL(mac_print(&m, text), "02:00:5e:10:00:ff");
	}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"addresses_print_as_they_are_read", addresses_print_as_they_are_read},
		{"addresses_know_their_kind", addresses_know_their_kind},
		{"prefixes_have_no_host_bits", prefixes_have_no_host_bits},
		{"prefixes_contain_and_overlap", prefixes_contain_and_overlap},
		{"macs_are_six_pairs", macs_are_six_pairs},
		{0},
	};

	return test_main(argc, argv, "addr", tests);
}
