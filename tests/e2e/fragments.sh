#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Datagrams in fragments: three clients send many at once, and each comes back whole; the counters say what became of which
# fragment, of those without a first one, too.
#
#   c ca cb ── sw ── eth0 lb eth0 ── sw ── b1 b2: UDP servers on both VIPs, IPv4 by vxlan, IPv6 by l2     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh
. tests/e2e/lib_frames.sh

UDP=$DIR/udp
BYTES=4000                              # three fragments
FLOWS=16                                # of each client: all at one backend once in 32768 runs

add_clients() {
	local client number=12
	for client in ca cb; do
		small_add_ns $client
		small_add_link $client eth0 p-$client 1500
		small_add_addresses $client eth0 $number 88
		in_lab $client route add $VIP4 via 10.88.0.2
		in_lab $client route add $VIP6 via fd88::2
		number=$((number + 1))
	done
}

# Between backends and clients there is no router to tell of the clients' MTU.
narrow_answers() {
	local b
	for b in b1 b2; do
		in_lab $b route add 10.88.0.0/28 dev eth0 mtu 1500 && in_lab $b route add fd88::10/124 dev eth0 mtu 1500
	done
}

serve_udp() {
	local ns address
	for ns in b1 b2; do
		for address in $VIP4 $VIP6; do
			start_in $ns "$UDP" serve $address 53 $ns
		done
	done
}

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1"; }

of_vip() { # VIP COUNTER
	$CTL --json stats small --totals | jq ".tenants[0].vips[] | select(.name == \"$1\") | .$2"
}

# ---- many at once ----
talk_all() { # ADDRESS: what the clients say, one a line
	local client pids=
	for client in c ca cb; do
		nsenter --net="/run/netns/$MTLB_LAB-$client" "$UDP" flows "$1" 53 $FLOWS 1 200 $BYTES >"$DIR/of-$client" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086
	wait $pids
	cat "$DIR"/of-*
}

every_datagram_comes_back_whole() { # NAME ADDRESS
	local result sent packets unknown
	packets=$(of_vip "$1" packets) unknown=$(reason fragment_unknown)
	result=$(talk_all "$2")
	sent=$(echo "$result" | jq -s 'map(.sent) | add')
	packets=$(($(of_vip "$1" packets) - packets)) unknown=$(($(reason fragment_unknown) - unknown))
	check "every_datagram_comes_back_whole_$1" "$result" \
		[ "$(echo "$result" | jq -cs 'map(.answered == .sent and .sent > 0 and .spoilt == 0)')" = '[true,true,true]' ]
	check "both_backends_answer_$1" "$result" \
		[ "$(echo "$result" | jq -cs 'map(.servers | keys | join("+"))')" = '["b1+b2","b1+b2","b1+b2"]' ]
	check "flows_stay_where_they_are_$1" "$result" [ "$(echo "$result" | jq -s 'map(.moved) | add')" = 0 ]
	check "every_fragment_is_counted_$1" "$packets packets for $sent datagrams" [ "$packets" = $((3 * sent)) ]
	check "no_fragment_is_unknown_$1" "$unknown" [ "$unknown" = 0 ]
}

# ---- one by one ----
C6=fd880000000000000000000000000011     # the client's address, and the VIP's
V6=20010db8002000000000000000000020

v4() { to_balancer 0800 "$(ipv4 10.88.0.11 $VIP4 "$@")"; }

v6() { to_balancer 86dd "$(ipv6 $C6 $V6 "$@")"; }

# counts NAME REASON N: the frames in the input end with this reason
counts() {
	local before after
	before=$(reason "$2")
	send_frames c || fail "$1" "cannot send"
	if wait_for 10 has_counted "$2" $((before + $3)); then after=$3; else after=$(($(reason "$2") - before)); fi
	check "$1" "$after of $3 counted as $2" [ "$after" = "$3" ]
}

has_counted() { [ "$(reason "$1")" = "$2" ]; }

