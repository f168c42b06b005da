// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other end, on a backend without a tunnel device: takes the outer IP header off (IPv4 or IPv6
 * in IPv4 or IPv6) and gives the inner packet to the kernel. Ethernet header and tags stay.
 * Whatever else comes is left alone.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "mtlb_decap.h"

#define IPV4_MORE_OR_OFFSET bpf_htons(0x3fff)
#define L2_MAX 22                    /* Ethernet and two tags */

enum decap_result {
	DECAP_DONE,
	DECAP_PASS,
	DECAP_MALFORMED,
};

struct address {
	__u32 words[4];              /* IPv4 as ::ffff:a.b.c.d */
};

/* Tunnel addresses of this host; none: every address that packets come for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct address);
	__type(value, __u32);
} local_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_decap_stats);
} decap_stats SEC(".maps");

struct tag {
	__be16 tci;
	__be16 ethertype;
};

struct outer {
	struct address to;
	__u32 payload;               /* bytes behind it, by its own account */
	__u8 len;                    /* of the outer header; a byte, so that the verifier knows a bound */
	__u8 protocol;               /* what is inside */
	bool is_fragment;
	bool is_malformed;           /* the header contradicts itself or the frame */
};

static __always_inline bool is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* Bytes of Ethernet header and tags; 0: cut off. *ethertype: what follows. */
static __always_inline __u32 l2_length(const void *data, const void *end, __be16 *ethertype)
{
	const struct ethhdr *eth = data;
	const struct tag *tag = (const void *)(eth + 1);

	if ((const void *)(eth + 1) > end)
		return 0;
	*ethertype = eth->h_proto;
	if (!is_tag(*ethertype))
		return sizeof(*eth);
	if ((const void *)(tag + 1) > end)
		return 0;
	*ethertype = tag->ethertype;
	if (!is_tag(*ethertype))
		return sizeof(*eth) + sizeof(*tag);
	if ((const void *)(tag + 2) > end)
		return 0;
	*ethertype = tag[1].ethertype;
	return sizeof(*eth) + 2 * sizeof(*tag);
}

static __always_inline bool read_outer_ipv4(const struct iphdr *ip, const void *end, struct outer *o)
{
	__u32 total;

	if ((const void *)(ip + 1) > end || ip->version != 4)
		return false;
	total = bpf_ntohs(ip->tot_len);
	o->to.words[0] = 0;
	o->to.words[1] = 0;
	o->to.words[2] = bpf_htonl(0xffff);
	o->to.words[3] = ip->daddr;
	o->len = ip->ihl * 4;
	o->payload = total - o->len;
	o->protocol = ip->protocol;
	o->is_fragment = ip->frag_off & IPV4_MORE_OR_OFFSET;
	o->is_malformed = o->len < sizeof(*ip) || total < o->len ||
			  total > (__u64)(end - (const void *)ip);
	return true;
}

/* A fragment has an extension header, so that its protocol is neither of those in tunnels. */
static __always_inline bool read_outer_ipv6(const struct ipv6hdr *ip, const void *end,
					    struct outer *o)
{
	if ((const void *)(ip + 1) > end || ip->version != 6)
		return false;
	__builtin_memcpy(&o->to, &ip->daddr, sizeof(o->to));
	o->len = sizeof(*ip);
	o->payload = bpf_ntohs(ip->payload_len);
	o->protocol = ip->nexthdr;
	o->is_malformed = o->payload + sizeof(*ip) > (__u64)(end - (const void *)ip);
	return true;
}

struct bpf_map;

static long stop_at_first(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	return 1;
}

static __always_inline bool is_local(const struct address *to)
{
	return bpf_map_lookup_elem(&local_addresses, to) ||
	       !bpf_for_each_map_elem(&local_addresses, stop_at_first, NULL, 0);
}

/* The inner header is there, of the announced version, and no longer than what carries it. */
static __always_inline bool is_inner_sound(const void *inner, const void *end, const struct outer *o)
{
	const struct iphdr *ip4 = inner;
	const struct ipv6hdr *ip6 = inner;

	/* the fields of both families lie in the first 20 bytes; that the rest is there, payload says */
	if ((const void *)(ip4 + 1) > end)
		return false;
	if (o->protocol == IPPROTO_IPIP)
		return ip4->version == 4 && ip4->ihl >= 5 &&
		       bpf_ntohs(ip4->tot_len) >= ip4->ihl * 4 &&
		       bpf_ntohs(ip4->tot_len) <= o->payload;
	return ip6->version == 6 && bpf_ntohs(ip6->payload_len) + sizeof(*ip6) <= o->payload;
}

/* Ethernet header and tags move up to the inner packet. */
static __always_inline bool strip(struct xdp_md *ctx, __u32 l2_len, const struct outer *o)
{
	const __u8 *from = (const __u8 *)(long)ctx->data;
	__be16 ethertype = o->protocol == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u64 mac_high;
	__u32 mac_low, tag0, tag1;
	__u8 *to;

	if ((const void *)(from + L2_MAX) > (const void *)(long)ctx->data_end)
		return false;
	mac_high = *(const __u64 *)from;
	mac_low = *(const __u32 *)(from + 8);
	tag0 = *(const __u32 *)(from + 12);
	tag1 = *(const __u32 *)(from + 16);
	if (bpf_xdp_adjust_head(ctx, (int)o->len))
		return false;
	to = (__u8 *)(long)ctx->data;
	if ((const void *)(to + L2_MAX) > (const void *)(long)ctx->data_end)
		return false;
	*(__u64 *)to = mac_high;
	*(__u32 *)(to + 8) = mac_low;
	if (l2_len > 14)
		*(__u32 *)(to + 12) = tag0;
	if (l2_len > 18)
		*(__u32 *)(to + 16) = tag1;
	if (l2_len == 14)
		*(__be16 *)(to + 12) = ethertype;
	else if (l2_len == 18)
		*(__be16 *)(to + 16) = ethertype;
	else
		*(__be16 *)(to + 20) = ethertype;
	return true;
}

static __always_inline enum decap_result decapsulate(struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	struct outer o = {};
	__be16 ethertype = 0;
	__u32 l2_len = l2_length(data, end, &ethertype);
	const void *l3 = data + l2_len;
	bool is_read = false;

	if (!l2_len)
		return DECAP_PASS;
	if (ethertype == bpf_htons(ETH_P_IP))
		is_read = read_outer_ipv4(l3, end, &o);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		is_read = read_outer_ipv6(l3, end, &o);
	if (!is_read || (o.protocol != IPPROTO_IPIP && o.protocol != IPPROTO_IPV6) ||
	    o.is_fragment || !is_local(&o.to))
		return DECAP_PASS;
	if (o.is_malformed || !is_inner_sound(l3 + o.len, end, &o) || !strip(ctx, l2_len, &o))
		return DECAP_MALFORMED;
	return DECAP_DONE;
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	enum decap_result result = decapsulate(ctx);
	__u32 zero = 0;
	struct mtlb_decap_stats *stats = bpf_map_lookup_elem(&decap_stats, &zero);

	if (stats) {
		stats->decapsulated += result == DECAP_DONE;
		stats->passed += result == DECAP_PASS;
		stats->malformed += result == DECAP_MALFORMED;
	}
	return result == DECAP_MALFORMED ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
