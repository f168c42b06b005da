// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/trace: tells what the data plane would do with a packet, and does nothing. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/daemon.h"
#include "bpf/packet.h"
#include "test.h"
#include "util/hex.h"

enum {
	CPUS_MAX = 256,
	JUMBO = 9000,
};

/*
 * lb0: native, two backends of acme/web behind it; lb1: generic, with a larger MTU, and beta/big's
 * backend. The others are there to come in by.
 */
static const char config_text[] =
	"node: {name: n1, flows: 4Ki, limits: {tenants: 8, vips: 16, backends: 64, ring_slots: 16Ki, segments: 16},\n"
	" interfaces: [{name: lb0}, {name: lb1, mode: generic}, {name: br0, mode: generic},\n"
	"  {name: tap0, mode: generic}, {name: vx0, mode: generic}, {name: lo, mode: generic}, {name: gone0}]}\n"
	"segments: [{name: public, interface: lb0}, {name: large, interface: lb1},\n"
	"  {name: acme-net, interface: lb0, vlan: 100, tenant: gamma}]\n"
	"tenants:\n"
	"  - name: acme\n"
	"    shared: true\n"
	"    limits: {flows: 1Ki}\n"
	"    vips:\n"
	"      - {name: web, address: 203.0.113.10, port: 443, protocol: tcp, idle_timeout: 600s,\n"
	"         backends: [{name: b1, address: 10.0.0.1}, {name: b2, address: 10.0.0.2}]}\n"
	"      - {name: web6, address: \"2001:db8::10\", port: 443, protocol: tcp,\n"
	"         encapsulation: {type: vxlan, vni: 7}, backends: [{name: b1, address: 10.0.0.1}]}\n"
	"      - {name: dns, address: 203.0.113.10, port: 53, protocol: udp, backends: [{name: b1, address: 10.0.0.1}]}\n"
	"      - {name: empty, address: 203.0.113.11, port: 443, protocol: tcp, backends: []}\n"
	"      - {name: nowhere, address: 203.0.113.12, port: 443, protocol: tcp, backends: [{name: far, address: 10.9.9.9}]}\n"
	"      - {name: range, address: 203.0.113.13, port: 8000-8999, protocol: tcp,\n"
	"         backends: [{name: b1, address: 10.0.0.1}]}\n"
	"      - {name: rr, address: 203.0.113.14, port: 443, protocol: tcp, algorithm: round-robin,\n"
	"         backends: [{name: b1, address: 10.0.0.1}, {name: b2, address: 10.0.0.2}]}\n"
	"      - {name: src, address: 203.0.113.15, port: 443, protocol: tcp, algorithm: source,\n"
	"         backends: [{name: b1, address: 10.0.0.1}, {name: b2, address: 10.0.0.2}]}\n"
	"  - name: beta\n"
	"    limits: {flows: 1Ki}\n"
	"    vips:\n"
	"      - {name: big, address: 203.0.113.30, port: 443, protocol: tcp, backends: [{name: j1, address: 10.1.0.1}]}\n"
	"  - name: gamma\n"
	"    limits: {flows: 1Ki}\n"
	"    vips:\n"
	"      - {name: web, address: 203.0.113.10, port: 443, protocol: tcp, backends: [{name: g1, address: 10.0.0.1}]}\n";

static const char network[] =
	"sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"
	" && ip link add lb0 type veth peer name cl0 && ip link set lb0 up && ip link set cl0 up"
	" && ip link add lb1 mtu 9600 type veth peer name cl1 mtu 9600 && ip link set lb1 up && ip link set cl1 up"
	" && ip link add br0 type bridge && ip link set br0 up && ip link set lo up"
	" && ip link add vx0 type vxlan id 9 dstport 4789 && ip link set vx0 up && ip tuntap add tap0 mode tap"
	" && ip address add 10.0.0.254/24 dev lb0 && ip address add 10.1.0.254/24 dev lb1"
	" && ip neighbour add 10.0.0.1 lladdr 02:00:00:00:01:01 dev lb0"
	" && ip neighbour add 10.0.0.2 lladdr 02:00:00:00:01:02 dev lb0"
	" && ip neighbour add 10.1.0.1 lladdr 02:00:00:00:02:01 dev lb1";

