// SPDX-License-Identifier: GPL-2.0-only
/* The balancer: a packet goes through the stages until one of them ends it, and is counted. */
#include "maps.h"
#include "pkt.h"
#include "parse.h"
#include "segment.h"
#include "service.h"
#include "pick.h"
#include "encap.h"
#include "count.h"

static __always_inline enum mtlb_reason stages(struct xdp_md *ctx, struct pkt *p)
{
	enum mtlb_reason reason;
	struct found f = {};

	(reason = parse(ctx, p)) || (reason = segment(ctx, p, &f)) ||
		(reason = service(ctx, p, &f)) || (reason = pick(ctx, p, &f)) ||
		(reason = encap(ctx, p, &f));
	return reason;
}

SEC("xdp.frags")
int mtlb(struct xdp_md *ctx)
{
	struct pkt p = {};

	return count(&p, stages(ctx, &p));
}

/* The same for one packet of mtlbctl trace, run by BPF_PROG_RUN: flows, turns, loads, limits and counters stay. */
SEC("xdp.frags")
int mtlb_trace(struct xdp_md *ctx)
{
	struct pkt p = {.is_trace = true, .vip_id = -1, .backend_id = -1};

	return count_trace(&p, stages(ctx, &p));
}

char _license[] SEC("license") = "GPL";
