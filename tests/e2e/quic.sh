#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# QUIC, with ngtcp2's client and a server on libngtcp2: who moves to another port stays with the server that its
# connection id names, through a rotation of the ids' layout, a drain and its server's removal; what names no server goes
# by the hash.
#
#   c  ─ untagged ─┐ sw ── lb ── sw ┌─ g1 g2  gamma, ipip: QUIC servers on 198.51.100.10 and 2001:db8:10::10,
#                  └────────────────┘         port 443 (VIPs with `quic`) and 8443 (a VIP without: the control)
. tests/e2e/lib.sh

SERVER=$DIR/quic_server
V4=198.51.100.10
V6=2001:db8:10::10
N=16                                    # connections at once: all to one of two servers once in 32768 runs

# ids of g1 and g2, of 9 bytes in both layouts
declare -A ID0=([g1]=a1b2 [g2]=0f0e) ID1=([g1]=a1b2c3 [g2]=0f0e0d)

build_server() {
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$SERVER" tests/e2e/quic/*.c \
		-lngtcp2 -lngtcp2_crypto_gnutls -lgnutls -lnghttp3 &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=quic.test \
			-keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>/dev/null
}

# ---- servers; their logs are $DIR/server-NS-ADDRESS-PORT -------------------------------------------------

serve_quic() {
	local ns at address port
	for ns in g1 g2; do
		for at in "$V4 443" "$V6 443" "$V4 8443"; do
			read -r address port <<<"$at"
			start_in $ns "$SERVER" "$address" "$port" $ns "$DIR/cert.pem" "$DIR/key.pem" \
				"0/3/${ID0[$ns]}/6" "1/3/${ID1[$ns]}/5/len" >"$DIR/server-$ns-$address-$port" 2>&1
			SERVERS="$SERVERS $!"
		done
	done
}
SERVERS=

logged() { # ADDRESS PORT PATTERN: lines of the two servers there
	cat "$DIR"/server-g?-"$1-$2" | grep -Ec "$3"
}

strays() { logged "$1" "$2" ' stray '; }

# ---- clients; answers are $DIR/NAME/I/LINES, of lines "SERVER CLIENT-PORT ..." ------------------------------

# start NAME N ADDRESS PORT LINES OPTION...: N connections at once, in the background. @ in an option: two hex digits that differ
start() {
	local name=$1 n=$2 address=$3 port=$4 lines=$5 i
	shift 5
	mkdir -p "$DIR/$name"
	for i in $(seq "$n"); do
		mkdir "$DIR/$name/$i"
		nsenter --net="/run/netns/$MTLB_LAB-c" timeout 40 gtlsclient -q --exit-on-all-streams-close --timeout=5s \
			"${@//@/$(printf %02x "$i")}" \
			--download="$DIR/$name/$i" "$address" "$port" "https://quic.test/$lines" >"$DIR/$name/$i.log" 2>&1 &
		eval "PIDS_$name=\"\${PIDS_$name:-} $!\""
		CHILDREN="$CHILDREN $! "
	done
}

finish() { # NAME
	local pids="PIDS_$1" pid
	for pid in ${!pids}; do
		wait "$pid"
		# another process may have this pid when the test cleans up
		CHILDREN=${CHILDREN/ $pid /}
	done
	unset "$pids"
}

fetch() { # like start
	start "$@"
	finish "$1"
}

