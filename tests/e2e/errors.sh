#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What stands in mtlbd's way is told in one sentence, and where it is fatal mtlbd exits; and it gets over interfaces that go
# and come, and over backends that change their MAC address.
#
#   c  ─ untagged ─┐                ┌─ g1 g2  gamma; g2 gets another MAC address
#                  │ sw ── lb ── sw ├─ a1 a2
#                  │       ├ br9: a bridge, which has no native XDP
#                  │       └ veth9: goes and comes back
. tests/e2e/lib.sh

# Starts an mtlbd that must not come up: its exit code in RC, its words in OUTPUT.
start_in_vain() { # NS OPTIONS...
	local ns=$1
	shift
	RC=0
	OUTPUT=$(in_ns "$ns" timeout 10 build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state2" \
		--socket "$DIR/second.sock" --pin-dir "$PINS-2" "$@" 2>&1) || RC=$?
	[ ! -d "$PINS-2" ] || in_ns "$ns" build/mtlbd --unload --pin-dir "$PINS-2" >/dev/null 2>&1
	rm -rf "$PINS-2"
}

fails_saying() { # NAME PATTERN: after start_in_vain
	check "$1" "exit $RC: $OUTPUT" [ "$RC" = 1 -a "$(echo "$OUTPUT" | grep -cE "$2")" -ge 1 ]
}

refused_saying() { # NAME PATTERN COMMAND...: one sentence
	local name=$1 pattern=$2 rc=0 output
	shift 2
	output=$("$@" 2>&1) || rc=$?
	check "$name" "exit $rc: $output" [ "$rc" = 1 -a "$(echo "$output" | grep -cE "$pattern")" = 1 -a "$(echo "$output" | wc -l)" = 1 ]
}

with_interface() { # NAME MODE: the config, on this interface
	sed "s/{name: eth0, mode: native}/{name: $1, mode: $2}/; s/interface: eth0/interface: $1/" tools/lab.d/mtlb.yaml >"$CONFIG"
}

starts_that_fail() {
	with_interface br9 native
	start_in_vain lb
	fails_saying no_native_mode_is_told 'br9.*native XDP.*generic'
	with_interface eth0 native
	ip -n "$MTLB_LAB-lb" link set eth0 xdpdrv obj "/run/mtlb-lab/$MTLB_LAB/tag.bpf.o" sec xdp
	start_in_vain lb
	fails_saying a_foreign_program_is_told 'eth0.*carries XDP program [0-9]+'
	check a_foreign_program_stays "it was removed" eval 'ip -n "$MTLB_LAB-lb" link show eth0 | grep -q prog/xdp'
	ip -n "$MTLB_LAB-lb" link set eth0 xdpdrv off
	start_in_vain lb --config "$DIR/nothing.yaml"
	fails_saying a_missing_file_is_told 'nothing.yaml'
	echo 'nodes: {}' >"$DIR/wrong.yaml"
	start_in_vain lb --config "$DIR/wrong.yaml"
	fails_saying a_wrong_file_is_told 'wrong.yaml:1:1: '
	start_in_vain lb --pin-dir "$DIR/pins"
	fails_saying a_pin_dir_outside_bpffs_is_told 'bpf'
	RC=0
	OUTPUT=$(cd / && setpriv --reuid 65534 --clear-groups "$OLDPWD/build/mtlbd" --config "$OLDPWD/tools/lab.d/mtlb.yaml" \
		--state /tmp/mtlb-nobody --socket /tmp/mtlb-nobody.sock --pin-dir "$PINS-2" 2>&1) || RC=$?
	fails_saying missing_root_is_told 'as root|CAP_'
	RC=0
	OUTPUT=$(build/mtlbd --frobnicate 2>&1) || RC=$?
	check an_unknown_option_exits_2 "exit $RC: $OUTPUT" [ "$RC" = 2 ]
}

a_second_mtlbd_is_refused() {
	RC=0
	OUTPUT=$(in_ns lb timeout 10 build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state" \
		--socket "$MTLB_SOCKET" --pin-dir "$PINS" 2>&1) || RC=$?
	fails_saying a_second_mtlbd_on_the_socket_is_refused 'mtlbd.sock'
	RC=0
	OUTPUT=$(in_ns lb timeout 10 build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state" \
		--socket "$DIR/other.sock" --pin-dir "$PINS" 2>&1) || RC=$?
	fails_saying a_second_mtlbd_on_the_pins_is_refused 'mtlbd'
	check the_first_goes_on "$(tail -n 3 "$DIR/log")" [ "$(get c http://198.51.100.10/ | cut -c1-6)" = 'gamma ' ]
}

attach_by_hand() {
	refused_saying attach_names_a_missing_interface 'nope0: there is no interface' $CTL attach nope0
	refused_saying attach_refuses_native_on_a_bridge 'native XDP' $CTL attach br9
	check attach_takes_generic_on_a_bridge "$($CTL status)" eval '$CTL attach br9 --mode generic >"$DIR/out" 2>&1'
	check status_shows_generic "$($CTL status)" [ "$($CTL status | awk '$1 == "br9" {print $2, $4}')" = 'generic attached' ]
	check detach_works "$($CTL status)" eval '$CTL detach br9 >"$DIR/out" 2>&1'
	refused_saying a_second_detach_is_refused 'br9' $CTL detach br9
}

is_attached() { # IFACE: by mtlb's word and the kernel's
	$CTL status | awk -v i="$1" '$1 == i && /attached/ {found = 1} END {exit !found}' &&
		ip -n "$MTLB_LAB-lb" link show "$1" | grep -q xdp
}

is_told_gone() { $CTL status | grep veth9 | grep 'not attached' | grep -q 'no such interface'; }

an_interface_goes_and_comes() {
	ip -n "$MTLB_LAB-lb" link add veth9 type veth peer name veth10
	$CTL attach veth9 >"$DIR/out" 2>&1
	check attaches_to_a_new_interface "$($CTL status)" is_attached veth9
	ip -n "$MTLB_LAB-lb" link del veth9
	check an_interface_that_went_is_told "$($CTL status)" wait_for 5 is_told_gone
	ip -n "$MTLB_LAB-lb" link add veth9 type veth peer name veth10
	check an_interface_that_came_back_is_attached_again "$($CTL status)" wait_for 5 is_attached veth9
	$CTL detach veth9 >"$DIR/out" 2>&1
}

goes_on_by_another_interface() {
	ip -n "$MTLB_LAB-sw" link del p-lb
	ip link add eth0 netns "$MTLB_LAB-lb" mtu 1600 address 02:77:00:00:00:02 type veth peer name p-lb netns "$MTLB_LAB-sw" mtu 1600
	ip -n "$MTLB_LAB-sw" link set p-lb master br0 up
	ip -n "$MTLB_LAB-sw" link set p-lb xdpdrv obj "/run/mtlb-lab/$MTLB_LAB/tag.bpf.o" sec xdp
	in_ns sw ethtool -K p-lb tx off txvlan off rxvlan off >/dev/null
	ip -n "$MTLB_LAB-lb" link set eth0 up
	ip -n "$MTLB_LAB-lb" addr add 10.77.0.2/24 dev eth0
	ip -n "$MTLB_LAB-lb" addr add fd77::2/64 dev eth0 nodad
	check forwards_when_eth0_was_made_anew "$($CTL status; $CTL backend list)" wait_for 10 answers c http://198.51.100.10/ 8
	check forwards_tagged_when_eth0_was_made_anew "$($CTL segment list)" wait_for 10 answers ca http://203.0.113.10/ 8
}

answers() { # NS URL N: all of N
	[ "$(ask "$1" "$2" "$3" | grep -cE '^(gamma|acme) ')" = "$3" ]
}

mac_of() { $CTL --json backend show "$1" | jq -r .status.next_hop | cut -d ' ' -f 1; }

has_mac() { [ "$(mac_of "$1")" = "$2" ]; }

a_new_mac_address_is_followed() {
	# as when a machine is replaced, and speaks from another MAC address
	ip -n "$MTLB_LAB-g2" link set eth0 down
	ip -n "$MTLB_LAB-g2" link set eth0 address 02:77:00:00:99:99
	ip -n "$MTLB_LAB-g2" link set eth0 up
	ip -n "$MTLB_LAB-g2" addr replace fd77::22/64 dev eth0 nodad
	in_ns g2 bash -c 'echo hello >/dev/udp/fd77::2/9'
	check a_new_mac_address_is_followed "$($CTL backend list gamma)" wait_for 20 has_mac gamma/web/g2 02:77:00:00:99:99
	check it_gets_its_packets "$($CTL backend list gamma)" wait_for 5 answers c http://198.51.100.10/ 12
}

unload_leaves_nothing() {
	kill_mtlbd TERM
	check a_stopped_mtlbd_goes_on_forwarding "no answer" answers c http://198.51.100.10/ 8
	in_ns lb build/mtlbd --unload --config "$CONFIG" --state "$DIR/state" --socket "$MTLB_SOCKET" --pin-dir "$PINS" >"$DIR/out" 2>&1
	check unload_leaves_nothing "$(cat "$DIR/out"; ls -R "$PINS" 2>&1)" \
		eval '[ ! -d "$PINS" ] && ! ip -n "$MTLB_LAB-lb" link show eth0 | grep -q xdp'
}

generic_mode_forwards() {
	in_ns sw ethtool -K p-c tso off gso off gro off >/dev/null
	in_ns c ethtool -K eth0 tso off gso off >/dev/null
	in_ns lb ethtool -K eth0 gro off >/dev/null
	with_interface eth0 generic
	start_mtlbd || { fail generic_mode_starts "$(tail -n 3 "$DIR/log")"; return; }
	warm_up
	check generic_mode_forwards "$(tail -n 3 "$DIR/log")" answers c http://198.51.100.10/ 12
	check generic_mode_carries_an_upload "$($CTL status)" \
		[ "$(head -c 2097152 /dev/zero | in_ns c curl -s -m 10 -H 'Expect:' --data-binary @- http://198.51.100.10/upload | grep -c 2097152)" = 1 ]
}

lab_up || { fail start "the lab did not start"; exit; }
ip -n "$MTLB_LAB-lb" link add br9 type bridge
starts_that_fail
with_interface eth0 native
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
a_second_mtlbd_is_refused
attach_by_hand
an_interface_goes_and_comes
a_new_mac_address_is_followed
goes_on_by_another_interface
unload_leaves_nothing
generic_mode_forwards
