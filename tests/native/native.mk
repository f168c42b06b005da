# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The data plane built for this machine: under libFuzzer, and measured for coverage.

FUZZ_SECONDS  ?= 60
COVERAGE_RUNS ?= 20000

NATIVE := $(addprefix tests/native/,native.c native_bpf.c native_map.c native_world.c native_address.c native_packet.c native_check.c)
NATIVE_SEEDS := $(addprefix tests/native/,native_seeds.c native_seeds_special.c native_build.c native_address.c)
NATIVE_CFLAGS := -O1 -g -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function \
	-Wno-unknown-attributes -Itests/native/shim -Iinclude -Ibpf -Itests/native -MMD -MP
# packets are read by words where they lie, as the data plane may on every machine that it is for
NATIVE_SAN := -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=all

.PHONY: fuzz-native coverage mutants

MUTANTS ?= 40

fuzz-native: ## build the data plane natively and fuzz it for FUZZ_SECONDS
	@tools/deps build fuzz
	@$(MAKE) --no-print-directory $B/fuzz/native $B/fuzz/seeds/made
	@mkdir -p $B/fuzz/corpus
	$B/fuzz/native -max_total_time=$(FUZZ_SECONDS) -max_len=6000 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix=$B/fuzz/ $B/fuzz/corpus $B/fuzz/seeds

coverage: ## line and branch coverage of the data plane under the fuzzer's seeds
	@tools/deps build fuzz
	@$(MAKE) --no-print-directory $B/fuzz/native_coverage $B/fuzz/seeds/made
	@tests/coverage $B/fuzz/native_coverage $B/fuzz/seeds $(COVERAGE_RUNS)

mutants: ## change MUTANTS single lines of the data plane: do the tests notice? (root)
	@tools/deps build check fuzz
	@$(MAKE) --no-print-directory all packet-tests $B/fuzz/diff
	@tests/mutate $(MUTANTS)

# objects first: with sources alone clang forgets which headers they include
$B/fuzz/san/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(NATIVE_CFLAGS) -fsanitize=fuzzer-no-link $(NATIVE_SAN) -c -o $@ $<

$B/fuzz/coverage/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(NATIVE_CFLAGS) -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping -c -o $@ $<

$B/fuzz/native: $(patsubst %.c,$B/fuzz/san/%.o,$(NATIVE))
	$(CLANG) -fsanitize=fuzzer $(NATIVE_SAN) -o $@ $^

$B/fuzz/native_coverage: $(patsubst %.c,$B/fuzz/coverage/%.o,$(NATIVE))
	$(CLANG) -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping -o $@ $^

$B/fuzz/native_seeds: $(patsubst %.c,$B/%.o,$(NATIVE_SEEDS))
	$(CC) $(CFLAGS) -o $@ $^

$(patsubst %.c,$B/%.o,$(NATIVE_SEEDS)): ALL_CFLAGS += -Itests/native

$B/fuzz/seeds/made: $B/fuzz/native_seeds
	@rm -rf $(@D) && mkdir -p $(@D)
	$< $(@D)
	@touch $@
