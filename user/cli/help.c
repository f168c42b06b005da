// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Help, made of the table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum {
	INDENT = 46
};

static const enum cli_option global_options[] = {OPTION_SOCKET, OPTION_JSON, OPTION_HELP};

static void print_line(const struct verb *v)
{
	int n = printf("  %s%s%s%s%s", v->object ? v->object : "", v->object ? " " : "", v->name,
		       *v->args ? " " : "", v->args);

	printf("%*s%s\n", n < INDENT - 1 ? INDENT - n : 2, "", v->help);
}

static void print_option(enum cli_option option)
{
	printf("  %-24s%s\n", args_option_usage(option), args_option_text(option));
}

static void print_global_options(void)
{
	for (size_t i = 0; i < sizeof(global_options) / sizeof(*global_options); i++)
		print_option(global_options[i]);
}

void help_all(void)
{
	puts("Usage: mtlbctl [OPTIONS] VERB...\n"
	     "Looks at and changes a running mtlbd, the multi-tenant XDP load balancer.\n");
	for (const struct verb *v = verbs; v->name; v++) {
		if (v != verbs && v->object != v[-1].object &&
		    (!v->object || !v[-1].object || strcmp(v->object, v[-1].object)))
			putchar('\n');
		print_line(v);
	}
	puts("\nOptions:");
	print_global_options();
	puts("\nNames: tenant acme, VIP acme/web or acme/203.0.113.10:443/tcp, backend acme/web/web-1 or\n"
	     "acme/web/10.0.0.11. `mtlbctl help VERB...` tells fields and options of a verb.\n"
	     "Exit code: 0 done, 1 refused, 2 misunderstood, 3 no mtlbd.");
}

void help_verb(const struct verb *v)
{
	printf("Usage: mtlbctl %s%s%s%s%s%s\n%c%s.\n", v->object ? v->object : "",
	       v->object ? " " : "", v->name, *v->args ? " " : "", v->args,
	       v->options ? " [OPTIONS]" : "", *v->help & ~0x20, v->help + 1);
	if (v->more)
		printf("\n%s\n", v->more);
	puts("\nOptions:");
	for (size_t i = 0; i < OPTION_END; i++)
		if (v->options & 1U << i)
			print_option((enum cli_option)i);
	print_global_options();
}

bool help_object(const char *object)
{
	bool is_found = false;

	for (const struct verb *v = verbs; v->name; v++)
		if (v->object && !strcmp(v->object, object)) {
			print_line(v);
			is_found = true;
		}
	return is_found;
}

int help_run(const struct cli *c)
{
	const struct verb *v;
	size_t used;

	if (!c->n_words) {
		help_all();
		return CLI_OK;
	}
	v = verb_find(c->words, c->n_words, &used);
	if (v && used == c->n_words) {
		help_verb(v);
		return CLI_OK;
	}
	if (c->n_words == 1 && help_object(c->words[0]))
		return CLI_OK;
	return verb_unknown(c->words, c->n_words);
}
