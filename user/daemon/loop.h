/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon waits for besides requests: signals, the network, time. */
#pragma once

#include <uv.h>

#include "daemon/control.h"

struct daemon_loop {
	uv_loop_t uv;
	struct control *control;
	uv_signal_t hup, term, interrupt;
	uv_timer_t tick, refresh, watchdog;
	uv_poll_t net;
};

/* From here on signals wait until the loop is open, so that none hits a daemon half-way up. */
void daemon_loop_hold_signals(void);
/* Lets them in. 0 or -errno. */
int daemon_loop_open(struct daemon_loop *l, struct control *control);
/* Returns after SIGTERM or SIGINT. */
void daemon_loop_run(struct daemon_loop *l);
/* Closes all handles, those of others too, which they must have begun to close. */
void daemon_loop_close(struct daemon_loop *l);
