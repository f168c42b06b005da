// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The program on interfaces: pinned links, which outlive mtlbd; what stands in the way is named. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <net/if.h>

#include <linux/if_link.h>

#include "internal.h"
#include "util/cleanup.h"
#include "util/log.h"

static const char *mode_name(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? "native" : "generic";
}

static __u32 mode_flag(enum attach_mode mode)
{
	return mode == ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

void attach_describe_program(__u32 id, char *text, size_t size)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		info.name[0] = '\0';
	snprintf(text, size, "XDP program %u (%s)", id, *info.name ? info.name : "without a name");
}

/* ---- notes: why an interface that was to be shared is not ---- */
static struct attach_note *find_note(struct datapath *dp, const char *interface)
{
	for (size_t i = 0; i < dp->n_notes; i++)
		if (!strcmp(dp->notes[i].interface, interface))
			return &dp->notes[i];
	return NULL;
}

static void set_note(struct datapath *dp, const char *interface, const char *text)
{
	struct attach_note *note = find_note(dp, interface);

	if (!note) {
		struct attach_note *more = realloc(dp->notes, (dp->n_notes + 1) * sizeof(*more));

		if (!more)
			return; /* only a text for people is lost */
		dp->notes = more;
		note = &more[dp->n_notes++];
		snprintf(note->interface, sizeof(note->interface), "%s", interface);
	}
	snprintf(note->text, sizeof(note->text), "%s", text);
}

/* ---- links ---- */
static int open_link(const char *pin_dir, const char *interface)
{
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, "links", interface);
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

static int read_link_info(int fd, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

/* A link does not tell its mode, the interface does. */
static enum attach_mode query_mode(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (ifindex && !bpf_xdp_query(ifindex, 0, &opts) && opts.attach_mode == XDP_ATTACHED_SKB)
		return ATTACH_GENERIC;
	return ATTACH_NATIVE;
}

void attach_remove_link(const char *pin_dir, const char *interface)
{
	char path[DATAPATH_PATH];
	_cleanup_close_ int fd = open_link(pin_dir, interface);

	/* others (a bpftool, say) may hold the link: detach it, not only our pin */
	if (fd >= 0)
		bpf_link_detach(fd);
	pins_path(path, pin_dir, "links", interface);
	unlink(path);
}

/* ---- errors ---- */
static void report_foreign(const char *interface, uint32_t ifindex, struct report *r)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	char text[64] = "an XDP program";
	__u32 id = 0;

	if (!bpf_xdp_query(ifindex, 0, &opts))
		id = opts.drv_prog_id   ? opts.drv_prog_id
		     : opts.skb_prog_id ? opts.skb_prog_id
					: opts.prog_id;
	if (id)
		attach_describe_program(id, text, sizeof(text));
	report_add(
		r, interface,
		"carries %s of somebody else%s: take it away (`ip link set dev %s xdp off`, or the "
		"program that put it there; `bpftool net` and `bpftool link` show who holds it), or attach with "
		"share if it is behind libxdp's dispatcher",
		text, opts.skb_prog_id == id && id ? ", in generic mode" : "", interface);
}

static int report_attach_error(int err, const char *interface, uint32_t ifindex,
			       enum attach_mode mode, struct report *r)
{
	switch (err) {
	case -EBUSY:
	case -EEXIST:
		report_foreign(interface, ifindex, r);
		return -EBUSY;
	case -EOPNOTSUPP:
		report_add(
			r, interface,
			"its driver has no native XDP; it is not replaced by the slower generic mode "
			"unless you say so: mtlbctl attach %s --mode generic",
			interface);
		return err;
	case -ENODEV:
		report_add(r, interface, "is gone");
		return err;
	case -EPERM:
	case -EACCES:
		report_add(
			r, interface,
			"attaching is not permitted: run mtlbd as root or with CAP_NET_ADMIN and CAP_BPF");
		return -EPERM;
	default:
		report_add(
			r, interface,
			"the driver refuses the program in %s mode: %s; often the MTU is too large for "
			"XDP (veth: 3506), or LRO or hardware GRO is on (`dmesg` may tell)",
			mode_name(mode), strerror(-err));
		return err;
	}
}

