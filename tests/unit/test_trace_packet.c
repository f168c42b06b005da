// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What `mtlbctl trace` makes of its options: packets, byte by byte. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/packet.h"
#include "core/frame.h"
#include "test.h"
#include "util/hex.h"

static uint8_t frame[FRAME_MAX];

/* The words, built, as hex; "" where they are refused. */
static const char *build(const struct packet_words *w)
{
	static char text[4096];
	struct packet_spec s;
	struct report r = {0};
	char *hex = NULL;

	if (!packet_read(w, &s, &r))
		hex = hex_print(frame, packet_build(&s, frame));
	snprintf(text, sizeof(text), "%s", hex ? hex : "");
	free(hex);
	report_clear(&r);
	return text;
}

#define MACS "020000000002020000000001"

static void packets_are_these_bytes(void)
{
	static const struct {
		struct packet_words words;
		const char *hex;
	} rows[] = {
		{{.source = "198.51.100.7", .destination = "203.0.113.10:443"},
		 MACS "080045000028000040004006d48ac6336407cb00710a9c4001bb00000001000000005002ffff"
		      "aba00000"},
		{{.source = "198.51.100.7:7",
		  .destination = "203.0.113.10:443",
		  .flags = "fin,ack",
		  .vlan = "100"},
		 MACS "81000064080045000028000040004006d48ac6336407cb00710a000701bb0000000100000000"
		      "5011ffff47cb0000"},
		{{.source = "2001:db8::1",
		  .destination = "[2001:db8:1::10]:443",
		  .flags = "none",
		  .vlan = "100.7"},
		 MACS "88a800648100000786dd600000000014064020010db800000000000000000000000120010db8"
		      "0001000000000000000000109c4001bb00000001000000005000ffffb6640000"},
		{{.source = "198.51.100.7",
		  .destination = "203.0.113.10:53",
		  .protocol = "udp",
		  .length = "31"},
		 MACS "08004500001f000040004011d488c6336407cb00710a9c400035000bfd1c000000"},
		{{.source = "[2001:db8::1]:9",
		  .destination = "[2001:db8:1::10]:53",
		  .protocol = "udp"},
		 MACS "86dd600000000008114020010db800000000000000000000000120010db80001000000000000"
		      "00000010000900350008a41c"},
		{{.source = "198.51.100.7",
		  .destination = "203.0.113.10:38412",
		  .protocol = "sctp"},
		 MACS "080045000034000040004084d400c6336407cb00710a9c40960c0000000000a6405b01000014"
		      "000000010000ffff0001000100000001"},
		{{.source = "198.51.100.7",
		  .destination = "203.0.113.10:38412",
		  .protocol = "132",
		  .flags = "abort"},
		 MACS
		 "080045000024000040004084d410c6336407cb00710a9c40960c000000015acaedbf06000004"},
		{{.source = "198.51.100.7", .destination = "203.0.113.10", .protocol = "icmp"},
		 MACS "08004500001c000040004001d49bc6336407cb00710a0800f7fd00010001"},
		{{.source = "2001:db8::1", .destination = "2001:db8:1::10", .protocol = "icmp"},
		 MACS "86dd6000000000083a4020010db800000000000000000000000120010db80001000000000000"
		      "000000108000243700010001"},
		{{.source = "198.51.100.7", .destination = "203.0.113.10", .protocol = "47"},
		 MACS "08004500001c00004000402fd46dc6336407cb00710a0000000000000000"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *hex = build(&rows[i].words);
		if (strcmp(hex, rows[i].hex))
			printf("     row %zu: %s\n", i, hex);
		CU_ASSERT_STRING_EQUAL(hex, rows[i].hex);
	}
}

static uint32_t sum_words(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? at[i] : at[i] * 256U;
	return sum;
}

static uint32_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	return sum;
}

/* Each sum over data that carries its checksum is 0xffff (RFC 1071), whatever the length. */
static void checksums_hold_at_every_length(void)
{
	static const struct {
		struct packet_words words;
		uint32_t ip, pseudo; /* header bytes; of these the last are the addresses */
		uint8_t protocol;
	} rows[] = {
		{{.source = "192.0.2.1", .destination = "192.0.2.2:1", .protocol = "tcp"},
		 20,
		 8,
		 6},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:1", .protocol = "udp"},
		 20,
		 8,
		 17},
		{{.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = "icmp"}, 20, 0, 0},
		{{.source = "2001:db8::1", .destination = "[2001:db8::2]:1", .protocol = "tcp"},
		 40,
		 32,
		 6},
		{{.source = "2001:db8::1", .destination = "[2001:db8::2]:1", .protocol = "udp"},
		 40,
		 32,
		 17},
		{{.source = "2001:db8::1", .destination = "2001:db8::2", .protocol = "icmp"},
		 40,
		 32,
		 58},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (uint32_t length = 60; length <= 1500; length += 37) {
			struct packet_words w = rows[i].words;
			struct packet_spec s;
			struct report r = {0};
			char text[16];

			snprintf(text, sizeof(text), "%u", length);
			w.length = text;
			CU_ASSERT_EQUAL_FATAL(packet_read(&w, &s, &r), 0);
			CU_ASSERT_EQUAL(packet_build(&s, frame), 14 + length);
			const uint8_t *ip = frame + 14;
			uint32_t l4 = length - rows[i].ip;
			uint32_t sum = sum_words(ip + rows[i].ip, l4);
			if (rows[i].pseudo)
				sum += sum_words(ip + rows[i].ip - rows[i].pseudo, rows[i].pseudo) +
				       l4 + rows[i].protocol;
			CU_ASSERT_EQUAL(fold(sum), 0xffff);
			if (rows[i].ip == 20)
				CU_ASSERT_EQUAL(fold(sum_words(ip, 20)), 0xffff);
		}
}

