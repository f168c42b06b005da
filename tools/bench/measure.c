/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "wrap.h"
#include "bench_wrap.skel.h"

/*
 * A program that is attached nowhere makes each BPF_PROG_RUN update the kernel's XDP dispatcher: 8
 * ms. It also has to be native mode: only then the interface has the receive queue that a run
 * names.
 */
int meter_open(struct meter *m, uint32_t ifindex)
{
	struct bench_wrap *wrap = bench_wrap__open_and_load();

	if (!wrap)
		return -errno;
	int err = bpf_xdp_attach(ifindex, bpf_program__fd(wrap->progs.wrap), XDP_FLAGS_DRV_MODE,
				 NULL);

	if (err) {
		bench_wrap__destroy(wrap);
		return err;
	}
	m->wrap = wrap;
	m->state = &wrap->bss->state;
	m->ifindex = ifindex;
	return 0;
}

void meter_close(struct meter *m)
{
	if (!m->wrap)
		return;
	bpf_xdp_detach(m->ifindex, XDP_FLAGS_DRV_MODE, NULL);
	bench_wrap__destroy(m->wrap);
	m->wrap = NULL;
}

int meter_empty_fd(const struct meter *m)
{
	return bpf_program__fd(m->wrap->progs.empty);
}

int meter_floor_fd(const struct meter *m)
{
	return bpf_program__fd(m->wrap->progs.encapsulation_floor);
}

static int install(struct meter *m, int program_fd)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(m->wrap->maps.measured), &zero, &program_fd,
				   BPF_ANY);
}

int meter_run(struct meter *m, int program_fd, uint32_t packets, struct answer *a, double *ns)
{
	struct wrap_state *s = m->state;
	uint8_t in[WRAP_PACKET_LEN], out[2 * WRAP_PACKET_LEN];
	struct xdp_md ctx = {.data_end = sizeof(in), .ingress_ifindex = m->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in),
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)packets + 1);
	int err = install(m, program_fd);

	if (err)
		return err;
	memcpy(in, s->packet, sizeof(in));
	s->run = 0;
	s->last = packets;
	err = bpf_prog_test_run_opts(bpf_program__fd(m->wrap->progs.wrap), &opts);
	if (err)
		return err;
	if (opts.retval != a->verdict || opts.data_size_out != a->len) {
		a->verdict = opts.retval;
		a->len = opts.data_size_out;
		return -EPROTO;
	}
	*ns = (double)(s->ended_ns - s->started_ns) / packets;
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t n, double q)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[(size_t)(q * (double)(n - 1) + 0.5)];
}
