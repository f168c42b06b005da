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
#define VB(backends)     "{name: v, address: 192.0.2.1, port: 80, backends: [" backends "]}"

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
	v->port = 80;
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
		v->port = 1 + i;
	}
	CU_ASSERT_EQUAL(model_check(m, &r), 0);
	CU_ASSERT_TRUE(says(&r, ""));
	report_clear(&r);
	model_free(m);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"objects_are_checked_beside_each_other", objects_are_checked_beside_each_other},
		{"objects_without_a_file_are_placed_by_their_path",
		 objects_without_a_file_are_placed_by_their_path},
		{"ten_thousand_vips_are_checked_in_no_time",
		 ten_thousand_vips_are_checked_in_no_time},
		{0},
	};

	return test_main(argc, argv, "check", tests);
}
