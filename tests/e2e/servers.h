// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which server answered how many flows, for the clients of the end-to-end tests. */
#pragma once

#include <stdio.h>
#include <string.h>

enum {
	NAME_LEN = 32, /* of a server, at the beginning of its answers */
	SERVERS = 16
};

struct servers {
	char names[SERVERS][NAME_LEN];
	unsigned counts[SERVERS];
	size_t n;
};

static inline void servers_count(struct servers *s, const char name[NAME_LEN])
{
	size_t k;

	for (k = 0; k < s->n && strcmp(s->names[k], name); k++)
		;
	if (k == s->n && s->n < SERVERS)
		memcpy(s->names[s->n++], name, NAME_LEN);
	if (k < SERVERS)
		s->counts[k]++;
}

/* As the members of a JSON object. */
static inline void servers_print(const struct servers *s)
{
	for (size_t k = 0; k < s->n; k++)
		printf("%s\"%s\": %u", k ? ", " : "", s->names[k], s->counts[k]);
}
