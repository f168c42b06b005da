// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Checks across objects: YAML in, lines out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "test.h"

#define NODE             "node: {interfaces: [{name: eth0}], flows: 64Ki}\n"
#define T(name, vips)    "- {name: " name ", vips: [" vips "]}\n"
#define V(name, address) "{name: " name ", address: " address ", port: 80}"
#define P(name, ports)   "{name: " name ", address: 192.0.2.1, port: " ports "}"
#define Q(quic, backends)                                                                          \
	"{name: v, address: 192.0.2.1, port: 443, protocol: udp, quic: " quic                      \
	", backends: [" backends "]}"
#define C(rotation, server, nonce)                                                                 \
	"{rotation: " rotation ", server_id_length: " server ", nonce_length: " nonce "}"
#define VB(backends) "{name: v, address: 192.0.2.1, port: 80, backends: [" backends "]}"

static const struct {
	const char *text, *lines; /* the beginning of each line */
} rows[] = {
	{NODE "tenants:\n" T("a", V("v", "192.0.2.1")), ""},
	{NODE "tenants:\n" T("a", "") T("b", "") T("a", ""),
	 "f:5:3: tenant \"a\" stands here again (first: f:3:3), allowed: each name once"},
	{NODE "tenants:\n" T("node", V("v", "192.0.2.1") "," V("v", "192.0.2.2")),
	 "f:3:0: VIP \"v\" stands here again"},
	{NODE "tenants:\n" T("a", V("v", "192.0.2.1") "," V("w", "192.0.2.1")),
	 "f:3:0: found 192.0.2.1 port 80/tcp, which VIP \"v\" has already (f:3:"},
	{NODE "tenants:\n" T("a", VB("{name: b, address: 10.0.0.1}, {name: b, address: 10.0.0.2}")),
	 "f:3:0: backend \"b\" stands here again"},
	{NODE "tenants:\n" T("a", VB("{name: b, address: 10.0.0.1}, {name: c, address: 10.0.0.1}")),
	 "f:3:0: address: found 10.0.0.1, which backend \"b\" of this VIP has already"},
	{NODE "tenants:\n- {name: a, prefixes: [192.0.2.0/28], vips: [" V("v", "192.0.2.16") "]}\n",
	 "f:3:0: address: found 192.0.2.16, allowed: the prefixes of tenant \"a\": 192.0.2.0/28"},
	{NODE "tenants:\n" T("a", V("v", "192.0.2.1")) T("b", V("v", "192.0.2.1")),
	 "f:4:0: address: found 192.0.2.1, which tenant \"a\" has already"},
	/* on segments of their own they may have the same address */
	{NODE "segments: [{name: s, interface: eth0, vlan: 7, tenant: b}]\ntenants:\n" T(
		 "a", V("v", "192.0.2.1")) T("b", V("v", "192.0.2.1")),
	 ""},
	/* unless one of them is shared as well */
	{NODE "segments: [{name: s, interface: eth0, vlan: 7, tenant: b}]\ntenants:\n" T(
		 "a",
		 V("v", "192.0.2.1")) "- {name: b, shared: true, vips: [" V("v",
									    "192.0.2.1") "]}\n",
	 "f:5:0: address: found 192.0.2.1, which tenant \"a\" has already"},
	{NODE "segments:\n- {name: s, interface: eth0}\n- {name: t, interface: eth0}\n",
	 "f:4:0: found interface eth0, vlan 0, inner_vlan 0, which is segment \"s\" already (f:3:3)"},
	{NODE "segments:\n- {name: s, interface: eth0, vlan: 7}\n"
	      "- {name: t, interface: eth0, vlan: 7, inner_vlan: 8}\n",
	 ""},
	{NODE "segments:\n- {name: s, interface: eth0, inner_vlan: 7}\n",
	 "f:3:0: inner_vlan: found 7 without vlan"},
	{NODE "segments:\n- {name: s, interface: eth9, tenant: nobody}\n",
	 "f:3:0: tenant: found \"nobody\", which is no tenant of this node\n"
	 "f:3:0: interface: found \"eth9\", which is none of mtlb's interfaces; add it under "
	 "node.interfaces, or with mtlbctl attach eth9"},
	{NODE "segments:\n- {name: s, interface: eth0}\n- {name: s, interface: eth0, vlan: 1}\n",
	 "f:4:0: segment \"s\" stands here again"},
	{"node: {interfaces: [{name: e}, {name: e}]}\n",
	 "f:1:0: interface \"e\" stands here again"},
	{NODE "tenants:\n- {name: a, limits: {flows: 32Ki}}\n- {name: b, limits: {flows: 32Ki}}\n",
	 ""},
	{NODE "tenants:\n- {name: a, limits: {flows: 64Ki}}\n- {name: b, limits: {flows: 256}}\n",
	 "f:4:3: found 65792 flows in all tenants' limits.flows, with tenant \"b\" over what is "
	 "allowed: 64Ki (node.flows)"},
	{NODE "tenants:\n- {name: a, limits: {vips: 0, backends: 0}, vips: [" VB(
		 "{name: b, address: 10.0.0.1}") "]}\n",
	 "f:3:3: found 1 VIPs, allowed: 0 (limits.vips of tenant \"a\")\n"
	 "f:3:3: found 1 backends, allowed: 0 (limits.backends of tenant \"a\")"},
	{"node: {limits: {tenants: 1, vips: 1, backends: 1, ring_slots: 1Ki, segments: 1}, "
	 "interfaces: [{name: e}]}\n"
	 "segments: [{name: s, interface: e}, {name: t, interface: e, vlan: 1}]\ntenants:\n"
	 "- {name: b, vips: [{name: w, address: 192.0.2.2, port: 1, ring_size: 2Ki}]}\n" T(
		 "a", VB("{name: b, address: 10.0.0.1}, {name: c, address: 10.0.0.2}")),
	 "f:2:0: found 2 segments in all, allowed: 1 (node.limits.segments)\n"
	 "f:5:3: found 2 tenants in all, allowed: 1 (node.limits.tenants)\n"
	 "f:5:3: found 2 VIPs in all, allowed: 1\nf:5:3: found 2 backends in all, allowed: 1\n"
	 "f:5:3: found 2304 ring slots in all, allowed: 1Ki (node.limits.ring_slots)"},
	{NODE "tenants:\n- {name: a, vips: [{name: v, address: 192.0.2.1, port: 1, ring_size: 4, "
	      "backends: [{name: a, address: 10.0.0.1}, {name: b, address: 10.0.0.2}, "
	      "{name: c, address: 10.0.0.3}, {name: d, address: 10.0.0.4}, "
	      "{name: e, address: 10.0.0.5}]}]}\n",
	 "f:3:0: ring_size: found 4 for 5 backends"},
	/* ranges of ports */
	{NODE
	 "tenants:\n" T("a", P("v", "1-9") "," P("w", "10-20") "," P("x", "15") "," P("y", "9")),
	 ""},
	{NODE "tenants:\n" T("a", P("v", "any") "," P("x", "15")), ""},
	{NODE "tenants:\n" T("a", P("v", "1-9") ",\n" P("w", "9-20")),
	 "f:4:1: port: found 9-20 of 192.0.2.1/tcp, which overlaps 1-9 of VIP \"v\" (f:3:20), "
	 "allowed: ranges apart from each other, and single ports within one"},
	/* it is the second that is told of, whichever is the lower */
	{NODE "tenants:\n" T("a", P("v", "50-60") ",\n" P("w", "any") ",\n" P("x", "60-61")),
	 "f:4:1: port: found any of 192.0.2.1/tcp, which overlaps 50-60 of VIP \"v\"\n"
	 "f:5:1: port: found 60-61 of 192.0.2.1/tcp, which overlaps any of VIP \"w\""},
	{NODE
	 "tenants:\n" T("a", P("v", "1-9") ",\n{name: w, address: 192.0.2.1, port: 1-9, protocol: "
					   "sctp},\n{name: x, address: 192.0.2.2, port: 1-9}")
		 T("b", "{name: v, address: 192.0.2.3, "
			"port: 1-9}"),
	 ""},
	{NODE "tenants:\n" T("a", "{name: v, address: 192.0.2.1, port: 7, protocol: sctp},\n"
				  "{name: w, address: 192.0.2.1, port: 7, protocol: sctp}"),
	 "f:4:1: found 192.0.2.1 port 7/sctp, which VIP \"v\" has already"},
	{NODE "tenants:\n" T(
		 "a",
		 P("a", "1-2") "," P("b", "3-4") "," P("c", "5-6") "," P("d", "7-8") "," P(
			 "e", "9-10") "," P("f", "11-12") "," P("g", "13-14") "," P("h", "15-16")),
	 ""},
	{NODE "tenants:\n" T(
		 "a",
		 P("a", "1-2") "," P("b", "3-4") "," P("c", "5-6") "," P("d", "7-8") "," P(
			 "e",
			 "9-10") "," P("f",
				       "11-12") "," P("g",
						      "23-24") "," P("h",
								     "15-16") ",\n" P("i",
										      "13-14")),
	 "f:4:1: port: found 9 ranges of 192.0.2.1/tcp, allowed: at most 8 of an address and protocol"},
	/* the client's prefix */
	{NODE "tenants:\n" T("a", "{name: v, address: 192.0.2.1, port: 1, algorithm: source, "
				  "source_prefix: 32}, {name: w, address: \"fd00::1\", port: 1, "
				  "algorithm: source, source_prefix: 128}"),
	 ""},
	{NODE "tenants:\n" T("a", "{name: v, address: 192.0.2.1, port: 1, algorithm: source, "
				  "source_prefix: 33}"),
	 "f:3:0: source_prefix: found 33 for an IPv4 address, allowed: a number from 1 to 32, or 0"},
	/* QUIC */
	{NODE "tenants:\n" T("a", Q("{configs: [" C("0", "4", "8") "," C("6", "15", "4") "," C(
					    "5", "4", "15") "]}",
				    "{name: b, address: 10.0.0.1, server_id: "
				    "[00000001, 000000000000000000000000000001]}, "
				    "{name: c, address: 10.0.0.2, server_id: 00000002}, "
				    "{name: d, address: 10.0.0.3}")),
	 ""},
	{NODE "tenants:\n" T("a", Q("{rotation_bits: 1, configs: [" C("0", "4", "8") "]}", "")),
	 ""},
	{NODE "tenants:\n" T("a", Q("{rotation_bits: 1, configs: [" C("1", "4", "8") "]}", "")),
	 "f:3:0: quic.configs: found the rotation 1 with 1 rotation_bits, allowed: 0 to 0 (1, all ones"},
	{NODE "tenants:\n" T("a", Q("{rotation_bits: 2, configs: [" C("3", "4", "8") "," C(
					    "2", "15", "5") "," C("2", "4", "8") "]}",
				    "")),
	 "f:3:0: quic.configs: found the rotation 3 with 2 rotation_bits, allowed: 0 to 2\n"
	 "f:3:0: quic.configs: found ids of 21 bytes with rotation 2 (1, server id 15, nonce 5), "
	 "allowed: at most 20\n"
	 "f:3:0: quic.configs: found the rotation 2 again, allowed: each once in a VIP"},
	{NODE "tenants:\n" T("a", Q("{configs: [" C("0", "4", "8") "," C("1", "4", "9") "," C(
					    "2", "2", "8") "]}",
				    "\n{name: b, address: 10.0.0.1, server_id: [01020304, 010203]},"
				    "\n{name: c, address: 10.0.0.2, server_id: 01020304}")),
	 "f:4:1: server_id: found 010203 of length 3, allowed: the lengths in quic.configs of the VIP: "
	 "4, 2\n"
	 "f:5:1: server_id: found 01020304, which backend \"b\" of this VIP has already (f:4:1), "
	 "allowed: each once in a VIP"},
	{NODE "tenants:\n" T("a", VB("{name: b, address: 10.0.0.1, server_id: 0a}")),
	 "f:3:0: server_id: found 0a in a VIP without quic.configs, allowed: only with these"},
};

