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

/* What every encapsulation has, by default. */
#define TAIL    "\"dscp\":\"inner\",\"mtu\":0"
#define IPIP    "{\"type\":\"ipip\"," TAIL "}"
#define MINIMAL "{\"name\":\"v\",\"address\":\"192.0.2.1\",\"port\":80}"

#define CONFIG "[{\"rotation\":0,\"server_id_length\":4,\"nonce_length\":8}]"

/* Each row is applied to the result of the one before. */
static const struct {
	const char *patch;
	const char *expected; /* some of the fields that result; null: is not there */
} patches[] = {
	{MINIMAL, "{\"name\":\"v\",\"address\":\"192.0.2.1\",\"port\":80,\"protocol\":\"tcp\","
		  "\"algorithm\":\"maglev\",\"ring_size\":0,\"idle_timeout\":\"300s\","
		  "\"echo\":true,\"encapsulation\":" IPIP ",\"backends\":[]}"},
	{"{\"port\":\"8080\",\"protocol\":\"udp\"}",
	 "{\"port\":8080,\"protocol\":\"udp\",\"idle_timeout\":\"30s\",\"address\":\"192.0.2.1\"}"},
	{"{\"idle_timeout\":\"2m\"}", "{\"idle_timeout\":\"120s\"}"},
	{"{\"protocol\":\"tcp\"}", "{\"idle_timeout\":\"120s\",\"protocol\":\"tcp\"}"},
	{"{\"idle_timeout\":60}", "{\"idle_timeout\":\"60s\"}"},
	{"{\"idle_timeout\":null}", "{\"idle_timeout\":\"300s\"}"},
	{"{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":4789,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"," TAIL "}}"},
	{"{\"encapsulation\":{\"port\":8472,\"inner_mac\":\"02:00:00:00:00:09\"}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":8472,"
	 "\"inner_mac\":\"02:00:00:00:00:09\"," TAIL "}}"},
	{"{\"encapsulation\":{\"inner_mac\":null}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":7,\"port\":8472,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"," TAIL "}}"},
	{"{\"encapsulation\":{\"type\":\"ipip\"}}", "{\"encapsulation\":" IPIP "}"},
	{"{\"encapsulation\":{\"type\":\"vxlan\"}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":0,\"port\":4789,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\"," TAIL "}}"},
	{"{\"encapsulation\":null}", "{\"encapsulation\":" IPIP "}"},
	{"{\"ring_size\":\"64Ki\"}", "{\"ring_size\":65536}"},
	{"{\"ring_size\":0}", "{\"ring_size\":0}"},
	{"{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":7},"
	 "{\"name\":\"b\",\"address\":\"fd00::1\"}]}",
	 "{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":7,\"state\":\"up\"},"
	 "{\"name\":\"b\",\"address\":\"fd00::1\",\"weight\":100,\"state\":\"up\"}],\"port\":8080}"},
	{"{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\"}]}",
	 "{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"weight\":100,\"state\":\"up\"}]}"},
	{"{\"backends\":null}", "{\"backends\":[]}"},
	{"{\"encapsulation\":{\"type\":\"gue\"}}",
	 "{\"encapsulation\":{\"type\":\"gue\",\"port\":6080,\"variant\":1," TAIL "}}"},
	{"{\"encapsulation\":{\"variant\":0,\"dscp\":46,\"mtu\":1500}}",
	 "{\"encapsulation\":{\"type\":\"gue\",\"port\":6080,\"variant\":0,\"dscp\":46,\"mtu\":1500}}"},
	{"{\"encapsulation\":{\"type\":\"fou\"}}",
	 "{\"encapsulation\":{\"type\":\"fou\",\"port\":5555,\"dscp\":46,\"mtu\":1500}}"},
	{"{\"encapsulation\":{\"type\":\"gre\",\"dscp\":\"inner\",\"mtu\":null}}",
	 "{\"encapsulation\":{\"type\":\"gre\",\"key\":\"none\"," TAIL "}}"},
	{"{\"encapsulation\":{\"key\":4294967295,\"dscp\":0}}",
	 "{\"encapsulation\":{\"type\":\"gre\",\"key\":4294967295,\"dscp\":0,\"mtu\":0}}"},
	{"{\"encapsulation\":{\"key\":\"none\",\"dscp\":null}}",
	 "{\"encapsulation\":{\"type\":\"gre\",\"key\":\"none\"," TAIL "}}"},
	{"{\"encapsulation\":{\"type\":\"geneve\",\"vni\":9,\"tenant_id\":0}}",
	 "{\"encapsulation\":{\"type\":\"geneve\",\"vni\":9,\"port\":6081,"
	 "\"inner_mac\":\"02:6d:74:6c:62:01\",\"tenant_id\":0," TAIL "}}"},
	{"{\"encapsulation\":{\"port\":7000,\"inner_mac\":\"02:00:00:00:00:09\"}}",
	 "{\"encapsulation\":{\"type\":\"geneve\",\"vni\":9,\"port\":7000,"
	 "\"inner_mac\":\"02:00:00:00:00:09\",\"tenant_id\":0," TAIL "}}"},
	/* a port that somebody chose stays, what the new type lacks does not */
	{"{\"encapsulation\":{\"type\":\"vxlan\"}}",
	 "{\"encapsulation\":{\"type\":\"vxlan\",\"vni\":9,\"port\":7000,"
	 "\"inner_mac\":\"02:00:00:00:00:09\"," TAIL "}}"},
	{"{\"encapsulation\":{\"type\":\"geneve\",\"port\":null}}",
	 "{\"encapsulation\":{\"type\":\"geneve\",\"vni\":9,\"port\":6081,"
	 "\"inner_mac\":\"02:00:00:00:00:09\",\"tenant_id\":\"none\"," TAIL "}}"},
	{"{\"encapsulation\":{\"type\":\"l2\",\"mtu\":9000}}",
	 "{\"encapsulation\":{\"type\":\"l2\",\"mtu\":9000}}"},
	{"{\"encapsulation\":null}", "{\"encapsulation\":" IPIP "}"},
	{"{\"port\":\"8000-8999\",\"protocol\":\"sctp\"}",
	 "{\"port\":\"8000-8999\",\"protocol\":\"sctp\",\"idle_timeout\":\"300s\"}"},
	{"{\"port\":\"any\"}", "{\"port\":\"any\"}"},
	{"{\"port\":\"1-65535\"}", "{\"port\":\"1-65535\"}"},
	{"{\"port\":443,\"echo\":false}", "{\"port\":443,\"echo\":false}"},
	{"{\"echo\":null}", "{\"echo\":true}"},
	{"{\"algorithm\":\"source\"}", "{\"algorithm\":\"source\",\"source_prefix\":0}"},
	{"{\"source_prefix\":24}", "{\"algorithm\":\"source\",\"source_prefix\":24}"},
	{"{\"algorithm\":\"round-robin\"}",
	 "{\"algorithm\":\"round-robin\",\"source_prefix\":null}"},
	{"{\"algorithm\":\"least-connections\"}", "{\"algorithm\":\"least-connections\"}"},
	{"{\"algorithm\":\"source\"}", "{\"algorithm\":\"source\",\"source_prefix\":0}"},
	{"{\"protocol\":\"udp\",\"quic\":{\"configs\":" CONFIG "}}",
	 "{\"quic\":{\"rotation_bits\":3,\"configs\":" CONFIG "}}"},
	{"{\"quic\":{\"rotation_bits\":1}}",
	 "{\"quic\":{\"rotation_bits\":1,\"configs\":" CONFIG "}}"},
	{"{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"server_id\":\"0A0b\"},"
	 "{\"name\":\"b\",\"address\":\"10.0.0.2\",\"server_id\":[\"00\",\"ffff\"]}]}",
	 "{\"backends\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"server_id\":\"0a0b\","
	 "\"weight\":100,\"state\":\"up\"},{\"name\":\"b\",\"address\":\"10.0.0.2\","
	 "\"server_id\":[\"00\",\"ffff\"],\"weight\":100,\"state\":\"up\"}]}"},
	{"{\"quic\":null}", "{\"quic\":{\"rotation_bits\":3,\"configs\":[]}}"},
	{"{\"protocol\":\"tcp\"}", "{\"quic\":null}"},
};

