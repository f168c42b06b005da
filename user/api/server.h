/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The HTTP server on the unix socket, driven by the event loop. */
#pragma once

#include <uv.h>

#include "daemon/control.h"

struct api_server;

/* Serves the listening socket fd (api_listen()), which it owns from here on, also on failure. -EIO with a line in r. */
int api_server_start(uv_loop_t *loop, struct control *control, int fd, struct api_server **out,
		     struct report *r);
/* Ends connections; s is freed when the loop has closed its handles. */
void api_server_stop(struct api_server *s);
