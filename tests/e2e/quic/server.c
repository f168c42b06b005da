// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A QUIC server (HTTP/3) whose connection ids a load balancer can read, for the end-to-end tests.
 *   quic_server ADDRESS PORT NAME CERTIFICATE KEY LAYOUT...
 * LAYOUT: ROTATION/ROTATION-BITS/SERVER-ID/NONCE-LENGTH, the server id in hex; with /len behind it the first octet tells the
 * id's length. Ids are made by the first layout; each SIGUSR1 goes on to the next one. All have one length, since
 * libngtcp2 gives a connection ids of one length. What it answers: http.h.
 *
 * Prints a line for each event (PORT is the client's):
 *   NAME accepted N port PORT rotation R      a first packet; ids have the rotation bits R
 *   NAME handshake N port PORT                complete
 *   NAME path N port PORT: valid|not valid    connection N is at another port, and answered from there (or did not)
 *   NAME over N port PORT: WHY
 *   NAME stray port PORT                      a packet of a connection that is not here: the balancer sent it astray
 *   NAME layout I                             after SIGUSR1
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>

#include "conn.h"

static volatile sig_atomic_t asked_next, asked_end;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		asked_next = 1;
	else
		asked_end = 1;
}

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "quic_server: %s: %s\n", what, why);
	exit(1);
}

static void open_socket(struct server *server, const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *at;
	int rc = getaddrinfo(address, port, &hints, &at);

	if (rc)
		die(address, gai_strerror(rc));
	server->fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0 || bind(server->fd, at->ai_addr, at->ai_addrlen))
		die(address, strerror(errno));
	memcpy(&server->local, at->ai_addr, at->ai_addrlen);
	server->local_len = at->ai_addrlen;
	freeaddrinfo(at);
}

static void read_certificate(struct server *server, const char *certificate, const char *key)
{
	int rc = gnutls_certificate_allocate_credentials(&server->credentials);

	if (!rc)
		rc = gnutls_certificate_set_x509_key_file(server->credentials, certificate, key,
							  GNUTLS_X509_FMT_PEM);
	if (rc < 0)
		die(certificate, gnutls_strerror(rc));
	rc = gnutls_rnd(GNUTLS_RND_KEY, server->reset_secret, sizeof(server->reset_secret));
	if (rc)
		die("random numbers", gnutls_strerror(rc));
}

static void read_layouts(struct server *server, char **texts, size_t n)
{
	if (n > LAYOUTS_MAX)
		die(texts[LAYOUTS_MAX], "more than 7 layouts");
	for (size_t i = 0; i < n; i++) {
		if (!id_layout_parse(texts[i], &server->layouts[i]))
			die(texts[i], "no layout; one is 0/3/a1b2/6 or 0/3/a1b2/6/len");
		if (id_layout_len(&server->layouts[i]) != id_layout_len(&server->layouts[0]))
			die(texts[i], "ids of another length than the first layout's");
	}
	server->n_layouts = n;
}

static unsigned port_of(const struct sockaddr_storage *from)
{
	return ntohs(from->ss_family == AF_INET ? ((const struct sockaddr_in *)from)->sin_port
						: ((const struct sockaddr_in6 *)from)->sin6_port);
}

static void negotiate_version(const struct server *server, const ngtcp2_version_cid *id,
			      const struct sockaddr_storage *from, socklen_t from_len)
{
	static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
	uint8_t packet[256], random;
	ngtcp2_ssize len;

	if (gnutls_rnd(GNUTLS_RND_NONCE, &random, 1))
		return;
	len = ngtcp2_pkt_write_version_negotiation(packet, sizeof(packet), random, id->scid,
						   id->scidlen, id->dcid, id->dcidlen, versions, 1);
	if (len > 0)
		sendto(server->fd, packet, (size_t)len, 0, (const void *)from, from_len);
}

static void take_packet(struct server *server, const uint8_t *packet, size_t len,
			const struct sockaddr_storage *from, socklen_t from_len)
{
	ngtcp2_version_cid id;
	ngtcp2_pkt_hd first;
	struct conn *conn;
	int rc =
		ngtcp2_pkt_decode_version_cid(&id, packet, len, id_layout_len(&server->layouts[0]));

	if (rc == NGTCP2_ERR_VERSION_NEGOTIATION) {
		negotiate_version(server, &id, from, from_len);
		return;
	}
	conn = rc ? NULL : conn_find(server, id.dcid, id.dcidlen);
	if (!conn && !rc && !ngtcp2_accept(&first, packet, len))
		conn = conn_accept(server, &first, (const void *)from, from_len);
	else if (!conn)
		server_log(server, "stray port %u", port_of(from));
	if (conn)
		conn_receive(conn, (const void *)from, from_len, packet, len);
}

static void take_packets(struct server *server)
{
	uint8_t packet[65536];
	struct sockaddr_storage from;
	ssize_t len;

	for (;;) {
		socklen_t from_len = sizeof(from);

		len = recvfrom(server->fd, packet, sizeof(packet), 0, (void *)&from, &from_len);
		if (len < 0)
			return;
		take_packet(server, packet, (size_t)len, &from, from_len);
	}
}

static void use_next_layout(struct server *server)
{
	asked_next = 0;
	if (server->layout + 1 < server->n_layouts)
		server->layout++;
	server_log(server, "layout %zu", server->layout);
}

/* Signals come in only while it waits, so that none is missed between look and wait. */
static void wait_until(const struct server *server, ngtcp2_tstamp at)
{
	struct pollfd fd = {server->fd, POLLIN, 0};
	ngtcp2_tstamp now = time_now(), left = at > now ? at - now : 0;
	struct timespec timeout = {(time_t)(left / NGTCP2_SECONDS), (long)(left % NGTCP2_SECONDS)};
	sigset_t none;

	sigemptyset(&none);
	ppoll(&fd, 1, at == UINT64_MAX ? NULL : &timeout, &none);
}

static void serve(struct server *server)
{
	while (!asked_end) {
		wait_until(server, server_tick(server));
		if (asked_next)
			use_next_layout(server);
		take_packets(server);
	}
}

static void prepare_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	const int numbers[] = {SIGUSR1, SIGTERM, SIGINT};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sigaddset(&blocked, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int main(int argc, char **argv)
{
	struct server server = {0};

	if (argc < 7) {
		fprintf(stderr, "usage: quic_server ADDRESS PORT NAME CERTIFICATE KEY LAYOUT...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	prepare_signals();
	server.name = argv[3];
	read_certificate(&server, argv[4], argv[5]);
	read_layouts(&server, argv + 6, (size_t)argc - 6);
	open_socket(&server, argv[1], argv[2]);
	serve(&server);
	server_close_all(&server);
	gnutls_certificate_free_credentials(server.credentials);
	close(server.fd);
	return 0;
}
