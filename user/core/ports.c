// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/number.h"

enum {
	PORT_MAX = 65535
};

static int parse_range(const char *text, const char *dash, uint16_t *first, uint16_t *last)
{
	char head[PORTS_TEXT];
	uint64_t from, to;

	if ((size_t)(dash - text) >= sizeof(head))
		return -EINVAL;
	memcpy(head, text, dash - text);
	head[dash - text] = '\0';
	if (number_parse_scaled(head, 1, PORT_MAX, &from) ||
	    number_parse_scaled(dash + 1, from + 1, PORT_MAX, &to))
		return -EINVAL;
	*first = from;
	*last = to;
	return 0;
}

int ports_parse(const char *text, uint16_t *first, uint16_t *last)
{
	const char *dash = strchr(text, '-');
	uint64_t port;

	if (dash)
		return parse_range(text, dash, first, last);
	if (!strcmp(text, "any")) {
		*first = 0;
		*last = PORT_MAX;
		return 0;
	}
	if (number_parse_scaled(text, 1, PORT_MAX, &port))
		return -EINVAL;
	*first = *last = port;
	return 0;
}

const char *ports_print(uint16_t first, uint16_t last, char *text)
{
	if (first == last)
		snprintf(text, PORTS_TEXT, "%u", first);
	else if (!first && last == PORT_MAX)
		snprintf(text, PORTS_TEXT, "any");
	else
		snprintf(text, PORTS_TEXT, "%u-%u", first, last);
	return text;
}
