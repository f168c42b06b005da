#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `mtlbctl trace` of what is not a plain packet, for people and as JSON: QUIC ids, fragments, ICMP errors, pings, packets that
# are too long. A real packet that is sent has the fate that trace told.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2     all of MTU 1500: what is full does not fit into vxlan     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh
. tests/e2e/lib_frames.sh

VXLAN='{type: vxlan, vni: 4100}'
C4=10.88.0.11
C6=fd880000000000000000000000000011     # the client's address, and the VIP's
V6=20010db8002000000000000000000020

udp_vip() { # NAME FAMILY PORT
	small_vip "$1" "$2" "$3" '{type: l2}' "$2" 88 | sed 's/protocol: tcp/protocol: udp/'
}

config() {
	{
		small_vip web 4 8001 "$VXLAN" 4 88
		small_vip web-ipv6 6 8001 "$VXLAN" 4 88
		udp_vip dns 4 53
		udp_vip dns-ipv6 6 53
		udp_vip quic 4 443 | sed 's/port: 443/&, quic: {rotation_bits: 3, configs: [{rotation: 0, server_id_length: 2, nonce_length: 6}]}/
			s/name: b1/&, server_id: a1b2/; s/name: b2/&, server_id: 0f0e/'
	} | small_config eth0
}

v4() { to_balancer 0800 "$(ipv4 $C4 $VIP4 "$@")"; }

v6() { to_balancer 86dd "$(ipv6 $C6 $V6 "$@")"; }

trace() { $CTL --json trace "$@"; }

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1"; }

# ---- frames ----
quic() { v4 17 "$(udp 40000 443 30 "4007$1$(zeros 26)")"; } # SERVER-ID

tcp() { printf '9c401f4100000001000000005010ffff00000000%s\n' "$(zeros "$1")"; } # BYTES: of payload

errors_of_v4() { v4 1 "03040000000005dc$(ipv4 $VIP4 $C4 6 1f419c4000000000)"; }

errors_of_v6() { v6 58 "02000000000005dc$(ipv6 $V6 $C6 6 1f419c4000000000)"; }

# The rows: NAME, how and reason that trace is to tell, VIP, a frame. Each frame is sent after it was traced, so that later ones
# meet what it has left behind.
rows() {
	local first later
	first=$(udp 40000 53 1608 "$(zeros 800)") later=$(zeros 800)
	echo quic_id_of_b1 quic_id forwarded quic "$(quic a1b2)"
	echo quic_id_of_b2 quic_id forwarded quic "$(quic 0f0e)"
	echo unknown_quic_id hash forwarded quic "$(quic ffff)"
	echo unknown_fragment null fragment_unknown null "$(v4 17 "$later" 7001 808)"
	echo first_fragment hash forwarded dns "$(v4 17 "$first" 7001 0+)"
	echo remembered_fragment fragment forwarded dns "$(v4 17 "$later" 7001 808)"
	echo unknown_fragment_ipv6 null fragment_unknown null "$(v6 17 "$later" 7001 808)"
	echo first_fragment_ipv6 hash forwarded dns-ipv6 "$(v6 17 "$first" 7001 0+)"
	echo remembered_fragment_ipv6 fragment forwarded dns-ipv6 "$(v6 17 "$later" 7001 808)"
	echo short_first_fragment null fragment null "$(v4 17 "${first:0:8}" 7002 0+)"
	echo icmp_error hash icmp_forwarded web "$(errors_of_v4)"
	echo icmp_error_ipv6 hash icmp_forwarded web-ipv6 "$(errors_of_v6)"
	echo echo null echo_answered null "$(v4 1 080000000001000100)"
	echo echo_ipv6 null echo_answered null "$(v6 58 800000000001000100)"
	echo too_big hash too_big_answered web "$(v4 6 "$(tcp 1460)")"
	echo too_big_ipv6 hash too_big_answered web-ipv6 "$(v6 6 "$(tcp 1440)")"
}

# ---- tests ----
# Packets of a VIP by backend: "3 5"
by_backend() {
	$CTL --json stats small --totals | jq -r "[.tenants[0].vips[] | select(.name == \"$1\") | .backends[].packets] | @text"
}

has_counted() { [ "$(reason "$1")" = "$2" ]; }

# The counters by backend after one more packet at BACKEND; null: at none.
one_more() { # COUNTERS BACKEND
	echo "$1" | jq -c --arg b "$2" 'if $b == "b1" then .[0] += 1 elif $b == "b2" then .[1] += 1 else . end'
}

trace_tells_the_fate() { # NAME HOW REASON VIP FRAME
	local told backend packets before
	told=$(trace --hex "$5" | jq -r '.[0] | "\(.how) \(.reason) \(.vip) \(.backend)"')
	backend=${told##* }
	check "told_$1" "told: $told" [ "${told% *}" = "$2 $3 $4" ]
	packets=$(by_backend "$4") before=$(reason "$3")
	echo "$5" | send_frames c
	wait_for 5 has_counted "$3" $((before + 1)) || true
	check "met_$1" "$3: $before before, $(reason "$3") after" has_counted "$3" $((before + 1))
	case $3 in
	*forwarded) packets=$(one_more "$packets" "$backend") ;;
	esac
	check "met_by_the_backend_$1" "told: $backend; wanted: $packets, counted: $(by_backend "$4")" [ "$(by_backend "$4")" = "$packets" ]
}

backend_of() { trace "$@" | jq -r '.[0].backend'; }

