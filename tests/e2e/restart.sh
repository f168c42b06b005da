#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# mtlbd is killed and started again while its neighbours are slow: nobody answers for any address. Requests over new
# connections, and a long one to a backend that has been removed, must not notice. Nor that it does not start where an interface
# cannot carry the program.
#
#   c ─ untagged ─ sw ── lb ── sw ─ g1 g2  gamma, ipip: both by IPv4
. tests/e2e/lib.sh

requests() { # N
	in_ns c curl -s -m 10 --rate 20/s -H 'Connection: close' -o /dev/null -w '%{http_code}\n' "http://198.51.100.10/?[1-$1]"
}

# The kernel asks once a second, so often, before it gives up; nobody who is asked for an address answers.
fall_silent() { # QUESTIONS
	in_ns lb sysctl -qw "net.ipv4.neigh.eth0.mcast_solicit=$1"
	for ns in g1 g2; do
		in_ns "$ns" sysctl -qw net.ipv4.conf.eth0.arp_ignore=8
	done
	ip -n "$MTLB_LAB-lb" neigh flush dev eth0
}

speak_again() {
	for ns in g1 g2; do
		in_ns "$ns" sysctl -qw net.ipv4.conf.eth0.arp_ignore=0
	done
}

knows_nobody() { ! ip -n "$MTLB_LAB-lb" neigh show dev eth0 | grep '^10.77.0.2[12] ' | grep -q lladdr; }

# Nobody answers, and mtlbd says so, but packets go where they went.
is_given_up() {
	$CTL --json backend list gamma | jq -e 'length > 0 and all(.[].status;
		(.next_hop | contains("does not answer")) and (.resolved | not) and .forwards)' >/dev/null
}

# 25 requests over one connection, one each 200 ms
hold_a_connection() {
	in_ns c curl -s -m 20 --rate 5/s -w '%{num_connects}\n' "http://198.51.100.10/?[1-25]" >"$DIR/held" &
	HELD=$!
	CHILDREN="$CHILDREN $HELD"
	wait_for 5 grep -q gamma "$DIR/held"
}

has_answers() { [ "$(grep -c '^gamma' "$DIR/held")" -ge "$1" ]; }

lab_up || { fail start "no lab"; exit; }
sed -i 's|{name: g2, address: "fd77::22"}|{name: g2, address: 10.77.0.22}|' "$CONFIG"
start_mtlbd && warm_up || { fail next_hops_are_resolved "$($CTL backend list)"; exit; }
hold_a_connection
leaving=$(grep -o -m 1 'g[12]' "$DIR/held")
sed -i "/name: $leaving, /d" "$CONFIG"
$CTL reload >/dev/null
fall_silent 60
kill_mtlbd KILL
ip -n "$MTLB_LAB-lb" neigh flush dev eth0
start_mtlbd
check nobody_is_known_after_the_restart "$(ip -n "$MTLB_LAB-lb" neigh)" knows_nobody
answers=$(requests 20 | sort | uniq -c | tr -s ' \n' ' ')
check new_connections_are_served_by_who_answered_before "$answers $($CTL backend list gamma)" [ "$answers" = ' 20 200 ' ]
wait "$HELD"
check a_removed_backend_keeps_its_connection "$(sort "$DIR/held" | uniq -c)" has_answers 25
check it_is_one_connection "$(sort "$DIR/held" | uniq -c)" [ "$(grep -c '^[1-9]' "$DIR/held")" = 1 ]
speak_again
check who_answers_again_is_resolved "$($CTL backend list)" wait_for 10 all_resolved
answers=$(requests 5 | sort | uniq -c | tr -s ' \n' ' ')
check and_served "$answers" [ "$answers" = ' 5 200 ' ]

# The kernel gives up after the restart: no reason to cut off who is served.
fall_silent 1
kill_mtlbd KILL
ip -n "$MTLB_LAB-lb" neigh flush dev eth0
start_mtlbd
check who_is_given_up_is_told_of_and_kept "$($CTL --json backend list gamma)" wait_for 10 is_given_up
answers=$(requests 20 | sort | uniq -c | tr -s ' \n' ' ')
check who_is_given_up_is_served "$answers $($CTL backend list gamma)" [ "$answers" = ' 20 200 ' ]
check and_still_given_up "$($CTL --json backend list gamma)" is_given_up
speak_again
check who_was_given_up_is_resolved_when_it_answers "$($CTL backend list)" wait_for 10 all_resolved

# An interface that cannot carry the program: mtlbd does not start, and leaves alone what forwards.
kill_mtlbd KILL
cp "$CONFIG" "$DIR/good.yaml"
sed -i 's|^\( *\)- {name: eth0, mode: native}|&\n\1- {name: lo, mode: native}|' "$CONFIG"
in_ns lb timeout 10 build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state" \
	--socket "$MTLB_SOCKET" --pin-dir "$PINS" >"$DIR/refused" 2>&1
code=$?
check a_start_with_a_bad_interface_is_refused "exit code $code: $(cat "$DIR/refused")" [ "$code" = 1 ]
answers=$(requests 5 | sort | uniq -c | tr -s ' \n' ' ')
check what_forwards_goes_on "$answers" [ "$answers" = ' 5 200 ' ]
cp "$DIR/good.yaml" "$CONFIG"
check a_good_configuration_starts "$(tail -n 3 "$DIR/log")" start_mtlbd
