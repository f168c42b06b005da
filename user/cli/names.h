/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a word on the command line names; numbers where names are. */
#pragma once

#include <stdint.h>

#include "cli/cli.h"
#include "core/addr.h"

enum {
	NAME_TEXT = 64
};

struct name {
	char tenant[NAME_TEXT];
	char vip[NAME_TEXT];     /* "" while only an endpoint is known */
	char backend[NAME_TEXT]; /* a name or an address; "": none given */
	bool has_endpoint;       /* the VIP was given as ADDRESS:PORT/PROTOCOL */
	struct addr address;
	uint16_t port, last_port; /* as of a struct model_vip */
	char protocol[5];
};

/*
 * "acme", "acme/web", "acme/web/web-1", "acme/203.0.113.10:443/tcp", "acme/[2001:db8::1]:443/tcp/web-1",
 * "acme/203.0.113.10:8000-8999/tcp", "acme/203.0.113.10:any/udp".
 * -EINVAL with a line in r.
 */
int name_read(const char *word, struct name *out, struct report *r);

/*
 * Reads the word and asks mtlbd for the names behind numbers. CLI_OK; CLI_USAGE where the word is no VIP or backend,
 * CLI_REFUSED where there is none or more than one, or as client_call().
 */
int name_vip(const struct cli *c, const char *word, struct name *out);
int name_backend(const struct cli *c, const char *word, struct name *out);
/* As name_backend() for a new one, whose own part is a name. */
int name_new_backend(const struct cli *c, const char *word, struct name *out);
