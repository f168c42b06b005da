/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "fuzz/random.h"

/* Weyl sequence and a multiply-xorshift finish. */
uint64_t random_word(struct random *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct random random_begin(uint64_t seed, uint64_t number)
{
	struct random r = {seed};

	r.state = random_word(&r) + number;
	r.state = random_word(&r);
	return r;
}

uint32_t random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((random_word(r) >> 32) * n >> 32);
}

uint32_t random_between(struct random *r, uint32_t first, uint32_t last)
{
	return first + random_below(r, last - first + 1);
}

bool random_once_in(struct random *r, uint32_t n)
{
	return random_below(r, n) == 0;
}

void random_bytes(struct random *r, uint8_t *out, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t word = random_word(r);

		memcpy(out + i, &word, len - i < 8 ? len - i : 8);
	}
}
