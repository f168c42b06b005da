# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Shared by the end-to-end tests: a private lab, a private mtlbd, and the words they check with. Sourced, not run.
set -u

NAME=$(basename "$0" .sh)
export MTLB_LAB="t$$"
DIR=$(mktemp -d)
PINS=/sys/fs/bpf/$MTLB_LAB
export MTLB_SOCKET=$DIR/mtlbd.sock
CTL=build/mtlbctl
CONFIG=$DIR/mtlb.yaml
MTLBD_PID=
CHILDREN=
FAILED=0

pass() { echo "PASS $NAME.$1"; }

fail() { # NAME WHY
	echo "FAIL $NAME.$1: $2"
	FAILED=1
}

# check NAME WHY-NOT COMMAND...: passes where the command succeeds
check() {
	local name=$1 why=$2
	shift 2
	if "$@"; then pass "$name"; else fail "$name" "$why"; fi
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

in_ns() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$MTLB_LAB-$ns" "$@"
}

# As in_ns, in the background until cleanup, and $! is the command's own pid: nsenter becomes it.
start_in() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$MTLB_LAB-$ns" "$@" &
	CHILDREN="$CHILDREN $!"
}

lab_up() { tools/lab up >/dev/null && cp tools/lab.d/mtlb.yaml "$CONFIG"; }

# Starts mtlbd in the balancer's namespace and waits until it answers.
start_mtlbd() {
	# not in_ns: nsenter becomes mtlbd, so that $! is its pid
	nsenter --net="/run/netns/$MTLB_LAB-lb" build/mtlbd --config "$CONFIG" --tenants "$DIR/tenants" --state "$DIR/state" \
		--socket "$MTLB_SOCKET" --pin-dir "$PINS" "$@" >>"$DIR/log" 2>&1 &
	MTLBD_PID=$!
	wait_for 10 $CTL --json status || { echo "mtlbd does not answer"; cat "$DIR/log"; return 1; }
}

kill_mtlbd() { # SIGNAL
	kill "-$1" "$MTLBD_PID" 2>/dev/null
	wait "$MTLBD_PID" 2>/dev/null
	MTLBD_PID=
}

# Backends answer once their MAC addresses are known; the first request of a client may wait for one.
warm_up() {
	wait_for 10 all_resolved
}

all_resolved() {
	[ "$($CTL --json backend list | jq '[.[] | select(.status.resolved | not)] | length')" = 0 ]
}

get() { # NS URL
	in_ns "$1" curl -s -m 5 "$2"
}

# The names of the backends that N new connections reach, one a line; a failed one says "failed". One curl for all: starting
# one takes a second in an emulated machine.
ask() { # NS URL N
	in_ns "$1" curl -s -m 5 -H 'Connection: close' -w '%{onerror}failed\n' "$2?[1-$3]"
}

# Packets of a tenant, all reasons.
packets_of() {
	$CTL --json stats "$1" --totals | jq '[.tenants[].packets] | add // 0'
}

forwarded_by() { # TENANT VIP BACKEND
	$CTL --json stats "$1" --totals |
		jq "[.tenants[].vips[] | select(.name == \"$2\") | .backends[] | select(.name == \"$3\") | .packets] | add // 0"
}

cleanup() {
	local pid ns
	for pid in $CHILDREN $MTLBD_PID; do
		kill "$pid" 2>/dev/null
	done
	for pid in $CHILDREN $MTLBD_PID; do
		wait "$pid" 2>/dev/null
	done
	[ ! -d "$PINS" ] || in_ns lb build/mtlbd --unload --pin-dir "$PINS" --state "$DIR/state" --socket "$MTLB_SOCKET" --config "$CONFIG" >/dev/null 2>&1
	rm -rf "$PINS"
	[ "$FAILED" = 0 ] || { echo "--- mtlbd's log"; tail -n 60 "$DIR/log" 2>/dev/null; }
	tools/lab down
	# those that the test has added to the lab
	for ns in "/run/netns/$MTLB_LAB-"*; do
		[ ! -e "$ns" ] || ip netns del "${ns##*/}"
	done
	rm -rf "$DIR"
}

# A test is a skip only where the machine cannot run it, and says why.
[ "$(id -u)" = 0 ] || { echo "SKIP $NAME: needs root, for network namespaces"; exit 0; }
trap 'cleanup; exit $FAILED' EXIT
trap 'FAILED=1; exit 1' INT TERM
