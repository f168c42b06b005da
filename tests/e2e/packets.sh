#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is not a plain packet, as the stacks at both ends make it: path MTU discovery through a network that is too narrow for
# the outer headers, pings, ICMP errors of a client, datagrams in fragments.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2 10.88.0.0/24     all of MTU 1500: what is full does not fit into vxlan
#                                                           (lib_small.sh)
# On two more VIPs, .21 and ::21, which no backend has, pings alone arrive.
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

VXLAN='{type: vxlan, vni: 4100}'
UDP=$DIR/udp
SILENT4=198.51.100.21
ECHO6=2001:db8:20::21
FLOWS=24                                # all at one of two backends once in eight million runs

udp_vip() { # NAME FAMILY
	small_vip "$1" "$2" 53 '{type: l2}' "$2" 88 | sed 's/protocol: tcp/protocol: udp/'
}

config() {
	{
		small_vip pmtu 4 8001 "$VXLAN" 4 88
		small_vip pmtu-ipv6 6 8002 "$VXLAN" 4 88 | sed 's/port: 8002/&, echo: false/'
		small_vip silent 4 8003 '{type: l2}' 4 88 | sed "s/$VIP4/$SILENT4/; s/port: 8003/&, echo: false/"
		small_vip echo-ipv6 6 8004 '{type: l2}' 6 88 | sed "s/$VIP6/$ECHO6/"
		udp_vip dns 4
		udp_vip dns-ipv6 6 | sed 's/port: 53/&, echo: false/'
	} | small_config eth0
}

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1 // 0"; }

counted() { # NAME REASON AT-LEAST
	local n
	n=$(reason "$2")
	check "$1" "$n packets counted as $2, at least $3 wanted" [ "$n" -ge "$3" ]
}

# ---- path MTU ----
learned_mtu() { in_lab c route get "$1" | grep -o 'mtu [0-9]*' | grep -o '[0-9]*'; }

forget_mtu() { in_lab c route flush cache && in_lab c -6 route flush cache; }

path_mtu_is_discovered() {
	small_check upload_fits_after_too_big_ipv4 4 8001 vx4
	check client_learns_the_path_mtu_ipv4 "$(learned_mtu $VIP4)" [ "$(learned_mtu $VIP4)" = 1450 ]
	small_check upload_fits_after_too_big_ipv6 6 8002 vx4
	check client_learns_the_path_mtu_ipv6 "$(learned_mtu $VIP6)" [ "$(learned_mtu $VIP6)" = 1450 ]
	counted senders_are_told_the_size too_big_answered 2
}

upload() { # SECONDS
	in_ns c curl -s -m "$1" -H 'Expect:' --data-binary @"$DIR/upload" "http://$VIP4:8001/upload" >/dev/null
}

# So that the two tests above can fail: without the answers the same upload hangs.
without_answers_it_hangs() {
	sed -i 's/limits: {/&icmp_per_second: 0, /' "$CONFIG"
	$CTL reload >/dev/null || fail reload "$($CTL reload)"
	forget_mtu
	if upload 3; then fail no_answers_at_the_limit "the upload went through"; else pass no_answers_at_the_limit; fi
	counted answers_beyond_the_limit_are_counted too_big_limited 1
	sed -i 's/icmp_per_second: 0, //' "$CONFIG"
	$CTL reload >/dev/null
	check answers_come_back "the upload fails" upload 20
}

# ---- ICMP ----
pings() { in_ns c ping -q -c 4 -i 0.2 -W 1 "$@" >/dev/null 2>&1; }

# echo_is NAME N ADDRESS...: N of the 4 pings to each ADDRESS are answered, by the balancer
echo_is() {
	local name=$1 wanted=$2 address before after
	shift 2
	for address in "$@"; do
		before=$(reason echo_answered)
		if pings "$address"; then after=4; else after=0; fi
		check "${name}_$address" "$after of 4 are answered" [ $after = "$wanted" ]
		after=$(($(reason echo_answered) - before))
		check "${name}_and_counted_$address" "$after echoes, $wanted wanted" [ $after = "$wanted" ]
	done
}

