/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mtlbctl: a command line as typed, and the verbs it can mean. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/report.h"

/* Exit codes. */
enum {
	CLI_OK = 0,
	CLI_REFUSED = 1,
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 3
};

enum cli_option {
	OPTION_SOCKET,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_MODE,
	OPTION_SHARE,
	OPTION_WAIT,
	OPTION_TIMEOUT,
	OPTION_WATCH,
	OPTION_TOTALS,
	OPTION_TENANTS,
	OPTION_FILE,
	OPTION_MESSAGE,
	OPTION_REVISION,
	OPTION_ADDRESS,
	OPTION_PIN_DIR,
	OPTION_SRC,
	OPTION_DST,
	OPTION_PROTO,
	OPTION_FLAGS,
	OPTION_INTERFACE,
	OPTION_VLAN,
	OPTION_LENGTH,
	OPTION_HEX,
	OPTION_PCAP,
	OPTION_PROBE,
	OPTION_END,
};

#define OPT(name) (1U << OPTION_##name)
#define OPT_WRITE (OPT(MESSAGE) | OPT(REVISION)) /* of every change of a tenant */

enum {
	CLI_ADDRESSES = 64
};

struct cli {
	const struct verb *verb;
	char **words; /* behind the verb */
	size_t n_words;
	const char *options[OPTION_END];      /* NULL: not given; "" for those without a value */
	const char *addresses[CLI_ADDRESSES]; /* --address, as often as given */
	size_t n_addresses;
};

/* One row: dispatch, usage and help. */
struct verb {
	const char *object; /* "tenant", or NULL: the verb stands alone */
	const char *name;
	const char *args;                  /* as the usage shows them */
	unsigned int min_words, max_words; /* max CLI_ANY: no limit */
	unsigned int options;              /* OPT() of those it takes, besides the global ones */
	const char *help;                  /* one line */
	const char *more;                  /* paragraphs below it, or NULL */
	int (*run)(const struct cli *c);
};

#define CLI_ANY (~0U)

/* Ended by a row without a name. */
extern const struct verb verbs[];

/* ---- verbs.c ---- */
/* Longest match at the start of words; *used: how many of them it is. NULL: none. */
const struct verb *verb_find(char *const *words, size_t n, size_t *used);
/* Prints which verbs words may have meant. CLI_USAGE. */
int verb_unknown(char *const *words, size_t n);

/* ---- args.c ---- */
/* Options may stand anywhere, "--" ends them. Words are moved to the front of argv. 0 or CLI_USAGE. */
int args_read(struct cli *c, int argc, char **argv);
/* After the verb is known: does it take these options and so many words. 0 or CLI_USAGE. */
int args_check(const struct cli *c);
/* "--mode native|generic" */
const char *args_option_usage(enum cli_option option);
const char *args_option_text(enum cli_option option);
/* One line and the hint where help is. CLI_USAGE. */
int cli_usage(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* All lines, "where: message", on standard error, and with --json as an object, too; ends with r cleared. CLI_REFUSED. */
int cli_refuse(const struct cli *c, struct report *r);

/* ---- help.c ---- */
void help_all(void);
void help_verb(const struct verb *v);
/* All verbs of an object. false: there is no such object. */
bool help_object(const char *object);

/* ---- handlers, by file ---- */
int attach_run(const struct cli *c), detach_run(const struct cli *c),
	status_run(const struct cli *c);
int tenant_list(const struct cli *c), tenant_show(const struct cli *c),
	tenant_add(const struct cli *c), tenant_set(const struct cli *c),
	tenant_del(const struct cli *c), tenant_suspend(const struct cli *c),
	tenant_resume(const struct cli *c), tenant_revisions(const struct cli *c),
	tenant_restore(const struct cli *c);
int vip_list(const struct cli *c), vip_show(const struct cli *c), vip_add(const struct cli *c),
	vip_set(const struct cli *c), vip_del(const struct cli *c);
int backend_list(const struct cli *c), backend_show(const struct cli *c),
	backend_add(const struct cli *c), backend_set(const struct cli *c),
	backend_del(const struct cli *c), backend_drain(const struct cli *c),
	backend_undrain(const struct cli *c), backend_disable(const struct cli *c),
	backend_enable(const struct cli *c), backend_clear(const struct cli *c);
int segment_list(const struct cli *c), segment_show(const struct cli *c),
	segment_add(const struct cli *c), segment_set(const struct cli *c),
	segment_del(const struct cli *c);
int trace_run(const struct cli *c);
int stats_run(const struct cli *c), reload_run(const struct cli *c), check_run(const struct cli *c);
int decap_attach_run(const struct cli *c), decap_detach_run(const struct cli *c),
	decap_list_run(const struct cli *c);
int doctor_run(const struct cli *c);
int version_run(const struct cli *c), help_run(const struct cli *c);
