#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Frames of 9000 bytes, which come in several buffers; in by one interface and out by another; both together.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2 10.88.0.0/24     clients' MTU 9000, of all else 9100
#              eth0 lb eth1 ── sw ── b1 b2 10.89.0.0/24     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

VXLAN='{type: vxlan, vni: 4100}'

# Without a local address: it takes what comes for any of the backend's.
add_vxlan() {
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

# Packets that the balancer sent by eth0 or eth1, as the other end, p-lb or p-lb1, counts them.
packets_at() { in_ns sw cat /proc/net/dev | awk -v d="$1:" '$1 == d {print $3}'; }

packets_leave_by_the_other_interface() { # NAME FAMILY-OF-VIP PORT DEVICE
	local eth0 eth1
	eth0=$(packets_at p-lb) eth1=$(packets_at p-lb1)
	small_check "$@"
	eth0=$(($(packets_at p-lb) - eth0)) eth1=$(($(packets_at p-lb1) - eth1))
	check "$1-by-the-other-interface" "$eth0 packets left by eth0, $eth1 by eth1" [ $eth0 -lt 20 -a $eth1 -gt 200 ]
}

# The networks by eth1, by which frames leave that came in by eth0.
doctor_tells() { # STATE
	[ "$(in_ns lb $CTL --json doctor | jq -r '[.[] | select(.check == "jumbo") | .object + " " + .state] | sort | join(",")')" = \
		"10.89.0.21 $1,10.89.0.22 $1,fd89::21 $1,fd89::22 $1" ]
}

redirects_large_frames() { [ "$(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n 1)" = 6.3 ]; }

small_lab_up 9000 9100 || { fail start "the lab is not up"; exit; }
add_vxlan || { echo "SKIP $NAME: this kernel has no vxlan device"; exit; }
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
if redirects_large_frames; then
	check doctor_knows_that_they_are_redirected "$(in_ns lb $CTL doctor | grep jumbo)" doctor_tells ok
	frames_are_large other-vxlan 4 8004 vx4
else
	check doctor_warns_that_they_are_lost "$(in_ns lb $CTL doctor | grep jumbo)" doctor_tells warning
	echo "SKIP $NAME.other-vxlan: Linux before 6.3 does not redirect frames of several buffers"
	in_lab c link set eth0 mtu 1500
fi
packets_leave_by_the_other_interface other-vxlan-any-size 4 8004 vx4
packets_leave_by_the_other_interface other-l2 6 8005 ""