static void write_config(FILE *to)
{
	fputs(config_text, to);
}

/* ---- questions ---- */
static char *hex_of(const struct packet_spec *s)
{
	struct packet p;

	packet_build(&p, s);
	if (s->protocol == IPPROTO_ICMP)
		p.bytes[p.l4] = 8; /* an echo request */
	return hex_print(p.bytes, p.len);
}

/* The answer to one packet; NULL: there was none. */
static json_t *trace_hex(const char *interface, const char *hex)
{
	json_t *body = json_pack("{s:s, s:[s]}", "interface", interface, "packets", hex);
	char *text = json_dumps(body, JSON_COMPACT);
	json_t *answer = NULL;

	CU_ASSERT_EQUAL(daemon_ask("POST", "/v1/trace", text, &answer), 200);
	json_t *one = json_incref(json_array_get(json_object_get(answer, "packets"), 0));
	json_decref(answer);
	json_decref(body);
	free(text);
	return one;
}

static json_t *trace(const char *interface, const struct packet_spec *s)
{
	char *hex = hex_of(s);
	json_t *json = trace_hex(interface, hex);

	free(hex);
	return json;
}

static void is_told(const json_t *json, const char *key, const char *value)
{
	const char *text = daemon_text(json, key);

	if (strcmp(text, value))
		printf("     %s is %s, expected %s\n", key, text, value);
	CU_ASSERT_STRING_EQUAL(text, value);
}

/* ---- what the kernel holds ---- */
static int open_pin(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", daemon_pin_dir, name);
	int fd = bpf_obj_get(path);
	CU_ASSERT_FATAL(fd >= 0);
	return fd;
}

/* FNV-1a over all values of a map. */
static uint64_t digest_of(const char *name, uint64_t digest)
{
	static uint8_t value[CPUS_MAX * 512];
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = open_pin(name);

	CU_ASSERT_EQUAL_FATAL(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	CU_ASSERT_FATAL(info.value_size <= 512);
	for (uint32_t key = 0; key < info.max_entries; key++) {
		memset(value, 0, sizeof(value));
		CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(fd, &key, value), 0);
		for (size_t i = 0;
		     i < (info.type == BPF_MAP_TYPE_PERCPU_ARRAY ? sizeof(value) : info.value_size);
		     i++)
			digest = (digest ^ value[i]) * 0x100000001b3ULL;
	}
	close(fd);
	return digest;
}

static uint64_t digest_of_all(void)
{
	static const char *const names[] = {"flows",         "tenant_stats", "vip_stats",
					    "backend_stats", "answers",      "turns",
					    "backend_loads"};
	uint64_t digest = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		digest = digest_of(names[i], digest);
	return digest;
}

/* Runs the program that forwards; its verdict, with what became of the packet in hex. */
static uint32_t run_real(const char *interface, const char *hex, char **out_hex)
{
	static uint8_t in[70000], out[70000];
	struct xdp_md ctx = {.ingress_ifindex = if_nametoindex(interface)};
	size_t len = 0, at;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .repeat = 1);
	int fd = open_pin("program");

	CU_ASSERT_EQUAL_FATAL(hex_parse(hex, "", in, sizeof(in), &len, &at), 0);
	ctx.data_end = opts.data_size_in = (uint32_t)len;
	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(fd, &opts), 0);
	close(fd);
	*out_hex = hex_print(out, opts.data_size_out);
	return opts.retval;
}

