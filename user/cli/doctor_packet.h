/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* doctor --probe: packets for a backend's VIP, and what comes back. No I/O. */
#pragma once

#include "cli/doctor.h"
#include "core/image.h"

enum {
	PROBE_FRAME_MAX = 256
};

/* One question: a TCP SYN, or an echo request where the VIP's protocol is another one. */
struct probe_flow {
	struct addr from; /* of this machine, of the VIP's family */
	struct addr vip;
	uint16_t port;    /* of the VIP */
	uint16_t id;      /* source port, or identification of the echo request */
	uint8_t protocol; /* of the VIP */
	uint32_t sequence;
	bool is_reset; /* the end of a connection that the SYN began; sequence as the answer acknowledged it */
};

/* The template of the data plane, for a VIP of this family. Kind NONE: hop cannot carry it. */
void probe_template(const struct model_encap *model, bool inner_is_ipv4, const struct addr *backend,
		    const struct next_hop *hop, struct mtlb_encap *out);

/*
 * The frame as the data plane would send it: Ethernet towards hop, outer headers, the packet. Returns its length, 0 where hop cannot
 * carry it; frame has room for PROBE_FRAME_MAX bytes.
 */
size_t probe_compose(const struct model_encap *model, const struct addr *backend,
		     const struct next_hop *hop, const struct probe_flow *flow, uint8_t *frame);

struct probe_answer {
	enum probe_outcome outcome; /* ANSWERED, CLOSED, UNREACHABLE */
	struct addr from;           /* the VIP; UNREACHABLE: whom the outer packet was for */
	struct addr to;
	uint16_t port, id;
	uint32_t acknowledged; /* TCP */
};

/* An IP packet that came in. false: it answers no probe. */
bool probe_read(const uint8_t *packet, size_t len, struct probe_answer *out);
