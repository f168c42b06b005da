// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A server that says what it is told: canned SOCKET FILE... sends one file, a whole HTTP response,
 * for each request in turn, and ends. An empty file: the connection is closed without an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return EXIT_FAILURE;
}

static int listen_on(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) || listen(fd, 8))
		return -1;
	return fd;
}

/* Unread bytes would turn the close into a reset. false: the request is not whole. */
static int read_request(FILE *from)
{
	char line[4096];
	size_t len = 0;

	for (;;) {
		if (!fgets(line, sizeof(line), from))
			return 0;
		if (!strncasecmp(line, "Content-Length:", 15))
			len = strtoul(line + 15, NULL, 10);
		if (!strcmp(line, "\r\n"))
			break;
	}
	while (len && getc(from) != EOF)
		len--;
	return !len;
}

static int answer(int listener, const char *path)
{
	int fd = accept(listener, NULL, NULL), byte, error = 0;
	FILE *peer = fd < 0 ? NULL : fdopen(fd, "r+");
	FILE *file = fopen(path, "r");

	if (!peer || !file)
		return -1;
	if (!read_request(peer))
		error = -1;
	fflush(peer);
	while (!error && (byte = getc(file)) != EOF)
		putc(byte, peer);
	fclose(file);
	return fclose(peer) ? -1 : error;
}

int main(int argc, char **argv)
{
	int listener = argc > 2 ? listen_on(argv[1]) : -1;

	if (listener < 0)
		return fail("canned SOCKET FILE...");
	for (int i = 2; i < argc; i++)
		if (answer(listener, argv[i]))
			return fail(argv[i]);
	return EXIT_SUCCESS;
}
