/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the load balancer answers itself, written from the RFCs: independent of the code under test. */
#pragma once

#include "bpf/packet.h"

/* The reply to the echo request in. */
void answer_echo(struct packet *out, const struct packet *in);

/* That in is longer than the path, which takes mtu bytes of it. */
void answer_too_big(struct packet *out, const struct packet *in, uint32_t mtu);
