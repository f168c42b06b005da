// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* JSON <-> objects, and the reference. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/schema.h"
#include "test.h"

static json_t *json_of(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &error);

	if (!json)
		printf("     %s: %s\n", text, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(json);
	return json;
}

/* Each line of expected is the beginning of the line reported. */
static bool says(const struct report *r, const char *expected)
{
	for (size_t i = 0; i < r->n; i++) {
		char line[1024];
		size_t n = strcspn(expected, "\n");

		snprintf(line, sizeof(line), "%s: %s", r->lines[i].where, r->lines[i].text);
		if (!n || strncmp(line, expected, n)) {
			printf("     said %s\n", line);
			return false;
		}
		expected += n + (expected[n] == '\n');
	}
	return !*expected;
}

static int patch_vip(struct model_vip *v, const char *text, struct report *r)
{
	json_t *json = json_of(text);
	int err = config_vip_from_json("tenants/a/vips/v", json, v, r);

	json_decref(json);
	return err;
}

#define MINIMAL "{\"name\":\"v\",\"address\":\"192.0.2.1\",\"port\":80}"

/* Each row is applied to the result of the one before. */
static const struct {
	const char *patch;
	const char *expected; /* some of the fields that result */
} patches[] = {
	{MINIMAL, "{\"name\":\"v\",\"address\":\"192.0.2.1\",\"port\":80,\"protocol\":\"tcp\","
		  "\"algorithm\":\"maglev\",\"ring_size\":0,\"idle_timeout\":\"300s\","
		  "\"encapsulation\":{\"type\":\"ipip\"},\"backends\":[]}"},
	{"{\"port\":\"8080\",\"protocol\":\"udp\"}",
	 "{\"port\":8080,\"protocol\":\"udp\",\"idle_timeout\":\"30s\",\"address\":\"192.0.2.1\"}"},
	{"{\"idle_timeout\":\"2m\"}", "{\"idle_timeout\":\"120s\"}"},
	{"{\"protocol\":\"tcp\"}", "{\"idle_timeout\":\"120s\",\"protocol\":\"tcp\"}"},
	{"{\"idle_timeout\":60}", "{\"idle_timeout\":\"60s\"}"},
	{"{\"idle_timeout\":null}", "{\"idle_timeout\":\"300s\"}"},
	{"{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":4789,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"}}"},
	{"{\"encapsulation\":{\"port\":8472,\"inner_mac\":\"02:00:00:00:00:09\"}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":8472,"
	 "\"inner_mac\":\"02:00:00:00:00:09\"}}"},
	{"{\"encapsulation\":{\"inner_mac\":null}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":8472,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"}}"},
	{"{\"encapsulation\":{\"type\":\"ipip\"}}", "{\"encapsulation\":{\"type\":\"ipip\"}}"},
	{"{\"encapsulation\":{\"type\":\"vxlan\"}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":0,\"port\":4789,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"}}"},
	{"{\"encapsulation\":null}", "{\"encapsulation\":{\"type\":\"ipip\"}}"},
	{"{\"ring_size\":\"64Ki\"}", "{\"ring_size\":65536}"},
	{"{\"ring_size\":0}", "{\"ring_size\":0}"},
	{"{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":7},"
	 "{\"name\":\"b\",\"address\":\"fd00::1\"}]}",
	 "{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":7,\"state\":\"up\"},"
	 "{\"name\":\"b\",\"address\":\"fd00::1\",\"weight\":100,\"state\":\"up\"}],\"port\":8080}"},
	{"{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\"}]}",
	 "{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":100,\"state\":\"up\"}]}"},
	{"{\"backends\":null}", "{\"backends\":[]}"},
};

static bool has_all(const json_t *have, const json_t *wanted)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value)
		if (!json_equal(json_object_get(have, key), value))
			return false;
	return true;
}

static void a_patch_changes_what_it_names(void)
{
	struct model_tenant t = {0};
	struct model_vip *v = tenant_add_vip(&t);
	struct report r = {0};

	config_defaults_vip(v);
	CU_ASSERT_EQUAL(v->idle_timeout_s, 300);
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		json_t *wanted = json_of(patches[i].expected), *have;

		CU_ASSERT_EQUAL(patch_vip(v, patches[i].patch, &r), 0);
		CU_ASSERT_TRUE(says(&r, ""));
		have = config_vip_to_json(v);
		CU_ASSERT_TRUE(has_all(have, wanted));
		json_decref(have);
		json_decref(wanted);
	}
	tenant_clear(&t);
}

