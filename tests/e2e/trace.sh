#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `mtlbctl trace` says of a packet what a real one meets, and leaves no trace itself.
#
#   c  ─ untagged ─┐               ┌─ g1 g2  gamma: ipip, outer IPv4 and IPv6
#   ca ─ VLAN 100 ─┤ sw ── lb ── sw ├─ a1 a2  acme: vxlan over IPv4   203.0.113.10
#   cb ─ VLAN 200 ─┘               └─ b1 b2  beta: vxlan over IPv6   203.0.113.10
. tests/e2e/lib.sh
. tests/e2e/lib_frames.sh

trace() { $CTL --json trace "$@"; }

# NAME NS SOURCE DESTINATION OPTIONS...: the backend that answers a connection from a port is the one that trace names.
names_the_backend_that_answers() {
	local name=$1 ns=$2 source=$3 destination=$4 port told answer wrong= seen=
	shift 4
	for port in $(seq 41001 41020); do
		told=$(trace --src "$source:$port" --dst "$destination:80" "$@" | jq -r '.[0] | .tenant + " " + .backend')
		answer=$(in_ns "$ns" curl -s -m 5 --local-port "$port" "http://$destination/")
		[ -n "$answer" ] && [ "$told" = "$answer" ] || wrong="$wrong; port $port: told '$told', answered '$answer'"
		seen="$seen$answer\n"
	done
	check "names_the_backend_that_answers_$name" "$wrong" [ -z "$wrong" ]
	check "both_backends_were_seen_$name" "$seen" [ "$(echo -e "$seen" | sort -u | grep -c .)" = 2 ]
}

# What a tenant's packets change: counters, flows, answers. The node's own counters move by themselves.
state() {
	$CTL --json stats | jq -S .tenants
	for map in flows answers turns backend_loads; do
		echo "$map $(bpftool -j map dump pinned "$PINS/$map" | md5sum)"
	done
}

changes_nothing() {
	local port changed
	$CTL backend drain acme/web/a1 >/dev/null
	state >"$DIR/before"
	for port in $(seq 1 40); do
		trace --src "10.77.0.12:$port" --dst 203.0.113.10:80 --vlan 100 --flags syn
		trace --src "10.77.0.12:$port" --dst 203.0.113.10:80 --vlan 100 --flags ack
		trace --src "10.77.0.12:$port" --dst 203.0.113.10:81 --vlan 100
	done >"$DIR/told"
	trace --src 10.77.0.12 --dst 203.0.113.10 --vlan 100 --proto icmp >>"$DIR/told"
	trace --src 10.77.0.12 --dst 203.0.113.10:80 --vlan 100 --length 1599 >>"$DIR/told"
	changed=$(state | diff "$DIR/before" -)
	check tracing_changes_nothing "$changed" [ -z "$changed" ]
	check moving_slots_were_traced "$(head -c 600 "$DIR/told")" \
		[ "$(jq -s '[.[][] | select(.previous != null)] | length' "$DIR/told")" -gt 0 ]
	$CTL backend undrain acme/web/a1 >/dev/null
}

