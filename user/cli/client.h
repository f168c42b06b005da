/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Questions to mtlbd over its socket. */
#pragma once

#include "cli/cli.h"

struct answer {
	long status; /* of HTTP */
	char *text;  /* the body as it came */
	size_t len;
	json_t *json; /* the body, parsed */
};

/* Every %s is one part of the path or query and is escaped; freed by the caller. Never NULL. */
char *client_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * One request; body may be NULL. --revision and --message of c go with all but GET.
 * CLI_OK with *a filled, which client_clear() frees; otherwise what was wrong is on standard
 * error and *a is empty: CLI_REFUSED (errors of the API, with --json also its body on standard output)
 * or CLI_NO_DAEMON.
 */
int client_call(const struct cli *c, const char *method, const char *path, const json_t *body,
		struct answer *a);
/* The same without a word on standard error. */
int client_try(const struct cli *c, const char *method, const char *path, const json_t *body,
	       struct answer *a);
void client_clear(struct answer *a);

/* Where mtlbd is looked for. */
const char *client_socket(const struct cli *c);

/* GET path; with --json the body goes out as it came, else print makes something of it. Frees path. */
int client_show(const struct cli *c, char *path,
		void (*print)(const struct cli *c, const json_t *json));
/* A change, then one line "done" about it (or the body with --json). Frees path; takes body over. */
int client_change(const struct cli *c, const char *method, char *path, json_t *body,
		  const char *done, ...) __attribute__((format(printf, 5, 6)));
void client_print_body(const struct answer *a);
