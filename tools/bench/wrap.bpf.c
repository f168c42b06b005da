// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes each repetition of BPF_PROG_RUN an honest run of another program: without this, the second
 * repetition would see what the first left, an encapsulated packet. Beside it, the two programs
 * that others are compared with.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wrap.h"

#define FLOW_MASK ((1ULL << WRAP_FLOW_BITS) - 1)

struct wrap_state state;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/*
 * A bijection on WRAP_FLOW_BITS bits: different numbers are different flows, in no order that a
 * prefetcher knows.
 */
static __always_inline __u64 scatter(__u64 number)
{
	number = number * 0x9e3779b97f4a7c15ULL & FLOW_MASK;
	number ^= number >> 20;
	number = number * 0xd6e8feb86659fd93ULL & FLOW_MASK;
	return number ^ number >> 20;
}

static __always_inline __u64 take_flow(void)
{
	__u64 number = state.next;

	state.next = number + 1 < state.end ? number + 1 : state.first;
	return scatter(number);
}

static __always_inline void *field(void *data, void *end, __u32 at, __u32 len)
{
	at &= WRAP_OFFSET_MAX;
	return data + at + len > end ? NULL : data + at;
}

static __always_inline bool restore(struct xdp_md *ctx)
{
	__u64 len = (__u64)ctx->data_end - (__u64)ctx->data;

	barrier_var(len); /* clang: folds it into arithmetic on data_end, which verifiers refuse */
	return !bpf_xdp_adjust_head(ctx, (int)len - WRAP_PACKET_LEN);
}

static __always_inline bool write_packet(void *data, void *end, __u64 flow)
{
	__u64 *words = data;
	__u32 *source;
	__be16 *port, *destination;

	if ((void *)(words + WRAP_PACKET_WORDS) > end)
		return false;
#pragma unroll
	for (int i = 0; i < WRAP_PACKET_WORDS; i++)
		words[i] = state.packet[i];
	source = field(data, end, state.source_at, 4);
	port = field(data, end, state.ports_at, 2);
	if (!source || !port)
		return false;
	*source = (*source & bpf_htonl(0xff000000)) | bpf_htonl((__u32)flow & 0xffffff);
	*port = bpf_htons(0x8000 | (__u16)(flow >> 24));
	if (!state.destinations)
		return true;
	destination = field(data, end, state.destination_at, 2);
	if (!destination)
		return false;
	*destination = bpf_htons((__u16)((__u64)(__u32)(flow >> 7) * state.destinations >> 32));
	return true;
}

SEC("xdp.frags")
int wrap(struct xdp_md *ctx)
{
	__u64 run = state.run++;

	if (run == 0)
		state.started_ns = bpf_ktime_get_ns();
	else if (run == state.last)
		state.ended_ns = bpf_ktime_get_ns();
	if (!restore(ctx))
		return XDP_ABORTED;
	if (!write_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end, take_flow()))
		return XDP_ABORTED;
	/*
	 * A locked instruction: no load of the measured program is served by a store above that is
	 * still under way.
	 */
	__sync_fetch_and_add(&state.fence, 1);
	bpf_tail_call_static(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_TX;
}

/*
 * The floor: what any IPIP forwarder must do once it knows where to. No look-up, the same outer
 * header for all.
 */
static __always_inline void *floor_make_room(struct xdp_md *ctx, __u32 l2_len, __u32 outer_len)
{
	__u64 *to;

	if (bpf_xdp_adjust_head(ctx, (int)(l2_len - ETH_HLEN) - (int)outer_len))
		return NULL;
	to = (void *)(long)ctx->data;
	if ((void *)to + ETH_HLEN + outer_len > (void *)(long)ctx->data_end)
		return NULL;
	to[0] = 0x6d02010000626d02ULL;
	*(__u32 *)(to + 1) = 0x0200626c;
	return (void *)to + ETH_HLEN;
}

static __always_inline int floor_ipv4(struct xdp_md *ctx, const struct iphdr *inner, __u32 l2_len)
{
	__be16 len;
	__u32 sum;
	struct iphdr *outer;

	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	len = bpf_htons(bpf_ntohs(inner->tot_len) + sizeof(*outer));
	outer = floor_make_room(ctx, l2_len, sizeof(*outer));
	if (!outer)
		return XDP_DROP;
	*((__be16 *)outer - 1) = bpf_htons(ETH_P_IP);
	*(__u32 *)outer = bpf_htonl(0x45000000) | (__u32)len << 16;
	*((__u32 *)outer + 1) = bpf_htonl(0x00004000);
	sum = 0x4321 + len;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*((__u32 *)outer + 2) = (bpf_htonl(0x40040000)) | (__u32)(__u16)~sum << 16;
	outer->saddr = bpf_htonl(0x0afe0001);
	outer->daddr = bpf_htonl(0x0a010001);
	return XDP_TX;
}

static __always_inline int floor_ipv6(struct xdp_md *ctx, const struct ipv6hdr *inner, __u32 l2_len)
{
	__be16 len;
	__u32 *outer;

	if ((void *)(inner + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	len = bpf_htons(bpf_ntohs(inner->payload_len) + sizeof(*inner));
	outer = floor_make_room(ctx, l2_len, sizeof(*inner));
	if (!outer)
		return XDP_DROP;
	*((__be16 *)outer - 1) = bpf_htons(ETH_P_IPV6);
	outer[0] = bpf_htonl(6U << 28);
	outer[1] = len | (__u32)bpf_htons(IPPROTO_IPV6 << 8 | 64) << 16;
	outer[2] = outer[6] = bpf_htonl(0xfd000000);
	outer[3] = outer[7] = 0;
	outer[4] = outer[8] = 0;
	outer[5] = bpf_htonl(0x00fe0001);
	outer[9] = bpf_htonl(0x00010001);
	return XDP_TX;
}

SEC("xdp.frags")
int encapsulation_floor(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	__be16 *ethertype = data + 12;
	__u32 l2_len = ETH_HLEN;

	if (data + ETH_HLEN + 4 > (void *)(long)ctx->data_end)
		return XDP_DROP;
	if (*ethertype == bpf_htons(ETH_P_8021Q)) {
		ethertype += 2;
		l2_len += 4;
	}
	if (*ethertype == bpf_htons(ETH_P_IP))
		return floor_ipv4(ctx, data + l2_len, l2_len);
	return floor_ipv6(ctx, data + l2_len, l2_len);
}

char _license[] SEC("license") = "GPL";
