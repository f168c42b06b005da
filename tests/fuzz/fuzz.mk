# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# build/fuzz/diff, the data plane against the oracle: part of ../../Makefile, which has the target `fuzz` that runs it.

FUZZ_SECONDS ?= 60
FUZZ_SRC     := $(filter-out tests/fuzz/main.c tests/fuzz/test_%.c,$(wildcard tests/fuzz/*.c))
FUZZ_OBJ     := $(call san,$(FUZZ_SRC) tests/bpf/ground.c)
FUZZ_TEST    := $B/san/tests/fuzz/test_diff

$B/fuzz/diff: $(FUZZ_OBJ) $(call san,tests/fuzz/main.c)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lbpf -lelf -lz

$(FUZZ_TEST): $(FUZZ_OBJ) $(call san,tests/test.c tests/fuzz/test_diff.c)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lbpf -lelf -lz -lcunit

tests: $(FUZZ_TEST)