static const struct {
	const char *patch, *lines;
} refused[] = {
	{"[]", "tenants/a/vips/v: found a list where a VIP belongs"},
	{"{\"prot\":1}",
	 "tenants/a/vips/v/prot: unknown key \"prot\" in a VIP (did you mean \"port\"?)"},
	{"{\"port\":80.5}", "tenants/a/vips/v/port: found 80.5, allowed: a number from 1 to 65535"},
	{"{\"port\":true}", "tenants/a/vips/v/port: found true, allowed: a number"},
	{"{\"port\":-1}", "tenants/a/vips/v/port: found -1, allowed: a number from 1 to 65535"},
	{"{\"name\":null}", "tenants/a/vips/v/name: found nothing, allowed: a name"},
	{"{\"name\":5}", "tenants/a/vips/v/name: found 5, allowed: a name"},
	{"{\"name\":\"\"}", "tenants/a/vips/v/name: found \"\", allowed: a name"},
	{"{\"encapsulation\":{\"vni\":3}}",
	 "tenants/a/vips/v/encapsulation/vni: key \"vni\" in an encapsulation without type vxlan"},
	{"{\"port\":1,\"backends\":[{\"name\":\"b\",\"address\":\"::1\"},{\"weight\":0}]}",
	 "tenants/a/vips/v/backends/b/address: found \"::1\", allowed: an IPv4 or IPv6 address\n"
	 "tenants/a/vips/v/backends/1/weight: found 0, allowed: a number from 1 to 65535\n"
	 "tenants/a/vips/v/backends/1: a backend without \"name\"\n"
	 "tenants/a/vips/v/backends/1: a backend without \"address\""},
};

static void a_refused_patch_changes_nothing(void)
{
	struct model_tenant t = {0};
	struct model_vip *v = tenant_add_vip(&t);
	struct report r = {0};
	json_t *before, *after;

	config_defaults_vip(v);
	CU_ASSERT_EQUAL_FATAL(patch_vip(v, MINIMAL, &r), 0);
	before = config_vip_to_json(v);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CU_ASSERT_EQUAL(patch_vip(v, refused[i].patch, &r), -EINVAL);
		CU_ASSERT_TRUE(says(&r, refused[i].lines));
		report_clear(&r);
		after = config_vip_to_json(v);
		CU_ASSERT_TRUE(json_equal(before, after));
		json_decref(after);
	}
	json_decref(before);
	tenant_clear(&t);
}

static void nesting_is_bounded(void)
{
	struct model_backend b = {0};
	struct report r = {0};
	json_t *json = json_object();

	for (int i = 0; i < 1000; i++)
		json = json_pack("{so}", "name", json);
	CU_ASSERT_EQUAL(config_backend_from_json("b", json, &b, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r, "b: nested too deep, allowed: 32 levels"));
	report_clear(&r);
	CU_ASSERT_EQUAL(config_backend_from_json("b", NULL, &b, &r), -EINVAL);
	report_clear(&r);
	json_decref(json);
}

static void segments_and_interfaces_and_node_are_written_in_full(void)
{
	struct model_segment s = {0};
	struct model_interface i = {0};
	struct model_node n = {0};
	struct report r = {0};
	json_t *in = json_of("{\"name\":\"s\",\"interface\":\"eth0\",\"vlan\":7,\"tenant\":\"a\","
			     "\"next_hop\":\"02:00:00:00:00:01\"}");
	json_t *out, *wanted;

	config_defaults_segment(&s);
	CU_ASSERT_EQUAL(config_segment_from_json("segments/s", in, &s, &r), 0);
	json_decref(in);
	in = json_of("{\"tenant\":null,\"next_hop\":\"auto\"}");
	CU_ASSERT_EQUAL(config_segment_from_json("segments/s", in, &s, &r), 0);
	json_decref(in);
	out = config_segment_to_json(&s);
	wanted = json_of("{\"name\":\"s\",\"interface\":\"eth0\",\"vlan\":7,\"inner_vlan\":0,"
			 "\"next_hop\":\"auto\"}");
	CU_ASSERT_TRUE(json_equal(out, wanted));
	json_decref(out);
	json_decref(wanted);

	config_defaults_interface(&i);
	in = json_of("{\"name\":\"eth0\",\"share\":true}");
	CU_ASSERT_EQUAL(config_interface_from_json("interfaces/eth0", in, &i, &r), 0);
	json_decref(in);
	out = config_interface_to_json(&i);
	wanted = json_of("{\"name\":\"eth0\",\"mode\":\"native\",\"share\":true}");
	CU_ASSERT_TRUE(json_equal(out, wanted));
	json_decref(out);
	json_decref(wanted);

	config_defaults_node(&n);
	CU_ASSERT_TRUE(field_is_name(n.name));
	out = config_node_to_json(&n);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(out, "flows")), 1 << 20);
	CU_ASSERT_PTR_NULL(json_object_get(out, "interfaces"));
	json_decref(out);
	CU_ASSERT_TRUE(says(&r, ""));
}

