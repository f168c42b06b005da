// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int priority; /* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARNING] = {"warning", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_set_level(enum log_level level)
{
	threshold = level;
}

int log_level_parse(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(text, levels[i].name)) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[2048];
	size_t n, room;
	va_list ap;
	int len;

	if (level > threshold)
		return;
	if (getenv("JOURNAL_STREAM"))
		n = snprintf(line, sizeof(line), "<%d>", levels[level].priority);
	else
		n = snprintf(line, sizeof(line), "%s: ", levels[level].name);
	room = sizeof(line) - n - 1;
	va_start(ap, format);
	len = vsnprintf(line + n, room, format, ap);
	va_end(ap);
	if (len < 0)
		return;
	n += (size_t)len < room ? (size_t)len : room - 1;
	line[n++] = '\n';
	/* One write a line, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
