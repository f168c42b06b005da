// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* mtlbctl: which verb is meant. The verbs are the table in cli/verbs.c. */
#include <locale.h>
#include <stdio.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	struct cli c = {0};
	size_t used = 0;
	int error = args_read(&c, argc, argv);

	setlocale(LC_CTYPE, "");
	if (error)
		return error;
	if (!c.n_words) {
		help_all();
		return c.options[OPTION_HELP] ? CLI_OK : CLI_USAGE;
	}
	c.verb = verb_find(c.words, c.n_words, &used);
	if (c.options[OPTION_HELP] && c.verb) {
		help_verb(c.verb);
		return CLI_OK;
	}
	if (!c.verb) {
		if (c.options[OPTION_HELP] && help_object(c.words[0]))
			return CLI_OK;
		return verb_unknown(c.words, c.n_words);
	}
	c.words += used;
	c.n_words -= used;
	error = args_check(&c);
	if (!error)
		error = c.verb->run(&c);
	if (fflush(stdout) || ferror(stdout)) {
		perror("mtlbctl: standard output");
		return CLI_REFUSED;
	}
	return error;
}
