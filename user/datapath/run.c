// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* BPF_PROG_RUN of the loaded programs. */
#include <errno.h>
#include <string.h>

#include "internal.h"

static int run(int program, uint32_t ifindex, const void *packet, uint32_t len, void *out,
	       uint32_t *out_len, uint32_t *verdict)
{
	struct xdp_md ctx = {.data_end = len, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = len,
		    .data_out = out, .data_size_out = *out_len, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);

	if (bpf_prog_test_run_opts(program, &opts))
		return -errno;
	*out_len = opts.data_size_out;
	*verdict = opts.retval;
	return 0;
}

int datapath_run(struct datapath *dp, uint32_t ifindex, const void *packet, uint32_t len, void *out,
		 uint32_t *out_len, uint32_t *verdict)
{
	return run(datapath_program_fd(dp), ifindex, packet, len, out, out_len, verdict);
}

int datapath_trace(struct datapath *dp, uint32_t ifindex, const void *packet, uint32_t len,
		   void *out, uint32_t *out_len, uint32_t *verdict)
{
	if (len < DATAPATH_TRACE_MIN || len > DATAPATH_TRACE_MAX)
		return -ERANGE;
	if (!ifindex) /* the kernel would take the loopback interface */
		return -ENODEV;
	memset(dp->maps.trace, 0, sizeof(*dp->maps.trace));
	return run(bpf_program__fd(dp->skel->progs.mtlb_trace), ifindex, packet, len, out, out_len,
		   verdict);
}
