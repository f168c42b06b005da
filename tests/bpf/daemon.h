/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mtlbd as it runs, for tests: the built binary as a child in a network namespace of its own,
 * driven over its socket. Needs root; MTLBD names another binary than build/mtlbd.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

/* Of the daemon that daemon_setup() started. */
extern char daemon_dir[64], daemon_pin_dir[64];
extern pid_t daemon_pid;

/*
 * Moves this process into a network namespace and runs the shell command there, which makes its
 * interfaces. Ends the process where that fails.
 */
void daemon_prepare(const char *suite, const char *command);

/*
 * A directory with mtlb.yaml, and mtlbd running on it; daemon_teardown() takes all away, and
 * asserts that nothing is left.
 */
void daemon_setup(void (*write_config)(FILE *to));
void daemon_teardown(void);
/* Writes mtlb.yaml anew. */
void daemon_write_config(void (*write_config)(FILE *to));
/* Runs mtlbd with one more option (NULL: none) on the same directory. */
pid_t daemon_spawn(const char *more_option);
/* Until it answers. */
void daemon_start(void);
/* Returns its wait status. */
int daemon_stop(int number);
void daemon_run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A connection to its socket, or -1. */
int daemon_connect(void);
void daemon_send(int fd, const char *text, size_t len);
/* Body of the answer in *out (may be NULL), the status returned. */
int daemon_ask(const char *method, const char *path, const char *body, json_t **out);
/* A value by keys and indices in dots: "0.status.state"; NULL: none. */
const json_t *daemon_at(const json_t *json, const char *where);
/* JSON text of a value of a document, "nothing" where there is none; a static buffer. */
const char *daemon_text(const json_t *json, const char *where);
