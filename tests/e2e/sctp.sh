#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# SCTP with the kernel's own stack at both ends: associations reach both backends and carry messages both ways, INITs are
# counted, and a drained backend keeps its associations. Where the kernel has SCTP: Debian's in QEMU.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2: servers on both VIPs, port 3868; all of MTU 1500     (lib_small.sh)
#                                    IPv4 by ipip, which full packets do not fit into; IPv6 by l2
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

SCTP=$DIR/sctp
N=16                                    # associations at once: all to one of two backends once in 32768 runs
PATIENCE=120                            # seconds: an emulated machine is slow

sctp_vip() { # NAME FAMILY ENCAPSULATION
	small_vip "$1" "$2" 3868 "$3" "$2" 88 | sed 's/protocol: tcp/protocol: sctp/'
}

serve_sctp() {
	local ns address
	for ns in b1 b2; do
		for address in $VIP4 $VIP6; do
			start_in $ns "$SCTP" serve $address 3868 $ns
		done
	done
}

# ---- clients; each is N associations that talk when they are told to, and say what came in $DIR/NAME ----
declare -A ASK

begin() { # NAME SOURCE ADDRESS
	local fd
	mkfifo "$DIR/$1.ask"
	nsenter --net="/run/netns/$MTLB_LAB-c" "$SCTP" talk "$2" "$3" 3868 $N <"$DIR/$1.ask" >"$DIR/$1" 2>>"$DIR/log" &
	CHILDREN="$CHILDREN $!"
	exec {fd}>"$DIR/$1.ask"
	ASK[$1]=$fd
}

talk() { # NAME: the next exchange
	local before
	before=$(wc -l <"$DIR/$1")
	echo >&"${ASK[$1]}"
	wait_for $PATIENCE has_more_lines "$DIR/$1" "$before"
	tail -n 1 "$DIR/$1"
}

has_more_lines() { [ "$(wc -l <"$1")" -gt "$2" ]; }

end() { echo end >&"${ASK[$1]}"; }

is_whole() { # RESULT: every message came back, from the same server as before
	[ "$(echo "$1" | jq -c '[.whole, .moved]')" = "[$N,0]" ]
}

servers_of() { echo "$1" | jq -c '.servers'; }

are_open() { # N: associations, as the backends count them
	[ $(($(sctp_mib b1 SctpCurrEstab) + $(sctp_mib b2 SctpCurrEstab))) = "$1" ]
}

# ---- counters ----
sctp_mib() { in_ns "$1" cat /proc/net/sctp/snmp | awk -v want="$2" '$1 == want {print $2}'; } # NS NAME

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1"; }

of_vip() { # VIP COUNTER
	$CTL --json stats small --totals | jq ".tenants[0].vips[] | select(.name == \"$1\") | .$2"
}

arrived() { echo $(($(sctp_mib b1 SctpInSCTPPacks) + $(sctp_mib b2 SctpInSCTPPacks))); }

are_as_many_as_arrived() { [ "$(of_vip "$1" packets)" = "$(arrived)" ]; } # VIP

# ---- tests ----
associations_reach_both_backends() { # VIP SOURCE ADDRESS
	local result
	begin "$1" "$2" "$3"
	result=$(talk "$1")
	check "messages_come_back_whole_$1" "$result" is_whole "$result"
	check "both_backends_answer_$1" "$result" [ "$(servers_of "$result" | jq -c keys)" = '["b1","b2"]' ]
}

# Before anything else is sent. A client that heard no answer has repeated its INIT.
packets_are_counted() { # VIP
	local syns wanted
	check packets_are_those_that_arrive "$(of_vip "$1" packets) are counted, $(arrived) arrived" \
		wait_for 20 are_as_many_as_arrived "$1"
	syns=$(of_vip "$1" syns) wanted=$((N + $(sctp_mib c SctpT1InitExpireds)))
	check syns_are_the_inits "$syns of $wanted" [ "$syns" = $wanted ]
}

path_mtu_is_discovered() {
	local n
	n=$(reason too_big_answered)
	check senders_are_told_the_size "$n answers" [ "$n" -ge 1 ]
	check client_learns_the_path_mtu "$(in_lab c route get $VIP4)" grep -q 'mtu 1480' <(in_lab c route get $VIP4)
}

drained_backend_keeps_its_associations() { # VIP SOURCE ADDRESS
	local old before after new
	old=$(servers_of "$(tail -n 1 "$DIR/$1")")
	before=$(forwarded_by small "$1" b1)
	$CTL backend drain "small/$1/b1" >/dev/null || fail "drain_$1" "refused"
	after=$(talk "$1")
	check "drained_backend_keeps_its_associations_$1" "$old, then $after" \
		[ "$(servers_of "$after") $(echo "$after" | jq -c '[.whole, .moved]')" = "$old [$N,0]" ]
	check "drained_backend_is_sent_their_packets_$1" "$before before" [ "$(forwarded_by small "$1" b1)" -gt "$before" ]
	begin "new_$1" "$2" "$3"
	new=$(talk "new_$1")
	check "drained_backend_gets_no_new_ones_$1" "$new" \
		[ "$(echo "$new" | jq -c '[.whole, .servers]')" = "[$N,{\"b2\":$N}]" ]
}

associations_end_in_order() {
	local name
	check all_are_open "$(sctp_mib b1 SctpCurrEstab) and $(sctp_mib b2 SctpCurrEstab)" are_open $((4 * N))
	for name in "${!ASK[@]}"; do
		end "$name"
	done
	check associations_end_in_order "$(sctp_mib b1 SctpCurrEstab) and $(sctp_mib b2 SctpCurrEstab) are still there" \
		wait_for $PATIENCE are_open 0
}

gcc -O2 -Wall -Wextra -Werror -o "$SCTP" tests/e2e/sctp.c || { fail build "sctp.c"; exit; }
"$SCTP" can || { echo "SKIP $NAME: this kernel has no SCTP"; exit; }
small_lab_up 1500 1500 || { fail start "the lab is not up"; exit; }
small_up_device tunl0 || { echo "SKIP $NAME: this kernel has no ipip device"; exit; }
{
	sctp_vip ipv4 4 '{type: ipip}'
	sctp_vip ipv6 6 '{type: l2}'
} | small_config eth0
serve_sctp
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
associations_reach_both_backends ipv6 fd88::11 $VIP6
packets_are_counted ipv6
associations_reach_both_backends ipv4 10.88.0.11 $VIP4
path_mtu_is_discovered
drained_backend_keeps_its_associations ipv4 10.88.0.11 $VIP4
drained_backend_keeps_its_associations ipv6 fd88::11 $VIP6
associations_end_in_order
