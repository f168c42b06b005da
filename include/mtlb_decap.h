/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the decapsulation program and its loader agree on. */
#pragma once

#include <linux/types.h>

/* The one element of the per-CPU array decap_stats: each packet counts once. */
struct mtlb_decap_stats {
	__u64 decapsulated;          /* outer header taken off, inner packet given to the kernel */
	__u64 passed;                /* no tunnel packet for a local address, or a fragment of one: untouched */
	__u64 malformed;             /* a tunnel packet whose lengths or versions contradict each other: dropped */
};
