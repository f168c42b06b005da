#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A bond as the balancer's interface: traffic in each mode in which bonds do XDP, a refusal that says why in the others.
#
#   c ── sw ── pb ═══ bond0 lb ── ... ── sw ── b1 b2       both ends of the two links are bonds     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

take_links_out() {
	local peer
	for peer in p-lb p-lb1; do
		in_lab sw link set $peer xdp off
		in_lab sw link set $peer nomaster
	done
	in_lab lb addr flush dev eth0
	in_lab lb addr flush dev eth1
}

add_bond() { # NS NAME MODE PORT PORT
	local port
	in_lab "$1" link add "$2" mtu 1600 type bond mode "$3" miimon 50 || return 1
	for port in "$4" "$5"; do
		in_lab "$1" link set "$port" down
		in_lab "$1" link set "$port" master "$2"
	done
	in_lab "$1" link set "$2" up
}

join_by_bonds() { # MODE
	add_bond lb bond0 "$1" eth0 eth1 && add_bond sw pb "$1" p-lb p-lb1 || return 1
	in_lab sw link set pb master br0
	small_add_peer_program pb
	small_add_addresses lb bond0 2 88
}

part() {
	in_lab lb link del bond0
	in_lab sw link del pb
}

client_is_served() { in_ns c curl -s -f -m 2 "http://$VIP4:8001/"; }

traffic_in_mode() { # MODE
	join_by_bonds "$1" || { fail "$1" "no bond of this mode"; return; }
	start_mtlbd && warm_up || { fail "$1" "mtlbd did not start: $(tail -n 3 "$DIR/log")"; return; }
	# 802.3ad: the two ends have to find each other
	wait_for 20 client_is_served
	small_check "$1" 4 8001 ""
	small_check "$1-ipv6" 6 8002 ""
	kill_mtlbd TERM
	in_ns lb build/mtlbd --unload --pin-dir "$PINS" --state "$DIR/state" --socket "$MTLB_SOCKET" --config "$CONFIG" >>"$DIR/log" 2>&1
	part
}

is_refused() { # NAME TEXT ARGUMENTS of `ip link add type bond`
	local output rc=0 name=$1 text=$2
	shift 2
	in_lab lb link add bond9 type bond "$@"
	output=$($CTL attach bond9 --mode native 2>&1) || rc=$?
	in_lab lb link del bond9
	check "$name-is-refused" "exit $rc: $output" eval '[ "$rc" = 1 ] && [ "${output#*"$text"}" != "$output" ]'
}

modes_without_xdp_are_refused() {
	in_lab lb link set eth0 up
	small_add_addresses lb eth0 2 88
	small_vip l2 4 8001 '{type: l2}' 4 88 | small_config eth0
	start_mtlbd || { fail refusals "mtlbd did not start"; return; }
	is_refused broadcast "is a bond of mode broadcast" mode broadcast
	is_refused balance-tlb "is a bond of mode balance-tlb" mode balance-tlb
	is_refused balance-alb "is a bond of mode balance-alb" mode balance-alb
	is_refused vlan-srcmac "xmit_hash_policy vlan+srcmac" mode balance-xor xmit_hash_policy vlan+srcmac
}

small_lab_up 1500 1600 || { fail start "the lab is not up"; exit; }
in_lab lb link add bond9 type bond 2>>"$DIR/log" || { echo "SKIP $NAME: this kernel has no bond device"; exit; }
in_lab lb link del bond9
small_add_device vx4 address 02:6d:74:6c:62:01 type vxlan id 4100 dstport 4789 local L4 nolearning
take_links_out
{
	small_vip vxlan 4 8001 '{type: vxlan, vni: 4100}' 4 88
	small_vip l2 6 8002 '{type: l2}' 6 88
} | small_config bond0
for mode in balance-rr active-backup balance-xor 802.3ad; do
	traffic_in_mode $mode
done
modes_without_xdp_are_refused
