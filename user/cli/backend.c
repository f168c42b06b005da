// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* backend: servers, and taking them out of service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/objects.h"
#include "util/number.h"

#define ONE "/v1/tenants/%s/vips/%s/backends/%s"

enum {
	WAIT_MS = 10 * 60 * 1000,
	WAIT_MAX_MS = 7 * 24 * 3600 * 1000,
	POLL_MS = 500
};

void backends_print(const struct cli *c, const json_t *list)
{
	static const struct column columns[] = {
		{"BACKEND", false}, {"ADDRESS", false}, {"STATE", false},    {"WEIGHT", true},
		{"SHARE", true},    {"FLOWS", true},    {"NEXT HOP", false},
	};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	char text[NUMBER_TEXT], state[32];
	bool is_overridden = false;
	const json_t *item;
	size_t at;

	(void)c;
	json_array_foreach (list, at, item) {
		snprintf(state, sizeof(state), "%s%s", object_text(item, "status.state"),
			 object_at(item, "overrides.state") ? "*" : "");
		is_overridden |= object_at(item, "overrides") != NULL;
		table_add(t, "%s/%s/%s", object_text(item, "tenant"), object_text(item, "vip"),
			  object_text(item, "name"));
		table_add(t, "%s", object_text(item, "address"));
		table_add_state(t, state);
		table_add(t, "%.0f%s", object_number(item, "weight"),
			  object_at(item, "overrides.weight") ? "*" : "");
		table_add(t, "%.1f%%", 100 * object_number(item, "status.share"));
		table_add(t, "%s", number_print(object_number(item, "status.flows"), text));
		table_add(t, "%s", object_text(item, "status.next_hop"));
	}
	table_print(t, "There is no backend (mtlbctl backend add TENANT/VIP/NAME address=...).");
	if (is_overridden)
		puts("* other than in the file, until `mtlbctl backend clear BACKEND`");
}

int backend_list(const struct cli *c)
{
	struct name n;
	bool is_vip = c->n_words && strchr(c->words[0], '/');
	int error = is_vip ? name_vip(c, c->words[0], &n) : CLI_OK;

	if (error)
		return error;
	if (is_vip)
		return client_show(c,
				   client_path("/v1/tenants/%s/vips/%s/backends", n.tenant, n.vip),
				   backends_print);
	if (!c->n_words)
		return client_show(c, client_path("/v1/backends"), backends_print);
	/* the flat listing answers with nothing for a tenant that does not exist */
	struct answer a;
	char *path = client_path("/v1/tenants/%s", c->words[0]);
	error = client_call(c, "GET", path, NULL, &a);
	free(path);
	if (error)
		return error;
	client_clear(&a);
	return client_show(c, client_path("/v1/backends?tenant=%s", c->words[0]), backends_print);
}

static void print_one(const struct cli *c, const json_t *json)
{
	(void)c;
	object_print(json, NULL);
}

int backend_show(const struct cli *c)
{
	struct name n;
	int error = name_backend(c, c->words[0], &n);

	return error ? error
		     : client_show(c, client_path(ONE, n.tenant, n.vip, n.backend), print_one);
}

int backend_add(const struct cli *c)
{
	struct name n;
	json_t *body;
	int error = object_body(c, &body);

	if (error)
		return error;
	json_decref(body);
	error = name_new_backend(c, c->words[0], &n);
	if (!error)
		error = object_new_body(c, n.backend, &body);
	return error ? error
		     : client_change(
			       c, "POST",
			       client_path("/v1/tenants/%s/vips/%s/backends", n.tenant, n.vip),
			       body, "backend %s/%s/%s added", n.tenant, n.vip, n.backend);
}

int backend_set(const struct cli *c)
{
	struct name n;
	json_t *body;
	int error = object_body(c, &body);

	if (error)
		return error;
	error = name_backend(c, c->words[0], &n);
	if (error) {
		json_decref(body);
		return error;
	}
	return client_change(c, "PATCH", client_path(ONE, n.tenant, n.vip, n.backend), body,
			     "backend %s/%s/%s changed", n.tenant, n.vip, n.backend);
}

