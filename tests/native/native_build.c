/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native_build.h"
#include "native_input.h"

enum {
	TCP = 6,
	UDP = 17,
	SCTP = 132,
	ICMP = 1,
	ICMP6 = 58,
	FRAGMENT = 44
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void build_bytes(struct build *b, uint8_t value, uint32_t n)
{
	if (b->len + n > BUILD_MAX)
		abort();
	memset(b->bytes + b->len, value, n);
	b->len += n;
}

void build_copy(struct build *b, const uint8_t *bytes, uint32_t n)
{
	build_bytes(b, 0, n);
	memcpy(b->bytes + b->len - n, bytes, n);
}

void build_ethernet(struct build *b)
{
	static const uint8_t l2[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};

	*b = (struct build){.len = 0};
	build_copy(b, l2, sizeof(l2));
}

void build_tag(struct build *b, uint16_t tci, uint16_t ethertype)
{
	put16(b->bytes + b->len - 2, ethertype);
	build_bytes(b, 0, 4);
	put16(b->bytes + b->len - 4, tci);
	put16(b->bytes + b->len - 2, ETH_P_IP);
}

void build_ip(struct build *b, bool is_ipv6, const uint8_t *from, const uint8_t *to)
{
	b->l3 = b->len;
	b->is_ipv6 = is_ipv6;
	if (b->l3 >= ETH_HLEN)
		put16(b->bytes + b->l3 - 2, is_ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	build_bytes(b, 0, is_ipv6 ? 8 : 12);
	b->bytes[b->l3] = is_ipv6 ? 0x61 : 0x45;
	b->bytes[b->l3 + 1] = is_ipv6 ? 0xb0 : 0x1b;
	b->bytes[b->l3 + (is_ipv6 ? 7 : 8)] = 61;
	b->next = b->l3 + (is_ipv6 ? 6 : 9);
	build_copy(b, from + (is_ipv6 ? 0 : 12), is_ipv6 ? 16 : 4);
	build_copy(b, to + (is_ipv6 ? 0 : 12), is_ipv6 ? 16 : 4);
	if (!is_ipv6)
		b->bytes[b->l3 + 6] = 0x40;
}

void build_extension(struct build *b, uint8_t protocol, uint32_t len)
{
	uint32_t at = b->len;

	b->bytes[b->next] = protocol;
	b->next = at;
	build_bytes(b, 0, len);
	b->bytes[at + 1] = (uint8_t)(protocol == 51 ? len / 4 - 2 : len / 8 - 1);
}

void build_fragment(struct build *b, uint32_t id, uint16_t offset, bool has_more)
{
	if (!b->is_ipv6) {
		put16(b->bytes + b->l3 + 4, id);
		put16(b->bytes + b->l3 + 6, offset | (has_more ? 0x2000 : 0));
		return;
	}
	uint32_t at = b->len;

	build_extension(b, FRAGMENT, 8);
	b->bytes[at + 1] = 0;
	put16(b->bytes + at + 2, (uint32_t)offset << 3 | has_more);
	put16(b->bytes + at + 6, id);
}

void build_l4(struct build *b, uint8_t protocol, uint16_t from, uint16_t to)
{
	b->bytes[b->next] = protocol;
	b->l4 = b->len;
	build_bytes(b, 0, protocol == TCP ? 20 : protocol == UDP ? 8 : 16);
	put16(b->bytes + b->l4, from);
	put16(b->bytes + b->l4 + 2, to);
	if (protocol == TCP) {
		b->bytes[b->l4 + 12] = 0x50;
		b->bytes[b->l4 + 13] = 0x10;
	}
}

void build_icmp(struct build *b, uint8_t type, uint8_t code)
{
	b->bytes[b->next] = b->is_ipv6 ? ICMP6 : ICMP;
	b->l4 = b->len;
	build_bytes(b, 0, 8);
	b->bytes[b->l4] = type;
	b->bytes[b->l4 + 1] = code;
	put16(b->bytes + b->l4 + 2, 0xf00d);
}

void build_end(struct build *b)
{
	uint8_t *ip = b->bytes + b->l3;

	put16(ip + (b->is_ipv6 ? 4 : 2), b->len - b->l3 - (b->is_ipv6 ? 40 : 0));
	if (b->l4 && b->bytes[b->next] == UDP)
		put16(b->bytes + b->l4 + 4, b->len - b->l4);
}

/* ---- inputs ------------------------------------------------------------------------------------- */
static const char *directory;
static FILE *file;
static uint32_t files;

void build_open(const char *where)
{
	directory = where;
}

static void close_file(void)
{
	if (file && fclose(file)) {
		perror(directory);
		exit(EXIT_FAILURE);
	}
	file = NULL;
}

void build_begin(const char *name)
{
	char path[512];

	close_file();
	snprintf(path, sizeof(path), "%s/%04u-%s", directory, files++, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

void build_step(uint8_t op, uint8_t arg, uint16_t len)
{
	const struct native_step s = {op, arg, len};

	fwrite(&s, sizeof(s), 1, file);
}

void build_packet(const struct build *b, uint8_t env)
{
	build_step(STEP_PACKET, env, (uint16_t)b->len);
	fwrite(b->bytes, b->len, 1, file);
}

uint32_t build_finish(void)
{
	close_file();
	return files;
}
