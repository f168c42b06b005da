#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# VIPs that share an address: one port goes before a range, and before `port: any`; protocols and addresses are apart.
#
#   c ── sw ── eth0 lb eth0 ── sw ── b1 b2     l2; nginx at ports 8001 to 8100, UDP servers at some     (lib_small.sh)
#
#   198.51.100.20  tcp any          b1 b2      198.51.100.21  tcp 8010-8019  b1 b2
#                  tcp 8015         b1                        tcp 8015       b2
#                  udp 8010-8019    b1 b2                     tcp 8030-8039  b1
#                  udp 8015         b2
#   2001:db8:20::20  tcp any        b1 b2
#                    tcp 8015       b1
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

UDP=$DIR/udp
SECOND4=198.51.100.21
N=24                                    # connections: all to one of two backends once in eight million runs

# port_vip NAME FAMILY PORTS [BACKEND]: of one backend, or of both
port_vip() {
	local backend=${4:-} number
	number=${backend#b}
	small_vip "$1" "$2" 1 '{type: l2}' "$2" 88 | sed "s/port: 1,/port: $3,/" |
		if [ $# = 3 ]; then cat; else sed "s/\[{name: b.*{name: b2\(.*\)22\(.*\)}\]/[{name: $backend\12$number\2}]/"; fi
}

config() {
	{
		port_vip any 4 any
		port_vip one 4 8015 b1
		port_vip udp-range 4 8010-8019 | sed 's/protocol: tcp/protocol: udp/'
		port_vip udp-one 4 8015 b2 | sed 's/protocol: tcp/protocol: udp/'
		port_vip second-range 4 8010-8019 | sed "s/$VIP4/$SECOND4/"
		port_vip second-one 4 8015 b2 | sed "s/$VIP4/$SECOND4/"
		port_vip second-other 4 8030-8039 b1 | sed "s/$VIP4/$SECOND4/"
		port_vip any-ipv6 6 any
		port_vip one-ipv6 6 8015 b1
	} | small_config eth0
}

add_second_address() {
	in_lab c route add $SECOND4 via 10.88.0.2 && in_lab b1 addr add $SECOND4/32 dev lo && in_lab b2 addr add $SECOND4/32 dev lo
}

serve_udp() {
	local ns port
	for ns in b1 b2; do
		for port in 8010 8015 8019; do
			start_in $ns "$UDP" serve "$VIP4" $port $ns
		done
	done
}

reason() { $CTL --json stats small --totals | jq ".tenants[0].reasons.$1 // 0"; }

# ---- who answers ----
tcp() { timeout 10 cat <(ask c "http://$1:$2/" $N) | sed 's/^small //' | sort | uniq -c | awk '{print $2 "=" $1}' | tr '\n' ' '; } # HOST PORT

udp() { in_ns c "$UDP" flows "$1" "$2" $N 1 500 | jq -r '.servers | to_entries | sort_by(.key)[] | "\(.key)=\(.value) "' | tr -d '\n'; }

# goes_to NAME WANTED tcp|udp HOST PORT: WANTED is b1, b2 or both
goes_to() {
	local answers pattern="^$2=$N $"
	[ "$2" != both ] || pattern='^b1=[0-9]+ b2=[0-9]+ $'
	answers=$("$3" "$4" "$5")
	check "$1_$5" "$answers" eval '[[ "$answers" =~ $pattern && "$answers" != *failed* ]]'
}

# A port that a VIP has but no server: the backend refuses the connection.
is_refused_by_the_backend() { # NAME HOST PORT
	local before rc=0
	before=$(reason forwarded)
	in_ns c curl -s -m 5 "http://$2:$3/" || rc=$?
	check "$1_$3" "curl ends with $rc, $before packets before, $(reason forwarded) after" \
		[ $rc = 7 -a "$(reason forwarded)" -gt "$before" ]
}

# HOST PORT: nobody answers, and the packets count as REASON
ends_as() { # NAME REASON HOST PORT
	local before
	before=$(reason "$2")
	in_ns c curl -s -m 1 "http://$3:$4/" >/dev/null
	check "$1_$4" "$before packets counted as $2 before, $(reason "$2") after" [ "$(reason "$2")" -gt "$before" ]
}

any_takes_every_port() {
	goes_to any_takes both tcp $VIP4 8001
	goes_to any_takes both tcp $VIP4 8016
	goes_to any_takes both tcp $VIP4 8100
	goes_to any_takes_ipv6 both tcp "[$VIP6]" 8016
	is_refused_by_the_backend any_takes $VIP4 1
	is_refused_by_the_backend any_takes $VIP4 65535
	is_refused_by_the_backend any_takes_ipv6 "[$VIP6]" 65535
}

one_port_goes_first() {
	goes_to one_goes_before_any b1 tcp $VIP4 8015
	goes_to one_goes_before_any_ipv6 b1 tcp "[$VIP6]" 8015
	goes_to one_goes_before_a_range b2 tcp $SECOND4 8015
	goes_to one_goes_before_a_range_udp b2 udp $VIP4 8015
}

ranges_have_ends() {
	goes_to range_begins both tcp $SECOND4 8010
	goes_to range_ends both tcp $SECOND4 8019
	goes_to second_range b1 tcp $SECOND4 8030
	goes_to second_range b1 tcp $SECOND4 8039
	goes_to udp_range_begins both udp $VIP4 8010
	goes_to udp_range_ends both udp $VIP4 8019
	ends_as before_a_range_passes not_vip_port $SECOND4 8009
	ends_as behind_a_range_passes not_vip_port $SECOND4 8020
	sed -i 's/  - name: small$/&\n    other_ports: drop/' "$CONFIG"
	$CTL reload >/dev/null || fail reload "$($CTL reload)"
	ends_as behind_a_range_is_dropped port_closed $SECOND4 8020
	goes_to any_leaves_no_other_port both tcp $VIP4 8020
}

# What would be in two VIPs of a range is refused, and changes nothing.
overlaps_are_refused() {
	local output rc=0
	cp "$CONFIG" "$DIR/good.yaml"
	port_vip wrong 4 8000-8099 >>"$CONFIG"
	output=$($CTL reload 2>&1) || rc=$?
	check overlaps_are_refused "exit $rc: $output" \
		[ $rc = 1 -a -z "${output##*8000-8099 of $VIP4/tcp, which overlaps*VIP \"any\"*}" ]
	goes_to refusal_changes_nothing both tcp $VIP4 8050
	mv "$DIR/good.yaml" "$CONFIG"
}

small_lab_up 1500 1500 && add_second_address || { fail start "the lab is not up"; exit; }
gcc -O2 -Wall -Wextra -Werror -o "$UDP" tests/e2e/udp.c || { fail build "udp.c"; exit; }
config
serve_udp
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
any_takes_every_port
one_port_goes_first
ranges_have_ends
overlaps_are_refused