static bool has_all(const json_t *have, const json_t *wanted)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value)
		if (json_is_null(value) ? json_object_get(have, key) != NULL
					: !json_equal(json_object_get(have, key), value)) {
			printf("     %s is not as wanted\n", key);
			return false;
		}
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
	{"{\"port\":80.5}", "tenants/a/vips/v/port: found 80.5, allowed: a port from 1 to 65535, a "
			    "range such as 8000-8999, or any"},
	{"{\"port\":true}", "tenants/a/vips/v/port: found true, allowed: a port"},
	{"{\"port\":-1}", "tenants/a/vips/v/port: found -1, allowed: a port"},
	{"{\"port\":null}", "tenants/a/vips/v/port: found nothing, allowed: a port"},
	{"{\"port\":[80]}", "tenants/a/vips/v/port: found a list, allowed: a port"},
	{"{\"algorithm\":\"random\"}", "tenants/a/vips/v/algorithm: found \"random\", allowed: "
				       "maglev, source, round-robin, least-connections"},
	{"{\"source_prefix\":24}", "tenants/a/vips/v/source_prefix: key \"source_prefix\" in a VIP "
				   "without algorithm source, allowed: only with it"},
	{"{\"algorithm\":\"source\",\"source_prefix\":129}",
	 "tenants/a/vips/v/source_prefix: found 129, allowed: a number from 1 to 128, or 0: the whole "
	 "address"},
	{"{\"echo\":1}", "tenants/a/vips/v/echo: found 1, allowed: true, false"},
	{"{\"quic\":{}}", "tenants/a/vips/v/quic: key \"quic\" in a VIP without protocol udp"},
	{"{\"protocol\":\"udp\",\"quic\":{\"rotation_bits\":4,\"configs\":[{},4]}}",
	 "tenants/a/vips/v/quic/rotation_bits: found 4, allowed: a number from 1 to 3\n"
	 "tenants/a/vips/v/quic/configs/0: a QUIC configuration without \"rotation\", allowed: a "
	 "number from 0 to 6\n"
	 "tenants/a/vips/v/quic/configs/0: a QUIC configuration without \"server_id_length\", "
	 "allowed: a number from 1 to 15\n"
	 "tenants/a/vips/v/quic/configs/0: a QUIC configuration without \"nonce_length\", allowed: a "
	 "number from 4 to 18\n"
	 "tenants/a/vips/v/quic/configs/1: found 4 where a QUIC configuration belongs"},
	{"{\"protocol\":\"udp\",\"quic\":{\"configs\":[1,2,3,4,5,6,7,8]}}",
	 "tenants/a/vips/v/quic/configs: found a list of 8, allowed: at most 7"},
	{"{\"encapsulation\":{\"type\":\"gre\",\"key\":4294967296}}",
	 "tenants/a/vips/v/encapsulation/key: found 4294967296, allowed: none, or a number from 0 to "
	 "4294967295"},
	{"{\"encapsulation\":{\"type\":\"gue\",\"variant\":2,\"mtu\":1279,\"dscp\":64}}",
	 "tenants/a/vips/v/encapsulation/variant: found 2, allowed: a number from 0 to 1\n"
	 "tenants/a/vips/v/encapsulation/mtu: found 1279, allowed: a number from 1280 to 65535, or 0: "
	 "that of the interface\n"
	 "tenants/a/vips/v/encapsulation/dscp: found 64, allowed: inner, or a number from 0 to 63"},
	{"{\"encapsulation\":{\"type\":\"geneve\",\"tenant_id\":\"x\"}}",
	 "tenants/a/vips/v/encapsulation/tenant_id: found \"x\", allowed: none, or a number"},
	{"{\"encapsulation\":{\"type\":\"ipip\",\"port\":1,\"variant\":1,\"tenant_id\":1}}",
	 "tenants/a/vips/v/encapsulation/port: key \"port\" in an encapsulation without type gue, "
	 "fou, vxlan or geneve\n"
	 "tenants/a/vips/v/encapsulation/variant: key \"variant\" in an encapsulation without type "
	 "gue\n"
	 "tenants/a/vips/v/encapsulation/tenant_id: key \"tenant_id\" in an encapsulation without "
	 "type geneve"},
	{"{\"encapsulation\":{\"type\":\"l2\",\"dscp\":1,\"key\":1,\"inner_mac\":\"02::\"}}",
	 "tenants/a/vips/v/encapsulation/inner_mac: found \"02::\", allowed: a host's MAC address"},
	{"{\"encapsulation\":{\"type\":\"l2\",\"dscp\":1,\"key\":1}}",
	 "tenants/a/vips/v/encapsulation/dscp: key \"dscp\" in an encapsulation without type ipip, "
	 "gue, fou, gre, vxlan or geneve, allowed: only with it\n"
	 "tenants/a/vips/v/encapsulation/key: key \"key\" in an encapsulation without type gre"},
	{"{\"backends\":[{\"name\":\"b\",\"address\":\"10.0.0.1\",\"server_id\":12},"
	 "{\"name\":\"c\",\"address\":\"10.0.0.2\",\"server_id\":[\"00\",\"\",\"0g\",\"012\",\"01\"]},"
	 "{\"name\":\"d\",\"address\":\"10.0.0.3\","
	 "\"server_id\":\"00112233445566778899aabbccddeeff\"}]}",
	 "tenants/a/vips/v/backends/b/server_id: found 12, allowed: hex digits for 1 to 15 bytes\n"
	 "tenants/a/vips/v/backends/c/server_id: found \"\", allowed: hex\n"
	 "tenants/a/vips/v/backends/c/server_id: found \"0g\", allowed: hex\n"
	 "tenants/a/vips/v/backends/c/server_id: found \"012\", allowed: hex\n"
	 "tenants/a/vips/v/backends/c/server_id: found \"01\", allowed: hex digits for 1 to 15 bytes "
	 "such as 0a1b2c, or a list of these, each of another length (a second one of length 1)\n"
	 "tenants/a/vips/v/backends/d/server_id: found \"00112233445566778899aabbccddeeff\""},
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

