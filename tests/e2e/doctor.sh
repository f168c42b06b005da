#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# mtlbctl doctor: a healthy lab has nothing broken; each thing that is broken changes exactly its own lines, and mends again.
#
#   sw: p-lb, the other end of eth0 ── lb ── sw ┌─ g1 g2  gamma, ipip; g1 also delta's UDP VIP 198.51.100.53
#                                       └ veth9  ├─ a1 a2  acme, vxlan
#                                                └─ b1 b2  beta, vxlan over IPv6
. tests/e2e/lib.sh

doctor() { in_ns lb $CTL "$@" doctor; }

# {"CHECK OBJECT": STATE}
states() { # OPTIONS...
	doctor --json "$@" | jq -cS 'map({key: "\(.check) \(.object)", value: .state}) | from_entries'
}

# What differs from the healthy lab; null: the line is gone.
difference() { # HEALTHY OPTIONS...
	local healthy=$1
	shift
	jq -ncS --argjson a "$healthy" --argjson b "$(states "$@")" \
		'[($a + $b | keys[]) | select($a[.] != $b[.]) | {key: ., value: $b[.]}] | from_entries'
}

differs_by() { [ "$(difference "${@:2}")" = "$1" ]; }

# Breaks something, expects exactly these lines to change, mends it, expects the healthy lab again.
breaks() { # NAME EXPECTED BREAK MEND
	eval "$3" >"$DIR/out" 2>&1 || fail "$1" "$3: $(cat "$DIR/out")"
	check "$1" "changed: $(difference "$HEALTHY"), not $2" wait_for 10 differs_by "$2" "$HEALTHY"
	eval "$4" >"$DIR/out" 2>&1 || fail "$1" "$4: $(cat "$DIR/out")"
	check "$1_mends" "still: $(difference "$HEALTHY")" wait_for 20 differs_by '{}' "$HEALTHY"
}

breaks_for_probes() { # as breaks, with a packet to each backend
	eval "$3" >"$DIR/out" 2>&1 || fail "$1" "$3: $(cat "$DIR/out")"
	check "$1" "changed: $(difference "$PROBED" --probe), not $2" wait_for 10 differs_by "$2" "$PROBED" --probe
	eval "$4" >"$DIR/out" 2>&1 || fail "$1" "$4: $(cat "$DIR/out")"
	check "$1_mends" "still: $(difference "$PROBED" --probe)" wait_for 10 differs_by '{}' "$PROBED" --probe
}

lb_ip() { ip -n "$MTLB_LAB-lb" "$@"; }
sw_ip() { ip -n "$MTLB_LAB-sw" "$@"; }

add_udp_vip() {
	ip -n "$MTLB_LAB-g1" addr add 198.51.100.53/32 dev lo
	$CTL tenant add delta && $CTL vip add delta/dns address=198.51.100.53 port=53 protocol=udp &&
		$CTL backend add delta/dns/d1 address=10.77.0.21
} >"$DIR/out" 2>&1

a_healthy_lab_has_nothing_broken() {
	local rc=0
	doctor --json --probe >"$DIR/all" || rc=$?
	check a_healthy_lab_has_nothing_broken "exit $rc: $(jq -c '.[] | select(.state == "broken")' "$DIR/all")" \
		[ "$rc" = 0 -a "$(jq '[.[] | select(.state == "broken")] | length' "$DIR/all")" = 0 ]
	check each_backend_is_probed "$(jq -c '.[] | select(.check == "vip-address")' "$DIR/all")" \
		[ "$(jq '[.[] | select(.check == "vip-address" and .state == "ok")] | length' "$DIR/all")" = 13 ]
	check what_is_wrong_comes_with_advice "$(cat "$DIR/all")" \
		[ "$(jq '[.[] | select((.state == "warning" or .state == "broken") and .advice == "")] | length' "$DIR/all")" = 0 ]
}

another_namespace_is_told() {
	in_ns c $CTL --json doctor >"$DIR/all"
	check another_namespace_is_told "$(cat "$DIR/all")" \
		[ "$(jq -r '.[] | select(.check == "interface" and (.found | test("network namespace"))) | .state' "$DIR/all")" = broken ]
}

