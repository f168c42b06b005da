// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The decapsulation program on a backend's interfaces: attach, detach, look. */
#include "decap.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "decap.skel.h"
#include "util/cleanup.h"

enum {
	PATH_LEN = 512
};

/* ---- pins ---- */
/* bpffs refuses dots in names, interfaces may have them; no interface has a colon. */
static void swap_char(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

/* file "": the directory of the interface. */
static void pin_path(char path[PATH_LEN], const char *pin_dir, const char *interface,
		     const char *file)
{
	char name[IF_NAMESIZE];

	snprintf(name, sizeof(name), "%s", interface);
	swap_char(name, '.', ':');
	snprintf(path, PATH_LEN, "%s/%s%s%s", pin_dir, name, *file ? "/" : "", file);
}

static const char *const pin_files[] = {"link", "local_addresses", "decap_stats"};

static void remove_pins(const char *pin_dir, const char *interface)
{
	char path[PATH_LEN];

	for (size_t i = 0; i < sizeof(pin_files) / sizeof(*pin_files); i++) {
		pin_path(path, pin_dir, interface, pin_files[i]);
		unlink(path);
	}
	pin_path(path, pin_dir, interface, "");
	rmdir(path);
	rmdir(pin_dir);
}

static int open_pin(const char *pin_dir, const char *interface, const char *file)
{
	char path[PATH_LEN];

	pin_path(path, pin_dir, interface, file);
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

static int make_dirs(const char *pin_dir, const char *interface, struct report *r)
{
	char path[PATH_LEN];
	struct statfs fs;
	int error = mkdir(pin_dir, 0700) && errno != EEXIST ? -errno : 0;
	bool is_there = !statfs(pin_dir, &fs);

	/* sysfs, where bpffs is not mounted over it, refuses with one of these */
	if (error && error != -ENOENT && error != -EPERM) {
		report_add(r, pin_dir, "cannot be made: %s", strerror(-error));
		return error;
	}
	if (error || !is_there || (unsigned int)fs.f_type != BPF_FS_MAGIC) {
		if (!error)
			rmdir(pin_dir);
		report_add(
			r, pin_dir,
			"is not in a BPF file system: mount -t bpf bpf /sys/fs/bpf (`ip netns exec` "
			"hides it: use nsenter --net=/run/netns/NAME)");
		return -ENOENT;
	}
	pin_path(path, pin_dir, interface, "");
	if (mkdir(path, 0700) && errno != EEXIST) {
		error = -errno;
		report_add(r, path, "cannot be made: %s", strerror(-error));
		return error;
	}
	return 0;
}

/* ---- attach ---- */
static int explain(int error, const char *interface, struct report *r)
{
	switch (-error) {
	case EBUSY:
	case EEXIST:
		report_add(
			r, interface,
			"carries another XDP program: take it away (`ip link set dev %s xdp off`, "
			"or the program that put it there; `bpftool net` shows it)",
			interface);
		return -EBUSY;
	case EOPNOTSUPP:
		report_add(r, interface,
			   "its driver has no native XDP: mtlbctl decap attach %s --mode generic",
			   interface);
		return error;
	case EPERM:
	case EACCES:
		report_add(r, interface, "not permitted: run as root");
		return -EPERM;
	default:
		report_add(
			r, interface,
			"the kernel refuses the program: %s; often the MTU is too large for native "
			"XDP, or LRO is on (`dmesg` may tell): try --mode generic",
			strerror(-error));
		return error;
	}
}

static int set_addresses(const struct decap_bpf *s, const struct addr *addresses, size_t n)
{
	uint32_t one = 1;

	for (size_t i = 0; i < n; i++)
		if (bpf_map_update_elem(bpf_map__fd(s->maps.local_addresses), addresses[i].bytes,
					&one, BPF_ANY))
			return -errno;
	return 0;
}

static int pin(int fd, const char *pin_dir, const char *interface, const char *file)
{
	char path[PATH_LEN];

	pin_path(path, pin_dir, interface, file);
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

static int link_and_pin(const struct decap_bpf *s, const char *pin_dir, const char *interface,
			uint32_t ifindex, enum attach_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == ATTACH_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	_cleanup_close_ int fd =
		bpf_link_create(bpf_program__fd(s->progs.decap), (int)ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return -errno;
	int error =
		pin(bpf_map__fd(s->maps.local_addresses), pin_dir, interface, "local_addresses");

	if (!error)
		error = pin(bpf_map__fd(s->maps.decap_stats), pin_dir, interface, "decap_stats");
	return error ? error : pin(fd, pin_dir, interface, "link");
}

static int load_and_attach(const char *pin_dir, const char *interface, uint32_t ifindex,
			   enum attach_mode mode, const struct addr *addresses, size_t n,
			   struct report *r)
{
	libbpf_set_print(NULL);
	struct decap_bpf *s = decap_bpf__open_and_load();
	int error = s ? set_addresses(s, addresses, n) : -errno;

	if (!error)
		error = make_dirs(pin_dir, interface, r);
	else
		error = explain(error, interface, r);
	if (!error) {
		error = link_and_pin(s, pin_dir, interface, ifindex, mode);
		if (error) {
			error = explain(error, interface, r);
			remove_pins(pin_dir, interface);
		}
	}
	decap_bpf__destroy(s);
	return error;
}

/* 0 for a link whose interface is gone. */
static int read_link(const char *pin_dir, const char *interface, uint32_t *ifindex,
		     uint32_t *program_id)
{
	struct bpf_link_info info = {0};
	__u32 len = sizeof(info);
	_cleanup_close_ int fd = open_pin(pin_dir, interface, "link");

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*ifindex = info.xdp.ifindex;
	*program_id = info.prog_id;
	return 0;
}

int decap_attach(const char *pin_dir, const char *interface, enum attach_mode mode,
		 const struct addr *addresses, size_t n, struct report *r)
{
	uint32_t ifindex = if_nametoindex(interface), found, id;

	if (!ifindex) {
		report_add(r, interface, "there is no such interface (`ip link` lists them)");
		return -ENODEV;
	}
	if (n > DECAP_ADDRESSES) {
		report_add(r, interface, "%zu addresses: at most %d", n, DECAP_ADDRESSES);
		return -E2BIG;
	}
	if (!read_link(pin_dir, interface, &found, &id)) {
		if (found == ifindex) {
			report_add(
				r, interface,
				"has the decapsulation already: mtlbctl decap detach %s first, to "
				"change mode or addresses",
				interface);
			return -EEXIST;
		}
		if (found) {
			report_add(r, interface,
				   "%s/%s is the decapsulation of another interface, renamed or in "
				   "another network namespace: choose another --pin-dir",
				   pin_dir, interface);
			return -EEXIST;
		}
	}
	remove_pins(pin_dir,
		    interface); /* of an interface that is gone, or of an attach cut short */
	return load_and_attach(pin_dir, interface, ifindex, mode, addresses, n, r);
}

/* ---- detach ---- */
int decap_detach(const char *pin_dir, const char *interface, struct report *r)
{
	_cleanup_close_ int fd = open_pin(pin_dir, interface, "link");

	if (fd == -EPERM || fd == -EACCES)
		return explain(fd, interface, r);
	if (fd < 0) {
		report_add(r, interface, "has no decapsulation (`mtlbctl decap list` lists them)");
		return -ENOENT;
	}
	/* others (a bpftool, say) may hold the link: detach it, not only our pin */
	bpf_link_detach(fd);
	remove_pins(pin_dir, interface);
	return 0;
}

/* ---- list ---- */
static void read_stats(const char *pin_dir, struct decap_view *v)
{
	int n = libbpf_num_possible_cpus();
	uint32_t zero = 0;
	_cleanup_close_ int fd = open_pin(pin_dir, v->interface, "decap_stats");
	_cleanup_free_ struct mtlb_decap_stats *cpus = calloc(n > 0 ? (size_t)n : 1, sizeof(*cpus));

	if (fd < 0 || !cpus || bpf_map_lookup_elem(fd, &zero, cpus))
		return;
	for (int i = 0; i < n; i++) {
		v->stats.decapsulated += cpus[i].decapsulated;
		v->stats.passed += cpus[i].passed;
		v->stats.malformed += cpus[i].malformed;
	}
}

static void read_addresses(const char *pin_dir, struct decap_view *v)
{
	_cleanup_close_ int fd = open_pin(pin_dir, v->interface, "local_addresses");
	const void *last = NULL;

	while (fd >= 0 && v->n_addresses < DECAP_ADDRESSES &&
	       !bpf_map_get_next_key(fd, last, v->addresses[v->n_addresses].bytes))
		last = v->addresses[v->n_addresses++].bytes;
}

static int view(const char *pin_dir, const char *interface, struct decap_view *out)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	struct decap_view v = {.mode = ATTACH_NATIVE};

	snprintf(v.interface, sizeof(v.interface), "%s", interface);
	int error = read_link(pin_dir, interface, &v.ifindex, &v.program_id);

	if (error)
		return error;
	if (if_nametoindex(interface) != v.ifindex)
		v.ifindex = 0;
	if (v.ifindex && !bpf_xdp_query((int)v.ifindex, 0, &opts) &&
	    opts.attach_mode == XDP_ATTACHED_SKB)
		v.mode = ATTACH_GENERIC;
	read_stats(pin_dir, &v);
	read_addresses(pin_dir, &v);
	*out = v;
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) < IF_NAMESIZE;
}

int decap_list(const char *pin_dir, struct decap_view **out, size_t *n, struct report *r)
{
	struct dirent **entries;
	int found = scandir(pin_dir, &entries, is_visible, alphasort), error = 0;

	if (found < 0 && errno != ENOENT) {
		error = -errno;
		report_add(r, pin_dir, "cannot be read: %s", strerror(-error));
		return error;
	}
	struct decap_view *list = calloc(found > 0 ? (size_t)found : 1, sizeof(*list));
	size_t n_list = 0;

	for (int i = 0; i < found; i++) {
		swap_char(entries[i]->d_name, ':', '.');
		int failed = list ? view(pin_dir, entries[i]->d_name, &list[n_list]) : -ENOMEM;
		if (failed && failed != -ENOENT) {
			error = failed;
			report_add(r, entries[i]->d_name, "cannot be read: %s", strerror(-failed));
		} else if (!failed) {
			n_list++;
		}
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	if (error) {
		free(list);
		return error;
	}
	*out = list;
	*n = n_list;
	return 0;
}