# The backend of an error is that of its flow, and QUIC's id names its own.
backends_are_told() {
	local flow
	check quic_ids_name_their_backends "$(backend_of --hex "$(quic a1b2)") and $(backend_of --hex "$(quic 0f0e)")" \
		[ "$(backend_of --hex "$(quic a1b2)") $(backend_of --hex "$(quic 0f0e)")" = 'b1 b2' ]
	flow=$(backend_of --src $C4:40000 --dst $VIP4:8001 --flags ack)
	check error_goes_where_its_flow_goes "$flow" [ "$(backend_of --hex "$(errors_of_v4)")" = "$flow" ]
	flow=$(backend_of --src '[fd88::11]:40000' --dst "[$VIP6]:8001" --flags ack)
	check error_goes_where_its_flow_goes_ipv6 "$flow" [ "$(backend_of --hex "$(errors_of_v6)")" = "$flow" ]
}

# tells NAME FRAME LINE...: the story has each of these lines
tells() {
	local name=$1 story line missing=
	story=$($CTL trace --hex "$2")
	shift 2
	for line in "$@"; do
		echo "$story" | grep -q "^$line" || missing="$missing '$line'"
	done
	check "$name" "no line$missing in $story" [ -z "$missing" ]
}

frame_of() { awk -v name="$1" '$1 == name {print $5}' "$DIR/rows"; }

stories_are_told() {
	tells story_of_a_quic_id "$(frame_of quic_id_of_b2)" 'VIP  *quic, 198.51.100.20:443/udp, maglev' \
		'decided by  *the QUIC connection id: it names the backend' 'backend  *b2, 10.88.0.22, up' 'verdict  *forward by eth0'
	tells story_of_a_fragment "$(frame_of remembered_fragment)" 'packet  *udp 10.88.0.11 > 198.51.100.20 fragment at 808, 834 bytes' \
		'decided by  *the first fragment, which is remembered' 'backend  *b[12], ' 'reason  *forwarded: '
	tells story_of_a_fragment_ipv6 "$(frame_of remembered_fragment_ipv6)" \
		"packet  *udp fd88::11 > $VIP6 fragment at 808, 862 bytes" 'decided by  *the first fragment, which is remembered'
	tells story_of_a_first_fragment_ipv6 "$(frame_of first_fragment_ipv6)" \
		"packet  *udp \[fd88::11\]:40000 > \[$VIP6\]:53 fragment at 0, 870 bytes" 'VIP  *dns-ipv6, '
	tells story_of_an_unknown_fragment "$(v4 17 "$(zeros 800)" 7003 808)" 'verdict  *drop$' 'reason  *fragment_unknown: '
	tells story_of_an_error "$(frame_of icmp_error)" 'packet  *icmp 10.88.0.11 > 198.51.100.20 type 3, 70 bytes' 'VIP  *web, ' \
		'encapsulation  *vxlan, ' 'verdict  *forward by eth0' 'reason  *icmp_forwarded: '
	tells story_of_an_echo "$(frame_of echo)" 'verdict  *reply by eth0' 'reason  *echo_answered: ' '43 bytes would leave:' \
		'0020  .. .. 00 00 '
	tells story_of_a_long_packet "$(frame_of too_big)" 'backend  *b[12], ' 'verdict  *reply by eth0' 'reason  *too_big_answered: ' \
		'590 bytes would leave:' '0020  .. .. 03 04 .. .. 00 00  05 aa '
	tells story_of_a_long_packet_ipv6 "$(frame_of too_big_ipv6)" 'reason  *too_big_answered: ' \
		'0030  .. .. .. .. .. .. 02 00  .. .. 00 00 05 aa '
}

state() {
	$CTL --json stats small --totals | jq -S .tenants
	for map in flows answers turns backend_loads; do
		echo "$map $(bpftool -j map dump pinned "$PINS/$map" | md5sum)"
	done
}

# A capture with all of them: a line each, and nothing of it changes a thing.
table_is_told() {
	local table wanted changed
	awk '{print $5}' "$DIR/rows" | capture 1 65535 >"$DIR/all.pcap"
	state >"$DIR/before"
	table=$($CTL trace --pcap "$DIR/all.pcap")
	changed=$(state | diff "$DIR/before" -)
	check tracing_changes_nothing "$changed" [ -z "$changed" ]
	# by now the first fragments are remembered
	wanted=$(sed 's/null fragment_unknown null/fragment forwarded dns/; s/_ipv6 fragment forwarded dns/&-ipv6/; s/-ipv6-ipv6/-ipv6/' "$DIR/rows" |
		awk '{print NR, $3, ($4 == "null") ? "small" : "small/" $4}')
	check table_has_a_line_for_each "$table" [ "$(echo "$table" | awk '
		$1 ~ /^[0-9]+$/ && $2 != "packets:" {
			for (i = 3; i < NF; i++) if ($i ~ /^(forward|drop|reply|pass)$/) print $1, $(i + 1), $(i + 2)}')" = "$wanted" ]
	check table_ends_with_a_summary "$table" [ "$(echo "$table" | tail -n 1)" = \
		'16 packets: 9 forwarded, 1 fragment, 2 icmp_forwarded, 2 echo_answered, 2 too_big_answered' ]
}

small_lab_up 1500 1500 || { fail start "the lab is not up"; exit; }
build_frame_sender || { fail build "frame.c"; exit; }
config
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
frames_from c
rows >"$DIR/rows"
while read -r name how reason vip frame; do
	trace_tells_the_fate "$name" "$how" "$reason" "$vip" "$frame"
done <"$DIR/rows"
backends_are_told
stories_are_told
table_is_told
