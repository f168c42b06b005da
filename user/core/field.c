// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One field: text <-> value, and what is allowed. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ports.h"
#include "core/schema.h"
#include "core/server_id.h"
#include "util/number.h"

static void put(void *p, size_t size, uint64_t value)
{
	uint32_t u32 = value;
	uint16_t u16 = value;
	uint8_t u8 = value;

	memcpy(p, size == 4 ? (void *)&u32 : size == 2 ? (void *)&u16 : (void *)&u8, size);
}

static uint64_t get(const void *p, size_t size)
{
	uint32_t u32;
	uint16_t u16;
	uint8_t u8;

	memcpy(size == 4 ? (void *)&u32 : size == 2 ? (void *)&u16 : (void *)&u8, p, size);
	return size == 4 ? u32 : size == 2 ? u16 : u8;
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

bool field_is_name(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n && n < MTLB_NAME_LEN && !text[n] && !strchr("._-", text[0]);
}

static bool is_interface(const char *text)
{
	size_t n = strlen(text);

	if (!n || n > 15 || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (; *text; text++)
		if (*text == '/' || *text == ':' || !isgraph((unsigned char)*text))
			return false;
	return true;
}

static int parse_text(const struct field *f, const char *text, char *p)
{
	bool empty = !*text && !f->required;

	if (!empty && !(f->type == FIELD_NAME ? field_is_name(text) : is_interface(text)))
		return -EINVAL;
	memset(p, 0, f->size);
	memcpy(p, text, strlen(text));
	return 0;
}

static int parse_number(const struct field *f, const char *text, void *p)
{
	uint64_t n, ms;

	if (f->type == FIELD_SECONDS) {
		if (number_parse_duration(text, f->min * 1000, f->max * 1000, &ms) || ms % 1000)
			return -EINVAL;
		n = ms / 1000;
	} else if (f->zero && !strcmp(text, "0")) {
		n = 0;
	} else if (number_parse_scaled(text, f->min, f->max, &n) ||
		   (f->power_of_two && !is_power_of_two(n))) {
		return -EINVAL;
	}
	put(p, f->size, n);
	return 0;
}

static int parse_choice(const struct field *f, const char *text, void *p)
{
	for (const struct choice *c = f->choices; c->name; c++)
		if (!strcmp(c->name, text)) {
			put(p, f->size, c->value);
			return 0;
		}
	return -EINVAL;
}

static int parse_address(const struct field *f, const char *text, struct addr *p)
{
	struct addr a;

	if (addr_parse(text, &a) || addr_is_unspecified(&a) || addr_is_multicast(&a) ||
	    (addr_is_loopback(&a) && !f->may_be_loopback))
		return -EINVAL;
	*p = a;
	return 0;
}

static int parse_mac(const char *text, struct mac *p)
{
	static const struct mac zero;
	struct mac m;

	/* The lowest bit of the first byte marks a group: no host has such an address. */
	if (mac_parse(text, &m) || m.bytes[0] & 1 || !memcmp(&m, &zero, sizeof(m)))
		return -EINVAL;
	*p = m;
	return 0;
}

static int parse_value(const struct field *f, const char *text, void *p)
{
	switch (f->type) {
	case FIELD_NAME:
	case FIELD_INTERFACE:
		return parse_text(f, text, p);
	case FIELD_BOOL:
		if (strcmp(text, "true") && strcmp(text, "false"))
			return -EINVAL;
		*(bool *)p = *text == 't';
		return 0;
	case FIELD_NUMBER:
	case FIELD_SECONDS:
		return parse_number(f, text, p);
	case FIELD_CHOICE:
		return parse_choice(f, text, p);
	case FIELD_ADDRESS:
		return parse_address(f, text, p);
	case FIELD_MAC:
		return parse_mac(text, p);
	case FIELD_PORTS:
		return ports_parse(text, p, (uint16_t *)p + 1);
	default:
		return -EINVAL;
	}
}

int field_parse(const struct field *f, const char *text, void *object)
{
	if (f->unset && !strcmp(text, f->unset)) {
		field_set_default(f, object);
		return 0;
	}
	if (parse_value(f, text, (char *)object + f->offset))
		return -EINVAL;
	if (f->is_set)
		*((bool *)object + f->is_set) = true;
	return 0;
}

static void clear_sources(struct model_node *node)
{
	memset(node->source, 0, sizeof(node->source));
	memset(node->source_set, 0, sizeof(node->source_set));
	memset(node->source_bits, 0, sizeof(node->source_bits));
}

static void clear_server_ids(struct model_backend *b)
{
	memset(b->server_ids, 0, sizeof(b->server_ids));
	b->n_server_ids = 0;
}

static void clear_prefixes(struct model_tenant *t)
{
	free(t->prefixes);
	t->prefixes = NULL;
	t->n_prefixes = 0;
}

void field_set_default(const struct field *f, void *object)
{
	void *p = (char *)object + f->offset;

	switch (f->type) {
	case FIELD_NUMBER:
	case FIELD_SECONDS:
	case FIELD_CHOICE:
		put(p, f->size, f->initial);
		break;
	case FIELD_BOOL:
		*(bool *)p = f->initial;
		break;
	case FIELD_OBJECT:
		schema_defaults(f->schema, p);
		break;
	case FIELD_LIST:
		f->list->clear(object);
		break;
	case FIELD_PREFIXES:
		clear_prefixes(object);
		break;
	case FIELD_SOURCES:
		clear_sources(object);
		break;
	case FIELD_SERVER_IDS:
		clear_server_ids(object);
		break;
	default:
		memset(p, 0, f->size);
	}
	if (f->is_set)
		*((bool *)object + f->is_set) = false;
}

static json_t *write_prefixes(const struct model_tenant *t)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];

	for (size_t i = 0; i < t->n_prefixes; i++)
		json_array_append_new(list, json_string(prefix_print(&t->prefixes[i], text)));
	return list;
}

