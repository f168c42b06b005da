// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The node's secret: drawn once, from which all hash keys derive. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_internal.h"
#include "util/cleanup.h"

enum { SECRET_LEN = 32 };

static int sync_directory(const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int write_all(const char *path, const uint8_t *bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
				      0600);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600))
		return -errno;
	ssize_t n = write(fd, bytes, SECRET_LEN);
	if (n != SECRET_LEN)
		return n < 0 ? -errno : -EIO;
	return fsync(fd) ? -errno : 0;
}

/* Written beside and renamed: a crash leaves a whole secret or none. */
static int secret_create(const struct store *s, const char *path, uint8_t *secret,
			 struct report *r)
{
	uint8_t bytes[SECRET_LEN];
	char temporary[PATH_MAX];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		report_add(r, path, "the kernel gives no random bytes: %s", strerror(errno));
		return -EIO;
	}
	store_path(temporary, s->dir, "secret.new", "");
	int error = write_all(temporary, bytes);
	if (!error && rename(temporary, path))
		error = -errno;
	if (!error)
		error = sync_directory(s->dir);
	if (error) {
		report_add(r, path, "cannot write the node's secret: %s", strerror(-error));
		unlink(temporary);
		return error;
	}
	memcpy(secret, bytes, SECRET_LEN);
	return 0;
}

static int secret_check(const char *path, const struct stat *st, struct report *r)
{
	if (!S_ISREG(st->st_mode)) {
		report_add(r, path, "is not a regular file");
		return -EINVAL;
	}
	if (st->st_mode & 077) {
		report_add(r, path, "others can read the secret (mode %04o): chmod 0600 %s",
			   st->st_mode & 07777, path);
		return -EINVAL;
	}
	if (st->st_size != SECRET_LEN) {
		report_add(r, path,
			   "holds %lld bytes, a secret has %d: restore it, or remove it to draw a new one (flows may move once)",
			   (long long)st->st_size, SECRET_LEN);
		return -EINVAL;
	}
	return 0;
}

int store_secret(struct store *s, uint8_t secret[32], struct report *r)
{
	char path[PATH_MAX];
	uint8_t bytes[SECRET_LEN];
	struct stat st;

	store_path(path, s->dir, "secret", "");
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return secret_create(s, path, secret, r);
	if (fd < 0 || fstat(fd, &st)) {
		int error = -errno;
		report_add(r, path, "cannot read the node's secret: %s", strerror(-error));
		return error;
	}
	int error = secret_check(path, &st, r);
	if (error)
		return error;
	if (read(fd, bytes, SECRET_LEN) != SECRET_LEN) {
		report_add(r, path, "cannot read the node's secret");
		return -EIO;
	}
	memcpy(secret, bytes, SECRET_LEN);
	return 0;
}
