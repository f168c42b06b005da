#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# UDP: who talks keeps its server through a drain, a new weight and a SIGKILL; who comes after the idle timeout gets another.
#
#   c  ─ untagged ─┐ sw ── lb ── sw ┌─ g1 g2  gamma: UDP servers on 198.51.100.10:53 and 2001:db8:10::10:53, ipip
#                  └────────────────┘
. tests/e2e/lib.sh

UDP=$DIR/udp

serve_udp() {
	local ns address
	for ns in g1 g2; do
		for address in 198.51.100.10 2001:db8:10::10; do
			start_in $ns "$UDP" serve $address 53 $ns
		done
	done
}

add_udp_vips() {
	local vip='address: ADDRESS, port: 53, protocol: udp, idle_timeout: 3s, backends: [{name: g1, address: 10.77.0.21}, {name: g2, address: "fd77::22"}]}'
	sed -i "/name: gamma/,/vips:/ s|^    vips:|&\n      - {name: dns, ${vip/ADDRESS/198.51.100.10}\n      - {name: dns6, ${vip/ADDRESS/\"2001:db8:10::10\"}|" "$CONFIG"
}

flows() { in_ns c "$UDP" flows "$@"; }

both_servers_answer() { # NAME ADDRESS
	local result
	result=$(flows "$2" 53 64 1 100)
	check "$1" "$result" \
		[ "$(echo "$result" | jq -c '[.answered == .sent, .moved, (.servers | keys)]')" = '[true,0,["g1","g2"]]' ]
}

drained() { # all new flows on the other one
	[ "$(flows 198.51.100.10 53 32 1 200 | jq -c '.servers | keys')" = '["g2"]' ]
}

changes() {
	sleep 1
	$CTL backend drain gamma/dns/g1
	$CTL backend set gamma/dns6/g1 weight=10
	sleep 1
	kill_mtlbd KILL
	sleep 0.5
	start_mtlbd
	sleep 5
	# the idle timeout is over: unknown flows go to the new owner
	wait_for 10 drained || fail new_flows_leave_the_drained_one "$(flows 198.51.100.10 53 32 1 200)"
	$CTL backend undrain gamma/dns/g1
	$CTL backend set gamma/dns6/g1 weight=100
} >"$DIR/out" 2>&1

talking_flows_stay() {
	local result4 result6 pid4 pid6
	flows 198.51.100.10 53 200 16 200 >"$DIR/flows4" &
	pid4=$!
	flows 2001:db8:10::10 53 200 16 200 >"$DIR/flows6" &
	pid6=$!
	CHILDREN="$CHILDREN $pid4 $pid6"
	changes
	wait $pid4 $pid6
	grep '^FAIL' "$DIR/out" || pass new_flows_leave_the_drained_one
	result4=$(cat "$DIR/flows4") result6=$(cat "$DIR/flows6")
	check talking_flows_stay_through_a_drain "$result4" [ "$(echo "$result4" | jq -c '[.answered == .sent, .moved]')" = '[true,0]' ]
	check talking_flows_stay_through_a_new_weight "$result6" [ "$(echo "$result6" | jq -c '[.answered == .sent, .moved]')" = '[true,0]' ]
}

gcc -O2 -Wall -Wextra -Werror -o "$UDP" tests/e2e/udp.c || { fail build "udp.c"; exit; }
lab_up && add_udp_vips && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
serve_udp
# who has no MAC address yet loses datagrams beyond the first few
ask c http://198.51.100.10/ 20 >/dev/null
ask c 'http://[2001:db8:10::10]/' 20 >/dev/null
both_servers_answer both_servers_answer_ipv4 198.51.100.10
both_servers_answer both_servers_answer_ipv6 2001:db8:10::10
talking_flows_stay
