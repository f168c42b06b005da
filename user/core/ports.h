/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The ports of a VIP, in host order: one, a range, or any. */
#pragma once

#include <stdint.h>

enum { PORTS_TEXT = 12 };

/* "443", "8000-8999" (from 1, ascending) or "any" (0 to 65535). -EINVAL where text is none of these. */
int ports_parse(const char *text, uint16_t *first, uint16_t *last);
/* What ports_parse() reads. text: at least PORTS_TEXT bytes; returns it. */
const char *ports_print(uint16_t first, uint16_t last, char *text);
