// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What was typed: words and options, in any order. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum takes {
	NOTHING,
	VALUE,
	MAYBE_NUMBER
};

static const struct row {
	const char *name;
	enum takes takes;
	const char *usage, *text;
} rows[OPTION_END] = {
	[OPTION_SOCKET] = {"--socket", VALUE, "--socket PATH",
			   "where mtlbd listens (MTLB_SOCKET, or /run/mtlb/mtlbd.sock)"},
	[OPTION_JSON] = {"--json", NOTHING, "--json", "print what the API answered, as it came"},
	[OPTION_HELP] = {"--help", NOTHING, "--help", "help for the verb, or this text"},
	[OPTION_MODE] = {"--mode", VALUE, "--mode native|generic",
			 "native (default): in the driver; generic: slower, any interface"},
	[OPTION_SHARE] = {"--share", NOTHING, "--share",
			  "beside other XDP programs, by libxdp's dispatcher"},
	[OPTION_WAIT] = {"--wait", NOTHING, "--wait", "return when no flow is left on it"},
	[OPTION_TIMEOUT] = {"--timeout", VALUE, "--timeout TIME",
			    "with --wait: give up after 90s, 10m (default), 2h"},
	[OPTION_WATCH] = {"--watch", MAYBE_NUMBER, "--watch [SECONDS]",
			  "again and again, every second or every SECONDS"},
	[OPTION_TOTALS] = {"--totals", NOTHING, "--totals", "totals instead of rates"},
	[OPTION_TENANTS] = {"--tenants", VALUE, "--tenants DIR",
			    "read the tenants in DIR/*.yaml too"},
	[OPTION_FILE] = {"--file", VALUE, "--file FILE",
			 "a JSON document with the fields; - is standard input"},
	[OPTION_MESSAGE] = {"--message", VALUE, "--message TEXT",
			    "why, for `tenant revisions` (default: the command)"},
	[OPTION_REVISION] = {"--revision", VALUE, "--revision N",
			     "only if the tenant is still at revision N"},
	[OPTION_ADDRESS] = {"--address", VALUE, "--address ADDRESS",
			    "decapsulate only packets for ADDRESS; may be given again"},
	[OPTION_PIN_DIR] = {"--pin-dir", VALUE, "--pin-dir DIR",
			    "where the program is pinned (/sys/fs/bpf/mtlb-decap)"},
	[OPTION_SRC] = {"--src", VALUE, "--src ADDRESS[:PORT]", "the sender; port 40000"},
	[OPTION_DST] = {"--dst", VALUE, "--dst ADDRESS[:PORT]", "where it is sent to"},
	[OPTION_PROTO] = {"--proto", VALUE, "--proto PROTOCOL",
			  "tcp (default), udp, sctp, icmp (an echo request), or a number"},
	[OPTION_FLAGS] = {"--flags", VALUE, "--flags FLAGS",
			  "TCP: syn (default), ack, fin,ack, none, ...; SCTP: init (default), ..."},
	[OPTION_INTERFACE] = {"--interface", VALUE, "--interface IFACE",
			      "by which it comes in; default: the node's only one"},
	[OPTION_VLAN] = {"--vlan", VALUE, "--vlan N[.M]", "with a VLAN tag, or two"},
	[OPTION_LENGTH] = {"--length", VALUE, "--length BYTES",
			   "of the IP packet; default: as short as it can be"},
	[OPTION_HEX] = {"--hex", VALUE, "--hex DIGITS",
			"a whole frame from Ethernet on; blanks and colons do not matter"},
	[OPTION_PCAP] = {"--pcap", VALUE, "--pcap FILE",
			 "all frames of a capture; - is standard input"},
	[OPTION_PROBE] = {"--probe", NOTHING, "--probe",
			  "send each backend one encapsulated packet for its VIP"},
};

const char *args_option_usage(enum cli_option option)
{
	return rows[option].usage;
}

const char *args_option_text(enum cli_option option)
{
	return rows[option].text;
}

