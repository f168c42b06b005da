// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: offloads and queues, by the ethtool ioctl; for the other end of a veth from within its network namespace. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>

#include "cli/doctor.h"
#include "util/cleanup.h"

/* ---- network namespaces ---- */
static bool is_net(const char *path, int32_t net)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && doctor_net_id(fd) == net;
}

static bool find_named(int32_t net, char *path, size_t size, char *prefix, size_t prefix_size)
{
	DIR *dir = opendir("/run/netns");
	const struct dirent *e;
	bool is_found = false;

	while (dir && !is_found && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, size, "/run/netns/%s", e->d_name);
		is_found = is_net(path, net);
		if (is_found)
			snprintf(prefix, prefix_size, "ip netns exec %.40s ", e->d_name);
	}
	if (dir)
		closedir(dir);
	return is_found;
}

/* Of containers: by a process in it. */
static bool find_by_process(int32_t net, char *path, size_t size, char *prefix, size_t prefix_size)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	bool is_found = false;
	ino_t last = 0;

	while (dir && !is_found && (e = readdir(dir))) {
		struct stat st;
		if (strspn(e->d_name, "0123456789") != strlen(e->d_name))
			continue;
		snprintf(path, size, "/proc/%.20s/ns/net", e->d_name);
		/* most processes are in the namespace of the one before */
		if (stat(path, &st) || st.st_ino == last)
			continue;
		last = st.st_ino;
		is_found = is_net(path, net);
		if (is_found)
			snprintf(prefix, prefix_size, "nsenter -n -t %.20s ", e->d_name);
	}
	if (dir)
		closedir(dir);
	return is_found;
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* A socket stays in the namespace in which it was made. */
static int open_socket_in(const char *path)
{
	_cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int other = open(path, O_RDONLY | O_CLOEXEC);

	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET))
		return -errno;
	int fd = open_socket();

	if (setns(own, CLONE_NEWNET)) {
		/* all that is read from here on would be of the wrong namespace */
		perror("mtlbctl: the way back into this network namespace");
		exit(1);
	}
	return fd;
}

int doctor_ethtool_open(int32_t net, char *prefix, size_t size)
{
	char path[512];

	*prefix = '\0';
	if (net < 0)
		return open_socket();
	if (find_named(net, path, sizeof(path), prefix, size) ||
	    find_by_process(net, path, sizeof(path), prefix, size))
		return open_socket_in(path);
	return -ENOENT;
}

/* ---- one interface ---- */
static int ask(int fd, const char *name, void *command)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	r.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &r) ? -errno : 0;
}

static uint32_t feature_of(const char *name)
{
	static const struct {
		const char *name;
		uint32_t feature;
	} rows[] = {
		{"rx-lro", FEATURE_LRO},
		{"rx-gro", FEATURE_GRO},
		{"rx-gro-hw", FEATURE_GRO_HW},
		{"rx-vlan-hw-parse", FEATURE_RX_VLAN},
		{"tx-vlan-hw-insert", FEATURE_TX_VLAN},
		{"tx-checksum-ipv4", FEATURE_TX_CHECKSUM},
		{"tx-checksum-ip-generic", FEATURE_TX_CHECKSUM},
		{"tx-checksum-ipv6", FEATURE_TX_CHECKSUM},
		{"tx-tcp-segmentation", FEATURE_TSO},
		{"tx-tcp6-segmentation", FEATURE_TSO},
		{"tx-udp-segmentation", FEATURE_TSO},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].feature;
	return 0;
}

static uint32_t count_features(int fd, const char *name)
{
	struct {
		struct ethtool_sset_info head;
		uint32_t n;
	} info = {.head = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};

	return ask(fd, name, &info) || !info.head.sset_mask ? 0 : info.n;
}

static void read_features(int fd, struct doctor_port *port)
{
	uint32_t n = count_features(fd, port->name), blocks = (n + 31) / 32;
	_cleanup_free_ struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	_cleanup_free_ struct ethtool_gfeatures *values =
		calloc(1, sizeof(*values) + blocks * sizeof(values->features[0]));

	if (!n || !names || !values)
		return;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	values->cmd = ETHTOOL_GFEATURES;
	values->size = blocks;
	if (ask(fd, port->name, names) || ask(fd, port->name, values))
		return;
	port->features_known = true;
	for (uint32_t i = 0; i < n; i++) {
		char name[ETH_GSTRING_LEN + 1] = "";
		memcpy(name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		if (values->features[i / 32].active & 1U << i % 32)
			port->features |= feature_of(name);
	}
}

void doctor_ethtool_read(int fd, struct doctor_port *port)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	read_features(fd, port);
	/* what the driver uses; netlink told what it has room for */
	if (!ask(fd, port->name, &channels) && channels.rx_count + channels.combined_count)
		port->rx_queues = channels.rx_count + channels.combined_count;
}