static void mistakes_are_named_with_what_is_allowed(void)
{
	static const struct {
		struct packet_words words;
		const char *where;
	} rows[] = {
		{{.destination = "192.0.2.2:80"}, "--src"},
		{{.source = "192.0.2.1"}, "--dst"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2"}, "--dst"},
		{{.source = "192.0.2.1", .destination = "[2001:db8::2]:80"}, "--dst"},
		{{.source = "192.0.2.1:65536", .destination = "192.0.2.2:80"}, "--src"},
		{{.source = "192.0.2.1:", .destination = "192.0.2.2:80"}, "--src"},
		{{.source = "[2001:db8::1", .destination = "[2001:db8::2]:80"}, "--src"},
		{{.source = "[2001:db8::1]80", .destination = "[2001:db8::2]:80"}, "--src"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80x"}, "--dst"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .protocol = "tpc"},
		 "--proto"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2", .protocol = "256"}, "--proto"},
		{{.source = "192.0.2.1:7", .destination = "192.0.2.2", .protocol = "icmp"},
		 "--src"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:7", .protocol = "47"}, "--dst"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .flags = "syn,ak"},
		 "--flags"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .flags = ""}, "--flags"},
		{{.source = "192.0.2.1",
		  .destination = "192.0.2.2:80",
		  .protocol = "udp",
		  .flags = "syn"},
		 "--flags"},
		{{.source = "192.0.2.1",
		  .destination = "192.0.2.2:80",
		  .protocol = "sctp",
		  .flags = "syn"},
		 "--flags"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .vlan = "0"}, "--vlan"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .vlan = "4095"}, "--vlan"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .vlan = "1."}, "--vlan"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .vlan = "1.2.3"}, "--vlan"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .length = "39"},
		 "--length"},
		{{.source = "192.0.2.1", .destination = "192.0.2.2:80", .length = "65536"},
		 "--length"},
		{{.source = "2001:db8::1", .destination = "[2001:db8::2]:80", .length = "59"},
		 "--length"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct packet_spec s = {.length = 4711};
		struct report r = {0};

		CU_ASSERT_EQUAL(packet_read(&rows[i].words, &s, &r), -EINVAL);
		CU_ASSERT_EQUAL(s.length, 4711);
		CU_ASSERT_EQUAL_FATAL(r.n, 1);
		CU_ASSERT_STRING_EQUAL(r.lines[0].where, rows[i].where);
		report_clear(&r);
	}
}

static void all_mistakes_are_told_at_once(void)
{
	static const struct packet_words w = {
		.source = "x", .destination = "y", .protocol = "z", .vlan = "v"};
	struct report r = {0};
	struct packet_spec s;

	CU_ASSERT_EQUAL(packet_read(&w, &s, &r), -EINVAL);
	CU_ASSERT_EQUAL(r.n, 4);
	report_clear(&r);
}

#define IPV6(next)                                                                                 \
	"86dd"                                                                                     \
	"600000000000" next "40"                                                                   \
	"20010db8000000000000000000000001"                                                         \
	"20010db8000000000000000000000002"
#define OPTIONS "3c00000000000000"

