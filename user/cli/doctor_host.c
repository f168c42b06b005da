// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: what the kernel has. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include "cli/doctor.h"
#include "util/cleanup.h"

static bool read_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(text, (int)size, file);

	if (is_read)
		text[strcspn(text, "\n")] = '\0';
	if (file)
		fclose(file);
	return is_read;
}

static void read_kernel(struct doctor_host *h)
{
	struct utsname name;

	uname(&name);
	snprintf(h->release, sizeof(h->release), "%s", name.release);
	sscanf(name.release, "%u.%u", &h->major, &h->minor);
}

/*
 * net.core.bpf_jit_enable is to be seen in the first network namespace alone, so the kernel is asked what it made of the
 * shortest program.
 */
static void read_jit(struct doctor_host *h)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	char text[16];

	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "doctor", "GPL",
					       program, sizeof(program) / sizeof(*program), NULL);
	h->jit_known = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len);
	h->jit = info.jited_prog_len;
	h->jit_harden = read_line("/proc/sys/net/core/bpf_jit_harden", text, sizeof(text))
				? atoi(text)
				: -1;
}

static void read_files(struct doctor_host *h)
{
	char text[96];
	struct statfs fs;

	h->has_bpffs = !statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC;
	h->has_btf = !access("/sys/kernel/btf/vmlinux", F_OK);
	/* "none [integrity] confidentiality" */
	if (read_line("/sys/kernel/security/lockdown", text, sizeof(text)) && strchr(text, '['))
		sscanf(strchr(text, '['), "[%23[^]]", h->lockdown);
}

static void read_capabilities(struct doctor_host *h)
{
	static const struct {
		unsigned int number;
		const char *name;
	} rows[] = {
		{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
		{CAP_BPF, "CAP_BPF"},
	};
	unsigned long long effective = 0;
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "CapEff: %llx", &effective);
	if (file)
		fclose(file);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = strlen(h->missing);
		if (!(effective & 1ULL << rows[i].number))
			snprintf(h->missing + len, sizeof(h->missing) - len, "%s%s",
				 len ? ", " : "", rows[i].name);
	}
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

void doctor_read_host(struct doctor_host *h)
{
	libbpf_set_print(print_nothing);
	read_kernel(h);
	read_jit(h);
	read_files(h);
	read_capabilities(h);
}
