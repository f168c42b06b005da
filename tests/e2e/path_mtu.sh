#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Path MTU discovery of the backends: answers to a client behind a narrow link are too long for it, the router before the
# link tells their source, which is the VIP, and mtlb takes the error to the backend that has the flow.
#
#   far ─1500─ r2 ─1400─ r1 ─┐                              10.90.2.2, fd90:2::2: its MSS says nothing of the 1400
#                            ├ sw ── eth0 lb eth0 ── sw ── b1 b2: vxlan; answers go back through r1     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

FAR4=10.90.2.2
FAR6=fd90:2::2
# Each row of downloads begins with no backend knowing the path MTU: an error that reaches the right one by luck is not enough
# for all rows. All of the last by one of two backends: once in half a million runs.
DOWNLOADS="8 8 8 8 8 20"

forwards() { in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; }

link_far() { # NS DEVICE NS DEVICE MTU NETWORK: .1 and .2 of 10.90.NETWORK.0/24
	in_lab "$1" link add "$2" mtu "$5" type veth peer name "$4" netns "$MTLB_LAB-$3" mtu "$5"
	in_lab "$1" addr add "10.90.$6.1/24" dev "$2"
	in_lab "$1" addr add "fd90:$6::1/64" dev "$2" nodad
	in_lab "$3" addr add "10.90.$6.2/24" dev "$4"
	in_lab "$3" addr add "fd90:$6::2/64" dev "$4" nodad
	in_lab "$1" link set "$2" up
	in_lab "$3" link set "$4" up
}

add_routers() {
	local b
	small_add_ns r1 && small_add_ns r2 && small_add_ns far
	forwards r1 && forwards r2
	small_add_link r1 eth0 p-r1 1500
	small_add_addresses r1 eth0 3 88
	link_far r1 eth1 r2 eth0 1400 1
	link_far r2 eth1 far eth0 1500 2
	in_lab r1 route add $VIP4 via 10.88.0.2
	in_lab r1 route add $VIP6 via fd88::2
	in_lab r1 route add 10.90.2.0/24 via 10.90.1.2
	in_lab r1 route add fd90:2::/64 via fd90:1::2
	in_lab r2 route add default via 10.90.1.1
	in_lab r2 route add default via fd90:1::1
	in_lab far route add default via 10.90.2.1
	in_lab far route add default via fd90:2::1
	for b in b1 b2; do
		in_lab $b route add 10.90.0.0/16 via 10.88.0.3
		in_lab $b route add fd90::/16 via fd88::3
		cp "$DIR/upload" "$LAB_RUN/$b/files/big"
		chmod a+r "$LAB_RUN/$b/files/big"
	done
}

# What r1 itself sends to the VIPs is errors; all else comes from elsewhere.
hold_errors() { # add|del
	in_lab r1 rule "$1" iif lo to $VIP4 blackhole && in_lab r1 -6 rule "$1" iif lo to $VIP6 blackhole
}

download() { # SECONDS ADDRESS N: how many of N connections got all of it
	local i whole=0
	rm -f "$DIR"/got.*
	in_ns far timeout "$1" curl -s -H 'Connection: close' -o "$DIR/got.#1" "http://$2/big?[1-$3]"
	for i in $(seq "$3"); do
		! cmp -s "$DIR/upload" "$DIR/got.$i" || whole=$((whole + 1))
	done
	echo $whole
}

learned_mtus() { # DESTINATION SOURCE: what the backends know
	local b
	for b in b1 b2; do
		in_lab $b route get "$1" from "$2" | grep -o 'mtu [0-9]*' || echo none
	done | tr '\n' ' '
}

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1"; }

# Errors for a flow that a backend does not have.
strange_errors() { # MIB NAME
	local b
	for b in b1 b2; do
		in_ns $b cat "/proc/net/$1"
	done | awk -v want="$2" '
		$1 == want {n += $2}
		$1 == last {for (i = 2; i <= NF; i++) if ($1 names[i] == want) n += $i}
		{last = $1; for (i = 2; i <= NF; i++) names[i] = $i}
		END {print n + 0}'
}

without_errors_it_hangs() { # NAME HOST DESTINATION SOURCE
	local whole
	whole=$(download 2 "$2" 1)
	check "without_errors_it_hangs_$1" "the download went through" [ "$whole" = 0 ]
	check "without_errors_nothing_is_learned_$1" "$(learned_mtus "$3" "$4")" [ "$(learned_mtus "$3" "$4")" = 'none none ' ]
}

forget_mtus() {
	local b
	for b in b1 b2; do
		in_lab $b route flush cache && in_lab $b -6 route flush cache
	done
}

errors_reach_the_backend_of_the_flow() { # NAME HOST DESTINATION SOURCE MIB STRANGE
	local before whole=0 all=0 n
	before=$(reason icmp_forwarded)
	for n in $DOWNLOADS; do
		forget_mtus
		whole=$((whole + $(download 8 "$2" "$n"))) all=$((all + n))
	done
	check "downloads_go_through_$1" "$whole of $all" [ $whole = $all ]
	check "both_backends_learn_the_path_mtu_$1" "$(learned_mtus "$3" "$4")" \
		[ "$(learned_mtus "$3" "$4")" = 'mtu 1400 mtu 1400 ' ]
	check "errors_are_counted_$1" "$before before, $(reason icmp_forwarded) after" \
		[ "$(reason icmp_forwarded)" -ge $((before + 7)) ]
	check "no_error_goes_astray_$1" "$(strange_errors "$5" "$6") without a socket" [ "$(strange_errors "$5" "$6")" = 0 ]
}

small_lab_up 1500 1600 && add_routers || { fail start "the lab is not up"; exit; }
small_add_device vx4 address 02:6d:74:6c:62:01 type vxlan id 4100 dstport 4789 nolearning ||
	{ echo "SKIP $NAME: this kernel has no vxlan device"; exit; }
{
	small_vip ipv4 4 8001 '{type: vxlan, vni: 4100}' 4 88
	small_vip ipv6 6 8001 '{type: vxlan, vni: 4100}' 4 88
} | small_config eth0
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
hold_errors add || fail start "no policy routing"
without_errors_it_hangs ipv4 "$VIP4:8001" $FAR4 $VIP4
without_errors_it_hangs ipv6 "[$VIP6]:8001" $FAR6 $VIP6
hold_errors del
errors_reach_the_backend_of_the_flow ipv4 "$VIP4:8001" $FAR4 $VIP4 snmp Icmp:InErrors
errors_reach_the_backend_of_the_flow ipv6 "[$VIP6]:8001" $FAR6 $VIP6 snmp6 Icmp6InErrors
