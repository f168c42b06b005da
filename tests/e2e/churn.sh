#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What an operator does all day breaks no connection: 1000 requests over new connections and 200 long
# downloads while backends are drained, re-weighted, added and removed, and mtlbd is killed with SIGKILL and started again.
#
#   c  ─ untagged ─┐               ┌─ g1 g2  gamma, ipip; g1 has a second address, which comes and goes
#   ca ─ VLAN 100 ─┤ sw ── lb ── sw ├─ a1 a2  acme, vxlan
#   cb ─ VLAN 200 ─┘               └─ b1 b2  beta, vxlan over IPv6
. tests/e2e/lib.sh

SIZE=8388608

download() { # NS URL N: one line a download
	in_ns "$1" curl -sZ --parallel-immediate --parallel-max "$3" -m 120 -o /dev/null \
		-w '%{http_code} %{size_download} %{errormsg}\n' "$2?[1-$3]" 2>/dev/null
}

requests() { # NS URL N RATE
	in_ns "$1" curl -s -m 10 --rate "$4/s" -H 'Connection: close' -o /dev/null \
		-w '%{http_code} %{num_connects} %{errormsg}\n' "$2?[1-$3]"
}

add_backend_by_file() {
	sed -i 's|^\(  *\)- {name: g2, address: "fd77::22"}|&\n\1- {name: g3, address: "fd77::21", weight: 50}|' "$CONFIG"
	$CTL reload >/dev/null
}

remove_backend_by_file() {
	sed -i '/name: g3/d' "$CONFIG"
	kill -HUP "$MTLBD_PID"
}

step() { # COMMAND...: a change that must succeed
	"$@" >>"$DIR/steps" 2>&1 || { echo "a change failed: $*" >>"$DIR/failed"; tail -n 3 "$DIR/steps" >>"$DIR/failed"; }
	sleep 0.7
}

restart_by_sigkill() {
	kill_mtlbd KILL
	sleep 0.3
	start_mtlbd
}

churn() {
	step $CTL backend drain gamma/web/g1
	step $CTL backend drain acme/web/a1
	step $CTL backend set beta/web/b1 weight=10
	step restart_by_sigkill
	step $CTL backend undrain gamma/web/g1
	step add_backend_by_file
	step $CTL backend set gamma/web/g2 weight=300
	step $CTL backend drain beta/web/b2
	step restart_by_sigkill
	step $CTL backend undrain acme/web/a1
	step $CTL backend drain gamma/web/g2
	step remove_backend_by_file
	step $CTL backend undrain beta/web/b2
	step restart_by_sigkill
	step $CTL backend clear gamma/web/g2
	step $CTL backend clear beta/web/b1
}

count_good() { grep -c "$1" "$2"; }

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
add_backend_by_file && wait_for 5 all_resolved && remove_backend_by_file

download c http://198.51.100.10/slow 100 >"$DIR/down-c" &
CHILDREN="$CHILDREN $!"
download ca http://203.0.113.10/slow 50 >"$DIR/down-ca" &
CHILDREN="$CHILDREN $!"
download cb http://203.0.113.10/slow 50 >"$DIR/down-cb" &
CHILDREN="$CHILDREN $!"
sleep 1
requests c http://198.51.100.10/ 500 40 >"$DIR/req-c" &
CHILDREN="$CHILDREN $!"
requests ca http://203.0.113.10/ 250 20 >"$DIR/req-ca" &
CHILDREN="$CHILDREN $!"
requests cb http://203.0.113.10/ 250 20 >"$DIR/req-cb" &
CHILDREN="$CHILDREN $!"
churn
running=$(jobs -rp | wc -l)
for pid in $CHILDREN; do wait "$pid"; done
CHILDREN=

check all_changes_were_applied "$(cat "$DIR/failed" 2>/dev/null)" [ ! -e "$DIR/failed" ]
# mtlbd and the downloads at least: what is over before the changes proves nothing
check downloads_lasted_longer_than_the_changes "$running jobs were left after the changes" [ "$running" -ge 4 ]
cat "$DIR"/req-* >"$DIR/requests"
good=$(count_good '^200 1 $' "$DIR/requests")
check requests_over_new_connections_all_answered \
	"$good of 1000: $(sort "$DIR/requests" | uniq -c | tr '\n' ';')" [ "$good" = 1000 ]
cat "$DIR"/down-* >"$DIR/downloads"
good=$(count_good "^200 $SIZE " "$DIR/downloads")
check long_downloads_none_broken \
	"$good of 200: $(sort "$DIR/downloads" | uniq -c | sort -rn | head -5 | tr '\n' ';')" [ "$good" = 200 ]

nothing_moves() {
	[ "$($CTL --json vip list | jq '[.[].status.moving_slots] | add')" = 0 ]
}
check moves_end_when_their_flows_have "$($CTL --json vip list | jq -c '.[].status')" wait_for 40 nothing_moves
weights=$($CTL --json backend list gamma/web | jq -c '[.[] | [.name, .weight, .state]]')
check overrides_that_were_cleared_are_gone "$weights" \
	[ "$weights" = '[["g1",100,"up"],["g2",100,"up"]]' ]
