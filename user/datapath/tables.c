// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tenants' VIP tables, inner maps of vip_tables, and the table of addresses, slot MTLB_TENANT_NONE, in a map of maps of its own. A mapping keeps its map alive, so no descriptor is held. All that can
 * fail (making and filling new tables) comes before the one batch that publishes them; removals, which cannot fail, come last.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "util/cleanup.h"
#include "util/log.h"

struct fresh { /* a table being published */
	uint32_t tenant;
	struct maps_table table;
	int fd;
	__u32 old_id; /* of the table of the same class that it replaces, or 0 */
};

static void unmap_table(struct maps_table *t)
{
	if (t->entries)
		munmap(t->entries, (size_t)t->n * sizeof(*t->entries));
	*t = (struct maps_table){};
}

static int map_table(int fd, uint32_t n, struct maps_table *out)
{
	void *at = mmap(NULL, (size_t)n * sizeof(*out->entries), PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = (struct maps_table){at, n};
	return 0;
}

/* The maps of maps: a table lies in one of them, by its tenant and size. */
enum table_class {
	TABLE_SMALL,
	TABLE_LARGE,
	TABLE_ADDRESSES,
	TABLE_CLASSES
};

static enum table_class table_class(uint32_t tenant, uint32_t n)
{
	if (tenant == MTLB_TENANT_NONE)
		return TABLE_ADDRESSES;
	return n == MTLB_TABLE_SMALL ? TABLE_SMALL : TABLE_LARGE;
}

static const struct bpf_map *table_like(const struct datapath *dp, enum table_class class)
{
	const struct bpf_map *const like[] = {dp->skel->maps.vip_table, dp->skel->maps.vip_table_large,
					      dp->skel->maps.address_table};

	return like[class];
}

static int table_outer(const struct datapath *dp, enum table_class class)
{
	const struct bpf_map *const outer[] = {dp->skel->maps.vip_tables,
					       dp->skel->maps.vip_tables_large,
					       dp->skel->maps.address_tables};

	return bpf_map__fd(outer[class]);
}

static int create_table(struct datapath *dp, const struct maps_swap *s, struct fresh *out)
{
	const struct bpf_map *like = table_like(dp, table_class(s->tenant, s->n));
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(like),
		    .btf_fd = bpf_object__btf_fd(dp->skel->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));

	if (s->n & (s->n - 1) || (s->tenant != MTLB_TENANT_NONE && s->n < MTLB_TABLE_SMALL))
		return -EINVAL;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, bpf_map__name(like), sizeof(__u32),
				sizeof(struct mtlb_vip), s->n, &opts);

	if (fd < 0)
		return -errno;
	int err = map_table(fd, s->n, &out->table);

	if (err) {
		close(fd);
		return err;
	}
	memcpy(out->table.entries, s->entries, (size_t)s->n * sizeof(*s->entries));
	out->tenant = s->tenant;
	out->fd = fd;
	return 0;
}

/* Has the kernel told that it knows no batches of maps of maps (before 5.19), rather than that this one failed? */
static bool is_batch_unknown(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -524 /* the kernel's ENOTSUPP */;
}

static int publish_batch(int outer, const struct fresh *f, size_t n, __u32 *done)
{
	_cleanup_free_ __u32 *keys = calloc(n, sizeof(*keys));
	_cleanup_free_ __u32 *fds = calloc(n, sizeof(*fds));
	__u32 count = n;

	*done = 0;
	if (!keys || !fds)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		keys[i] = f[i].tenant;
		fds[i] = f[i].fd;
	}
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	int err = bpf_map_update_batch(outer, keys, fds, &count, &opts) ? -errno : 0;

	*done = !err || count < n ? count : 0;
	return err;
}

static int publish_singly(int outer, const struct fresh *f, size_t n, __u32 *done)
{
	for (*done = 0; *done < n; ++*done)
		if (bpf_map_update_elem(outer, &f[*done].tenant, &f[*done].fd, BPF_ANY))
			return -errno;
	return 0;
}

