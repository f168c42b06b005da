#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Changes of configuration under traffic: what is right takes effect and loses nothing, what is wrong changes
# nothing; what was made through the API, and overrides, outlive a restart.
#
#   c  ─ untagged ─┐                ┌─ g1 g2  gamma, and delta: a tenant made through the API
#   ca ─ VLAN 100 ─┤ sw ── lb ── sw ├─ a1 a2  acme
#   cb ─ VLAN 200 ─┘                └─ b1 b2  beta
. tests/e2e/lib.sh

state_of_node() {
	$CTL --json backend list | jq -c '[.[] | [.tenant, .vip, .name, .weight, .state, .status.state, .status.slots]]'
	$CTL --json vip list | jq -c '[.[] | [.tenant, .name, .address, .port, .status.ring_slots]]'
	$CTL --json segment list | jq -c .
	$CTL --json version >/dev/null
	api node | jq .generation
}

api() { curl -s --unix-socket "$MTLB_SOCKET" "http://mtlb/v1/$1"; }

weight_of() { $CTL --json backend show "$1" | jq .weight; }

has_weight() { [ "$(weight_of "$1")" = "$2" ]; }

logged_mistakes() { grep -cE 'mtlb.yaml:[0-9]+:[0-9]+: ' "$DIR/log"; }

has_logged_mistakes() { [ "$(logged_mistakes)" -ge "$1" ]; }

start_traffic() { # 400 requests in 10 s
	in_ns c curl -s -m 10 --rate 40/s -H 'Connection: close' -o /dev/null -w '%{http_code}\n' \
		"http://198.51.100.10/?[1-400]" >"$DIR/answers" &
	TRAFFIC=$!
	CHILDREN="$CHILDREN $TRAFFIC"
}

a_hangup_applies_what_changed() {
	sed -i '/name: gamma/,/name: acme/ s|{name: g1, address: 10.77.0.21}|{name: g1, address: 10.77.0.21, weight: 300}|' "$CONFIG"
	kill -HUP "$MTLBD_PID"
	check sighup_applies_what_changed "g1 has weight $(weight_of gamma/web/g1)" wait_for 5 has_weight gamma/web/g1 300
}

reload_tells_what_it_did() {
	local first second
	sed -i 's/weight: 300/weight: 200/' "$CONFIG"
	first=$($CTL --json reload | jq -c '.changed')
	second=$($CTL --json reload | jq -c '[.changed, .steps]')
	check reload_tells_what_it_did "first $first, again $second" [ "$first $second" = 'true [false,0]' ]
}

nothing_moves() { [ "$($CTL --json vip list | jq '[.[].status.moving_slots] | add')" = 0 ]; }

a_bad_file_changes_nothing() {
	local before after output rc=0 lines
	# the end of a move is a new generation
	wait_for 30 nothing_moves
	before=$(state_of_node)
	cp "$CONFIG" "$DIR/good.yaml"
	sed -i -e 's/port: 80$/port: 80x/' -e 's/vlan: 200/vlan: 5000/' -e '0,/address: 10.77.0.31/s//adress: 10.77.0.31/' "$CONFIG"
	output=$($CTL reload 2>&1) || rc=$?
	lines=$(echo "$output" | grep -cE 'mtlb.yaml:[0-9]+:[0-9]+: ')
	check a_bad_file_is_refused_with_all_its_mistakes "exit $rc, $lines lines: $output" [ "$rc" = 1 -a "$lines" -ge 8 ]
	lines=$(logged_mistakes)
	kill -HUP "$MTLBD_PID"
	check sighup_logs_the_mistakes "$(tail -n 3 "$DIR/log")" wait_for 5 has_logged_mistakes $((lines + 8))
	after=$(state_of_node)
	check a_bad_file_changes_nothing "$(diff <(echo "$before") <(echo "$after"))" [ "$before" = "$after" ]
	cp "$DIR/good.yaml" "$CONFIG"
	$CTL reload >/dev/null
}

a_file_in_the_tenants_directory_is_a_tenant() {
	mkdir -p "$DIR/tenants"
	cat >"$DIR/tenants/epsilon.yaml" <<-END
		name: epsilon
		vips:
		  - name: web
		    address: 198.51.100.10
		    port: 8080
		    backends:
		      - {name: g1, address: 10.77.0.21}
	END
	local output rc=0
	output=$($CTL reload 2>&1) || rc=$?
	check an_address_of_two_tenants_is_refused "exit $rc: $output" [ "$rc" = 1 ]
	sed -i 's/198.51.100.10/198.51.100.44/' "$DIR/tenants/epsilon.yaml"
	$CTL reload >/dev/null
	check a_file_in_the_tenants_directory_is_a_tenant "$($CTL tenant list)" \
		eval '$CTL tenant show epsilon >"$DIR/out"'
	rm "$DIR/tenants/epsilon.yaml"
	$CTL reload >/dev/null
	rc=0
	$CTL tenant show epsilon >"$DIR/out" 2>&1 || rc=$?
	check its_removal_removes_the_tenant "exit $rc: $(cat "$DIR/out")" [ "$rc" = 1 ]
}