/* ---- tests ---- */
static const struct {
	struct packet_spec spec;
	const char *interface, *verdict, *reason, *tenant, *vip, *backend;
	int xdp;
} rows[] = {
	{{0}, "lb0", "forward", "forwarded", "acme", "web", NULL, XDP_TX},
	{{.from = "2001:db8::7", .to = "2001:db8::10"},
	 "lb0",
	 "forward",
	 "forwarded",
	 "acme",
	 "web6",
	 "b1",
	 XDP_TX},
	{{.protocol = IPPROTO_UDP, .to_port = 53, .payload = 9},
	 "lb0",
	 "forward",
	 "forwarded",
	 "acme",
	 "dns",
	 "b1",
	 XDP_TX},
	{{.to = "203.0.113.30"}, "lb1", "forward", "forwarded", "beta", "big", "j1", XDP_TX},
	{{.to = "203.0.113.30"}, "lb0", "forward", "forwarded", "beta", "big", "j1", XDP_REDIRECT},
	{{.n_tags = 1, .vlan = {100}}, "lb0", "forward", "forwarded", "gamma", "web", "g1", XDP_TX},
	{{.n_tags = 1, .vlan = {101}}, "lb0", "pass", "no_segment", NULL, NULL, NULL, XDP_PASS},
	{{0}, "br0", "pass", "no_segment", NULL, NULL, NULL, XDP_PASS},
	{{.to = "203.0.113.99"}, "lb0", "pass", "not_vip", NULL, NULL, NULL, XDP_PASS},
	{{.to_port = 80}, "lb0", "pass", "not_vip_port", "acme", NULL, NULL, XDP_PASS},
	{{.n_tags = 3, .vlan = {1, 2, 3}}, "lb0", "pass", "not_ip", NULL, NULL, NULL, XDP_PASS},
	{{.protocol = IPPROTO_ICMP}, "lb0", "reply", "echo_answered", "acme", NULL, NULL, XDP_TX},
	{{.payload = 1441}, "lb0", "reply", "too_big_answered", "acme", "web", NULL, XDP_TX},
	{{.to = "203.0.113.13", .to_port = 8500},
	 "lb0",
	 "forward",
	 "forwarded",
	 "acme",
	 "range",
	 "b1",
	 XDP_TX},
	{{.to = "203.0.113.15"}, "lb0", "forward", "forwarded", "acme", "src", NULL, XDP_TX},
	{{.to_port = 80, .protocol = 47},
	 "lb0",
	 "pass",
	 "other_protocol",
	 "acme",
	 NULL,
	 NULL,
	 XDP_PASS},
	{{.to = "203.0.113.11"}, "lb0", "drop", "no_backend", "acme", "empty", NULL, XDP_DROP},
	{{.to = "203.0.113.12"}, "lb0", "drop", "no_next_hop", "acme", "nowhere", "far", XDP_DROP},
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

static void is_name(const json_t *json, const char *key, const char *name)
{
	char text[80];

	snprintf(text, sizeof(text), name ? "\"%s\"" : "null", name);
	is_told(json, key, text);
}

static void every_verdict_is_told_with_its_reason(void)
{
	daemon_setup(write_config);
	for (size_t i = 0; i < N_ROWS; i++) {
		json_t *json = trace(rows[i].interface, &rows[i].spec);

		is_name(json, "verdict", rows[i].verdict);
		is_name(json, "reason", rows[i].reason);
		is_name(json, "tenant", rows[i].tenant);
		is_name(json, "vip", rows[i].vip);
		is_name(json, "interface", rows[i].interface);
		if (rows[i].backend || !rows[i].vip)
			is_name(json, "backend", rows[i].backend);
		json_decref(json);
	}
	daemon_teardown();
}

static void packet_becomes_what_a_real_one_becomes(void)
{
	daemon_setup(write_config);
	for (size_t i = 0; i < N_ROWS; i++) {
		char *real = NULL, *hex = hex_of(&rows[i].spec);
		json_t *json = trace_hex(rows[i].interface, hex);
		const char *out = json_string_value(json_object_get(json, "packet_out_hex"));

		CU_ASSERT_EQUAL(run_real(rows[i].interface, hex, &real), (uint32_t)rows[i].xdp);
		if (rows[i].xdp == XDP_DROP)
			CU_ASSERT_PTR_NULL(out)
		else
			CU_ASSERT_STRING_EQUAL(out ? out : "", real);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "packet_in_hex")),
				       hex);
		json_decref(json);
		free(real);
		free(hex);
	}
	daemon_teardown();
}

