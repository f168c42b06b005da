// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>
#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "conn.h"
#include "http.h"

enum {
	IDS_MAX = 64,
	PACKET_MAX = 1452,
	STREAMS_MAX = 16,
	WINDOW = 1 << 20,
	IDLE_S = 60
};

struct conn {
	struct conn *next;
	struct server *server;
	unsigned number;
	ngtcp2_conn *quic;
	ngtcp2_crypto_conn_ref ref;
	gnutls_session_t tls;
	struct http *http;       /* NULL until it may send */
	ngtcp2_cid ids[IDS_MAX]; /* by which it is reached */
	size_t n_ids;
	ngtcp2_tstamp ends_at; /* 0, or it is over: its late packets are swallowed until then */
};

ngtcp2_tstamp time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NGTCP2_SECONDS + (uint64_t)now.tv_nsec;
}

void server_log(const struct server *server, const char *format, ...)
{
	va_list args;

	printf("%s ", server->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static unsigned port_of(const ngtcp2_addr *address)
{
	const struct sockaddr *a = (const void *)address->addr;

	return ntohs(a->sa_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
					     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

static unsigned rotation_of(const struct conn *conn, const ngtcp2_cid *id)
{
	return id->data[0] >> (8 - conn->server->layouts[0].rotation_bits);
}

static bool add_id(struct conn *conn, const ngtcp2_cid *id)
{
	if (conn->n_ids == IDS_MAX)
		return false;
	conn->ids[conn->n_ids++] = *id;
	return true;
}

static void over(struct conn *conn, const char *why)
{
	if (conn->ends_at)
		return;
	conn->ends_at = time_now() + 3 * ngtcp2_conn_get_pto(conn->quic);
	server_log(conn->server, "over %u port %u: %s", conn->number,
		   port_of(&ngtcp2_conn_get_path(conn->quic)->remote), why);
}

/* ---- what libngtcp2 calls --------------------------------------------------------------------- */

static void give_random(uint8_t *to, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	if (gnutls_rnd(GNUTLS_RND_RANDOM, to, len))
		abort();
}

static int give_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t len, void *user)
{
	struct conn *conn = user;
	const struct server *server = conn->server;

	(void)quic;
	if (!id_make(&server->layouts[server->layout], id) || id->datalen != len ||
	    ngtcp2_crypto_generate_stateless_reset_token(token, server->reset_secret,
							 sizeof(server->reset_secret), id) ||
	    !add_id(conn, id))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int drop_id(ngtcp2_conn *quic, const ngtcp2_cid *id, void *user)
{
	struct conn *conn = user;

	(void)quic;
	for (size_t i = 0; i < conn->n_ids; i++)
		if (ngtcp2_cid_eq(&conn->ids[i], id)) {
			conn->ids[i] = conn->ids[--conn->n_ids];
			break;
		}
	return 0;
}

static int on_handshake(ngtcp2_conn *quic, void *user)
{
	const struct conn *conn = user;

	server_log(conn->server, "handshake %u port %u", conn->number,
		   port_of(&ngtcp2_conn_get_path(quic)->remote));
	return 0;
}

static int on_path(ngtcp2_conn *quic, uint32_t flags, const ngtcp2_path *path,
		   ngtcp2_path_validation_result result, void *user)
{
	const struct conn *conn = user;

	(void)quic, (void)flags;
	server_log(conn->server, "path %u port %u: %s", conn->number, port_of(&path->remote),
		   result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS ? "valid" : "not valid");
	return 0;
}

static int failed_if(int failed)
{
	return failed ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_send_key(ngtcp2_conn *quic, ngtcp2_crypto_level level, void *user)
{
	struct conn *conn = user;

	if (level != NGTCP2_CRYPTO_LEVEL_APPLICATION)
		return 0;
	conn->http = http_new(quic, conn->server->name, time_now());
	if (!conn->http)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	http_allow_streams(conn->http, STREAMS_MAX);
	return 0;
}

static int on_data(ngtcp2_conn *quic, uint32_t flags, int64_t stream, uint64_t offset,
		   const uint8_t *data, size_t len, void *user, void *stream_user)
{
	struct conn *conn = user;

	(void)quic, (void)offset, (void)stream_user;
	return failed_if(!conn->http || http_receive(conn->http, stream, data, len,
						     flags & NGTCP2_STREAM_DATA_FLAG_FIN));
}

static int on_acked(ngtcp2_conn *quic, int64_t stream, uint64_t offset, uint64_t len, void *user,
		    void *stream_user)
{
	struct conn *conn = user;

	(void)quic, (void)offset, (void)stream_user;
	return failed_if(http_acked(conn->http, stream, len));
}

static int on_close(ngtcp2_conn *quic, uint32_t flags, int64_t stream, uint64_t error, void *user,
		    void *stream_user)
{
	struct conn *conn = user;

	(void)stream_user;
	if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET))
		error = NGHTTP3_H3_NO_ERROR;
	if (ngtcp2_is_bidi_stream(stream))
		ngtcp2_conn_extend_max_streams_bidi(quic, 1);
	return failed_if(conn->http && http_close_stream(conn->http, stream, error));
}

static int on_reset(ngtcp2_conn *quic, int64_t stream, uint64_t size, uint64_t error, void *user,
		    void *stream_user)
{
	struct conn *conn = user;

	(void)quic, (void)size, (void)error, (void)stream_user;
	return failed_if(conn->http && http_stop_reading(conn->http, stream));
}

static int on_stop(ngtcp2_conn *quic, int64_t stream, uint64_t error, void *user, void *stream_user)
{
	return on_reset(quic, stream, 0, error, user, stream_user);
}

static int on_room(ngtcp2_conn *quic, int64_t stream, uint64_t max, void *user, void *stream_user)
{
	struct conn *conn = user;

	(void)quic, (void)max, (void)stream_user;
	return failed_if(conn->http && http_unblock(conn->http, stream));
}

static const ngtcp2_callbacks callbacks = {
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.update_key = ngtcp2_crypto_update_key_cb,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
	.rand = give_random,
	.get_new_connection_id = give_id,
	.remove_connection_id = drop_id,
	.handshake_completed = on_handshake,
	.path_validation = on_path,
	.recv_tx_key = on_send_key,
	.recv_stream_data = on_data,
	.acked_stream_data_offset = on_acked,
	.stream_close = on_close,
	.stream_reset = on_reset,
	.stream_stop_sending = on_stop,
	.extend_max_stream_data = on_room,
};

/* ---- a connection's life ------------------------------------------------------------------------ */

static ngtcp2_conn *quic_of(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct conn *)ref->user_data)->quic;
}

static bool start_tls(struct conn *conn)
{
	static const gnutls_datum_t alpn = {(unsigned char *)"h3", 2};

	if (gnutls_init(&conn->tls, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET))
		return false;
	conn->ref = (ngtcp2_crypto_conn_ref){quic_of, conn};
	gnutls_session_set_ptr(conn->tls, &conn->ref);
	return !gnutls_priority_set_direct(conn->tls,
					   "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
					   "%DISABLE_TLS13_COMPAT_MODE",
					   NULL) &&
	       !ngtcp2_crypto_gnutls_configure_server_session(conn->tls) &&
	       !gnutls_credentials_set(conn->tls, GNUTLS_CRD_CERTIFICATE,
				       conn->server->credentials) &&
	       !gnutls_alpn_set_protocols(conn->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY);
}

static bool start_quic(struct conn *conn, const ngtcp2_pkt_hd *first, const ngtcp2_path *path)
{
	const struct server *server = conn->server;
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	ngtcp2_cid id;

	ngtcp2_settings_default(&settings);
	settings.initial_ts = time_now();
	ngtcp2_transport_params_default(&params);
	params.initial_max_stream_data_bidi_remote = WINDOW;
	params.initial_max_stream_data_uni = WINDOW;
	params.initial_max_data = WINDOW;
	params.initial_max_streams_bidi = STREAMS_MAX;
	params.initial_max_streams_uni = 3;
	params.max_idle_timeout = IDLE_S * NGTCP2_SECONDS;
	params.active_connection_id_limit = 7;
	params.original_dcid = first->dcid;
	return id_make(&server->layouts[server->layout], &id) && add_id(conn, &id) &&
	       add_id(conn, &first->dcid) &&
	       !ngtcp2_conn_server_new(&conn->quic, &first->scid, &id, path, first->version,
				       &callbacks, &settings, &params, NULL, conn);
}

static void conn_free(struct conn *conn)
{
	http_free(conn->http);
	if (conn->quic)
		ngtcp2_conn_del(conn->quic);
	if (conn->tls)
		gnutls_deinit(conn->tls);
	free(conn);
}

static ngtcp2_path path_from(struct server *server, const struct sockaddr *from, socklen_t len)
{
	return (ngtcp2_path){.local = {(void *)&server->local, server->local_len},
			     .remote = {(void *)from, len}};
}

struct conn *conn_find(const struct server *server, const uint8_t *id, size_t len)
{
	ngtcp2_cid wanted;

	if (len > NGTCP2_MAX_CIDLEN)
		return NULL;
	ngtcp2_cid_init(&wanted, id, len);
	for (struct conn *c = server->conns; c; c = c->next)
		for (size_t i = 0; i < c->n_ids; i++)
			if (ngtcp2_cid_eq(&c->ids[i], &wanted))
				return c;
	return NULL;
}

struct conn *conn_accept(struct server *server, const ngtcp2_pkt_hd *first,
			 const struct sockaddr *from, socklen_t from_len)
{
	ngtcp2_path path = path_from(server, from, from_len);
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->server = server;
	conn->number = ++server->n_accepted;
	if (!start_tls(conn) || !start_quic(conn, first, &path)) {
		server_log(server, "refused port %u: no memory, or TLS does not start",
			   port_of(&path.remote));
		conn_free(conn);
		return NULL;
	}
	ngtcp2_conn_set_tls_native_handle(conn->quic, conn->tls);
	conn->next = server->conns;
	server->conns = conn;
	server_log(server, "accepted %u port %u rotation %u", conn->number, port_of(&path.remote),
		   rotation_of(conn, &conn->ids[0]));
	return conn;
}

static void transmit(const struct conn *conn, const ngtcp2_path *path, const uint8_t *packet,
		     size_t len)
{
	/* lost on the way or lost here: QUIC repeats */
	if (sendto(conn->server->fd, packet, len, 0, (const void *)path->remote.addr,
		   path->remote.addrlen) < 0 &&
	    errno != EAGAIN)
		server_log(conn->server, "send %u port %u: %s", conn->number,
			   port_of(&path->remote), strerror(errno));
}

static void close_for(struct conn *conn, int error)
{
	ngtcp2_connection_close_error why;
	ngtcp2_path_storage path;
	uint8_t packet[PACKET_MAX];
	ngtcp2_ssize len;

	ngtcp2_connection_close_error_default(&why);
	if (error == NGTCP2_ERR_CRYPTO)
		ngtcp2_connection_close_error_set_transport_error_tls_alert(
			&why, ngtcp2_conn_get_tls_alert(conn->quic), NULL, 0);
	else
		ngtcp2_connection_close_error_set_transport_error_liberr(&why, error, NULL, 0);
	ngtcp2_path_storage_zero(&path);
	len = ngtcp2_conn_write_connection_close(conn->quic, &path.path, NULL, packet,
						 sizeof(packet), &why, time_now());
	if (len > 0)
		transmit(conn, &path.path, packet, (size_t)len);
	over(conn, ngtcp2_strerror(error));
}

static void end(struct conn *conn, int error)
{
	if (error == NGTCP2_ERR_DRAINING || error == NGTCP2_ERR_IDLE_CLOSE ||
	    error == NGTCP2_ERR_DROP_CONN || error == NGTCP2_ERR_HANDSHAKE_TIMEOUT)
		over(conn, ngtcp2_strerror(error));
	else
		close_for(conn, error);
}

static void send_all(struct conn *conn)
{
	ngtcp2_path_storage path;
	uint8_t packet[PACKET_MAX];
	ngtcp2_tstamp now = time_now();
	ngtcp2_ssize len;

	ngtcp2_path_storage_zero(&path);
	if (conn->http)
		http_tick(conn->http, now);
	while ((len = http_write(conn->http, conn->quic, &path.path, packet, sizeof(packet), now)) >
	       0)
		transmit(conn, &path.path, packet, (size_t)len);
	ngtcp2_conn_update_pkt_tx_time(conn->quic, now);
	if (len < 0)
		end(conn, (int)len);
}

void conn_receive(struct conn *conn, const struct sockaddr *from, socklen_t from_len,
		  const uint8_t *packet, size_t len)
{
	ngtcp2_path path = path_from(conn->server, from, from_len);
	ngtcp2_tstamp now = time_now();
	int rc;

	if (conn->ends_at)
		return;
	if (conn->http)
		http_tick(conn->http, now);
	rc = ngtcp2_conn_read_pkt(conn->quic, &path, NULL, packet, len, now);
	if (rc)
		end(conn, rc);
	else
		send_all(conn);
}

static ngtcp2_tstamp conn_next(const struct conn *conn)
{
	ngtcp2_tstamp expiry, line = UINT64_MAX;

	if (conn->ends_at)
		return conn->ends_at;
	expiry = ngtcp2_conn_get_expiry(conn->quic);
	if (conn->http)
		line = http_next(conn->http);
	return line < expiry ? line : expiry;
}

static void conn_tick(struct conn *conn, ngtcp2_tstamp now)
{
	int rc = 0;

	if (ngtcp2_conn_get_expiry(conn->quic) <= now)
		rc = ngtcp2_conn_handle_expiry(conn->quic, now);
	if (rc)
		end(conn, rc);
	else
		send_all(conn);
}

ngtcp2_tstamp server_tick(struct server *server)
{
	ngtcp2_tstamp now = time_now(), next = UINT64_MAX, at;
	struct conn **link = &server->conns, *conn;

	while ((conn = *link)) {
		if (conn->ends_at && conn->ends_at <= now) {
			*link = conn->next;
			conn_free(conn);
			continue;
		}
		if (!conn->ends_at && conn_next(conn) <= now)
			conn_tick(conn, now);
		at = conn_next(conn);
		if (at < next)
			next = at;
		link = &conn->next;
	}
	return next;
}

void server_close_all(struct server *server)
{
	struct conn *conn;

	while ((conn = server->conns)) {
		server->conns = conn->next;
		conn_free(conn);
	}
}
