/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The order in which an image is built, and its refusal as a whole. */
#include <errno.h>
#include <string.h>

#include "core/image_internal.h"

static int check_inputs(const struct image_inputs *in, struct report *r)
{
	const struct maps_limits *l = &in->limits;

	if (in->previous && memcmp(&in->previous->limits, l, sizeof(*l))) {
		report_add(r, "node/limits", "differ from those that the maps were created with");
		return -EINVAL;
	}
	if (!l->tenants || !l->segments || l->segments & (l->segments - 1) ||
	    l->flow_buckets & (l->flow_buckets - 1)) {
		report_add(r, "node/limits", "segments and flows have to be powers of two");
		return -EINVAL;
	}
	return 0;
}

int image_build(const struct image_inputs *in, struct image **out, struct report *r)
{
	struct build b = {.in = in, .previous = in->previous, .report = r};
	size_t lines = r->n;
	int err = check_inputs(in, r);

	if (err)
		return err;
	b.image = image_new(&in->limits);
	if (!b.image)
		return -ENOMEM;
	b.image->now = in->now;
	memcpy(b.image->table_key, in->table_key, sizeof(in->table_key));
	build_ids(&b);
	if (!b.error) {
		build_encaps(&b);
		build_flow_ranges(&b);
		build_rings(&b);
		build_tables(&b);
		build_segments(&b);
	}
	ring_space_free(b.space);
	err = b.error ? b.error : r->n > lines ? -ENOSPC : 0;
	if (err)
		image_free(b.image);
	else
		*out = b.image;
	return err;
}
