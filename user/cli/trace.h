/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* trace: which packets are meant, and what is told of them. */
#pragma once

#include "cli/cli.h"

/*
 * Frames as the API takes them, a list of texts, from --pcap, --hex, or what the other options say.
 * CLI_OK, CLI_USAGE or CLI_REFUSED (the file), with the mistakes on standard error.
 */
int trace_read_packets(const struct cli *c, json_t **out);

struct trace_output;
/* n: packets in all. One is told as a story, several as a table with a summary; with is_json an array. */
struct trace_output *trace_output_new(bool is_json, size_t n);
/* What the API answered of the next ones: nothing of it is kept but the lines of the table. */
void trace_output_add(struct trace_output *o, const json_t *packets);
/*
 * Prints what is still to be said, and frees it. error: what kept the rest from being added, or CLI_OK.
 * After an error a table has those that were added; of an array, nothing is printed, so that standard
 * output holds one document. Returns error, or CLI_REFUSED where the array cannot be kept.
 */
int trace_output_end(struct trace_output *o, int error);
