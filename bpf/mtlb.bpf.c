// SPDX-License-Identifier: GPL-2.0-only
/* The balancer: a packet goes through the stages until one of them ends it, and is counted. */
#include "maps.h"
#include "pkt.h"
#include "parse.h"
#include "segment.h"
#include "vip.h"
#include "pick.h"
#include "encap.h"
#include "count.h"

static __always_inline enum mtlb_reason stages(struct xdp_md *ctx, struct pkt *p)
{
	enum mtlb_reason reason;

	(reason = parse(ctx, p)) || (reason = segment(ctx, p)) || (reason = vip(ctx, p)) ||
		(reason = pick(ctx, p)) || (reason = encap(ctx, p));
	return reason;
}

SEC("xdp")
int mtlb(struct xdp_md *ctx)
{
	struct pkt p = {};

	return count(&p, stages(ctx, &p));
}

char _license[] SEC("license") = "GPL";