static void random_ports(struct model_vip *v)
{
	v->port = v->last_port = 1 + rand() % 65534;
	if (rand() % 3 == 0)
		v->last_port += 1 + rand() % (65535 - v->port);
	if (rand() % 8 == 0) {
		v->port = 0;
		v->last_port = 65535;
	}
}

static void random_quic(struct model_quic *q)
{
	q->rotation_bits = 1 + rand() % 3;
	for (int i = rand() % 8; i > 0; i--)
		*quic_add_config(q) =
			(struct model_quic_config){rand() % 7, 1 + rand() % 15, 4 + rand() % 15};
}

/* Only what the kind has: the rest is as it is by default. */
static void random_encap(struct model_encap *e)
{
	static const struct {
		enum mtlb_encap_kind kind;
		bool has_vni, has_port;
	} kinds[] = {
		{MTLB_ENCAP_IPIP, false, false}, {MTLB_ENCAP_GUE, false, true},
		{MTLB_ENCAP_FOU, false, true},   {MTLB_ENCAP_GRE, false, false},
		{MTLB_ENCAP_VXLAN, true, true},  {MTLB_ENCAP_GENEVE, true, true},
		{MTLB_ENCAP_L2, false, false},
	};
	size_t i = rand() % (sizeof(kinds) / sizeof(kinds[0]));

	e->kind = kinds[i].kind;
	e->mtu = rand() % 2 ? 0 : 1280 + rand() % 64256;
	if (kinds[i].has_vni) {
		e->vni = rand() % (1 << 24);
		e->inner_mac.bytes[5] = rand();
	}
	if (kinds[i].has_port)
		e->udp_port = 1 + rand() % 65535;
	if (e->kind == MTLB_ENCAP_GUE)
		e->variant = rand() % 2;
	if (e->kind == MTLB_ENCAP_GRE && (e->key_set = rand() % 2))
		e->key = (uint32_t)rand() * 2;
	if (e->kind == MTLB_ENCAP_GENEVE && (e->tenant_id_set = rand() % 2))
		e->tenant_id = (uint32_t)rand() * 2;
	if (e->kind != MTLB_ENCAP_L2 && (e->dscp_set = rand() % 2))
		e->dscp = rand() % 64;
}

