// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Start, stop, and what goes on with time. */
#include "daemon/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control_internal.h"
#include "daemon/lock.h"
#include "util/log.h"

uint64_t control_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t control_now_ticks(void)
{
	return apply_now_ticks();
}

/* ---- start ---- */
/* Of a next hop: more may be known soon. */
static bool is_awaited(int result)
{
	return result == -EAGAIN || result == -EBUSY;
}

static bool is_all_known(struct control *c)
{
	struct next_hop hop;
	bool known = true;

	for (size_t t = 0; t < c->model->n_tenants; t++)
		for (size_t v = 0; v < c->model->tenants[t].n_vips; v++) {
			const struct model_vip *vip = &c->model->tenants[t].vips[v];
			for (size_t b = 0; b < vip->n_backends; b++)
				known &= !is_awaited(
					net_next_hop(c->net, &vip->backends[b].address, &hop));
		}
	return known;
}

/* Gives next hops a second to answer, so that traffic is not given to backends that nobody knows yet. */
static void await_next_hops(struct control *c)
{
	uint64_t deadline = control_now_ms() + 1000;

	while (!is_all_known(c) && control_now_ms() < deadline) {
		struct pollfd p = { .fd = net_fd(c->net), .events = POLLIN };
		net_probe(c->net);
		if (poll(&p, 1, 100) > 0)
			net_process(c->net);
	}
}

static int open_config(struct control *c, struct report *r)
{
	struct composed composed;
	int error = config_load(c->options->config, c->options->tenants, &c->files, r);

	if (!error)
		error = store_open(c->options->state, &c->store, r);
	if (!error) {
		c->state_lock = lock_directory(c->options->state, r);
		error = c->state_lock < 0 ? c->state_lock : 0;
	}
	if (!error)
		error = store_secret(c->store, c->secret, r);
	if (!error)
		error = compose_model(c->store, c->files, &composed, r);
	if (error)
		return error;
	c->model = composed.model;
	c->revisions = composed.revisions;
	c->n_revisions = composed.n_revisions;
	c->loaded_at = time(NULL);
	composed.model = NULL;
	composed.revisions = NULL;
	composed_clear(&composed);
	return 0;
}

static int open_kernel(struct control *c, struct report *r)
{
	struct maps_limits limits = apply_limits(&c->model->node);
	struct attached before = {0};
	struct image *image = NULL;
	size_t steps = 0;
	int error;

	for (int i = 0; (error = datapath_open(c->options->pin_dir, &limits, &c->datapath, r)) ==
				-EBUSY && lock_wait(i); i++)
		report_clear(r);
	if (error)
		return error;
	c->adopted = datapath_was_adopted(c->datapath);
	error = net_open(&c->net, r);
	if (!error && c->adopted)
		error = image_adopt(datapath_maps(c->datapath), apply_now_ticks(), &c->image, r);
	if (error)
		return error;
	if (c->adopted)
		image_clean_flows(c->image, datapath_maps(c->datapath));
	net_set_sources(c->net, c->model->node.source_set[0] ? &c->model->node.source[0] : NULL,
			c->model->node.source_set[1] ? &c->model->node.source[1] : NULL);
	await_next_hops(c);
	attach_allow_tx(c);
	error = attach_added(c, NULL, c->model, false, &before, r);
	free(before.list);
	if (!error)
		error = apply_model(c, c->model, c->image, &image, &steps, r);
	if (error)
		return error;
	apply_take_over(c, image);
	if (c->adopted)
		error = image_count_loads(c->image, datapath_maps(c->datapath), apply_now_ticks());
	if (error)
		return error;
	attach_removed(c, NULL, c->model);
	paths_check(c);
	log_info("%s: %zu tenants, %zu interfaces, %zu steps",
		 c->adopted ? "went on with the pinned maps" : "started", c->model->n_tenants,
		 c->model->n_interfaces, steps);
	return 0;
}

int control_open(const struct control_options *options, struct control **out, struct report *r)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->options = options;
	c->state_lock = -1;
	c->started_ms = control_now_ms();
	int error = open_config(c, r);
	if (!error)
		error = open_kernel(c, r);
	if (error) {
		struct report ignored = {0};
		bool fresh = c->datapath && !c->adopted;
		control_close(c);
		if (fresh)
			datapath_unload(options->pin_dir, &ignored);
		report_clear(&ignored);
		return error;
	}
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	image_census_free(c->census);
	image_free(c->image);
	if (c->net)
		net_close(c->net);
	if (c->datapath)
		datapath_close(c->datapath);
	store_close(c->store);
	model_free(c->model);
	model_free(c->files);
	free(c->revisions);
	if (c->state_lock >= 0)
		close(c->state_lock);
	report_clear(&c->warnings);
	report_clear(&c->paths);
	free(c);
}

