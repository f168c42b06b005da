/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers that a seed decides. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* Sequence number of those that seed has. */
struct random random_begin(uint64_t seed, uint64_t number);
uint64_t random_word(struct random *r);
/* Below n; n at least 1. */
uint32_t random_below(struct random *r, uint32_t n);
uint32_t random_between(struct random *r, uint32_t first, uint32_t last);
/* True once in n. */
bool random_once_in(struct random *r, uint32_t n);
void random_bytes(struct random *r, uint8_t *out, uint32_t len);

#define RANDOM_OF(r, array) ((array)[random_below(r, sizeof(array) / sizeof(*(array)))])