/* The mapping of the old table still holds it, so its id still leads to it. */
static void put_back(struct datapath *dp, const struct fresh *f)
{
	enum table_class class = table_class(f->tenant, f->table.n);
	int outer = table_outer(dp, class);
	_cleanup_close_ int fd = f->old_id ? bpf_map_get_fd_by_id(f->old_id) : -1;

	if (fd < 0 ? bpf_map_delete_elem(outer, &f->tenant)
		   : bpf_map_update_elem(outer, &f->tenant, &fd, BPF_ANY))
		log_error("the table of tenant slot %u could not be put back: %s", f->tenant,
			  strerror(errno));
}

/* f: n tables of one class. *done: so many are published, also where it fails. */
static int publish_class(struct datapath *dp, enum table_class class, struct fresh *f, size_t n,
			 __u32 *done)
{
	int outer = table_outer(dp, class);
	int err = -EOPNOTSUPP;

	*done = 0;
	for (size_t i = 0; i < n; i++)
		if (bpf_map_lookup_elem(outer, &f[i].tenant, &f[i].old_id))
			f[i].old_id = 0;
	if (n > 1)
		err = publish_batch(outer, f, n, done);
	if (is_batch_unknown(err) && !*done)
		err = publish_singly(outer, f, n, done);
	return err;
}

/*
 * f: ordered by class, the table of addresses last: new VIPs are there before they are found. A tenant whose table changes
 * its class has both for a moment, and either is right: the old one goes when all are published.
 */
static int publish(struct datapath *dp, struct fresh *f, size_t n)
{
	size_t published = 0;
	int err = 0;

	while (published < n && !err) {
		enum table_class class = table_class(f[published].tenant, f[published].table.n);
		size_t end = published;
		__u32 done;

		while (end < n && table_class(f[end].tenant, f[end].table.n) == class)
			end++;
		err = publish_class(dp, class, f + published, end - published, &done);
		published += done;
	}
	while (err && published > 0)
		put_back(dp, &f[--published]);
	return err;
}

static int create_tables(struct datapath *dp, const struct maps_swap *swaps, size_t n,
			 struct fresh *fresh, size_t *made)
{
	int err = 0;

	for (size_t i = 0; i < n; i++)
		if (swaps[i].tenant >= dp->maps.limits.tenants)
			return -EINVAL;
	for (enum table_class class = 0; class < TABLE_CLASSES; class ++)
		for (size_t i = 0; i < n && !err; i++) {
			if (!swaps[i].entries || table_class(swaps[i].tenant, swaps[i].n) != class)
				continue;
			err = create_table(dp, &swaps[i], &fresh[*made]);
			*made += !err;
		}
	return err;
}

/* Takes the table that is in force now out of its map of maps, unless that holds a newer one. */
static void retire_table(struct datapath *dp, uint32_t tenant, const struct maps_table *newer)
{
	struct maps_table *old = &dp->maps.tables[tenant];

	if (old->entries && (!newer || table_class(tenant, newer->n) != table_class(tenant, old->n)))
		bpf_map_delete_elem(table_outer(dp, table_class(tenant, old->n)), &tenant);
	unmap_table(old);
}

/* Each publishing or deleting call has waited until no packet uses what it replaced: the old tables may go. */
static void take_over(struct datapath *dp, const struct maps_swap *swaps, size_t n,
		      struct fresh *fresh, size_t made)
{
	for (size_t i = 0; i < n; i++)
		if (!swaps[i].entries)
			retire_table(dp, swaps[i].tenant, NULL);
	for (size_t i = 0; i < made; i++) {
		retire_table(dp, fresh[i].tenant, &fresh[i].table);
		dp->maps.tables[fresh[i].tenant] = fresh[i].table;
		close(fresh[i].fd);
	}
}

static void report_swap_error(int err, size_t n, struct report *r)
{
	if (err == -EMFILE || err == -ENFILE)
		report_add(
			r, NULL,
			"publishing the VIP tables of %zu tenants needs that many open files: raise "
			"LimitNOFILE of mtlbd",
			n);
	else
		report_add(
			r, NULL,
			"the VIP tables of %zu tenants cannot be published: %s; nothing was changed",
			n, strerror(-err));
}