# A flow that is older than a move stays where it is, and trace says so.
known_flows_are_told() {
	local port=42001 told
	told=$(trace --src "10.77.0.12:$port" --dst 203.0.113.10:80 --vlan 100 | jq -r '.[0].backend')
	exec 8> >(in_ns ca curl -sN -m 30 --local-port "$port" -H 'Expect:' -T - http://203.0.113.10/upload >"$DIR/upload.out")
	CHILDREN="$CHILDREN $!"
	echo begins >&8
	wait_for 5 is_connected "$port" || { fail known_flow_is_told "no connection"; return; }
	$CTL backend drain "acme/web/$told" >/dev/null
	echo goes on >&8
	check known_flow_is_told "$(trace --src "10.77.0.12:$port" --dst 203.0.113.10:80 --vlan 100 --flags ack)" \
		wait_for 5 is_told_as_known "$port" "$told"
	exec 8>&-
	$CTL backend undrain "acme/web/$told" >/dev/null
}

is_connected() { [ -n "$(ip netns exec "$MTLB_LAB-ca" ss -Htn state established "sport = :$1")" ]; }

is_told_as_known() { # PORT BACKEND
	echo more >&8
	[ "$(trace --src "10.77.0.12:$1" --dst 203.0.113.10:80 --vlan 100 --flags ack |
		jq -r '.[0] | .how + " " + .backend')" = "flow_table_known $2" ]
}

captures_are_traced() {
	local out
	for port in 1 2 3; do
		trace --src "10.77.0.12:$port" --dst 203.0.113.10:80 --vlan 100
		trace --src "10.77.0.12:$port" --dst 203.0.113.10:81 --vlan 100
	done | jq -r '.[].packet_in_hex' >"$DIR/frames"
	capture 1 65535 <"$DIR/frames" >"$DIR/good.pcap"
	check capture_gives_one_array "$(trace --pcap "$DIR/good.pcap" | head -c 400)" \
		[ "$(trace --pcap "$DIR/good.pcap" | jq -r '[.[].packet_in_hex] | .[]')" = "$(cat "$DIR/frames")" ]
	check capture_is_read_from_a_pipe "" \
		[ "$(trace --pcap - <"$DIR/good.pcap" | jq -c '[.[].reason]')" = \
		'["forwarded","not_vip_port","forwarded","not_vip_port","forwarded","not_vip_port"]' ]
	out=$($CTL trace --pcap "$DIR/good.pcap")
	check capture_ends_with_a_summary "$out" \
		[ "$(echo "$out" | tail -n 1)" = '6 packets: 3 forwarded, 3 not_vip_port' ]
	check capture_has_a_line_for_each "$out" [ "$(echo "$out" | grep -c 'acme')" = 6 ]
	capture 1 40 <"$DIR/frames" >"$DIR/cut.pcap"
	out=$($CTL trace --pcap "$DIR/cut.pcap" 2>&1)
	check cut_packets_are_warned_of_once "$out" \
		[ "$(echo "$out" | grep -c 'warning: 6 of 6 packets .* (packet 1: 40 of 58 bytes)')" = 1 -a "$(echo "$out" | tail -n 1)" = '6 packets: 6 truncated' ]
	capture 113 65535 <"$DIR/frames" >"$DIR/cooked.pcap"
	refuses other_link_types 1 'LINUX_SLL' --pcap "$DIR/cooked.pcap"
	refuses no_capture 1 'is no capture' --pcap "$CONFIG"
	refuses no_file 1 'cannot be read' --pcap "$DIR/none"
	head -c 100 "$DIR/good.pcap" >"$DIR/torn.pcap"
	refuses torn_capture 1 'to its end' --pcap "$DIR/torn.pcap"
	check refusals_are_json_too "$(trace --pcap "$DIR/torn.pcap" 2>/dev/null)" \
		[ "$(trace --pcap "$DIR/torn.pcap" 2>/dev/null | jq -r '.errors[0].where')" = "$DIR/torn.pcap" ]
}

# What is wrong with many packets is told in a few lines, and what would not fit into memory is refused.
captures_have_limits() {
	local out rc=0
	yes 00112233 | head -n 100 | capture 1 65535 >"$DIR/short.pcap"
	out=$($CTL trace --pcap "$DIR/short.pcap" 2>&1) || rc=$?
	check wrong_packets_take_few_lines "exit $rc: $out" \
		[ "$rc" = 1 -a "$(echo "$out" | wc -l)" = 9 -a "$(echo "$out" | tail -n 1)" = "$DIR/short.pcap: 92 more packets are too short or too long" ]
	{ capture 1 65535 </dev/null; yes "$(head -n 1 "$DIR/frames")" | head -n 1 | capture 1 65535 | tail -c +25 >"$DIR/one"
		printf "$DIR/one\n%.0s" $(seq 65537) | xargs cat; } >"$DIR/many.pcap"
	refuses too_many_packets 1 'holds more than 65536 packets' --pcap "$DIR/many.pcap"
}

# Many packets go in more than one request.
long_captures_are_traced() {
	local i
	for i in $(seq 250); do cat "$DIR/frames"; done | capture 1 65535 >"$DIR/long.pcap"
	check long_captures_are_traced "$(trace --pcap "$DIR/long.pcap" | head -c 400)" \
		[ "$(trace --pcap "$DIR/long.pcap" | jq 'length')" = 1500 ]
}

response() { # STATUS JSON
	printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' \
		"$1" "${#2}" "$2"
}

# RESPONSE...: what a trace of a long capture prints where requests are answered so; it ends with the exit code.
trace_answered_by() {
	local rc=0
	rm -f "$DIR/canned.sock"
	"$DIR/canned" "$DIR/canned.sock" "$@" &
	CHILDREN="$CHILDREN $!"
	wait_for 5 [ -S "$DIR/canned.sock" ] || { echo "nobody listens"; return; }
	$CTL --socket "$DIR/canned.sock" --json trace --pcap "$DIR/long.pcap" 2>"$DIR/canned.err" || rc=$?
	echo "exit $rc"
}

# The document on standard output is whole, whatever becomes of a later request.
later_requests_may_fail() {
	local out
	gcc -O2 -Wall -Wextra -Werror -o "$DIR/canned" tests/e2e/canned.c || { fail later_request_is_refused "no server"; return; }
	response '200 OK' '{"packets": [{"reason": "a"}, {"reason": "b"}]}' >"$DIR/told"
	response '422 Unprocessable' '{"errors": [{"where": "interface", "message": "is gone"}]}' >"$DIR/refused"
	: >"$DIR/nothing"
	out=$(trace_answered_by "$DIR/told" "$DIR/told" "$DIR/told")
	check all_answers_are_one_array "$out" \
		[ "$out" = "$(printf '[%s]\nexit 0' "$(yes '{"reason":"a"},{"reason":"b"}' | head -n 3 | paste -sd,)")" ]
	out=$(trace_answered_by "$DIR/told" "$DIR/refused")
	check later_refusal_is_the_document "$out" \
		[ "$out" = "$(printf '{"errors": [{"where": "interface", "message": "is gone"}]}\nexit 1')" -a "$(cat "$DIR/canned.err")" = "interface: is gone" ]
	out=$(trace_answered_by "$DIR/told" "$DIR/nothing")
	check daemon_that_ends_leaves_no_document "$out" [ "$out" = "exit 3" -a -s "$DIR/canned.err" ]
}

refuses() { # NAME CODE TEXT ARGUMENTS...
	local name=$1 code=$2 text=$3 rc=0 output
	shift 3
	output=$($CTL trace "$@" 2>&1) || rc=$?
	check "refuses_$name" "exit $rc: $output" [ "$rc" = "$code" -a -z "${output##*"$text"*}" ]
}

mistakes_are_refused() {
	refuses nothing 2 'which packet'
	refuses two_ways 2 'either built' --src 10.0.0.1 --hex 00
	refuses mixed_families 2 'same family' --src 10.0.0.1 --dst '[2001:db8::1]:80'
	refuses no_port 2 'has no port' --src 10.0.0.1 --dst 10.0.0.2
	refuses no_port_of_ipv6 2 '[ADDRESS]:PORT is expected' --src fd77::11 --dst 2001:db8:10::10:80
	refuses bad_hex 2 'pairs of hex digits' --hex '00:1'
	refuses short_hex 2 '14 to 65557' --hex '00:11'
	refuses unknown_interface 1 'the node balances on: eth0' --src 10.0.0.1 --dst 10.0.0.2:1 --interface eth9
}

hex_is_traced() {
	local frame spaced
	frame=$(head -n 1 "$DIR/frames")
	spaced=$(echo "$frame" | sed 's/../& /g; s/ /:/5')
	check hex_with_blanks_is_traced "$spaced" [ "$(trace --hex "$spaced" | jq -r '.[0].packet_in_hex')" = "$frame" ]
}

story_is_told() {
	local out line missing=
	out=$($CTL trace --src 10.77.0.12:1 --dst 203.0.113.10:80 --vlan 100)
	for line in 'packet  *tcp 10.77.0.12:1 > 203.0.113.10:80 syn, 58 bytes, in by eth0, VLAN 100' \
		'segment  *acme-net' 'tenant  *acme' 'VIP  *web, 203.0.113.10:80/tcp, maglev' \
		'limits .*ICMP answers' 'slot  *[0-9]* of [0-9]*, .*owner a[12]' 'backend  *a[12], 10.77.0.3[12], up' \
		'encapsulation  *vxlan, 10.77.0.2:[0-9]* > 10.77.0.3[12]:4789' 'verdict  *forward by eth0' \
		'reason  *forwarded: ' '104 bytes would leave:' '0060   *50 02'; do
		echo "$out" | grep -q "^$line" || missing="$missing '$line'"
	done
	check story_is_told "no line$missing in $out" [ -z "$missing" ]
	out=$($CTL trace --src 10.77.0.12:1 --dst 203.0.113.10:80 --vlan 100 --length 1500)
	check lines_of_a_dump_are_not_repeated "$out" \
		[ "$(echo "$out" | grep -c '^0')" -lt 12 -a "$(echo "$out" | grep -c '^\*$')" = 1 -a "$(echo "$out" | tail -n 1 | cut -c1-4)" = 0610 ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
names_the_backend_that_answers untagged c 10.77.0.11 198.51.100.10
names_the_backend_that_answers vlan ca 10.77.0.12 203.0.113.10 --vlan 100
names_the_backend_that_answers vlan_ipv6 cb '[fd77::13]' '[2001:db8:1::10]' --vlan 200
changes_nothing
known_flows_are_told
captures_are_traced
long_captures_are_traced
later_requests_may_fail
captures_have_limits
hex_is_traced
mistakes_are_refused
story_is_told
