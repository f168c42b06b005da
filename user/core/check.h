/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks across objects: model_check() of config.h, in parts. Private to core. */
#pragma once

#include "core/model.h"
#include "util/report.h"

/*
 * partial: mistakes in single objects are told already, and what they left empty is passed over.
 * Lines are not sorted.
 */
void check_objects(const struct model *m, bool partial, struct report *r);

enum { CHECK_PATH = 4 * MTLB_NAME_LEN };

/* "tenants/acme/vips/web/backends/web-1"; v and b may be NULL. */
void check_path(char path[CHECK_PATH], const struct model_tenant *t, const struct model_vip *v,
		const struct model_backend *b);

/*
 * A mistake of an object: placed by its origin, or, without one, by its path
 * ("tenants/acme/vips/web").
 */
void check_complain(struct report *r, const struct origin *o, const char *path,
		    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "file:line:column" or "path" of an object that a message refers to. Returns buffer. */
const char *check_place(const struct origin *o, const char *path, char *buffer, size_t size);

/*
 * A set of byte strings with an object each. check_seen() returns the object that was there under
 * this key, or adds the given one and returns NULL. Start with zeroes, end with check_forget().
 */
struct check_set {
	struct check_entry *entries;
	size_t n, size;
};
const void *check_seen(struct check_set *s, const void *key, size_t len, const void *object);
void check_forget(struct check_set *s);

/* Names are unique among their siblings; an empty one was told already. */
void check_twice(struct report *r, struct check_set *names, const char *what, const char *name,
		 const struct origin *o, const char *path);

/* ---- check_ports.c, check_quic.c, check_segments.c, check_limits.c ---- */
void check_ports(const struct model_tenant *t, struct report *r);
void check_quic(const struct model_tenant *t, const struct model_vip *v, bool partial,
		struct report *r);
void check_segments(const struct model *m, bool partial, struct report *r);
void check_limits(const struct model *m, struct report *r);
