// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: an interface of the node, its other end, its queues and their interrupts. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "util/cleanup.h"

enum {
	IRQS = 1024
};

/*
 * /sys shows the network namespace of whoever mounted it, which may be another one: this is a sysfs of our own, mounted nowhere.
 * -1 where that is not permitted.
 */
static int open_sysfs(void)
{
	_cleanup_close_ int fs = fsopen("sysfs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY);
}

static bool read_text(int dir, const char *path, char *text, size_t size)
{
	_cleanup_close_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

	if (len < 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* ---- interrupts ---- */
/* "virtio0-input.0", "mlx5_comp3", "eth0-TxRx-1"; not "virtio0-config", "mlx5_async0". */
static bool is_of_queue(int sysfs, const char *irq)
{
	static const char *const others[] = {"config", "async", "misc", "other", "mgmt", "fault"};
	char path[64], actions[128];

	snprintf(path, sizeof(path), "kernel/irq/%.20s/actions", irq);
	if (!read_text(sysfs, path, actions, sizeof(actions)) || !*actions)
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strstr(actions, others[i]))
			return false;
	return true;
}

static bool read_affinity(const char *irq, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/irq/%.20s/effective_affinity_list", irq);
	if (read_text(AT_FDCWD, path, text, size) && *text)
		return true;
	snprintf(path, sizeof(path), "/proc/irq/%.20s/smp_affinity_list", irq);
	return read_text(AT_FDCWD, path, text, size) && *text;
}

struct irqs {
	unsigned int n, n_cpus;
	char cpus[IRQS][16]; /* each once */
};

static void add_irq(int sysfs, const char *irq, struct irqs *irqs)
{
	char cpu[16];

	if (!is_of_queue(sysfs, irq) || !read_affinity(irq, cpu, sizeof(cpu)))
		return;
	irqs->n++;
	for (unsigned int i = 0; i < irqs->n_cpus; i++)
		if (!strcmp(irqs->cpus[i], cpu))
			return;
	if (irqs->n_cpus < IRQS)
		memcpy(irqs->cpus[irqs->n_cpus++], cpu, sizeof(cpu));
}

static void read_irqs(int sysfs, const char *path, struct irqs *irqs)
{
	int fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			add_irq(sysfs, e->d_name, irqs);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

/* A virtio NIC's interrupts are its PCI device's, one level up. */
static void read_all_irqs(int sysfs, struct doctor_link *l)
{
	static const char *const places[] = {"msi_irqs", "../msi_irqs"};
	_cleanup_free_ struct irqs *irqs = calloc(1, sizeof(*irqs));

	for (size_t i = 0; irqs && !irqs->n && i < sizeof(places) / sizeof(*places); i++) {
		char path[80];
		snprintf(path, sizeof(path), "class/net/%s/device/%s", l->name, places[i]);
		read_irqs(sysfs, path, irqs);
	}
	if (!irqs)
		return;
	l->n_irqs = irqs->n;
	l->n_irq_cpus = irqs->n_cpus;
}

static void read_rps(int sysfs, struct doctor_link *l)
{
	for (uint32_t i = 0; i < l->port.rx_queues && !l->rps; i++) {
		char path[80], text[1024];
		snprintf(path, sizeof(path), "class/net/%s/queues/rx-%u/rps_cpus", l->name, i);
		if (!read_text(sysfs, path, text, sizeof(text)))
			continue;
		l->rps_known = true;
		l->rps = strspn(text, "0,") != strlen(text);
	}
}

/* ---- the rest ---- */
static int read_number(const char *format, const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), format, name);
	return read_text(AT_FDCWD, path, text, sizeof(text)) && *text ? atoi(text) : -1;
}

static void read_peer(struct doctor_link *l)
{
	const struct doctor_port *p = &l->port;

	if (strcmp(p->kind, "veth") || !p->link ||
	    doctor_read_port(NULL, p->link, p->link_net, &l->peer))
		return;
	l->has_peer = true;
	_cleanup_close_ int fd = doctor_ethtool_open(p->link_net, l->peer_net, sizeof(l->peer_net));
	if (fd >= 0)
		doctor_ethtool_read(fd, &l->peer);
}

static void read_rp_filter(struct doctor_link *l)
{
	int all = read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", "all");
	int own = read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", l->name);

	l->rp_filter = own > all ? own : all;
}

void doctor_read_link(struct doctor_link *l)
{
	char none[8];

	l->exists = !doctor_read_port(l->name, 0, -1, &l->port);
	if (!l->exists)
		return;
	_cleanup_close_ int fd = doctor_ethtool_open(-1, none, sizeof(none));
	if (fd >= 0)
		doctor_ethtool_read(fd, &l->port);
	read_peer(l);
	l->has_master = l->port.master && !doctor_read_port(NULL, l->port.master, -1, &l->master);
	l->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	read_rp_filter(l);
	_cleanup_close_ int sysfs = open_sysfs();
	if (sysfs < 0)
		return;
	read_all_irqs(sysfs, l);
	read_rps(sysfs, l);
}
