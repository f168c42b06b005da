/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* "key=value" on the command line -> the JSON object that the API reads. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "util/report.h"

/*
 * Sets a field for each word in object: "encapsulation.type=vxlan" in an object within it, lists
 * by commas ("prefixes=a,b"; "prefixes=" is the empty list; "quic.configs=0:4:8,1:8:8" are maps of
 * rotation, server_id_length and nonce_length). Values stay texts: mtlbd knows their types. -EINVAL
 * with lines in r; object then holds the fields that were understood.
 */
int fields_read(char *const *words, size_t n, json_t *object, struct report *r);

/* The JSON object in a file; "-" is standard input. NULL with a line in r. */
json_t *fields_read_file(const char *file, struct report *r);
