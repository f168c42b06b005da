// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/model.h"

#include <stdlib.h>
#include <string.h>

/*
 * Every list is an array of its elements in the order of the configuration, grown by doubling at
 * powers of two: the capacity follows from the count, which copies and removals keep true by never
 * shrinking below it.
 */
static void *list_add(void **list, size_t *n, size_t size)
{
	void *grown;

	if (!(*n & (*n - 1))) {
		grown = reallocarray(*list, *n ? *n * 2 : 1, size);
		if (!grown)
			abort();
		*list = grown;
	}
	grown = (char *)*list + *n * size;
	memset(grown, 0, size);
	++*n;
	return grown;
}

static void list_remove(void *list, size_t *n, size_t size, void *element)
{
	char *next = (char *)element + size, *end = (char *)list + *n * size;

	memmove(element, next, end - next);
	--*n;
}

/* A copy with the capacity that list_add() expects. */
static void *list_copy(const void *list, size_t n, size_t size)
{
	size_t capacity = 1;
	void *copy;

	if (!n)
		return NULL;
	while (capacity < n)
		capacity *= 2;
	copy = reallocarray(NULL, capacity, size);
	if (!copy)
		abort();
	memcpy(copy, list, n * size);
	return copy;
}

static void *list_find(const void *list, size_t n, size_t size, const char *name)
{
	const char *element = list;

	/* The name is the first field of every named object. */
	for (size_t i = 0; i < n; i++, element += size)
		if (!strcmp(element, name))
			return (void *)element;
	return NULL;
}
_Static_assert(offsetof(struct model_backend, name) == 0, "list_find");
_Static_assert(offsetof(struct model_vip, name) == 0, "list_find");
_Static_assert(offsetof(struct model_tenant, name) == 0, "list_find");
_Static_assert(offsetof(struct model_segment, name) == 0, "list_find");
_Static_assert(offsetof(struct model_interface, name) == 0, "list_find");

#define ADD(list, n)             list_add((void **)&(list), &(n), sizeof(*(list)))
#define REMOVE(list, n, element) list_remove(list, &(n), sizeof(*(list)), element)
#define COPY(list, n)            ((list) = list_copy(list, n, sizeof(*(list))))
#define FIND(list, n, name)      list_find(list, n, sizeof(*(list)), name)

struct model *model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	return m;
}

void vip_clear(struct model_vip *v)
{
	free(v->backends);
	free(v->quic.configs);
	memset(v, 0, sizeof(*v));
}

void tenant_clear(struct model_tenant *t)
{
	for (size_t i = 0; i < t->n_vips; i++)
		vip_clear(&t->vips[i]);
	free(t->vips);
	free(t->prefixes);
	memset(t, 0, sizeof(*t));
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_tenants; i++)
		tenant_clear(&m->tenants[i]);
	for (size_t i = 0; i < m->n_strings; i++)
		free(m->strings[i]);
	free(m->tenants);
	free(m->segments);
	free(m->interfaces);
	free(m->strings);
	free(m);
}

void vip_copy(struct model_vip *to, const struct model_vip *from)
{
	*to = *from;
	COPY(to->backends, to->n_backends);
	COPY(to->quic.configs, to->quic.n_configs);
}

void tenant_copy(struct model_tenant *to, const struct model_tenant *from)
{
	*to = *from;
	COPY(to->prefixes, to->n_prefixes);
	COPY(to->vips, to->n_vips);
	for (size_t i = 0; i < to->n_vips; i++)
		vip_copy(&to->vips[i], &from->vips[i]);
}

struct move {
	const struct model *from;
	struct model *to;
	size_t last; /* string found last: objects of one file stand together */
};

static void move_origin(struct origin *o, struct move *mv)
{
	if (!o->file || !mv->from->n_strings)
		return;
	for (size_t i = 0; i < mv->from->n_strings; i++, mv->last++) {
		mv->last %= mv->from->n_strings;
		if (o->file == mv->from->strings[mv->last]) {
			o->file = mv->to->strings[mv->last];
			return;
		}
	}
}

