// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* YAML text and files -> model: what is read, and what each mistake says. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "test.h"

static int parse(const char *text, size_t len, struct model **m, struct report *r)
{
	*m = model_new();
	return config_parse_yaml("f", text, len, *m, r);
}

static char *lines_of(const struct report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < r->n; i++)
		fprintf(f, "%s: %s\n", r->lines[i].where, r->lines[i].text);
	fclose(f);
	return text;
}

/* Each line of expected is the beginning of the line reported. */
static bool says(const struct report *r, const char *expected)
{
	char *text = lines_of(r), *at = text;
	bool same = true;

	while (same && *expected) {
		size_t n = strcspn(expected, "\n");

		same = *at && !strncmp(at, expected, n);
		expected += n + (expected[n] == '\n');
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	same = same && !*at;
	if (!same)
		printf("     said:\n%s", text);
	free(text);
	return same;
}

#define VIP     "tenants: [{name: a, vips: [{name: v, address: 192.0.2.1, port: 80, "
#define BACKEND VIP "backends: [{name: b, address: 10.0.0.1, "

static const struct {
	const char *text, *lines; /* the beginning of each line */
} mistakes[] = {
	{"nod: {}",
	 "f:1:1: unknown key \"nod\" in the main file (did you mean \"node\"?), allowed: "
	 "node, segments, tenants"},
	{"tenants: [{name: a, vips: [{name: v, address: 192.0.2.1, prot: 80}]}]",
	 "f:1:28: a VIP without \"port\"\n"
	 "f:1:58: unknown key \"prot\" in a VIP (did you mean \"port\"?), allowed: name, address"},
	{"node: {flows: 1Mi, flows: 2Mi}",
	 "f:1:20: key \"flows\" stands here again (first in line 1), allowed: once"},
	{"node: [1]",
	 "f:1:7: found a list where the node belongs, allowed: a map with name, flows"},
	{"tenants: {name: a}", "f:1:10: tenants: found a map, allowed: a list"},
	{"tenants: [a]", "f:1:11: found \"a\" where a tenant belongs, allowed: a map with name"},
	{"segments: []\ntenants: [{name: a, prefixes: x}]",
	 "f:2:31: prefixes: found \"x\", allowed: a list of prefixes"},
	{"- a", "f:1:1: found a list where the main file belongs, allowed: a map with node"},
	{"text", "f:1:1: found \"text\" where the main file belongs"},
	{"node: {flows: 1000}",
	 "f:1:15: flows: found \"1000\", allowed: a power of two from 1Ki to "
	 "1Gi"},
	{"node: {flows: 100k}",
	 "f:1:15: flows: found \"100k\", allowed: a power of two from 1Ki to "
	 "1Gi (nearest: 64Ki and 128Ki)"},
	{"node: {source: [10.0.0.1, 10.0.0.2]}",
	 "f:1:27: source: found \"10.0.0.2\", allowed: a list "
	 "of at most one IPv4 and one IPv6"},
	{"node: {source: [10.0.0.1/24, 96.0.0.0/3, \"::/64\", \"::ff00:0:0/88\", \"fe00::/7\"]}",
	 "f:1:17: source: found \"10.0.0.1/24\", allowed: a list of at most one IPv4 and one IPv6 "
	 "address of this node, or prefix such as 10.0.0.0/24\n"
	 "f:1:30: source: found \"96.0.0.0/3\"\nf:1:42: source: found \"::/64\"\n"
	 "f:1:51: source: found \"::ff00:0:0/88\"\nf:1:68: source: found \"fe00::/7\""},
	{"node: {source: [10.0.0.0/24, 10.0.1.0/24]}",
	 "f:1:30: source: found \"10.0.1.0/24\", allowed: a list of at most one IPv4 and one IPv6 "
	 "address of this node, or prefix such as 10.0.0.0/24 (a second one of this family)"},
	{"node: {source: [x, 127.0.0.1]}", "f:1:17: source: found \"x\"\nf:1:20: source: found"},
	{"node: {name: Edge}", "f:1:14: name: found \"Edge\", allowed: a name of at most 63"},
	{"node: {interfaces: [{name: e/0}, {mode: generic}]}",
	 "f:1:28: name: found \"e/0\", allowed: a network interface's name\n"
	 "f:1:34: an interface without \"name\""},
	{"node: {interfaces: [{name: e0, share: yes}]}",
	 "f:1:39: share: found \"yes\", allowed: true, false"},
	{"segments: [{name: s, interface: e0, vlan: 4095, next_hop: 01:00:00:00:00:01}]",
	 "f:1:43: vlan: found \"4095\", allowed: a number from 0 to 4094\n"
	 "f:1:59: next_hop: found \"01:00:00:00:00:01\", allowed: auto, or a host's MAC"},
	{"tenants: [{name: a, prefixes: [10.0.0.1/8, 10.0.0.0]}]",
	 "f:1:32: prefixes: found \"10.0.0.1/8\", allowed: a prefix without host bits\n"
	 "f:1:44: prefixes: found \"10.0.0.0\""},
	{"tenants: [{name: a, limits: {flows: 255, vips: -1}}]",
	 "f:1:37: flows: found \"255\", allowed: a power of two from 256 to 1Gi\n"
	 "f:1:48: vips: found \"-1\", allowed: a number from 0 to 1Mi"},
	{"tenants: [{name: }]", "f:1:18: name: found nothing, allowed: a name"},
	{"tenants: [{name: a, other_ports: reject, limits: {icmp_per_second: 65536}}]",
	 "f:1:34: other_ports: found \"reject\", allowed: pass, drop\n"
	 "f:1:68: icmp_per_second: found \"65536\", allowed: a number from 0 to 65535"},
	{"tenants: [{name: a, vips: [{name: v, address: 224.0.0.1, port: 0, protocol: icmp}]}]",
	 "f:1:47: address: found \"224.0.0.1\", allowed: an IPv4 or IPv6 address, not unspecified, "
	 "not multicast\nf:1:64: port: found \"0\", allowed: a port from 1 to 65535\n"
	 "f:1:77: protocol: found \"icmp\", allowed: tcp, udp, sctp"},
	{VIP "ring_size: 5000}]}]",
	 "f:1:79: ring_size: found \"5000\", allowed: a power of two from 4 "
	 "to 1Mi, or 0: by the number of backends (nearest: 4Ki and 8Ki)"},
	{VIP "idle_timeout: 1500ms}]}]", "f:1:82: idle_timeout: found \"1500ms\", allowed: whole"},
	{VIP "idle_timeout: 1d}]}]", "f:1:82: idle_timeout: found \"1d\""},
	{VIP "encapsulation: {type: mpls}}]}]",
	 "f:1:90: type: found \"mpls\", allowed: ipip, gue, fou, gre, vxlan, geneve, l2"},
	{VIP "encapsulation: {vni: 7}}]}]",
	 "f:1:84: key \"vni\" in an encapsulation without type vxlan or geneve, allowed: only with it"},
	{VIP "algorithm: source, source_prefix: 0x18, quic: 1, echo: maybe}]}]",
	 "f:1:102: source_prefix: found \"0x18\", allowed: a number from 1 to 128, or 0: the whole\n"
	 "f:1:114: found \"1\" where a VIP's quic belongs, allowed: a map with rotation_bits, configs\n"
	 "f:1:123: echo: found \"maybe\", allowed: true, false"},
	{VIP "quic: {configs: []}, source_prefix: 8}]}]",
	 "f:1:68: key \"quic\" in a VIP without protocol udp, allowed: only with it\n"
	 "f:1:89: key \"source_prefix\" in a VIP without algorithm source"},
	{BACKEND "server_id: [aa, 0xbb], weight: 0}]}]}]",
	 "f:1:124: server_id: found \"0xbb\", allowed: hex digits for 1 to 15 bytes such as 0a1b2c\n"
	 "f:1:139: weight"},
	{VIP "encapsulation: {type: vxlan, vni: 16777216}}]}]", "f:1:102: vni: found \"16777216\""},
	{VIP "encapsulation: vxlan}]}]", "f:1:83: found \"vxlan\" where an encapsulation belongs"},
	{BACKEND "weight: 0, state: off}]}]}]",
	 "f:1:116: weight: found \"0\", allowed: a number from 1 to 65535\n"
	 "f:1:126: state: found \"off\", allowed: up, draining, disabled"},
	{"tenants: [{name: a, vips: [{name: v, address: 1.2.3.4, port: 80x}]}]",
	 "f:1:62: port: found \"80x\""},
	{"node: &n {name: a}\nsegments: *n\n",
	 "f:1:7: found an anchor (&n)\nf:2:11: found an alias (*n), allowed: values written out"},
	{"node: {<<: {name: a}}", "f:1:8: found a merge key (<<)"},
	{"node: !!map {name: !x a}", "f:1:7: found a tag\nf:1:20: found a tag (!x)"},
	{"node: {[a]: b}", "f:1:8: found a key that is a list, allowed: plain text"},
	{"node: {}\n---\nnode: {}\n", "f:2:1: a second document begins, allowed: one in"},
	{"node: {name: \"a\\0b\"}", "f:1:14: found a NUL character"},
	{"node:\n\tname: a\n", "f:2:1: found a tab, allowed: blanks to indent with"},
	{"# \xc3\xa9\nnode:\n  name: a\n\tflows: 1Mi\n", "f:4:1: found a tab, allowed: "},
	{"\xef\xbb\xbfnode:\n  name: a\n  color: red\n", "f:3:3: unknown key \"color\""},
	{"node: {name: a\xff}", "f:1:15: invalid leading UTF-8 octet, allowed: UTF-8 text"},
	{"node: {flows: 3\nsegments: 5\n",
	 "f:1:15: flows: found \"3 segments\"\nf:2:9: did not find expected"},
	{"nod: 1\nnode: {name: Edge}\ntenants: [",
	 "f:1:1: unknown key\nf:2:14: name: found \"Edge\"\nf:4:1: did not find expected node"},
	{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "f:1:1: found a list where the main\n"
							  "f:1:33: too deep, allowed: 32 levels"},
};

static void each_mistake_says_where_what_and_what_is_allowed(void)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct report r = {0};
		struct model *m;

		CU_ASSERT_EQUAL(parse(mistakes[i].text, strlen(mistakes[i].text), &m, &r), -EINVAL);
		CU_ASSERT_TRUE(says(&r, mistakes[i].lines));
		report_clear(&r);
		model_free(m);
	}
}

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *text = malloc(1 << 16);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	*len = fread(text, 1, 1 << 16, f);
	fclose(f);
	return text;
}