static void random_addr(struct addr *a)
{
	char text[ADDR_TEXT];

	if (rand() % 2)
		snprintf(text, sizeof(text), "10.%d.%d.%d", rand() % 256, rand() % 256,
			 rand() % 256);
	else
		snprintf(text, sizeof(text), "2001:db8::%x:%x", rand() % 65536, rand() % 65536);
	addr_parse(text, a);
}

static void random_vip(struct model_vip *v, int index)
{
	config_defaults_vip(v);
	snprintf(v->name, sizeof(v->name), "vip-%d", index);
	random_addr(&v->address);
	v->port = 1 + rand() % 65535;
	v->protocol = rand() % 2 ? IPPROTO_TCP : IPPROTO_UDP;
	v->ring_size = rand() % 2 ? 0 : 4u << rand() % 19;
	v->idle_timeout_s = 1 + rand() % 32768;
	if (rand() % 2) {
		v->encap.kind = MTLB_ENCAP_VXLAN;
		v->encap.vni = rand() % (1 << 24);
		v->encap.udp_port = 1 + rand() % 65535;
		v->encap.inner_mac.bytes[5] = rand();
	}
	for (int i = rand() % 5; i > 0; i--) {
		struct model_backend *b = vip_add_backend(v);

		config_defaults_backend(b);
		snprintf(b->name, sizeof(b->name), "b.%d", i);
		random_addr(&b->address);
		b->weight = b->configured_weight = 1 + rand() % 65535;
		b->state = b->configured_state = rand() % 3;
	}
}

static void random_tenant(struct model_tenant *t)
{
	config_defaults_tenant(t);
	strcpy(t->name, "acme");
	t->shared_set = rand() % 2;
	t->shared = t->shared_set && rand() % 2;
	t->limits.vips = rand() % 1000;
	t->limits.flows = 256u << rand() % 20;
	for (int i = rand() % 4; i > 0; i--) {
		struct prefix *p = tenant_add_prefix(t);

		random_addr(&p->addr);
		p->len = 128;
	}
	for (int i = rand() % 4; i > 0; i--)
		random_vip(tenant_add_vip(t), i);
}

static bool is_same(const struct model_tenant *a, const struct model_tenant *b)
{
	struct model_tenant x = *a, y = *b;

	if (x.n_prefixes != y.n_prefixes || x.n_vips != y.n_vips ||
	    memcmp(x.prefixes ? (void *)x.prefixes : "", y.prefixes ? (void *)y.prefixes : "",
		   x.n_prefixes * sizeof(*x.prefixes)))
		return false;
	for (size_t i = 0; i < a->n_vips; i++) {
		struct model_vip v = a->vips[i], w = b->vips[i];

		if (v.n_backends != w.n_backends ||
		    (v.n_backends &&
		     memcmp(v.backends, w.backends, v.n_backends * sizeof(*v.backends))))
			return false;
		v.backends = w.backends = NULL;
		if (memcmp(&v, &w, sizeof(v)))
			return false;
	}
	x.prefixes = y.prefixes = NULL;
	x.vips = y.vips = NULL;
	return !memcmp(&x, &y, sizeof(x));
}

static void json_and_back_is_the_same_tenant(void)
{
	srand(1);
	for (int i = 0; i < 500; i++) {
		struct model_tenant t = {0}, back = {0};
		struct report r = {0};
		json_t *json;

		random_tenant(&t);
		json = config_tenant_to_json(&t);
		config_defaults_tenant(&back);
		CU_ASSERT_EQUAL(config_tenant_from_json("t", json, &back, &r), 0);
		CU_ASSERT_TRUE(is_same(&t, &back));
		CU_ASSERT_TRUE(says(&r, ""));
		json_decref(json);
		tenant_clear(&t);
		tenant_clear(&back);
	}
}

static void the_reference_names_every_key(void)
{
	static const char *const keys[] = {
		"node.flows\n",
		"node.limits.ring_slots\n",
		"segments[].inner_vlan\n",
		"tenants[].vips[].backends[].weight\n",
		"tenants[].vips[].encapsulation.vni\n",
	};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	schema_print_reference(f);
	fclose(f);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, keys[i]));
	CU_ASSERT_PTR_NULL(strstr(text, "(null)"));
	free(text);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"a_patch_changes_what_it_names", a_patch_changes_what_it_names},
		{"a_refused_patch_changes_nothing", a_refused_patch_changes_nothing},
		{"nesting_is_bounded", nesting_is_bounded},
		{"segments_and_interfaces_and_node_are_written_in_full",
		 segments_and_interfaces_and_node_are_written_in_full},
		{"json_and_back_is_the_same_tenant", json_and_back_is_the_same_tenant},
		{"the_reference_names_every_key", the_reference_names_every_key},
		{0},
	};

	return test_main(argc, argv, "schema", tests);
}
