// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The state directory, and reading its databases. */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/store_internal.h"

void store_path(char *path, const char *dir, const char *name, const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);
}

void store_database_path(const struct store *s, const char *name, char *path)
{
	if (!strcmp(name, STORE_NODE))
		snprintf(path, PATH_MAX, "%s/node.db", s->dir);
	else
		snprintf(path, PATH_MAX, "%s/tenants/%s.db", s->dir, name);
}

int store_database_error(sqlite3 *db, struct report *r)
{
	int code = sqlite3_extended_errcode(db);
	const char *file = sqlite3_db_filename(db, "main");

	report_add(r, file && *file ? file : "store", "%s", sqlite3_errmsg(db));
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	default:
		return -EIO;
	}
}

/* A database that a crash left before its first commit holds no tables: as good as none. */
static bool has_tables(sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	bool found = true;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master WHERE name = 'overrides'", -1, &q,
			       NULL) == SQLITE_OK)
		found = sqlite3_step(q) != SQLITE_DONE;
	sqlite3_finalize(q);
	return found;
}

int store_database_open(const struct store *s, const char *name, bool create, sqlite3 **out,
			struct report *r)
{
	char path[PATH_MAX];
	struct stat st;
	sqlite3 *db = NULL;

	store_database_path(s, name, path);
	if (!create && stat(path, &st) && errno == ENOENT)
		return -ENOENT;
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK) {
		int error = db ? store_database_error(db, r) : -ENOMEM;
		sqlite3_close(db);
		return error;
	}
	/* Somebody with the sqlite3 tool may hold it for a moment; the loop waits no longer than this. */
	sqlite3_busy_timeout(db, 200);
	if (!create && !has_tables(db)) {
		sqlite3_close(db);
		return -ENOENT;
	}
	*out = db;
	return 0;
}

static int make_directory(const char *path, struct report *r)
{
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	int error = -errno;
	report_add(r, path, "cannot create this directory: %s", strerror(-error));
	return error;
}

int store_open(const char *dir, struct store **out, struct report *r)
{
	struct store *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];

	if (!s || strlen(dir) >= sizeof(s->dir)) {
		report_add(r, dir, "%s", s ? "path is too long" : "out of memory");
		free(s);
		return s ? -ENAMETOOLONG : -ENOMEM;
	}
	strcpy(s->dir, dir);
	store_path(path, dir, "tenants", "");
	int error = make_directory(dir, r);
	if (!error)
		error = make_directory(path, r);
	if (error) {
		free(s);
		return error;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	free(s);
}

/* ---- lists ---- */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void store_names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static bool is_database(const char *file)
{
	size_t len = strlen(file);

	return len > 3 && len - 3 < MTLB_NAME_LEN && !strcmp(file + len - 3, ".db") && *file != '.';
}

static int names_add(char ***names, size_t *n, const char *file)
{
	char **grown = realloc(*names, (*n + 1) * sizeof(**names));

	if (!grown)
		return -ENOMEM;
	*names = grown;
	grown[*n] = strndup(file, strlen(file) - 3);
	if (!grown[*n])
		return -ENOMEM;
	(*n)++;
	return 0;
}

int store_list_tenants(struct store *s, char ***out, size_t *n_out, struct report *r)
{
	char path[PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	int error = 0;

	store_path(path, s->dir, "tenants", "");
	DIR *dir = opendir(path);
	if (!dir) {
		error = -errno;
		report_add(r, path, "%s", strerror(-error));
		return error;
	}
	for (struct dirent *e; !error && (e = readdir(dir));)
		if (is_database(e->d_name))
			error = names_add(&names, &n, e->d_name);
	closedir(dir);
	if (error) {
		store_names_free(names, n);
		return error;
	}
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*out = names;
	*n_out = n;
	return 0;
}

/* ---- revisions ---- */
void store_revision_clear(struct store_revision *v)
{
	free(v->who);
	free(v->message);
	free(v->document);
	memset(v, 0, sizeof(*v));
}

void store_revisions_free(struct store_revision *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		store_revision_clear(&v[i]);
	free(v);
}

static char *column_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return strdup(text ? text : "");
}

static int revision_from_row(sqlite3_stmt *q, bool with_document, struct store_revision *out)
{
	*out = (struct store_revision){
		.number = (uint64_t)sqlite3_column_int64(q, 0),
		.time = sqlite3_column_int64(q, 1),
		.who = column_text(q, 2),
		.message = column_text(q, 3),
		.document = with_document ? column_text(q, 4) : NULL,
	};
	if (out->who && out->message && (out->document || !with_document))
		return 0;
	store_revision_clear(out);
	return -ENOMEM;
}

