// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "neighbourhood.h"
#include "test.h"

#define PEER "ip -n mtlb-nettest "

int hood_run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void hood_reset(void)
{
	hood_run(
		"ip link del nt0 2>/dev/null; ip link del nt2 2>/dev/null; ip netns del mtlb-nettest 2>/dev/null");
	CU_ASSERT_EQUAL_FATAL(
		hood_run(
			"set -e; ip netns add mtlb-nettest; ip link set lo up\n"
			"sysctl -qw net.ipv6.conf.default.accept_dad=0\n"
			"ip netns exec mtlb-nettest sysctl -qw net.ipv6.conf.default.accept_dad=0\n"
			"ip link add nt0 type veth peer name nt1 netns mtlb-nettest\n"
			"ip link add nt2 type veth peer name nt3 netns mtlb-nettest\n" PEER
			"link add nbr type bridge\n" PEER "link set nbr address " HOOD_PEER_MAC
			"\n" PEER "link set nt1 master nbr\n" PEER "link set nt1 up\n" PEER
			"link set nt3 up\n" PEER "link set nbr up\n" PEER
			"addr add 10.77.0.2/24 dev nbr\n" PEER
			"addr add 10.77.0.3/24 dev nbr\n" PEER "addr add fd77::2/64 dev nbr nodad\n"
			"ip addr add 10.77.0.1/24 dev nt0\nip addr add fd77::1/64 dev nt0 nodad\n"
			"ip link set nt0 up\nip link set nt2 up"),
		0);
}

struct net *hood_open(void)
{
	struct report r = {};
	struct net *n = NULL;

	CU_ASSERT_EQUAL_FATAL(net_open(&n, &r), 0);
	return n;
}

struct addr hood_address(const char *text)
{
	struct addr a = {};

	CU_ASSERT_EQUAL_FATAL(addr_parse(text, &a), 0);
	return a;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

bool hood_has_mac(const struct next_hop *hop, const char *mac)
{
	char text[MAC_TEXT];
	struct mac m;

	memcpy(m.bytes, hop->l2, 6);
	return !strcmp(mac_print(&m, text), mac);
}

/* Until the destination is reached by this MAC ("": is not reached), at most 8 s. The answer alone moves it, as in mtlbd. */
bool hood_wait(struct net *n, const char *to, const char *mac, struct next_hop *hop, bool probe)
{
	struct addr a = hood_address(to);
	double end = now_s() + 8;

	while (now_s() < end) {
		struct pollfd p = {.fd = net_fd(n), .events = POLLIN};
		int err = net_next_hop(n, &a, hop);

		if (*mac ? !err && hood_has_mac(hop, mac) : err == -ENOENT || err == -EHOSTUNREACH)
			return true;
		if (probe)
			net_probe(n);
		poll(&p, 1, 100);
		net_process(n);
	}
	return false;
}

bool hood_explains(struct net *n, const char *to, const char *part)
{
	struct addr a = hood_address(to);
	char text[256];

	net_explain(n, &a, text, sizeof(text));
	if (!strstr(text, part))
		printf("     \"%s\" where \"%s\" was expected\n", text, part);
	return strstr(text, part);
}

void hood_settle(struct net *n)
{
	struct pollfd p = {.fd = net_fd(n), .events = POLLIN};

	while (poll(&p, 1, 300) > 0)
		net_process(n);
}

int hood_main(int argc, char **argv, const char *suite, const struct test *tests)
{
	/* names of namespaces of its own too: two runs at once do not meet */
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    (mkdir("/run/netns", 0755) && errno != EEXIST) ||
	    mount("netns", "/run/netns", "tmpfs", 0, NULL)) {
		perror("a network namespace (root is needed)");
		return EXIT_FAILURE;
	}
	int code = test_main(argc, argv, suite, tests);

	hood_run("ip netns del mtlb-nettest 2>/dev/null");
	return code;
}
