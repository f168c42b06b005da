// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* version: of this program, and of the daemon where one answers. */
#include <stdio.h>

#include "cli/client.h"

int version_run(const struct cli *c)
{
	struct answer a;

	if (c->options[OPTION_JSON]) {
		int error = client_call(c, "GET", "/v1/version", NULL, &a);
		if (!error) {
			client_print_body(&a);
			client_clear(&a);
		}
		return error;
	}
	printf("mtlbctl %s\n", MTLB_VERSION);
	/* Without a daemon, or without leave to ask it, this is still an answer. */
	if (client_try(c, "GET", "/v1/version", NULL, &a))
		return CLI_OK;
	const char *version = json_string_value(json_object_get(a.json, "version"));
	printf("mtlbd   %s (abi %lld)\n", version ? version : "unknown",
	       (long long)json_integer_value(json_object_get(a.json, "abi")));
	client_clear(&a);
	return CLI_OK;
}