static void frames_are_read_as_the_data_plane_reads_them(void)
{
	static const struct {
		const char *hex;
		uint16_t vlan, inner_vlan;
		const char *text;
	} rows[] = {
		{MACS, 0, 0, "ethertype 0x0000"},
		{MACS "0806", 0, 0, "arp"},
		{MACS "88cc", 0, 0, "ethertype 0x88cc"},
		{MACS "88a80064810000070806", 100, 7, "arp"},
		{MACS "8100000081000007"
		      "0806",
		 7, 0, "arp"},
		{MACS "8100e064"
		      "0806",
		 100, 0, "arp"},
		{MACS "8100", 0, 0, "ethertype 0x8100"},
		{MACS "0800"
		      "4500001400000000402f0000c0000201c0000202",
		 0, 0, "protocol 47 192.0.2.1 > 192.0.2.2"},
		{MACS "0800"
		      "450000140000000040060000c0000201c0000202",
		 0, 0, "tcp 192.0.2.1 > 192.0.2.2"},
		{MACS "0800"
		      "450000180000000040060000c0000201c00002029c400050",
		 0, 0, "tcp 192.0.2.1:40000 > 192.0.2.2:80"},
		{MACS "0800"
		      "4600001c0000000040110000c0000201c000020200000000"
		      "9c400050",
		 0, 0, "udp 192.0.2.1:40000 > 192.0.2.2:80"},
		{MACS "0800"
		      "450000180000000140110000c0000201c00002029c400050",
		 0, 0, "udp 192.0.2.1 > 192.0.2.2 fragment at 8"},
		{MACS "0800"
		      "450000180000200040110000c0000201c00002029c400050",
		 0, 0, "udp 192.0.2.1:40000 > 192.0.2.2:80 fragment at 0"},
		{MACS IPV6("11") "9c400050", 0, 0, "udp [2001:db8::1]:40000 > [2001:db8::2]:80"},
		{MACS IPV6("2c") "1100000100001b59"
				 "9c400050",
		 0, 0, "udp [2001:db8::1]:40000 > [2001:db8::2]:80 fragment at 0"},
		{MACS IPV6("2c") "1100032800001b59"
				 "9c400050",
		 0, 0, "udp 2001:db8::1 > 2001:db8::2 fragment at 808"},
		/* an atomic one; one that is cut off; others before it, and behind an offset */
		{MACS IPV6("2c") "1100000000001b59"
				 "9c400050",
		 0, 0, "udp [2001:db8::1]:40000 > [2001:db8::2]:80"},
		{MACS IPV6("2c") "1100000100001b", 0, 0, "protocol 44 2001:db8::1 > 2001:db8::2"},
		{MACS IPV6("00") "3c00000000000000"
				 "3301000000000000"
				 "0000000000000000"
				 "2b010000"
				 "0000000000000000"
				 "2c00000000000000"
				 "06fffff900001b59",
		 0, 0, "tcp 2001:db8::1 > 2001:db8::2 fragment at 65528"},
		{MACS IPV6("2c") "3c00000800001b59"
				 "1100000000000000"
				 "9c400050",
		 0, 0, "protocol 60 2001:db8::1 > 2001:db8::2 fragment at 8"},
		/* six headers are skipped, no more; one is longer than what is there */
		{MACS IPV6("3c") OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS "1100000000000000"
									 "9c400050",
		 0, 0, "udp [2001:db8::1]:40000 > [2001:db8::2]:80"},
		{MACS IPV6("3c") OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS "1100000000000000"
										 "9c400050",
		 0, 0, "protocol 60 2001:db8::1 > 2001:db8::2"},
		{MACS IPV6("3c") "11ff000000000000"
				 "9c400050",
		 0, 0, "udp 2001:db8::1 > 2001:db8::2"},
		{MACS "0800"
		      "6500001400000000402f0000c0000201c0000202",
		 0, 0, "ethertype 0x0800"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[FRAME_TEXT];
		struct frame f;
		size_t len, at;

		CU_ASSERT_EQUAL_FATAL(hex_parse(rows[i].hex, "", frame, FRAME_MAX, &len, &at), 0);
		frame_read(frame, len, &f);
		CU_ASSERT_EQUAL(f.vlan, rows[i].vlan);
		CU_ASSERT_EQUAL(f.inner_vlan, rows[i].inner_vlan);
		CU_ASSERT_STRING_EQUAL(frame_print(&f, text), rows[i].text);
	}
}

static void hex_is_pairs_of_digits(void)
{
	static const struct {
		const char *text, *between;
		int error;
		size_t len, at;
	} rows[] = {
		{"", "", 0, 0, 0},
		{"00fF", "", 0, 2, 0},
		{"00 01:02\n03", " :\n", 0, 4, 0},
		{"  00  ", " ", 0, 1, 0},
		{"00 01", "", -EINVAL, 0, 2},
		{"0 0", " ", -EINVAL, 0, 1},
		{"000", "", -EINVAL, 0, 3},
		{"0g", "", -EINVAL, 0, 1},
		{"0x00", "", -EINVAL, 0, 1},
		{"0001020304", "", -E2BIG, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t bytes[4];
		size_t len = 0, at = 0;

		CU_ASSERT_EQUAL(hex_parse(rows[i].text, rows[i].between, bytes, 4, &len, &at),
				rows[i].error);
		CU_ASSERT_EQUAL(len, rows[i].len);
		CU_ASSERT_EQUAL(at, rows[i].at);
	}
	char *text = hex_print((const uint8_t *)"\x01\xfe", 2);
	CU_ASSERT_STRING_EQUAL(text, "01fe");
	free(text);
}

static const struct test tests[] = {
	{"packets_are_these_bytes", packets_are_these_bytes},
	{"checksums_hold_at_every_length", checksums_hold_at_every_length},
	{"mistakes_are_named_with_what_is_allowed", mistakes_are_named_with_what_is_allowed},
	{"all_mistakes_are_told_at_once", all_mistakes_are_told_at_once},
	{"frames_are_read_as_the_data_plane_reads_them",
	 frames_are_read_as_the_data_plane_reads_them},
	{"hex_is_pairs_of_digits", hex_is_pairs_of_digits},
	{0},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "trace_packet", tests);
}