#define FULL "tests/unit/data/full.yaml"

static void a_file_with_every_key_is_read(void)
{
	struct report r = {0};
	struct model *m;

	CU_ASSERT_EQUAL_FATAL(config_load(FULL, NULL, &m, &r), 0);
	CU_ASSERT_EQUAL(model_check(m, &r), 0);
	CU_ASSERT_TRUE(says(&r, ""));
	CU_ASSERT_STRING_EQUAL(m->node.name, "edge-1");
	CU_ASSERT_EQUAL(m->node.flows, 1 << 20);
	CU_ASSERT_TRUE(m->node.source_set[0] && m->node.source_set[1]);
	CU_ASSERT_EQUAL(m->node.source_bits[0], 128);
	CU_ASSERT_EQUAL(m->node.source_bits[1], 64);
	CU_ASSERT_EQUAL(m->node.limits.backends, 4000);
	CU_ASSERT_EQUAL(m->n_interfaces, 2);
	CU_ASSERT_EQUAL(m->interfaces[1].mode, ATTACH_GENERIC);
	CU_ASSERT_EQUAL(m->n_segments, 3);
	CU_ASSERT_FALSE(m->segments[0].next_hop_set);
	CU_ASSERT_TRUE(m->segments[1].next_hop_set);
	CU_ASSERT_EQUAL(m->segments[2].inner_vlan, 8);
	CU_ASSERT_EQUAL_FATAL(m->n_tenants, 2);

	const struct model_tenant *t = &m->tenants[0];

	CU_ASSERT_EQUAL(t->managed_by, MANAGED_BY_FILE);
	CU_ASSERT_EQUAL(t->n_prefixes, 2);
	CU_ASSERT_EQUAL(t->limits.flows, 64 << 10);
	CU_ASSERT_TRUE(t->drop_other_ports);
	CU_ASSERT_EQUAL(t->limits.icmp_per_second, 50);
	CU_ASSERT_EQUAL_FATAL(t->n_vips, 7);
	CU_ASSERT_EQUAL(t->vips[0].encap.kind, MTLB_ENCAP_VXLAN);
	CU_ASSERT_EQUAL(t->vips[0].encap.udp_port, 8472);
	CU_ASSERT_EQUAL(t->vips[0].ring_size, 4096);
	CU_ASSERT_EQUAL(t->vips[0].idle_timeout_s, 300);
	CU_ASSERT_EQUAL_FATAL(t->vips[0].n_backends, 3);
	CU_ASSERT_EQUAL(t->vips[0].backends[0].configured_weight, 50);
	CU_ASSERT_EQUAL(t->vips[0].backends[1].weight, 100);
	CU_ASSERT_EQUAL(t->vips[0].backends[1].configured_state, BACKEND_ADMIN_DRAINING);
	CU_ASSERT_EQUAL(t->vips[0].backends[2].origin.line, 32);
	CU_ASSERT_STRING_EQUAL(t->vips[0].backends[2].origin.file, FULL);
	CU_ASSERT_EQUAL(t->vips[1].protocol, IPPROTO_UDP);
	CU_ASSERT_EQUAL(t->vips[1].idle_timeout_s, 30);
	CU_ASSERT_FALSE(t->vips[1].echo);
	CU_ASSERT_TRUE(t->vips[0].echo);
	CU_ASSERT_EQUAL(m->tenants[1].limits.vips, 64);
	CU_ASSERT_EQUAL(m->tenants[1].limits.icmp_per_second, 1000);
	CU_ASSERT_FALSE(m->tenants[1].drop_other_ports);
	model_free(m);
}

