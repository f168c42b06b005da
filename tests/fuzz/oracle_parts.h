/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of the oracle tell each other about one packet. */
#pragma once

#include "fuzz/oracle.h"

enum {
	TCP = 6,
	UDP = 17,
	SCTP = 132,
	ICMP = 1,
	ICMP6 = 58,
};

#define NOBODY UINT32_MAX

struct facts {
	struct oracle_world *w;
	const struct oracle_input *in;
	struct oracle_result *r;
	const struct oracle_segment *segment;
	const struct oracle_tenant *tenant;
	uint32_t tenant_slot;
	uint32_t l2_len;
	bool is_v6;
	uint32_t ip_len; /* of the IP packet, which begins at l2_len */
	uint8_t source[16], destination[16];
	bool has_options; /* or extension headers */
	uint8_t protocol;
	uint32_t l4;     /* where its header begins */
	uint32_t l4_len; /* bytes from there to the packet's end */
	bool is_fragment, is_later;
	uint32_t fragment_offset; /* in units of 8 bytes */
	uint32_t fragment_id;     /* as it lies in memory */
	/* of the flow */
	uint16_t sport, dport; /* host order */
	uint8_t flow_protocol;
	uint8_t flow_source[16], flow_destination[16];
	bool is_syn, is_first, is_closing;
	bool is_error;       /* ICMP error: changes no flow */
	uint64_t hash;       /* of the flow */
	uint64_t outer_hash; /* that fills the outer headers */
	struct oracle_vip *vip;
	uint32_t owner; /* of the slot; NOBODY: the VIP has no usable backend */
	bool is_by_id;  /* a connection id named the backend */
	uint32_t backend;
};

/* What is found while walking the headers of an IP packet, outer or inside an error. */
struct ip6_walk {
	uint8_t protocol;
	uint32_t at;
	uint32_t n;
	bool is_fragment, is_later;
	uint32_t fragment_offset, fragment_id;
};

uint16_t get16(const uint8_t *at);
uint32_t get32(const uint8_t *at);
void put16(uint8_t *at, uint32_t value);
void put32(uint8_t *at, uint32_t value);
uint32_t words_sum(const uint8_t *bytes, uint32_t len, uint32_t sum);
uint16_t sum_fold(uint32_t sum);

/* at: the first extension header, end: the packet's. Never reads beyond first_len. */
enum oracle_reason walk_ip6(const uint8_t *bytes, uint32_t at, uint32_t end, uint32_t first_len,
			    uint8_t next, struct ip6_walk *walk);
bool is_ip6_header(uint8_t protocol);
bool is_known_l4(uint8_t protocol);

/* Section 4: sets f->vip, by f->flow_destination, f->dport and f->flow_protocol. */
bool find_vip(struct facts *f);
/* Section 5: sets f->hash and f->backend. */
enum oracle_reason pick(struct facts *f);
/* Section 6. */
enum oracle_reason icmp(struct facts *f);
bool can_be_answered(const struct facts *f);
/* Section 7. */
void remember_fragment(struct facts *f);
enum oracle_reason later_fragment(struct facts *f);
/* Section 8. */
enum oracle_reason encapsulate(struct facts *f);
enum oracle_reason answer_too_big(struct facts *f, uint32_t mtu);

bool serves(const struct oracle_backend *b);
struct oracle_flow *flow_find(const struct facts *f, uint64_t hash);
bool flow_is_live(const struct oracle_flow *e, uint64_t now, uint32_t idle_ticks,
		  uint32_t short_ticks);
/* False: no room. */
bool flow_store(struct facts *f, uint64_t hash, enum oracle_flow_state state, uint32_t backend);
/* state, load and tick of an entry whose flow goes on */
void flow_go_on(struct facts *f, struct oracle_flow *e);
