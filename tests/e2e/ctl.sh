#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# mtlbctl prints what the API answers, takes names and numbers, and tells by its exit code what became of it.
#
#   mtlbctl ──┐
#             ├── unix socket ── mtlbd (in lb of a lab, no traffic)
#   curl ─────┘
. tests/e2e/lib.sh

api() { curl -s --unix-socket "$MTLB_SOCKET" "http://mtlb/v1/$1"; }

# What changes by itself between two calls is left out.
steady() { jq -cS 'walk(if type == "object" then del(.uptime_s, .time) else . end)'; }

are_same() { # PATH COMMAND...
	OURS=$($CTL --json "${@:2}" | steady)
	THEIRS=$(api "$1" | steady)
	[ -n "$OURS" ] && [ "$OURS" = "$THEIRS" ]
}

# A packet (a neighbour's question, say) may have come between the two: it is tried again.
same_object() { # NAME PATH COMMAND...
	wait_for 5 are_same "${@:2}"
	check "json_is_the_apis_$1" "mtlbctl: $OURS; API: $THEIRS" [ "$OURS" = "$THEIRS" ]
}

json_is_what_the_api_answers() {
	same_object tenants tenants tenant list
	same_object tenant tenants/acme tenant show acme
	same_object vips vips vip list
	same_object vips_of_a_tenant tenants/acme/vips vip list acme
	same_object vip tenants/acme/vips/web vip show acme/web
	same_object backends backends backend list
	same_object backends_of_a_vip tenants/acme/vips/web/backends backend list acme/web
	same_object backend tenants/acme/vips/web/backends/a1 backend show acme/web/a1
	same_object segments segments segment list
	same_object segment segments/acme-net segment show acme-net
	same_object counters counters stats
	same_object counters_of_a_tenant 'counters?tenant=acme' stats acme
}

numbers_stand_for_names() {
	local name
	for name in acme/web acme/203.0.113.10:80/tcp; do
		check "vip_by_${name//[^a-z0-9]/_}" "$($CTL vip show "$name" 2>&1)" \
			[ "$($CTL --json vip show "$name" | jq -r .name)" = web ]
	done
	name='acme/[2001:db8:1::10]:80/tcp/10.77.0.32'
	check backend_by_addresses "$($CTL backend show "$name" 2>&1)" \
		[ "$($CTL --json backend show "$name" | jq -r '.vip + "/" + .name')" = web6/a2 ]
}

exits_with() { # NAME CODE ARGUMENTS...: and says something where it fails
	local name=$1 code=$2 rc=0 output
	shift 2
	output=$($CTL "$@" 2>&1) || rc=$?
	check "exit_${code}_$name" "exit $rc: $output" [ "$rc" = "$code" -a -n "$output" ]
}

exit_codes() {
	exits_with listing 0 tenant list
	exits_with status 0 status
	exits_with version 0 version
	exits_with help 0 help backend drain
	exits_with unknown_tenant 1 tenant show nobody
	exits_with unknown_backend 1 backend drain acme/web/nobody
	exits_with file_managed 1 tenant del acme
	exits_with dots_are_no_backend 2 backend del acme/web/..
	exits_with dots_are_no_tenant 1 tenant del ..
	exits_with bad_value 1 backend set acme/web/a1 weight=0
	exits_with no_verb 2
	exits_with unknown_verb 2 tenant frobnicate
	exits_with missing_argument 2 vip show
	exits_with unknown_option 2 --frobnicate status
	exits_with no_daemon 3 --socket "$DIR/nobody.sock" status
	exits_with long_socket 3 --socket "$(printf '/%.0sx' $(seq 60))" status
}

