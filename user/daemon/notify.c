// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The service manager's readiness protocol (sd_notify(3)): one datagram a state. */
#include "daemon/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/number.h"

void notify_send(const char *format, ...)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list args;

	if (!path || !*path || strlen(path) >= sizeof(to.sun_path))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	size_t len = strlen(path);
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

uint64_t notify_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t usec, who;

	if (!text || number_parse(text, 1, INT64_MAX, &usec))
		return 0;
	if (pid && (number_parse(pid, 1, INT32_MAX, &who) || who != (uint64_t)getpid()))
		return 0;
	/* Twice as often as it must be. */
	return usec / 2000 ? usec / 2000 : 1;
}