static void ranges_algorithms_quic_and_encapsulations_are_read(void)
{
	struct report r = {0};
	struct model *m;
	const struct model_vip *v;

	CU_ASSERT_EQUAL_FATAL(config_load(FULL, NULL, &m, &r), 0);
	CU_ASSERT_EQUAL_FATAL(m->tenants[0].n_vips, 7);
	v = m->tenants[0].vips;
	CU_ASSERT_TRUE(v[0].port == 443 && v[0].last_port == 443);
	CU_ASSERT_FALSE(v[0].encap.dscp_set);

	CU_ASSERT_TRUE(v[2].port == 8000 && v[2].last_port == 8999);
	CU_ASSERT_EQUAL(v[2].protocol, IPPROTO_SCTP);
	CU_ASSERT_EQUAL(v[2].idle_timeout_s, 300);
	CU_ASSERT_EQUAL(v[2].algorithm, MTLB_ALGORITHM_SOURCE);
	CU_ASSERT_EQUAL(v[2].source_prefix, 24);
	CU_ASSERT_EQUAL(v[2].encap.kind, MTLB_ENCAP_GRE);
	CU_ASSERT_TRUE(v[2].encap.key_set && v[2].encap.key == 7);
	CU_ASSERT_TRUE(v[2].encap.dscp_set && v[2].encap.dscp == 46);
	CU_ASSERT_EQUAL(v[2].encap.mtu, 9000);

	CU_ASSERT_TRUE(v[3].port == 0 && v[3].last_port == 65535);
	CU_ASSERT_EQUAL(v[3].algorithm, MTLB_ALGORITHM_LEAST_CONNECTIONS);
	CU_ASSERT_EQUAL(v[3].quic.rotation_bits, 2);
	CU_ASSERT_EQUAL_FATAL(v[3].quic.n_configs, 2);
	CU_ASSERT_EQUAL(v[3].quic.configs[1].rotation, 2);
	CU_ASSERT_EQUAL(v[3].quic.configs[1].server_id_length, 15);
	CU_ASSERT_EQUAL(v[3].quic.configs[0].nonce_length, 8);
	CU_ASSERT_EQUAL(v[3].encap.kind, MTLB_ENCAP_GENEVE);
	CU_ASSERT_TRUE(v[3].encap.tenant_id_set && v[3].encap.tenant_id == 7);
	CU_ASSERT_EQUAL(v[3].backends[0].n_server_ids, 1);
	CU_ASSERT_EQUAL(v[3].backends[0].server_ids[0].bytes[1], 0x0b);
	CU_ASSERT_EQUAL_FATAL(v[3].backends[1].n_server_ids, 2);
	CU_ASSERT_EQUAL(v[3].backends[1].server_ids[1].len, 15);
	CU_ASSERT_EQUAL(v[3].backends[1].server_ids[1].bytes[14], 0x0e);

	CU_ASSERT_EQUAL(v[4].encap.kind, MTLB_ENCAP_GUE);
	CU_ASSERT_TRUE(v[4].encap.variant == 0 && v[4].encap.udp_port == 6080);
	CU_ASSERT_EQUAL(v[5].algorithm, MTLB_ALGORITHM_ROUND_ROBIN);
	CU_ASSERT_TRUE(v[5].encap.kind == MTLB_ENCAP_FOU && v[5].encap.udp_port == 5555);
	CU_ASSERT_EQUAL(v[6].encap.kind, MTLB_ENCAP_L2);
	model_free(m);
}