/* ---- attach ---- */
static int create_link(struct datapath *dp, const char *interface, uint32_t ifindex,
		       enum attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(mode));
	char path[DATAPATH_PATH];
	_cleanup_close_ int fd = bpf_link_create(datapath_program_fd(dp), ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return -errno;
	int err = pins_make_dir(dp->pin_dir, "links");

	if (err)
		return err;
	pins_path(path, dp->pin_dir, "links", interface);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

/* What an interface has of ours. */
struct present {
	bool link, shared;
	enum attach_mode mode;
};

/*
 * The interface may have had another name when its link was pinned: then the pin gets the new one. Where two interfaces have
 * exchanged their names, so do the pins: a link without a pin would end.
 */
static void adopt_renamed(struct datapath *dp, const char *interface, uint32_t ifindex)
{
	char from[DATAPATH_PATH], to[DATAPATH_PATH], (*names)[16] = NULL;
	struct bpf_link_info info;
	size_t n = 0;

	if (pins_list(dp->pin_dir, "links", &names, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		_cleanup_close_ int fd = open_link(dp->pin_dir, names[i]);

		if (fd < 0 || read_link_info(fd, &info) || info.xdp.ifindex != ifindex ||
		    !strcmp(names[i], interface))
			continue;
		pins_path(from, dp->pin_dir, "links", names[i]);
		pins_path(to, dp->pin_dir, "links", interface);
		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, access(to, F_OK) ? 0 : RENAME_EXCHANGE))
			log_warning("%s: its link stays pinned as %s: %s", interface, names[i],
				    strerror(errno));
	}
	free(names);
}

/* A link of an interface that is gone, or of one that has got another name meanwhile, is dead: its pin is removed. */
static int find_present(struct datapath *dp, const char *interface, uint32_t ifindex,
			struct present *out)
{
	struct present p = {};
	struct bpf_link_info info;
	uint32_t id;

	adopt_renamed(dp, interface, ifindex);
	_cleanup_close_ int fd = open_link(dp->pin_dir, interface);

	if (fd >= 0) {
		int err = read_link_info(fd, &info);

		if (err)
			return err;
		p.link = info.xdp.ifindex == ifindex;
		if (p.link)
			p.mode = query_mode(ifindex);
		else
			attach_remove_link(dp->pin_dir, interface);
	}
	if (!p.link)
		p.shared = !share_query(dp->pin_dir, interface, ifindex, &p.mode, &id);
	*out = p;
	return 0;
}

static int attach_fresh(struct datapath *dp, const char *interface, uint32_t ifindex,
			enum attach_mode mode, bool share, struct report *r)
{
	char why[128] = "";
	int err;

	share_remove(dp->pin_dir, interface); /* the mark of one that is gone */
	if (share) {
		err = share_attach(dp, interface, ifindex, mode, why, sizeof(why));
		if (!err || err != -EOPNOTSUPP) {
			set_note(dp, interface, "");
			return err ? report_attach_error(err, interface, ifindex, mode, r) : 0;
		}
	}
	err = create_link(dp, interface, ifindex, mode);
	if (err)
		return report_attach_error(err, interface, ifindex, mode, r);
	set_note(dp, interface, why);
	return 0;
}

static void remove_present(struct datapath *dp, const char *interface, const struct present *p)
{
	if (p->link)
		attach_remove_link(dp->pin_dir, interface);
	if (p->shared)
		share_remove(dp->pin_dir, interface);
}

/* Another mode needs the first one off; what is refused then must leave things as they were. */
static int attach_again(struct datapath *dp, const char *interface, uint32_t ifindex,
			enum attach_mode mode, bool share, const struct present *p,
			struct report *r)
{
	struct report ignored = {};

	remove_present(dp, interface, p);
	int err = attach_fresh(dp, interface, ifindex, mode, share, r);

	if (err && attach_fresh(dp, interface, ifindex, p->mode, p->shared, &ignored))
		report_add(r, interface,
			   "and its earlier %s mode could not be restored: it carries nothing now",
			   mode_name(p->mode));
	report_clear(&ignored);
	return err;
}

int datapath_attach(struct datapath *dp, const char *interface, enum attach_mode mode, bool share,
		    struct report *r)
{
	uint32_t ifindex = if_nametoindex(interface);
	struct attach_note *note = find_note(dp, interface);
	struct present present;

	if (!ifindex) {
		report_add(r, interface, "there is no such interface (`ip link` lists them)");
		return -ENODEV;
	}
	int err = find_present(dp, interface, ifindex, &present);

	if (err) {
		report_add(r, interface, "its pinned link cannot be read: %s", strerror(-err));
		return err;
	}
	if (!present.link && !present.shared)
		return attach_fresh(dp, interface, ifindex, mode, share, r);
	if (present.mode != mode || (present.shared && !share))
		return attach_again(dp, interface, ifindex, mode, share, &present, r);
	if (present.link && share && (!note || !*note->text))
		set_note(
			dp, interface,
			"not shared: it is attached alone, and changing that would interrupt traffic; "
			"detach it, then attach it with share");
	else if (!share)
		set_note(dp, interface, "");
	return 0;
}

