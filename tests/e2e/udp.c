// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * UDP for the end-to-end tests.
 *   udp serve ADDRESS PORT NAME [DELAY_MS]   answers each datagram with NAME and what came
 *   udp flows ADDRESS PORT N SECONDS EVERY_MS  N flows at once, each asks every so often; prints
 *       {"flows", "sent", "answered", "moved", "servers": {NAME: flows}}; moved: flows answered by two servers
 */
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAME_LEN = 32, DATAGRAM = 128, GRACE_MS = 500, SERVERS = 16 };

struct flow {
	int fd;
	unsigned sent, answered;
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
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST }, *to;

	if (getaddrinfo(address, port, &hints, &to))
		die(address);
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || use(fd, to->ai_addr, to->ai_addrlen))
		die("socket");
	freeaddrinfo(to);
	return fd;
}

static _Noreturn void serve(const char *address, const char *port, const char *name,
			    unsigned delay_ms)
{
	int fd = open_socket(address, port, bind);
	char text[NAME_LEN + DATAGRAM + 1];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.31s ", name);

	for (;;) {
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, text + len, DATAGRAM, 0, (void *)&from, &from_len);

		if (n < 0)
			die("recvfrom");
		usleep(delay_ms * 1000);
		sendto(fd, text, len + (size_t)n, 0, (void *)&from, from_len);
	}
}

static void take_answer(struct flow *f)
{
	char text[NAME_LEN + DATAGRAM + 1], name[NAME_LEN];
	ssize_t n = recv(f->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%31s", name) != 1)
		return;
	f->answered++;
	if (!*f->server)
		memcpy(f->server, name, sizeof(name));
	f->moved |= strcmp(f->server, name) != 0;
}

static void receive_until(struct flow *flows, struct pollfd *polls, size_t n, long end)
{
	long left;

	while ((left = end - now_ms()) > 0)
		if (poll(polls, n, (int)left) > 0)
			for (size_t i = 0; i < n; i++)
				if (polls[i].revents)
					take_answer(&flows[i]);
}

static void print_servers(const struct flow *flows, size_t n)
{
	char names[SERVERS][NAME_LEN] = { "" };
	unsigned counts[SERVERS] = { 0 };
	size_t known = 0, k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; k < known && strcmp(names[k], flows[i].server); k++)
			;
		if (k == known && known < SERVERS)
			memcpy(names[known++], flows[i].server, NAME_LEN);
		if (k < SERVERS)
			counts[k]++;
	}
	for (k = 0; k < known; k++)
		printf("%s\"%s\": %u", k ? ", " : "", names[k], counts[k]);
}

static int ask(const char *address, const char *port, size_t n, long seconds, long every_ms)
{
	struct flow *flows = calloc(n, sizeof(*flows));
	struct pollfd *polls = calloc(n, sizeof(*polls));
	unsigned sent = 0, answered = 0, moved = 0;

	if (!flows || !polls)
		die("calloc");
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n + 64, n + 64 });
	for (size_t i = 0; i < n; i++) {
		flows[i].fd = open_socket(address, port, connect);
		polls[i] = (struct pollfd){ flows[i].fd, POLLIN, 0 };
	}
	long start = now_ms();

	for (long at = start; at < start + seconds * 1000; at += every_ms) {
		for (size_t i = 0; i < n; i++)
			flows[i].sent += send(flows[i].fd, "hello", 5, 0) == 5;
		receive_until(flows, polls, n, at + every_ms);
	}
	receive_until(flows, polls, n, now_ms() + GRACE_MS);
	for (size_t i = 0; i < n; i++) {
		sent += flows[i].sent;
		answered += flows[i].answered;
		moved += flows[i].moved != 0;
	}
	printf("{\"flows\": %zu, \"sent\": %u, \"answered\": %u, \"moved\": %u, \"servers\": {", n, sent,
	       answered, moved);
	print_servers(flows, n);
	puts("}}");
	free(flows);
	free(polls);
	return 0;
}

int main(int argc, char **argv)
{
	if ((argc == 5 || argc == 6) && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], argv[4], argc == 6 ? (unsigned)atoi(argv[5]) : 0);
	if (argc == 7 && !strcmp(argv[1], "flows"))
		return ask(argv[2], argv[3], strtoul(argv[4], NULL, 10), atol(argv[5]), atol(argv[6]));
	fprintf(stderr, "usage: udp serve ADDRESS PORT NAME [DELAY_MS] | udp flows ADDRESS PORT N SECONDS EVERY_MS\n");
	return 2;
}
