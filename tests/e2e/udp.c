// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP for the end-to-end tests.
 *   udp serve ADDRESS PORT NAME [DELAY_MS [LOG]]   answers each datagram with NAME and what came; LOG gets a line
 *       "datagram PORT" for each, with the client's port, and "error PORT" for each ICMP error about an answer to it
 *   udp flows ADDRESS PORT N SECONDS EVERY_MS [BYTES]   N flows at once, each asks every so often with so many bytes;
 *       prints {"flows", "sent", "answered", "spoilt", "moved", "servers": {NAME: flows}}; answered: with the bytes
 *       that were sent, spoilt: with others; moved: flows answered by two servers
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "servers.h"

enum {
	HEAD = 32,
	BYTES = 64,
	DATAGRAM = 65000,
	BUFFER = 8 << 20
};
enum {
	GRACE_MS = 500
};

struct flow {
	int fd;
	unsigned sent, answered, spoilt;
	int moved;
	char server[NAME_LEN];
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_socket(const char *address, const char *port,
		       int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *to;

	if (getaddrinfo(address, port, &hints, &to))
		die(address);
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || use(fd, to->ai_addr, to->ai_addrlen))
		die("socket");
	/* many datagrams at once; beyond net.core.rmem_max, for which it takes root */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){BUFFER}, sizeof(int));
	freeaddrinfo(to);
	return fd;
}

/* ---- the server ---- */
static void log_line(FILE *to, const char *what, const struct sockaddr_storage *peer)
{
	/* the port stands at the same place in both families */
	if (to)
		fprintf(to, "%s %u\n", what, ntohs(((const struct sockaddr_in *)peer)->sin_port));
}

/* Of an error the peer is where the datagram went that it is about. */
static void log_errors(int fd, FILE *to)
{
	struct sockaddr_storage peer;
	struct msghdr m = {.msg_name = &peer, .msg_namelen = sizeof(peer)};

	while (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0) {
		log_line(to, "error", &peer);
		m.msg_namelen = sizeof(peer);
	}
}

/* Errors of before end a call, and are no reason to end. */
static ssize_t answer_one(int fd, char *text, size_t len, unsigned delay_ms, FILE *to)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, text + len, DATAGRAM, 0, (void *)&from, &from_len);

	if (n < 0)
		return n;
	log_line(to, "datagram", &from);
	usleep(delay_ms * 1000);
	while (sendto(fd, text, len + (size_t)n, 0, (void *)&from, from_len) < 0)
		if (errno != ECONNREFUSED)
			return -1;
	return n;
}

static _Noreturn void serve(const char *address, const char *port, const char *name,
			    unsigned delay_ms, const char *log)
{
	static char text[NAME_LEN + DATAGRAM];
	FILE *to = log ? fopen(log, "ae") : NULL;
	int fd = open_socket(address, port, bind);
	size_t len = (size_t)snprintf(text, sizeof(text), "%.30s ", name);

	if (log && !to)
		die(log);
	if (to) {
		setvbuf(to, NULL, _IOLBF, 0);
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &(int){1}, sizeof(int));
	}
	for (;;) {
		if (answer_one(fd, text, len, delay_ms, to) < 0 && errno != ECONNREFUSED)
			die("serve");
		log_errors(fd, to);
	}
}

/* ---- the client ---- */
/* What a flow sends in a turn: both numbers at the beginning, then bytes that hang on them. */
static void fill_datagram(char *text, size_t len, unsigned flow, unsigned turn)
{
	memset(text, 0, HEAD);
	snprintf(text, HEAD, "%u %u", flow, turn);
	for (size_t i = HEAD; i < len; i++)
		text[i] = (char)(i * 31 + i / 251 + flow * 7 + turn);
}

static int is_whole(const char *text, size_t len, size_t sent_len, unsigned flow)
{
	static char sent[DATAGRAM];
	unsigned turn;

	if (len != sent_len || sscanf(text, "%*u %u", &turn) != 1)
		return 0;
	fill_datagram(sent, sent_len, flow, turn);
	return !memcmp(text, sent, len);
}

