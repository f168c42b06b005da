# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# build/fuzz/diff, the data plane against the oracle: part of ../../Makefile.

FUZZ_SECONDS ?= 60
FUZZ_SRC     := $(filter-out tests/fuzz/main.c tests/fuzz/test_%.c,$(wildcard tests/fuzz/*.c))
FUZZ_OBJ     := $(call san,$(FUZZ_SRC))
FUZZ_TEST    := $B/san/tests/fuzz/test_diff

.PHONY: fuzz
fuzz: ## build, then compare the data plane with docs/packets.md's other reading on random packets (root)
	@tools/deps build check
	@$(MAKE) --no-print-directory $B/fuzz/diff
	@$B/fuzz/diff --seconds $(FUZZ_SECONDS) $(FUZZ_FLAGS)

$B/fuzz/diff: $(FUZZ_OBJ) $(call san,tests/fuzz/main.c)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lbpf -lelf -lz

$(FUZZ_TEST): $(FUZZ_OBJ) $(call san,tests/test.c tests/fuzz/test_diff.c)
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ -lbpf -lelf -lz -lcunit

tests: $(FUZZ_TEST)
