#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Configuration: what is refused changes nothing, what is accepted survives restarts, and mtlbctl and the API say the same.
#
#   c ─ untagged ─ sw ── lb (mtlbd) ── sw ─ g1 g2      mtlbctl and curl on the unix socket
. tests/e2e/lib.sh

api() { # METHOD PATH [BODY]
	curl -s --unix-socket "$MTLB_SOCKET" -X "$1" ${3:+--data "$3"} "http://mtlb/v1/$2"
}

# What the kernel holds of configuration, counters left out.
kernel_state() {
	local map
	for map in segments rings backends tenants tenant_info vip_info backend_info; do
		bpftool -j map dump pinned "$PINS/$map" | md5sum
	done
}

refused_reload_changes_nothing() {
	local before out rc=0
	before=$(kernel_state)
	cp "$CONFIG" "$DIR/good.yaml"
	cat >>"$CONFIG" <<'YAML'
  - name: delta
    colour: red
    vips:
      - {name: one, address: 198.51.100.10, port: 80, protocol: tcp, backends: [{name: x, address: 10.77.0.21}]}
      - {name: two, address: 192.0.2.1, port: 70000, protocol: tcp}
      - {name: three, address: 192.0.2.999, port: 80, protocol: icmp}
YAML
	out=$($CTL reload 2>&1) || rc=$?
	cp "$DIR/good.yaml" "$CONFIG"
	if [ $rc != 1 ]; then
		fail refused_reload_changes_nothing "exit code $rc, output: $out"
	elif [ "$(echo "$out" | grep -c 'mtlb.yaml:[0-9]*:[0-9]*')" -lt 4 ]; then
		fail refused_reload_changes_nothing "not all mistakes were told: $out"
	elif [ "$(kernel_state)" != "$before" ]; then
		fail refused_reload_changes_nothing "the kernel's maps changed"
	else
		pass refused_reload_changes_nothing
	fi
}

five_mistakes_give_five_lines_with_positions() {
	local out rc=0
	cat >"$DIR/bad.yaml" <<'YAML'
node:
  name: lab
  flows: 1000
  interfaces:
    - {name: eth0, mode: turbo}
segments:
  - {name: public, interface: eth0, vlan: 5000}
tenants:
  - name: acme
    vips:
      - name: web
        address: 203.0.113.300
        port: 80x
        protocol: tcp
        backends:
          - {name: a, address: 10.0.0.1}
YAML
	out=$($CTL check "$DIR/bad.yaml" 2>&1) || rc=$?
	if [ $rc = 1 ] && [ "$(echo "$out" | wc -l)" = 5 ] &&
		[ "$(echo "$out" | sed 's/^[^:]*:\([0-9]*:[0-9]*\):.*/\1/' | tr '\n' ' ')" = "3:10 5:26 7:43 12:18 13:15 " ]; then
		pass five_mistakes_give_five_lines_with_positions
	else
		fail five_mistakes_give_five_lines_with_positions "exit code $rc: $out"
	fi
}

exit_codes_are_0_1_2_3() {
	local codes=
	$CTL status >/dev/null 2>&1
	codes="$codes$?"
	$CTL tenant show nobody >/dev/null 2>&1
	codes="$codes$?"
	$CTL tenant frobnicate >/dev/null 2>&1
	codes="$codes$?"
	$CTL --socket "$DIR/nothing" status >/dev/null 2>&1
	codes="$codes$?"
	check exit_codes_are_0_1_2_3 "they are $codes" [ $codes = 0123 ]
}

json_is_the_apis_answer() {
	local verb path different=
	while read -r path verb; do
		# shellcheck disable=SC2086
		[ "$($CTL --json $verb | jq -S 'del(.. | .uptime_s?, .time?)' 2>/dev/null)" = \
			"$(api GET "$path" | jq -S 'del(.. | .uptime_s?, .time?)')" ] || different="$different $path"
	done <<'ROWS'
tenants tenant list
tenants/gamma tenant show gamma
vips vip list
vips?tenant=gamma vip list gamma
tenants/gamma/vips/web vip show gamma/web
tenants/gamma/vips/web vip show gamma/198.51.100.10:80/tcp
backends backend list
tenants/gamma/vips/web/backends/g1 backend show gamma/web/g1
segments segment list
segments/acme-net segment show acme-net
ROWS
	check json_is_the_apis_answer "different:$different" [ -z "$different" ]
}