static void take_answer(struct flow *f, unsigned number, size_t sent_len)
{
	static char text[NAME_LEN + DATAGRAM + 1];
	ssize_t n = recv(f->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	char name[NAME_LEN];

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%31s", name) != 1)
		return;
	size_t head = strlen(name) + 1;

	if ((size_t)n < head || !is_whole(text + head, (size_t)n - head, sent_len, number)) {
		f->spoilt++;
		return;
	}
	f->answered++;
	if (!*f->server)
		memcpy(f->server, name, sizeof(name));
	f->moved |= strcmp(f->server, name) != 0;
}

static void receive_until(struct flow *flows, struct pollfd *polls, size_t n, size_t len, long end)
{
	long left;

	while ((left = end - now_ms()) > 0)
		if (poll(polls, n, (int)left) > 0)
			for (size_t i = 0; i < n; i++)
				if (polls[i].revents)
					take_answer(&flows[i], (unsigned)i, len);
}

static void print_servers(const struct flow *flows, size_t n)
{
	struct servers servers = {0};

	for (size_t i = 0; i < n; i++)
		servers_count(&servers, flows[i].server);
	servers_print(&servers);
}

static void print_result(const struct flow *flows, size_t n)
{
	unsigned sent = 0, answered = 0, spoilt = 0, moved = 0;

	for (size_t i = 0; i < n; i++) {
		sent += flows[i].sent;
		answered += flows[i].answered;
		spoilt += flows[i].spoilt;
		moved += flows[i].moved != 0;
	}
	printf("{\"flows\": %zu, \"sent\": %u, \"answered\": %u, \"spoilt\": %u, \"moved\": %u, \"servers\": {",
	       n, sent, answered, spoilt, moved);
	print_servers(flows, n);
	puts("}}");
}

static int ask(const char *address, const char *port, size_t n, long seconds, long every_ms,
	       size_t len)
{
	struct flow *flows = calloc(n, sizeof(*flows));
	struct pollfd *polls = calloc(n, sizeof(*polls));
	static char text[DATAGRAM];
	unsigned turn = 0;

	if (!flows || !polls)
		die("calloc");
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){n + 64, n + 64});
	for (size_t i = 0; i < n; i++) {
		flows[i].fd = open_socket(address, port, connect);
		polls[i] = (struct pollfd){flows[i].fd, POLLIN, 0};
	}
	long start = now_ms();

	for (long at = start; at < start + seconds * 1000; at += every_ms, turn++) {
		for (size_t i = 0; i < n; i++) {
			fill_datagram(text, len, (unsigned)i, turn);
			flows[i].sent += send(flows[i].fd, text, len, 0) == (ssize_t)len;
		}
		receive_until(flows, polls, n, len, at + every_ms);
	}
	receive_until(flows, polls, n, len, now_ms() + GRACE_MS);
	print_result(flows, n);
	free(flows);
	free(polls);
	return 0;
}

/* 0: not from HEAD to DATAGRAM */
static size_t read_bytes(const char *text)
{
	size_t len = strtoul(text, NULL, 10);

	return len < HEAD || len > DATAGRAM ? 0 : len;
}

int main(int argc, char **argv)
{
	size_t len = argc == 8 ? read_bytes(argv[7]) : BYTES;

	if (argc >= 5 && argc <= 7 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], argv[4], argc > 5 ? (unsigned)atoi(argv[5]) : 0,
		      argc > 6 ? argv[6] : NULL);
	if ((argc == 7 || argc == 8) && !strcmp(argv[1], "flows") && len)
		return ask(argv[2], argv[3], strtoul(argv[4], NULL, 10), atol(argv[5]),
			   atol(argv[6]), len);
	fprintf(stderr,
		"usage: udp serve ADDRESS PORT NAME [DELAY_MS [LOG]] | "
		"udp flows ADDRESS PORT N SECONDS EVERY_MS [BYTES: %d to %d]\n",
		HEAD, DATAGRAM);
	return 2;
}
