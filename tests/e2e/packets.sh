#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is not a plain packet, as the stacks at both ends make it: path MTU discovery through a network that is too narrow for
# the outer headers, pings, ICMP errors of a client, datagrams in fragments; and ranges of ports, one backend for an address.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2 10.88.0.0/24     all of MTU 1500: what is full does not fit into vxlan
#                                                           (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

VXLAN='{type: vxlan, vni: 4100}'
UDP=$DIR/udp

udp_vip() { # NAME FAMILY
	small_vip "$1" "$2" 53 '{type: l2}' "$2" 88 | sed 's/protocol: tcp/protocol: udp/'
}

config() {
	{
		small_vip pmtu 4 8001 "$VXLAN" 4 88
		small_vip pmtu-ipv6 6 8002 "$VXLAN" 4 88 | sed 's/port: 8002/&, echo: false/'
		small_vip range 4 8010 '{type: l2}' 4 88 | sed 's/port: 8010/port: 8010-8019/'
		small_vip exact 4 8015 '{type: l2}' 4 88 | sed 's/backends: .*/backends: [{name: b1, address: 10.88.0.21}]}/'
		small_vip source 4 8020 '{type: l2}' 4 88 | sed 's/port: 8020/&, algorithm: source, source_prefix: 24/'
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
pings() { in_ns c ping -q -c 4 -i 0.2 -W 1 "$1" >/dev/null 2>&1; }

echoes_are_answered() {
	local before
	check ping_is_answered "$VIP4 does not answer" pings $VIP4
	before=$(reason echo_answered)
	check echoes_are_counted "$before echoes of 4" [ "$before" = 4 ]
	if pings $VIP6; then fail echo_false_is_silent "$VIP6 answers"; else pass echo_false_is_silent; fi
	check other_addresses_are_the_kernels "the balancer's own address does not answer" pings 10.88.0.2
	check other_addresses_are_not_counted "$(reason echo_answered) echoes" [ "$(reason echo_answered)" = "$before" ]
}

mib() { # NS NAME
	in_ns "$1" cat /proc/net/snmp /proc/net/snmp6 | awk -v want="$2" '
		$1 == want {print $2; exit}
		$1 == last {for (i = 2; i <= NF; i++) if ($1 names[i] == want) {print $i; exit}}
		{last = $1; for (i = 2; i <= NF; i++) names[i] = $i}'
}

# bash closes each socket at once, the servers wait: the answer meets a closed port, and the client's kernel tells the VIP.
errors_reach_the_backend_of_the_flow() { # NAME ADDRESS DATAGRAMS ERRORS
	local b datagrams errors all=0
	for b in b1 b2; do
		eval "datagrams_$b=$(mib $b "$3") errors_$b=$(mib $b "$4")"
	done
	for _ in 1 2 3 4 5; do
		in_ns c bash -c "echo hello >/dev/udp/$2/53"
	done
	wait_for 5 errors_came "$4" 5 || true
	for b in b1 b2; do
		datagrams=$(($(mib $b "$3") - datagrams_$b)) errors=$(($(mib $b "$4") - errors_$b)) all=$((all + errors))
		check "$1-$b" "$datagrams datagrams, $errors errors" [ $datagrams = $errors ]
	done
	check "$1" "$all errors of 5" [ $all = 5 ]
}

errors_came() { [ $(($(mib b1 "$1") - errors_b1 + $(mib b2 "$1") - errors_b2)) -ge "$2" ]; }

# ---- fragments ----
fragmented() { # ADDRESS: the server's name
	in_ns c bash -c "exec 3<>/dev/udp/$1/53 && head -c 4000 '$DIR/upload' >&3 && head -c 8 <&3" | cut -d' ' -f1
}

fragments_stay_together() { # NAME ADDRESS
	local answers
	answers=$(for _ in $(seq 20); do timeout 5 cat <(fragmented "$2" 2>/dev/null); done | tr -d '\0' | sort | uniq -c)
	check "$1" "$answers" [ "$(echo "$answers" | awk '$2 ~ /^b[12]$/ {n += $1} END {print n, NR}')" = "20 2" ]
}

# ---- ports ----
names_at() { # PORT N
	ask c "http://$VIP4:$1/" "$2" | sort | uniq -c | awk '{print $NF "=" $1}' | tr '\n' ' '
}

ports_are_told_apart() {
	check a_range_reaches_both "$(names_at 8012 30)" [ "$(names_at 8012 30 | wc -w)" = 2 ]
	check the_exact_port_goes_first "$(names_at 8015 20)" [ "$(names_at 8015 20)" = "b1=20 " ]
	check source_keeps_a_client_at_one "$(names_at 8020 20)" [ "$(names_at 8020 20 | wc -w)" = 1 ]
	in_ns c curl -s -m 1 "http://$VIP4:8050/" >/dev/null
	counted other_ports_pass not_vip_port 1
	sed -i 's/  - name: small$/&\n    other_ports: drop/' "$CONFIG"
	$CTL reload >/dev/null || fail reload "$($CTL reload)"
	in_ns c curl -s -m 1 "http://$VIP4:8050/" >/dev/null
	counted other_ports_drop port_closed 1
}

serve_udp() {
	local ns address
	gcc -O2 -Wall -Wextra -Werror -o "$UDP" tests/e2e/udp.c || return 1
	for ns in b1 b2; do
		for address in $VIP4 $VIP6; do
			# not in_ns: nsenter becomes the server, so that $! is its pid
			nsenter --net="/run/netns/$MTLB_LAB-$ns" "$UDP" serve $address 53 $ns 50 &
			CHILDREN="$CHILDREN $!"
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
errors_reach_the_backend_of_the_flow icmp_error_ipv4 $VIP4 Udp:InDatagrams Icmp:InDestUnreachs
errors_reach_the_backend_of_the_flow icmp_error_ipv6 $VIP6 Udp6InDatagrams Icmp6InDestUnreachs
counted icmp_errors_are_counted icmp_forwarded 10
fragments_stay_together fragments_ipv4 $VIP4
fragments_stay_together fragments_ipv6 $VIP6
ports_are_told_apart