/* Origins of the copy point into its own strings. */
static void move_origins(const struct model *from, struct model *to)
{
	struct move mv = {.from = from, .to = to};

	for (size_t i = 0; i < to->n_interfaces; i++)
		move_origin(&to->interfaces[i].origin, &mv);
	for (size_t i = 0; i < to->n_segments; i++)
		move_origin(&to->segments[i].origin, &mv);
	for (size_t i = 0; i < to->n_tenants; i++) {
		struct model_tenant *t = &to->tenants[i];

		move_origin(&t->origin, &mv);
		for (size_t j = 0; j < t->n_vips; j++) {
			struct model_vip *v = &t->vips[j];

			move_origin(&v->origin, &mv);
			for (size_t k = 0; k < v->n_backends; k++)
				move_origin(&v->backends[k].origin, &mv);
		}
	}
}

struct model *model_copy(const struct model *m)
{
	struct model *copy = model_new();

	*copy = *m;
	COPY(copy->interfaces, copy->n_interfaces);
	COPY(copy->segments, copy->n_segments);
	COPY(copy->tenants, copy->n_tenants);
	for (size_t i = 0; i < m->n_tenants; i++)
		tenant_copy(&copy->tenants[i], &m->tenants[i]);
	COPY(copy->strings, copy->n_strings);
	for (size_t i = 0; i < m->n_strings; i++)
		if (!(copy->strings[i] = strdup(m->strings[i])))
			abort();
	move_origins(m, copy);
	return copy;
}

const char *model_add_string(struct model *m, const char *text)
{
	char **s;

	for (size_t i = 0; i < m->n_strings; i++)
		if (!strcmp(m->strings[i], text))
			return m->strings[i];
	s = ADD(m->strings, m->n_strings);
	*s = strdup(text);
	if (!*s)
		abort();
	return *s;
}

struct model_tenant *model_find_tenant(const struct model *m, const char *name)
{
	return FIND(m->tenants, m->n_tenants, name);
}

struct model_segment *model_find_segment(const struct model *m, const char *name)
{
	return FIND(m->segments, m->n_segments, name);
}

struct model_interface *model_find_interface(const struct model *m, const char *name)
{
	return FIND(m->interfaces, m->n_interfaces, name);
}

struct model_vip *tenant_find_vip(const struct model_tenant *t, const char *name)
{
	return FIND(t->vips, t->n_vips, name);
}

struct model_backend *vip_find_backend(const struct model_vip *v, const char *name)
{
	return FIND(v->backends, v->n_backends, name);
}

struct model_tenant *model_add_tenant(struct model *m)
{
	return ADD(m->tenants, m->n_tenants);
}

void model_remove_tenant(struct model *m, struct model_tenant *t)
{
	tenant_clear(t);
	REMOVE(m->tenants, m->n_tenants, t);
}

struct model_segment *model_add_segment(struct model *m)
{
	return ADD(m->segments, m->n_segments);
}

void model_remove_segment(struct model *m, struct model_segment *s)
{
	REMOVE(m->segments, m->n_segments, s);
}

struct model_interface *model_add_interface(struct model *m)
{
	return ADD(m->interfaces, m->n_interfaces);
}

void model_remove_interface(struct model *m, struct model_interface *i)
{
	REMOVE(m->interfaces, m->n_interfaces, i);
}

struct model_vip *tenant_add_vip(struct model_tenant *t)
{
	return ADD(t->vips, t->n_vips);
}

void tenant_remove_vip(struct model_tenant *t, struct model_vip *v)
{
	vip_clear(v);
	REMOVE(t->vips, t->n_vips, v);
}

struct model_backend *vip_add_backend(struct model_vip *v)
{
	return ADD(v->backends, v->n_backends);
}

void vip_remove_backend(struct model_vip *v, struct model_backend *b)
{
	REMOVE(v->backends, v->n_backends, b);
}

struct model_quic_config *quic_add_config(struct model_quic *q)
{
	return ADD(q->configs, q->n_configs);
}

struct prefix *tenant_add_prefix(struct model_tenant *t)
{
	return ADD(t->prefixes, t->n_prefixes);
}

bool tenant_is_shared(const struct model *m, const struct model_tenant *t)
{
	if (t->shared_set)
		return t->shared;
	for (size_t i = 0; i < m->n_segments; i++)
		if (!strcmp(m->segments[i].tenant, t->name))
			return false;
	return true;
}
