// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/server_id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int server_id_parse(const char *text, struct model_server_id *out)
{
	struct model_server_id id = {0};
	size_t n = strlen(text);

	if (!n || n % 2 || n / 2 > MTLB_QUIC_SERVER_ID_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0)
			return -EINVAL;
		id.bytes[i / 2] = id.bytes[i / 2] << 4 | digit;
	}
	id.len = n / 2;
	*out = id;
	return 0;
}

const char *server_id_print(const struct model_server_id *id, char *text)
{
	for (size_t i = 0; i < id->len; i++)
		snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
	text[2 * id->len] = '\0';
	return text;
}
