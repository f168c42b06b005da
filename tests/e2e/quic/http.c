// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp3/nghttp3.h>

#include "http.h"

struct stream {
	struct stream *next;
	int64_t id;
	char path[16];
	bool answered, waits; /* waits: nghttp3 was told that there is nothing now */
	ngtcp2_tstamp start;
	uint64_t received;
	size_t lines, made;
	char *text; /* all lines: nghttp3 points into it until they are acknowledged */
};

struct http {
	nghttp3_conn *h3;
	ngtcp2_conn *quic;
	const char *name;
	ngtcp2_tstamp now;
	struct stream *streams;
};

static ngtcp2_tstamp due_at(const struct stream *s, size_t line)
{
	return s->start + line * LINE_MS * NGTCP2_MILLISECONDS;
}

static bool is_due(const struct stream *s, ngtcp2_tstamp now)
{
	return s->made < s->lines && due_at(s, s->made) <= now;
}

static unsigned client_port(const struct http *http)
{
	const struct sockaddr *a = (const void *)ngtcp2_conn_get_path(http->quic)->remote.addr;

	return ntohs(a->sa_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
					     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

static void make_line(const struct http *http, struct stream *s)
{
	char *line = s->text + s->made++ * LINE_LEN;
	int n = snprintf(line, LINE_LEN, "%.63s %u %llu ", http->name, client_port(http),
			 (unsigned long long)s->received);

	memset(line + n, '.', (size_t)(LINE_LEN - 1 - n));
	line[LINE_LEN - 1] = '\n';
}

static nghttp3_ssize read_lines(nghttp3_conn *h3, int64_t id, nghttp3_vec *vec, size_t n_vec,
				uint32_t *flags, void *user, void *stream_user)
{
	const struct http *http = user;
	struct stream *s = stream_user;
	size_t from = s->made;

	(void)h3, (void)id, (void)n_vec;
	while (is_due(s, http->now))
		make_line(http, s);
	s->waits = s->made == from && s->made < s->lines;
	if (s->waits)
		return NGHTTP3_ERR_WOULDBLOCK;
	if (s->made == s->lines)
		*flags |= NGHTTP3_DATA_FLAG_EOF;
	vec[0] = (nghttp3_vec){(uint8_t *)s->text + from * LINE_LEN, (s->made - from) * LINE_LEN};
	return 1;
}

static int on_begin_headers(nghttp3_conn *h3, int64_t id, void *user, void *stream_user)
{
	struct http *http = user;
	struct stream *s = calloc(1, sizeof(*s));

	(void)stream_user;
	if (!s)
		return NGHTTP3_ERR_CALLBACK_FAILURE;
	s->id = id;
	s->next = http->streams;
	http->streams = s;
	return nghttp3_conn_set_stream_user_data(h3, id, s) ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
}

static int on_header(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name,
		     nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream_user)
{
	struct stream *s = stream_user;
	nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

	(void)h3, (void)id, (void)name, (void)flags, (void)user;
	if (token == NGHTTP3_QPACK_TOKEN__PATH && v.len < sizeof(s->path))
		memcpy(s->path, v.base, v.len);
	return 0;
}

/* What was read may be sent again by the client. */
static void consume(struct http *http, int64_t id, size_t len)
{
	ngtcp2_conn_extend_max_stream_offset(http->quic, id, len);
	ngtcp2_conn_extend_max_offset(http->quic, len);
}

static int on_body(nghttp3_conn *h3, int64_t id, const uint8_t *data, size_t len, void *user,
		   void *stream_user)
{
	struct stream *s = stream_user;

	(void)h3, (void)data;
	s->received += len;
	consume(user, id, len);
	return 0;
}

static int on_deferred(nghttp3_conn *h3, int64_t id, size_t len, void *user, void *stream_user)
{
	(void)h3, (void)stream_user;
	consume(user, id, len);
	return 0;
}

static bool parse_lines(const char *path, size_t *lines)
{
	char *end;
	unsigned long n;

	if (path[0] != '/' || path[1] < '1' || path[1] > '9')
		return false;
	n = strtoul(path + 1, &end, 10);
	if (*end || n > LINES_MAX)
		return false;
	*lines = n;
	return true;
}

static nghttp3_nv header(const char *name, const char *value)
{
	return (nghttp3_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
			    NGHTTP3_NV_FLAG_NONE};
}

static int on_request_end(nghttp3_conn *h3, int64_t id, void *user, void *stream_user)
{
	const struct http *http = user;
	struct stream *s = stream_user;
	bool found = parse_lines(s->path, &s->lines);
	nghttp3_nv headers[] = {header(":status", found ? "200" : "404"),
				header("server", http->name)};
	nghttp3_data_reader reader = {read_lines};

	if (s->answered)
		return 0;
	s->answered = true;
	s->start = http->now;
	s->text = malloc((s->lines + 1) * LINE_LEN);
	if (!s->text || nghttp3_conn_submit_response(h3, id, headers, 2, found ? &reader : NULL))
		return NGHTTP3_ERR_CALLBACK_FAILURE;
	return 0;
}

static int on_stream_close(nghttp3_conn *h3, int64_t id, uint64_t error, void *user,
			   void *stream_user)
{
	struct http *http = user;
	struct stream *gone = stream_user;

	(void)h3, (void)id, (void)error;
	for (struct stream **at = &http->streams; *at; at = &(*at)->next)
		if (*at == gone) {
			*at = gone->next;
			free(gone->text);
			free(gone);
			break;
		}
	return 0;
}

static int open_control_streams(struct http *http)
{
	int64_t ids[3];
	int rc;

	for (int i = 0; i < 3; i++)
		if ((rc = ngtcp2_conn_open_uni_stream(http->quic, &ids[i], NULL)))
			return rc;
	rc = nghttp3_conn_bind_control_stream(http->h3, ids[0]);
	return rc ? rc : nghttp3_conn_bind_qpack_streams(http->h3, ids[1], ids[2]);
}

struct http *http_new(ngtcp2_conn *quic, const char *name, ngtcp2_tstamp now)
{
	static const nghttp3_callbacks callbacks = {
		.begin_headers = on_begin_headers,
		.recv_header = on_header,
		.recv_data = on_body,
		.deferred_consume = on_deferred,
		.end_stream = on_request_end,
		.stream_close = on_stream_close,
	};
	struct http *http = calloc(1, sizeof(*http));
	nghttp3_settings settings;

	if (!http)
		return NULL;
	http->quic = quic;
	http->name = name;
	http->now = now;
	nghttp3_settings_default(&settings);
	if (nghttp3_conn_server_new(&http->h3, &callbacks, &settings, NULL, http) ||
	    open_control_streams(http)) {
		http_free(http);
		return NULL;
	}
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	nghttp3_conn_del(http->h3);
	for (struct stream *s = http->streams, *next; s; s = next) {
		next = s->next;
		free(s->text);
		free(s);
	}
	free(http);
}

int http_receive(struct http *http, int64_t stream, const uint8_t *data, size_t len, int fin)
{
	nghttp3_ssize n = nghttp3_conn_read_stream(http->h3, stream, data, len, fin);

	if (n < 0)
		return (int)n;
	consume(http, stream, (size_t)n);
	return 0;
}

int http_acked(struct http *http, int64_t stream, uint64_t len)
{
	return nghttp3_conn_add_ack_offset(http->h3, stream, len);
}

int http_close_stream(struct http *http, int64_t stream, uint64_t error)
{
	int rc = nghttp3_conn_close_stream(http->h3, stream, error);

	return rc == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : rc;
}

int http_stop_reading(struct http *http, int64_t stream)
{
	return nghttp3_conn_shutdown_stream_read(http->h3, stream);
}

int http_unblock(struct http *http, int64_t stream)
{
	return nghttp3_conn_unblock_stream(http->h3, stream);
}

void http_allow_streams(struct http *http, uint64_t n)
{
	nghttp3_conn_set_max_client_streams_bidi(http->h3, n);
}

void http_tick(struct http *http, ngtcp2_tstamp now)
{
	http->now = now;
	for (struct stream *s = http->streams; s; s = s->next)
		if (s->waits && is_due(s, now)) {
			s->waits = false;
			nghttp3_conn_resume_stream(http->h3, s->id);
		}
}

ngtcp2_tstamp http_next(const struct http *http)
{
	ngtcp2_tstamp next = UINT64_MAX;

	for (const struct stream *s = http->streams; s; s = s->next)
		if (s->waits && due_at(s, s->made) < next)
			next = due_at(s, s->made);
	return next;
}

/* True: the failure concerns one stream, which is set aside. */
static bool sets_stream_aside(struct http *http, int64_t stream, ngtcp2_ssize error)
{
	if (error == NGTCP2_ERR_STREAM_DATA_BLOCKED)
		nghttp3_conn_block_stream(http->h3, stream);
	else if (error == NGTCP2_ERR_STREAM_SHUT_WR)
		nghttp3_conn_shutdown_stream_write(http->h3, stream);
	else
		return false;
	return true;
}

static nghttp3_ssize next_data(struct http *http, int64_t *stream, int *fin, nghttp3_vec *vec,
			       size_t n_vec)
{
	*stream = -1;
	*fin = 0;
	if (!http || !ngtcp2_conn_get_max_data_left(http->quic))
		return 0;
	return nghttp3_conn_writev_stream(http->h3, stream, fin, vec, n_vec);
}

ngtcp2_ssize http_write(struct http *http, ngtcp2_conn *quic, ngtcp2_path *path, uint8_t *packet,
			size_t size, ngtcp2_tstamp now)
{
	for (;;) {
		nghttp3_vec vec[8];
		int64_t stream;
		int fin;
		nghttp3_ssize n = next_data(http, &stream, &fin, vec, 8);
		ngtcp2_ssize taken = -1, len;
		uint32_t flags =
			NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);

		if (n < 0)
			return NGTCP2_ERR_INTERNAL;
		len = ngtcp2_conn_writev_stream(quic, path, NULL, packet, size, &taken, flags,
						stream, (const ngtcp2_vec *)vec, (size_t)n, now);
		if (taken >= 0)
			nghttp3_conn_add_write_offset(http->h3, stream, (size_t)taken);
		if (len != NGTCP2_ERR_WRITE_MORE &&
		    !(len < 0 && http && sets_stream_aside(http, stream, len)))
			return len;
	}
}
