# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A smaller lab than tools/lab's, for tests that want other devices, MTUs or interfaces. Sourced after lib.sh, whose cleanup
# takes it down: it has the names of a part of that lab.
#
#   c 10.88.0.11 ─── sw (bridge) ─┬─ eth0 10.88.0.2 ─ lb         in by eth0; out by it, or by eth1 to 10.89.0.0/24
#                                 ├─ eth1 10.89.0.2 ─┘
#                                 └─ b1 b2  10.88.0.21 .22, 10.89.0.21 .22; VIPs 198.51.100.20, 2001:db8:20::20
#
# The same in IPv6: fd88::11, fd88::2, fd89::2, fd88::21, fd89::21, ...

VIP4=198.51.100.20
VIP6=2001:db8:20::20
LAB_RUN=/run/mtlb-lab/$MTLB_LAB
FIRST_PORT=8001                      # nginx listens on this one and the next 99
UPLOAD_BYTES=2097152

in_lab() { ip -n "$MTLB_LAB-$1" "${@:2}"; }

small_add_ns() {
	ip netns add "$MTLB_LAB-$1" && in_lab "$1" link set lo up
	in_ns "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0
}

# Frames as on a wire: checksums complete, no segments that are larger than the MTU.
small_add_link() { # NS DEVICE PEER MTU
	in_lab "$1" link add "$2" mtu "$4" type veth peer name "$3" netns "$MTLB_LAB-sw" mtu "$4"
	in_ns "$1" ethtool -K "$2" tx off txvlan off rxvlan off >/dev/null
	in_ns sw ethtool -K "$3" tx off txvlan off rxvlan off >/dev/null
	in_lab sw link set "$3" master br0 up
	in_lab "$1" link set "$2" up
}

small_add_addresses() { # NS DEVICE NUMBER NETWORK...
	local ns=$1 device=$2 number=$3 network
	shift 3
	for network in "$@"; do
		in_lab "$ns" addr add "10.$network.0.$number/24" dev "$device"
		in_lab "$ns" addr add "fd$network::$number/64" dev "$device" nodad
	done
}

# What a veth sends by XDP reaches a peer that carries a program; xdp.frags: large frames, too.
small_add_peer_program() { in_lab sw link set "$1" xdpdrv obj build/tag.bpf.o sec xdp.frags; }

small_start_nginx() { # NS
	local dir=$LAB_RUN/$1
	mkdir -p "$dir/files"
	sed -e "s/@NAME@/small $1/" -e "s/listen 80 /listen $FIRST_PORT-$((FIRST_PORT + 99)) /" \
		-e "s/listen \[::\]:80 /listen [::]:$FIRST_PORT-$((FIRST_PORT + 99)) /" tools/lab.d/nginx.conf >"$dir/nginx.conf"
	chmod -R a+rX "$LAB_RUN"
	in_ns "$1" nginx -p "$dir" -c nginx.conf -e error.log
}

small_add_backend() { # NS NUMBER MTU
	small_add_ns "$1"
	small_add_link "$1" eth0 "p-$1" "$3"
	small_add_addresses "$1" eth0 "$2" 88 89
	in_lab "$1" addr add $VIP4/32 dev lo
	in_lab "$1" addr add $VIP6/128 dev lo nodad
	small_start_nginx "$1"
}

small_lab_up() { # CLIENTS_MTU UNDERLAY_MTU
	local b
	mkdir -p "$LAB_RUN"
	small_add_ns sw
	in_ns sw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	in_lab sw link add br0 mtu "$2" type bridge
	in_lab sw link set br0 up
	small_add_ns lb
	small_add_link lb eth0 p-lb "$2"
	small_add_link lb eth1 p-lb1 "$2"
	small_add_peer_program p-lb
	small_add_peer_program p-lb1
	small_add_addresses lb eth0 2 88
	small_add_addresses lb eth1 2 89
	small_add_ns c
	small_add_link c eth0 p-c "$1"
	small_add_addresses c eth0 11 88
	in_lab c route add $VIP4 via 10.88.0.2
	in_lab c route add $VIP6 via fd88::2
	for b in 1 2; do
		small_add_backend b$b 2$b "$2"
	done
	head -c $UPLOAD_BYTES /dev/urandom >"$DIR/upload"
}

