/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/image.h"
#include "datapath/datapath.h"
#include "other.h"
#include "world.h"
#include "world_model.h"

struct world {
	char pin_dir[64];
	struct datapath *dp;
	uint32_t ifindex;
	struct other *other;
};

static int tell(struct report *r, const char *what, int err)
{
	for (size_t i = 0; i < r->n; i++)
		fprintf(stderr, "bench: %s: %s %s\n", what, r->lines[i].where, r->lines[i].text);
	if (err && !r->n)
		fprintf(stderr, "bench: %s: %s\n", what, strerror(-err));
	report_clear(r);
	return err;
}

/*
 * Every backend is behind the same router, where packets come from: they go back out of that
 * interface.
 */
static int find_next_hop(void *ctx, const struct addr *to, struct next_hop *out)
{
	static const uint8_t l2[2 * ETH_ALEN] = "\x02mtlb\x02\x02mtlb\x01";
	const struct world *w = ctx;

	memset(out, 0, sizeof(*out));
	out->ifindex = w->ifindex;
	out->l2_len = ETH_HLEN;
	out->is_on_link = true;
	out->mtu = 9000;
	memcpy(out->l2, l2, sizeof(l2));
	addr_parse(addr_is_ipv4(to) ? "10.254.0.1" : "2001:db8:fe::1", &out->source);
	return 0;
}

static int find_interface(void *ctx, const char *name, size_t at, struct image_interface *out)
{
	(void)name;
	if (at)
		return -ENODEV;
	*out = (struct image_interface){.ifindex = ((const struct world *)ctx)->ifindex,
					.mac = {"\x02mtlb\x01"},
					.mtu = 9000};
	return 0;
}

static uint64_t now_ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) >> MTLB_TICK_SHIFT;
}

static int apply(struct world *w, const struct image *from, const struct image *to,
		 struct report *r)
{
	struct steps *steps;
	int err = image_diff(from, to, &steps);

	if (err)
		return err;
	err = steps_apply(steps, datapath_maps(w->dp), r);
	steps_free(steps);
	return err;
}

/* One change: model -> image -> diff -> steps. */
static int change(struct world *w, const char *interface, bool is_moved, const struct image *from,
		  struct image **to)
{
	struct report r = {0};
	struct image_inputs in = {.model = world_model(interface, is_moved),
				  .previous = from,
				  .secret = "not much of a secret",
				  .table_key = {datapath_maps(w->dp)->node->table_key[0],
						datapath_maps(w->dp)->node->table_key[1]},
				  .now = now_ticks(),
				  .limits = world_limits,
				  .next_hop = find_next_hop,
				  .interface = find_interface,
				  .ctx = w};

	if (!in.model)
		return -ENOMEM;
	int err = image_build(&in, to, &r);

	if (!err) {
		err = apply(w, from, *to, &r);
		if (err)
			image_free(*to);
	}
	model_free((struct model *)in.model);
	return tell(&r, is_moved ? "drain" : "configuration", err);
}

static int fill(struct world *w, const char *interface)
{
	struct image *settled, *moving;
	int err = change(w, interface, false, NULL, &settled);

	if (err)
		return err;
	err = change(w, interface, true, settled, &moving);
	if (!err)
		image_free(moving);
	image_free(settled);
	return err;
}

int world_open(const char *interface, struct world **out)
{
	struct report r = {0};
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	snprintf(w->pin_dir, sizeof(w->pin_dir), "/sys/fs/bpf/mtlb-bench-%d", getpid());
	w->ifindex = if_nametoindex(interface);
	int err = tell(&r, "data plane", datapath_open(w->pin_dir, &world_limits, &w->dp, &r));

	if (!err)
		err = fill(w, interface);
	if (err) {
		world_close(w);
		return err;
	}
	*out = w;
	return 0;
}

void world_close(struct world *w)
{
	struct report r = {0};

	if (!w)
		return;
	other_close(w->other);
	if (w->dp) {
		datapath_close(w->dp);
		tell(&r, "data plane", datapath_unload(w->pin_dir, &r));
	}
	free(w);
}

int world_program_fd(const struct world *w)
{
	return datapath_program_fd(w->dp);
}

int world_load_other(struct world *w, const char *object_file)
{
	int err = other_open(object_file, w->pin_dir, world_program_fd(w), &w->other);

	return err ? err : other_program_fd(w->other);
}

int world_count(const struct world *w, bool forwarded, uint64_t *packets)
{
	struct mtlb_tenant_stats stats;
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < world_limits.tenants; slot++) {
		int err = datapath_tenant_stats(w->dp, slot, &stats);

		if (err)
			return err;
		sum += forwarded ? stats.forwarded : stats.not_vip;
	}
	*packets = sum;
	return 0;
}
