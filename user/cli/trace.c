// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* trace: what the data plane would do with packets. */
#include "cli/trace.h"

#include <stdio.h>
#include <string.h>

#include "cli/objects.h"

enum { /* of a request; the API takes 1024 packets and a body of 1 MiB */
	BATCH_PACKETS = 512,
	BATCH_TEXT = 512 << 10,
};

/* The packets from *at on that go into one request; they are taken out of the list. */
static json_t *next_batch(json_t *packets, size_t *at)
{
	json_t *batch = json_array();
	size_t text = 0;

	for (; *at < json_array_size(packets); (*at)++) {
		json_t *packet = json_array_get(packets, *at);
		text += json_string_length(packet) + 3;
		if (json_array_size(batch) == BATCH_PACKETS ||
		    (json_array_size(batch) && text > BATCH_TEXT))
			break;
		json_array_append(batch, packet);
		json_array_set_new(packets, *at, json_null());
	}
	return batch;
}

static int ask(const struct cli *c, json_t *batch, struct trace_output *out)
{
	const char *interface = c->options[OPTION_INTERFACE];
	json_t *body = json_pack("{s:o, s:s*}", "packets", batch, "interface", interface);
	struct answer a;
	int error = client_call(c, "POST", "/v1/trace", body, &a);

	json_decref(body);
	if (!error) {
		trace_output_add(out, json_object_get(a.json, "packets"));
		client_clear(&a);
	}
	return error;
}

int trace_run(const struct cli *c)
{
	json_t *packets = NULL;
	int error = trace_read_packets(c, &packets);
	size_t n = json_array_size(packets);
	struct trace_output *out = trace_output_new(c->options[OPTION_JSON], n);

	for (size_t at = 0; !error && at < n;)
		error = ask(c, next_batch(packets, &at), out);
	error = trace_output_end(out, error);
	json_decref(packets);
	return error;
}
