// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The one road of a change: check, persist, apply, keep; or nothing at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "util/cleanup.h"
#include "util/log.h"

void control_begin(struct control *c, struct change *change)
{
	change->model = model_copy(c->model);
	change->steps = 0;
}

void control_abort(struct change *change)
{
	model_free(change->model);
	change->model = NULL;
}

/* ---- persist ---- */
static char *document_of(const struct model *m, const struct change *change)
{
	if (change->kind == CHANGE_NODE)
		return compose_node_document(m);
	const struct model_tenant *t = model_find_tenant(m, change->tenant);
	if (!t)
		return NULL;
	json_t *json = config_tenant_to_json(t);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

/* *tx stays NULL where the document is what it was: no empty revisions. */
static int persist_document(struct control *c, struct change *change, struct store_change **tx,
			    uint64_t *number, struct report *r)
{
	_cleanup_free_ char *before = document_of(c->model, change);
	_cleanup_free_ char *after = document_of(change->model, change);
	const char *name = change->kind == CHANGE_NODE ? STORE_NODE : change->tenant;

	if (!after)
		return -ENOMEM;
	if (before && !strcmp(before, after))
		return 0;
	int error = store_change_begin(c->store, name, tx, r);
	if (error)
		return error;
	return store_change_document(*tx, time(NULL), change->who, change->message, after, number,
				     r);
}

static int persist_overrides(struct control *c, struct change *change, struct store_change **tx,
			     struct report *r)
{
	const struct model_tenant *t = model_find_tenant(change->model, change->tenant);
	struct store_overrides o = {0};
	int error = t ? compose_overrides(t, &o) : 0;

	if (!error)
		error = store_change_begin(c->store, change->tenant, tx, r);
	if (!error)
		error = store_change_overrides(*tx, &o, r);
	store_overrides_clear(&o);
	return error;
}

static int persist(struct control *c, struct change *change, struct store_change **tx,
		   uint64_t *number, struct report *r)
{
	if (change->kind == CHANGE_OVERRIDES)
		return persist_overrides(c, change, tx, r);
	if (change->kind != CHANGE_TENANT_DELETE)
		return persist_document(c, change, tx, number, r);
	int error = store_change_begin(c->store, change->tenant, tx, r);
	if (!error)
		store_change_delete(*tx, time(NULL));
	return error;
}

/* ---- keep ---- */
static void set_revision(struct control *c, const char *name, uint64_t number)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (!strcmp(c->revisions[i].name, name)) {
			c->revisions[i].number = number;
			return;
		}
	struct control_revision *grown =
		realloc(c->revisions, (c->n_revisions + 1) * sizeof(*grown));
	if (!grown)
		return;
	c->revisions = grown;
	memset(&grown[c->n_revisions], 0, sizeof(*grown));
	memcpy(grown[c->n_revisions].name, name, strnlen(name, MTLB_NAME_LEN - 1));
	grown[c->n_revisions++].number = number;
}

static void drop_revision(struct control *c, const char *name)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (!strcmp(c->revisions[i].name, name)) {
			c->revisions[i] = c->revisions[--c->n_revisions];
			return;
		}
}

/* The kernel holds `image` of a change that must not be: back to the model in force. */
static void revert(struct control *c, const struct model *refused, const struct attached *before,
		   struct image *image)
{
	struct report r = {0};
	struct image *back;
	size_t steps;
	int error = apply_model(c, c->model, image, &back, &steps, &r);

	c->is_behind = error;
	if (error)
		log_error("cannot undo a change: %s", strerror(-error));
	for (size_t i = 0; error && i < r.n; i++)
		log_error("cannot undo a change: %s%s%s", r.lines[i].where,
			  *r.lines[i].where ? ": " : "", r.lines[i].text);
	if (error && error != -ENOTRECOVERABLE) {
		/* What the kernel holds is known all the same: the next change goes on from there. */
		apply_take_over(c, image);
	} else {
		image_free(image);
		if (!error)
			apply_take_over(c, back);
	}
	attach_undo(c, c->model, refused, before);
	report_clear(&r);
}

static int bring_attached(struct control *c, const struct model *to, const struct attached *before,
			  struct store_change *tx, size_t *steps, struct report *r)
{
	struct image *image;
	int error = apply_model(c, to, c->image, &image, steps, r);

	if (error) {
		attach_undo(c, c->model, to, before);
		store_change_rollback(tx);
		return error;
	}
	error = tx ? store_change_commit(tx, r) : 0;
	if (error) {
		revert(c, to, before, image);
		return error;
	}
	attach_removed(c, c->model, to);
	apply_take_over(c, image);
	return 0;
}

