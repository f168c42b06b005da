// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* mtlbd as it runs: what its API answers. */
#include "test.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/daemon.h"

/* What write_config() puts behind the address of the second backend. */
static const char *more;

static const char config_text[] =
	"node: {name: n1, flows: 64Ki, limits: {tenants: 16, vips: 64, backends: 256, ring_slots: 64Ki, segments: 16},"
	" interfaces: [{name: lb0, mode: native}]}\n"
	"segments: [{name: public, interface: lb0}]\n"
	"tenants:\n"
	"  - name: filet\n"
	"    vips:\n"
	"      - {name: web, address: 203.0.113.10, port: 80, protocol: tcp,\n"
	"         backends: [{name: b1, address: 10.0.0.1}, {name: b2, address: 10.0.0.2%s}]}\n";

#define ACME                                                                                       \
	"{\"name\":\"acme\",\"shared\":true,\"vips\":[{\"name\":\"v1\",\"address\":\"203.0.113.20\","     \
	"\"port\":443,\"protocol\":\"tcp\",\"backends\":[{\"name\":\"x\",\"address\":\"10.0.0.9\"}]}]}"

static void print_config(FILE *to)
{
	fprintf(to, config_text, more);
}

/* text: goes behind the address of the second backend. */
static void write_config(const char *text)
{
	more = text;
	daemon_write_config(print_config);
}

static void setup(void)
{
	more = "";
	daemon_setup(print_config);
}

static int ask_status(const char *method, const char *path, const char *body)
{
	return daemon_ask(method, path, body, NULL);
}

/* JSON text of a value of a GET; a static buffer. */
static const char *look(const char *path, const char *where)
{
	json_t *json;

	CU_ASSERT_EQUAL(daemon_ask("GET", path, NULL, &json), 200);
	const char *text = daemon_text(json, where);
	json_decref(json);
	return text;
}

#define B2 "/v1/tenants/filet/vips/web/backends/b2"

/* ---- tests ---- */
static void every_resource_answers(void)
{
	static const struct {
		const char *path, *where, *value;
	} rows[] = {
		{ "/v1/version", "api", "1" },
		{ "/v1/node", "name", "\"n1\"" },
		{ "/v1/node", "adopted", "false" },
		{ "/v1/node", "flows.size", "65536" },
		{ "/v1/node", "flows.live", "0" },
		{ "/v1/node", "moving.slots", "0" },
		{ "/v1/node", "maps.flows.used", "16384" },
		{ "/v1/node", "maps.segments.size", "16" },
		{ "/v1/node", "maps.ring_slots.size", "65536" },
		{ "/v1/tenants/filet", "status.shared", "true" },
		{ "/v1/interfaces", "0.status.attached", "true" },
		{ "/v1/interfaces/lb0", "managed_by", "\"file\"" },
		{ "/v1/segments", "0.status.present", "true" },
		{ "/v1/tenants", "0.managed_by", "\"file\"" },
		{ "/v1/tenants/filet", "suspended", "false" },
		{ "/v1/tenants/filet/vips", "0.tenant", "\"filet\"" },
		{ "/v1/vips?tenant=filet", "0.name", "\"web\"" },
		{ "/v1/vips?tenant=other", "0.name", "nothing" },
		{ "/v1/backends?tenant=filet&vip=web", "1.status.state", "\"up\"" },
		{ "/v1/tenants/filet/vips/web/backends", "0.status.slots", "128" },
		{ "/v1/counters", "tenants.0.vips.0.backends.1.name", "\"b2\"" },
		{ "/v1/counters?tenant=filet", "tenants.0.reasons.forwarded", "0" },
		{ "/v1/tenants/%66ile%74", "name", "\"filet\"" },
	};

	setup();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CU_ASSERT_STRING_EQUAL(look(rows[i].path, rows[i].where), rows[i].value);
	daemon_teardown();
}

