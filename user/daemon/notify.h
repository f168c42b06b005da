/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The service manager's readiness protocol (sd_notify(3)), over $NOTIFY_SOCKET. */
#pragma once

#include <stdint.h>

/* "READY=1", "STATUS=...": nothing happens where nobody asked to be told. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often WATCHDOG=1 is to be sent, in milliseconds; 0: never. */
uint64_t notify_watchdog_ms(void);
