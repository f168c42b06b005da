/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Plain log lines on standard error: "<level> text"; with the sd-daemon prefix when run under systemd (JOURNAL_STREAM). */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);
/* "error", "warning", "info", "debug"; -EINVAL. */
int log_level_parse(const char *text, enum log_level *out);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