# Of the last datagrams but one N are unknown: IPv6 knows no protocol behind a fragment header.
fragments_are_counted() { # NAME v4|v6 ICMP N
	local first half
	half=$(zeros 800)
	first=$(udp 4000 53 1608 "$half")
	{
		$2 17 "$half" 7001 808
		$2 17 "$half" 7002 808+
		$2 17 "$half" 7002 1608
	} | counts "without_a_first_one_it_is_unknown_$1" fragment_unknown 3
	{
		$2 17 "$first" 7003 0+
		$2 17 "$half" 7003 808
		$2 17 "$half" 7003 808
	} | counts "later_ones_follow_the_first_$1" forwarded 3
	# as if the first one had been overtaken
	$2 17 "$half" 7004 808 | counts "one_that_overtakes_the_first_is_lost_$1" fragment_unknown 1
	$2 17 "$first" 7004 0+ | counts "the_overtaken_one_is_forwarded_$1" forwarded 1
	$2 17 "$half" 7004 808 | counts "what_comes_after_it_is_forwarded_$1" forwarded 1
	{
		$2 17 "$half" 7005 808
		$2 6 "$half" 7004 808
	} | counts "another_id_or_protocol_is_another_datagram_$1" fragment_unknown "$4"
	{
		$2 17 "${first:0:8}" 7006 0+
		$2 "$3" "$half" 7007 0+
		$2 "$3" "$half" 7007 800
	} | counts "too_short_a_first_one_or_icmp_is_dropped_$1" fragment 3
}

# A source port whose flow to HOST goes to a backend.
port_to() { # BACKEND SOURCE HOST
	local port
	for port in $(seq 4001 4100); do
		[ "$($CTL --json trace --src "$2:$port" --dst "$3:53" --proto udp | jq -r '.[0].backend')" != "$1" ] || break
	done
	echo "$port"
}

packets_by_backend() { of_vip "$1" 'backends | map(.packets) | join(" ")' | tr -d '"'; } # VIP

# Stacks send one datagram after the other: here the fragments of two, for two backends, alternate.
datagrams_that_mix_are_told_apart() { # NAME v4|v6 SOURCE HOST
	local half of_b1 of_b2 before after
	half=$(zeros 800)
	of_b1=$(udp "$(port_to b1 "$3" "$4")" 53 2408 "$half")
	of_b2=$(udp "$(port_to b2 "$3" "$4")" 53 2408 "$half")
	before=$(packets_by_backend "$1")
	{
		$2 17 "$of_b1" 7011 0+
		$2 17 "$of_b2" 7012 0+
		$2 17 "$half" 7011 808+
		$2 17 "$half" 7012 808+
		$2 17 "$half" 7011 1608
		$2 17 "$half" 7012 1608
	} | counts "datagrams_that_mix_are_forwarded_$1" forwarded 6
	after=$(echo "$before" | awk '{print $1 + 3, $2 + 3}')
	check "datagrams_that_mix_are_told_apart_$1" "$before packets before, $(packets_by_backend "$1") after" \
		[ "$(packets_by_backend "$1")" = "$after" ]
}

small_lab_up 1500 1600 && add_clients && narrow_answers || { fail start "the lab is not up"; exit; }
small_add_device vx4 address 02:6d:74:6c:62:01 type vxlan id 4100 dstport 4789 nolearning ||
	{ echo "SKIP $NAME: this kernel has no vxlan device"; exit; }
gcc -O2 -Wall -Wextra -Werror -o "$UDP" tests/e2e/udp.c && build_frame_sender || { fail build "udp.c or frame.c"; exit; }
{
	small_vip ipv4 4 53 '{type: vxlan, vni: 4100}' 4 88
	small_vip ipv6 6 53 '{type: l2}' 6 88
} | sed 's/protocol: tcp/protocol: udp/' | small_config eth0
serve_udp
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
# who has no MAC address yet loses datagrams beyond the first few
talk_all $VIP4 >/dev/null
talk_all $VIP6 >/dev/null
every_datagram_comes_back_whole ipv4 $VIP4
every_datagram_comes_back_whole ipv6 $VIP6
frames_from c
fragments_are_counted ipv4 v4 1 2
fragments_are_counted ipv6 v6 58 1
datagrams_that_mix_are_told_apart ipv4 v4 10.88.0.11 $VIP4
datagrams_that_mix_are_told_apart ipv6 v6 '[fd88::11]' "[$VIP6]"
