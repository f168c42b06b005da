// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which handler a method and a path mean. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "util/cleanup.h"

const struct api_route *const api_routes[] = {
	api_node_routes, api_interfaces_routes, api_segments_routes,
	api_tenants_routes, api_revisions_routes, api_vips_routes,
	api_backends_routes, api_counters_routes, api_reload_routes, api_trace_routes, NULL,
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int api_decode(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		if (*at != '%') {
			*to++ = *at;
			continue;
		}
		int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
		if (low < 0 || high + low == 0)
			return -EINVAL;
		*to++ = (char)(high << 4 | low);
		at += 2;
	}
	*to = '\0';
	return 0;
}

bool api_is_text(const char *text)
{
	json_t *json = json_string(text);

	json_decref(json);
	return json != NULL;
}

/* Cut at the slashes first, then decoded: a %2F is part of a name. 0 parts: broken. */
static size_t split(char *path, const char *parts[API_PATH_PARTS])
{
	size_t n = 0;
	char *rest = path + 1;

	if (*path != '/')
		return 0;
	while (rest) {
		char *part = strsep(&rest, "/");
		if (!*part && !rest && n)
			break;       /* one slash at the end is forgiven */
		if (!*part || n == API_PATH_PARTS || api_decode(part) || !api_is_text(part))
			return 0;
		parts[n++] = part;
	}
	return n;
}

static bool is_match(const char *pattern, const char *const *parts, size_t n,
		     const char *args[API_PATH_PARTS])
{
	size_t n_args = 0;

	for (size_t i = 0; i < n; i++) {
		if (*pattern++ != '/')
			return false;
		size_t len = strcspn(pattern, "/");
		if (len == 2 && !memcmp(pattern, "{}", 2))
			args[n_args++] = parts[i];
		else if (strlen(parts[i]) != len || memcmp(pattern, parts[i], len))
			return false;
		pattern += len;
	}
	return !*pattern;
}

static void not_found(struct api_answer *a, const char *path)
{
	api_fail(a, 404, path,
		 "there is nothing here; resources: /v1/version /v1/node /v1/interfaces /v1/segments /v1/tenants /v1/vips /v1/backends /v1/counters /v1/reload /v1/trace");
}

static void allow_text(unsigned int seen, char *text)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

	*text = '\0';
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (seen & 1U << i) {
			strcat(text, *text ? ", " : "");
			strcat(text, methods[i]);
		}
}

static unsigned int method_bit(const char *method)
{
	switch (method[0] == 'P' ? method[1] : method[0]) {
	case 'G':
		return 1U << 0;
	case 'O':
		return 1U << 1;
	case 'U':
		return 1U << 2;
	case 'A':
		return 1U << 3;
	default:
		return 1U << 4;
	}
}

void api_dispatch(struct api_request *q, const char *method, const char *path,
		  struct api_answer *a)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *parts[API_PATH_PARTS];
	size_t n = copy ? split(copy, parts) : 0;
	unsigned int seen = 0;

	for (size_t t = 0; n && api_routes[t]; t++)
		for (const struct api_route *route = api_routes[t]; route->method; route++) {
			if (!is_match(route->pattern, parts, n, q->args))
				continue;
			if (!strcmp(route->method, method)) {
				route->handler(q, a);
				return;
			}
			seen |= method_bit(route->method);
		}
	if (!seen) {
		not_found(a, path);
		return;
	}
	allow_text(seen, a->allow);
	api_fail(a, 405, path, "%s cannot be done here; allowed: %s", method, a->allow);
}
