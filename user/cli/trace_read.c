// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* trace: packets from a capture, from hex digits, or built. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/packet.h"
#include "cli/trace.h"
#include "util/cleanup.h"
#include "util/hex.h"

enum {
	CAPTURE_MAX = 65536, /* packets: all are held in memory */
};

#define BUILT (OPT(SRC) | OPT(DST) | OPT(PROTO) | OPT(FLAGS) | OPT(VLAN) | OPT(LENGTH))

static void append(json_t *list, const uint8_t *frame, size_t len)
{
	_cleanup_free_ char *text = hex_print(frame, len);

	json_array_append_new(list, json_string(text));
}

/* ---- --pcap ---- */
static bool check_frame(const char *file, size_t n, const struct pcap_pkthdr *h, struct report *r)
{
	char where[300];

	snprintf(where, sizeof(where), "%.250s: packet %zu", file, n);
	if (h->caplen < FRAME_MIN || h->caplen > FRAME_MAX) {
		report_add(r, where, "has %u bytes: frames have %d to %d bytes", h->caplen,
			   FRAME_MIN, FRAME_MAX);
		return false;
	}
	if (h->caplen < h->len)
		fprintf(stderr,
			"%s: warning: only %u of its %u bytes were captured, and these are traced\n",
			where, h->caplen, h->len);
	return true;
}

static void read_frames(pcap_t *capture, const char *file, json_t *list, struct report *r)
{
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	int more;

	for (size_t n = 1; (more = pcap_next_ex(capture, &h, &frame)) == 1 && n <= CAPTURE_MAX; n++)
		if (check_frame(file, n, h, r))
			append(list, frame, h->caplen);
	if (more == 1)
		report_add(r, file, "holds more than %d packets: trace a part of it", CAPTURE_MAX);
	else if (more == PCAP_ERROR)
		report_add(r, file, "cannot be read to its end: %s", pcap_geterr(capture));
	else if (!json_array_size(list) && report_is_empty(r))
		report_add(r, file, "holds no packet");
}

/* NULL, with a line in r. "-" is standard input. */
static pcap_t *open_capture(const char *file, struct report *r)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *from = strcmp(file, "-") ? fopen(file, "re") : stdin;
	pcap_t *capture = from ? pcap_fopen_offline(from, why) : NULL;

	if (capture)
		return capture; /* which closes the file */
	if (from)
		report_add(r, file, "is no capture: %s", why);
	else
		report_add(r, file, "cannot be read: %s", strerror(errno));
	if (from && from != stdin)
		fclose(from);
	return NULL;
}

static int read_capture(const char *file, json_t *list)
{
	struct report r = {0};
	pcap_t *capture = open_capture(file, &r);

	if (!capture)
		return cli_refuse(&r);
	int type = pcap_datalink(capture);
	const char *name = pcap_datalink_val_to_name(type);
	if (type == DLT_EN10MB)
		read_frames(capture, file, list, &r);
	else
		report_add(&r, file,
			   "holds no Ethernet frames but link type %s (%d): capture on one "
			   "interface, not on \"any\"",
			   name ? name : "unknown", type);
	pcap_close(capture);
	return report_is_empty(&r) ? CLI_OK : cli_refuse(&r);
}

/* ---- --hex ---- */
static int read_digits(const struct cli *c, const char *text, json_t *list)
{
	_cleanup_free_ uint8_t *frame = malloc(FRAME_MAX);
	size_t len = 0, at = 0;
	int error = frame ? hex_parse(text, " \t\r\n:", frame, FRAME_MAX, &len, &at) : -ENOMEM;

	if (error == -EINVAL)
		return cli_usage(c, "--hex: pairs of hex digits are expected, not \"%.8s\"",
				 text + (at ? at - 1 : 0));
	if (error || len < FRAME_MIN)
		return cli_usage(c, "--hex: has %s%zu bytes: frames have %d to %d bytes",
				 error ? "more than " : "", error ? (size_t)FRAME_MAX : len,
				 FRAME_MIN, FRAME_MAX);
	append(list, frame, len);
	return CLI_OK;
}

/* ---- built ---- */
static int build(const struct cli *c, json_t *list)
{
	const struct packet_words words = {
		.source = c->options[OPTION_SRC],
		.destination = c->options[OPTION_DST],
		.protocol = c->options[OPTION_PROTO],
		.flags = c->options[OPTION_FLAGS],
		.vlan = c->options[OPTION_VLAN],
		.length = c->options[OPTION_LENGTH],
	};
	_cleanup_free_ uint8_t *frame = malloc(FRAME_MAX);
	struct packet_spec spec;
	struct report r = {0};

	if (!frame || packet_read(&words, &spec, &r)) {
		for (size_t i = 0; i + 1 < r.n; i++)
			fprintf(stderr, "mtlbctl: %s %s\n", r.lines[i].where, r.lines[i].text);
		int error = cli_usage(c, "%s %s", r.n ? r.lines[r.n - 1].where : "out of memory",
				      r.n ? r.lines[r.n - 1].text : "");
		report_clear(&r);
		return error;
	}
	append(list, frame, packet_build(&spec, frame));
	return CLI_OK;
}

/* One of the three ways, and options of that way alone. */
static int check_ways(const struct cli *c)
{
	bool has_hex = c->options[OPTION_HEX], has_capture = c->options[OPTION_PCAP];
	bool is_built = false;

	for (size_t i = 0; i < OPTION_END; i++)
		is_built |= c->options[i] && BUILT & 1U << i;
	if (!is_built && !has_hex && !has_capture)
		return cli_usage(c, "which packet: --src and --dst, --hex, or --pcap");
	if (is_built + has_hex + has_capture > 1)
		return cli_usage(c, "a packet is either built (--src, --dst, ...), or given as "
				    "--hex, or as --pcap");
	return CLI_OK;
}

int trace_read_packets(const struct cli *c, json_t **out)
{
	int error = check_ways(c);

	if (error)
		return error;
	*out = json_array();
	if (c->options[OPTION_PCAP])
		return read_capture(c->options[OPTION_PCAP], *out);
	if (c->options[OPTION_HEX])
		return read_digits(c, c->options[OPTION_HEX], *out);
	return build(c, *out);
}
