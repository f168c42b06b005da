// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which interfaces carry the program: as the model says, as far as they are there. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control_internal.h"
#include "util/log.h"

static bool is_same(const struct model_interface *a, const struct model_interface *b)
{
	return a->mode == b->mode && a->share == b->share;
}

static const struct model_interface *find(const struct model *m, const char *name)
{
	return m ? model_find_interface(m, name) : NULL;
}

/* The kernel's bare errors, told from what the interface is where that explains them. */
static void explain(struct control *c, const struct model_interface *i, int error,
		    const struct report *generic, struct report *r)
{
	struct interface_facts facts;

	if (!net_facts(c->net, i->name, &facts) && interface_explain(&facts, i->mode, error, r))
		return;
	for (size_t line = 0; line < generic->n; line++)
		report_add(r, generic->lines[line].where, "%s", generic->lines[line].text);
}

static int attach_one(struct control *c, const struct model_interface *i, struct report *r)
{
	struct report generic = {0};
	int error = datapath_attach(c->datapath, i->name, i->mode, i->share, &generic);

	if (error)
		explain(c, i, error, &generic, r);
	else
		log_info("attached to %s, %s mode%s", i->name,
			 i->mode == ATTACH_NATIVE ? "native" : "generic",
			 i->share ? ", shared" : "");
	report_clear(&generic);
	return error;
}

static void detach_one(struct control *c, const char *name)
{
	struct report r = {0};

	if (!datapath_detach(c->datapath, name, &r))
		log_info("detached from %s", name);
	for (size_t i = 0; i < r.n; i++)
		log_warning("%s: %s", r.lines[i].where, r.lines[i].text);
	report_clear(&r);
}

/* Attaches anew where mode or sharing changes; a failure puts back what was. */
static int replace_one(struct control *c, const struct model_interface *was,
		       const struct model_interface *to, struct report *r)
{
	struct report ignored = {0};

	detach_one(c, was->name);
	int error = attach_one(c, to, r);
	if (error)
		attach_one(c, was, &ignored);
	report_clear(&ignored);
	return error;
}

static const struct datapath_attachment *find_attached(const struct attached *a, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < a->n; i++)
		if (a->list[i].ifindex == ifindex)
			return &a->list[i];
	return NULL;
}

static bool is_attached(const struct attached *a, const char *name, uint32_t ifindex)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->list[i].interface, name))
			return a->list[i].ifindex == ifindex;
	return false;
}

/*
 * What `from` does not tell of, but was attached: an earlier mtlbd did that, or the interface had another name. It goes on
 * forwarding.
 */
static void keep(struct control *c, const struct model_interface *now,
		 const struct datapath_attachment *before, struct report *r)
{
	struct model_interface was = *now;

	if (before->mode == now->mode)
		return;
	was.mode = before->mode;
	was.share = before->shared;
	attach_one(c, &was, r);
}

/* Puts back the first `done` interfaces of `to` to what `from` says, or else to what was there before. */
static void undo(struct control *c, const struct model *from, const struct model *to, size_t done,
		 const struct attached *before)
{
	struct report ignored = {0};

	for (size_t i = 0; i < done; i++) {
		const struct model_interface *now = &to->interfaces[i];
		const struct model_interface *was = find(from, now->name);
		const struct datapath_attachment *had =
			find_attached(before, if_nametoindex(now->name));
		if (!was && had)
			keep(c, now, had, &ignored);
		else if (!was)
			detach_one(c, now->name);
		else if (!is_same(was, now))
			replace_one(c, now, was, &ignored);
	}
	report_clear(&ignored);
}

static int attach_each(struct control *c, const struct model *from, const struct model *to,
		       bool strict, const struct attached *before, struct report *r)
{
	for (size_t i = 0; i < to->n_interfaces; i++) {
		const struct model_interface *now = &to->interfaces[i];
		const struct model_interface *was = find(from, now->name);
		int error = 0;

		if (was && is_same(was, now))
			continue;
		if (!if_nametoindex(now->name)) {
			if (strict) {
				report_add(r, now->name,
					   "there is no interface of this name: see `ip link`");
				error = -ENODEV;
			} else {
				log_warning("%s: there is no interface of this name; it is attached when it appears",
					    now->name);
			}
		} else {
			error = was ? replace_one(c, was, now, r) : attach_one(c, now, r);
		}
		if (error) {
			undo(c, from, to, i, before);
			return error;
		}
	}
	return 0;
}

int attach_added(struct control *c, const struct model *from, const struct model *to, bool strict,
		 struct attached *before, struct report *r)
{
	int error = datapath_list(c->datapath, &before->list, &before->n);

	if (!error)
		error = attach_each(c, from, to, strict, before, r);
	return error;
}

void attach_undo(struct control *c, const struct model *from, const struct model *to,
		 const struct attached *before)
{
	undo(c, from, to, to->n_interfaces, before);
}

void attach_removed(struct control *c, const struct model *from, const struct model *to)
{
	struct datapath_attachment *list;
	size_t n;

	if (from) {
		for (size_t i = 0; i < from->n_interfaces; i++)
			if (!find(to, from->interfaces[i].name))
				detach_one(c, from->interfaces[i].name);
		return;
	}
	/* At the start: what an earlier mtlbd attached and nobody asks for any more. */
	if (datapath_list(c->datapath, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		if (!find(to, list[i].interface))
			detach_one(c, list[i].interface);
	free(list);
}

/* The same complaint is logged once. */
static void complain(struct control *c, const struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		bool known = false;
		for (size_t j = 0; j < c->warnings.n && !known; j++)
			known = !strcmp(c->warnings.lines[j].text, r->lines[i].text);
		if (known)
			continue;
		log_warning("%s: %s", r->lines[i].where, r->lines[i].text);
		report_add(&c->warnings, r->lines[i].where, "%s", r->lines[i].text);
	}
}

bool attach_reappeared(struct control *c)
{
	struct attached before = {0};
	struct report r = {0};
	bool some = false;

	if (datapath_list(c->datapath, &before.list, &before.n))
		return false;
	for (size_t i = 0; i < c->model->n_interfaces; i++) {
		const struct model_interface *m = &c->model->interfaces[i];
		uint32_t ifindex = if_nametoindex(m->name);
		if (!ifindex || is_attached(&before, m->name, ifindex))
			continue;
		some = !attach_one(c, m, &r) || some;
	}
	complain(c, &r);
	report_clear(&r);
	free(before.list);
	return some;
}

void attach_allow_tx(struct control *c)
{
	struct if_nameindex *all = if_nameindex();
	uint32_t *ifindex = NULL;
	size_t n = 0;

	if (!all) {
		log_warning("cannot list the interfaces: %s; packets leave by those known so far",
			    strerror(errno));
		return;
	}
	while (all[n].if_index)
		n++;
	ifindex = calloc(n + 1, sizeof(*ifindex));
	for (size_t i = 0; ifindex && i < n; i++)
		ifindex[i] = all[i].if_index;
	int error = ifindex ? datapath_allow_tx(c->datapath, ifindex, n) : -ENOMEM;
	if (error)
		log_warning("cannot allow sending through all interfaces: %s", strerror(-error));
	free(ifindex);
	if_freenameindex(all);
}