static json_t *write_sources(const struct model_node *node)
{
	json_t *list = json_array();
	char text[ADDR_TEXT];

	for (int i = 0; i < 2; i++) {
		const struct prefix p = {node->source[i], node->source_bits[i]};

		if (node->source_set[i])
			json_array_append_new(list,
					      json_string(p.len < 128 ? prefix_print(&p, text)
								      : addr_print(&p.addr, text)));
	}
	return list;
}

/* One is written without brackets, as most people give it. */
static json_t *write_server_ids(const struct model_backend *b)
{
	char text[SERVER_ID_TEXT];
	json_t *list;

	if (!b->n_server_ids)
		return NULL;
	if (b->n_server_ids == 1)
		return json_string(server_id_print(&b->server_ids[0], text));
	list = json_array();
	for (size_t i = 0; i < b->n_server_ids; i++)
		json_array_append_new(list, json_string(server_id_print(&b->server_ids[i], text)));
	return list;
}

static json_t *write_ports(const uint16_t ports[2])
{
	char text[PORTS_TEXT];

	return ports[0] == ports[1] ? json_integer(ports[0])
				    : json_string(ports_print(ports[0], ports[1], text));
}

static json_t *write_choice(const struct field *f, const void *p)
{
	for (const struct choice *c = f->choices; c->name; c++)
		if (c->value == get(p, f->size))
			return json_string(c->name);
	return NULL;
}

json_t *field_write(const struct field *f, const void *object)
{
	const char *p = (const char *)object + f->offset;
	char text[ADDR_TEXT];

	if (f->is_set && !*((const bool *)object + f->is_set))
		return f->unset ? json_string(f->unset) : NULL;
	switch (f->type) {
	case FIELD_NAME:
	case FIELD_INTERFACE:
		return *p ? json_string(p) : NULL;
	case FIELD_BOOL:
		return json_boolean(*(const bool *)p);
	case FIELD_NUMBER:
		return json_integer(get(p, f->size));
	case FIELD_SECONDS:
		return json_sprintf("%us", (unsigned int)get(p, f->size));
	case FIELD_CHOICE:
		return write_choice(f, p);
	case FIELD_ADDRESS:
		return json_string(addr_print((const struct addr *)p, text));
	case FIELD_MAC:
		return json_string(mac_print((const struct mac *)p, text));
	case FIELD_PREFIXES:
		return write_prefixes(object);
	case FIELD_SOURCES:
		return write_sources(object);
	case FIELD_SERVER_IDS:
		return write_server_ids(object);
	case FIELD_PORTS:
		return write_ports((const uint16_t *)p);
	default:
		return NULL;
	}
}

