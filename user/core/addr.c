// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/number.h"

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

bool addr_is_ipv4(const struct addr *a)
{
	return !memcmp(a->bytes, v4_mapped, sizeof(v4_mapped));
}

bool addr_is_zero(const struct addr *a)
{
	static const struct addr zero;

	return !memcmp(a, &zero, sizeof(zero));
}

bool addr_is_unspecified(const struct addr *a)
{
	static const uint8_t zero[4];

	return addr_is_zero(a) || (addr_is_ipv4(a) && !memcmp(a->bytes + 12, zero, 4));
}

bool addr_is_loopback(const struct addr *a)
{
	static const struct addr one = {.bytes = {[15] = 1}};

	return addr_is_ipv4(a) ? a->bytes[12] == 127 : !memcmp(a, &one, sizeof(one));
}

bool addr_is_multicast(const struct addr *a)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (!addr_is_ipv4(a))
		return a->bytes[0] == 0xff;
	return (a->bytes[12] & 0xf0) == 0xe0 || !memcmp(a->bytes + 12, broadcast, 4);
}

int addr_parse(const char *text, struct addr *out)
{
	struct addr a;

	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, a.bytes) != 1)
			return -EINVAL;
	} else {
		memcpy(a.bytes, v4_mapped, sizeof(v4_mapped));
		if (inet_pton(AF_INET, text, a.bytes + sizeof(v4_mapped)) != 1)
			return -EINVAL;
	}
	*out = a;
	return 0;
}

const char *addr_print(const struct addr *a, char *text)
{
	bool v4 = addr_is_ipv4(a);

	/* Cannot fail: the family is known and ADDR_TEXT is larger than INET6_ADDRSTRLEN. */
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + sizeof(v4_mapped) : a->bytes, text,
		  ADDR_TEXT);
	return text;
}

/* How many leading bits two addresses share. */
static unsigned int common_bits(const struct addr *a, const struct addr *b)
{
	for (unsigned int i = 0; i < 16; i++) {
		uint8_t diff = a->bytes[i] ^ b->bytes[i];

		if (diff)
			return i * 8 + __builtin_clz(diff) - 24;
	}
	return 128;
}

static bool has_host_bits(const struct prefix *p)
{
	for (unsigned int bit = p->len; bit < 128; bit++)
		if (p->addr.bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

int prefix_parse(const char *text, struct prefix *out)
{
	const char *slash = strchr(text, '/');
	char address[ADDR_TEXT];
	struct prefix p;
	uint64_t len;
	bool v4;

	if (!slash || slash - text >= ADDR_TEXT)
		return -EINVAL;
	memcpy(address, text, slash - text);
	address[slash - text] = '\0';
	if (addr_parse(address, &p.addr))
		return -EINVAL;
	v4 = addr_is_ipv4(&p.addr) && !strchr(address, ':');
	if (number_parse(slash + 1, 0, v4 ? 32 : 128, &len))
		return -EINVAL;
	p.len = v4 ? 96 + len : len;
	if (has_host_bits(&p))
		return -EINVAL;
	*out = p;
	return 0;
}

const char *prefix_print(const struct prefix *p, char *text)
{
	bool v4 = addr_is_ipv4(&p->addr) && p->len >= 96;
	size_t n;

	addr_print(&p->addr, text);
	n = strlen(text);
	snprintf(text + n, ADDR_TEXT - n, "/%u", v4 ? p->len - 96u : p->len);
	return text;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	return common_bits(&p->addr, a) >= p->len;
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return common_bits(&a->addr, &b->addr) >= (a->len < b->len ? a->len : b->len);
}

int mac_parse(const char *text, struct mac *out)
{
	struct mac m;

	for (int i = 0; i < 6; i++, text += 3) {
		int value = 0;

		for (int digit = 0; digit < 2; digit++) {
			char c = text[digit];

			if (c >= '0' && c <= '9')
				value = value * 16 + c - '0';
			else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
				value = value * 16 + (c | 0x20) - 'a' + 10;
			else
				return -EINVAL;
		}
		if (text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		m.bytes[i] = value;
	}
	*out = m;
	return 0;
}

const char *mac_print(const struct mac *m, char *text)
{
	const uint8_t *b = m->bytes;

	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return text;
}
