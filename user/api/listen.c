// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The listening unix socket: who may reach it, and what happens to one left behind. */
#include "api/listen.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"

static int fail(struct report *r, const char *path, int error)
{
	report_add(r, path, "cannot listen on this socket: %s", strerror(-error));
	return error;
}

static bool somebody_answers(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* EAGAIN: it listens, and its queue is full. */
	return fd >= 0 && (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) ||
			   errno == EAGAIN);
}

static int remove_stale(const struct sockaddr_un *address, struct report *r)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		report_add(r, path, "is in the way: it is no socket; remove it or choose --socket");
		return -EEXIST;
	}
	if (somebody_answers(address)) {
		report_add(r, path, "another mtlbd answers here: stop it first");
		return -EADDRINUSE;
	}
	return unlink(path) ? fail(r, path, -errno) : 0;
}

static void make_parent(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	snprintf(copy, sizeof(copy), "%s", path);
	mkdir(dirname(copy), 0755);
}

static void give_to_group(const char *path)
{
	const struct group *g = getgrnam("mtlb");

	if (g && chown(path, (uid_t)-1, g->gr_gid))
		log_warning("%s: cannot give it to group mtlb: %s", path, strerror(errno));
}

int api_listen(const char *path, struct report *r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		report_add(r, path, "is too long for a unix socket: at most %zu bytes",
			   sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	make_parent(path);
	int error = remove_stale(&address, r);
	if (error)
		return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(r, path, -errno);
	mode_t mask = umask(0117);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (!error)
		give_to_group(path);
	if (!error && listen(fd, 64))
		error = -errno;
	if (error) {
		close(fd);
		return fail(r, path, error);
	}
	return fd;
}
