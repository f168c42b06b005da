#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every field of an API-managed tenant is set by mtlbctl, comes back as it was set, and is shown.
#
#   mtlbctl ── unix socket ── mtlbd (in lb of a lab, no traffic)
. tests/e2e/lib.sh

# shows NAME PATH VALUE COMMAND...: jq's PATH of what COMMAND prints as JSON
shows() {
	local found
	found=$($CTL --json "${@:4}" 2>&1 | jq -c "$2" 2>&1)
	check "$1" "$2 is $found, not $3" [ "$found" = "$3" ]
}

# sets NAME PATH VALUE WORD...: of the VIP delta/v
sets() {
	local output
	output=$($CTL vip set delta/v "${@:4}" 2>&1) || { fail "$1" "$output"; return; }
	shows "$1" "$2" "$3" vip show delta/v
}

# refuses NAME TEXT COMMAND...: exit 1, and TEXT is said
refuses() {
	local output rc=0
	output=$($CTL "${@:3}" 2>&1) || rc=$?
	check "$1" "exit $rc: $output" [ "$rc" = 1 -a "${output/"$2"/}" != "$output" ]
}

a_tenant_has_its_fields() {
	$CTL tenant add delta prefixes=198.51.100.64/28 other_ports=drop limits.icmp_per_second=7 >"$DIR/out" 2>&1 ||
		{ fail tenant_add "$(cat "$DIR/out")"; return; }
	shows other_ports .other_ports '"drop"' tenant show delta
	shows icmp_per_second .limits.icmp_per_second 7 tenant show delta
	$CTL tenant set delta other_ports=pass >"$DIR/out" 2>&1
	shows other_ports_changes .other_ports '"pass"' tenant show delta
	refuses other_ports_is_a_choice 'allowed: pass, drop' tenant set delta other_ports=maybe
}

a_vip_has_its_fields() {
	$CTL vip add delta/v address=198.51.100.65 port=443 >"$DIR/out" 2>&1 || fail vip_add "$(cat "$DIR/out")"
	sets range .port '"8000-8999"' port=8000-8999
	sets sctp .protocol '"sctp"' protocol=sctp
	shows range_names_the_vip .name '"v"' vip show delta/198.51.100.65:8000-8999/sctp
	check range_is_listed "$($CTL vip list delta)" \
		[ "$($CTL vip list delta | awk '$1 == "delta/v" {print $2, $3}')" = '198.51.100.65:8000-8999/sctp maglev' ]
	sets any .port '"any"' port=any protocol=udp
	sets round_robin .algorithm '"round-robin"' algorithm=round-robin
	sets least_connections .algorithm '"least-connections"' algorithm=least-connections
	sets source .source_prefix 24 algorithm=source source_prefix=24
	sets maglev .source_prefix null algorithm=maglev
	sets echo .echo false echo=false
	refuses source_prefix_needs_source 'without algorithm source' vip set delta/v source_prefix=24
	refuses ipv4_prefix 'found 33 for an IPv4 address, allowed' vip set delta/v algorithm=source source_prefix=33
}

an_encapsulation_has_its_fields() {
	sets gue .encapsulation '{"type":"gue","port":6080,"variant":0,"dscp":46,"mtu":1600}' \
		encapsulation.type=gue encapsulation.variant=0 encapsulation.dscp=46 encapsulation.mtu=1600
	sets fou .encapsulation.port 5555 encapsulation.type=fou
	sets gre .encapsulation.key 7 encapsulation.type=gre encapsulation.key=7
	check gre_key_is_listed "$($CTL vip list delta)" grep -q " gre 7 " <($CTL vip list delta)
	sets gre_without_key .encapsulation '{"type":"gre","key":"none","dscp":"inner","mtu":0}' \
		encapsulation.key=none encapsulation.dscp=inner encapsulation.mtu=0
	sets geneve '[.encapsulation | .vni, .port, .tenant_id]' '[9,6081,5]' \
		encapsulation.type=geneve encapsulation.vni=9 encapsulation.tenant_id=5
	sets l2 .encapsulation '{"type":"l2","mtu":0}' encapsulation.type=l2
	refuses l2_has_no_dscp 'without type ipip, gue, fou, gre, vxlan or geneve' vip set delta/v encapsulation.dscp=1
}

quic_has_its_fields() {
	sets quic .quic '{"rotation_bits":2,"configs":[{"rotation":0,"server_id_length":2,"nonce_length":8},{"rotation":1,"server_id_length":4,"nonce_length":4}]}' \
		quic.rotation_bits=2 quic.configs=0:2:8,1:4:4
	check quic_is_shown "$($CTL vip show delta/v)" \
		grep -q 'rotation=0 server_id_length=2 nonce_length=8, rotation=1' <($CTL vip show delta/v)
	$CTL backend add delta/v/b address=10.77.0.31 server_id=0A0b,00000001 >"$DIR/out" 2>&1 ||
		fail backend_add "$(cat "$DIR/out")"
	shows server_ids .server_id '["0a0b","00000001"]' backend show delta/v/b
	$CTL backend set delta/v/b server_id=0a0c >"$DIR/out" 2>&1
	shows server_id .server_id '"0a0c"' backend show delta/v/b
	refuses server_id_twice 'which backend "b" of this VIP has already' \
		backend add delta/v/c address=10.77.0.32 server_id=0a0c
	refuses server_id_length 'allowed: the lengths in quic.configs of the VIP: 2, 4' \
		backend set delta/v/b server_id=0a0b0c
	refuses config_is_whole 'without "nonce_length"' vip set delta/v quic.configs=0:2
	refuses ids_keep_their_configs 'in a VIP without quic.configs' vip set delta/v protocol=tcp
}

ranges_stay_apart() {
	refuses ranges_overlap 'port: found 80-90 of 198.51.100.65/udp, which overlaps any of VIP "v"' \
		vip add delta/w address=198.51.100.65 port=80-90 protocol=udp
	$CTL vip add delta/w address=198.51.100.65 port=80 protocol=udp >"$DIR/out" 2>&1
	shows port_within_range .port 80 vip show delta/w
}

# What was kept is read again: the document is as it was.
all_survives_a_restart() {
	local before after
	before=$($CTL --json vip show delta/v | jq -cS 'del(.status)')
	kill_mtlbd TERM
	start_mtlbd || fail start_again "mtlbd did not start"
	after=$($CTL --json vip show delta/v | jq -cS 'del(.status)')
	check all_survives_a_restart "before: $before; after: $after" [ -n "$after" -a "$before" = "$after" ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
a_tenant_has_its_fields
a_vip_has_its_fields
an_encapsulation_has_its_fields
quic_has_its_fields
ranges_stay_apart
all_survives_a_restart
