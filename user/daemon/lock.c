// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One mtlbd for each state directory: the kernel drops the lock of one that died. */
#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 2000, PAUSE_MS = 20 };

bool lock_wait(int attempt)
{
	if (attempt >= WAIT_MS / PAUSE_MS)
		return false;
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
	return true;
}

static int try_lock(const char *path, struct report *r)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	int error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (error == -EBUSY)
		report_add(r, path, "another mtlbd is using this directory: stop it first");
	else
		report_add(r, path, "cannot lock this directory: %s", strerror(-error));
	if (fd >= 0)
		close(fd);
	return error;
}

int lock_directory(const char *path, struct report *r)
{
	int error;

	for (int i = 0; (error = try_lock(path, r)) == -EBUSY && lock_wait(i); i++)
		report_clear(r);
	return error;
}