/* Kernel first, then store: a crash between the two is put right by the diff of the next start. */
static int bring(struct control *c, const struct model *to, bool strict, struct store_change *tx,
		 size_t *steps, struct report *r)
{
	struct attached before = {0};

	c->retry_ticks = c->retry_left = 0;
	int error = attach_added(c, c->model, to, strict, &before, r);

	if (error)
		store_change_rollback(tx);
	else
		error = bring_attached(c, to, &before, tx, steps, r);
	free(before.list);
	return error;
}

static const char *subject(const struct change *change)
{
	return change->kind == CHANGE_NODE ? "node" : change->tenant;
}

int control_commit(struct control *c, struct change *change, struct report *r)
{
	struct store_change *tx = NULL;
	uint64_t started = control_now_ms(), number = 0;
	int error = change->model ? model_check(change->model, r) : -ENOMEM;

	if (!error)
		error = persist(c, change, &tx, &number, r);
	if (error) {
		store_change_rollback(tx);
		control_abort(change);
		return error;
	}
	error = bring(c, change->model, change->kind == CHANGE_NODE, tx, &change->steps, r);
	if (error) {
		control_abort(change);
		return error;
	}
	if (change->kind == CHANGE_TENANT && number)
		set_revision(c, change->tenant, number);
	if (change->kind == CHANGE_TENANT_DELETE)
		drop_revision(c, change->tenant);
	model_free(c->model);
	c->model = change->model;
	change->model = NULL;
	paths_check(c);
	log_info("%s changed %s: %zu steps in %llu ms", change->who, subject(change),
		 change->steps, (unsigned long long)(control_now_ms() - started));
	return 0;
}

/* ---- reload ---- */
/* Overrides that the files have caught up with: an error costs nothing, they end again at the next reload. */
static void forget_ended(struct control *c, const struct composed *composed)
{
	for (size_t i = 0; i < composed->n_ended; i++) {
		struct change change = { .tenant = composed->ended[i], .model = c->model };
		struct store_change *tx = NULL;
		struct report r = {0};
		int error = persist_overrides(c, &change, &tx, &r);

		if (error)
			store_change_rollback(tx);
		else
			error = store_change_commit(tx, &r);
		if (error)
			log_warning("%s: cannot clear ended overrides", composed->ended[i]);
		report_clear(&r);
	}
}

static bool interfaces_differ(const struct model *a, const struct model *b)
{
	bool differ = a->n_interfaces != b->n_interfaces;

	for (size_t i = 0; !differ && i < a->n_interfaces; i++) {
		const struct model_interface *other =
			model_find_interface(b, a->interfaces[i].name);
		differ = !other || other->mode != a->interfaces[i].mode ||
			 other->share != a->interfaces[i].share;
	}
	return differ;
}

static void warn_about_sizes(struct control *c, const struct model *m)
{
	struct maps_limits was = apply_limits(&c->files->node), now = apply_limits(&m->node);

	if (!memcmp(&was, &now, sizeof(was)))
		return;
	static const char text[] =
		"node.flows and node.limits are the sizes of the kernel's maps: they change with `mtlbd --unload` and a new start";
	log_warning("%s", text);
	report_add(&c->warnings, "node", "%s", text);
}

static void take_over_composed(struct control *c, struct model *files, struct composed *composed)
{
	model_free(c->files);
	model_free(c->model);
	free(c->revisions);
	c->files = files;
	c->model = composed->model;
	c->revisions = composed->revisions;
	c->n_revisions = composed->n_revisions;
	composed->model = NULL;
	composed->revisions = NULL;
	composed->n_revisions = 0;
	c->loaded_at = time(NULL);
}

int control_reload(struct control *c, const char *who, bool *changed, size_t *steps,
		   struct report *r)
{
	uint64_t started = control_now_ms();
	struct composed composed;
	struct model *files;
	size_t n = 0;
	int error = config_load(c->options->config, c->options->tenants, &files, r);

	if (error)
		return error;
	error = compose_model(c->store, files, &composed, r);
	if (error) {
		model_free(files);
		return error;
	}
	error = bring(c, composed.model, false, NULL, &n, r);
	if (error) {
		composed_clear(&composed);
		model_free(files);
		return error;
	}
	*changed = n > 0 || interfaces_differ(c->model, composed.model);
	*steps = n;
	report_clear(&c->warnings);
	warn_about_sizes(c, files);
	take_over_composed(c, files, &composed);
	forget_ended(c, &composed);
	composed_clear(&composed);
	paths_check(c);
	log_info("%s reloaded %s: %zu steps in %llu ms", who, c->options->config, n,
		 (unsigned long long)(control_now_ms() - started));
	return 0;
}
