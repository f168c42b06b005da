#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Interfaces beside the one that clients come in by: refusals, ways out where mtlb is not, MTU.
#
#   sw ── lb: eth0 (attached)
#             x0 10.200.0.1 ── x1, a port of bridge xbr
. tests/e2e/lib.sh

BACKEND=delta/web/far

second_way_out() {
	in_ns lb ip link add x0 address 02:78:00:00:00:01 type veth peer name x1 &&
		in_ns lb ip link add xbr type bridge &&
		in_ns lb ip link set x1 master xbr &&
		in_ns lb ip addr add 10.200.0.1/24 dev x0 &&
		in_ns lb ip link set x1 up && in_ns lb ip link set xbr up && in_ns lb ip link set x0 up &&
		in_ns lb ip neigh add 10.200.0.2 lladdr 02:78:00:00:00:02 nud permanent dev x0
}

# NAME TEXT ARGUMENTS...: attaching is refused, and the message has the text.
is_refused() {
	local name=$1 text=$2 message code
	shift 2
	message=$($CTL attach "$@" 2>&1)
	code=$?
	if [ $code != 1 ]; then
		fail "$name" "exit code $code, 1 was expected: $message"
	elif [ "${message#*"$text"}" = "$message" ]; then
		fail "$name" "'$message' says nothing of '$text'"
	else
		pass "$name"
	fi
}

quietly() { "$@" >/dev/null; }
next_hop() { $CTL --json backend list | jq -r '.[] | select(.name == "far") | .status.next_hop'; }
warnings() { $CTL --json status | jq -r '.warnings[]'; }

warns_of_x0() { warnings | grep -q '^x0: backends are reached by it (1, the first: delta/web/far), but x0 is not in node.interfaces'; }
warns_of_nothing() { [ -z "$(warnings)" ]; }

# MTU that the backend's encapsulation has in the data plane, in the variant in use.
mtu_is() {
	local id
	id=$($CTL --json backend list | jq '.[] | select(.name == "far") | .status.id')
	bpftool -j map lookup pinned "$PINS/backends" key $((id & 255)) $((id >> 8 & 255)) 0 0 |
		jq -e --argjson mtu "$1" '.formatted.value | [.encap0, .encap1] | map(select(.kind != 0).mtu) | index($mtu) != null' >/dev/null
}

lab_up && second_way_out && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
is_refused the_loopback_is_refused "is the loopback" lo
is_refused a_bridge_names_its_ports "attach to its ports (x1)" xbr
check a_bridge_takes_generic_mode "mtlbctl refuses" quietly $CTL attach xbr --mode generic
is_refused a_port_below_a_program_is_refused "is below xbr, which carries an XDP program" x1
check a_bridge_is_left_again "mtlbctl refuses" quietly $CTL detach xbr

check nothing_is_warned_of_at_first "$(warnings)" warns_of_nothing
$CTL tenant add delta >/dev/null && $CTL vip add delta/web address=198.51.100.77 port=80 protocol=tcp >/dev/null &&
	$CTL backend add $BACKEND address=10.200.0.2 >/dev/null || fail backend_is_added "mtlbctl refuses"
check a_way_out_without_mtlb_is_a_warning "$(warnings)" wait_for 5 warns_of_x0
check a_way_out_without_mtlb_is_in_the_listing "$(next_hop)" eval 'next_hop | grep -q "^02:78:00:00:00:02 on x0: x0 is not in node.interfaces"'
check a_way_out_without_mtlb_is_logged "no such line" grep -q 'x0: backends are reached by it' "$DIR/log"
check the_way_out_can_be_attached "mtlbctl refuses" quietly $CTL attach x0
check attaching_ends_the_warning "$(warnings)" warns_of_nothing
check attaching_ends_it_in_the_listing "$(next_hop)" [ "$(next_hop)" = "02:78:00:00:00:02 on x0" ]

check the_data_plane_knows_the_mtu "not 1500" wait_for 5 mtu_is 1500
in_ns lb ip link set x0 mtu 1300
check the_data_plane_follows_the_mtu "not 1300" wait_for 5 mtu_is 1300
