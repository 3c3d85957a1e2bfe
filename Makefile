# Gradus. `make run` opens the workbench, `make test` checks everything, `make help` lists the rest.
#
# FLAVOUR is release, debug, asan, ubsan, tsan or valgrind; each builds in build/<flavour>/ and never
# disturbs another. CC=clang works too (its objects go to build/<flavour>-clang/).

FLAVOUR ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
VERSION := 0.1.0
BUILD   := build/$(FLAVOUR)$(if $(findstring clang,$(CC)),-clang)
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += --no-builtin-rules

# --- what the machine must have ------------------------------------------------------------------
PACKAGES_BUILD := gcc make pkg-config libc6-dev libncurses-dev libopenblas-dev libsqlite3-dev \
                  zlib1g-dev libpng-dev libjpeg-dev libjansson-dev libutf8proc-dev \
                  libmd4c-dev
PACKAGES_RUN   := dataset-fashion-mnist
PACKAGES_TEST  := libcmocka-dev libvterm-dev libonnx-testdata
LIBRARIES      := ncursesw openblas sqlite3 zlib libpng libjpeg jansson libutf8proc md4c

# --- flags -------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
STANDARD := -std=c11 -D_GNU_SOURCE -DGRADUS_VERSION='"$(VERSION)"' -I. -pthread
# Loops vectorise without -ffast-math; contraction is the same for every row, so shards agree.
SPEED    := -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast

FLAGS_release  := $(SPEED) -g
FLAGS_debug    := -O0 -g3
FLAGS_asan     := -O1 -g -fsanitize=address -fno-omit-frame-pointer
FLAGS_ubsan    := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all -DNN_NO_MULTIVERSION
FLAGS_tsan     := -O1 -g -fsanitize=thread
FLAGS_valgrind := -O1 -g -DNN_NO_MULTIVERSION
ifeq ($(origin FLAGS_$(FLAVOUR)),undefined)
$(error FLAVOUR=$(FLAVOUR) is unknown; use release, debug, asan, ubsan, tsan or valgrind)
endif