# The backends' half of a probe's connection is gone when the probe is over.
no_half_open_connections() { [ -z "$(in_ns g1 ss -Htn state syn-recv)" ]; }

the_exit_code_tells() {
	local rc=0
	sw_ip link set p-lb xdpdrv off
	doctor >"$DIR/out" || rc=$?
	sw_ip link set p-lb xdpdrv obj "/run/mtlb-lab/$MTLB_LAB/tag.bpf.o" sec xdp
	check something_broken_exits_1 "exit $rc" [ "$rc" = 1 ]
	check lines_say_what_to_type "$(cat "$DIR/out")" \
		eval 'grep -A 1 "^broken  *peer  *eth0: " "$DIR/out" | grep -q -- "-> ip netns exec $MTLB_LAB-sw ip link set p-lb"'
	check the_last_line_counts "$(tail -n 1 "$DIR/out")" grep -qE '^1 broken, [0-9]+ warnings' "$DIR/out"
}

of_interfaces() {
	breaks checksum_offload_of_the_peer '{"checksum eth0":"broken"}' \
		'in_ns sw ethtool -K p-lb tx on' 'in_ns sw ethtool -K p-lb tx off'
	breaks vlan_offload_of_the_peer '{"vlan-offload eth0":"broken"}' \
		'in_ns sw ethtool -K p-lb txvlan on' 'in_ns sw ethtool -K p-lb txvlan off'
	breaks no_program_on_the_peer '{"peer eth0":"broken"}' \
		'sw_ip link set p-lb xdpdrv off' 'sw_ip link set p-lb xdpdrv obj /run/mtlb-lab/$MTLB_LAB/tag.bpf.o sec xdp'
	breaks a_smaller_mtu_at_the_peer '{"peer eth0":"warning"}' \
		'sw_ip link set p-lb mtu 1500' 'sw_ip link set p-lb mtu 1600'
	breaks strict_rp_filter '{"rp-filter eth0":"warning"}' \
		'in_ns lb sysctl -qw net.ipv4.conf.eth0.rp_filter=1' 'in_ns lb sysctl -qw net.ipv4.conf.eth0.rp_filter=0'
}

of_paths() {
	breaks a_vip_on_the_balancer '{"local-vip gamma/web":"broken"}' \
		'lb_ip addr add 198.51.100.10/32 dev lo' 'lb_ip addr del 198.51.100.10/32 dev lo'
	breaks an_mtu_of_a_route '{"mtu 10.77.0.31":"warning"}' \
		'lb_ip route add 10.77.0.31/32 dev eth0 mtu 1549' 'lb_ip route del 10.77.0.31/32'
	breaks an_mtu_that_is_enough '{}' \
		'lb_ip route add 10.77.0.31/32 dev eth0 mtu 1550' 'lb_ip route del 10.77.0.31/32'
	lb_ip link add veth9 mtu 1600 type veth peer name veth10
	lb_ip link set veth9 up
	lb_ip link set veth10 up
	breaks a_route_by_an_interface_that_is_not_ours '{"route 10.77.0.32":"broken"}' \
		'lb_ip neigh add 10.77.0.32 lladdr 02:77:00:00:00:20 dev veth9 && lb_ip route add 10.77.0.32/32 dev veth9' \
		'lb_ip route del 10.77.0.32/32'
	lb_ip link del veth9
	breaks a_backend_without_neighbour '{"next-hop 10.77.0.31":"broken"}' \
		'ip -n "$MTLB_LAB-a1" link set eth0 down && lb_ip neigh del 10.77.0.31 dev eth0' \
		'ip -n "$MTLB_LAB-a1" link set eth0 up && ip -n "$MTLB_LAB-a1" addr add fd77::31/64 dev eth0 nodad'
}

# The backend's kernel answers with port unreachable, to the outer source.
refuses() {
	[ "$(doctor --json --probe | jq --arg b "$1" '[.[] | select(.object == $b and (.found | test("refuses the outer packet")))] | length')" = 1 ]
}

