/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Strict number parsing: the whole text, or -EINVAL; out of range is -ERANGE. */
#pragma once

#include <stdint.h>

/* Decimal, min to max. "80x", "", " 80" and "+80" are -EINVAL. */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* The same with an optional suffix k M G (powers of 1000) or Ki Mi Gi (of 1024). */
int number_parse_scaled(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "300s", "5m", "2h", "100ms", "1d"; a bare number is seconds. min, max and *out in milliseconds. */
int number_parse_duration(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *out_ms);
