// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: what a check found, as text. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/doctor.h"

void finding_set(struct finding *f, enum finding_state state, const char *format, ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	vsnprintf(f->found, sizeof(f->found), format, args);
	va_end(args);
}

void finding_advise(struct finding *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->advice, sizeof(f->advice), format, args);
	va_end(args);
}

const char *finding_state_name(enum finding_state state)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_UNKNOWN] = "unknown",
		[FINDING_WARNING] = "warning",
		[FINDING_BROKEN] = "broken",
	};

	return names[state];
}