of_backends() {
	local decap="$PWD/$CTL decap attach eth0 --pin-dir /sys/fs/bpf/$MTLB_LAB-decap-g2"
	breaks_for_probes a_backend_without_the_vip '{"vip-address gamma/web/g1":"broken"}' \
		'ip -n "$MTLB_LAB-g1" addr del 198.51.100.10/32 dev lo' 'ip -n "$MTLB_LAB-g1" addr add 198.51.100.10/32 dev lo'
	breaks_for_probes a_udp_backend_without_the_vip '{"vip-address delta/dns/d1":"broken"}' \
		'ip -n "$MTLB_LAB-g1" addr del 198.51.100.53/32 dev lo' 'ip -n "$MTLB_LAB-g1" addr add 198.51.100.53/32 dev lo'
	breaks_for_probes a_backend_that_does_not_decapsulate \
		'{"vip-address gamma/web/g2":"broken","vip-address gamma/web6/g2":"broken"}' \
		"in_ns g2 ${decap/attach/detach}" "in_ns g2 $decap"
	breaks_for_probes a_backend_without_vxlan '{"vip-address beta/web/b1":"broken","vip-address beta/web6/b1":"broken"}' \
		'ip -n "$MTLB_LAB-b1" link set vx0 down' 'ip -n "$MTLB_LAB-b1" link set vx0 up'
	ip -n "$MTLB_LAB-a1" link set vx0 down
	check a_refusal_is_told "$(doctor --json --probe | jq -c '.[] | select(.check == "vip-address")')" refuses acme/web/a1
	ip -n "$MTLB_LAB-a1" link set vx0 up
}

# Twelve answers that only the address, not the port, gave.
nothing_listens() {
	kill "$(cat "/run/mtlb-lab/$MTLB_LAB/a2/nginx.pid")"
	check a_closed_port_is_a_warning "$(difference "$PROBED" --probe)" wait_for 10 differs_by \
		'{"vip-address acme/web/a2":"warning","vip-address acme/web6/a2":"warning"}' "$PROBED" --probe
}

generic_mode() {
	sed -i 's/mode: native/mode: generic/' "$CONFIG"
	$CTL reload >"$DIR/out" 2>&1
	check generic_mode_is_a_warning "$(cat "$DIR/out"; difference "$HEALTHY")" wait_for 5 differs_by \
		'{"checksum eth0":null,"mode eth0":"warning","peer eth0":null}' "$HEALTHY"
	in_ns lb ethtool -K eth0 gro on
	check gro_in_generic_mode_is_broken "$(difference "$HEALTHY")" wait_for 5 differs_by \
		'{"checksum eth0":null,"gro eth0":"broken","mode eth0":"warning","peer eth0":null}' "$HEALTHY"
	in_ns lb ethtool -K eth0 gro off
}

without_daemon() {
	local rc=0
	kill_mtlbd TERM
	doctor --json >"$DIR/all" || rc=$?
	check without_mtlbd_exits_3 "exit $rc" [ "$rc" = 3 ]
	check without_mtlbd_its_interfaces_are_looked_at "$(cat "$DIR/all")" \
		[ "$(jq -c '[.[] | select(.check == "daemon" or .check == "interface") | .object, .state]' "$DIR/all")" = '["host","warning","eth0","ok"]' ]
	rc=0
	(cd / && nsenter --net="/run/netns/$MTLB_LAB-lb" setpriv --reuid 65534 --clear-groups "$OLDPWD/$CTL" --json doctor) >"$DIR/all" || rc=$?
	check without_root_it_says_so "exit $rc: $(cat "$DIR/all")" \
		[ "$rc" = 3 -a "$(jq -r '.[] | select(.check == "capabilities") | .state' "$DIR/all")" = warning ]
}

lab_up && start_mtlbd && add_udp_vip || { fail start "lab or mtlbd did not start: $(cat "$DIR/out")"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
a_healthy_lab_has_nothing_broken
check no_half_open_connections "$(in_ns g1 ss -Htn state syn-recv)" no_half_open_connections
HEALTHY=$(states)
PROBED=$(states --probe)
the_exit_code_tells
another_namespace_is_told
of_interfaces
of_paths
of_backends
nothing_listens
generic_mode
without_daemon