const char *field_print_number(uint64_t n, char *buffer, size_t size)
{
	static const char suffixes[][3] = {"", "Ki", "Mi", "Gi"};
	int i = 0;

	for (; i < 3 && n && n % 1024 == 0; i++)
		n /= 1024;
	snprintf(buffer, size, "%llu%s", (unsigned long long)n, suffixes[i]);
	return buffer;
}

static void print_range(const struct field *f, char *buffer, size_t size)
{
	char min[32], max[32];

	snprintf(buffer, size, "%s%sa %s from %s to %s%s%s", f->unset ? f->unset : "",
		 f->unset ? ", or " : "", f->power_of_two ? "power of two" : "number",
		 field_print_number(f->min, min, sizeof(min)),
		 field_print_number(f->max, max, sizeof(max)), f->zero ? ", or 0: " : "",
		 f->zero ? f->zero : "");
}

static void print_choices(const struct field *f, char *buffer, size_t size)
{
	size_t n = 0;

	for (const struct choice *c = f->choices; c->name && n < size; c++)
		n += snprintf(buffer + n, size - n, "%s%s", n ? ", " : "", c->name);
}

const char *field_allowed(const struct field *f, char *buffer, size_t size)
{
	static const char *const fixed[] = {
		[FIELD_NAME] =
			"a name of at most 63 of a-z 0-9 . _ -, beginning with one of a-z 0-9",
		[FIELD_INTERFACE] = "a network interface's name, at most 15 characters",
		[FIELD_BOOL] = "true, false",
		[FIELD_MAC] = "a host's MAC address such as 02:00:00:00:00:01",
		[FIELD_PREFIXES] = "a list of prefixes such as 203.0.113.0/28",
		[FIELD_SOURCES] = "a list of at most one IPv4 and one IPv6 address of this node, "
				  "or prefix such as 10.0.0.0/24",
		[FIELD_PORTS] = "a port from 1 to 65535, a range such as 8000-8999, or any",
		[FIELD_SERVER_IDS] = "hex digits for 1 to 15 bytes such as 0a1b2c, or a list of "
				     "these, each of another length",
	};

	switch (f->type) {
	case FIELD_NUMBER:
		print_range(f, buffer, size);
		break;
	case FIELD_SECONDS:
		snprintf(buffer, size, "whole seconds such as 90s, 5m or 2h, from %llus to %llus",
			 (unsigned long long)f->min, (unsigned long long)f->max);
		break;
	case FIELD_CHOICE:
		print_choices(f, buffer, size);
		break;
	case FIELD_ADDRESS:
		snprintf(buffer, size, "an IPv4 or IPv6 address, not unspecified, %s",
			 f->may_be_loopback ? "not multicast" : "multicast or loopback");
		break;
	case FIELD_OBJECT:
		snprintf(buffer, size, "a map");
		break;
	case FIELD_LIST:
		snprintf(buffer, size, "a list of at most %llu", (unsigned long long)f->max);
		break;
	default:
		snprintf(buffer, size, "%s%s%s", f->unset ? f->unset : "", f->unset ? ", or " : "",
			 fixed[f->type]);
	}
	return buffer;
}

const char *field_hint(const struct field *f, const char *text, char *buffer, size_t size)
{
	char low_text[32], high_text[32];
	uint64_t n, low;

	*buffer = '\0';
	if (!f->power_of_two || number_parse_scaled(text, f->min + 1, f->max - 1, &n))
		return buffer;
	low = 1ull << (63 - __builtin_clzll(n));
	snprintf(buffer, size, " (nearest: %s and %s)",
		 field_print_number(low, low_text, sizeof(low_text)),
		 field_print_number(low * 2, high_text, sizeof(high_text)));
	return buffer;
}