echoes_are_answered() {
	local before
	in_lab c route add $SILENT4 via 10.88.0.2 && in_lab c route add $ECHO6 via fd88::2
	echo_is ping_is_answered 4 $VIP4 $ECHO6
	before=$(reason icmp_other)
	echo_is echo_false_is_silent 0 $SILENT4 $VIP6
	counted silent_pings_are_counted icmp_other $((before + 8))
	check long_pings_are_answered_ipv4 "$VIP4 does not answer" pings -s 1400 $VIP4
	check long_pings_are_answered_ipv6 "$ECHO6 does not answer" pings -s 1400 $ECHO6
	before=$(reason echo_answered)
	check other_addresses_are_the_kernels "the balancer's own address does not answer" pings 10.88.0.2
	check other_addresses_are_not_counted "$(reason echo_answered) echoes" [ "$(reason echo_answered)" = "$before" ]
}

# The clients' ports that a backend has seen, by what it logs: datagram or error.
ports_at() { # BACKEND ADDRESS WHAT
	awk -v what="$3" '$1 == what {print $2}' "$DIR/$1-$2" | sort -n | uniq
}

logged() { # ADDRESS WHAT: lines of both backends
	cat "$DIR/b1-$1" "$DIR/b2-$1" | grep -c "^$2"
}

# bash closes each socket at once, the servers wait: the answer meets a closed port, and the client's kernel tells the VIP.
# Each error must come to the server that has answered this very port.
errors_reach_the_backend_of_the_flow() { # NAME ADDRESS
	local b
	rm_logs "$2"
	# shellcheck disable=SC2016
	in_ns c bash -c 'for ((i = 0; i < $1; i++)); do echo hello >"/dev/udp/$0/53"; done' "$2" $FLOWS
	wait_for 20 all_errors_came "$2" || true
	for b in b1 b2; do
		check "$1_reach_$b" "answered: $(ports_at $b "$2" datagram | tr '\n' ' '), errors: $(ports_at $b "$2" error | tr '\n' ' ')" \
			[ "$(ports_at $b "$2" datagram)" = "$(ports_at $b "$2" error)" -a -n "$(ports_at $b "$2" error)" ]
	done
	check "$1_all_come" "$(logged "$2" error) errors of $FLOWS" all_errors_came "$2"
}

rm_logs() { : >"$DIR/b1-$1" && : >"$DIR/b2-$1"; }

all_errors_came() { [ "$(logged "$1" error)" = $FLOWS ]; }

# ---- fragments; of many at once: fragments.sh ----
fragments_stay_together() { # NAME ADDRESS
	local result
	result=$(in_ns c "$UDP" flows "$2" 53 16 3 3000 4000)
	check "$1" "$result" [ "$(echo "$result" | jq -c '[.answered, .spoilt, (.servers | keys)]')" = '[16,0,["b1","b2"]]' ]
}

serve_udp() {
	local ns address
	gcc -O2 -Wall -Wextra -Werror -o "$UDP" tests/e2e/udp.c || return 1
	for ns in b1 b2; do
		for address in $VIP4 $VIP6; do
			start_in $ns "$UDP" serve $address 53 $ns 50 "$DIR/$ns-$address"
		done
	done
}

small_lab_up 1500 1500 || { fail start "the lab is not up"; exit; }
small_add_device vx4 address 02:6d:74:6c:62:01 type vxlan id 4100 dstport 4789 nolearning ||
	{ echo "SKIP $NAME: this kernel has no vxlan device"; exit; }
config
serve_udp && start_mtlbd || { fail start "mtlbd or the servers did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
path_mtu_is_discovered
without_answers_it_hangs
echoes_are_answered
# or the client's kernel would tell of six at most
in_ns c sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
errors_reach_the_backend_of_the_flow icmp_errors_ipv4 $VIP4
errors_reach_the_backend_of_the_flow icmp_errors_ipv6 $VIP6
counted icmp_errors_are_counted icmp_forwarded $((2 * FLOWS))
fragments_stay_together fragments_ipv4 $VIP4
fragments_stay_together fragments_ipv6 $VIP6