static void story_is_complete(void)
{
	static const struct {
		const char *key, *value;
	} facts[] = {
		{"reason_text", "\"encapsulated and sent to a backend\""},
		{"segment", "\"public\""},
		{"vip_address", "\"2001:db8::10\""},
		{"vip_port", "443"},
		{"vip_last_port", "nothing"},
		{"vip_protocol", "\"tcp\""},
		{"algorithm", "\"maglev\""},
		{"slot_state", "\"settled\""},
		{"owner", "\"b1\""},
		{"previous", "nothing"},
		{"how", "\"hash\""},
		{"longer_way", "false"},
		{"backend_address", "\"10.0.0.1\""},
		{"backend_state", "\"up\""},
		{"encapsulation.kind", "\"vxlan\""},
		{"encapsulation.source", "\"10.0.0.254\""},
		{"encapsulation.destination", "\"10.0.0.1\""},
		{"encapsulation.destination_port", "4789"},
		{"interface_out", "\"lb0\""},
		{"limits.icmp_answers.used", "0"},
	};
	const struct packet_spec spec = {.from = "2001:db8::7", .to = "2001:db8::10"};

	daemon_setup(write_config);
	json_t *json = trace("lb0", &spec);
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
		is_told(json, facts[i].key, facts[i].value);
	json_int_t slot = json_integer_value(json_object_get(json, "slot"));
	json_int_t slots = json_integer_value(json_object_get(json, "ring_slots"));
	CU_ASSERT_TRUE(slots >= 128 && slot >= 0 && slot < slots);
	CU_ASSERT_EQUAL(strlen(json_string_value(json_object_get(json, "hash"))), 16);
	json_decref(json);
	json = trace("lb0", &(struct packet_spec){.to = "203.0.113.30"});
	is_told(json, "interface_out", "\"lb1\"");
	is_told(json, "encapsulation.kind", "\"ipip\"");
	is_told(json, "encapsulation.source_port", "nothing");
	json_decref(json);
	daemon_teardown();
}

static void ways_of_choosing_are_told(void)
{
	static const struct {
		struct packet_spec spec;
		const char *key, *value;
	} facts[] = {
		{{.to = "203.0.113.13", .to_port = 8999}, "vip_port", "8000"},
		{{.to = "203.0.113.13", .to_port = 8999}, "vip_last_port", "8999"},
		{{.to = "203.0.113.14"}, "algorithm", "\"round-robin\""},
		{{.to = "203.0.113.14", .flags = PACKET_SYN}, "how", "\"flow_table_unknown\""},
		/* nobody's turn comes by asking */
		{{.to = "203.0.113.14", .flags = PACKET_SYN}, "backend", "\"b1\""},
		{{.to = "203.0.113.14", .flags = PACKET_SYN}, "backend", "\"b1\""},
		{{.to = "203.0.113.15"}, "algorithm", "\"source\""},
		{{.to = "203.0.113.15"}, "how", "\"hash\""},
		{{.payload = 1441}, "limits.icmp_answers.allowed", "1074"},
		{{.payload = 1441}, "encapsulation", "null"},
		{{.protocol = IPPROTO_ICMP}, "how", "null"},
		{{.protocol = IPPROTO_ICMP}, "longer_way", "true"},
		{{.protocol = IPPROTO_ICMP}, "interface_out", "\"lb0\""},
	};

	daemon_setup(write_config);
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		json_t *json = trace("lb0", &facts[i].spec);

		is_told(json, facts[i].key, facts[i].value);
		json_decref(json);
	}
	daemon_teardown();
}

/* A flow on a moving slot: the source port of one, or 0. */
static uint16_t find_moving(void)
{
	for (uint16_t port = 40000; port < 40200; port++) {
		json_t *json = trace("lb0", &(struct packet_spec){.from_port = port});
		bool is_moving = strcmp(daemon_text(json, "slot_state"), "\"settled\"");

		json_decref(json);
		if (is_moving)
			return port;
	}
	return 0;
}

