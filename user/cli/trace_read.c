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
	CAPTURE_PACKETS = 65536, /* all are held in memory, as text */
	CAPTURE_BYTES = 64 << 20,
	WRONG_LINES = 8,
};

#define BUILT (OPT(SRC) | OPT(DST) | OPT(PROTO) | OPT(FLAGS) | OPT(VLAN) | OPT(LENGTH))

static void append(json_t *list, const uint8_t *frame, size_t len)
{
	_cleanup_free_ char *text = hex_print(frame, len);

	json_array_append_new(list, json_string(text));
}

/* ---- --pcap ---- */
struct capture {
	const char *name; /* of the file */
	json_t *list;
	struct report *r;
	size_t n, bytes;         /* read so far */
	size_t n_wrong;          /* of impossible lengths */
	size_t n_cut, first_cut; /* captured in part */
	uint32_t kept, whole;    /* bytes of the first of these */
};

static void read_frame(struct capture *f, const struct pcap_pkthdr *h, const uint8_t *frame)
{
	f->n++;
	f->bytes += h->caplen;
	if (h->caplen < FRAME_MIN || h->caplen > FRAME_MAX) {
		if (f->n_wrong++ < WRONG_LINES)
			report_add(f->r, f->name,
				   "packet %zu has %u bytes: frames have %d to %d bytes", f->n,
				   h->caplen, FRAME_MIN, FRAME_MAX);
		return;
	}
	if (h->caplen < h->len && !f->n_cut++) {
		f->first_cut = f->n;
		f->kept = h->caplen;
		f->whole = h->len;
	}
	append(f->list, frame, h->caplen);
}

static void judge_capture(const struct capture *f)
{
	if (f->n_wrong > WRONG_LINES)
		report_add(f->r, f->name, "%zu more packets are too short or too long",
			   f->n_wrong - WRONG_LINES);
	if (!f->n && report_is_empty(f->r))
		report_add(f->r, f->name, "holds no packet");
	if (f->n_cut && report_is_empty(f->r))
		fprintf(stderr,
			"%s: warning: %zu of %zu packets were captured only in part (packet %zu: %u "
			"of %u bytes) and are traced as if cut off: capture them whole (tcpdump -s 0)\n",
			f->name, f->n_cut, f->n, f->first_cut, f->kept, f->whole);
}

static void read_frames(pcap_t *from, struct capture *f)
{
	struct pcap_pkthdr *h;
	const uint8_t *frame;
	int more;

	while ((more = pcap_next_ex(from, &h, &frame)) == 1) {
		if (f->n == CAPTURE_PACKETS || f->bytes + h->caplen > CAPTURE_BYTES) {
			report_add(f->r, f->name,
				   "holds more than %d packets or %d MiB: trace a part of it "
				   "(tcpdump -c, editcap)",
				   CAPTURE_PACKETS, CAPTURE_BYTES >> 20);
			break;
		}
		read_frame(f, h, frame);
	}
	if (more == PCAP_ERROR)
		report_add(f->r, f->name, "cannot be read to its end: %s", pcap_geterr(from));
	judge_capture(f);
}

/* NULL, with a line in the report. "-" is standard input. */
static pcap_t *open_capture(const char *file, struct capture *f)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *from = strcmp(file, "-") ? fopen(file, "re") : stdin;
	pcap_t *capture = from ? pcap_fopen_offline(from, why) : NULL;

	if (capture)
		return capture; /* which closes the file */
	if (from)
		report_add(f->r, f->name, "is no capture: %s", why);
	else
		report_add(f->r, f->name, "cannot be read: %s", strerror(errno));
	if (from && from != stdin)
		fclose(from);
	return NULL;
}

static int read_capture(const struct cli *c, const char *file, json_t *list)
{
	struct report r = {0};
	struct capture f = {
		.name = strcmp(file, "-") ? file : "standard input", .list = list, .r = &r};
	pcap_t *from = open_capture(file, &f);

	if (!from)
		return cli_refuse(c, &r);
	int type = pcap_datalink(from);
	const char *name = pcap_datalink_val_to_name(type);
	if (type == DLT_EN10MB)
		read_frames(from, &f);
	else
		report_add(
			&r, f.name,
			"holds no Ethernet frames but link type %s (%d): capture on one Ethernet "
			"interface, not on a tunnel or \"any\"",
			name ? name : "unknown", type);
	pcap_close(from);
	return report_is_empty(&r) ? CLI_OK : cli_refuse(c, &r);
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
		return read_capture(c, c->options[OPTION_PCAP], *out);
	if (c->options[OPTION_HEX])
		return read_digits(c, c->options[OPTION_HEX], *out);
	return build(c, *out);
}
