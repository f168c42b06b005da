#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A VIP changes its algorithm again and again, with a drain and restarts of mtlbd in between: 60 long
# downloads and 400 requests over new connections go on. Then new connections take turns, and go where
# the fewest are.
#
#   c ─ sw ── lb ── sw ─ g1 g2  gamma, ipip
. tests/e2e/lib.sh

SIZE=8388608
URL=http://198.51.100.10

download() { # N: one line a download
	in_ns c curl -sZ --parallel-immediate --parallel-max "$1" -m 120 -o /dev/null \
		-w '%{http_code} %{size_download} %{errormsg}\n' "$URL/slow?[1-$1]" 2>/dev/null
}

requests() { # N RATE
	in_ns c curl -s -m 10 --rate "$2/s" -H 'Connection: close' -o /dev/null \
		-w '%{http_code} %{num_connects} %{errormsg}\n' "$URL/?[1-$1]"
}

# The line behind the port of gamma's first VIP says the algorithm.
set_algorithm() { # FIELDS
	sed -i '/name: gamma/,/name: web6/{/^        algorithm:/d;/^        source_prefix:/d;}' "$CONFIG"
	[ -z "$1" ] || sed -i "/name: gamma/,/name: web6/s|^        address: 198.51.100.10|&\n$1|" "$CONFIG"
	$CTL reload
}

step() { # COMMAND...: a change that must succeed
	"$@" >>"$DIR/steps" 2>&1 || { echo "a change failed: $*" >>"$DIR/failed"; tail -n 3 "$DIR/steps" >>"$DIR/failed"; }
	sleep 0.7
}

restart_by_sigkill() {
	kill_mtlbd KILL
	start_mtlbd
}

switches() {
	step set_algorithm '        algorithm: round-robin'
	step set_algorithm '        algorithm: least-connections'
	step restart_by_sigkill
	step $CTL backend drain gamma/web/g1
	step set_algorithm '        algorithm: source\n        source_prefix: 24'
	step set_algorithm ''
	step $CTL backend undrain gamma/web/g1
	step restart_by_sigkill
	step set_algorithm '        algorithm: source'
	step set_algorithm '        algorithm: round-robin'
	step restart_by_sigkill
}

count_good() { grep -c "$1" "$2"; }

flows_of() { # BACKEND
	$CTL --json backend list gamma/web | jq "[.[] | select(.name == \"$1\") | .status.flows] | add"
}

nothing_moves() {
	[ "$($CTL --json vip list | jq '[.[].status.moving_slots] | add')" = 0 ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"

download 60 >"$DIR/downloads" &
CHILDREN="$CHILDREN $!"
requests 400 40 >"$DIR/requests" &
CHILDREN="$CHILDREN $!"
switches
running=$(jobs -rp | wc -l)
flows=$(($(flows_of g1) + $(flows_of g2)))
check remembered_flows_are_listed "$flows flows" [ "$flows" -ge 60 ]
for pid in $CHILDREN; do wait "$pid"; done
CHILDREN=

check all_changes_were_applied "$(cat "$DIR/failed" 2>/dev/null)" [ ! -e "$DIR/failed" ]
check downloads_lasted_longer_than_the_changes "$running jobs were left after the changes" [ "$running" -ge 2 ]
good=$(count_good '^200 1 $' "$DIR/requests")
check requests_over_new_connections_all_answered \
	"$good of 400: $(sort "$DIR/requests" | uniq -c | tr '\n' ';')" [ "$good" = 400 ]
good=$(count_good "^200 $SIZE " "$DIR/downloads")
check long_downloads_none_broken \
	"$good of 60: $(sort "$DIR/downloads" | uniq -c | sort -rn | head -5 | tr '\n' ';')" [ "$good" = 60 ]
check moves_end_when_their_flows_have "$($CTL --json vip list | jq -c '.[].status')" wait_for 40 nothing_moves

ask c $URL/ 40 >"$DIR/turns"
g1=$(grep -c g1 "$DIR/turns")
check new_connections_take_turns "$(sort "$DIR/turns" | uniq -c | tr '\n' ';')" [ "$g1" = 20 ]

# 40 downloads on two backends: each has 20, but for connections that begin on two CPUs at once
set_algorithm '        algorithm: least-connections' >/dev/null
download 40 >"$DIR/least" &
CHILDREN=$!
all_opened() { [ $(($(flows_of g1) + $(flows_of g2))) -ge 40 ]; }
wait_for 10 all_opened
counts="$(in_ns g1 ss -Htn state established 'sport = :80' | wc -l) $(in_ns g2 ss -Htn state established 'sport = :80' | wc -l)"
check new_connections_go_where_the_fewest_are "g1 and g2 have $counts" \
	[ "${counts% *}" -ge 18 -a "${counts% *}" -le 22 -a "${counts#* }" -ge 18 ]
wait "$CHILDREN"
CHILDREN=
good=$(count_good "^200 $SIZE " "$DIR/least")
check downloads_of_least_connections_end_well "$good of 40" [ "$good" = 40 ]
