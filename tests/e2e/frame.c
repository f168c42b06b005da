// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* For the end-to-end tests: frame DEVICE sends the frames that stand in its input, one a line, in hex. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FRAME = 1518
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_device(const char *device)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (!to.sll_ifindex || fd < 0 || bind(fd, (const void *)&to, sizeof(to)))
		die(device);
	return fd;
}

/* 0: these are no pairs of hex digits, or too many. */
static size_t read_hex(const char *text, unsigned char frame[FRAME])
{
	size_t len = 0;
	int used;

	for (; len < FRAME && sscanf(text, "%2hhx%n", &frame[len], &used) == 1 && used == 2; len++)
		text += 2;
	return *text == '\n' || !*text ? len : 0;
}

int main(int argc, char **argv)
{
	char line[2 * FRAME + 2];
	unsigned char frame[FRAME];

	if (argc != 2) {
		fprintf(stderr, "usage: frame DEVICE\n");
		return 2;
	}
	int fd = open_device(argv[1]);

	while (fgets(line, sizeof(line), stdin)) {
		size_t len = read_hex(line, frame);

		if (!len) {
			fprintf(stderr, "frame: no frame of up to %d bytes: %s", FRAME, line);
			return 1;
		}
		if (send(fd, frame, len, 0) != (ssize_t)len)
			die("send");
	}
	return 0;
}
