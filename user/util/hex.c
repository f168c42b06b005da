// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "util/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_parse(const char *text, const char *between, uint8_t *out, size_t max, size_t *len,
	      size_t *at)
{
	size_t n = 0, i = 0;

	while (text[i += strspn(text + i, between)]) {
		int high = digit(text[i]);
		int low = high < 0 ? -1 : digit(text[i + 1]);

		if (low < 0) {
			*at = high < 0 ? i : i + 1;
			return -EINVAL;
		}
		if (n == max)
			return -E2BIG;
		out[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*len = n;
	return 0;
}

char *hex_print(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * len] = '\0';
	return text;
}