static void refused_input_changes_nothing(void)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} rows[] = {
		{ "POST", "/v1/tenants", "{", 400 },
		{ "POST", "/v1/tenants", "[]", 400 },
		{ "POST", "/v1/tenants", NULL, 400 },
		{ "POST", "/v1/tenants", "{\"name\":\"a\",\"zz\":1}", 400 },
		{ "POST", "/v1/tenants", "{\"name\":\"A b\"}", 400 },
		{ "POST", "/v1/tenants", "{\"name\":\"a\",\"name\":\"b\"}", 400 },
		{ "POST", "/v1/tenants", "{\"name\":\"filet\"}", 409 },
		{ "PUT", "/v1/tenants/filet", "{}", 409 },
		{ "DELETE", "/v1/tenants/filet", NULL, 409 },
		{ "PATCH", "/v1/tenants/filet/vips/web", "{\"port\":81}", 409 },
		{ "PATCH", B2, "{\"address\":\"10.0.0.3\"}", 409 },
		{ "PATCH", B2, "{\"weight\":0}", 400 },
		{ "PATCH", B2, "{\"state\":\"gone\"}", 400 },
		{ "DELETE", B2, NULL, 409 },
		{ "DELETE", "/v1/interfaces/lb0", NULL, 409 },
		{ "DELETE", "/v1/segments/public", NULL, 409 },
		{ "PUT", "/v1/interfaces/nope0", "{}", 422 },
		{ "GET", "/v1/tenants/nobody", NULL, 404 },
		{ "GET", "/v1/tenants/filet/vips/none", NULL, 404 },
		{ "GET", "/v2", NULL, 404 },
		{ "GET", "/v1/tenants/%zz", NULL, 404 },
		{ "GET", "/v1/tenants/%ff", NULL, 404 },
		{ "GET", "/v1/counters?tenant=%ff", NULL, 404 },
		{ "PUT", "/v1/tenants", NULL, 405 },
		{ "DELETE", "/v1/reload", NULL, 405 },
	};
	char before[1024];

	setup();
	strcpy(before, look("/v1/tenants", "0"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int status = ask_status(rows[i].method, rows[i].path, rows[i].body);
		if (status != rows[i].status)
			fprintf(stderr, "%s %s %s: %d\n", rows[i].method, rows[i].path,
				rows[i].body ? rows[i].body : "", status);
		CU_ASSERT_EQUAL(status, rows[i].status);
	}
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants", "0"), before);
	CU_ASSERT_STRING_EQUAL(look("/v1/node", "generation"), "1");
	daemon_teardown();
}

static void tenant_of_the_api_has_revisions(void)
{
#define X "/v1/tenants/acme/vips/v1/backends/x"
	setup();
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants", ACME), 201);
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme", "revision"), "1");
	CU_ASSERT_EQUAL(ask_status("PATCH", X "?revision=1", "{\"weight\":50}"), 200);
	CU_ASSERT_EQUAL(ask_status("PATCH", X "?revision=1", "{\"weight\":60}"), 409);
	CU_ASSERT_EQUAL(ask_status("PATCH", X, "{\"weight\":50}"), 200);
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme", "revision"), "2");
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants/acme/revisions/1/restore", NULL), 200);
	CU_ASSERT_STRING_EQUAL(look(X, "weight"), "100");
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme/revisions", "0.revision"), "3");
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme/revisions/2",
				    "document.vips.0.backends.0.weight"), "50");
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants/acme/revisions/9/restore", NULL), 404);
	CU_ASSERT_EQUAL(ask_status("DELETE", "/v1/tenants/acme?revision=2", NULL), 409);
	CU_ASSERT_EQUAL(ask_status("DELETE", "/v1/tenants/acme?revision=3", NULL), 200);
	CU_ASSERT_EQUAL(ask_status("GET", "/v1/tenants/acme", NULL), 404);
	daemon_teardown();
#undef X
}

static void answers_can_be_sent_back(void)
{
	json_t *json;

	setup();
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants", ACME), 201);
	CU_ASSERT_EQUAL(daemon_ask("GET", "/v1/tenants/acme", NULL, &json), 200);
	char *text = json_dumps(json, 0);
	CU_ASSERT_EQUAL(ask_status("PUT", "/v1/tenants/acme", text), 200);
	free(text);
	json_decref(json);
	CU_ASSERT_EQUAL(daemon_ask("GET", "/v1/tenants/acme/vips/v1", NULL, &json), 200);
	text = json_dumps(json, 0);
	CU_ASSERT_EQUAL(ask_status("PUT", "/v1/tenants/acme/vips/v1", text), 200);
	free(text);
	json_decref(json);
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme", "revision"), "1");
	daemon_teardown();
}

