// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/trace: what would happen to packets, by the live maps; it changes nothing. */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "util/cleanup.h"
#include "util/hex.h"

enum {
	PACKETS_MAX = 1024
}; /* of a request: other clients wait meanwhile */

struct buffers {
	uint8_t in[DATAPATH_TRACE_MAX];
	uint8_t out[DATAPATH_TRACE_MAX + DATAPATH_TRACE_ROOM];
};

/* ---- what is asked for ---- */
static void read_packet(const json_t *item, size_t at, struct buffers *b, size_t *len,
			struct report *r)
{
	const char *text = json_string_value(item);
	char where[32];
	size_t wrong;

	snprintf(where, sizeof(where), "packets/%zu", at);
	int error = text ? hex_parse(text, "", b->in, sizeof(b->in), len, &wrong) : 0;
	if (!text)
		report_add(r, where, "is no text: a frame in hex digits is expected");
	else if (error == -EINVAL)
		report_add(r, where,
			   "is no frame in hex: pairs of hex digits are expected, but not at "
			   "character %zu",
			   wrong + 1);
	else if (error || *len < DATAPATH_TRACE_MIN)
		report_add(r, where, "has %s%zu bytes: frames have %d (Ethernet) to %d bytes",
			   error ? "more than " : "", error ? sizeof(b->in) : *len,
			   DATAPATH_TRACE_MIN, DATAPATH_TRACE_MAX);
}

static bool has_only_known_keys(const struct api_request *q, struct api_answer *a)
{
	const json_t *value;
	const char *key;

	json_object_foreach (q->body, key, value)
		if (strcmp(key, "interface") && strcmp(key, "packets")) {
			api_fail(a, 400, key, "is not known; allowed: interface, packets");
			return false;
		}
	return true;
}

/* false: *a says all that is wrong with the packets. */
static bool are_packets(const json_t *packets, struct buffers *b, struct api_answer *a)
{
	struct report r = {0};
	const json_t *item;
	size_t at, len;

	if (!json_array_size(packets) || json_array_size(packets) > PACKETS_MAX) {
		api_fail(a, 400, "packets", "must be a list of 1 to %d frames in hex digits",
			 PACKETS_MAX);
		return false;
	}
	json_array_foreach (packets, at, item)
		read_packet(item, at, b, &len, &r);
	bool is_right = report_is_empty(&r);
	if (!is_right)
		api_fail_report(a, -EINVAL, &r);
	report_clear(&r);
	return is_right;
}

static void fail_interface(const struct model *m, struct api_answer *a, const char *what)
{
	char *list = NULL;
	size_t len;
	FILE *to = open_memstream(&list, &len);

	for (size_t i = 0; to && i < m->n_interfaces; i++)
		fprintf(to, "%s%s", i ? ", " : "", m->interfaces[i].name);
	if (to)
		fclose(to);
	api_fail(a, 422, "interface", "%s; the node balances on: %s", what,
		 list && *list ? list : "none");
	free(list);
}

/* NULL: *a says which are allowed. Without a name it is the node's only one. */
static const char *find_interface(const struct api_request *q, struct api_answer *a)
{
	const json_t *given = json_object_get(q->body, "interface");
	const struct model *m = q->control->model;
	const char *name = json_string_value(given);
	char what[128];

	if (given && !name) {
		api_fail(a, 400, "interface", "must be the name of an interface");
		return NULL;
	}
	if (!name && m->n_interfaces == 1)
		return m->interfaces[0].name;
	if (name && model_find_interface(m, name))
		return name;
	snprintf(what, sizeof(what), name ? "\"%.63s\" is none of the node's" : "is missing", name);
	fail_interface(m, a, what);
	return NULL;
}

/* ---- runs ---- */
static void fail_run(const char *interface, int error, struct api_answer *a)
{
	if (error == -ENODEV)
		api_fail(a, 422, "interface", "there is no interface \"%s\" now", interface);
	else if (error == -EINVAL)
		api_fail(a, 422, "interface",
			 "packets cannot be traced as coming in by \"%s\": the kernel has no XDP "
			 "receive queue for it",
			 interface);
	else
		api_fail(a, 500, "", "the kernel does not run the program: %s", strerror(-error));
}

static json_t *trace_one(const struct api_request *q, const char *interface, const json_t *item,
			 struct buffers *b, struct api_answer *a)
{
	struct api_traced p = {.interface = interface, .in = b->in, .out = b->out};
	uint32_t out_len = sizeof(b->out), verdict = 0;
	size_t wrong;

	hex_parse(json_string_value(item), "", b->in, sizeof(b->in), &p.in_len, &wrong);
	int error = datapath_trace(q->control->datapath, if_nametoindex(interface), b->in,
				   (uint32_t)p.in_len, b->out, &out_len, &verdict);
	if (error) {
		fail_run(interface, error, a);
		return NULL;
	}
	p.out_len = out_len;
	p.is_redirected = verdict == XDP_REDIRECT;
	json_t *json = api_trace_json(q->control, &p);
	if (!json)
		api_fail(a, 500, "", "the program gave no reason");
	return json;
}

static void trace_all(const struct api_request *q, const char *interface, struct buffers *b,
		      struct api_answer *a)
{
	json_t *list = json_array();
	const json_t *item;
	size_t at;

	json_array_foreach (json_object_get(q->body, "packets"), at, item) {
		json_t *one = trace_one(q, interface, item, b, a);
		if (!one) {
			json_decref(list);
			return;
		}
		json_array_append_new(list, one);
	}
	api_ok(a, 200, json_pack("{s:o}", "packets", list));
}

static void post(const struct api_request *q, struct api_answer *a)
{
	_cleanup_free_ struct buffers *b = malloc(sizeof(*b));
	const char *interface;

	if (!b) {
		api_fail(a, 500, "", "out of memory");
		return;
	}
	if (!api_need_body(q, a) || !has_only_known_keys(q, a) ||
	    !are_packets(json_object_get(q->body, "packets"), b, a))
		return;
	interface = find_interface(q, a);
	if (interface)
		trace_all(q, interface, b, a);
}

const struct api_route api_trace_routes[] = {
	{"POST", "/v1/trace", post},
	{0},
};