static void moving_slot_names_both_owners_and_known_flows(void)
{
	char *real = NULL;

	daemon_setup(write_config);
	CU_ASSERT_EQUAL(
		daemon_ask("POST", "/v1/tenants/acme/vips/web/backends/b1/drain", NULL, NULL), 200);
	const struct packet_spec syn = {.from_port = find_moving(), .flags = PACKET_SYN};
	char *hex = hex_of(&syn);
	CU_ASSERT_NOT_EQUAL(syn.from_port, 0);
	json_t *json = trace_hex("lb0", hex);
	is_told(json, "owner", "\"b2\"");
	is_told(json, "previous", "\"b1\"");
	is_told(json, "how", "\"flow_table_unknown\"");
	is_told(json, "backend", "\"b2\"");
	json_decref(json);
	CU_ASSERT_EQUAL(run_real("lb0", hex, &real), XDP_TX);
	json = trace_hex("lb0", hex);
	is_told(json, "how", "\"flow_table_known\"");
	is_told(json, "backend", "\"b2\"");
	json_decref(json);
	free(real);
	free(hex);
	daemon_teardown();
}

static void tracing_changes_no_flow_limit_or_counter(void)
{
	char *real = NULL, *hex = hex_of(&(struct packet_spec){0});

	daemon_setup(write_config);
	CU_ASSERT_EQUAL(
		daemon_ask("POST", "/v1/tenants/acme/vips/web/backends/b1/drain", NULL, NULL), 200);
	uint64_t before = digest_of_all();
	for (uint16_t port = 1; port <= 100; port++)
		for (uint8_t flags = PACKET_SYN; flags <= PACKET_ACK; flags *= 2)
			json_decref(trace(
				"lb0", &(struct packet_spec){.from_port = port, .flags = flags}));
	for (size_t i = 0; i < N_ROWS; i++)
		json_decref(trace(rows[i].interface, &rows[i].spec));
	CU_ASSERT_EQUAL(digest_of_all(), before);
	/* the digest sees what a real packet changes */
	run_real("lb0", hex, &real);
	CU_ASSERT_NOT_EQUAL(digest_of_all(), before);
	free(real);
	free(hex);
	daemon_teardown();
}

/* hex of a TCP segment whose IP packet has len bytes. */
static char *long_hex(const char *to, uint32_t len)
{
	uint8_t *bytes = calloc(1, 14 + len);
	struct packet p;

	packet_build(&p, &(struct packet_spec){.to = to});
	memcpy(bytes, p.bytes, p.len);
	packet_put16(bytes + 16, (uint16_t)len);
	char *hex = hex_print(bytes, 14 + len);
	free(bytes);
	return hex;
}

static void jumbo_frames_are_traced_whole(void)
{
	char *hex = long_hex("203.0.113.30", JUMBO);

	daemon_setup(write_config);
	json_t *json = trace_hex("lb1", hex);
	is_told(json, "reason", "\"forwarded\"");
	const char *out = json_string_value(json_object_get(json, "packet_out_hex"));
	bool is_long = out && strlen(out) == 2 * (14 + 20 + JUMBO);
	CU_ASSERT_TRUE(is_long);
	CU_ASSERT_STRING_EQUAL(is_long ? out + 2 * (14 + 20) : "", hex + 2 * 14);
	json_decref(json);
	free(hex);
	hex = long_hex("203.0.113.99", 65535);
	json = trace_hex("lb1", hex);
	is_told(json, "reason", "\"not_vip\"");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json, "packet_out_hex")), hex);
	json_decref(json);
	free(hex);
	daemon_teardown();
}

static void packets_come_in_by_every_kind_of_interface(void)
{
	static const char *const names[] = {"lb0", "lb1", "br0", "tap0", "vx0", "lo"};

	daemon_setup(write_config);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *json = trace(names[i], &(struct packet_spec){.to = "203.0.113.99"});

		is_told(json, "reason", i < 2 ? "\"not_vip\"" : "\"no_segment\"");
		json_decref(json);
	}
	daemon_teardown();
}

#define FRAME "\"0200000000020200000000010806\""