# A device for tunnels in both backends; fails where this kernel has none of the type. The words L4 and L6 stand for the
# backend's addresses.
small_add_device() { # NAME ARGUMENTS...
	local b name=$1 words
	shift
	for b in 1 2; do
		words="$*"
		words=${words//L4/10.88.0.2$b} words=${words//L6/fd88::2$b}
		# shellcheck disable=SC2086
		in_lab b$b link add "$name" $words && in_lab b$b link set "$name" up || return 1
	done 2>>"$DIR/log"
}

# Some types come with a device of their own in each namespace: tunl0, sit0, gre0.
small_up_device() { # NAME
	in_lab b1 link set "$1" up && in_lab b2 link set "$1" up
} 2>>"$DIR/log"

# Backends of a VIP, as YAML, in a family and a network: 4 or 6, 88 or 89.
small_backends() { # FAMILY NETWORK
	local b
	printf '['
	for b in 1 2; do
		if [ "$1" = 4 ]; then
			printf '{name: b%d, address: 10.%d.0.2%d}' $b "$2" $b
		else
			printf '{name: b%d, address: "fd%d::2%d"}' $b "$2" $b
		fi
		[ $b = 2 ] || printf ', '
	done
	printf ']'
}

small_vip() { # NAME FAMILY-OF-VIP PORT ENCAPSULATION FAMILY-OF-BACKENDS NETWORK
	local address=$VIP4
	[ "$2" = 4 ] || address="\"$VIP6\""
	printf '      - {name: %s, address: %s, port: %d, protocol: tcp, encapsulation: %s, backends: %s}\n' \
		"$1" "$address" "$3" "$4" "$(small_backends "$5" "$6")"
}

small_config() { # INTERFACE...; the VIPs come from stdin
	local interface
	printf 'node:\n  name: small\n  flows: 64Ki\n  interfaces:\n'
	for interface in "$@"; do
		printf '    - {name: %s, mode: native}\n' "$interface"
	done
	printf 'segments:\n  - {name: public, interface: %s}\n' "$1"
	printf 'tenants:\n  - name: small\n    limits: {vips: 100, backends: 200}\n    vips:\n'
	cat
} >"$CONFIG"

# Packets that a device of both backends has received.
small_device_packets() { # DEVICE
	local b
	for b in b1 b2; do
		in_ns $b cat /proc/net/dev
	done | awk -v d="$1:" '$1 == d {s += $3} END {print s + 0}'
}

# 20 requests, each a connection of its own, and an upload. Passes if all succeed, on both backends, through DEVICE ("": any).
small_check() { # NAME FAMILY-OF-VIP PORT DEVICE
	local host=$VIP4 answers requests upload before=0 after=1000
	[ "$2" = 4 ] || host="[$VIP6]"
	[ -z "$4" ] || before=$(small_device_packets "$4")
	answers=$(in_ns c curl -s -m 10 -H 'Connection: close' -w '%{onerror}failed %{errormsg}\n' "http://$host:$3/?[1-20]" \
		--next -s -m 30 -H 'Expect:' -w '%{onerror}failed %{errormsg}\n' --data-binary @"$DIR/upload" "http://$host:$3/upload")
	[ -z "$4" ] || after=$(small_device_packets "$4")
	requests=$(echo "$answers" | grep -cx 'small b[12]')
	upload=$(echo "$answers" | grep -cx "small b[12] $UPLOAD_BYTES")
	if [ "$requests" != 20 ] || [ "$upload" != 1 ]; then
		fail "$1" "$requests of 20 requests, $upload of 1 upload: $(echo "$answers" | sort | uniq -c | tr '\n' ';')"
	elif [ "$(echo "$answers" | grep -x 'small b[12]' | sort -u | wc -l)" != 2 ]; then
		fail "$1" "all requests at one backend: $(echo "$answers" | sort | uniq -c | tr '\n' ';')"
	elif [ $((after - before)) -lt 80 ]; then
		fail "$1" "$4 of the backends received $((after - before)) packets, at least 80 were sent"
	else
		pass "$1"
	fi
}
