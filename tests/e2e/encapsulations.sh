#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Each encapsulation is taken off by the kernel's own device on the backends, IPv4 and IPv6 in both: 20 requests and a 2 MB
# upload each. What this kernel has no device for is skipped.
#
#   c ── sw ── lb ── sw ── b1 b2: tunl0 sit0 ip6tnl0 gre0 ip6gre0 grek grek6 vx4 vx6 gv4 gv6     (lib_small.sh)
. tests/e2e/lib.sh
. tests/e2e/lib_small.sh

ROWS=                                # one a line: name, families of VIP and backends, port, device
VIPS=
PORT=$FIRST_PORT

# row NAME FAMILY-OF-VIP FAMILY-OF-BACKENDS DEVICE ENCAPSULATION
row() {
	VIPS="$VIPS$(small_vip "$1" "$2" $PORT "$5" "$3" 88)
"
	ROWS="$ROWS$1 $2 $PORT $4
"
	PORT=$((PORT + 1))
}

# families NAME ENCAPSULATION DEVICE-4IN4 DEVICE-6IN4 DEVICE-4IN6 DEVICE-6IN6
families() {
	row "$1-4in4" 4 4 "$3" "$2"
	row "$1-6in4" 6 4 "$4" "$2"
	row "$1-4in6" 4 6 "$5" "$2"
	row "$1-6in6" 6 6 "$6" "$2"
}

lacks() { # KIND WHAT
	echo "SKIP $NAME.$1: this kernel has no $2"
}

# What takes the packet out of IP, and out of UDP and IP once fou has taken off UDP.
has_ip_tunnels() {
	small_up_device tunl0 && small_up_device sit0 && in_lab b1 -6 tunnel change ip6tnl0 mode any &&
		in_lab b2 -6 tunnel change ip6tnl0 mode any && small_up_device ip6tnl0
} 2>>"$DIR/log"

has_gre() { small_up_device gre0 && small_up_device ip6gre0; }

has_keyed_gre() {
	small_add_device grek type gre key 77 local L4 remote 0.0.0.0 &&
		small_add_device grek6 type ip6gre key 77 local L6 remote ::
}

has_fou() { # ARGUMENTS of `ip fou add`; for each family
	local b
	for b in b1 b2; do
		# shellcheck disable=SC2086
		in_lab $b fou add $1 && in_lab $b -6 fou add $1 || return 1
	done 2>>"$DIR/log"
}

has_vxlan() {
	local mac=02:6d:74:6c:62:01
	small_add_device vx4 address $mac type vxlan id 4100 dstport 4789 local L4 nolearning &&
		small_add_device vx6 address $mac type vxlan id 4200 dstport 4789 local L6 nolearning udp6zerocsumrx
}

# Its device takes only what comes from its remote end.
has_geneve() {
	local mac=02:6d:74:6c:62:01
	small_add_device gv4 address $mac type geneve id 5100 remote 10.88.0.2 &&
		small_add_device gv6 address $mac type geneve id 5200 remote fd88::2 udp6zerocsumrx
}

# Devices by outer family have their own VNI.
ethernet_families() { # NAME DEVICE-IPV4 DEVICE-IPV6 ENCAPSULATION-WITH-"VNI" VNI-IPV4 VNI-IPV6
	row "$1-4in4" 4 4 "$2" "${4/VNI/$5}"
	row "$1-6in4" 6 4 "$2" "${4/VNI/$5}"
	row "$1-4in6" 4 6 "$3" "${4/VNI/$6}"
	row "$1-6in6" 6 6 "$3" "${4/VNI/$6}"
}

choose_rows() {
	local ip=
	if has_ip_tunnels; then
		ip=1
		families ipip '{type: ipip}' tunl0 sit0 ip6tnl0 ip6tnl0
	else
		lacks ipip "ipip, sit or ip6tnl device"
	fi
	if [ -n "$ip" ] && has_fou "port 6080 gue"; then
		families gue '{type: gue}' tunl0 sit0 ip6tnl0 ip6tnl0
		families gue-variant-0 '{type: gue, variant: 0}' tunl0 sit0 ip6tnl0 ip6tnl0
	else
		lacks gue "fou device (GUE)"
	fi
	if [ -n "$ip" ] && has_fou "port 5555 ipproto 4" && has_fou "port 5556 ipproto 41"; then
		row fou-4in4 4 4 tunl0 '{type: fou}'
		row fou-6in4 6 4 sit0 '{type: fou, port: 5556}'
		row fou-4in6 4 6 ip6tnl0 '{type: fou}'
		row fou-6in6 6 6 ip6tnl0 '{type: fou, port: 5556}'
	else
		lacks fou "fou device"
	fi
	if has_gre; then families gre '{type: gre}' gre0 gre0 ip6gre0 ip6gre0; else lacks gre "gre or ip6gre device"; fi
	if has_keyed_gre; then
		families gre-key '{type: gre, key: 77}' grek grek grek6 grek6
	else
		lacks gre-key "gre or ip6gre device"
	fi
	if has_vxlan; then
		ethernet_families vxlan vx4 vx6 '{type: vxlan, vni: VNI}' 4100 4200
	else
		lacks vxlan "vxlan device"
	fi
	if has_geneve; then
		ethernet_families geneve gv4 gv6 '{type: geneve, vni: VNI}' 5100 5200
		ethernet_families geneve-tenant gv4 gv6 '{type: geneve, vni: VNI, tenant_id: 7}' 5100 5200
	else
		lacks geneve "geneve device"
	fi
	row l2-4 4 4 "" '{type: l2}'
	row l2-6 6 6 "" '{type: l2}'
}

small_lab_up 1500 1600 || { fail start "the lab is not up"; exit; }
choose_rows
printf %s "$VIPS" | small_config eth0
start_mtlbd || { fail start "mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
while read -r name family port device; do
	small_check "$name" "$family" "$port" "$device"
done <<<"${ROWS%
}"
