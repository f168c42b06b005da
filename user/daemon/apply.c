// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a model to the kernel: image, diff, steps. */
#include <errno.h>
#include <string.h>

#include "core/siphash.h"
#include "daemon/control_internal.h"
#include "util/log.h"

uint64_t apply_now_ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) >> MTLB_TICK_SHIFT;
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n && p < 1U << 31)
		p <<= 1;
	return p;
}

/* Tenant slot 0 is the node. */
struct maps_limits apply_limits(const struct model_node *n)
{
	return (struct maps_limits){
		.tenants = n->limits.tenants + 1,
		.vips = n->limits.vips,
		.backends = n->limits.backends,
		.segments = maps_segment_entries(n->limits.segments),
		.ring_units = n->limits.ring_slots / 4,
		.flow_buckets = power_of_two(n->flows) / MTLB_FLOW_WAYS,
	};
}

static struct image_inputs inputs(struct control *c, const struct model *m,
				  const struct image *previous)
{
	struct image_inputs in = {
		.model = m,
		.previous = previous,
		.now = apply_now_ticks(),
		.limits = datapath_maps(c->datapath)->limits,
		.next_hop = net_next_hop,
		.interface = net_interface,
		.ctx = c->net,
	};

	memcpy(in.secret, c->secret, sizeof(in.secret));
	memcpy(in.table_key, datapath_maps(c->datapath)->node->table_key, sizeof(in.table_key));
	return in;
}

/* The maps hold neither what was there before nor what was to be. */
static void read_back(struct control *c, struct report *r)
{
	struct maps *maps = datapath_maps(c->datapath);
	struct image *found;

	c->is_behind = true;
	if (image_adopt(maps, apply_now_ticks(), &found, r)) {
		c->is_lost = true;
		log_error("what the kernel holds cannot be read: nothing is changed any more; restart mtlbd");
		return;
	}
	image_clean_flows(found, maps);
	apply_take_over(c, found);
}

/*
 * Brings the maps from one image to another. -ENOTRECOVERABLE: c->image is what they hold now,
 * another one than before.
 */
static int run_steps(struct control *c, const struct image *from, const struct image *to,
		     size_t *count, struct report *r)
{
	struct steps *steps;

	if (c->is_lost) {
		report_add(r, NULL,
			   "what the kernel holds could not be read after a failure: restart mtlbd");
		return -ENOTRECOVERABLE;
	}
	int error = image_diff(from, to, &steps);

	if (error)
		return error;
	size_t n = steps_count(steps);
	if (!steps_is_empty(steps))
		error = steps_apply(steps, datapath_maps(c->datapath), r);
	steps_free(steps);
	if (error == -ENOTRECOVERABLE)
		read_back(c, r);
	if (!error)
		*count = n;
	return error;
}

static void set_sources(struct control *c, const struct model_node *n)
{
	net_set_sources(c->net, n->source_set[0] ? &n->source[0] : NULL,
			n->source_set[1] ? &n->source[1] : NULL);
}

static void use_address(void *net, const struct addr *to)
{
	net_use(net, to);
}

/* Addresses that are gone, or were asked for by a change that was refused, are no longer looked after. */
static void forget_addresses(struct control *c)
{
	if (!c->image)
		return;
	image_walk_addresses(c->image, use_address, c->net);
	net_sweep(c->net);
}

struct network {
	struct net *net;
	uint64_t hash;
};

static void hash_more(struct network *n, const void *bytes, size_t size)
{
	uint8_t key[16] = {0};

	memcpy(key, &n->hash, sizeof(n->hash));
	n->hash = siphash(key, bytes, size);
}

static void hash_next_hop(void *ctx, const struct addr *to)
{
	struct network *n = ctx;
	struct next_hop hop;

	memset(&hop, 0, sizeof(hop));
	int error = net_next_hop(n->net, to, &hop);

	hash_more(n, &error, sizeof(error));
	hash_more(n, &hop, sizeof(hop));
}

static uint64_t hash_network(struct control *c, const struct model *m, const struct image *i)
{
	struct network n = {.net = c->net};
	struct image_interface interface;

	for (size_t s = 0; s < m->n_segments; s++) {
		hash_more(&n, &s, sizeof(s));
		for (size_t at = 0;
		     !net_interface(c->net, m->segments[s].interface, at, &interface); at++)
			hash_more(&n, &interface, sizeof(interface));
	}
	image_walk_addresses(i, hash_next_hop, &n);
	return n.hash;
}

bool apply_is_up_to_date(struct control *c)
{
	return c->is_network_applied && !c->is_behind &&
	       hash_network(c, c->model, c->image) == c->network;
}

int apply_model(struct control *c, const struct model *m, const struct image *from,
		struct image **image, size_t *steps, struct report *r)
{
	struct image_inputs in = inputs(c, m, from);
	struct image *to;

	c->is_network_applied = false;
	set_sources(c, &m->node);
	int error = image_build(&in, &to, r);
	if (!error) {
		error = run_steps(c, from, to, steps, r);
		if (error)
			image_free(to);
	}
	if (error) {
		set_sources(c, &c->model->node);
		forget_addresses(c);
		return error;
	}
	c->network = hash_network(c, m, to);
	c->is_network_applied = true;
	c->is_behind = false;
	*image = to;
	return 0;
}

void apply_take_over(struct control *c, struct image *image)
{
	if (image == c->image)
		return;
	image_census_free(c->census);
	c->census = NULL;
	image_free(c->image);
	c->image = image;
	forget_addresses(c);
}

int apply_image(struct control *c, struct image *to, size_t *steps, struct report *r)
{
	int error = run_steps(c, c->image, to, steps, r);

	if (error)
		image_free(to);
	else
		apply_take_over(c, to);
	return error;
}
