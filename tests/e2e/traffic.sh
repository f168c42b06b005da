#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Requests and 2 MB uploads through every encapsulation, IPv4 and IPv6; two tenants with the same VIPs.
#
#   c  ─ untagged ─┐               ┌─ g1 g2  gamma: ipip, outer IPv4 and IPv6
#   ca ─ VLAN 100 ─┤ sw ── lb ── sw ├─ a1 a2  acme: vxlan over IPv4   203.0.113.10
#   cb ─ VLAN 200 ─┘               └─ b1 b2  beta: vxlan over IPv6   203.0.113.10
. tests/e2e/lib.sh

# NS TENANT ADDRESS: each backend of the tenant answers, nobody else, and only its counters move.
requests_reach_only_the_tenants_backends() {
	local ns=$1 tenant=$2 url="http://$3/" name other before_own before_others after answers wrong
	name=requests_reach_only_${tenant}_$([ "${3#[}" = "$3" ] && echo ipv4 || echo ipv6)
	before_own=$(packets_of "$tenant")
	before_others=$(others_of "$tenant")
	answers=$(ask "$ns" "$url" 40)
	after=$(packets_of "$tenant")
	wrong=$(echo "$answers" | grep -vc "^$tenant ")
	if [ "$wrong" != 0 ]; then
		fail "$name" "$wrong of 40 requests: $(echo "$answers" | sort | uniq -c | tr '\n' ';')"
	elif [ "$(echo "$answers" | sort -u | wc -l)" != 2 ]; then
		fail "$name" "not both backends: $(echo "$answers" | sort | uniq -c | tr '\n' ';')"
	elif [ "$(others_of "$tenant")" != "$before_others" ]; then
		fail "$name" "another tenant's counters moved"
	elif [ $((after - before_own)) -lt 160 ]; then
		fail "$name" "$((after - before_own)) packets counted, at least 160 were sent"
	else
		pass "$name"
	fi
}

others_of() {
	$CTL --json stats --totals | jq -c "[.tenants[] | select(.name != \"$1\") | .packets]"
}

uploads_arrive_whole() { # NS TENANT ADDRESS NAME
	local i answer
	for i in 1 2 3 4 5 6; do
		answer=$(in_ns "$1" curl -s -m 10 --data-binary @"$DIR/upload" -H 'Expect:' "http://$3/upload")
		case $answer in
		"$2 "*" 2097152") ;;
		*) fail "$4" "answer to upload $i: '$answer'"; return ;;
		esac
	done
	pass "$4"
}

counters_agree_with_bpftool() {
	local ours theirs
	# quiet moment: only counted packets of the tenants
	ours=$($CTL --json stats --totals | jq -c '[.tenants[] | {(.name): .reasons.forwarded}] | add')
	theirs=$(jq -nc --slurpfile i <(bpftool -j map dump pinned "$PINS/tenant_info") \
		--slurpfile s <(bpftool -j map dump pinned "$PINS/tenant_stats") '
		[range($i[0] | length) as $k | $i[0][$k].formatted.value.name as $n | select($n != "") |
		 {($n): ([$s[0][$k].formatted.values[].value.forwarded] | add)}] | add')
	check counters_agree_with_bpftool "mtlbctl $ours, bpftool $theirs" [ "$ours" = "$theirs" ]
}

counters_script_shows_tenants() {
	local table
	table=$(tools/counters "$PINS" 2>&1)
	check counters_script_shows_tenants "it prints: $table" \
		eval 'echo "$table" | grep -q "^acme " && echo "$table" | grep -q "^gamma "'
}

# Every packet of the balancer's interface has ended with one reason.
nothing_is_uncounted() {
	local rx counted
	rx=$(in_ns lb ethtool -S eth0 | awk '/rx_queue_[0-9]+_xdp_packets/ {s += $2} END {print s + 0}')
	counted=$($CTL --json stats --totals | jq '.node.packets + ([.tenants[].packets] | add)')
	# between the two readings a neighbour may have asked for a MAC address
	check nothing_is_uncounted "$rx packets received, $counted counted" \
		[ $((counted - rx)) -ge 0 -a $((counted - rx)) -le 4 ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
head -c 2097152 /dev/urandom >"$DIR/upload"
for address in 198.51.100.10 '[2001:db8:10::10]'; do
	requests_reach_only_the_tenants_backends c gamma "$address"
done
for address in 203.0.113.10 '[2001:db8:1::10]'; do
	requests_reach_only_the_tenants_backends ca acme "$address"
	requests_reach_only_the_tenants_backends cb beta "$address"
done
uploads_arrive_whole c gamma 198.51.100.10 upload_ipip_ipv4
uploads_arrive_whole c gamma '[2001:db8:10::10]' upload_ipip_ipv6
uploads_arrive_whole ca acme 203.0.113.10 upload_vxlan_over_ipv4_ipv4
uploads_arrive_whole ca acme '[2001:db8:1::10]' upload_vxlan_over_ipv4_ipv6
uploads_arrive_whole cb beta 203.0.113.10 upload_vxlan_over_ipv6_ipv4
uploads_arrive_whole cb beta '[2001:db8:1::10]' upload_vxlan_over_ipv6_ipv6
counters_agree_with_bpftool
counters_script_shows_tenants
nothing_is_uncounted
