// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client's switch port would do: packets to anything outside the lab's own networks (10.0.0.0/8 and
 * fd00::/8), that is to VIPs, leave with a VLAN tag. For kernels that have no VLAN devices. And XDP_PASS, which the peer of a
 * veth that sends by XDP_TX must carry.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline int is_for_vip(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct ipv6hdr *ip6 = data + ETH_HLEN;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return (void *)(ip + 1) <= end && bpf_ntohl(ip->daddr) >> 24 != 10;
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return (void *)(ip6 + 1) <= end && ip6->daddr.s6_addr[0] == 0x20;
	return 0;
}

static __always_inline int tag(struct __sk_buff *skb, __u16 vlan)
{
	if (is_for_vip(skb) && bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), vlan))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("tc/100")
int tag_100(struct __sk_buff *skb)
{
	return tag(skb, 100);
}

SEC("tc/200")
int tag_200(struct __sk_buff *skb)
{
	return tag(skb, 200);
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The same for a peer whose frames don't fit a page. */
SEC("xdp.frags")
int pass_frags(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