static void changes_survive_a_kill(void)
{
	setup();
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants", ACME), 201);
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/drain", NULL), 200);
	CU_ASSERT_EQUAL(ask_status("PUT", "/v1/interfaces/cl0", "{\"mode\":\"generic\"}"), 201);
	CU_ASSERT_EQUAL(ask_status("PUT", "/v1/segments/s2", "{\"interface\":\"cl0\"}"), 201);
	CU_ASSERT_NOT_EQUAL(daemon_stop(SIGKILL), 0);
	daemon_start();
	CU_ASSERT_STRING_EQUAL(look("/v1/node", "adopted"), "true");
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme", "revision"), "1");
	CU_ASSERT_STRING_EQUAL(look(B2, "state"), "\"draining\"");
	CU_ASSERT_STRING_EQUAL(look(B2, "overrides.state"), "\"draining\"");
	CU_ASSERT_STRING_EQUAL(look(B2, "configured.state"), "\"up\"");
	CU_ASSERT_STRING_EQUAL(look("/v1/interfaces/cl0", "status.attached"), "true");
	CU_ASSERT_STRING_EQUAL(look("/v1/segments/s2", "managed_by"), "\"api\"");
	CU_ASSERT_EQUAL(ask_status("DELETE", "/v1/segments/s2", NULL), 200);
	CU_ASSERT_EQUAL(ask_status("DELETE", "/v1/interfaces/cl0", NULL), 200);
	daemon_teardown();
}

static void override_ends_when_the_file_says_the_same(void)
{
	json_t *json;

	setup();
	CU_ASSERT_EQUAL(ask_status("PATCH", B2, "{\"weight\":7}"), 200);
	CU_ASSERT_STRING_EQUAL(look(B2, "overrides.weight"), "7");
	write_config(", weight: 7");
	CU_ASSERT_EQUAL(daemon_ask("POST", "/v1/reload", NULL, &json), 200);
	json_decref(json);
	CU_ASSERT_STRING_EQUAL(look(B2, "overrides"), "nothing");
	write_config(", weight: 9");
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/reload", NULL), 200);
	CU_ASSERT_STRING_EQUAL(look(B2, "weight"), "9");
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/disable", NULL), 200);
	CU_ASSERT_EQUAL(ask_status("DELETE", B2 "/overrides", NULL), 200);
	CU_ASSERT_STRING_EQUAL(look(B2, "state"), "\"up\"");
	daemon_teardown();
}

static void bad_reload_changes_nothing_and_bad_start_fails(void)
{
	json_t *json;
	int status;

	setup();
	write_config(", weight: 0, colour: red");
	CU_ASSERT_EQUAL(daemon_ask("POST", "/v1/reload", NULL, &json), 400);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json, "errors")), 2);
	json_decref(json);
	CU_ASSERT_STRING_EQUAL(look(B2, "weight"), "100");
	CU_ASSERT_EQUAL(daemon_stop(SIGTERM), 0);
	waitpid(daemon_spawn(NULL), &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	CU_ASSERT_EQUAL(access(daemon_pin_dir, F_OK), 0);
	waitpid(daemon_spawn("--check"), &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	daemon_teardown();
}

static void name_managed_twice_is_refused(void)
{
	setup();
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants", ACME), 201);
	write_config("}]}\n  - name: acme\n    vips:\n      - {name: w, address: 203.0.113.30, port: 80,"
		     " protocol: tcp, backends: [{name: z, address: 10.0.0.3");
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/reload", NULL), 400);
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/acme", "managed_by"), "\"api\"");
	daemon_teardown();
}

static void suspended_tenant_keeps_its_configuration(void)
{
	setup();
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants/filet/suspend", NULL), 200);
	CU_ASSERT_EQUAL(daemon_stop(SIGTERM), 0);
	daemon_start();
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/filet", "suspended"), "true");
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants/filet/resume", NULL), 200);
	CU_ASSERT_STRING_EQUAL(look("/v1/tenants/filet", "suspended"), "false");
	daemon_teardown();
}

