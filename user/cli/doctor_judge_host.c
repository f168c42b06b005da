// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: what the kernel must have. */
#include <string.h>

#include "cli/doctor.h"

bool judge_daemon(const struct doctor_host *h, struct finding *f)
{
	if (h->has_daemon && h->is_partial) {
		finding_set(
			f, FINDING_WARNING,
			"not all answers of mtlbd on %s were understood: some objects are not checked",
			h->socket);
		finding_advise(f, "mtlbctl version: mtlbctl and mtlbd must be of one version");
		return true;
	}
	if (h->has_daemon) {
		finding_set(f, FINDING_OK, "mtlbd answers on %s", h->socket);
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		"mtlbd does not answer on %s: tenants, segments and backends are not checked, and "
		"only interfaces that carry an XDP program",
		h->socket);
	finding_advise(f,
		       "systemctl start mtlbd (or name its socket: --socket, MTLB_SOCKET; it needs "
		       "root)");
	return true;
}

bool judge_kernel(const struct doctor_host *h, struct finding *f)
{
	if (host_is_from(h, 6, 1)) {
		finding_set(f, FINDING_OK, "Linux %s", h->release);
		return true;
	}
	finding_set(f, FINDING_BROKEN, "Linux %s; the data plane needs 6.1 or later", h->release);
	finding_advise(f, "boot a kernel from 6.1 on");
	return true;
}

bool judge_jit(const struct doctor_host *h, struct finding *f)
{
	if (!h->jit_known) {
		finding_set(
			f, FINDING_UNKNOWN,
			"whether BPF programs are compiled: a test program could not be loaded");
		finding_advise(f, "mtlbctl doctor as root");
	} else if (!h->jit) {
		finding_set(f, FINDING_BROKEN,
			    "BPF programs are interpreted: each packet costs many times as much");
		finding_advise(f, "sysctl -w net.core.bpf_jit_enable=1, then restart mtlbd");
	} else if (h->jit_harden == 2) {
		finding_set(f, FINDING_WARNING,
			    "BPF programs are compiled, but with constants blinded "
			    "(net.core.bpf_jit_harden=2): slower");
		finding_advise(f, "sysctl -w net.core.bpf_jit_harden=1, then restart mtlbd");
	} else {
		finding_set(f, FINDING_OK, "BPF programs are compiled");
	}
	return true;
}

bool judge_bpffs(const struct doctor_host *h, struct finding *f)
{
	if (h->has_bpffs) {
		finding_set(f, FINDING_OK, "/sys/fs/bpf is mounted");
		return true;
	}
	finding_set(f, FINDING_BROKEN,
		    "/sys/fs/bpf is no BPF file system: mtlbd cannot pin its maps and programs");
	finding_advise(
		f, "mount -t bpf bpf /sys/fs/bpf (within ip netns exec it is hidden: use nsenter "
		   "--net=)");
	return true;
}

bool judge_btf(const struct doctor_host *h, struct finding *f)
{
	if (h->has_btf) {
		finding_set(f, FINDING_OK, "the kernel has BTF");
		return true;
	}
	finding_set(f, h->is_share_used ? FINDING_BROKEN : FINDING_WARNING,
		    "the kernel has no BTF: libxdp cannot share an interface with other programs%s",
		    h->is_share_used ? ", as the configuration asks" : "");
	finding_advise(
		f, "boot a kernel with CONFIG_DEBUG_INFO_BTF, and do without `share: true` until "
		   "then");
	return true;
}

bool judge_lockdown(const struct doctor_host *h, struct finding *f)
{
	bool is_strict = !strcmp(h->lockdown, "confidentiality");

	if (!is_strict || !h->is_share_used) {
		finding_set(f, FINDING_OK, "lockdown: %s%s",
			    *h->lockdown ? h->lockdown : "none to be seen",
			    is_strict ? "; mtlb does not need what it forbids" : "");
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		"lockdown: confidentiality: libxdp may not load its dispatcher, and `share: true` gets "
		"the interface alone");
	finding_advise(
		f, "mtlbctl status tells which; lockdown=integrity on the kernel's command line "
		   "allows it");
	return true;
}

bool judge_capabilities(const struct doctor_host *h, struct finding *f)
{
	if (!*h->missing) {
		finding_set(f, FINDING_OK, "mtlbctl may look at everything");
		return true;
	}
	finding_set(
		f, FINDING_WARNING,
		"mtlbctl runs without %s: other ends of veths, queues and the JIT cannot be looked at",
		h->missing);
	finding_advise(f, "sudo mtlbctl doctor");
	return true;
}
