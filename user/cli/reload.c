// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* reload: mtlbd reads its files again. */
#include <stdio.h>

#include "cli/client.h"

int reload_run(const struct cli *c)
{
	struct answer a;
	int error = client_call(c, "POST", "/v1/reload", NULL, &a);

	if (error)
		return error;
	if (c->options[OPTION_JSON])
		client_print_body(&a);
	else if (json_is_true(json_object_get(a.json, "changed")))
		printf("reloaded, %lld steps\n",
		       (long long)json_integer_value(json_object_get(a.json, "steps")));
	else
		puts("reloaded, nothing has changed");
	client_clear(&a);
	return CLI_OK;
}