int tables_swap(struct maps *maps, const struct maps_swap *swaps, size_t n, struct report *r)
{
	struct datapath *dp = maps->owner;
	struct fresh *fresh = calloc(n ? n : 1, sizeof(*fresh));
	size_t made = 0;

	if (!fresh)
		return -ENOMEM;
	int err = create_tables(dp, swaps, n, fresh, &made);

	if (!err)
		err = publish(dp, fresh, made);
	if (!err) {
		take_over(dp, swaps, n, fresh, made);
	} else {
		report_swap_error(err, n, r);
		for (size_t i = 0; i < made; i++) {
			unmap_table(&fresh[i].table);
			close(fresh[i].fd);
		}
	}
	free(fresh);
	return err;
}

/* Replacing an inner map makes the kernel wait for RCU before the call returns (maybe_wait_bpf_programs), and XDP runs inside RCU. */
int tables_grace(struct maps *maps)
{
	struct datapath *dp = maps->owner;
	__u32 key = 0;

	return bpf_map_update_elem(dp->grace_outer, &key, &dp->grace_inner, BPF_ANY) ? -errno : 0;
}

static int open_grace(struct datapath *dp)
{
	dp->grace_inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mtlb_grace", 4, 4, 1, NULL);
	if (dp->grace_inner < 0)
		return -errno;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = dp->grace_inner);

	dp->grace_outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "mtlb_grace", 4, 4, 1, &opts);
	return dp->grace_outer < 0 ? -errno : 0;
}

static int adopt_table(int outer, uint32_t tenant, struct maps_table *out)
{
	struct bpf_map_info info = {};
	__u32 id, size = sizeof(info);

	if (bpf_map_lookup_elem(outer, &tenant, &id))
		return errno == ENOENT ? 0 : -errno;
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != sizeof(struct mtlb_vip))
		return -EPROTO;
	return map_table(fd, info.max_entries, out);
}

/* In the order of the data plane. An mtlbd that ended between publishing a small table and taking the large one away left both. */
static int adopt_tenant(const struct datapath *dp, uint32_t tenant, struct maps_table *out)
{
	int large = table_outer(dp, TABLE_LARGE);
	int err = adopt_table(table_outer(dp, TABLE_SMALL), tenant, out);
	__u32 id;

	if (!err && !out->entries)
		return adopt_table(large, tenant, out);
	if (!err && !bpf_map_lookup_elem(large, &tenant, &id))
		bpf_map_delete_elem(large, &tenant);
	return err;
}

int tables_open(struct datapath *dp, struct report *r)
{
	int err = open_grace(dp);

	if (err) {
		report_add(r, NULL, "a map of maps cannot be created: %s", strerror(-err));
		return err;
	}
	dp->maps.tables = calloc(dp->maps.limits.tenants, sizeof(*dp->maps.tables));
	if (!dp->maps.tables)
		return -ENOMEM;
	for (uint32_t t = 0; dp->adopted && t < dp->maps.limits.tenants; t++) {
		err = t == MTLB_TENANT_NONE
			      ? adopt_table(table_outer(dp, TABLE_ADDRESSES), t, &dp->maps.tables[t])
			      : adopt_tenant(dp, t, &dp->maps.tables[t]);
		if (err) {
			report_add(r, dp->pin_dir,
				   "the VIP table of tenant slot %u cannot be read: %s", t,
				   strerror(-err));
			return err;
		}
	}
	return 0;
}

void tables_close(struct datapath *dp)
{
	for (uint32_t t = 0; dp->maps.tables && t < dp->maps.limits.tenants; t++)
		unmap_table(&dp->maps.tables[t]);
	free(dp->maps.tables);
	if (dp->grace_outer >= 0)
		close(dp->grace_outer);
	if (dp->grace_inner >= 0)
		close(dp->grace_inner);
}
