/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What runs: the model, the image of it in the kernel, and the one road from a change to both. All on
 * the thread of the event loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "core/config.h"
#include "core/image.h"
#include "datapath/datapath.h"
#include "net/net.h"
#include "store/store.h"

struct control_options {
	const char *config, *tenants, *state, *socket, *pin_dir;
};

struct control_revision {            /* of an API-managed tenant */
	char name[MTLB_NAME_LEN];
	uint64_t number;
};

struct control {
	const struct control_options *options;
	struct store *store;
	int state_lock;              /* a descriptor; -1: not taken yet */
	struct datapath *datapath;
	struct net *net;
	struct model *files;         /* what the files say, without overrides */
	struct model *model;         /* in force: files, API-managed objects, overrides */
	struct image *image;         /* what the kernel's maps hold */
	bool is_behind;              /* and not what the model says, as an undo failed: tried each second */
	bool is_lost;                /* image is not what the maps hold, which cannot be read: no change until a restart */
	uint64_t network;            /* hash of the next hops and interfaces of which image was made */
	bool is_network_applied;     /* false: that failed, or has not been tried yet */
	bool is_refresh_failing;     /* and has been told of */
	unsigned retry_ticks;        /* how many ticks lie between two tries, doubled by each failure */
	unsigned retry_left;         /* of them, until the next */
	struct image_census *census; /* of image; NULL: not taken yet */
	uint64_t census_ms;          /* when, monotonic */
	struct control_revision *revisions;
	size_t n_revisions;
	uint8_t secret[32];
	bool adopted;
	time_t loaded_at;            /* the files, seconds since 1970 */
	uint64_t started_ms;         /* monotonic */
	struct report warnings;      /* what is not as asked for, though nothing failed */
	struct report paths;         /* interfaces by which packets leave, though mtlb is not there */
};

/*
 * From files, store and pins to forwarding: reads and checks everything before the kernel is touched. -errno with all lines
 * in r; what a previous mtlbd left goes on forwarding.
 */
int control_open(const struct control_options *options, struct control **out, struct report *r);
/* Forwarding goes on. */
void control_close(struct control *c);

/* ---- changes ---- */
enum change_kind {
	CHANGE_TENANT,               /* the document of an API-managed tenant: a new revision */
	CHANGE_TENANT_DELETE,
	CHANGE_OVERRIDES,            /* weights, states, suspension kept beside a tenant */
	CHANGE_NODE,                 /* API-managed interfaces and segments */
};

struct change {
	enum change_kind kind;
	const char *tenant;          /* its name; unused with CHANGE_NODE */
	const char *who, *message;   /* message may be NULL */
	struct model *model;         /* a copy to mutate, from control_begin() to the end */
	size_t steps;                /* out: what it took */
};

void control_begin(struct control *c, struct change *change);
/*
 * Checks change->model, persists it, brings the kernel to it, and puts it in force; frees it in any case. On failure
 * nothing has changed: -EINVAL (checks), -ENOSPC (does not fit), or -errno, with lines in r.
 */
int control_commit(struct control *c, struct change *change, struct report *r);
/* Drops the copy. */
void control_abort(struct change *change);

/* Reads the files again. *changed: anything at all; *steps: of the kernel's maps. Otherwise as control_commit(). */
int control_reload(struct control *c, const char *who, bool *changed, size_t *steps,
		   struct report *r);

/* What is in force becomes what is configured: for API-managed tenants, which have no overrides of backends. */
void control_settle_configured(struct model_tenant *t);

/* ---- as time goes by ---- */
/*
 * Once a second: asks for unresolved next hops, ends moves that can end, counts flows for
 * least-connections, frees entries of flows that have timed out.
 */
void control_tick(struct control *c);
/* Next hops or links have changed: attaches interfaces that came back, composes encapsulations anew. */
void control_refresh(struct control *c);

/* ---- for listings ---- */
/* Not older than a second; NULL: out of memory. */
const struct image_census *control_census(struct control *c);
/* NULL, or why packets to this next hop may be lost on the interface by which they leave, in text. */
const char *control_explain_path(struct control *c, const struct next_hop *hop, char *text,
				 size_t size);
/* 0: the tenant has none (it is file-managed). */
uint64_t control_revision(const struct control *c, const char *tenant);
uint64_t control_now_ms(void);
/* The data plane's clock. */
uint64_t control_now_ticks(void);
