/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In place of libbpf's, where the data plane is built for this machine: the helpers are functions of the
 * harness. Maps keep the form of their declarations, whose types tell the harness the sizes.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>

#define SEC(name)
#define __uint(name, val)  int(*name)[val]
#define __type(name, val)  typeof(val) *name
#define __array(name, val) typeof(val) *name[]

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline      __attribute__((noinline))

void *bpf_map_lookup_elem(const void *map, const void *key);
__u64 bpf_ktime_get_coarse_ns(void);
__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx);
long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta);
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta);
long bpf_redirect_map(void *map, __u64 key, __u64 flags);
/* as libbpf's */
#define barrier_var(var) asm volatile("" : "+r"(var))

long bpf_loop(__u32 n, void *step, void *step_ctx, __u64 flags);