/* One request without a body about the backend that the first word names. */
static int change(const struct cli *c, const char *method, const char *action, const char *done,
		  struct name *n)
{
	int error = name_backend(c, c->words[0], n);

	if (error)
		return error;
	char *path = *action ? client_path(ONE "/%s", n->tenant, n->vip, n->backend, action)
			     : client_path(ONE, n->tenant, n->vip, n->backend);
	return client_change(c, method, path, NULL, "backend %s/%s/%s %s", n->tenant, n->vip,
			     n->backend, done);
}

int backend_del(const struct cli *c)
{
	struct name n;

	return change(c, "DELETE", "", "removed", &n);
}

int backend_undrain(const struct cli *c)
{
	struct name n;

	return change(c, "POST", "undrain", "is up", &n);
}

int backend_disable(const struct cli *c)
{
	struct name n;

	return change(c, "POST", "disable", "is disabled", &n);
}

int backend_enable(const struct cli *c)
{
	struct name n;

	return change(c, "POST", "enable", "is up", &n);
}

int backend_clear(const struct cli *c)
{
	struct name n;

	return change(c, "DELETE", "overrides", "has no overrides any more", &n);
}

/* ---- drain --wait ---- */
static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct progress {
	double flows;     /* remembered ones that it serves */
	bool is_learning; /* quiet flows of it may still be unknown */
};

static int ask(const struct cli *c, char *path, struct answer *a)
{
	int error = client_call(c, "GET", path, NULL, a);

	free(path);
	return error;
}

static int read_progress(const struct cli *c, const struct name *n, struct progress *out)
{
	struct answer backend, vip;
	int error = ask(c, client_path(ONE, n->tenant, n->vip, n->backend), &backend);

	if (error)
		return error;
	out->flows = object_number(backend.json, "status.flows");
	client_clear(&backend);
	error = ask(c, client_path("/v1/tenants/%s/vips/%s", n->tenant, n->vip), &vip);
	if (error)
		return error;
	out->is_learning = object_is(vip.json, "status.learning");
	client_clear(&vip);
	return CLI_OK;
}

static void print_progress(const struct progress *p)
{
	if (p->flows > 0)
		printf("waiting for %.0f flows to end\n", p->flows);
	else
		puts("no flow is seen; waiting the VIP's idle timeout for quiet ones");
	fflush(stdout);
}

static int wait_drained(const struct cli *c, const struct name *n, uint64_t limit_ms)
{
	struct progress p, last = {.flows = -1};
	uint64_t end = now_ms() + limit_ms;
	bool is_quiet = c->options[OPTION_JSON];

	for (;; last = p) {
		int error = read_progress(c, n, &p);
		if (error)
			return error;
		if (p.flows <= 0 && !p.is_learning)
			break;
		if (now_ms() >= end) {
			fprintf(stderr,
				"%s: may still have flows, the --timeout is over; it goes on draining\n",
				c->words[0]);
			return CLI_REFUSED;
		}
		if (p.flows != last.flows && !is_quiet)
			print_progress(&p);
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
	}
	if (!is_quiet)
		printf("backend %s/%s/%s has no flows any more\n", n->tenant, n->vip, n->backend);
	return CLI_OK;
}

int backend_drain(const struct cli *c)
{
	const char *timeout = c->options[OPTION_TIMEOUT];
	uint64_t limit_ms = WAIT_MS;
	struct name n;

	if (timeout && !c->options[OPTION_WAIT])
		return cli_usage(c, "--timeout goes with --wait");
	if (timeout && number_parse_duration(timeout, 0, WAIT_MAX_MS, &limit_ms))
		return cli_usage(c, "--timeout %s: 90s, 10m or 2h is expected, at most 7d",
				 timeout);
	int error = change(c, "POST", "drain", "is draining", &n);

	if (!error && c->options[OPTION_WAIT]) {
		fflush(stdout);
		error = wait_drained(c, &n, limit_ms);
	}
	return error;
}
