/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bytes as pairs of hex digits. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The whole text -> at most max bytes; characters of `between` may stand between pairs. -EINVAL:
 * *at is where a character is no digit, or where the second digit of a pair is missing. -E2BIG:
 * there are more than max bytes.
 */
int hex_parse(const char *text, const char *between, uint8_t *out, size_t max, size_t *len,
	      size_t *at);
/* Lower-case digits, malloced; NULL: out of memory. */
char *hex_print(const uint8_t *bytes, size_t len);
