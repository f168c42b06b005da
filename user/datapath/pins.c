// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The directory in bpffs: lock, names, and which of the pins are there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "internal.h"
#include "util/cleanup.h"

static const char *const subdirectories[] = {"links", "shared"};

void pins_path(char *path, const char *pin_dir, const char *sub, const char *name)
{
	int at = snprintf(path, DATAPATH_PATH, "%s/%s%s", pin_dir, sub, *sub && *name ? "/" : "");

	if (at >= DATAPATH_PATH)
		return;
	snprintf(path + at, DATAPATH_PATH - at, "%s", name);
	/* no interface name can hold a colon */
	for (char *c = path + at; *c; c++)
		if (*c == '.')
			*c = ':';
}

void pins_interface_name(char *name, const char *pin)
{
	snprintf(name, 16, "%.15s", pin);
	for (char *c = name; *c; c++)
		if (*c == ':')
			*c = '.';
}

/* The directory that will hold pin_dir must be in a bpffs. */
static int check_bpffs(const char *pin_dir, struct report *r)
{
	char copy[DATAPATH_PATH];
	struct statfs fs;

	snprintf(copy, sizeof(copy), "%s", pin_dir);
	if (statfs(copy, &fs) && statfs(dirname(copy), &fs)) {
		int err = -errno;

		report_add(r, pin_dir,
			   "cannot be created: %s: %s; its parent directory must exist, in a bpffs "
			   "(mount -t bpf bpf /sys/fs/bpf)",
			   copy, strerror(-err));
		return err;
	}
	if ((unsigned int)fs.f_type == BPF_FS_MAGIC)
		return 0;
	report_add(r, pin_dir,
		   "is not in a bpffs, where maps must be pinned: mount -t bpf bpf /sys/fs/bpf");
	return -ENOENT;
}

/* Who holds the flock on this directory: its pid, or 0. */
static int lock_holder(int fd)
{
	char line[256], want[64];
	struct stat st;
	int holder = 0;

	if (fstat(fd, &st))
		return 0;
	snprintf(want, sizeof(want), "%02x:%02x:%lu", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	FILE *locks = fopen("/proc/locks", "re");

	while (locks && !holder && fgets(line, sizeof(line), locks)) {
		char kind[16], where[64];
		int pid;

		if (sscanf(line, "%*s %15s %*s %*s %d %63s", kind, &pid, where) == 3 &&
		    !strcmp(kind, "FLOCK") && !strcmp(where, want))
			holder = pid;
	}
	if (locks)
		fclose(locks);
	return holder;
}

static int lock_directory(const char *pin_dir, int *out, struct report *r)
{
	int fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		int err = -errno;

		report_add(r, pin_dir, "cannot be opened: %s", strerror(-err));
		return err;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		*out = fd;
		return 0;
	}
	int err = -errno, holder = lock_holder(fd);

	if (err != -EWOULDBLOCK)
		report_add(r, pin_dir, "cannot be locked: %s", strerror(-err));
	else if (holder > 0)
		report_add(r, pin_dir, "is in use by another mtlbd (pid %d): stop that one first",
			   holder);
	else
		report_add(r, pin_dir, "is in use by another mtlbd: stop that one first");
	close(fd);
	return err == -EWOULDBLOCK ? -EBUSY : err;
}

/* False where an mtlbd --unload removed the directory between our open and our lock. */
static bool is_still_there(const char *pin_dir, int fd)
{
	struct stat ours, named;

	return !fstat(fd, &ours) && !stat(pin_dir, &named) && ours.st_ino == named.st_ino;
}

int pins_lock(const char *pin_dir, bool create, int *lock_fd, struct report *r)
{
	int err = check_bpffs(pin_dir, r);
	int fd = -1;

	if (err)
		return err;
	for (int attempt = 0; attempt < 10; attempt++) {
		if (create && mkdir(pin_dir, 0700) && errno != EEXIST) {
			err = -errno;
			report_add(r, pin_dir, "cannot be created: %s%s", strerror(-err),
				   err == -EACCES || err == -EPERM ? "; run mtlbd as root" : "");
			return err == -EACCES ? -EPERM : err;
		}
		err = lock_directory(pin_dir, &fd, r);
		if (err)
			return err == -EACCES ? -EPERM : err;
		if (is_still_there(pin_dir, fd)) {
			*lock_fd = fd;
			return 0;
		}
		close(fd);
	}
	report_add(r, pin_dir, "is removed again and again by another process");
	return -EBUSY;
}

static bool is_pinned(const char *pin_dir, const char *name)
{
	char path[DATAPATH_PATH];
	struct stat st;

	pins_path(path, pin_dir, "", name);
	return !stat(path, &st);
}

enum pins_found pins_find(const char *pin_dir)
{
	size_t found = is_pinned(pin_dir, "program"), all = 1;

	for (const struct map_row *row = map_rows; row->name; row++, all++)
		found += is_pinned(pin_dir, row->name);
	if (!found)
		return PINS_NONE;
	if (found == all)
		return PINS_ALL;
	return is_pinned(pin_dir, "node") ? PINS_BROKEN : PINS_PARTIAL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int pins_list(const char *pin_dir, const char *sub, char (**names)[16], size_t *n)
{
	char path[DATAPATH_PATH], (*list)[16] = NULL;
	size_t count = 0;

	pins_path(path, pin_dir, sub, "");
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		char(*more)[16] = realloc(list, (count + 1) * sizeof(*list));

		if (!more) {
			free(list);
			closedir(dir);
			return -ENOMEM;
		}
		list = more;
		pins_interface_name(list[count++], e->d_name);
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(list, count, sizeof(*list), compare_names);
	*names = list;
	*n = count;
	return 0;
}

int pins_make_dir(const char *pin_dir, const char *sub)
{
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, sub, "");
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int pin(const char *pin_dir, const char *name, int fd, struct report *r)
{
	char path[DATAPATH_PATH];

	pins_path(path, pin_dir, "", name);
	int err = bpf_obj_pin(fd, path) ? -errno : 0;

	if (err)
		report_add(r, path, "cannot be pinned: %s", strerror(-err));
	return err;
}

int pins_create(const struct datapath *dp, struct report *r)
{
	int err = pin(dp->pin_dir, "program", bpf_program__fd(dp->skel->progs.mtlb), r);

	for (const struct map_row *row = map_rows; row->name && !err; row++)
		err = pin(dp->pin_dir, row->name, datapath_map_fd(dp, row->name), r);
	return err;
}

int pins_replace(const char *path, int fd)
{
	char fresh[DATAPATH_PATH + 8];

	snprintf(fresh, sizeof(fresh), "%s_new", path);
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	if (!rename(fresh, path))
		return 0;
	int err = -errno;

	unlink(fresh);
	return err;
}

void pins_remove(const char *pin_dir)
{
	char path[DATAPATH_PATH];

	/* from the end: `node` first, so that an interrupted removal is recognised as an incomplete set */
	const struct map_row *row = map_rows;

	while (row->name)
		row++;
	while (row-- > map_rows) {
		pins_path(path, pin_dir, "", row->name);
		unlink(path);
	}
	pins_path(path, pin_dir, "", "program");
	unlink(path);
	pins_path(path, pin_dir, "", "program_new");
	unlink(path);
}

void pins_remove_dir(const char *pin_dir)
{
	char path[DATAPATH_PATH];

	for (size_t i = 0; i < sizeof(subdirectories) / sizeof(*subdirectories); i++) {
		pins_path(path, pin_dir, subdirectories[i], "");
		rmdir(path);
	}
	rmdir(pin_dir);
}
