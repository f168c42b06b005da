// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* libmicrohttpd without threads of its own: its epoll descriptor is one more thing that the loop polls. */
#include "api/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "util/log.h"

enum {
	BODY_MAX = 1 << 20,
	DISCARD_MAX = 16 << 20,      /* of a body that is too large anyway, before the connection is cut */
	CONNECTIONS_MAX = 64,
	TIMEOUT_S = 10,
};

struct api_server {
	struct control *control;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	int open_handles;
};

struct call {                        /* one request while its body comes in */
	char *body;
	size_t len;
};

/* ---- one request ---- */
/* What is no text is the name of nothing, and not as if it were not there. */
static const char *query(const struct api_request *q, const char *key)
{
	const char *text = MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, key);

	return text && !api_is_text(text) ? "" : text;
}

static const char *peer_name(struct MHD_Connection *connection, char *text, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return "unknown";
	const struct passwd *user = getpwuid(peer.uid);
	if (user)
		snprintf(text, size, "%s", user->pw_name);
	else
		snprintf(text, size, "uid %u", peer.uid);
	return text;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct api_answer *a)
{
	char *text = a->body ? json_dumps(a->body, JSON_COMPACT) : strdup("{}");
	size_t len = text ? strlen(text) : 0;

	json_decref(a->body);
	if (!text)
		return MHD_NO;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", "application/json");
	if (*a->allow)
		MHD_add_response_header(response, "Allow", a->allow);
	enum MHD_Result result = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return result;
}

static json_t *parse_body(const struct call *call, struct api_answer *a)
{
	json_error_t why;
	json_t *json = json_loadb(call->body, call->len, JSON_REJECT_DUPLICATES, &why);

	if (!json) {
		char where[64];
		snprintf(where, sizeof(where), "body:%d:%d", why.line, why.column);
		api_fail(a, 400, where, "is not JSON: %s", why.text);
	}
	return json;
}

static enum MHD_Result answer(struct api_server *s, struct MHD_Connection *connection,
			      const char *url, const char *method, const struct call *call)
{
	char who[64];
	struct api_answer a = { .status = 500 };
	struct api_request q = {
		.control = s->control,
		.who = peer_name(connection, who, sizeof(who)),
		.message = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       "X-Mtlb-Message"),
		.query = query,
		.connection = connection,
	};

	if (q.message && !api_is_text(q.message))
		q.message = NULL;
	if (call->len > BODY_MAX)
		api_fail(&a, 413, "body", "is larger than %d bytes", BODY_MAX);
	else if (!call->len || (q.body = parse_body(call, &a)))
		api_dispatch(&q, method, url, &a);
	log_debug("%s %s %s: %u", q.who, method, url, a.status);
	json_decref(q.body);
	return send_answer(connection, &a);
}

/* ---- libmicrohttpd's callbacks ---- */
static enum MHD_Result refuse_large(struct MHD_Connection *connection)
{
	struct api_answer a = {0};

	api_fail(&a, 413, "body", "is larger than %d bytes", BODY_MAX);
	return send_answer(connection, &a);
}

static enum MHD_Result take_body(struct call *call, const char *data, size_t *size)
{
	if (call->len + *size <= BODY_MAX) {
		char *grown = realloc(call->body, call->len + *size);
		if (!grown)
			return MHD_NO;
		call->body = grown;
		memcpy(grown + call->len, data, *size);
	}
	call->len += *size;
	*size = 0;
	return call->len > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static bool says_too_large(struct MHD_Connection *connection)
{
	const char *text =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");

	return text && strtoull(text, NULL, 10) > BODY_MAX;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct call *call = *state;

	(void)version;
	if (!call) {
		if (says_too_large(connection))
			return refuse_large(connection);
		*state = calloc(1, sizeof(*call));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*size)
		return take_body(call, data, size);
	return answer(cls, connection, url, method, call);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct call *call = *state;

	(void)cls;
	(void)connection;
	(void)code;
	if (call)
		free(call->body);
	free(call);
	*state = NULL;
}

/* Paths are cut at their slashes before they are decoded; only values of the query are decoded here. */
static size_t unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	if (*text != '/')
		api_decode(text);
	return strlen(text);
}

/* ---- the loop ---- */
static void run(struct api_server *s);

static void on_timer(uv_timer_t *timer)
{
	run(timer->data);
}

static void run(struct api_server *s)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &timeout) == MHD_YES)
		uv_timer_start(&s->timer, on_timer, timeout, 0);
	else
		uv_timer_stop(&s->timer);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run(poll->data);
}

static void on_closed(uv_handle_t *handle)
{
	struct api_server *s = handle->data;

	if (--s->open_handles)
		return;
	free(s);
}

static void on_log(void *cls, const char *format, va_list args)
{
	char text[512];

	(void)cls;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

static struct MHD_Daemon *start_daemon(struct api_server *s, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
				MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)TIMEOUT_S,
				MHD_OPTION_END);
}

int api_server_start(uv_loop_t *loop, struct control *control, int fd, struct api_server **out,
		     struct report *r)
{
	struct api_server *s = calloc(1, sizeof(*s));

	if (s) {
		s->control = control;
		s->daemon = start_daemon(s, fd);
	}
	const union MHD_DaemonInfo *info =
		s && s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		report_add(r, NULL, "the HTTP server does not start");
		close(fd);
		free(s);
		return -EIO;
	}
	uv_poll_init(loop, &s->poll, info->epoll_fd);
	uv_timer_init(loop, &s->timer);
	s->poll.data = s->timer.data = s;
	s->open_handles = 2;
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	*out = s;
	return 0;
}

void api_server_stop(struct api_server *s)
{
	if (!s)
		return;
	uv_poll_stop(&s->poll);
	uv_timer_stop(&s->timer);
	uv_close((uv_handle_t *)&s->poll, on_closed);
	uv_close((uv_handle_t *)&s->timer, on_closed);
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
}