/* As in "f:4:3: text"; a column of 0 stands for any. */
static bool is_line(const struct report_line *l, const char *expected, size_t n)
{
	char line[1024], any[1024];
	const char *where = l->where;
	int column_at = strrchr(where, ':') ? strrchr(where, ':') - where : (int)strlen(where);

	snprintf(line, sizeof(line), "%s: %s", where, l->text);
	snprintf(any, sizeof(any), "%.*s:0: %s", column_at, where, l->text);
	return !strncmp(line, expected, n) || !strncmp(any, expected, n);
}

static bool says(const struct report *r, const char *expected)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t n = strcspn(expected, "\n");

		if (!n || !is_line(&r->lines[i], expected, n)) {
			printf("     said %s: %s\n", r->lines[i].where, r->lines[i].text);
			return false;
		}
		expected += n + (expected[n] == '\n');
	}
	if (*expected)
		printf("     not said %s\n", expected);
	return !*expected;
}

static void objects_are_checked_beside_each_other(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct model *m = model_new();
		struct report r = {0};

		CU_ASSERT_EQUAL(config_parse_yaml("f", rows[i].text, strlen(rows[i].text), m, &r),
				0);
		CU_ASSERT_EQUAL(model_check(m, &r), *rows[i].lines ? -EINVAL : 0);
		CU_ASSERT_TRUE(says(&r, rows[i].lines));
		report_clear(&r);
		model_free(m);
	}
}

