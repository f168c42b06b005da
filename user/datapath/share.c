// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Beside other XDP programs, through libxdp's dispatcher. libxdp loads the program again as an extension (freplace), over
 * the same maps. It keeps no link that could be pinned: the mark pin_dir/shared/INTERFACE is the program that was attached.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>

#include <xdp/libxdp.h>

#include "internal.h"
#include "util/cleanup.h"

static enum xdp_attach_mode xdp_mode(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

static __u32 marked_program(const char *pin_dir, const char *interface)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, "shared", interface);
	_cleanup_close_ int fd = bpf_obj_get(path);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static struct xdp_multiprog *open_multiprog(uint32_t ifindex)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex(ifindex);

	return libxdp_get_error(mp) ? NULL : mp;
}

static struct xdp_program *find_program(struct xdp_multiprog *mp, __u32 id)
{
	struct xdp_program *p = NULL;

	while ((p = xdp_multiprog__next_prog(p, mp)))
		if (xdp_program__id(p) == id)
			return p;
	return NULL;
}

static void detach_program(uint32_t ifindex, __u32 id)
{
	struct xdp_multiprog *mp = open_multiprog(ifindex);
	struct xdp_program *p = mp ? find_program(mp, id) : NULL;

	if (p)
		xdp_program__detach(p, ifindex, xdp_multiprog__attach_mode(mp), 0);
	xdp_multiprog__close(mp);
}

/* Without a dispatcher libxdp attaches the program alone, in a way that does not survive as well as a link. */
static bool is_behind_dispatcher(uint32_t ifindex)
{
	struct xdp_multiprog *mp = open_multiprog(ifindex);
	bool is = mp && !xdp_multiprog__is_legacy(mp);

	xdp_multiprog__close(mp);
	return is;
}

static int mark(struct datapath *dp, const char *interface, struct xdp_program *p)
{
	char path[DATAPATH_PATH];
	int err = pins_make_dir(dp->pin_dir, "shared");

	pins_path(path, dp->pin_dir, "shared", interface);
	return err ? err : pins_replace(path, xdp_program__fd(p));
}

static int attach_program(struct datapath *dp, struct xdp_program *p, const char *interface,
			  uint32_t ifindex, enum attach_mode mode, char *why, size_t size)
{
	int err = xdp_program__attach(p, ifindex, xdp_mode(mode), 0);

	if (err == -EBUSY || err == -EEXIST)
		return -EBUSY;
	if (err) {
		snprintf(why, size, "not shared: libxdp cannot put it behind its dispatcher: %s",
			 strerror(-err));
		return -EOPNOTSUPP;
	}
	if (!is_behind_dispatcher(ifindex)) {
		xdp_program__detach(p, ifindex, xdp_mode(mode), 0);
		snprintf(
			why, size,
			"not shared: this kernel refuses extension programs (freplace; lockdown?), which "
			"libxdp's dispatcher needs");
		return -EOPNOTSUPP;
	}
	err = mark(dp, interface, p);
	if (err)
		xdp_program__detach(p, ifindex, xdp_mode(mode), 0);
	return err;
}

int share_attach(struct datapath *dp, const char *interface, uint32_t ifindex,
		 enum attach_mode mode, char *why, size_t size)
{
	struct mtlb_bpf *skel = program_open(&dp->maps.limits, dp);

	if (!skel)
		return -ENOMEM;
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .obj = skel->obj, .prog_name = "mtlb");
	struct xdp_program *p = xdp_program__create(&opts);
	int err = libxdp_get_error(p);

	if (err) {
		snprintf(why, size, "not shared: libxdp cannot use the program: %s",
			 strerror(-err));
		err = -EOPNOTSUPP;
	} else {
		err = attach_program(dp, p, interface, ifindex, mode, why, size);
		xdp_program__close(p);
	}
	mtlb_bpf__destroy(skel);
	return err;
}

void share_remove(const char *pin_dir, const char *interface)
{
	char path[DATAPATH_PATH];
	__u32 id = marked_program(pin_dir, interface);
	uint32_t ifindex = if_nametoindex(interface);

	if (id && ifindex)
		detach_program(ifindex, id);
	pins_path(path, pin_dir, "shared", interface);
	unlink(path);
}

/* For a moment both are there: a packet that the first one passes goes to the second, which passes it too. */
int share_replace(struct datapath *dp, const char *interface)
{
	__u32 old = marked_program(dp->pin_dir, interface);
	uint32_t ifindex = if_nametoindex(interface);
	enum attach_mode mode;
	uint32_t id;
	char why[128];

	if (!ifindex || share_query(dp->pin_dir, interface, ifindex, &mode, &id))
		return 0;
	int err = share_attach(dp, interface, ifindex, mode, why, sizeof(why));

	if (!err)
		detach_program(ifindex, old);
	return err;
}

int share_query(const char *pin_dir, const char *interface, uint32_t ifindex,
		enum attach_mode *mode, uint32_t *program_id)
{
	__u32 id = marked_program(pin_dir, interface);
	struct xdp_multiprog *mp = id ? open_multiprog(ifindex) : NULL;
	bool found = mp && find_program(mp, id);

	if (found) {
		*mode = xdp_multiprog__attach_mode(mp) == XDP_MODE_SKB ? ATTACH_GENERIC
								       : ATTACH_NATIVE;
		*program_id = id;
	}
	xdp_multiprog__close(mp);
	return found ? 0 : -ENOENT;
}