static void sources_are_written_as_they_were_read(void)
{
	static const char text[] = "node: {source: [192.0.2.0/24, \"fd00::1\"]}";
	json_t *json, *wanted = json_pack("[s, s]", "192.0.2.0/24", "fd00::1");
	struct report r = {0};
	struct model *m;

	CU_ASSERT_EQUAL_FATAL(parse(text, strlen(text), &m, &r), 0);
	CU_ASSERT_EQUAL(m->node.source_bits[0], 96 + 24);
	json = config_node_to_json(&m->node);
	CU_ASSERT_TRUE(json_equal(json_object_get(json, "source"), wanted));
	json_decref(json);
	json_decref(wanted);
	model_free(m);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void remove_dir(const char *dir)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	CU_ASSERT_EQUAL(system(command), 0);
}

static const char *name_of(const char *where)
{
	const char *slash = strrchr(where, '/');

	return slash ? slash + 1 : where;
}

static int load(const char *dir, struct model **m, struct report *r)
{
	char file[256], tenants[256];
	int err;

	snprintf(file, sizeof(file), "%s/mtlb.yaml", dir);
	snprintf(tenants, sizeof(tenants), "%s/tenants", dir);
	err = config_load(file, tenants, m, r);
	for (size_t i = 0; i < r->n; i++) {
		char *where = strdup(name_of(r->lines[i].where));

		free(r->lines[i].where);
		r->lines[i].where = where;
	}
	return err;
}

