/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses (IPv4 as ::ffff:a.b.c.d), prefixes and MAC addresses: parse, print, compare. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t bytes[16];           /* wire order */
};

struct prefix {
	struct addr addr;            /* host bits zero */
	uint8_t len;                 /* 0 to 128; an IPv4 /n is 96 + n */
};

struct mac {
	uint8_t bytes[6];
};

enum { ADDR_TEXT = 64, MAC_TEXT = 18 };

bool addr_is_ipv4(const struct addr *a);
bool addr_is_zero(const struct addr *a);
/* "::" or "0.0.0.0". */
bool addr_is_unspecified(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
/* A multicast group, or the IPv4 limited broadcast address. */
bool addr_is_multicast(const struct addr *a);
/* 0, or -EINVAL where text is not exactly one address. */
int addr_parse(const char *text, struct addr *out);
/* text: at least ADDR_TEXT bytes; returns it. IPv4 in dotted form. */
const char *addr_print(const struct addr *a, char *text);
/* -EINVAL where text is no prefix or has host bits that are not zero. */
int prefix_parse(const char *text, struct prefix *out);
const char *prefix_print(const struct prefix *p, char *text);
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
int mac_parse(const char *text, struct mac *out);
const char *mac_print(const struct mac *m, char *text);
