# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# All single-line changes of the data plane's sources that tests/mutate knows: file, line number, tab, the new line.

function constant(text,    at, len, head, number) {
	if (!match(text, /[^A-Za-z0-9_.][1-9][0-9]*[^0-9A-Za-z_.]/))
		return text
	at = RSTART + 1
	len = RLENGTH - 2
	head = substr(text, 1, at - 1)
	number = substr(text, at, len) + 1
	return head number substr(text, at + len)
}

function swap(text, from, to,    at) {
	at = index(text, from)
	return at ? substr(text, 1, at - 1) to substr(text, at + length(from)) : text
}

function propose(new) {
	if (new != $0)
		printf "%s\t%d\t%s\n", FILENAME, FNR, new
}

BEGIN {
	n = split(" < | <= | <= | < | > | >= | >= | > | == | != | != | == | && | @ | + | - | - | + | & | ^ " \
		  "|true|false|false|true|TCP_SYN|TCP_FIN|TCP_RST|TCP_SYN|_UP|_DOWN|CLOSING|NEW|CONFIRMED|NEW", pair, "|")
}

# comments, preprocessor but constants, declarations, and what only the verifier wants
/^[ \t]*(\/\*|\*|\/\/|#include|#undef|#pragma|asm )/ { next }
/barrier_var|volatile|> end|HEADERS_FAR|MTLB_L2_MAX|MTLB_OUTER_MAX|ENCAP_CERTAIN|_MAX - 1|internal|__uint|__type/ { next }
# what means the same whichever way: any negative number says "nowhere" or "none", room to spare, an answer that is never 0,
# bytes that the next line writes over, the longer way for what could go the common one, a check that a later one repeats
/return -1;|__u8 bytes\[|__u32 source\[|PARSE_ORDINARY_MAX|p->redirect|&ip->saddr, p->tuple|bpf_ntohs\(udp->len\) < |h->at \+ sizeof\(\*ip\) > h->end/ { next }
/if \(!(p|h|v|key|bucket|all|ranges|e|q|owner|table|sent|turn)\)|!p \|\||!bucket|\\$|unroll/ { next }
/^(static|__noinline|enum|struct|const)/ { next }

{
	for (i = 1; i < n; i += 2) {
		to = pair[i + 1] == " @ " ? " || " : pair[i + 1]
		propose(swap($0, pair[i], to))
	}
	propose(swap($0, " || ", " && "))
	new = constant($0 " ")
	sub(/ $/, "", new)
	propose(new)
}
