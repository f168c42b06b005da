// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Going on with the maps and links that an earlier mtlbd pinned. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "util/cleanup.h"
#include "util/log.h"

#define UNLOAD_HINT                                                                                \
	"; to start afresh type: mtlbd --unload (this stops the traffic until mtlbd starts again)"

static int open_pin(const char *pin_dir, const char *name, struct bpf_map_info *info,
		    struct report *r)
{
	__u32 size = sizeof(*info);
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, "", name);
	int fd = bpf_obj_get(path);

	if (fd < 0) {
		int err = -errno;

		report_add(r, path, "cannot be opened: %s", strerror(-err));
		return err;
	}
	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &size)) {
		int err = -errno;

		report_add(r, path, "is not a map that can be read: %s" UNLOAD_HINT,
			   strerror(-err));
		close(fd);
		return err;
	}
	return fd;
}

int adopt_check_version(const char *pin_dir, struct report *r)
{
	struct {
		__u32 version, more[255];
	} value = {};
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_pin(pin_dir, "node", &info, r);
	__u32 key = 0;

	if (fd < 0)
		return fd;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size > sizeof(value)) {
		report_add(r, pin_dir, "holds a map `node` that is not mtlb's" UNLOAD_HINT);
		return -EPROTO;
	}
	if (bpf_map_lookup_elem(fd, &key, &value))
		return -errno;
	if (value.version == MTLB_ABI_VERSION)
		return 0;
	report_add(r, pin_dir,
		   "holds maps of version %u, and this mtlbd has version %u" UNLOAD_HINT,
		   value.version, MTLB_ABI_VERSION);
	return -EPROTO;
}

static int check_shape(const char *pin_dir, const struct bpf_map *map,
		       const struct bpf_map_info *info, struct report *r)
{
	const struct {
		const char *what;
		__u32 found, wanted;
	} rows[] = {
		{"type", info->type, bpf_map__type(map)},
		{"key size", info->key_size, bpf_map__key_size(map)},
		{"value size", info->value_size, bpf_map__value_size(map)},
		{"flags", info->map_flags, bpf_map__map_flags(map)},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* the kernel adds flags of its own to a devmap */
		if (rows[i].found == rows[i].wanted ||
		    (i == 3 && (rows[i].found & rows[i].wanted) == rows[i].wanted))
			continue;
		report_add(
			r, pin_dir,
			"map %s has %s %u, and this mtlbd needs %u: it was made by another version" UNLOAD_HINT,
			bpf_map__name(map), rows[i].what, rows[i].found, rows[i].wanted);
		return -EPROTO;
	}
	return 0;
}

/* Several maps have the same number of elements: the first one says it, the others must agree. */
static int take_limit(const char *pin_dir, const struct map_row *row, __u32 entries,
		      struct maps_limits *limits, struct report *r)
{
	if (row->limit == DATAPATH_NONE)
		return 0;
	uint32_t *limit = (uint32_t *)((char *)limits + row->limit);

	if (*limit && *limit != entries) {
		report_add(r, pin_dir, "map %s has %u entries where the others say %u" UNLOAD_HINT,
			   row->name, entries, *limit);
		return -EPROTO;
	}
	*limit = entries;
	return 0;
}

static int adopt_map(const char *pin_dir, const struct map_row *row, struct mtlb_bpf *skel,
		     struct maps_limits *limits, struct report *r)
{
	struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, row->name);
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_pin(pin_dir, row->name, &info, r);

	if (fd < 0)
		return fd;
	int err = check_shape(pin_dir, map, &info, r);

	if (!err)
		err = take_limit(pin_dir, row, info.max_entries, limits, r);
	if (!err && (err = bpf_map__reuse_fd(map, fd)))
		report_add(r, pin_dir, "map %s cannot be used again: %s", row->name,
			   strerror(-err));
	return err;
}

int adopt_maps(const char *pin_dir, struct mtlb_bpf *skel, struct maps_limits *limits,
	       struct report *r)
{
	struct maps_limits found = {};
	int err = adopt_check_version(pin_dir, r);

	for (const struct map_row *row = map_rows; row->name && !err; row++)
		err = adopt_map(pin_dir, row, skel, &found, r);
	if (!err && (found.segments & (found.segments - 1) ||
		     found.flow_buckets & (found.flow_buckets - 1))) {
		report_add(r, pin_dir,
			   "map segments or flows has no power of two of entries" UNLOAD_HINT);
		err = -EPROTO;
	}
	if (!err)
		*limits = found;
	return err;
}

/* -ENOLINK: the interface is gone; the link stays dead whatever is put onto it. */
static int update_link(const char *pin_dir, const char *name, int program_fd)
{
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, "links", name);
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	if (!bpf_link_update(fd, program_fd, NULL))
		return 0;
	return errno == ENOLINK ? 0 : -errno;
}

static int update_links(struct datapath *dp, char (*names)[16], size_t n, struct report *r)
{
	int fresh = bpf_program__fd(dp->skel->progs.mtlb);
	char path[DATAPATH_PATH];
	int err = 0;
	size_t i;

	pins_path(path, dp->pin_dir, "", "program");
	_cleanup_close_ int old = bpf_obj_get(path);

	for (i = 0; i < n && !err; i++)
		err = update_link(dp->pin_dir, names[i], fresh);
	if (!err && (err = pins_replace(path, fresh)))
		report_add(r, path, "cannot be replaced: %s", strerror(-err));
	else if (err)
		report_add(r, names[i - 1],
			   "keeps its earlier program, because replacing it failed: %s",
			   strerror(-err));
	while (err && old >= 0 && i-- > 0)
		update_link(dp->pin_dir, names[i], old);
	return err;
}

int adopt_links(struct datapath *dp, struct report *r)
{
	char(*names)[16] = NULL, (*shared)[16] = NULL;
	size_t n = 0, n_shared = 0;
	int err = pins_list(dp->pin_dir, "links", &names, &n);

	if (!err)
		err = update_links(dp, names, n, r);
	if (!err)
		err = pins_list(dp->pin_dir, "shared", &shared, &n_shared);
	for (size_t i = 0; i < n_shared && !err; i++) {
		int failed = share_replace(dp, shared[i]);

		if (failed)
			log_warning(
				"%s: keeps the program of the earlier mtlbd, because libxdp could not "
				"replace it: %s",
				shared[i], strerror(-failed));
	}
	free(names);
	free(shared);
	return err;
}
