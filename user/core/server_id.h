/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Server ids of QUIC connection ids, as hex digits. */
#pragma once

#include "core/model.h"

enum { SERVER_ID_TEXT = 2 * MTLB_QUIC_SERVER_ID_MAX + 1 };

/* "0a1b2c": two digits a byte, 1 to 15 bytes. The bytes behind become zero. -EINVAL for all else. */
int server_id_parse(const char *text, struct model_server_id *out);
/* In lower case. text: at least SERVER_ID_TEXT bytes; returns it. */
const char *server_id_print(const struct model_server_id *id, char *text);
