#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Interfaces: what cannot be attached is refused with a reason, what goes comes back, and next hops are followed.
#
#   c ─ untagged ─ sw ── eth0 lb (mtlbd) ── sw ─ g1 g2
#                         e1 ── e1p, br9, made and removed here, in lb
. tests/e2e/lib.sh

refusal() { # NAME PATTERN COMMAND...: exit code 1, and the reason is told
	local name=$1 pattern=$2 out rc=0
	shift 2
	out=$("$@" 2>&1) || rc=$?
	if [ $rc = 1 ] && echo "$out" | grep -qE "$pattern"; then
		pass "$name"
	else
		fail "$name" "exit code $rc: $out"
	fi
}

program_of() { # NS IFACE
	ip -n "$MTLB_LAB-$1" -d link show "$2" 2>/dev/null | grep -oE 'xdp[a-z]* ?.*id [0-9]+' | grep -oE 'id [0-9]+' | head -1
}

interface() { # NAME JQ-PATH
	curl -s --unix-socket "$MTLB_SOCKET" "http://mtlb/v1/interfaces" | jq -r ".[] | select(.name == \"$1\") | $2"
}

is_attached() { [ -n "$(program_of lb "$1")" ]; }

foreign_program_is_respected() {
	local before
	in_ns lb ip link set e1 xdpdrv obj "/run/mtlb-lab/$MTLB_LAB/tag.bpf.o" sec xdp
	before=$(program_of lb e1)
	refusal foreign_program_is_named 'program [0-9]+ \(pass\)' $CTL attach e1
	check foreign_program_stays "it was $before, and is $(program_of lb e1)" [ "$(program_of lb e1)" = "$before" ]
	in_ns lb ip link set e1 xdpdrv off
}

attach_and_detach_by_hand() {
	$CTL attach e1 >"$DIR/out" 2>&1
	check attach_by_hand "$(cat "$DIR/out")" is_attached e1
	kill_mtlbd KILL
	start_mtlbd
	check attachment_by_hand_survives_sigkill "$($CTL status)" \
		[ "$(interface e1 .status.attached) $(interface e1 .managed_by)" = "true api" ]
	$CTL detach e1 >"$DIR/out" 2>&1
	check detach_by_hand "$(cat "$DIR/out")" eval '! is_attached e1'
}

interface_that_comes_back_is_attached_again() {
	$CTL attach e1 >/dev/null
	ip -n "$MTLB_LAB-lb" link del e1
	sleep 0.5
	ip -n "$MTLB_LAB-lb" link add e1 type veth peer name e1p
	ip -n "$MTLB_LAB-lb" link set e1 up
	ip -n "$MTLB_LAB-lb" link set e1p up
	check interface_that_comes_back_is_attached_again "$($CTL status)" wait_for 10 is_attached e1
	$CTL detach e1 >/dev/null
}

generic_mode_serves() {
	local answers mode
	$CTL detach eth0 >/dev/null 2>&1 || true
	sed -i 's/mode: native/mode: generic/' "$CONFIG"
	$CTL reload >"$DIR/out" 2>&1
	# generic mode sees packets of several segments as one: off, as the README says
	in_ns sw ethtool -K p-lb gro off >/dev/null
	in_ns lb ethtool -K eth0 gro off >/dev/null
	in_ns c ethtool -K eth0 tso off gso off >/dev/null
	mode=$(interface eth0 .mode)
	answers=$(ask c http://198.51.100.10/ 20 | grep -c '^gamma ')
	check generic_mode_serves "mode $mode, $answers of 20 answered: $(cat "$DIR/out")" [ "$mode $answers" = "generic 20" ]
	sed -i 's/mode: generic/mode: native/' "$CONFIG"
	$CTL reload >"$DIR/out" 2>&1
	answers=$(ask c http://198.51.100.10/ 20 | grep -c '^gamma ')
	check native_mode_again_serves "$answers of 20 answered: $(cat "$DIR/out")" [ "$answers" = 20 ]
}

new_mac_of_a_backend_is_followed() {
	local answers
	$CTL backend drain gamma/web/g2 >/dev/null # all requests to g1
	ip -n "$MTLB_LAB-g1" link set eth0 address 02:77:00:00:99:21
	# as a server that takes over an address does
	in_ns g1 arping -q -c 1 -U -I eth0 10.77.0.21 2>/dev/null || ip -n "$MTLB_LAB-lb" neigh flush dev eth0
	follows() { $CTL --json backend show gamma/web/g1 | grep -q 02:77:00:00:99:21; }
	check new_mac_of_a_backend_is_followed "$($CTL backend list gamma/web)" wait_for 90 follows
	answers=$(ask c http://198.51.100.10/ 10 | grep -c '^gamma g1')
	check new_mac_of_a_backend_serves "$answers of 10 answered" [ "$answers" = 10 ]
	$CTL backend clear gamma/web/g2 >/dev/null
}

second_mtlbd_is_refused() {
	local rc=0
	in_ns lb build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state2" --socket "$DIR/second.sock" \
		--pin-dir "$PINS" >"$DIR/out" 2>&1 || rc=$?
	check second_mtlbd_is_refused "exit code $rc: $(cat "$DIR/out")" eval '[ $rc != 0 ] && grep -q "another mtlbd" "$DIR/out"'
}

unload_leaves_nothing() {
	kill_mtlbd TERM
	in_ns lb build/mtlbd --unload --config "$CONFIG" --state "$DIR/state" --socket "$MTLB_SOCKET" --pin-dir "$PINS" >"$DIR/out" 2>&1
	check unload_leaves_nothing "$(cat "$DIR/out"; ls "$PINS" 2>&1)" eval '[ ! -e "$PINS" ] && ! is_attached eth0'
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
ip -n "$MTLB_LAB-lb" link add e1 type veth peer name e1p
ip -n "$MTLB_LAB-lb" link set e1 up
ip -n "$MTLB_LAB-lb" link set e1p up
ip -n "$MTLB_LAB-lb" link add br9 type bridge

refusal missing_interface_is_refused 'nosuch0' $CTL attach nosuch0
refusal native_mode_of_a_bridge_is_refused 'native' $CTL attach br9 --mode native
foreign_program_is_respected
attach_and_detach_by_hand
interface_that_comes_back_is_attached_again
second_mtlbd_is_refused
new_mac_of_a_backend_is_followed
generic_mode_serves
unload_leaves_nothing
