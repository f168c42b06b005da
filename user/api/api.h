/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP + JSON on a unix socket: requests in, answers out. The resources stand in files of their names. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "daemon/control.h"

enum { API_PATH_PARTS = 10 };

struct api_request {
	struct control *control;
	const char *who;             /* the peer's user name */
	const char *message;         /* X-Mtlb-Message, or NULL */
	const char *args[API_PATH_PARTS]; /* what stands for the {} of the pattern, decoded */
	json_t *body;                /* NULL: there was none */
	/* A value of the query, decoded, or NULL; owned by the request. */
	const char *(*query)(const struct api_request *q, const char *key);
	void *connection;
};

struct api_answer {
	unsigned int status;
	json_t *body;                /* owned; NULL: an empty object */
	char allow[64];              /* with 405 */
};

typedef void api_handler(const struct api_request *q, struct api_answer *a);

struct api_route {
	const char *method;
	const char *pattern;         /* "/v1/tenants/{}/vips": {} is one part */
	api_handler *handler;
};

/* Tables of routes, each ended by a NULL method; a NULL ends the list of tables. */
extern const struct api_route *const api_routes[];

extern const struct api_route api_node_routes[], api_interfaces_routes[], api_segments_routes[],
	api_tenants_routes[], api_revisions_routes[], api_vips_routes[], api_backends_routes[],
	api_counters_routes[], api_reload_routes[], api_trace_routes[];

/* Finds the route and runs it; parts of the path are decoded in place. */
void api_dispatch(struct api_request *q, const char *method, const char *path,
		  struct api_answer *a);
/* "%41" -> "A", in place. -EINVAL for broken escapes and NUL. */
int api_decode(char *text);
/* Is it UTF-8: what comes back in answers must be. */
bool api_is_text(const char *text);

/* ---- answers: answer.c ---- */
void api_ok(struct api_answer *a, unsigned int status, json_t *body);
/* One error; where may be "". */
void api_fail(struct api_answer *a, unsigned int status, const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* All lines of r; the status follows from error, a -errno of control.h. */
void api_fail_report(struct api_answer *a, int error, const struct report *r);
json_t *api_addr(const struct addr *addr);
const char *api_managed_by(enum managed_by m);

/* ---- what resources have in common: resource.c ---- */
/* The tenant, VIP, backend that the path names; NULL: *a says 404. */
const struct model_tenant *api_find_tenant(const struct api_request *q, struct api_answer *a);
const struct model_vip *api_find_vip(const struct api_request *q, struct api_answer *a,
				     const struct model_tenant **t);
const struct model_backend *api_find_backend(const struct api_request *q, struct api_answer *a,
					     const struct model_tenant **t,
					     const struct model_vip **v);
/* false: *a says that the body is missing or not an object. */
bool api_need_body(const struct api_request *q, struct api_answer *a);
/* The object to read fields from: the body without what only answers hold; name is set, or checked if given. NULL: *a says why. */
json_t *api_fields(const struct api_request *q, const char *name, struct api_answer *a);
/* false: the tenant is a file's, or ?revision is stale; *a says so. */
bool api_may_change(const struct api_request *q, const struct model_tenant *t,
		    struct api_answer *a);
/* Begins a change of a tenant's document; *copy is the tenant in it. false: *a says why. */
bool api_begin(const struct api_request *q, const struct model_tenant *t, enum change_kind kind,
	       struct change *change, struct model_tenant **copy, struct api_answer *a);
/* Commits, or fails with *a filled. */
bool api_commit(const struct api_request *q, struct change *change, struct api_answer *a);
/* Aborts and answers with the report's lines. */
void api_refuse(struct change *change, int error, struct report *r, struct api_answer *a);

/* ---- objects as the API shows them ---- */
json_t *api_tenant_json(struct control *c, const struct model_tenant *t);
json_t *api_vip_json(struct control *c, const struct model_tenant *t, const struct model_vip *v);
json_t *api_backend_json(struct control *c, const struct model_tenant *t, const struct model_vip *v,
			 const struct model_backend *b);
/* Appends the backends of a VIP, those that are leaving included. */
void api_backends_append(struct control *c, const struct model_tenant *t, const struct model_vip *v,
			 json_t *list);
const char *api_backend_state(enum mtlb_backend_state state);

/* What the flow table does for a tenant now. */
struct api_load {
	size_t moving_vips, moving_slots;
	size_t flows;                /* live ones in it: of moving slots, of round-robin and least-connections */
};
struct api_load api_tenant_load(struct control *c, const struct model_tenant *t);
/* Entries of the flow table that are the tenant's. */
size_t api_tenant_entries(const struct control *c, const struct model_tenant *t);

/* A packet that datapath_trace() has just run. */
struct api_traced {
	const char *interface;       /* by which it came in */
	const uint8_t *in, *out;     /* as it was, as it became */
	size_t in_len, out_len;
	bool is_redirected;          /* leaves by the interface of its backend, not by the one above */
};
/* NULL: the program left no reason. */
json_t *api_trace_json(const struct control *c, const struct api_traced *p);
const char *api_admin_state(enum backend_admin_state state);