# delta's VIP is gamma's second address on the backends: only its name is of interest, and that it forwards.
an_api_tenant_forwards() {
	local ns
	for ns in g1 g2; do
		ip -n "$MTLB_LAB-$ns" addr add 198.51.100.77/32 dev lo
	done
	$CTL tenant add delta prefixes=198.51.100.64/26 --message "a new customer" >/dev/null &&
		$CTL vip add delta/api address=198.51.100.77 port=80 protocol=tcp >/dev/null &&
		$CTL backend add delta/api/one address=10.77.0.21 >/dev/null &&
		$CTL backend add delta/api/two address=fd77::22 weight=50 >/dev/null
	wait_for 5 all_resolved
	check an_api_tenant_forwards "$($CTL backend list delta 2>&1)" \
		[ "$(ask c http://198.51.100.77/ 10 | grep -c '^gamma g')" = 10 ]
}

writes_outside_its_prefix_are_refused() {
	local rc=0 output
	output=$($CTL vip add delta/wrong address=203.0.113.99 port=80 protocol=tcp 2>&1) || rc=$?
	check a_vip_outside_the_prefixes_is_refused "exit $rc: $output" [ "$rc" = 1 ]
	rc=0
	output=$($CTL vip add acme/new address=203.0.113.11 port=80 protocol=tcp 2>&1) || rc=$?
	check a_file_managed_tenant_is_read_only "exit $rc: $output" [ "$rc" = 1 ]
	rc=0
	output=$($CTL backend set delta/api/two weight=60 --revision 1 2>&1) || rc=$?
	check a_stale_revision_is_refused "exit $rc: $output" [ "$rc" = 1 ]
}

what_was_made_outlives_a_restart() {
	local before after
	$CTL backend drain acme/web/a1 >/dev/null
	$CTL backend set beta/web/b1 weight=17 >/dev/null
	before=$($CTL --json tenant show delta | jq -cS 'del(.status)'; $CTL --json tenant revisions delta | jq -cS .
		$CTL --json backend list | jq -c '[.[] | [.tenant, .vip, .name, .weight, .state, .overrides]]')
	kill_mtlbd "$1"
	start_mtlbd
	after=$($CTL --json tenant show delta | jq -cS 'del(.status)'; $CTL --json tenant revisions delta | jq -cS .
		$CTL --json backend list | jq -c '[.[] | [.tenant, .vip, .name, .weight, .state, .overrides]]')
	check "api_tenants_and_overrides_outlive_sig${1,,}" "$(diff <(echo "$before") <(echo "$after"))" [ "$before" = "$after" ]
	check "it_adopts_after_sig${1,,}" "$(api node | jq -c '[.adopted, .generation]')" [ "$(api node | jq .adopted)" = true ]
}

revisions_restore() {
	local n before
	n=$($CTL --json tenant revisions delta | jq '[.[].revision] | max')
	before=$($CTL --json backend show delta/api/two | jq .weight)
	$CTL backend set delta/api/two weight=7 >/dev/null
	$CTL tenant restore delta "$n" >/dev/null
	check a_restored_revision_is_in_force "weight $(weight_of delta/api/two), was $before" has_weight delta/api/two "$before"
}

an_override_ends_when_cleared_or_matched() {
	$CTL backend clear acme/web/a1 >/dev/null
	check an_override_ends_when_cleared "$($CTL --json backend show acme/web/a1)" \
		[ "$($CTL --json backend show acme/web/a1 | jq -c '[.state, .overrides]')" = '["up",null]' ]
	sed -i 's|{name: b1, address: "fd77::41"}|{name: b1, address: "fd77::41", weight: 17}|' "$CONFIG"
	$CTL reload >/dev/null
	check an_override_ends_when_the_file_says_the_same "$($CTL --json backend show beta/web/b1)" \
		[ "$($CTL --json backend show beta/web/b1 | jq -c '[.weight, .overrides]')" = '[17,null]' ]
}

suspension_outlives_a_restart() {
	$CTL tenant suspend delta >/dev/null
	check a_suspended_tenant_gets_nothing "it answered" eval '! get c http://198.51.100.77/ >"$DIR/out"'
	kill_mtlbd TERM
	start_mtlbd
	check suspension_outlives_a_restart "$($CTL --json tenant show delta | jq .suspended)" \
		[ "$($CTL --json tenant show delta | jq .suspended)" = true ]
	$CTL tenant resume delta >/dev/null
	check a_resumed_tenant_forwards_again "$($CTL backend list delta)" [ "$(ask c http://198.51.100.77/ 5 | grep -c '^gamma g')" = 5 ]
}

lab_up && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
start_traffic
a_hangup_applies_what_changed
reload_tells_what_it_did
a_bad_file_changes_nothing
a_file_in_the_tenants_directory_is_a_tenant
an_api_tenant_forwards
writes_outside_its_prefix_are_refused
what_was_made_outlives_a_restart TERM
what_was_made_outlives_a_restart KILL
revisions_restore
an_override_ends_when_cleared_or_matched
wait "$TRAFFIC"
good=$(grep -c '^200$' "$DIR/answers")
check no_request_failed_meanwhile "$good of 400" [ "$good" = 400 ]
suspension_outlives_a_restart