static void change_that_cannot_be_kept_is_not_made(void)
{
	char path[128];
	sqlite3 *db;

	setup();
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/drain", NULL), 200);
	snprintf(path, sizeof(path), "%s/state/tenants/filet.db", daemon_dir);
	CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/enable", NULL), 409);
	CU_ASSERT_STRING_EQUAL(look(B2, "state"), "\"draining\"");
	/* A reader lets the change begin, reach the kernel, and fail at its commit. */
	sqlite3_exec(db, "ROLLBACK; BEGIN; SELECT count(*) FROM overrides", NULL, NULL, NULL);
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/enable", NULL), 409);
	CU_ASSERT_STRING_EQUAL(look(B2, "status.state"), "\"draining\"");
	CU_ASSERT_STRING_EQUAL(look(B2, "status.slots"), "0");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	CU_ASSERT_EQUAL(ask_status("POST", B2 "/enable", NULL), 200);
	CU_ASSERT_STRING_EQUAL(look(B2, "status.slots"), "128");
	daemon_teardown();
}

static void hangup_reloads(void)
{
	setup();
	write_config(", weight: 9");
	kill(daemon_pid, SIGHUP);
	for (int i = 0; i < 200 && strcmp(look(B2, "weight"), "9"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	CU_ASSERT_STRING_EQUAL(look(B2, "weight"), "9");
	daemon_teardown();
}

static void slow_clients_and_large_bodies_hold_nothing_up(void)
{
	size_t large = (1 << 20) + 10;
	char *body = malloc(large + 1);
	int slow;

	setup();
	slow = daemon_connect();
	daemon_send(slow, "POST /v1/tenants HTTP/1.1\r\nHo", 29);
	memset(body, ' ', large);
	body[large] = '\0';
	CU_ASSERT_EQUAL(ask_status("POST", "/v1/tenants", body), 413);
	CU_ASSERT_STRING_EQUAL(look("/v1/version", "api"), "1");
	close(slow);
	free(body);
	daemon_teardown();
}

static void second_daemon_on_the_socket_is_refused(void)
{
	int status;

	setup();
	waitpid(daemon_spawn(NULL), &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	CU_ASSERT_STRING_EQUAL(look("/v1/version", "api"), "1");
	waitpid(daemon_spawn("--unload"), &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 1);
	CU_ASSERT_STRING_EQUAL(look("/v1/interfaces/lb0", "status.attached"), "true");
	daemon_teardown();
}

static const struct test tests[] = {
	{ "every_resource_answers", every_resource_answers },
	{ "refused_input_changes_nothing", refused_input_changes_nothing },
	{ "tenant_of_the_api_has_revisions", tenant_of_the_api_has_revisions },
	{ "answers_can_be_sent_back", answers_can_be_sent_back },
	{ "changes_survive_a_kill", changes_survive_a_kill },
	{ "override_ends_when_the_file_says_the_same", override_ends_when_the_file_says_the_same },
	{ "bad_reload_changes_nothing_and_bad_start_fails",
	  bad_reload_changes_nothing_and_bad_start_fails },
	{ "name_managed_twice_is_refused", name_managed_twice_is_refused },
	{ "suspended_tenant_keeps_its_configuration", suspended_tenant_keeps_its_configuration },
	{ "change_that_cannot_be_kept_is_not_made", change_that_cannot_be_kept_is_not_made },
	{ "hangup_reloads", hangup_reloads },
	{ "slow_clients_and_large_bodies_hold_nothing_up",
	  slow_clients_and_large_bodies_hold_nothing_up },
	{ "second_daemon_on_the_socket_is_refused", second_daemon_on_the_socket_is_refused },
	{ 0 },
};

int main(int argc, char **argv)
{
	daemon_prepare("api",
		       "ip link add lb0 type veth peer name cl0 && ip link set lb0 up && ip link set cl0 up"
		       " && ip address add 10.0.0.254/24 dev lb0");
	return test_main(argc, argv, "api", tests);
}
