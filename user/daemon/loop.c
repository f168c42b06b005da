// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Signals, network changes and timers, on one libuv loop. */
#include "daemon/loop.h"

#include <signal.h>

#include "daemon/notify.h"
#include "util/log.h"

enum {
	TICK_MS = 1000,
	REFRESH_MS = 50,             /* network changes come in bursts */
};

static void on_stop(uv_signal_t *handle, int number)
{
	struct daemon_loop *l = handle->data;

	log_info("%s: stopping; forwarding goes on (mtlbd --unload takes it away)",
		 number == SIGTERM ? "SIGTERM" : "SIGINT");
	uv_stop(&l->uv);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct daemon_loop *l = handle->data;
	struct report r = {0};
	bool changed;
	size_t steps;

	(void)number;
	/* MONOTONIC_USEC is what Type=notify-reload asks for. */
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)control_now_ms() * 1000);
	int error = control_reload(l->control, "SIGHUP", &changed, &steps, &r);
	for (size_t i = 0; i < r.n; i++)
		log_error("%s: %s", r.lines[i].where, r.lines[i].text);
	if (error)
		log_error("reload refused, nothing has changed: %zu mistakes", r.n);
	notify_send("READY=1\nSTATUS=%s", error ? "reload refused, see the log" : "forwarding");
	report_clear(&r);
}

static void on_tick(uv_timer_t *timer)
{
	struct daemon_loop *l = timer->data;

	control_tick(l->control);
}

static void on_refresh(uv_timer_t *timer)
{
	struct daemon_loop *l = timer->data;

	control_refresh(l->control);
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static void on_network(uv_poll_t *poll, int status, int events)
{
	struct daemon_loop *l = poll->data;
	int changed = net_process(l->control->net);

	(void)status;
	(void)events;
	if (changed > 0 && !uv_is_active((uv_handle_t *)&l->refresh))
		uv_timer_start(&l->refresh, on_refresh, REFRESH_MS, 0);
}

static int open_handles(struct daemon_loop *l)
{
	uint64_t watchdog = notify_watchdog_ms();
	int error = 0;

	uv_signal_init(&l->uv, &l->hup);
	uv_signal_init(&l->uv, &l->term);
	uv_signal_init(&l->uv, &l->interrupt);
	uv_timer_init(&l->uv, &l->tick);
	uv_timer_init(&l->uv, &l->refresh);
	uv_timer_init(&l->uv, &l->watchdog);
	error = uv_poll_init(&l->uv, &l->net, net_fd(l->control->net));
	if (error)
		return error;
	l->hup.data = l->term.data = l->interrupt.data = l;
	l->tick.data = l->refresh.data = l->watchdog.data = l->net.data = l;
	uv_signal_start(&l->hup, on_hangup, SIGHUP);
	uv_signal_start(&l->term, on_stop, SIGTERM);
	uv_signal_start(&l->interrupt, on_stop, SIGINT);
	uv_timer_start(&l->tick, on_tick, TICK_MS, TICK_MS);
	if (watchdog)
		uv_timer_start(&l->watchdog, on_watchdog, 0, watchdog);
	return uv_poll_start(&l->net, UV_READABLE, on_network);
}

static void mask_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(how, &set, NULL);
}

void daemon_loop_hold_signals(void)
{
	mask_signals(SIG_BLOCK);
	signal(SIGPIPE, SIG_IGN);
}

int daemon_loop_open(struct daemon_loop *l, struct control *control)
{
	int error = uv_loop_init(&l->uv);

	if (error)
		return error;
	l->control = control;
	error = open_handles(l);
	mask_signals(SIG_UNBLOCK);
	return error;
}

void daemon_loop_run(struct daemon_loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
	(void)unused;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void daemon_loop_close(struct daemon_loop *l)
{
	uv_walk(&l->uv, close_handle, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
}
