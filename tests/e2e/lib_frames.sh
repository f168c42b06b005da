# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Frames in hex, as real stacks don't send them on demand: fragments one by one, connection ids, ICMP errors; and captures of
# them. Sourced.

FRAME=$DIR/frame

build_frame_sender() { gcc -O2 -Wall -Wextra -Werror -o "$FRAME" tests/e2e/frame.c; }

mac_of() { ip -n "$MTLB_LAB-$1" -json link show eth0 | jq -r '.[0].address' | tr -d :; } # NS

# From here on to_balancer makes frames of this namespace.
frames_from() { ETHERNET=$(mac_of lb)$(mac_of "$1"); } # NS

to_balancer() { echo "$ETHERNET$1$2"; } # ETHERTYPE PACKET

send_frames() { # NS: those in its input leave by eth0
	in_ns "$1" "$FRAME" eth0
}

zeros() { printf "%0$((2 * $1))d" 0; } # BYTES

hex_address() { # IPv4 ADDRESS
	local IFS=.
	# shellcheck disable=SC2086
	printf '%02x%02x%02x%02x' $1
}

ip_checksum() { # HEADER
	local i sum=0
	for ((i = 0; i < ${#1}; i += 4)); do
		sum=$((sum + 0x${1:i:4}))
	done
	sum=$(((sum & 0xffff) + (sum >> 16)))
	sum=$(((sum & 0xffff) + (sum >> 16)))
	printf '%04x' $((sum ^ 0xffff))
}

# OFFSET here and below is that of a fragment, in bytes, with a + where more come: 0+, 1480+, 2960.
more_come() { [ "${1%+}" = "$1" ] && echo 0 || echo 1; }

ipv4() { # SOURCE DESTINATION PROTOCOL PAYLOAD [ID OFFSET]: without them whole, and not to be fragmented
	local head tail field=0x4000
	[ $# -lt 6 ] || field=$(($(more_come "$6") << 13 | ${6%+} / 8))
	head=$(printf '4500%04x%04x%04x40%02x' $((20 + ${#4} / 2)) "${5:-0}" $field "$3")
	tail=$(hex_address "$1")$(hex_address "$2")
	echo "$head$(ip_checksum "${head}0000$tail")$tail$4"
}

ipv6() { # SOURCE DESTINATION PROTOCOL PAYLOAD [ID OFFSET]; addresses of 32 hex digits
	local protocol=$3 fragment=
	if [ $# -ge 6 ]; then
		fragment=$(printf '%02x00%04x%08x' "$3" $((${6%+} | $(more_come "$6"))) "$5")
		protocol=44
	fi
	printf '60000000%04x%02x40%s\n' $(((${#fragment} + ${#4}) / 2)) "$protocol" "$1$2$fragment$4"
}

udp() { # SOURCE-PORT DESTINATION-PORT BYTES PAYLOAD: without a checksum. BYTES: of the datagram, of which this may be a part
	printf '%04x%04x%04x0000%s\n' "$1" "$2" $((8 + $3)) "$4"
}

little() { # BYTES NUMBER: the number, lowest byte first
	local i n=$2
	for ((i = 0; i < $1; i++)); do
		printf "\\x$(printf %02x $((n & 255)))"
		n=$((n >> 8))
	done
}

capture() { # LINKTYPE SNAPLEN: frames in hex, one a line -> a capture file
	local hex len kept
	little 4 $((0xa1b2c3d4))
	little 2 2; little 2 4; little 8 0; little 4 65535; little 4 "$1"
	while read -r hex; do
		len=$((${#hex} / 2))
		kept=$((len < $2 ? len : $2))
		little 8 0; little 4 $kept; little 4 $len
		printf "$(echo "${hex:0:kept * 2}" | sed 's/../\\x&/g')"
	done
}
