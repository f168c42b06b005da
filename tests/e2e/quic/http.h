/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/3 of the test's server. GET /N answers with N lines, one every LINE_MS, of LINE_LEN bytes: the server's name, the
 * client's port at that moment, the bytes that the request's body had. So the answer itself shows which backend gave
 * it, and over which paths.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

enum {
	LINE_LEN = 1024,
	LINE_MS = 100,
	LINES_MAX = 1000
};

struct http;

/* Opens the control streams on a connection that may send. NULL: no memory, or the client allows no streams. */
struct http *http_new(ngtcp2_conn *quic, const char *name, ngtcp2_tstamp now);
void http_free(struct http *http);

/* What the connection's callbacks have to tell; 0 or a negative nghttp3 error. */
int http_receive(struct http *http, int64_t stream, const uint8_t *data, size_t len, int fin);
int http_acked(struct http *http, int64_t stream, uint64_t len);
int http_close_stream(struct http *http, int64_t stream, uint64_t error);
int http_stop_reading(struct http *http, int64_t stream);
int http_unblock(struct http *http, int64_t stream);
void http_allow_streams(struct http *http, uint64_t n);

/* Takes up the answers that have a line due. Before each http_receive() and http_write(). */
void http_tick(struct http *http, ngtcp2_tstamp now);

/* When the next line is due; UINT64_MAX: none. */
ngtcp2_tstamp http_next(const struct http *http);

/*
 * Writes one packet of what is to be sent, streams or not; http may be NULL.
 * The packet's length, 0 where nothing is to be sent now, or a negative ngtcp2 error.
 */
ngtcp2_ssize http_write(struct http *http, ngtcp2_conn *quic, ngtcp2_path *path, uint8_t *packet,
			size_t size, ngtcp2_tstamp now);