int store_read_revision(struct store *s, const char *name, uint64_t number,
			struct store_revision *out, struct report *r)
{
	sqlite3 *db;
	sqlite3_stmt *q = NULL;
	int error = store_database_open(s, name, false, &db, r);

	if (error)
		return error;
	if (sqlite3_prepare_v2(db,
			       "SELECT number, time, who, message, document FROM revisions"
			       " WHERE ?1 = 0 OR number = ?1 ORDER BY number DESC LIMIT 1",
			       -1, &q, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(q, 1, (sqlite3_int64)number);
		int code = sqlite3_step(q);
		if (code == SQLITE_ROW)
			error = revision_from_row(q, true, out);
		else
			error = code == SQLITE_DONE ? -ENOENT : store_database_error(db, r);
	} else {
		error = store_database_error(db, r);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	return error;
}

static int read_revision_rows(sqlite3 *db, sqlite3_stmt *q, struct store_revision **out, size_t *n,
			      struct report *r)
{
	int code;

	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_revision *grown = realloc(*out, (*n + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*out = grown;
		int error = revision_from_row(q, false, &grown[*n]);
		if (error)
			return error;
		(*n)++;
	}
	return code == SQLITE_DONE ? 0 : store_database_error(db, r);
}

int store_list_revisions(struct store *s, const char *name, struct store_revision **out,
			 size_t *n_out, struct report *r)
{
	struct store_revision *rows = NULL;
	size_t n = 0;
	sqlite3 *db;
	sqlite3_stmt *q = NULL;
	int error = store_database_open(s, name, false, &db, r);

	if (error)
		return error;
	if (sqlite3_prepare_v2(
		    db, "SELECT number, time, who, message FROM revisions ORDER BY number DESC",
		    -1, &q, NULL) == SQLITE_OK)
		error = read_revision_rows(db, q, &rows, &n, r);
	else
		error = store_database_error(db, r);
	sqlite3_finalize(q);
	sqlite3_close(db);
	if (error) {
		store_revisions_free(rows, n);
		return error;
	}
	*out = rows;
	*n_out = n;
	return 0;
}

/* ---- overrides ---- */
void store_overrides_clear(struct store_overrides *o)
{
	free(o->rows);
	memset(o, 0, sizeof(*o));
}

static int override_from_row(sqlite3_stmt *q, struct store_overrides *o)
{
	const char *vip = (const char *)sqlite3_column_text(q, 0);
	const char *backend = (const char *)sqlite3_column_text(q, 1);

	if (!vip || !backend || !*vip) {
		o->suspended = o->suspended || sqlite3_column_int(q, 4);
		return 0;
	}
	struct store_override *grown = realloc(o->rows, (o->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	o->rows = grown;
	struct store_override *row = &grown[o->n++];
	memset(row, 0, sizeof(*row));
	snprintf(row->vip, sizeof(row->vip), "%s", vip);
	snprintf(row->backend, sizeof(row->backend), "%s", backend);
	row->has_weight = sqlite3_column_type(q, 2) != SQLITE_NULL;
	row->weight = (uint32_t)sqlite3_column_int64(q, 2);
	row->has_state = sqlite3_column_type(q, 3) != SQLITE_NULL;
	row->state = (enum backend_admin_state)sqlite3_column_int(q, 3);
	return 0;
}

int store_read_overrides(struct store *s, const char *name, struct store_overrides *out,
			 struct report *r)
{
	struct store_overrides found = {0};
	sqlite3 *db;
	sqlite3_stmt *q = NULL;
	int error = store_database_open(s, name, false, &db, r);

	if (error)
		return error;
	if (sqlite3_prepare_v2(db,
			       "SELECT vip, backend, weight, state, suspended FROM overrides"
			       " ORDER BY vip, backend",
			       -1, &q, NULL) == SQLITE_OK) {
		int code;
		while ((code = sqlite3_step(q)) == SQLITE_ROW && !error)
			error = override_from_row(q, &found);
		if (!error && code != SQLITE_DONE)
			error = store_database_error(db, r);
	} else {
		error = store_database_error(db, r);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	if (error) {
		store_overrides_clear(&found);
		return error;
	}
	*out = found;
	return 0;
}
