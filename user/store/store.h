/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must outlive a restart: one SQLite database for each tenant (revisions of its document if the API
 * manages it, operational overrides if a file does), one for the node's own API-managed objects, the secret.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"
#include "util/report.h"

struct store;

/* The name of the node's own database: no tenant can be called so. */
#define STORE_NODE "node/"

/* Creates dir (0700) and what is missing in it. -errno with a line in r. */
int store_open(const char *dir, struct store **out, struct report *r);
void store_close(struct store *s);

/* The node's 32 secret bytes; the first call draws them and writes DIR/secret, 0600, atomically. -EINVAL or -errno with a line. */
int store_secret(struct store *s, uint8_t secret[32], struct report *r);

/* ---- reading ---- */
struct store_revision {
	uint64_t number;             /* from 1 */
	int64_t time;                /* seconds since 1970 */
	char *who, *message;
	char *document;              /* JSON; NULL in lists */
};
void store_revision_clear(struct store_revision *v);
void store_revisions_free(struct store_revision *v, size_t n);

struct store_override {              /* of a backend of a file-managed tenant */
	char vip[MTLB_NAME_LEN], backend[MTLB_NAME_LEN];
	bool has_weight, has_state;
	uint32_t weight;
	enum backend_admin_state state;
};

struct store_overrides {
	bool suspended;
	struct store_override *rows;
	size_t n;
};
void store_overrides_clear(struct store_overrides *o);

/* Names of tenants that have a database, sorted. *names: free each and the array. */
int store_list_tenants(struct store *s, char ***names, size_t *n, struct report *r);
void store_names_free(char **names, size_t n);
/* number 0: the latest. -ENOENT without a line where there is none. */
int store_read_revision(struct store *s, const char *name, uint64_t number,
			struct store_revision *out, struct report *r);
/* Newest first, without documents. */
int store_list_revisions(struct store *s, const char *name, struct store_revision **out,
			 size_t *n, struct report *r);
int store_read_overrides(struct store *s, const char *name, struct store_overrides *out,
			 struct report *r);

/* ---- writing: all or nothing ---- */
struct store_change;

/* Opens (or creates) the database of a tenant or of STORE_NODE and begins a transaction. */
int store_change_begin(struct store *s, const char *name, struct store_change **out,
		       struct report *r);
/* A new revision; *number is the latest's plus one. */
int store_change_document(struct store_change *c, int64_t time, const char *who,
			  const char *message, const char *document, uint64_t *number,
			  struct report *r);
/* Replaces all overrides of the tenant. */
int store_change_overrides(struct store_change *c, const struct store_overrides *o,
			   struct report *r);
/* At commit the database is renamed to NAME.db.deleted-TIME: its history is kept, its name is free. */
void store_change_delete(struct store_change *c, int64_t time);
/* Both free c, and leave nothing behind of a database that only a rolled back change created. */
int store_change_commit(struct store_change *c, struct report *r);
void store_change_rollback(struct store_change *c);