api_managed_tenant_serves_and_survives_a_restart() {
	local name=api_managed_tenant_serves_and_survives_a_restart answers
	{
		$CTL tenant add delta prefixes=192.0.2.0/24 limits.flows=4Ki &&
			$CTL vip add delta/web address=192.0.2.10 port=80 protocol=tcp &&
			$CTL backend add delta/web/g1 address=10.77.0.21 &&
			$CTL backend add delta/web/g2 address=fd77::22 weight=50
	} >"$DIR/out" 2>&1 || { fail $name "$(cat "$DIR/out")"; return; }
	for h in g1 g2; do ip -n "$MTLB_LAB-$h" addr add 192.0.2.10/32 dev lo; done
	ip -n "$MTLB_LAB-c" route add 192.0.2.0/24 via 10.77.0.2
	wait_for 5 all_resolved
	answers=$(ask c http://192.0.2.10/ 30 | sort -u | tr '\n' ' ')
	[ "$answers" = "gamma g1 gamma g2 " ] || { fail $name "answers: $answers"; return; }
	kill_mtlbd TERM
	answers=$(ask c http://192.0.2.10/ 10 | grep -c '^gamma ')
	[ "$answers" = 10 ] || { fail $name "without mtlbd $answers of 10 were answered"; return; }
	start_mtlbd
	answers=$($CTL --json tenant show delta | jq -c '[.managed_by, .revision, (.vips | length)]')
	check $name "after the restart: $answers" [ "$answers" = '["api",4,1]' ]
}

stale_revision_and_restore() {
	local code revisions
	code=$(curl -s -o "$DIR/out" -w '%{http_code}' --unix-socket "$MTLB_SOCKET" -X PATCH --data '{"weight": 7}' \
		'http://mtlb/v1/tenants/delta/vips/web/backends/g1?revision=2')
	check stale_revision_is_refused "status $code: $(cat "$DIR/out")" [ "$code" = 409 ]
	$CTL backend set delta/web/g1 weight=7 >/dev/null && $CTL tenant restore delta 4 >/dev/null
	revisions=$($CTL --json tenant revisions delta | jq length)
	check restore_makes_a_new_revision "revisions $revisions, $($CTL --json backend show delta/web/g1)" \
		[ "$revisions $($CTL --json backend show delta/web/g1 | jq .weight)" = "6 100" ]
}

file_managed_is_read_only_but_overrides() {
	local rc=0
	$CTL vip del gamma/web >"$DIR/out" 2>&1 || rc=$?
	check file_managed_is_read_only "exit code $rc: $(cat "$DIR/out")" [ $rc = 1 ]
	$CTL backend set gamma/web/g1 weight=10 >/dev/null && $CTL backend drain gamma/web/g2 >/dev/null
	kill_mtlbd KILL
	start_mtlbd
	check overrides_survive_sigkill "$($CTL --json backend list gamma/web)" [ \
		"$($CTL --json backend list gamma/web | jq -c '[.[] | [.weight, .state, .configured.weight]]')" = '[[10,"up",100],[100,"draining",100]]' ]
	sed -i '0,/{name: g1, address: 10.77.0.21}/s//{name: g1, address: 10.77.0.21, weight: 10}/' "$CONFIG"
	kill -HUP "$MTLBD_PID"
	override_is_gone() { [ "$($CTL --json backend show gamma/web/g1 | jq -c '[.weight, has("overrides")]')" = '[10,false]' ]; }
	check override_ends_when_the_file_says_the_same "$($CTL --json backend show gamma/web/g1)" wait_for 5 override_is_gone
}

suspended_tenant_is_not_served() {
	$CTL tenant suspend delta >/dev/null
	local answer
	answer=$(in_ns c curl -s -m 1 http://192.0.2.10/)
	check suspended_tenant_is_not_served "answer: $answer" [ -z "$answer" ]
	$CTL tenant resume delta >/dev/null
	answer=$(get c http://192.0.2.10/)
	check resumed_tenant_is_served "answer: $answer" [ -n "$answer" ]
}

restart_with_the_same_config_changes_nothing() {
	local before
	before=$(kernel_state)
	kill_mtlbd KILL
	start_mtlbd
	check restart_with_the_same_config_changes_nothing "the kernel's maps changed" [ "$(kernel_state)" = "$before" ]
}

lab_up || { fail start "the lab did not come up"; exit; }
# small maps, so that they are quickly dumped
sed -i 's/^  flows: 256Ki/&\n  limits: {tenants: 64, vips: 256, backends: 256, ring_slots: 64Ki, segments: 64}/' "$CONFIG"
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
refused_reload_changes_nothing
five_mistakes_give_five_lines_with_positions
exit_codes_are_0_1_2_3
json_is_the_apis_answer
restart_with_the_same_config_changes_nothing
api_managed_tenant_serves_and_survives_a_restart
stale_revision_and_restore
suspended_tenant_is_not_served
file_managed_is_read_only_but_overrides