every_verb_has_help() {
	local line missing=
	while read -r line; do
		# shellcheck disable=SC2086
		$CTL help $line >"$DIR/out" 2>&1 && [ "$(wc -l <"$DIR/out")" -ge 3 ] || missing="$missing '$line'"
	done < <($CTL help | sed -n 's/^  \([a-z]*\) \(list\|show\|add\|set\|del\|drain\|undrain\|disable\|enable\|clear\|suspend\|resume\|revisions\|restore\|attach\|detach\) .*/\1 \2/p
		s/^  \(status\|stats\|trace\|attach\|detach\|reload\|check\|version\) .*/\1/p')
	check every_verb_has_help "none for$missing" [ -z "$missing" ]
}

usage_shows_options() {
	check usage_shows_options "$($CTL trace 2>&1)" [ "$($CTL trace 2>&1 | tail -n 1)" = 'Usage: mtlbctl trace [OPTIONS]; see mtlbctl help trace' ]
	check a_long_socket_is_told "" grep -q 'longer than the path of a socket' <($CTL --socket "$(printf '/%.0sx' $(seq 60))" status 2>&1)
}

tables_fit_a_terminal() {
	local wide
	wide=$({ $CTL status; $CTL tenant list; $CTL vip list; $CTL backend list; $CTL segment list; $CTL stats --totals; } |
		awk 'length($0) > 100' | head -n 3)
	check tables_fit_a_terminal "$wide" [ -z "$wide" ]
}

check_names_five_mistakes() {
	local output rc=0
	cat >"$DIR/five.yaml" <<-END
		node:
		  interfaces:
		    - {name: eth0, mode: fast}
		segments:
		  - {name: s, interface: eth0, vlan: 5000}
		tenants:
		  - name: t
		    colour: red
		    vips:
		      - {name: v, address: 10.0.0.300, port: 80, protocol: tcp}
		      - {name: w, address: 10.0.0.3, port: 80x, protocol: tcp}
	END
	output=$($CTL check "$DIR/five.yaml" 2>&1) || rc=$?
	check check_prints_five_mistakes_with_positions "exit $rc: $output" \
		[ "$rc/$(echo "$output" | grep -cE '^[^ ]*five.yaml:[0-9]+:[0-9]+: ')/$(echo "$output" | wc -l)" = 1/5/5 ]
	check check_names_the_right_lines "$output" \
		[ "$(echo "$output" | sed 's/^[^:]*:\([0-9]*\):.*/\1/' | sort -n | paste -sd ' ' -)" = '3 5 8 10 11' ]
	check check_prints_them_as_json_too "$($CTL --json check "$DIR/five.yaml" 2>&1)" \
		[ "$($CTL --json check "$DIR/five.yaml" 2>/dev/null | jq '.errors | length')" = 5 ]
	check check_reads_standard_input "$($CTL check - <"$DIR/five.yaml" 2>&1)" \
		[ "$($CTL check - <"$DIR/five.yaml" 2>&1 | wc -l)" = 5 ]
	rc=0
	output=$($CTL check tools/lab.d/mtlb.yaml 2>&1) || rc=$?
	check check_accepts_the_labs_config "exit $rc: $output" [ "$rc" = 0 ]
	rc=0
	output=$($CTL check tools/mtlb.yaml 2>&1) || rc=$?
	check check_accepts_the_installed_example "exit $rc: $output" [ "$rc" = 0 ]
}

a_wrong_override_is_named() {
	local output
	output=$($CTL backend set acme/web/a1 weight=0 2>&1)
	check a_wrong_override_is_named "$output" \
		[ "${output%%: *}" = tenants/acme/vips/web/backends/a1/weight ]
}

# gamma owns no segment, and so may be reached through the shared one; acme owns one.
tenant_list_tells_what_is_in_force() {
	check tenant_list_tells_what_is_in_force "$($CTL tenant list)" \
		[ "$($CTL tenant list | awk '$1 == "gamma" || $1 == "acme" {print $1, $3}' | paste -sd ' ' -)" = 'gamma yes acme no' ]
}

moves() { $CTL status | grep -qE "^moving  *$1\$"; }

rotating_tenant() {
	echo '{"name": "rota", "vips": [{"name": "web", "address": "198.51.100.99", "port": 81, "algorithm": "round-robin",
		"backends": [{"name": "g1", "address": "10.77.0.21"}]}]}'
}

# round-robin keeps its flows for good, so there are live ones while nothing moves.
status_tells_what_moves() {
	check status_tells_that_nothing_moves "$($CTL status)" moves 'nothing; live flows in the flow table: 0'
	$CTL backend drain gamma/web/g1 >/dev/null
	check status_tells_what_moves "$($CTL status)" moves '128 slots of 1 VIP; live flows in the flow table: 0'
	$CTL backend undrain gamma/web/g1 >/dev/null
	check status_tells_of_the_end "$($CTL status)" wait_for 20 moves 'nothing; .*'
	rotating_tenant | $CTL tenant add rota --file - >/dev/null
	in_ns c curl -s -m 1 http://198.51.100.99:81/
	check status_counts_flows_that_are_kept "$($CTL status)" wait_for 5 moves 'nothing; live flows in the flow table: [1-9][0-9]*'
	$CTL tenant del rota >/dev/null
}

warns() { $CTL --json status | jq -r '.warnings[]' | sed 's/ (.*//' | paste -sd ';' -; }

# A VIP without backends, and one whose backend is not there; of a suspended tenant neither counts.
status_tells_what_is_not_well() {
	check status_tells_that_all_is_well "$(warns)" [ "$(warns)" = '' ]
	echo '{"vips": [{"name": "none", "address": "198.51.100.97", "port": 80}, {"name": "far", "address": "198.51.100.98", "port": 80,
		"backends": [{"name": "x", "address": "10.77.0.99"}, {"name": "y", "address": "10.77.0.98", "state": "disabled"}]}]}' |
		$CTL tenant add ill --file - >/dev/null
	check status_tells_what_is_not_well "$(warns)" \
		[ "$(warns)" = 'VIPs without a usable backend: 1;backends without a next hop: 1' ]
	$CTL tenant suspend ill >/dev/null
	check suspended_tenants_are_well "$(warns)" [ "$(warns)" = '' ]
	$CTL tenant del ill >/dev/null
}

# Rates against what is sent.
stats_show_rates() {
	local rate
	in_ns c curl -s -m 5 --rate 50/s -H 'Connection: close' -o /dev/null "http://198.51.100.10/?[1-200]" &
	CHILDREN="$CHILDREN $!"
	sleep 1
	rate=$($CTL stats gamma | awk '$1 == "gamma" {print $2; exit}')
	wait "$!"
	check stats_show_rates "gamma at 50 requests/s: \"$rate\"" [ "${rate%%[!0-9]*}" -gt 0 ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
json_is_what_the_api_answers
numbers_stand_for_names
exit_codes
every_verb_has_help
usage_shows_options
tables_fit_a_terminal
check_names_five_mistakes
a_wrong_override_is_named
tenant_list_tells_what_is_in_force
status_tells_what_moves
status_tells_what_is_not_well
stats_show_rates
