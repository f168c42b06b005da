/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The connections of the test's server, and the ids by which packets find them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>

#include "ids.h"

enum {
	LAYOUTS_MAX = 7
};

struct conn;

struct server {
	const char *name;
	int fd;
	struct sockaddr_storage local;
	socklen_t local_len;
	gnutls_certificate_credentials_t credentials;
	uint8_t reset_secret[32];
	struct id_layout layouts[LAYOUTS_MAX]; /* all of one length */
	size_t n_layouts, layout;              /* layout: the one in use for new ids */
	unsigned n_accepted;
	struct conn *conns;
};

ngtcp2_tstamp time_now(void);

/* Logs NAME EVENT ...: one line. */
void server_log(const struct server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL: no connection has this id. */
struct conn *conn_find(const struct server *server, const uint8_t *id, size_t len);

/* A client's first packet begins a connection, which the server then has. NULL: logged why not. */
struct conn *conn_accept(struct server *server, const ngtcp2_pkt_hd *first,
			 const struct sockaddr *from, socklen_t from_len);

/* Takes a datagram for the connection, and answers. */
void conn_receive(struct conn *conn, const struct sockaddr *from, socklen_t from_len,
		  const uint8_t *packet, size_t len);

/* Does what is due, removes what is over. Returns when next to do so; UINT64_MAX: never. */
ngtcp2_tstamp server_tick(struct server *server);

void server_close_all(struct server *server);