# One line a connection that got all LINES: its servers, then the number of ports that it had.
whole_answers() { # NAME LINES
	local file
	for file in "$DIR/$1"/*/"$2"; do
		[ ! -e "$file" ] || [ "$(wc -l <"$file")" != "$2" ] ||
			awk '{ servers[$1]; ports[$2] } END { for (s in servers) printf "%s ", s; print length(ports) }' "$file"
	done
}

servers_of() { # NAME LINES: "12 g1 4 g2", without those of moved or broken ones
	whole_answers "$1" "$2" | awk 'NF == 2 { n[$1]++ } END { print n["g1"] + 0, "g1", n["g2"] + 0, "g2" }'
}

# stay NAME N LINES PORTS: all N connections got the whole answer from one server each, over PORTS ports; both servers answered
stay() {
	local answers
	answers=$(whole_answers "$1" "$3")
	[ "$(echo "$answers" | awk -v p="$4" 'NF == 2 && $2 == p' | wc -l)" = "$2" ] &&
		[ "$(echo "$answers" | awk '{ print $1 }' | sort -u | wc -l)" = 2 ]
}

tell() { # NAME LINES ADDRESS PORT
	echo "$(whole_answers "$1" "$2" | sort | uniq -c | tr '\n' ';') strays $(strays "$3" "$4")"
}

# ---- configuration --------------------------------------------------------------------------------------

# quic_config CONFIGS G1 G2: `quic.configs` of the VIPs on port 443, and the backends' server ids
quic_config() {
	local backends="backends: [{name: g1, address: 10.77.0.21, server_id: $2}, {name: g2, address: \"fd77::22\", server_id: $3}]"
	local udp='protocol: udp, idle_timeout: 2s'
	cp tools/lab.d/mtlb.yaml "$CONFIG"
	sed -i "/name: gamma/,/vips:/ s|^    vips:|&\n\
      - {name: quic, address: $V4, port: 443, $udp, quic: {rotation_bits: 3, configs: $1}, $backends}\n\
      - {name: quic6, address: \"$V6\", port: 443, $udp, quic: {rotation_bits: 3, configs: $1}, $backends}\n\
      - {name: plain, address: $V4, port: 8443, $udp, ${backends//, server_id: +([^\}])/}}|" "$CONFIG"
}
shopt -s extglob

CONFIG0='{rotation: 0, server_id_length: 2, nonce_length: 6}'
CONFIG1='{rotation: 1, server_id_length: 3, nonce_length: 5}'

only_layout_0() { quic_config "[$CONFIG0]" "\"${ID0[g1]}\"" "\"${ID0[g2]}\""; }

both_layouts() {
	quic_config "[$CONFIG0, $CONFIG1]" "[\"${ID0[g1]}\", \"${ID1[g1]}\"]" "[\"${ID0[g2]}\", \"${ID1[g2]}\"]"
}

without_g1() { # of the VIPs with `quic`
	sed -i '/quic: {/ s|{name: g1, [^}]*}, ||' "$CONFIG"
}

only_layout_1() { quic_config "[$CONFIG1]" "\"${ID1[g1]}\"" "\"${ID1[g2]}\""; }

# ---- tests ----------------------------------------------------------------------------------------------

migrated_stay() { # NAME ADDRESS
	fetch "$1" $N "$2" 443 20 --change-local-addr=800ms
	check "$1" "$(tell "$1" 20 "$2" 443)" stay "$1" $N 20 2
}

# The same without `quic`: otherwise nothing above shows that the ids were what kept them.
hash_alone_loses_migrated() {
	fetch control $N $V4 8443 20 --change-local-addr=800ms
	check hash_alone_loses_migrated_connections "$(tell control 20 $V4 8443)" \
		[ "$(strays $V4 8443)" -gt 0 -a "$(whole_answers control 20 | wc -l)" -lt $N ]
}

# The client asks only after its port has changed, and keeps its id: what a NAT does.
rebound_stay() {
	local before after
	before=$(logged $V4 443 ' path .*: valid')
	fetch rebound $N $V4 443 2 --change-local-addr=300ms --nat-rebinding --delay-stream=600ms
	after=$(logged $V4 443 ' path .*: valid')
	check nat_rebinding_keeps_the_backend "$(tell rebound 2 $V4 443), $((after - before)) paths" \
		eval "stay rebound $N 2 1 && [ $((after - before)) -ge $N ]"
}

# The client chooses its first id: one that names a server goes there, whatever the hash says.
ids_decide() {
	fetch named_g1 $N $V4 443 1 --dcid="00${ID0[g1]}1122334455@"
	check long_header_goes_to_the_named_server "$(servers_of named_g1 1)" [ "$(servers_of named_g1 1)" = "$N g1 0 g2" ]
	fetch named_g2 $N $V4 443 1 --dcid="1f${ID0[g2]}1122334455@"
	check rest_of_the_first_octet_is_ignored "$(servers_of named_g2 1)" [ "$(servers_of named_g2 1)" = "0 g1 $N g2" ]
}

both_answer() { # TEST NAME: all N answered, by both
	check "$1" "$(servers_of "$2" 1)" stay "$2" $N 1 1
}

unknown_ids_take_the_hash() {
	fetch longer $N $V4 443 1 --dcid="00${ID0[g1]}112233445566@"
	both_answer id_of_another_length_takes_the_hash longer
	fetch nobody $N $V4 443 1 --dcid=00dead1122334455@
	both_answer id_of_no_server_takes_the_hash nobody
	fetch unrotated $N $V4 443 1 --dcid="20${ID0[g1]}1122334455@"
	both_answer id_of_no_configuration_takes_the_hash unrotated
	fetch ones $N $V4 443 1 --dcid="e0${ID0[g1]}1122334455@"
	both_answer id_without_configuration_takes_the_hash ones
}

shaken() { [ "$(logged $V4 443 ' handshake ')" -ge "$1" ]; }

reload() {
	local text
	text=$($CTL reload 2>&1) || { echo "reload: $text"; return 1; }
}

# The balancer learns the new layout first, then the servers use it; when all old connections have ended, the old one goes.
layouts_rotate() {
	local before
	before=$(logged $V4 443 ' handshake ')
	start old $N $V4 443 80 --change-local-addr=5s
	check connections_before_rotation_begin "$(logged $V4 443 ' handshake ')" wait_for 10 shaken $((before + N))
	both_layouts
	check new_layout_is_taken_up "$(cat "$DIR/log")" reload
	# shellcheck disable=SC2086
	kill -USR1 $SERVERS
	wait_for 5 eval "[ \"\$(logged $V4 443 ' layout 1')\" = 2 ]" || fail servers_use_new_layout "no line in their logs"
	fetch new $N $V4 443 20 --change-local-addr=800ms
	check connections_of_the_new_layout_stay "$(tell new 20 $V4 443)" \
		eval "stay new $N 20 2 && [ \"\$(logged $V4 443 'accepted .* rotation 1')\" = $N ]"
	finish old
	check connections_of_the_old_layout_stay "$(tell old 80 $V4 443)" stay old $N 80 2
	start newer $N $V4 443 40 --change-local-addr=3s
	wait_for 10 shaken $((before + 3 * N))
	only_layout_1
	check old_layout_is_given_up "$(cat "$DIR/log")" reload
	finish newer
	check connections_outlive_the_other_layout "$(tell newer 40 $V4 443)" stay newer $N 40 2
}

# mtlbd is killed and adopts the maps before the clients move.
restart_keeps() {
	local before
	before=$(logged $V4 443 ' handshake ')
	start restart $N $V4 443 50 --change-local-addr=4s
	wait_for 10 shaken $((before + N))
	kill_mtlbd KILL
	start_mtlbd || fail mtlbd_starts_again "it does not answer"
	finish restart
	check connections_outlive_a_killed_mtlbd "$(tell restart 50 $V4 443)" stay restart $N 50 2
}

new_ones_leave_g1() {
	rm -rf "$DIR/probe"
	fetch probe 8 $V4 443 1
	[ "$(servers_of probe 1)" = "0 g1 8 g2" ]
}

new_ones_reach_g1() {
	rm -rf "$DIR/probe"
	fetch probe 8 $V4 443 1
	[ "$(servers_of probe 1)" != "0 g1 8 g2" ]
}

drained_keeps() {
	local before
	before=$(logged $V4 443 ' handshake ')
	start drained $N $V4 443 120 --change-local-addr=9s
	wait_for 10 shaken $((before + N))
	$CTL backend drain gamma/quic/g1 >/dev/null
	if wait_for 8 new_ones_leave_g1; then
		pass new_connections_leave_the_drained_backend
	else
		fail new_connections_leave_the_drained_backend "$(servers_of probe 1)"
	fi
	finish drained
	check drained_backend_keeps_its_connections "$(tell drained 120 $V4 443)" stay drained $N 120 2
	$CTL backend undrain gamma/quic/g1 >/dev/null
}

state_of_g1() { # nothing: there is no such backend any more
	$CTL --json backend list gamma/quic | jq -r '.[] | select(.name == "g1") | .status.state'
}

has_no_g1() { [ -z "$(state_of_g1)" ]; }

drain_goes_on() { ! drain_has_ended; }

drain_has_ended() { grep -q 'has no flows any more' "$DIR/drain"; }

# Clients that have moved are on slots of the other backend: drain --wait sees them as well, to the last one's end.
drain_waits() {
	local before pid
	wait_for 10 new_ones_reach_g1
	before=$(logged $V4 443 ' handshake ')
	start awaited $N $V4 443 90 --change-local-addr=3s
	wait_for 10 shaken $((before + N))
	$CTL backend drain gamma/quic/g1 --wait --timeout 60s >"$DIR/drain" 2>&1 &
	pid=$!
	CHILDREN="$CHILDREN $pid "
	finish awaited
	check drain_waits_for_connections_that_have_moved "$(cat "$DIR/drain")" drain_goes_on
	check connections_of_a_drain_end_by_themselves "$(tell awaited 90 $V4 443)" stay awaited $N 90 2
	if wait_for 20 drain_has_ended && wait $pid; then
		pass drain_ends_when_they_have_ended
		CHILDREN=${CHILDREN/ $pid /}
	else
		fail drain_ends_when_they_have_ended "$(cat "$DIR/drain")"
	fi
	$CTL backend undrain gamma/quic/g1 >/dev/null
}

# Its clients move when the slots' moves have long ended; what is left then is the ids.
removed_keeps() {
	local before
	wait_for 10 new_ones_reach_g1
	before=$(logged $V4 443 ' handshake ')
	start removed $N $V4 443 120 --change-local-addr=8s
	wait_for 10 shaken $((before + N))
	without_g1
	check backend_is_removed "$(cat "$DIR/log")" reload
	finish removed
	check removed_backend_is_leaving_while_it_has_connections "$(state_of_g1)" [ "$(state_of_g1)" = leaving ]
	check removed_backend_keeps_its_connections "$(tell removed 120 $V4 443)" stay removed $N 120 2
	check removed_backend_goes_when_they_have_ended "$(state_of_g1)" wait_for 20 has_no_g1
	only_layout_1
	reload
}

# Ids of a backend that does not serve take the hash, like ids of none.
disabled_is_left() {
	$CTL backend disable gamma/quic/g1 >/dev/null
	fetch disabled $N $V4 443 1 --dcid="20${ID1[g1]}11223344@"
	check id_of_a_disabled_backend_takes_the_hash "$(servers_of disabled 1)" [ "$(servers_of disabled 1)" = "0 g1 $N g2" ]
}

nothing_astray() {
	check no_packet_goes_astray "$(grep -c ' stray ' "$DIR"/server-g?-*-443)" \
		[ "$(strays $V4 443) $(strays $V6 443)" = "0 0" ]
}

command -v gtlsclient >/dev/null || { fail client "no gtlsclient: tools/deps check"; exit; }
build_server || { fail build "tests/e2e/quic"; exit; }
lab_up && only_layout_0 && start_mtlbd || { fail start "lab or mtlbd did not start"; exit; }
warm_up || fail next_hops_are_resolved "$($CTL backend list)"
serve_quic
# who has no MAC address yet loses datagrams beyond the first few
ask c http://$V4/ 20 >/dev/null
ask c "http://[$V6]/" 20 >/dev/null
migrated_stay migrated_connections_stay_ipv4 $V4
migrated_stay migrated_connections_stay_ipv6 $V6
rebound_stay
hash_alone_loses_migrated
ids_decide
unknown_ids_take_the_hash
layouts_rotate
restart_keeps
drained_keeps
drain_waits
removed_keeps
nothing_astray
disabled_is_left
