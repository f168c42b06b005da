// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One transaction on one database, with the file's own coming and going in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_internal.h"

struct store_change {
	sqlite3 *db;
	char path[PATH_MAX];
	bool created;                /* this change made the file */
	int64_t deleted_at;          /* 0: not deleted */
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS revisions(number INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
	" who TEXT NOT NULL, message TEXT NOT NULL, document TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS overrides(vip TEXT NOT NULL, backend TEXT NOT NULL,"
	" weight INTEGER, state INTEGER, suspended INTEGER, PRIMARY KEY(vip, backend));";

/* The tables are made within the transaction, so that other readers see all of them or no tables. */
int store_change_begin(struct store *s, const char *name, struct store_change **out,
		       struct report *r)
{
	struct store_change *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!c)
		return -ENOMEM;
	store_database_path(s, name, c->path);
	c->created = stat(c->path, &st) && errno == ENOENT;
	int error = store_database_open(s, name, true, &c->db, r);
	if (error) {
		if (c->created)
			unlink(c->path);
		free(c);
		return error;
	}
	if (sqlite3_exec(c->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(c->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		error = store_database_error(c->db, r);
		store_change_rollback(c);
		return error;
	}
	*out = c;
	return 0;
}

static int step_done(struct store_change *c, sqlite3_stmt *q, struct report *r)
{
	int error = 0;

	if (!q || sqlite3_step(q) != SQLITE_DONE)
		error = store_database_error(c->db, r);
	sqlite3_finalize(q);
	return error;
}

static sqlite3_stmt *prepare(struct store_change *c, const char *sql)
{
	sqlite3_stmt *q = NULL;

	sqlite3_prepare_v2(c->db, sql, -1, &q, NULL);
	return q;
}

static int next_number(struct store_change *c, uint64_t *number, struct report *r)
{
	sqlite3_stmt *q = prepare(c, "SELECT coalesce(max(number), 0) + 1 FROM revisions");
	int error = 0;

	if (q && sqlite3_step(q) == SQLITE_ROW)
		*number = (uint64_t)sqlite3_column_int64(q, 0);
	else
		error = store_database_error(c->db, r);
	sqlite3_finalize(q);
	return error;
}

int store_change_document(struct store_change *c, int64_t time, const char *who,
			  const char *message, const char *document, uint64_t *number,
			  struct report *r)
{
	uint64_t next = 0;
	int error = next_number(c, &next, r);

	if (error)
		return error;
	sqlite3_stmt *q = prepare(c, "INSERT INTO revisions(number, time, who, message, document)"
				     " VALUES(?, ?, ?, ?, ?)");
	if (q) {
		sqlite3_bind_int64(q, 1, (sqlite3_int64)next);
		sqlite3_bind_int64(q, 2, time);
		sqlite3_bind_text(q, 3, who ? who : "", -1, SQLITE_TRANSIENT);
		sqlite3_bind_text(q, 4, message ? message : "", -1, SQLITE_TRANSIENT);
		sqlite3_bind_text(q, 5, document, -1, SQLITE_TRANSIENT);
	}
	error = step_done(c, q, r);
	if (!error)
		*number = next;
	return error;
}

static int insert_override(struct store_change *c, const struct store_override *o, bool suspended,
			   struct report *r)
{
	sqlite3_stmt *q = prepare(c, "INSERT OR REPLACE INTO overrides(vip, backend, weight, state,"
				     " suspended) VALUES(?, ?, ?, ?, ?)");

	if (!q)
		return store_database_error(c->db, r);
	sqlite3_bind_text(q, 1, o ? o->vip : "", -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 2, o ? o->backend : "", -1, SQLITE_TRANSIENT);
	if (o && o->has_weight)
		sqlite3_bind_int64(q, 3, o->weight);
	if (o && o->has_state)
		sqlite3_bind_int(q, 4, (int)o->state);
	if (suspended)
		sqlite3_bind_int(q, 5, 1);
	return step_done(c, q, r);
}

int store_change_overrides(struct store_change *c, const struct store_overrides *o,
			   struct report *r)
{
	int error = step_done(c, prepare(c, "DELETE FROM overrides"), r);

	if (!error && o->suspended)
		error = insert_override(c, NULL, true, r);
	for (size_t i = 0; !error && i < o->n; i++)
		error = insert_override(c, &o->rows[i], false, r);
	return error;
}

void store_change_delete(struct store_change *c, int64_t time)
{
	c->deleted_at = time;
}

static int move_away(struct store_change *c, struct report *r)
{
	char to[PATH_MAX + 64];
	struct stat st;

	for (unsigned int i = 0;; i++) {
		snprintf(to, sizeof(to), "%s.deleted-%lld", c->path, (long long)c->deleted_at + i);
		if (stat(to, &st))
			break;
	}
	if (!rename(c->path, to))
		return 0;
	int error = -errno;
	report_add(r, c->path, "cannot be renamed: %s", strerror(-error));
	return error;
}

int store_change_commit(struct store_change *c, struct report *r)
{
	if (sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
		int error = store_database_error(c->db, r);
		store_change_rollback(c);
		return error;
	}
	sqlite3_close(c->db);
	int error = c->deleted_at ? move_away(c, r) : 0;
	free(c);
	return error;
}

void store_change_rollback(struct store_change *c)
{
	if (!c)
		return;
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(c->db);
	if (c->created)
		unlink(c->path);
	free(c);
}