static void objects_without_a_file_are_placed_by_their_path(void)
{
	struct model *m = model_new();
	struct report r = {0};
	struct model_tenant *t = model_add_tenant(m);
	struct model_backend *b;
	struct model_vip *v;

	config_defaults_node(&m->node);
	config_defaults_tenant(t);
	v = tenant_add_vip(t);
	config_defaults_vip(v);
	b = vip_add_backend(v);
	config_defaults_backend(b);
	strcpy(t->name, "a");
	strcpy(v->name, "V");
	strcpy(b->name, "b");
	v->port = v->last_port = 80;
	addr_parse("ff02::1", &v->address);
	addr_parse("127.0.0.1", &b->address);
	CU_ASSERT_EQUAL(model_check(m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r, "tenants/a/vips/V: found the name \"V\", allowed: at most\n"
				"tenants/a/vips/V: address: found ff02::1, allowed: an address\n"
				"tenants/a/vips/V/backends/b: address: found 127.0.0.1, allowed"));
	report_clear(&r);
	model_free(m);
}

static void ten_thousand_vips_are_checked_in_no_time(void)
{
	struct model *m = model_new();
	struct report r = {0};
	struct model_tenant *t = model_add_tenant(m);

	config_defaults_node(&m->node);
	config_defaults_tenant(t);
	strcpy(t->name, "a");
	t->limits.vips = 10000;
	for (int i = 0; i < 10000; i++) {
		struct model_vip *v = tenant_add_vip(t);

		config_defaults_vip(v);
		snprintf(v->name, sizeof(v->name), "v%d", i);
		addr_parse("192.0.2.1", &v->address);
		v->port = v->last_port = 1 + i;
	}
	CU_ASSERT_EQUAL(model_check(m, &r), 0);
	CU_ASSERT_TRUE(says(&r, ""));
	report_clear(&r);
	model_free(m);
}

