/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* trace: which packets are meant, and what is told of them. */
#pragma once

#include "cli/cli.h"

/*
 * Frames as the API takes them, a list of texts, from --pcap, --hex, or what the other options say.
 * CLI_OK, CLI_USAGE or CLI_REFUSED (the file), with the mistakes on standard error.
 */
int trace_read_packets(const struct cli *c, json_t **out);

/* packets: what the API answered. One as a story, several as a table with a summary. */
void trace_print(const json_t *packets);
