// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* trace: what became of packets, for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/objects.h"
#include "cli/trace.h"
#include "core/frame.h"
#include "core/ports.h"
#include "util/cleanup.h"
#include "util/hex.h"

enum {
	LINE = 16, /* bytes of a line of a dump */
};

/* The bytes of a hex member, malloced; NULL: there are none. */
static uint8_t *bytes_of(const json_t *packet, const char *key, size_t *len)
{
	const char *text = json_string_value(json_object_get(packet, key));
	size_t max = text ? strlen(text) / 2 : 0, at;
	uint8_t *bytes = max ? malloc(max) : NULL;

	if (bytes && hex_parse(text, "", bytes, max, len, &at)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

static const char *describe(const json_t *packet, struct frame *f, char text[FRAME_TEXT])
{
	size_t len = 0;
	_cleanup_free_ uint8_t *bytes = bytes_of(packet, "packet_in_hex", &len);

	frame_read(bytes ? bytes : (const uint8_t *)"", bytes ? len : 0, f);
	return frame_print(f, text);
}

static bool has(const json_t *packet, const char *key)
{
	const json_t *value = json_object_get(packet, key);

	return value && !json_is_null(value);
}

static long long number(const json_t *packet, const char *path)
{
	return json_integer_value(object_at(packet, path));
}

/* ---- the story ---- */
static void print_packet(const json_t *p)
{
	char text[FRAME_TEXT];
	struct frame f;

	printf("packet         %s, %zu bytes, in by %s", describe(p, &f, text),
	       strlen(object_text(p, "packet_in_hex")) / 2, object_text(p, "interface"));
	if (f.vlan)
		printf(", VLAN %u", f.vlan);
	if (f.inner_vlan)
		printf(".%u", f.inner_vlan);
	putchar('\n');
}

static void print_vip(const json_t *p)
{
	const char *address = object_text(p, "vip_address");
	const json_t *protocol = object_at(p, "vip_protocol");
	char ports[PORTS_TEXT];

	if (!has(p, "vip"))
		return;
	printf("VIP            %s, ", object_text(p, "vip"));
	uint16_t first = (uint16_t)number(p, "vip_port");
	uint16_t last = has(p, "vip_last_port") ? (uint16_t)number(p, "vip_last_port") : first;
	printf(strchr(address, ':') ? "[%s]:%s" : "%s:%s", address,
	       ports_print(first, last, ports));
	if (json_is_string(protocol))
		printf("/%s", json_string_value(protocol));
	printf("%s%s\n", has(p, "algorithm") ? ", " : "", object_text(p, "algorithm"));
}

static void print_limits(const json_t *p)
{
	if (has(p, "limits"))
		printf("limits         %lld of %lld ICMP answers used in this tick (1.07 s)\n",
		       number(p, "limits.icmp_answers.used"),
		       number(p, "limits.icmp_answers.allowed"));
}

static void print_slot(const json_t *p)
{
	if (!has(p, "slot"))
		return;
	printf("slot           %lld of %lld, %s: owner %s", number(p, "slot"),
	       number(p, "ring_slots"), object_text(p, "slot_state"), object_text(p, "owner"));
	if (has(p, "previous"))
		printf(", before that %s", object_text(p, "previous"));
	putchar('\n');
}

static void print_how(const json_t *p)
{
	static const struct {
		const char *how, *text;
	} rows[] = {
		{"hash", "the hash of the flow alone: its slot does not move"},
		{"flow_table_known", "the flow table: the flow is known there"},
		{"flow_table_unknown", "slot and algorithm: the flow table does not know the flow"},
		{"quic_id", "the QUIC connection id: it names the backend"},
		{"fragment", "the first fragment, which is remembered"},
	};

	if (!strcmp("source", object_text(p, "algorithm")) &&
	    !strcmp("hash", object_text(p, "how"))) {
		puts("decided by     the hash of the client's address: its slot does not move");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].how, object_text(p, "how")))
			printf("decided by     %s\n", rows[i].text);
}

static void print_backend(const json_t *p)
{
	if (has(p, "backend"))
		printf("backend        %s, %s, %s\n", object_text(p, "backend"),
		       object_text(p, "backend_address"), object_text(p, "backend_state"));
}

static void print_outer_end(const json_t *e, const char *address, const char *port)
{
	const char *text = object_text(e, address);

	if (!has(e, port))
		printf("%s", text);
	else
		printf(strchr(text, ':') ? "[%s]:%lld" : "%s:%lld", text, number(e, port));
}

static void print_encapsulation(const json_t *p)
{
	const json_t *e = json_object_get(p, "encapsulation");

	if (!has(p, "encapsulation"))
		return;
	printf("encapsulation  %s", object_text(e, "kind"));
	if (has(e, "source")) {
		fputs(", ", stdout);
		print_outer_end(e, "source", "source_port");
		fputs(" > ", stdout);
		print_outer_end(e, "destination", "destination_port");
	}
	putchar('\n');
}

/* Lines like the one before are one "*"; the last is always there. */
static void print_dump(const uint8_t *bytes, size_t len)
{
	bool was_same = false;

	for (size_t at = 0; at < len; at += LINE) {
		bool is_same =
			at && at + LINE < len && !memcmp(bytes + at, bytes + at - LINE, LINE);
		if (is_same && !was_same)
			puts("*");
		was_same = is_same;
		if (is_same)
			continue;
		printf("%04zx ", at);
		for (size_t i = at; i < at + LINE && i < len; i++)
			printf("%s%02x", i == at + LINE / 2 ? "  " : " ", bytes[i]);
		putchar('\n');
	}
}

