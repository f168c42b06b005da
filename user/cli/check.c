// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* check: is a configuration right, without a daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "core/config.h"

static void print_summary(const char *file, const struct model *m, bool is_json)
{
	size_t vips = 0, backends = 0;

	for (size_t i = 0; i < m->n_tenants; i++) {
		vips += m->tenants[i].n_vips;
		for (size_t j = 0; j < m->tenants[i].n_vips; j++)
			backends += m->tenants[i].vips[j].n_backends;
	}
	if (!is_json) {
		printf("%s: no mistakes: %zu tenants, %zu VIPs, %zu backends, %zu segments\n", file,
		       m->n_tenants, vips, backends, m->n_segments);
		return;
	}
	json_t *json = json_pack("{s:o*, s:I, s:I, s:I, s:I}", "file", json_string(file), "tenants",
				 (json_int_t)m->n_tenants, "vips", (json_int_t)vips, "backends",
				 (json_int_t)backends, "segments", (json_int_t)m->n_segments);
	json_dumpf(json, stdout, 0);
	putchar('\n');
	json_decref(json);
}

int check_run(const struct cli *c)
{
	const char *file = strcmp(c->words[0], "-") ? c->words[0] : "/dev/stdin";
	const char *tenants = c->options[OPTION_TENANTS];
	struct report r = {0};
	struct model *m = NULL;
	struct stat st;
	int error = 0;

	/* mtlbd may do without the directory; who names it means it */
	if (tenants && (stat(tenants, &st) || !S_ISDIR(st.st_mode))) {
		report_add(&r, tenants, "is no directory");
		error = -ENOTDIR;
	}
	if (!error)
		error = config_load(file, tenants, &m, &r);
	if (!error)
		error = model_check(m, &r);
	if (error && report_is_empty(&r))
		report_add(&r, file, "%s", strerror(-error));
	if (!error)
		print_summary(file, m, c->options[OPTION_JSON]);
	model_free(m);
	if (error)
		return cli_refuse(c, &r);
	report_clear(&r);
	return CLI_OK;
}