int datapath_detach(struct datapath *dp, const char *interface, struct report *r)
{
	char link[DATAPATH_PATH], shared[DATAPATH_PATH];

	pins_path(link, dp->pin_dir, "links", interface);
	pins_path(shared, dp->pin_dir, "shared", interface);
	if (access(link, F_OK) && access(shared, F_OK)) {
		report_add(r, interface,
			   "mtlb is not attached to it (`mtlbctl status` lists where it is)");
		return -ENOENT;
	}
	attach_remove_link(dp->pin_dir, interface);
	share_remove(dp->pin_dir, interface);
	set_note(dp, interface, "");
	return 0;
}

/* ---- list ---- */
static void view_link(struct datapath *dp, const char *interface, struct datapath_attachment *out)
{
	struct bpf_link_info info;
	const struct attach_note *note = find_note(dp, interface);
	char now[IF_NAMESIZE];
	_cleanup_close_ int fd = open_link(dp->pin_dir, interface);

	snprintf(out->interface, sizeof(out->interface), "%s", interface);
	if (fd < 0 || read_link_info(fd, &info)) {
		snprintf(out->detail, sizeof(out->detail), "its pinned link cannot be read");
		return;
	}
	out->ifindex = info.xdp.ifindex;
	out->program_id = info.prog_id;
	out->mode = query_mode(out->ifindex);
	if (!out->ifindex)
		snprintf(out->detail, sizeof(out->detail), "the interface is gone");
	else if (if_indextoname(out->ifindex, now) && strcmp(now, interface))
		snprintf(out->detail, sizeof(out->detail), "the interface is called %s now", now);
	else if (note)
		snprintf(out->detail, sizeof(out->detail), "%s", note->text);
}

static void view_shared(struct datapath *dp, const char *interface, struct datapath_attachment *out)
{
	uint32_t ifindex = if_nametoindex(interface);

	snprintf(out->interface, sizeof(out->interface), "%s", interface);
	out->shared = true;
	if (!ifindex)
		snprintf(out->detail, sizeof(out->detail), "the interface is gone");
	else if (share_query(dp->pin_dir, interface, ifindex, &out->mode, &out->program_id))
		snprintf(out->detail, sizeof(out->detail), "somebody else took mtlb's program off");
	else
		out->ifindex = ifindex;
}

int datapath_list(struct datapath *dp, struct datapath_attachment **out, size_t *n)
{
	char(*links)[16] = NULL, (*shared)[16] = NULL;
	size_t n_links = 0, n_shared = 0;
	struct datapath_attachment *list = NULL;
	int err = pins_list(dp->pin_dir, "links", &links, &n_links);

	if (!err)
		err = pins_list(dp->pin_dir, "shared", &shared, &n_shared);
	if (!err && !(list = calloc(n_links + n_shared + 1, sizeof(*list))))
		err = -ENOMEM;
	if (!err) {
		for (size_t i = 0; i < n_links; i++)
			view_link(dp, links[i], &list[i]);
		for (size_t i = 0; i < n_shared; i++)
			view_shared(dp, shared[i], &list[n_links + i]);
		*out = list;
		*n = n_links + n_shared;
	}
	free(links);
	free(shared);
	return err;
}

/* ---- where packets may be redirected ---- */
static bool is_among(const uint32_t *list, size_t n, uint32_t value)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == value)
			return true;
	return false;
}

static void remove_others(int fd, const uint32_t *ifindex, size_t n)
{
	__u32 key, next;
	int more = bpf_map_get_next_key(fd, NULL, &next);

	while (!more) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next);
		if (!is_among(ifindex, n, key))
			bpf_map_delete_elem(fd, &key);
	}
}

int datapath_allow_tx(struct datapath *dp, const uint32_t *ifindex, size_t n)
{
	int fd = bpf_map__fd(dp->skel->maps.tx_ports);
	char name[IF_NAMESIZE];
	int err = 0;

	remove_others(fd, ifindex, n);
	for (size_t i = 0; i < n; i++) {
		__u32 found;

		if (!bpf_map_lookup_elem(fd, &ifindex[i], &found))
			continue;
		/* one that vanished meanwhile is no error: netlink will tell */
		if (bpf_map_update_elem(fd, &ifindex[i], &ifindex[i], BPF_ANY) &&
		    if_indextoname(ifindex[i], name))
			err = -errno;
	}
	return err;
}
