// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is typed behind a verb: fields and names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fields.h"
#include "cli/names.h"
#include "test.h"

enum {
	WORDS = 4
};

static size_t count(const char *const words[WORDS])
{
	size_t n = 0;

	while (n < WORDS && words[n])
		n++;
	return n;
}

static void fields_become_nested_objects(void)
{
	static const struct {
		const char *words[WORDS];
		const char *json;
	} rows[] = {
		{{0}, "{}"},
		{{"port=443"}, "{\"port\":\"443\"}"},
		{{"a="}, "{\"a\":\"\"}"},
		{{"a=b=c"}, "{\"a\":\"b=c\"}"},
		{{"e.type=vxlan", "e.vni=7"}, "{\"e\":{\"type\":\"vxlan\",\"vni\":\"7\"}}"},
		{{"prefixes=10.0.0.0/8,fd00::/8"}, "{\"prefixes\":[\"10.0.0.0/8\",\"fd00::/8\"]}"},
		{{"prefixes="}, "{\"prefixes\":[]}"},
		{{"server_id=0a,0b0c"}, "{\"server_id\":[\"0a\",\"0b0c\"]}"},
		{{"server_id="}, "{\"server_id\":[]}"},
		{{"port=8000-8999"}, "{\"port\":\"8000-8999\"}"},
		{{"quic.rotation_bits=2", "quic.configs=0:4:8,1:8:9"},
		 "{\"quic\":{\"rotation_bits\":\"2\",\"configs\":["
		 "{\"rotation\":\"0\",\"server_id_length\":\"4\",\"nonce_length\":\"8\"},"
		 "{\"rotation\":\"1\",\"server_id_length\":\"8\",\"nonce_length\":\"9\"}]}}"},
		{{"quic.configs="}, "{\"quic\":{\"configs\":[]}}"},
		/* too few and too many: mtlbd refuses them */
		{{"quic.configs=0:4"},
		 "{\"quic\":{\"configs\":[{\"rotation\":\"0\",\"server_id_length\":\"4\"}]}}"},
		{{"quic.configs=0:4:8:9"},
		 "{\"quic\":{\"configs\":[{\"rotation\":\"0\",\"server_id_length\":\"4\","
		 "\"nonce_length\":\"8:9\"}]}}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *object = json_object();
		struct report r = {0};
		CU_ASSERT_EQUAL(
			fields_read((char *const *)rows[i].words, count(rows[i].words), object, &r),
			0);
		char *text = json_dumps(object, JSON_COMPACT);
		CU_ASSERT_STRING_EQUAL(text, rows[i].json);
		CU_ASSERT_TRUE(report_is_empty(&r));
		free(text);
		json_decref(object);
	}
}

static void every_bad_field_is_told(void)
{
	static const struct {
		const char *words[WORDS];
		size_t n_lines;
	} rows[] = {
		{{"weight"}, 1},
		{{"=5"}, 1},
		{{""}, 1},
		{{"weight=1", "weight=2"}, 1},
		{{"e=1", "e.type=vxlan"}, 1},
		{{"backends=a"}, 1},
		{{"vips=a", "b", "c=\xff"}, 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *object = json_object();
		struct report r = {0};
		CU_ASSERT_EQUAL(
			fields_read((char *const *)rows[i].words, count(rows[i].words), object, &r),
			-EINVAL);
		CU_ASSERT_EQUAL(r.n, rows[i].n_lines);
		report_clear(&r);
		json_decref(object);
	}
}

static void fields_complete_a_document(void)
{
	static const char *const words[] = {"limits.vips=5"};
	json_t *object = json_pack("{s:{s:i}}", "limits", "flows", 1024);
	struct report r = {0};

	CU_ASSERT_EQUAL(fields_read((char *const *)words, 1, object, &r), 0);
	CU_ASSERT_EQUAL(json_object_size(json_object_get(object, "limits")), 2);
	json_decref(object);
}

static void names_have_up_to_three_parts(void)
{
	static const struct {
		const char *word, *tenant, *vip, *backend, *address;
		uint16_t port, last_port;
	} rows[] = {
		{"acme", "acme", "", "", NULL, 0, 0},
		{"acme/web", "acme", "web", "", NULL, 0, 0},
		{"acme/web/w.1", "acme", "web", "w.1", NULL, 0, 0},
		{"acme/web/fd00::1", "acme", "web", "fd00::1", NULL, 0, 0},
		{"acme/192.0.2.1:80/tcp", "acme", "", "", "192.0.2.1", 80, 80},
		{"acme/192.0.2.1:8000-8999/sctp", "acme", "", "", "192.0.2.1", 8000, 8999},
		{"acme/[fd00::1]:any/udp", "acme", "", "", "fd00::1", 0, 65535},
		{"acme/[fd00::1]:53/udp/b", "acme", "", "b", "fd00::1", 53, 53},
	};
	char text[ADDR_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct name n = {0};
		struct report r = {0};
		CU_ASSERT_EQUAL(name_read(rows[i].word, &n, &r), 0);
		CU_ASSERT_STRING_EQUAL(n.tenant, rows[i].tenant);
		CU_ASSERT_STRING_EQUAL(n.vip, rows[i].vip);
		CU_ASSERT_STRING_EQUAL(n.backend, rows[i].backend);
		CU_ASSERT_EQUAL(n.has_endpoint, rows[i].address != NULL);
		CU_ASSERT_EQUAL(n.port, rows[i].port);
		CU_ASSERT_EQUAL(n.last_port, rows[i].last_port);
		if (rows[i].address)
			CU_ASSERT_STRING_EQUAL(addr_print(&n.address, text), rows[i].address);
	}
}

static void bad_names_are_refused(void)
{
	static const char *const rows[] = {
		"",
		"/",
		"acme/",
		"/web",
		"acme//b",
		"acme/web/",
		"acme/web/b/c",
		"acme/192.0.2.1:80",
		"acme/192.0.2.1:80/icmp",
		"..",
		"acme/..",
		"acme/../..",
		"acme/web/..",
		"acme/web/.",
		"acme/192.0.2.1:0/tcp",
		"acme/192.0.2.1:65536/tcp",
		"acme/192.0.2.1:9-8/tcp",
		"acme/192.0.2.1:0-9/tcp",
		"acme/192.0.2.1:8-/tcp",
		"acme/192.0.2.1:every/tcp",
		"acme/192.0.2:80/tcp",
		"acme/[fd00::1:80/tcp",
		"acme/[]:80/tcp",
		"acme/:/tcp",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct name n;
		struct report r = {0};
		CU_ASSERT_EQUAL(name_read(rows[i], &n, &r), -EINVAL);
		CU_ASSERT_EQUAL(r.n, 1);
		report_clear(&r);
	}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"fields_become_nested_objects", fields_become_nested_objects},
		{"every_bad_field_is_told", every_bad_field_is_told},
		{"fields_complete_a_document", fields_complete_a_document},
		{"names_have_up_to_three_parts", names_have_up_to_three_parts},
		{"bad_names_are_refused", bad_names_are_refused},
		{0},
	};

	return test_main(argc, argv, "cli_fields", tests);
}
