/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the files of the store only. */
#pragma once

#include <limits.h>
#include <sqlite3.h>

#include "store/store.h"

struct store {
	char dir[PATH_MAX - 256];
};

/* DIR/NAME + suffix; path: PATH_MAX bytes. */
void store_path(char *path, const char *dir, const char *name, const char *suffix);
/* Where the database of a tenant, or of STORE_NODE, lies. */
void store_database_path(const struct store *s, const char *name, char *path);
/* create: makes file and tables. -ENOENT without a line where there is no database. */
int store_database_open(const struct store *s, const char *name, bool create, sqlite3 **out,
			struct report *r);
/* Reports what SQLite says and returns the errno that fits. */
int store_database_error(sqlite3 *db, struct report *r);