static void tenants_come_from_their_directory_in_order(void)
{
	char dir[] = "/tmp/mtlb-config-XXXXXX", tenants[64], path[80];
	struct report r = {0};
	struct model *m = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL(load(dir, &m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r, "mtlb.yaml: there is no such file; write one"));
	CU_ASSERT_PTR_NULL(m);
	report_clear(&r);

	write_file(dir, "mtlb.yaml", "tenants: [{name: zero}]\n");
	CU_ASSERT_EQUAL_FATAL(load(dir, &m, &r), 0); /* there is no directory */
	CU_ASSERT_EQUAL(m->n_tenants, 1);
	model_free(m);

	snprintf(tenants, sizeof(tenants), "%s/tenants", dir);
	CU_ASSERT_EQUAL(mkdir(tenants, 0700), 0);
	write_file(tenants, "b.yaml", "tenants: [{name: two}, {name: three}]\n");
	write_file(tenants, "a.yaml", "name: one\nlimits: {vips: 2}\n");
	write_file(tenants, "empty.yaml", "# nothing yet\n");
	write_file(tenants, "ignored.yaml.bak", "{{{\n");
	CU_ASSERT_EQUAL_FATAL(load(dir, &m, &r), 0);
	CU_ASSERT_EQUAL_FATAL(m->n_tenants, 4);
	CU_ASSERT_STRING_EQUAL(m->tenants[1].name, "one");
	CU_ASSERT_EQUAL(m->tenants[1].limits.vips, 2);
	CU_ASSERT_STRING_EQUAL(m->tenants[3].name, "three");
	model_free(m);

	write_file(tenants, "c.yml", "name: four\n");
	m = NULL;
	CU_ASSERT_EQUAL(load(dir, &m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r, "c.yml: would not be read, allowed: names that end in .yaml\n"));
	report_clear(&r);
	snprintf(path, sizeof(path), "%s/c.yml", tenants);
	CU_ASSERT_EQUAL(unlink(path), 0);

	write_file(tenants, "b.yaml", "node: {name: x}\ntenants: [{name: zero}]\n");
	m = NULL;
	CU_ASSERT_EQUAL(load(dir, &m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(&r,
			    "b.yaml:1:1: unknown key \"node\" in a tenants file, allowed: tenants\n"
			    "b.yaml:2:11: tenant \"zero\" stands here again (first: "));
	CU_ASSERT_PTR_NULL(m);
	report_clear(&r);
	remove_dir(dir);
}

static void mistakes_of_every_kind_come_at_once_sorted(void)
{
	char dir[] = "/tmp/mtlb-config-XXXXXX";
	struct report r = {0};
	struct model *m = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	write_file(dir, "mtlb.yaml",
		   "node:\n  interfaces: [{name: eth0}]\n  flow: 1Mi\n"
		   "segments:\n"
		   "  - {name: s, interface: eth1}\n"
		   "  - {name: s, interface: eth0, tenant: acme}\n"
		   "tenants:\n"
		   "  - name: acme\n"
		   "    prefixes: [192.0.2.0/24]\n"
		   "    vips:\n"
		   "      - {name: a, address: 192.0.3.1, port: 80x}\n"
		   "      - {name: b, address: 192.0.2.300, port: 80}\n"
		   "      - {name: c, address: 192.0.2.3, port: 80, port: 81}\n");
	CU_ASSERT_EQUAL(load(dir, &m, &r), -EINVAL);
	CU_ASSERT_TRUE(says(
		&r, "mtlb.yaml:3:3: unknown key \"flow\" in the node (did you mean \"flows\"?)\n"
		    "mtlb.yaml:5:5: interface: found \"eth1\", which is none of mtlb's\n"
		    "mtlb.yaml:6:5: segment \"s\" stands here again\n"
		    "mtlb.yaml:11:9: address: found 192.0.3.1, allowed: the prefixes of\n"
		    "mtlb.yaml:11:45: port: found \"80x\"\n"
		    "mtlb.yaml:12:28: address: found \"192.0.2.300\"\n"
		    "mtlb.yaml:13:49: key \"port\" stands here again"));
	report_clear(&r);
	remove_dir(dir);
}

static void a_mistake_is_told_once(void)
{
	char dir[] = "/tmp/mtlb-config-XXXXXX";
	struct report r = {0};
	struct model *m = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	write_file(
		dir, "mtlb.yaml",
		"tenants:\n"
		"  - name: acme\n"
		"    vips:\n"
		"      - name: q\n"
		"        address: 192.0.3.1\n"
		"        port: any\n"
		"        protocol: udp\n"
		"        quic: {configs: [{rotation: 9, server_id_length: 0, nonce_length: 8},\n"
		"                         {rotation: 8, server_id_length: 2, nonce_length: 8}]}\n"
		"        backends:\n"
		"          - {name: b, address: 10.0.0.1, server_id: 010203}\n"
		"          - {name: c, address: 10.0.0.2, server_id: 010203}\n"
		"      - {name: r, address: 192.0.3.1, port: 8-, protocol: udp}\n"
		"      - {name: s, address: 192.0.3.1, port: 8-9, protocol: udp}\n");
	CU_ASSERT_EQUAL(load(dir, &m, &r), -EINVAL);
	CU_ASSERT_TRUE(
		says(&r, "mtlb.yaml:8:37: rotation: found \"9\"\n"
			 "mtlb.yaml:8:58: server_id_length: found \"0\"\n"
			 "mtlb.yaml:9:37: rotation: found \"8\"\n"
			 "mtlb.yaml:12:13: server_id: found 010203, which backend \"b\" of\n"
			 "mtlb.yaml:13:45: port: found \"8-\"\n"
			 "mtlb.yaml:14:9: port: found 8-9 of 192.0.3.1/udp, which overlaps any"));
	report_clear(&r);
	remove_dir(dir);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* One to eight bytes replaced, removed, doubled or copied from elsewhere. */
static size_t mutate(char *text, size_t len, size_t size, uint32_t *state)
{
	static const char syntax[] = "{}[]:,-&*!|>'\"%@`#\n\t \\~?\0\xff\xc3";
	int n = 1 + next_random(state) % 8;

	while (n--) {
		size_t at = next_random(state) % len, from = next_random(state) % len;
		size_t span = 1 + next_random(state) % 40;

		span = at + span > len ? len - at : span;
		switch (next_random(state) % 4) {
		case 0:
			text[at] = next_random(state);
			break;
		case 1:
			text[at] = syntax[next_random(state) % sizeof(syntax)];
			break;
		case 2:
			memmove(text + at, text + at + span, len - at - span);
			len = len - span ? len - span : 1;
			break;
		default:
			if (from + span > len || len + span > size)
				break;
			memmove(text + at + span, text + at, len - at);
			memmove(text + at, text + (from >= at ? from + span : from),
				from + span < at || from >= at ? span : 0);
			len += span;
		}
	}
	return len;
}

static void mutated_files_never_crash(void)
{
	uint32_t state = 1;
	size_t len, accepted = 0;
	char *valid = read_file(FULL, &len), *text;

	for (int i = 0; i < 3000; i++) {
		struct report r = {0};
		struct model *m, *copy;
		size_t n;

		/* its own allocation of the exact size, so that ASan sees a read beyond it */
		char *work = calloc(1, 1 << 14);

		memcpy(work, valid, len);
		n = mutate(work, len, 1 << 14, &state);
		text = malloc(n);
		memcpy(text, work, n);
		free(work);
		int err = parse(text, n, &m, &r);

		CU_ASSERT_EQUAL(err != 0, r.n != 0);
		accepted += !err;
		model_check(m, &r);
		copy = model_copy(m);
		model_free(m);
		model_free(copy);
		report_clear(&r);
		free(text);
	}
	CU_ASSERT_TRUE(accepted > 0);
	free(valid);
}

static void every_beginning_of_a_file_is_survived(void)
{
	size_t len;
	char *valid = read_file(FULL, &len);

	for (size_t n = 0; n <= len; n++) {
		struct report r = {0};
		struct model *m;

		parse(valid, n, &m, &r);
		model_free(m);
		report_clear(&r);
	}
	free(valid);
}

static void a_copy_stands_alone(void)
{
	struct report r = {0};
	struct model *m, *copy;
	json_t *before, *after;

	CU_ASSERT_EQUAL_FATAL(config_load(FULL, NULL, &m, &r), 0);
	before = config_tenant_to_json(&m->tenants[0]);
	copy = model_copy(m);
	CU_ASSERT_PTR_NOT_EQUAL(copy->tenants[0].origin.file, m->tenants[0].origin.file);
	model_remove_tenant(m, &m->tenants[1]);
	tenant_remove_vip(&m->tenants[0], &m->tenants[0].vips[0]);
	CU_ASSERT_STRING_EQUAL(m->tenants[0].vips[0].name, "dns");
	model_free(m);
	after = config_tenant_to_json(&copy->tenants[0]);
	CU_ASSERT_TRUE(json_equal(before, after));
	CU_ASSERT_STRING_EQUAL(copy->tenants[0].vips[0].backends[0].origin.file, FULL);
	CU_ASSERT_PTR_NOT_NULL(model_find_tenant(copy, "gamma"));
	CU_ASSERT_PTR_NULL(model_find_tenant(copy, "nobody"));
	json_decref(before);
	json_decref(after);
	model_free(copy);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"each_mistake_says_where_what_and_what_is_allowed",
		 each_mistake_says_where_what_and_what_is_allowed},
		{"a_file_with_every_key_is_read", a_file_with_every_key_is_read},
		{"ranges_algorithms_quic_and_encapsulations_are_read",
		 ranges_algorithms_quic_and_encapsulations_are_read},
		{"sources_are_written_as_they_were_read", sources_are_written_as_they_were_read},
		{"tenants_come_from_their_directory_in_order",
		 tenants_come_from_their_directory_in_order},
		{"mistakes_of_every_kind_come_at_once_sorted",
		 mistakes_of_every_kind_come_at_once_sorted},
		{"a_mistake_is_told_once", a_mistake_is_told_once},
		{"mutated_files_never_crash", mutated_files_never_crash},
		{"every_beginning_of_a_file_is_survived", every_beginning_of_a_file_is_survived},
		{"a_copy_stands_alone", a_copy_stands_alone},
		{0},
	};

	return test_main(argc, argv, "config", tests);
}
