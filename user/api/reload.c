// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /v1/reload: read the files again. */
#include "api/api.h"
#include "util/log.h"

static void post(const struct api_request *q, struct api_answer *a)
{
	struct report r = {0};
	bool changed;
	size_t steps;
	int error = control_reload(q->control, q->who, &changed, &steps, &r);

	for (size_t i = 0; error && i < r.n; i++)
		log_error("reload refused: %s: %s", r.lines[i].where, r.lines[i].text);
	if (error)
		api_fail_report(a, error, &r);
	else
		api_ok(a, 200, json_pack("{s:b, s:I}", "changed", changed, "steps",
					 (json_int_t)steps));
	report_clear(&r);
}

const struct api_route api_reload_routes[] = {
	{ "POST", "/v1/reload", post },
	{ 0 },
};
