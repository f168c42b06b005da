#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# docs/packets.md: each row of its tables names its tests (`suite.name`: test name of tests/bpf/test_suite.c), and
# they are there; each reason of include/mtlb_abi.h has a row with its verdict.
#   tests/docs/packets.sh [DOCUMENT]
set -eu

document=${1:-docs/packets.md}
abi=include/mtlb_abi.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# outcome NAME FILE: FILE says, a line each, what is wrong.
outcome() {
	if [ -s "$2" ]; then
		sed 's/^/     /' "$2"
		echo "FAIL docs.$1"
		failed=1
	else
		echo "PASS docs.$1"
	fi
}

# "LINE CELL" of the last cell of each row: what follows a table's head and its line of dashes.
last_cells() {
	awk -F'|' '
		!/^\|/ { table = 0; next }
		/^\|(-+\|)+$/ { table = 1; next }
		table { print NR, $(NF - 1) }' "$document"
}

check_row() {
	line=$1
	shift
	[ $# -gt 0 ] || echo "line $line: no test"
	for cell in "$@"; do
		name=$(echo "$cell" | sed -n 's/^`\([a-z0-9_]*\.[a-z0-9_]*\)`,\{0,1\}$/\1/p')
		if [ -z "$name" ]; then
			echo "line $line: $cell is no \`suite.name\`"
		elif ! grep -qs "{ *\"${name#*.}\"," "tests/bpf/test_${name%%.*}.c"; then
			echo "line $line: tests/bpf/test_${name%%.*}.c has no test ${name#*.}"
		fi
	done
}

every_row_names_tests_that_exist() {
	last_cells >"$work/cells"
	[ -s "$work/cells" ] || echo "$document: no table"
	while read -r line cell; do
		# shellcheck disable=SC2086 # several names in a cell
		check_row "$line" $cell
	done <"$work/cells"
}

every_reason_has_a_row() {
	sed -n 's/^\tX(\([a-z0-9_]*\), \([A-Z]*\),.*/\1 \2/p' "$abi" | sort >"$work/reasons"
	sed -n 's/^| \([a-z0-9_]*\) | \(FORWARD\|REPLY\|PASS\|DROP\) |.*/\1 \2/p' "$document" |
		sort >"$work/rows"
	[ -s "$work/reasons" ] || echo "$abi: no reason"
	comm -23 "$work/reasons" "$work/rows" | sed 's/$/: no such row/'
	comm -13 "$work/reasons" "$work/rows" | sed "s|\$|: not in $abi|"
}

for test in every_row_names_tests_that_exist every_reason_has_a_row; do
	$test >"$work/$test"
	outcome $test "$work/$test"
done
exit $failed