/* ---- time ---- */
const struct image_census *control_census(struct control *c)
{
	uint64_t now = control_now_ms();

	if (c->census && now - c->census_ms < 1000)
		return c->census;
	image_census_free(c->census);
	c->census = image_census(c->image, datapath_maps(c->datapath)->flows, apply_now_ticks());
	c->census_ms = now;
	return c->census;
}

static struct image_refused *read_refused(struct control *c)
{
	struct image_refused *refused =
		calloc(datapath_maps(c->datapath)->limits.tenants, sizeof(*refused));
	struct mtlb_tenant_stats stats;

	for (size_t t = 0; refused && t < c->model->n_tenants; t++) {
		int slot = image_tenant_slot(c->image, c->model->tenants[t].name);
		if (slot >= 0 && !datapath_tenant_stats(c->datapath, (uint32_t)slot, &stats))
			refused[slot] = (struct image_refused){stats.flows_refused,
							       stats.notes_refused};
	}
	return refused;
}

static void log_report(const char *what, struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		log_error("%s: %s%s%s", what, r->lines[i].where, *r->lines[i].where ? ": " : "",
			  r->lines[i].text);
	report_clear(r);
}

static void settle(struct control *c)
{
	struct report r = {0};
	struct image *to = NULL;
	size_t steps = 0;
	struct image_refused *refused = read_refused(c);
	const struct image_census *census = refused ? control_census(c) : NULL;
	int error = census ? image_settle(c->image, census, refused, apply_now_ticks(), &to) : -ENOMEM;

	if (!error && to)
		error = apply_image(c, to, &steps, &r);
	if (error)
		log_error("cannot end moves: %s", strerror(-error));
	else if (steps)
		log_debug("moves went on: %zu steps", steps);
	log_report("moves", &r);
	free(refused);
}

/* The data plane keeps the loads in between: late is better than wrong. */
static void count_loads(struct control *c)
{
	int error = image_count_loads(c->image, datapath_maps(c->datapath), apply_now_ticks());

	if (error)
		log_error("cannot count flows for least-connections: %s", strerror(-error));
}

/* Brings the kernel to the model in force, which has not changed. A failure is told of once. */
static void follow(struct control *c, const char *why)
{
	struct report r = {0};
	struct image *image;
	size_t steps = 0;
	int error = apply_model(c, c->model, c->image, &image, &steps, &r);

	if (error && !c->is_refresh_failing) {
		log_error("%s: cannot be followed, and is tried again: %s", why, strerror(-error));
		log_report(why, &r);
	}
	report_clear(&r);
	c->is_refresh_failing = error;
	if (error) {
		c->retry_ticks = !c->retry_ticks ? 1 : c->retry_ticks < 64 ? c->retry_ticks * 2 : 64;
		c->retry_left = c->retry_ticks;
		return;
	}
	c->retry_ticks = 0;
	apply_take_over(c, image);
	if (steps)
		log_info("%s: %zu steps", why, steps);
}

/* Where containers come and go most changes concern no interface that is used, and to build a large image anew takes a while. */
static void refresh(struct control *c)
{
	attach_allow_tx(c);
	attach_reappeared(c);
	if (!c->is_lost && !apply_is_up_to_date(c))
		follow(c, c->is_behind ? "a change that could not be undone" : "network changed");
	paths_check(c);
}

void control_refresh(struct control *c)
{
	c->retry_ticks = c->retry_left = 0;
	refresh(c);
}

void control_tick(struct control *c)
{
	bool changed = net_probe(c->net);

	if (c->is_lost)
		return;
	if (c->retry_left)
		c->retry_left--;
	if (changed)
		control_refresh(c);
	else if (!c->retry_left && (!c->is_network_applied || c->is_behind))
		refresh(c);
	if (image_is_moving(c->image))
		settle(c);
	count_loads(c);
	image_sweep_flows(c->image, datapath_maps(c->datapath), apply_now_ticks());
}

uint64_t control_revision(const struct control *c, const char *tenant)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (!strcmp(c->revisions[i].name, tenant))
			return c->revisions[i].number;
	return 0;
}
