// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words that name tenants, VIPs and backends. */
#include "cli/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/ports.h"

/* The part up to the next slash; the rest, or NULL, in *rest. */
static int take_part(const char **rest, char part[NAME_TEXT])
{
	size_t len = strcspn(*rest, "/");

	if (!len || len >= NAME_TEXT || **rest == '.') /* names begin with a letter or a digit */
		return -EINVAL;
	memcpy(part, *rest, len);
	part[len] = '\0';
	*rest = (*rest)[len] ? *rest + len + 1 : NULL;
	return 0;
}

/* "203.0.113.10:443", "[2001:db8::1]:8000-8999" */
static int read_endpoint(const char *text, struct name *out)
{
	const char *colon = strrchr(text, ':');
	size_t len = (size_t)(colon - text);
	char address[ADDR_TEXT];

	if (*text == '[') {
		if (len < 2 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	}
	if (len >= sizeof(address) || ports_parse(colon + 1, &out->port, &out->last_port))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	out->has_endpoint = true;
	return addr_parse(address, &out->address);
}

static int read_vip(const char **rest, struct name *out)
{
	char protocol[NAME_TEXT];

	if (take_part(rest, out->vip))
		return -EINVAL;
	if (!strchr(out->vip, ':'))
		return 0;
	if (!*rest || take_part(rest, protocol) || read_endpoint(out->vip, out) ||
	    (strcmp(protocol, "tcp") && strcmp(protocol, "udp") && strcmp(protocol, "sctp")))
		return -EINVAL;
	snprintf(out->protocol, sizeof(out->protocol), "%.4s", protocol);
	out->vip[0] = '\0';
	return 0;
}

int name_read(const char *word, struct name *out, struct report *r)
{
	struct name n = {0};
	const char *rest = word;
	int error = take_part(&rest, n.tenant);

	if (!error && rest)
		error = read_vip(&rest, &n);
	if (!error && rest)
		error = take_part(&rest, n.backend);
	if (error || rest) {
		report_add(
			r, word,
			"is no name: TENANT, TENANT/VIP or TENANT/VIP/BACKEND is expected, where "
			"VIP may be ADDRESS:PORT/PROTOCOL (203.0.113.10:443/tcp, "
			"[2001:db8::1]:443/tcp or 203.0.113.10:8000-8999/tcp)");
		return -EINVAL;
	}
	*out = n;
	return 0;
}