int cli_usage(const struct cli *c, const char *format, ...)
{
	const struct verb *v = c->verb;
	va_list args;

	fputs("mtlbctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (v)
		fprintf(stderr, "\nUsage: mtlbctl %s%s%s%s%s%s; see mtlbctl help %s%s%s\n",
			v->object ? v->object : "", v->object ? " " : "", v->name,
			*v->args ? " " : "", v->args, v->options ? " [OPTIONS]" : "",
			v->object ? v->object : "", v->object ? " " : "", v->name);
	else
		fputs("; see mtlbctl help\n", stderr);
	return CLI_USAGE;
}

/* Names of files need not be UTF-8. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json ? json : json_string("(not UTF-8)");
}

/* In the shape in which mtlbd answers. */
static void print_errors(const struct report *r)
{
	json_t *errors = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(errors,
				      json_pack("{s:o, s:o}", "where", text_json(r->lines[i].where),
						"message", text_json(r->lines[i].text)));
	json_t *json = json_pack("{s:o}", "errors", errors);
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

int cli_refuse(const struct cli *c, struct report *r)
{
	for (size_t i = 0; i < r->n; i++)
		fprintf(stderr, "%s%s%s\n", r->lines[i].where, *r->lines[i].where ? ": " : "",
			r->lines[i].text);
	if (c->options[OPTION_JSON])
		print_errors(r);
	report_clear(r);
	return CLI_REFUSED;
}

/* "--mode=native" has its value in *inline_value. OPTION_END: there is no such option. */
static enum cli_option find_option(const char *text, const char **inline_value)
{
	size_t len = strcspn(text, "=");

	*inline_value = text[len] ? text + len + 1 : NULL;
	if (!strcmp(text, "-h"))
		return OPTION_HELP;
	for (size_t i = 0; i < OPTION_END; i++)
		if (strlen(rows[i].name) == len && !memcmp(rows[i].name, text, len))
			return (enum cli_option)i;
	return OPTION_END;
}

static bool is_number(const char *text)
{
	return text && *text && strspn(text, "0123456789.") == strlen(text);
}

/* Takes argv[*at], and the value behind it where it has one. */
static int read_option(struct cli *c, int argc, char **argv, int *at)
{
	const char *text = argv[*at], *value;
	enum cli_option option = find_option(text, &value);
	enum takes takes = option == OPTION_END ? NOTHING : rows[option].takes;

	if (option == OPTION_END)
		return cli_usage(c, "there is no option %s", text);
	if (takes == NOTHING && value)
		return cli_usage(c, "%s takes no value", rows[option].name);
	if (!value && (takes == VALUE || (takes == MAYBE_NUMBER && is_number(argv[*at + 1])))) {
		if (*at + 1 == argc)
			return cli_usage(c, "%s needs a value: %s", text, rows[option].usage);
		value = argv[++*at];
	}
	if (option == OPTION_ADDRESS) {
		if (c->n_addresses == CLI_ADDRESSES)
			return cli_usage(c, "at most %d addresses", CLI_ADDRESSES);
		c->addresses[c->n_addresses++] = value;
	}
	c->options[option] = value ? value : "";
	return 0;
}

int args_read(struct cli *c, int argc, char **argv)
{
	bool is_over = false;
	int error;

	c->words = argv + 1;
	for (int i = 1; i < argc; i++) {
		if (is_over || argv[i][0] != '-' || !argv[i][1]) {
			c->words[c->n_words++] = argv[i];
		} else if (!strcmp(argv[i], "--")) {
			is_over = true;
		} else {
			error = read_option(c, argc, argv, &i);
			if (error)
				return error;
		}
	}
	return 0;
}

int args_check(const struct cli *c)
{
	const struct verb *v = c->verb;
	const char *mode = c->options[OPTION_MODE];
	unsigned int allowed = v->options | OPT(SOCKET) | OPT(JSON) | OPT(HELP);

	for (size_t i = 0; i < OPTION_END; i++)
		if (c->options[i] && !(allowed & 1U << i))
			return cli_usage(c, "%s does not go with this verb", rows[i].name);
	if (mode && strcmp(mode, "native") && strcmp(mode, "generic"))
		return cli_usage(c, "--mode %s: native or generic", mode);
	if (c->n_words < v->min_words)
		return cli_usage(
			c, c->n_words ? "something is missing behind \"%s\"" : "%s is missing",
			c->n_words ? c->words[c->n_words - 1] : v->args);
	if (v->max_words != CLI_ANY && c->n_words > v->max_words)
		return cli_usage(c, "\"%s\" is one word too many", c->words[v->max_words]);
	return 0;
}
