// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The store: what outlives a restart, and that half a change does not. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

static char dir[64];
static struct store *store;
static struct report r;

static void setup(void)
{
	strcpy(dir, "/tmp/mtlb-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL_FATAL(store_open(dir, &store, &r), 0);
}

static void teardown(void)
{
	char command[128];

	store_close(store);
	report_clear(&r);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	CU_ASSERT_EQUAL(system(command), 0);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool exists(const char *name)
{
	return !access(in_dir(name), F_OK);
}

static uint64_t write_document(const char *tenant, const char *document)
{
	struct store_change *c;
	uint64_t number = 0;

	CU_ASSERT_EQUAL_FATAL(store_change_begin(store, tenant, &c, &r), 0);
	CU_ASSERT_EQUAL(store_change_document(c, 1700000000, "root", "why", document, &number, &r),
			0);
	CU_ASSERT_EQUAL(store_change_commit(c, &r), 0);
	return number;
}

static void secret_is_drawn_once_and_private(void)
{
	uint8_t first[32], second[32], zero[32] = {0};
	struct stat st;

	setup();
	CU_ASSERT_EQUAL(store_secret(store, first, &r), 0);
	CU_ASSERT_EQUAL(store_secret(store, second, &r), 0);
	CU_ASSERT_EQUAL(memcmp(first, second, sizeof(first)), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(first, zero, sizeof(first)), 0);
	CU_ASSERT_EQUAL(stat(in_dir("secret"), &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_FALSE(exists("secret.new"));
	teardown();
}

static void secret_of_wrong_size_or_mode_is_refused(void)
{
	static const struct {
		size_t size;
		mode_t mode;
		const char *text;
	} rows[] = {
		{ 31, 0600, "holds 31 bytes" },
		{ 33, 0600, "holds 33 bytes" },
		{ 0, 0600, "holds 0 bytes" },
		{ 32, 0640, "chmod 0600" },
		{ 32, 0604, "chmod 0600" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t secret[32] = { 7 }, bytes[64] = { 1 };
		setup();
		FILE *f = fopen(in_dir("secret"), "w");
		fwrite(bytes, 1, rows[i].size, f);
		fclose(f);
		chmod(in_dir("secret"), rows[i].mode);
		CU_ASSERT_EQUAL(store_secret(store, secret, &r), -EINVAL);
		CU_ASSERT_EQUAL_FATAL(r.n, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.lines[0].text, rows[i].text));
		CU_ASSERT_EQUAL(secret[0], 7);
		teardown();
	}
}

static void revisions_are_numbered_and_read_back(void)
{
	struct store_revision v, *list;
	size_t n;

	setup();
	CU_ASSERT_EQUAL(write_document("acme", "{\"a\":1}"), 1);
	CU_ASSERT_EQUAL(write_document("acme", "{\"a\":2}"), 2);
	CU_ASSERT_EQUAL_FATAL(store_read_revision(store, "acme", 0, &v, &r), 0);
	CU_ASSERT_EQUAL(v.number, 2);
	CU_ASSERT_STRING_EQUAL(v.document, "{\"a\":2}");
	CU_ASSERT_STRING_EQUAL(v.who, "root");
	CU_ASSERT_EQUAL(v.time, 1700000000);
	store_revision_clear(&v);
	CU_ASSERT_EQUAL_FATAL(store_read_revision(store, "acme", 1, &v, &r), 0);
	CU_ASSERT_STRING_EQUAL(v.document, "{\"a\":1}");
	store_revision_clear(&v);
	CU_ASSERT_EQUAL(store_read_revision(store, "acme", 3, &v, &r), -ENOENT);
	CU_ASSERT_EQUAL(store_read_revision(store, "nobody", 0, &v, &r), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(store_list_revisions(store, "acme", &list, &n, &r), 0);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(list[0].number, 2);
	CU_ASSERT_PTR_NULL(list[0].document);
	store_revisions_free(list, n);
	CU_ASSERT_TRUE(report_is_empty(&r));
	teardown();
}

static void rolled_back_change_leaves_nothing(void)
{
	struct store_change *c;
	struct store_revision v;
	uint64_t number;

	setup();
	CU_ASSERT_EQUAL_FATAL(store_change_begin(store, "new", &c, &r), 0);
	CU_ASSERT_EQUAL(store_change_document(c, 1, "root", NULL, "{}", &number, &r), 0);
	store_change_rollback(c);
	CU_ASSERT_FALSE(exists("tenants/new.db"));
	write_document("old", "{\"a\":1}");
	CU_ASSERT_EQUAL_FATAL(store_change_begin(store, "old", &c, &r), 0);
	CU_ASSERT_EQUAL(store_change_document(c, 1, "root", NULL, "{\"a\":2}", &number, &r), 0);
	store_change_rollback(c);
	CU_ASSERT_EQUAL_FATAL(store_read_revision(store, "old", 0, &v, &r), 0);
	CU_ASSERT_STRING_EQUAL(v.document, "{\"a\":1}");
	store_revision_clear(&v);
	teardown();
}

static void deleted_tenant_keeps_its_history_aside(void)
{
	struct store_change *c;
	char **names;
	size_t n;

	setup();
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(write_document("acme", "{}"), 1);
		CU_ASSERT_EQUAL_FATAL(store_change_begin(store, "acme", &c, &r), 0);
		store_change_delete(c, 1700000000);
		CU_ASSERT_EQUAL(store_change_commit(c, &r), 0);
		CU_ASSERT_FALSE(exists("tenants/acme.db"));
	}
	CU_ASSERT_TRUE(exists("tenants/acme.db.deleted-1700000000"));
	CU_ASSERT_TRUE(exists("tenants/acme.db.deleted-1700000001"));
	CU_ASSERT_EQUAL_FATAL(store_list_tenants(store, &names, &n, &r), 0);
	CU_ASSERT_EQUAL(n, 0);
	store_names_free(names, n);
	teardown();
}

static void overrides_are_replaced_as_a_whole(void)
{
	struct store_override rows[] = {
		{ .vip = "web", .backend = "b1", .has_weight = true, .weight = 7 },
		{ .vip = "web", .backend = "b2", .has_state = true,
		  .state = BACKEND_ADMIN_DRAINING },
	};
	struct store_overrides o = { .suspended = true, .rows = rows, .n = 2 }, got;
	struct store_change *c;

	setup();
	CU_ASSERT_EQUAL_FATAL(store_change_begin(store, "acme", &c, &r), 0);
	CU_ASSERT_EQUAL(store_change_overrides(c, &o, &r), 0);
	CU_ASSERT_EQUAL(store_change_commit(c, &r), 0);
	CU_ASSERT_EQUAL_FATAL(store_read_overrides(store, "acme", &got, &r), 0);
	CU_ASSERT_TRUE(got.suspended);
	CU_ASSERT_EQUAL_FATAL(got.n, 2);
	CU_ASSERT_TRUE(got.rows[0].has_weight && !got.rows[0].has_state);
	CU_ASSERT_EQUAL(got.rows[0].weight, 7);
	CU_ASSERT_TRUE(!got.rows[1].has_weight && got.rows[1].has_state);
	CU_ASSERT_EQUAL(got.rows[1].state, BACKEND_ADMIN_DRAINING);
	store_overrides_clear(&got);
	o = (struct store_overrides){0};
	CU_ASSERT_EQUAL_FATAL(store_change_begin(store, "acme", &c, &r), 0);
	CU_ASSERT_EQUAL(store_change_overrides(c, &o, &r), 0);
	CU_ASSERT_EQUAL(store_change_commit(c, &r), 0);
	CU_ASSERT_EQUAL_FATAL(store_read_overrides(store, "acme", &got, &r), 0);
	CU_ASSERT_EQUAL(got.n, 0);
	CU_ASSERT_FALSE(got.suspended);
	teardown();
}

static void database_of_a_crashed_first_change_counts_as_none(void)
{
	struct store_overrides o;
	struct store_revision v;

	setup();
	fclose(fopen(in_dir("tenants/acme.db"), "w"));
	CU_ASSERT_EQUAL(store_read_overrides(store, "acme", &o, &r), -ENOENT);
	CU_ASSERT_EQUAL(store_read_revision(store, "acme", 0, &v, &r), -ENOENT);
	CU_ASSERT_EQUAL(write_document("acme", "{}"), 1);
	teardown();
}

static void damaged_database_is_an_error_with_its_name(void)
{
	struct store_overrides o;

	setup();
	FILE *f = fopen(in_dir("tenants/acme.db"), "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	CU_ASSERT_TRUE(store_read_overrides(store, "acme", &o, &r) < 0);
	CU_ASSERT_EQUAL_FATAL(r.n, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.lines[0].where, "acme.db"));
	teardown();
}

static const struct test tests[] = {
	{ "secret_is_drawn_once_and_private", secret_is_drawn_once_and_private },
	{ "secret_of_wrong_size_or_mode_is_refused", secret_of_wrong_size_or_mode_is_refused },
	{ "revisions_are_numbered_and_read_back", revisions_are_numbered_and_read_back },
	{ "rolled_back_change_leaves_nothing", rolled_back_change_leaves_nothing },
	{ "deleted_tenant_keeps_its_history_aside", deleted_tenant_keeps_its_history_aside },
	{ "overrides_are_replaced_as_a_whole", overrides_are_replaced_as_a_whole },
	{ "database_of_a_crashed_first_change_counts_as_none",
	  database_of_a_crashed_first_change_counts_as_none },
	{ "damaged_database_is_an_error_with_its_name",
	  damaged_database_is_an_error_with_its_name },
	{ 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "store", tests);
}
