// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * SCTP for the end-to-end tests. Sockets are bound to one address, so that no INIT carries another one.
 *   sctp can                          succeeds where the kernel has SCTP
 *   sctp serve ADDRESS PORT NAME      sends each message back with NAME at its beginning
 *   sctp talk SOURCE ADDRESS PORT N   N associations at once; for each line of input, up to "end", each sends a
 *       message and takes the answer; prints {"whole", "moved", "servers": {NAME: associations}}; whole: answers with the bytes that
 *       were sent; moved: associations answered by another server than before
 */
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "servers.h"

/* A message takes several packets. */
enum {
	MESSAGE = 8000,
	TIMEOUT_S = 120
};

struct association {
	int fd;
	char server[NAME_LEN];
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void use_address(int (*use)(int, const struct sockaddr *, socklen_t), int *fd,
			const char *address, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *a;

	if (getaddrinfo(address, port, &hints, &a))
		die(address);
	if (*fd < 0)
		*fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
	if (*fd < 0 || use(*fd, a->ai_addr, a->ai_addrlen))
		die(address);
	freeaddrinfo(a);
}

static int receive_message(int fd, char message[MESSAGE])
{
	size_t len = 0;

	while (len < MESSAGE) {
		ssize_t n = recv(fd, message + len, MESSAGE - len, 0);

		if (n <= 0)
			return -1;
		len += (size_t)n;
	}
	return 0;
}

static _Noreturn void serve_association(int fd, const char *name)
{
	char message[MESSAGE];

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	while (!receive_message(fd, message)) {
		snprintf(message, NAME_LEN, "%s", name);
		if (send(fd, message, MESSAGE, 0) != MESSAGE)
			die("send");
	}
	exit(0);
}

static _Noreturn void serve(const char *address, const char *port, const char *name)
{
	int fd = -1;

	use_address(bind, &fd, address, port);
	if (listen(fd, SOMAXCONN))
		die("listen");
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int association = accept(fd, NULL, NULL);
		pid_t pid = association < 0 ? -1 : fork();

		if (pid < 0)
			die("accept");
		if (!pid)
			serve_association(association, name);
		close(association);
	}
}

static void fill_message(char message[MESSAGE], unsigned seed)
{
	for (size_t i = 0; i < MESSAGE; i++)
		message[i] = (char)(i * 31 + i / 251 + seed);
}

static void print_servers(const struct association *all, size_t n)
{
	struct servers servers = {0};

	for (size_t i = 0; i < n; i++)
		servers_count(&servers, all[i].server);
	servers_print(&servers);
}

static void talk_once(struct association *all, size_t n, unsigned turn)
{
	char sent[MESSAGE], got[MESSAGE];
	unsigned whole = 0, moved = 0;

	for (size_t i = 0; i < n; i++) {
		fill_message(sent, turn * 7 + (unsigned)i);
		if (send(all[i].fd, sent, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			perror("send");
	}
	for (size_t i = 0; i < n; i++) {
		fill_message(sent, turn * 7 + (unsigned)i);
		if (receive_message(all[i].fd, got))
			continue;
		whole += !memcmp(sent + NAME_LEN, got + NAME_LEN, MESSAGE - NAME_LEN);
		got[NAME_LEN - 1] = '\0';
		if (!*all[i].server)
			memcpy(all[i].server, got, NAME_LEN);
		moved += strcmp(all[i].server, got) != 0;
	}
	printf("{\"whole\": %u, \"moved\": %u, \"servers\": {", whole, moved);
	print_servers(all, n);
	puts("}}");
	fflush(stdout);
}

static int talk(const char *source, const char *address, const char *port, size_t n)
{
	const struct timeval patience = {.tv_sec = TIMEOUT_S};
	struct association *all = calloc(n, sizeof(*all));
	char line[8];

	if (!all)
		die("calloc");
	for (size_t i = 0; i < n; i++) {
		all[i].fd = -1;
		use_address(bind, &all[i].fd, source, NULL);
		setsockopt(all[i].fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		use_address(connect, &all[i].fd, address, port);
	}
	for (unsigned turn = 0; fgets(line, sizeof(line), stdin) && strcmp(line, "end\n"); turn++)
		talk_once(all, n, turn);
	for (size_t i = 0; i < n; i++)
		close(all[i].fd);
	free(all);
	return 0;
}

static int can(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP) < 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "can"))
		return can();
	if (argc == 5 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], argv[4]);
	if (argc == 6 && !strcmp(argv[1], "talk"))
		return talk(argv[2], argv[3], argv[4], strtoul(argv[5], NULL, 10));
	fprintf(stderr, "usage: sctp can | serve ADDRESS PORT NAME | talk SOURCE ADDRESS PORT N\n");
	return 2;
}
