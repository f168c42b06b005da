#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Frames of 9000 bytes, which come in several buffers; in by one interface and out by another; both together.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2 10.88.0.0/24     clients' MTU 9000, of all else 9100
#              eth0 lb eth1 ── sw ── b1 b2 10.89.0.0/24     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

VXLAN='{type: vxlan, vni: 4100}'

add_vxlan() {
	small_add_device vx4 address 02:6d:74:6c:62:01 mtu 9000 type vxlan id 4100 dstport 4789 local L4 nolearning
}

# The same device takes what comes for the backends' other addresses.
add_vxlan_of_any_address() {
	small_add_device vx4 address 02:6d:74:6c:62:01 mtu 9000 type vxlan id 4100 dstport 4789 nolearning
}

# An upload of 2 MB in frames of 9000 bytes is 234 of them; with 1500 it would be 1400.
frames_are_large() { # NAME FAMILY-OF-VIP PORT DEVICE
	local before after
	before=$(packets_of small)
	small_check "$@"
	after=$(packets_of small)
	check "$1-in-large-frames" "$((after - before)) packets" [ $((after - before)) -lt 900 ]
}

sent_by() { in_ns lb cat "/sys/class/net/$1/statistics/tx_packets"; }

packets_leave_by_the_other_interface() { # NAME FAMILY-OF-VIP PORT DEVICE
	local before after
	before=$(sent_by_xdp eth0)
	small_check "$@"
	after=$(sent_by_xdp eth0)
	check "$1-by-the-other-interface" "$((after - before)) packets left by eth0" [ $((after - before)) -lt 20 ]
}

# What left an interface of the balancer, as its peer in the switch counts it.
sent_by_xdp() {
	local peer=p-lb
	[ "$1" = eth0 ] || peer=p-lb1
	in_ns sw cat /proc/net/dev | awk -v d="$peer:" '$1 == d {print $3}'
}

small_lab_up 9000 9100 || { fail start "the lab is not up"; exit; }
add_vxlan_of_any_address || { echo "SKIP $NAME: this kernel has no vxlan device"; exit; }
{
	small_vip vxlan 4 8001 "$VXLAN" 4 88
	small_vip vxlan-ipv6 6 8002 "$VXLAN" 4 88
	small_vip l2 4 8003 '{type: l2}' 4 88
	small_vip other-vxlan 4 8004 "$VXLAN" 4 89
	small_vip other-l2 6 8005 '{type: l2}' 6 89
} | small_config eth0 eth1
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
frames_are_large vxlan 4 8001 vx4
frames_are_large vxlan-ipv6 6 8002 vx4
frames_are_large l2 4 8003 ""
frames_are_large other-vxlan 4 8004 vx4
packets_leave_by_the_other_interface other-vxlan-again 4 8004 vx4
packets_leave_by_the_other_interface other-l2 6 8005 ""