/* Above 256 backends the data plane looks at 16 slots of the ring, so it has to have them. */
static void a_ring_is_never_shorter_than_its_backends(void)
{
	struct model_tenant *t;
	struct report r = {0};
	struct model *m = model_new();
	struct model_vip *v;

	config_defaults_node(&m->node);
	t = model_add_tenant(m);
	config_defaults_tenant(t);
	strcpy(t->name, "a");
	v = tenant_add_vip(t);
	config_defaults_vip(v);
	strcpy(v->name, "v");
	addr_parse("192.0.2.1", &v->address);
	v->port = v->last_port = 80;
	v->algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS;
	for (unsigned int i = 0; i <= MTLB_LEAST_EXACT; i++) {
		struct model_backend *b = vip_add_backend(v);
		char text[ADDR_TEXT];

		config_defaults_backend(b);
		snprintf(b->name, sizeof(b->name), "b%u", i);
		snprintf(text, sizeof(text), "10.0.%u.%u", 1 + i / 256, i % 256);
		addr_parse(text, &b->address);
	}
	v->ring_size = MTLB_LEAST_SAMPLES / 2;
	CU_ASSERT_EQUAL(model_check(m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r, "tenants/a/vips/v: ring_size: found 8 for 257 backends, allowed"));
	report_clear(&r);
	v->ring_size = 512;
	CU_ASSERT_EQUAL(model_check(m, &r), 0);
	CU_ASSERT_TRUE(says(&r, ""));
	model_free(m);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"objects_are_checked_beside_each_other", objects_are_checked_beside_each_other},
		{"objects_without_a_file_are_placed_by_their_path",
		 objects_without_a_file_are_placed_by_their_path},
		{"a_ring_is_never_shorter_than_its_backends",
		 a_ring_is_never_shorter_than_its_backends},
		{"ten_thousand_vips_are_checked_in_no_time",
		 ten_thousand_vips_are_checked_in_no_time},
		{0},
	};

	return test_main(argc, argv, "check", tests);
}
