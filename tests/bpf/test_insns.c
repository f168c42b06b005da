/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What loading costs the kernel: the instructions that its verifier walks through. It gives up at a
 * million; how many it takes depends on kernel and compiler, and the next one of either may take
 * several times as many.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "datapath/internal.h"
#include "decap.skel.h"
#include "test.h"

enum {
	INSNS_MAX = 100000
};

/* "14.0.6": clang writes its name into the debugging information of what it compiles. */
static void find_compiler(const void *elf, size_t size, char *version, size_t room)
{
	static const char mark[] = "clang version ";
	const char *at = memmem(elf, size, mark, sizeof(mark) - 1);
	size_t len = 0;

	if (at) {
		at += sizeof(mark) - 1;
		size_t rest = size - (at - (const char *)elf);

		while (len < rest && len < room - 1 && strchr("0123456789.", at[len]) && at[len])
			len++;
		memcpy(version, at, len);
	}
	version[len] = '\0';
}

static void check_program(const struct bpf_program *program, const char *compiler)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	struct utsname host;

	CU_ASSERT_EQUAL_FATAL(
		bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	CU_ASSERT_FATAL(size >= offsetof(struct bpf_prog_info, verified_insns) +
				sizeof(info.verified_insns));
	uname(&host);
	printf("verified_insns: program %s kernel %s clang %s instructions %u\n",
	       bpf_program__name(program), host.release, compiler, info.verified_insns);
	CU_ASSERT(info.verified_insns > 0);
	CU_ASSERT(info.verified_insns <= INSNS_MAX);
}

static void check_loaded(const struct bpf_object *object, const void *elf, size_t size)
{
	struct bpf_program *program;
	int checked = 0;
	char compiler[32];

	find_compiler(elf, size, compiler, sizeof(compiler));
	CU_ASSERT_STRING_NOT_EQUAL(compiler, "");
	bpf_object__for_each_program(program, object) {
		check_program(program, compiler);
		checked++;
	}
	CU_ASSERT(checked > 0);
}

/* As mtlbd opens it: what is constant then, the verifier follows no other way. */
static void balancer_is_verified_within_bounds(void)
{
	static const struct maps_limits limits = { .tenants = 1024,
						   .vips = 16384,
						   .backends = 65536,
						   .segments = 4096,
						   .ring_units = 1 << 20,
						   .flow_buckets = 1 << 16 };
	struct mtlb_bpf *skel = program_open(&limits, NULL);
	size_t size;
	const void *elf = mtlb_bpf__elf_bytes(&size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(skel);
	CU_ASSERT_EQUAL_FATAL(mtlb_bpf__load(skel), 0);
	check_loaded(skel->obj, elf, size);
	mtlb_bpf__destroy(skel);
}

static void decapsulation_is_verified_within_bounds(void)
{
	struct decap_bpf *skel = decap_bpf__open_and_load();
	size_t size;
	const void *elf = decap_bpf__elf_bytes(&size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(skel);
	check_loaded(skel->obj, elf, size);
	decap_bpf__destroy(skel);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "balancer_is_verified_within_bounds", balancer_is_verified_within_bounds },
		{ "decapsulation_is_verified_within_bounds",
		  decapsulation_is_verified_within_bounds },
		{ NULL, NULL },
	};

	return test_main(argc, argv, "insns", tests);
}