static void random_server_ids(struct model_backend *b)
{
	uint8_t len = 1;

	for (b->n_server_ids = 0; b->n_server_ids < MTLB_QUIC_CONFIGS && rand() % 2; len++) {
		struct model_server_id *id = &b->server_ids[b->n_server_ids++];

		id->len = len;
		for (uint8_t i = 0; i < len; i++)
			id->bytes[i] = rand();
	}
}

static void random_vip(struct model_vip *v, int index)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

	config_defaults_vip(v);
	snprintf(v->name, sizeof(v->name), "vip-%d", index);
	random_addr(&v->address);
	random_ports(v);
	v->protocol = protocols[rand() % 3];
	v->algorithm = rand() % 4;
	v->source_prefix = v->algorithm == MTLB_ALGORITHM_SOURCE ? rand() % 129 : 0;
	v->echo = rand() % 2;
	if (v->protocol == IPPROTO_UDP)
		random_quic(&v->quic);
	v->ring_size = rand() % 2 ? 0 : 4u << rand() % 19;
	v->idle_timeout_s = 1 + rand() % 32768;
	random_encap(&v->encap);
	for (int i = rand() % 5; i > 0; i--) {
		struct model_backend *b = vip_add_backend(v);

		config_defaults_backend(b);
		snprintf(b->name, sizeof(b->name), "b.%d", i);
		random_addr(&b->address);
		b->weight = b->configured_weight = 1 + rand() % 65535;
		b->state = b->configured_state = rand() % 3;
		random_server_ids(b);
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
	t->limits.icmp_per_second = rand() % 65536;
	t->drop_other_ports = rand() % 2;
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
		if (v.quic.n_configs != w.quic.n_configs ||
		    (v.quic.n_configs && memcmp(v.quic.configs, w.quic.configs,
						v.quic.n_configs * sizeof(*v.quic.configs))))
			return false;
		v.backends = w.backends = NULL;
		v.quic.configs = w.quic.configs = NULL;
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
		"tenants[].vips[].quic.configs[].nonce_length\n",
		"tenants[].limits.icmp_per_second\n",
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