PKG_CFLAGS := $(shell pkg-config --cflags $(LIBRARIES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(LIBRARIES) 2>/dev/null)
CFLAGS_ALL := $(STANDARD) $(WARNINGS) $(FLAGS_$(FLAVOUR)) $(PKG_CFLAGS) $(CFLAGS)
LIBS       := $(PKG_LIBS) -lm -pthread
TEST_LIBS  := -lcmocka -lvterm -lutil

# --- sources: a new file in a room is found by itself ------------------------------------------
sources    = $(sort $(foreach room,$(1),$(wildcard $(room)/*.c $(room)/*/*.c)))
ENGINE_SRC := $(call sources,engine)
STORE_SRC  := $(call sources,store)
LESSON_SRC := $(call sources,lessons)
# Chapters of the course: each folder's two texts become C, and all of them one table.
CHAPTERS   := $(patsubst %/text.en.md,%,$(sort $(wildcard lessons/ch*/text.en.md)))
UI_SRC     := $(filter-out ui/main.c,$(call sources,ui))
# tests/test_*.c is one program each; tests/double/test_*.c link the engine built in double;
# other files in tests/ and tests/operators/ are shared by all of them.
TEST_SRC   := $(sort $(wildcard tests/test_*.c))
DOUBLE_SRC := $(sort $(wildcard tests/double/test_*.c))
HELPER_SRC := $(filter-out tests/test_%,$(sort $(wildcard tests/*.c tests/operators/*.c)))
TOOL_SRC   := $(sort $(wildcard tests/tools/*.c))
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))

objects      = $(patsubst %.c,$(BUILD)/%.o,$(1))
ENGINE_OBJ  := $(call objects,$(ENGINE_SRC))
CHAPTER_OBJ := $(BUILD)/lessons/list.o $(patsubst %,$(BUILD)/%/text.o,$(CHAPTERS))
PROGRAM_OBJ := $(call objects,$(STORE_SRC) $(LESSON_SRC) $(UI_SRC)) $(CHAPTER_OBJ)
DOUBLE_OBJ  := $(patsubst %.c,$(BUILD)/double/%.o,$(ENGINE_SRC))
TESTS       := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
DOUBLES     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(DOUBLE_SRC))
TOOLS       := $(patsubst tests/tools/%.c,$(BUILD)/%,$(TOOL_SRC))
FUZZERS     := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

# One short line a file; V=1 shows the commands.
quiet = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-4s %s\n' '$(1)' '$@';))

.PHONY: all readme run test debug asan ubsan tsan valgrind lint format fuzz bench install uninstall dist \
        clean help deps test-deps test-quick build-tests
.DEFAULT_GOAL := all
.SECONDARY:

all: $(BUILD)/gradus

$(BUILD)/gradus: $(BUILD)/ui/main.o $(BUILD)/libprogram.a $(BUILD)/libengine.a
	$(call quiet,link)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libengine.a: $(ENGINE_OBJ) $(BUILD)/sources
$(BUILD)/libprogram.a: $(PROGRAM_OBJ) $(BUILD)/sources
$(BUILD)/double/libengine.a: $(DOUBLE_OBJ) $(BUILD)/sources
$(BUILD)/%.a:
	@rm -f $@
	$(call quiet,ar)ar rcs $@ $(filter %.o,$^)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,cc)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
$(BUILD)/double/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,cc)$(CC) $(CFLAGS_ALL) -DNN_REAL=double -MMD -MP -c -o $@ $<
$(BUILD)/lessons/%/text.c: lessons/%/text.en.md lessons/%/text.ko.md lessons/%/lesson.c lessons/embed.sh
	@mkdir -p $(@D)
	$(call quiet,text)lessons/embed.sh text lessons/$* > $@
$(BUILD)/lessons/list.c: lessons/embed.sh $(BUILD)/sources
	@mkdir -p $(@D)
	$(call quiet,list)lessons/embed.sh list $(CHAPTERS) > $@
$(CHAPTER_OBJ): %.o: %.c $(BUILD)/flags
	$(call quiet,cc)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
# Tests that include engine headers in double must agree with the library they link.
$(BUILD)/tests/double/%.o: tests/double/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call quiet,cc)$(CC) $(CFLAGS_ALL) -DNN_REAL=double -MMD -MP -c -o $@ $<

# Rebuild everything when compiler or flags change.
$(BUILD)/flags: FORCE
	@$(if $(PKG_LIBS),,echo 'Libraries are missing (pkg-config finds not all of: $(LIBRARIES)). Run: make deps'; exit 1)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CFLAGS_ALL))' | cmp -s - $@ || \
	 printf '%s\n' '$(subst ','\'',$(CC) $(CFLAGS_ALL))' > $@
# Archive again when a file has gone.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(ENGINE_SRC) $(STORE_SRC) $(LESSON_SRC) $(UI_SRC) $(CHAPTERS)' | cmp -s - $@ || \
	 echo '$(ENGINE_SRC) $(STORE_SRC) $(LESSON_SRC) $(UI_SRC) $(CHAPTERS)' > $@
.PHONY: FORCE
FORCE:

HELPER_OBJ        := $(call objects,$(HELPER_SRC))
HELPER_DOUBLE_OBJ := $(patsubst %.c,$(BUILD)/double/%.o,$(HELPER_SRC))
$(TESTS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(HELPER_OBJ) $(BUILD)/libprogram.a $(BUILD)/libengine.a
	$(call quiet,link)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)
# An archive: helpers that need the screen stay out of programs that do not ask for them.
$(BUILD)/double/libhelpers.a: $(HELPER_DOUBLE_OBJ)
$(DOUBLES): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/double/libhelpers.a $(BUILD)/double/libengine.a
	$(call quiet,link)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)
$(TOOLS): $(BUILD)/%: $(BUILD)/tests/tools/%.o $(HELPER_OBJ) $(BUILD)/libprogram.a $(BUILD)/libengine.a
	$(call quiet,link)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# --- the two commands ---------------------------------------------------------------------------
run: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(if $(strip $(ARGS)),exec $(BUILD)/gradus $(ARGS), \
	 if [ -t 0 ] && [ -t 1 ]; then exec $(BUILD)/gradus; else exec $(BUILD)/gradus train --headless; fi)

test: test-deps
	@$(MAKE) --no-print-directory -j$(JOBS) all build-tests
	@tests/run.sh $(BUILD) $(TESTS) $(DOUBLES)

build-tests: $(TESTS) $(DOUBLES) $(TOOLS)

# --- flavours, checks, tools --------------------------------------------------------------------
debug:
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOUR=debug all
asan ubsan tsan: test-deps
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOUR=$@ all build-tests
	@$(MAKE) --no-print-directory FLAVOUR=$@ test-quick
# Everything but the programs that measure time or train for long.
test-quick:
	@tests/run.sh $(BUILD) $(filter-out %/test_train_long,$(TESTS) $(DOUBLES))
valgrind: test-deps
	@$(MAKE) --no-print-directory -j$(JOBS) FLAVOUR=valgrind all build-tests
	@RUNNER='valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite' \
	 tests/run.sh build/valgrind $(patsubst %,build/valgrind/tests/%,$(VALGRIND_TESTS))
VALGRIND_TESTS ?= $(filter-out test_program% test_train_long test_train test_bench,\
                  $(patsubst tests/%.c,%,$(TEST_SRC)))

# One file a process: clang-tidy 14 invents va_list errors in the second file of a run.
lint:
	@command -v clang-tidy >/dev/null || { echo 'lint needs clang-tidy: apt install clang-tidy'; exit 1; }
	@printf '%s\n' $(ENGINE_SRC) $(STORE_SRC) $(LESSON_SRC) $(UI_SRC) ui/main.c | \
	 xargs -P$(JOBS) -n 1 sh -c 'clang-tidy --quiet "$$@" -- $(subst ','\'',$(STANDARD) $(PKG_CFLAGS)) 2>/dev/null' lint
	@clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h') 
	@$(MAKE) --no-print-directory -s all && $(BUILD)/gradus lesson all --lint && echo 'lint: clean'
format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

# Each fuzzer runs FUZZ_SECONDS on mutated seeds under ASan and UBSan (clang's libFuzzer).
FUZZ_SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang FLAVOUR=asan build-fuzz
	@for f in $(FUZZ_SRC:tests/fuzz/%.c=build/asan-clang/fuzz/%); do echo "$$f"; mkdir -p build/corpus/$$(basename $$f); \
	 $$f -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -rss_limit_mb=2048 build/corpus/$$(basename $$f) || exit 1; done
.PHONY: build-fuzz
build-fuzz: $(FUZZERS)
$(FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libprogram.a $(BUILD)/libengine.a
	@mkdir -p $(@D)
	$(call quiet,link)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

# README's picture of the Monitor, of the run READMERUN, and its list of keys.
READMERUN ?= last
readme: all
	@tests/readme.sh $(BUILD)/gradus keys
	@tests/readme.sh $(BUILD)/gradus monitor --run $(READMERUN) --size 120x40

# Ours and, where python3-torch is installed, PyTorch in turn, with a table of ratios.
# WORKLOADS="lenet gpt" picks some; ARGS="lenet --threads 2" runs ours alone.
bench: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(if $(strip $(ARGS)),$(BUILD)/gradus bench $(ARGS),tests/bench/compare.sh $(BUILD)/gradus $(WORKLOADS))

COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/gradus
install: all
	install -D -m 755 $(BUILD)/gradus $(DESTDIR)$(PREFIX)/bin/gradus
	@mkdir -p $(dir $(COMPLETION))
	$(BUILD)/gradus help completion > $(COMPLETION)
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/gradus $(COMPLETION)
dist:
	@mkdir -p build
	git archive --prefix=gradus-$(VERSION)/ -o build/gradus-$(VERSION).tar.gz HEAD
	@echo build/gradus-$(VERSION).tar.gz
clean:
	rm -rf build

# --- installing what is missing ------------------------------------------------------------------
deps:
	@$(call install_missing,$(PACKAGES_BUILD) $(PACKAGES_RUN))
test-deps:
	@$(call install_missing,$(PACKAGES_BUILD) $(PACKAGES_RUN) $(PACKAGES_TEST))

define install_missing
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then \
    if pkg-config --exists $(LIBRARIES) 2>/dev/null; then exit 0; fi; \
    echo 'This is not a Debian system. Gradus needs (by their Debian names):'; \
    echo '  $(1)'; exit 1; \
fi; \
missing=; for p in $(1); do \
    dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q '^install ok installed' || missing="$$missing $$p"; \
done; \
[ -z "$$missing" ] && exit 0; \
if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
echo "Gradus needs these Debian packages (compiler, libraries, data):$$missing"; \
echo "Installing: $$as apt-get install -y --no-install-recommends$$missing"; \
if [ -n "$$as" ] && ! command -v sudo >/dev/null; then echo 'sudo is not here: run that line as root.'; exit 1; fi; \
$$as apt-get update -q >/dev/null && \
$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >build-deps.log 2>&1 \
 || { tail -n 20 build-deps.log; rm -f build-deps.log; exit 1; }; rm -f build-deps.log
endef

help:
	@echo 'make run        install what is missing, build, open the workbench (ARGS="train --headless ...")'
	@echo 'make test       install what is missing, build, run every test'
	@echo 'make            build the release program, build/release/gradus'
	@echo 'make debug asan ubsan tsan valgrind   the same, checked; each in build/<flavour>/'
	@echo 'make lint format fuzz bench           clang-tidy, clang-format, libFuzzer, JSON lines of speed'
	@echo 'make install uninstall PREFIX=$(PREFIX)   dist   deps   clean'
