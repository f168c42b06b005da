// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* attach, detach: on which interfaces mtlbd balances. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/objects.h"

int attach_run(const struct cli *c)
{
	const char *mode = c->options[OPTION_MODE] ? c->options[OPTION_MODE] : "native";
	json_t *body =
		json_pack("{s:s*, s:b}", "mode", mode, "share", c->options[OPTION_SHARE] != NULL);
	struct answer a;
	char *path = client_path("/v1/interfaces/%s", c->words[0]);
	int error = client_call(c, "PUT", path, body, &a);

	free(path);
	json_decref(body);
	if (error)
		return error;
	const char *detail = object_text(a.json, "status.detail");
	if (c->options[OPTION_JSON])
		client_print_body(&a);
	else
		printf("%s: attached (%s)%s%s\n", c->words[0], object_text(a.json, "mode"),
		       *detail ? "; " : "", detail);
	client_clear(&a);
	return CLI_OK;
}

int detach_run(const struct cli *c)
{
	return client_change(c, "DELETE", client_path("/v1/interfaces/%s", c->words[0]), NULL,
			     "%s: detached", c->words[0]);
}
