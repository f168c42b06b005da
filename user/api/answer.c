// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Answers and errors, in the one shape that the API has for them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"

void api_ok(struct api_answer *a, unsigned int status, json_t *body)
{
	json_decref(a->body);
	a->status = status;
	a->body = body;
}

/* Text of clients may come back in messages: what is no UTF-8 is not echoed. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json ? json : json_string("(not UTF-8)");
}

static json_t *error_json(const char *where, const char *message)
{
	return json_pack("{s:o, s:o}", "where", text_json(where), "message", text_json(message));
}

void api_fail(struct api_answer *a, unsigned int status, const char *where, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	api_ok(a, status, json_pack("{s:[o]}", "errors", error_json(where, message)));
}

static unsigned int status_of(int error)
{
	switch (-error) {
	case EINVAL:
		return 400;
	case ENOSPC:
	case ENODEV:
	case EOPNOTSUPP:
	case ENOENT:
		return 422;
	case EBUSY:
	case EEXIST:
		return 409;
	default:
		return 500;
	}
}

void api_fail_report(struct api_answer *a, int error, const struct report *r)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(lines, error_json(r->lines[i].where, r->lines[i].text));
	if (!r->n)
		json_array_append_new(lines, error_json("", strerror(-error)));
	api_ok(a, status_of(error), json_pack("{s:o}", "errors", lines));
}

json_t *api_addr(const struct addr *addr)
{
	char text[ADDR_TEXT];

	return json_string(addr_print(addr, text));
}

const char *api_managed_by(enum managed_by m)
{
	return m == MANAGED_BY_API ? "api" : "file";
}

const char *api_backend_state(enum mtlb_backend_state state)
{
	static const char *const names[] = {
		[MTLB_BACKEND_FREE] = "absent",		[MTLB_BACKEND_UP] = "up",
		[MTLB_BACKEND_DRAINING] = "draining",	[MTLB_BACKEND_DOWN] = "down",
		[MTLB_BACKEND_DISABLED] = "disabled",	[MTLB_BACKEND_LEAVING] = "leaving",
	};

	return (size_t)state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

const char *api_admin_state(enum backend_admin_state state)
{
	static const char *const names[] = {
		[BACKEND_ADMIN_UP] = "up",
		[BACKEND_ADMIN_DRAINING] = "draining",
		[BACKEND_ADMIN_DISABLED] = "disabled",
	};

	return names[state];
}