static void print_out(const json_t *p)
{
	const char *verdict = object_text(p, "verdict");
	size_t len = 0;
	_cleanup_free_ uint8_t *bytes = bytes_of(p, "packet_out_hex", &len);
	bool leaves = bytes && strcmp(verdict, "pass");

	printf("verdict        %s%s%s\n", verdict, leaves ? " by " : "",
	       leaves ? object_text(p, "interface_out") : "");
	printf("reason         %s: %s\n", object_text(p, "reason"), object_text(p, "reason_text"));
	if (!leaves)
		return;
	printf("\n%zu bytes would leave:\n", len);
	print_dump(bytes, len);
}

static void print_story(const json_t *p)
{
	print_packet(p);
	printf("segment        %s\n", has(p, "segment") ? object_text(p, "segment") : "none");
	printf("tenant         %s\n", has(p, "tenant") ? object_text(p, "tenant") : "none");
	print_vip(p);
	print_limits(p);
	print_slot(p);
	print_how(p);
	print_backend(p);
	print_encapsulation(p);
	print_out(p);
}

/* ---- the table ---- */
static void add_row(struct table *t, size_t n, const json_t *p)
{
	char text[FRAME_TEXT];
	struct frame f;

	table_add(t, "%zu", n);
	table_add(t, "%s", describe(p, &f, text));
	table_add(t, "%s", object_text(p, "verdict"));
	table_add(t, "%s", object_text(p, "reason"));
	table_add(t, "%s%s%s", has(p, "tenant") ? object_text(p, "tenant") : "-",
		  has(p, "vip") ? "/" : "", object_text(p, "vip"));
	table_add(t, "%s", has(p, "backend") ? object_text(p, "backend") : "-");
	if (has(p, "slot"))
		table_add(t, "%lld %s", number(p, "slot"), object_text(p, "slot_state"));
	else
		table_add(t, "-");
}

static const struct column columns[] = {
	{"#", true},    {"PACKET", false},  {"VERDICT", false}, {"REASON", false},
	{"VIP", false}, {"BACKEND", false}, {"SLOT", false},
};

static void print_summary(size_t n, const json_t *counts)
{
	const char *separator = " ", *reason;
	json_t *count;

	printf("\n%zu packets:", n);
	json_object_foreach ((json_t *)counts, reason, count) {
		printf("%s%lld %s", separator, (long long)json_integer_value(count), reason);
		separator = ", ";
	}
	putchar('\n');
}

/* ---- as they come ---- */
struct trace_output {
	bool is_story;
	FILE *array; /* with --json: what becomes the output if all is answered */
	size_t n;
	struct table *table;
	json_t *counts; /* packets by reason, in the order in which the reasons came up */
};

struct trace_output *trace_output_new(bool is_json, size_t n)
{
	struct trace_output *o = calloc(1, sizeof(*o));

	if (!o) {
		fputs("mtlbctl: out of memory\n", stderr);
		exit(CLI_REFUSED);
	}
	o->array = is_json ? tmpfile() : NULL;
	if (is_json && !o->array) {
		perror("mtlbctl: cannot make a temporary file for the answers");
		exit(CLI_REFUSED);
	}
	o->is_story = n == 1;
	o->table = table_new(columns, sizeof(columns) / sizeof(*columns));
	o->counts = json_object();
	return o;
}

static void add_packet(struct trace_output *o, const json_t *packet)
{
	const char *reason = object_text(packet, "reason");
	json_int_t n = json_integer_value(json_object_get(o->counts, reason));

	o->n++;
	if (o->array) {
		fputc(o->n == 1 ? '[' : ',', o->array);
		json_dumpf(packet, o->array, JSON_COMPACT);
	} else if (o->is_story) {
		print_story(packet);
	} else {
		add_row(o->table, o->n, packet);
		json_object_set_new(o->counts, reason, json_integer(n + 1));
	}
}

void trace_output_add(struct trace_output *o, const json_t *packets)
{
	const json_t *packet;
	size_t at;

	json_array_foreach (packets, at, packet)
		add_packet(o, packet);
}

/* CLI_OK, or CLI_REFUSED: nothing is printed. */
static int print_array(FILE *array)
{
	char part[BUFSIZ];
	size_t len;

	fputs("]\n", array);
	if (fflush(array) || ferror(array)) {
		fputs("mtlbctl: the answers do not fit into a temporary file: make room where "
		      "temporary files lie\n",
		      stderr);
		return CLI_REFUSED;
	}
	rewind(array);
	while ((len = fread(part, 1, sizeof(part), array)))
		fwrite(part, 1, len, stdout);
	return CLI_OK;
}

int trace_output_end(struct trace_output *o, int error)
{
	if (o->array && o->n && !error) {
		error = print_array(o->array);
	} else if (o->n && !o->array && !o->is_story) {
		table_print(o->table, "");
		print_summary(o->n, o->counts);
		o->table = NULL;
	}
	if (o->array)
		fclose(o->array);
	table_free(o->table);
	json_decref(o->counts);
	free(o);
	return error;
}