static void wrong_questions_are_refused(void)
{
	static const struct {
		const char *body;
		int status;
		const char *where;
	} wrong[] = {
		{NULL, 400, ""},
		{"[]", 400, ""},
		{"{}", 400, "packets"},
		{"{\"packets\":[]}", 400, "packets"},
		{"{\"packets\":" FRAME "}", 400, "packets"},
		{"{\"packets\":[" FRAME "],\"iface\":\"lb0\"}", 400, "iface"},
		{"{\"packets\":[" FRAME ",7]}", 400, "packets/1"},
		{"{\"packets\":[\"\"]}", 400, "packets/0"},
		{"{\"packets\":[\"02000000000202000000000108\"]}", 400, "packets/0"},
		{"{\"packets\":[" FRAME "," FRAME ",\"0200000000020200000000010806f\"]}", 400,
		 "packets/2"},
		{"{\"packets\":[\"02 00000000020200000000010806\"]}", 400, "packets/0"},
		{"{\"packets\":[" FRAME "],\"interface\":7}", 400, "interface"},
		{"{\"packets\":[" FRAME "]}", 422, "interface"},
		{"{\"packets\":[" FRAME "],\"interface\":\"cl0\"}", 422, "interface"},
		{"{\"packets\":[" FRAME "],\"interface\":\"\"}", 422, "interface"},
		{"{\"packets\":[" FRAME "],\"interface\":\"gone0\"}", 422, "interface"},
	};
	json_t *json;

	daemon_setup(write_config);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int status = daemon_ask("POST", "/v1/trace", wrong[i].body, &json);

		if (status != wrong[i].status)
			printf("     %s: %d\n", wrong[i].body, status);
		CU_ASSERT_EQUAL(status, wrong[i].status);
		is_name(json, "errors.0.where", wrong[i].where);
		json_decref(json);
	}
	CU_ASSERT_EQUAL(daemon_ask("POST", "/v1/trace", "{\"packets\":[7,\"0\",\"\"]}", &json),
			400);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "errors")), 3);
	json_decref(json);
	CU_ASSERT_EQUAL(daemon_ask("GET", "/v1/trace", NULL, NULL), 405);
	daemon_teardown();
}

/* So many frames fit into a request, and one more does not. */
static void packets_of_a_request_are_limited(void)
{
	daemon_setup(write_config);
	for (int n = 1024; n <= 1025; n++) {
		json_t *list = json_array(), *answer = NULL;
		for (int i = 0; i < n; i++)
			json_array_append_new(list, json_string("0200000000020200000000010806"));
		json_t *body = json_pack("{s:s, s:o}", "interface", "lb0", "packets", list);
		char *text = json_dumps(body, JSON_COMPACT);

		CU_ASSERT_EQUAL(daemon_ask("POST", "/v1/trace", text, &answer),
				n == 1024 ? 200 : 400);
		CU_ASSERT_EQUAL(json_array_size(json_object_get(answer, "packets")),
				n == 1024 ? 1024U : 0U);
		json_decref(answer);
		json_decref(body);
		free(text);
	}
	daemon_teardown();
}

static const struct test tests[] = {
	{"every_verdict_is_told_with_its_reason", every_verdict_is_told_with_its_reason},
	{"packet_becomes_what_a_real_one_becomes", packet_becomes_what_a_real_one_becomes},
	{"story_is_complete", story_is_complete},
	{"ways_of_choosing_are_told", ways_of_choosing_are_told},
	{"moving_slot_names_both_owners_and_known_flows",
	 moving_slot_names_both_owners_and_known_flows},
	{"tracing_changes_no_flow_limit_or_counter", tracing_changes_no_flow_limit_or_counter},
	{"jumbo_frames_are_traced_whole", jumbo_frames_are_traced_whole},
	{"packets_come_in_by_every_kind_of_interface", packets_come_in_by_every_kind_of_interface},
	{"wrong_questions_are_refused", wrong_questions_are_refused},
	{"packets_of_a_request_are_limited", packets_of_a_request_are_limited},
	{0},
};

int main(int argc, char **argv)
{
	daemon_prepare("trace", network);
	return test_main(argc, argv, "trace", tests);
}
