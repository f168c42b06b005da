/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of daemon/ only. */
#pragma once

#include "daemon/control.h"

/* ---- compose.c: where the model comes from ---- */
struct composed {
	struct model *model;
	struct control_revision *revisions;
	size_t n_revisions;
	char **ended;                /* file-managed tenants some of whose overrides have ended */
	size_t n_ended;
};
/* Files' model + store -> what is asked for, checked. -errno with lines in r. */
int compose_model(struct store *store, const struct model *files, struct composed *out,
		  struct report *r);
void composed_clear(struct composed *c);
/* The overrides that stand in a tenant of a model. */
int compose_overrides(const struct model_tenant *t, struct store_overrides *out);
/* Document of the node's API-managed interfaces and segments; malloced JSON text, or NULL. */
char *compose_node_document(const struct model *m);

/* ---- attach.c: interfaces ---- */
/* What is attached before a change; the list is the caller's to free. */
struct attached {
	struct datapath_attachment *list;
	size_t n;
};

/*
 * Attaches what `to` has and `from` (NULL: nothing) has not, or has otherwise. strict: an absent interface is an error; else it
 * is attached when it appears. On failure all is as before. *before, of zeros, is filled in either case.
 */
int attach_added(struct control *c, const struct model *from, const struct model *to, bool strict,
		 struct attached *before, struct report *r);
/* After attach_added() succeeded, and what was to follow did not. What was attached before it goes on forwarding. */
void attach_undo(struct control *c, const struct model *from, const struct model *to,
		 const struct attached *before);
/* Detaches what `from` has (NULL: whatever is attached) and `to` has not. */
void attach_removed(struct control *c, const struct model *from, const struct model *to);
/* Attaches configured interfaces that are not attached but present. true: some were. */
bool attach_reappeared(struct control *c);
/* Tells the data plane into which interfaces it may redirect: all of the node. */
void attach_allow_tx(struct control *c);

/* ---- paths.c ---- */
/* Brings c->paths up to date with model and next hops; what is new in it is logged. */
void paths_check(struct control *c);

/* ---- apply.c: from model to kernel ---- */
/*
 * *image is what the kernel holds now. -ENOSPC or -errno with lines in r: it holds `from`, but with
 * -ENOTRECOVERABLE neither that nor what was to be: c->image says what.
 */
int apply_model(struct control *c, const struct model *m, const struct image *from,
		struct image **image, size_t *steps, struct report *r);
/* Does c->image hold what next hops and interfaces are now: a build of it anew would change nothing. */
bool apply_is_up_to_date(struct control *c);
/* Brings the kernel from c->image to `to` and takes it over; on failure `to` is freed. */
int apply_image(struct control *c, struct image *to, size_t *steps, struct report *r);
/* c->image becomes image, which what is cached follows. */
void apply_take_over(struct control *c, struct image *image);
uint64_t apply_now_ticks(void);
struct maps_limits apply_limits(const struct model_node *n);
