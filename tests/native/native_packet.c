/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "native_bpf.h"
#include "native_packet.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

enum {
	AREA = 8192, /* room, headroom and packet; the packet ends where this ends */
	PAGE = 4096,
	FILL = 0x5e, /* what is not the packet's */
};

static uint8_t *area;
static uint64_t clock_ns;

static struct {         /* of the packet in hand */
	uint8_t *start; /* where the headroom begins */
	uint8_t *data, *end;
	uint32_t more;
	bool is_redirected;
} run;

/* The program sees 32-bit addresses: the kernel rewrites its loads of data and data_end. */
void native_packet_open(void)
{
	area = mmap(NULL, AREA + PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (area == MAP_FAILED || mprotect(area + AREA, PAGE, PROT_NONE)) {
		perror("memory for packets");
		exit(EXIT_FAILURE);
	}
	memset(area, FILL, AREA);
}

static void show(struct xdp_md *ctx)
{
	ASAN_POISON_MEMORY_REGION(area, AREA);
	ASAN_UNPOISON_MEMORY_REGION(run.data, (size_t)(run.end - run.data));
	ctx->data = (__u32)(uintptr_t)run.data;
	ctx->data_end = (__u32)(uintptr_t)run.end;
}

__u64 bpf_ktime_get_coarse_ns(void);
__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx);
long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta);
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta);
long bpf_redirect_map(void *map, __u64 key, __u64 flags);
long bpf_loop(__u32 n, void *step, void *step_ctx, __u64 flags);

__u64 bpf_ktime_get_coarse_ns(void)
{
	return clock_ns;
}

__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data + run.more;
}

long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta)
{
	if (delta < run.start - run.data || delta > run.end - run.data - ETH_HLEN)
		return -EINVAL;
	run.data += delta;
	show(ctx);
	return 0;
}

/* As the kernel: what is in other buffers goes first. */
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta)
{
	long len = run.end - run.data;
	long cut = -(long)delta;

	if (cut < 0 || cut > len + run.more - ETH_HLEN || (!run.more && cut > len - ETH_HLEN))
		return -EINVAL;
	if (cut <= run.more) {
		run.more -= (uint32_t)cut;
		return 0;
	}
	run.end -= cut - run.more;
	run.more = 0;
	show(ctx);
	return 0;
}

/* tx_ports has the interfaces 1 to 4. */
long bpf_redirect_map(void *map, __u64 key, __u64 flags)
{
	if (!native_bpf_is_tx_ports(map))
		abort();
	if (key < 1 || key > 4)
		return (long)(flags & 3);
	run.is_redirected = true;
	return XDP_REDIRECT;
}

long bpf_loop(__u32 n, void *step, void *step_ctx, __u64 flags)
{
	long (*const function)(__u32, void *) = (long (*)(__u32, void *))step;

	if (flags || n > 1 << 23)
		return flags ? -EINVAL : -E2BIG;
	for (__u32 i = 0; i < n; i++)
		if (function(i, step_ctx))
			return i + 1;
	return n;
}

static void check_rest(const uint8_t *from, const uint8_t *to, const char *where)
{
	for (; from < to; from++) {
		if (*from == FILL)
			continue;
		fprintf(stderr, "written: a byte %s\n", where);
		abort();
	}
}

void native_packet_run(const struct native_packet *p, uint64_t now_ns, bool is_trace,
		       struct native_result *r)
{
	struct xdp_md ctx = {.ingress_ifindex = p->ifindex};
	static uint8_t *dirty;

	if (!dirty)
		dirty = area;
	ASAN_UNPOISON_MEMORY_REGION(area, AREA);
	memset(dirty, FILL, (size_t)(area + AREA - dirty));
	run.end = area + AREA;
	run.data = run.end - p->len;
	run.start = run.data - p->headroom;
	run.more = p->more;
	run.is_redirected = false;
	memcpy(run.data, p->bytes, p->len);
	uint8_t *first = run.data;

	clock_ns = now_ns;
	show(&ctx);
	r->verdict = native_bpf_run(&ctx, is_trace);
	ASAN_UNPOISON_MEMORY_REGION(area, AREA);
	dirty = run.data < first ? run.data : first;
	check_rest(area + (dirty - area) / 8 * 8 - 64, dirty, "before the packet");
	r->data = run.data;
	r->len = (uint32_t)(run.end - run.data);
	r->more = run.more;
	r->is_redirected = run.is_redirected;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

uint32_t native_packet_l3(const struct native_packet *p)
{
	uint32_t l3 = ETH_HLEN;

	while (l3 < 22 && (get16(p->bytes + l3 - 2) == ETH_P_8021Q ||
			   get16(p->bytes + l3 - 2) == ETH_P_8021AD))
		l3 += 4;
	return l3;
}

uint32_t native_packet_ip_len(const struct native_packet *p, uint32_t l3)
{
	return p->bytes[l3] >> 4 == 4 ? get16(p->bytes + l3 + 2) : get16(p->bytes + l3 + 4) + 40;
}
