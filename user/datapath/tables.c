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
#include "util/parallel.h"

struct fresh { /* a table being published */
	uint32_t tenant;
	struct maps_table table;
	int fd;
	bool is_published;
};

struct retired { /* an entry of a map of maps that goes */
	int outer;
	uint32_t tenant;
};

static void unmap_table(struct maps_table *t)
{
	if (t->entries)
		munmap(t->entries, (size_t)t->n * sizeof(*t->entries));
	*t = (struct maps_table){};
}

static int map_table(int fd, struct maps_table *out)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (info.value_size != sizeof(*out->entries))
		return -EPROTO;
	void *at = mmap(NULL, (size_t)info.max_entries * info.value_size, PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*out = (struct maps_table){at, info.max_entries, info.id};
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
	int err = map_table(fd, &out->table);

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
	const struct maps_table *old = &dp->maps.tables[f->tenant];
	bool has_old = old->entries && table_class(f->tenant, old->n) == class;
	_cleanup_close_ int fd = has_old ? bpf_map_get_fd_by_id(old->id) : -1;
	int outer = table_outer(dp, class);

	if (fd < 0 ? bpf_map_delete_elem(outer, &f->tenant)
		   : bpf_map_update_elem(outer, &f->tenant, &fd, BPF_ANY))
		log_error("the table of tenant slot %u could not be put back: %s", f->tenant,
			  strerror(errno));
}

struct publishing {
	int outer;
	struct fresh *fresh;
	int err; /* of one that failed */
};

/*
 * Since Linux 6.8 a batch waits for one grace period, before that for one with each table. In parts side by side it is quick
 * on either.
 */
static void publish_part(void *context, size_t first, size_t end)
{
	struct publishing *p = context;
	struct fresh *f = p->fresh + first;
	int err = -EOPNOTSUPP;
	__u32 done = 0;

	if (end - first > 1)
		err = publish_batch(p->outer, f, end - first, &done);
	if (is_batch_unknown(err) && !done)
		err = publish_singly(p->outer, f, end - first, &done);
	for (__u32 i = 0; i < done; i++)
		f[i].is_published = true;
	if (err)
		__atomic_store_n(&p->err, err, __ATOMIC_RELAXED);
}

/*
 * f: ordered by class, the table of addresses last: new VIPs are there before they are found. A tenant whose table changes
 * its class has both for a moment, and either is right: the old one goes when all are published.
 */
static int publish(struct datapath *dp, struct fresh *f, size_t n)
{
	struct publishing p = {};

	for (size_t first = 0, end; first < n && !p.err; first = end) {
		enum table_class class = table_class(f[first].tenant, f[first].table.n);

		for (end = first; end < n && table_class(f[end].tenant, f[end].table.n) == class;)
			end++;
		p.outer = table_outer(dp, class);
		p.fresh = f + first;
		parallel_run(end - first, publish_part, &p);
	}
	for (size_t i = n; p.err && i-- > 0;)
		if (f[i].is_published)
			put_back(dp, &f[i]);
	return p.err;
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

static void retire_part(void *context, size_t first, size_t end)
{
	const struct retired *gone = context;

	for (size_t i = first; i < end; i++)
		bpf_map_delete_elem(gone[i].outer, &gone[i].tenant);
}

/* newer: what takes the place of the tenant's table, in the same map of maps or another; NULL: nothing. Returns how many entries go. */
static size_t retire(const struct datapath *dp, uint32_t tenant, const struct maps_table *newer,
		     struct retired *gone)
{
	const struct maps_table *old = &dp->maps.tables[tenant];

	if (!old->entries ||
	    (newer && table_class(tenant, newer->n) == table_class(tenant, old->n)))
		return 0;
	*gone = (struct retired){table_outer(dp, table_class(tenant, old->n)), tenant};
	return 1;
}

/* Each publishing or deleting call has waited until no packet uses what it replaced: the old tables may go. gone: room for n. */
static void take_over(struct datapath *dp, const struct maps_swap *swaps, size_t n,
		      struct fresh *fresh, size_t made, struct retired *gone)
{
	size_t n_gone = 0;

	for (size_t i = 0; i < n; i++)
		if (!swaps[i].entries)
			n_gone += retire(dp, swaps[i].tenant, NULL, &gone[n_gone]);
	for (size_t i = 0; i < made; i++)
		n_gone += retire(dp, fresh[i].tenant, &fresh[i].table, &gone[n_gone]);
	parallel_run(n_gone, retire_part, gone);
	for (size_t i = 0; i < n; i++)
		unmap_table(&dp->maps.tables[swaps[i].tenant]);
	for (size_t i = 0; i < made; i++) {
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
	_cleanup_free_ struct fresh *fresh = calloc(n ? n : 1, sizeof(*fresh));
	_cleanup_free_ struct retired *gone = calloc(n ? n : 1, sizeof(*gone));
	size_t made = 0;

	if (!fresh || !gone)
		return -ENOMEM;
	int err = create_tables(dp, swaps, n, fresh, &made);

	if (!err)
		err = publish(dp, fresh, made);
	if (!err) {
		take_over(dp, swaps, n, fresh, made, gone);
	} else {
		report_swap_error(err, n, r);
		for (size_t i = 0; i < made; i++) {
			unmap_table(&fresh[i].table);
			close(fresh[i].fd);
		}
	}
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
	__u32 id;

	if (bpf_map_lookup_elem(outer, &tenant, &id))
		return errno == ENOENT ? 0 : -errno;
	_cleanup_close_ int fd = bpf_map_get_fd_by_id(id);

	return fd < 0 ? -errno : map_table(fd, out);
}

/* In the order of the data plane. An mtlbd that ended between publishing a small table and taking the large one away left both. */
static int adopt_tenant(const struct datapath *dp, uint32_t tenant, struct maps_table *out)
{
	int large = table_outer(dp, TABLE_LARGE);
	__u32 id;

	if (tenant == MTLB_TENANT_NONE)
		return adopt_table(table_outer(dp, TABLE_ADDRESSES), tenant, out);
	int err = adopt_table(table_outer(dp, TABLE_SMALL), tenant, out);

	if (!err && !out->entries)
		return adopt_table(large, tenant, out);
	if (!err && !bpf_map_lookup_elem(large, &tenant, &id))
		bpf_map_delete_elem(large, &tenant);
	return err;
}

struct adopting {
	struct datapath *dp;
	uint64_t failed; /* tenant slot << 32 | errno of one that failed; 0: none did */
};

/* Before Linux 6.8 a look-up in a map of maps waits for a grace period. */
static void adopt_part(void *context, size_t first, size_t end)
{
	struct adopting *a = context;

	for (size_t t = first; t < end; t++) {
		int err = adopt_tenant(a->dp, t, &a->dp->maps.tables[t]);

		if (err)
			__atomic_store_n(&a->failed, (uint64_t)t << 32 | (uint32_t)-err,
					 __ATOMIC_RELAXED);
	}
}

static int adopt_tables(struct datapath *dp, struct report *r)
{
	struct adopting a = {.dp = dp};

	parallel_run(dp->maps.limits.tenants, adopt_part, &a);
	int err = (int)(uint32_t)a.failed;

	if (err)
		report_add(r, dp->pin_dir, "the VIP table of tenant slot %u cannot be read: %s",
			   (uint32_t)(a.failed >> 32), strerror(err));
	return -err;
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
	return dp->adopted ? adopt_tables(dp, r) : 0;
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
