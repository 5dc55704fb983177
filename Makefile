# chiton: a laboratory for SGD noise.
#
#   make            the program, build/chiton
#   make deps       what it needs: installed on Debian and Ubuntu, else the command to type
#   make demo       sweep, fit and figures in a minute, under demo/
#   make check      all tests; with sanitizers, valgrind and both compilers where they are there
#   make check-long the statistical studies that take longer
#   make bench      speed, as ratios measured in one run
#   make install    program, libraries, headers, pkg-config file and manual page under PREFIX

VERSION  := 0.1.0
PREFIX   ?= /usr/local
BUILD    ?= build
OPTIMISE ?= -O3 -march=native
SANITIZE ?=
JOBS     ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
PACKAGES := gsl sqlite3 yaml-0.1 jansson popt nettle zlib libcurl libarchive
# Homebrew keeps what macOS has too apart
KEGS     := $(if $(filter Darwin,$(shell uname)),$(shell brew --prefix 2>/dev/null)/opt)
PKGCONF  := $(if $(KEGS),PKG_CONFIG_PATH=$(KEGS)/zlib/lib/pkgconfig:$(KEGS)/curl/lib/pkgconfig:$(KEGS)/libarchive/lib/pkgconfig:$$PKG_CONFIG_PATH) pkg-config

# -ffp-contract=off: no a*b+c is fused unless the code says fma, so that results do not depend on the compiler's taste
BASE_CFLAGS = -std=c11 $(OPTIMISE) -ffp-contract=off -fno-math-errno -fopenmp -g $(WARNINGS) $(SANITIZE) $(CFLAGS) \
              -I. -D_GNU_SOURCE -DCH_VERSION='"$(VERSION)"' $(shell $(PKGCONF) --cflags $(PACKAGES)) $(CPPFLAGS)
LIBS      = $(shell $(PKGCONF) --libs $(PACKAGES)) -lm
LINK      = $(CC) -fopenmp $(SANITIZE) $(CFLAGS) $(LDFLAGS)

# the library, from the bottom up: a folder includes only those before it; cli/ and chiton.c are the program
FOLDERS  := core data perceptron models sim fit plots
SOURCES  := $(wildcard $(FOLDERS:%=%/*.c) $(FOLDERS:%=%/*/*.c))
HEADERS  := chiton.h $(wildcard $(FOLDERS:%=%/*.h) $(FOLDERS:%=%/*/*.h))
COMMANDS := $(wildcard cli/*.c)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)

all: $(BUILD)/chiton

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -fPIC -MMD -MP -c $< -o $@

# The passes of networks: multiply and add are fused wherever there is such an instruction, for half the time. All of
# them must be, for a sample's bits not to depend on its batch: gcc, tuned for AMD's Zen, leaves some chains of sums
# unfused unless told otherwise. clang does not know that parameter, and fuses them all.
FUSE_ALL := --param=avoid-fma-max-bits=0
FUSED    := -ffp-contract=fast $(shell $(CC) -Werror $(FUSE_ALL) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(FUSE_ALL))
NUMERIC := $(wildcard models/*/*_f32.c models/*/*_f64.c)
$(NUMERIC:%.c=$(BUILD)/%.o) $(NUMERIC:%.c=$(BUILD)/pic/%.o): BASE_CFLAGS += $(FUSED)

$(BUILD)/libchiton.a: $(OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/chiton: $(BUILD)/chiton.o $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@

clean:
	rm -rf $(BUILD)

# ---- what is needed ----

deps:
	@sh .ci/deps

# ---- a first look ----

DEMO ?= demo

# a make of its own: deps may just have brought what the first reading of this file lacked
demo:
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@mkdir -p $(DEMO)
	$(BUILD)/chiton sweep experiments/demo.yaml -o $(DEMO)/demo.db
	$(BUILD)/chiton fit $(DEMO)/demo.db
	$(BUILD)/chiton plot $(DEMO)/demo.db -o $(DEMO)/figures

# ---- tests: every tests/test_*.c is a program; it may make allocations fail (tests/alloc_fail.h) ----

TESTS      := $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
SUPPORT    := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/test_%.c,$(wildcard tests/*.c)))
ALLOC_FAIL := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=strdup
# too slow under sanitizers and valgrind, which slow a program 2 to 50 times
STATISTICAL := test_reference test_engines test_precision test_fit_coverage test_censored test_selftest \
               test_collapse_coverage test_joint_coverage test_online_limit test_change_alarms test_shape_coverage \
               test_residuals_alarms test_twin_law test_network_laws
# what valgrind's single core gets through in reason
UNIT        := $(filter-out $(STATISTICAL) test_program% test_store_files test_plots% test_fetch test_network_flow,$(TESTS))
# where threads share memory
THREADED    := test_data test_examples test_sweep test_sweep_memory test_fit test_collapse test_network_observe \
               test_twin_kernel test_kernel

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(SUPPORT) $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/libchiton.a
	$(LINK) $(ALLOC_FAIL) $^ $(LIBS) -lcmocka -o $@

tests: $(BUILD)/chiton $(TESTS:%=$(BUILD)/tests/%)

# one after the other, so that their outputs stay apart; TEST_RUNNER is valgrind's place
define run_tests
@for test in $(1); do \
    echo "-- $$test $(2)"; CHITON=$(BUILD)/chiton $(TEST_RUNNER) $(BUILD)/tests/$$test || exit 1; \
done
endef

run-tests:
	$(call run_tests,$(filter-out $(SKIP),$(or $(ONLY),$(TESTS))),$(LABEL))

MAKE_AGAIN = $(MAKE) --no-print-directory -j$(JOBS)
VALGRIND   = valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite

check: check-format check-native check-clang check-address check-thread check-valgrind

check-format:
	@if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then \
	    clang-format --dry-run -Werror $$(git ls-files -co --exclude-standard '*.[ch]'); \
	else echo "-- clang-format 14 is not here: format not checked"; fi

check-native:
	@$(MAKE_AGAIN) WERROR=1 tests
	@$(MAKE) --no-print-directory run-tests

check-clang:
	@if command -v clang >/dev/null; then \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/clang CC=clang WERROR=1 tests && \
	    $(MAKE) --no-print-directory BUILD=$(BUILD)/clang SKIP='$(STATISTICAL) test_store_files test_program%' LABEL='(clang)' run-tests; \
	else echo "-- clang is not here: skipped"; fi

check-address:
	@$(MAKE_AGAIN) BUILD=$(BUILD)/address OPTIMISE=-O1 \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' tests
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/address SKIP='$(STATISTICAL)' LABEL='(address, undefined)' run-tests

# clang's OpenMP tells its race detector of its locks and barriers (Archer); gcc's does not
check-thread:
	@if printf 'int main(void){return 0;}' | clang -fopenmp -fsanitize=thread -x c - -o /dev/null 2>/dev/null; then \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/thread CC=clang OPTIMISE=-O1 SANITIZE=-fsanitize=thread tests && \
	    TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1 \
	    $(MAKE) --no-print-directory BUILD=$(BUILD)/thread ONLY='$(THREADED)' LABEL='(thread)' run-tests; \
	else echo "-- clang's thread sanitizer is not here: skipped"; fi

# valgrind does not know the newest vector instructions: a build for any processor
check-valgrind:
	@if command -v valgrind >/dev/null; then \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/valgrind OPTIMISE=-O1 tests && \
	    OMP_NUM_THREADS=1 $(MAKE) --no-print-directory BUILD=$(BUILD)/valgrind ONLY='$(UNIT)' \
	        TEST_RUNNER='$(VALGRIND)' LABEL='(valgrind)' run-tests; \
	else echo "-- valgrind is not here: skipped"; fi

check-long:
	@$(MAKE_AGAIN) WERROR=1 tests
	@CHITON_LONG=1 $(MAKE) --no-print-directory ONLY='$(STATISTICAL)' LABEL='(long)' run-tests

# golden vectors of networks in another folder: make check-golden CHITON_GOLDEN=FOLDER
check-golden:
	@$(MAKE_AGAIN) $(BUILD)/tests/test_golden
	@$(BUILD)/tests/test_golden

# ---- speed ----

$(BUILD)/tests/bench/hand_loop.o: tests/bench/hand_loop.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -ffast-math -ffp-contract=fast -c $< -o $@

$(BUILD)/bench: $(BUILD)/tests/bench/bench.o $(BUILD)/tests/bench/bench_networks.o $(BUILD)/tests/bench/bench_twin.o $(BUILD)/tests/bench/hand_loop.o $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@

bench:
	@$(MAKE_AGAIN) $(BUILD)/bench
	@$(BUILD)/bench

# ---- installation ----

ifeq ($(shell uname),Darwin)
SHARED       := libchiton.$(VERSION).dylib
SHARED_LINK  := libchiton.dylib
SHARED_FLAGS  = -dynamiclib -install_name $(PREFIX)/lib/$(SHARED)
else
SHARED       := libchiton.so.$(VERSION)
SHARED_LINK  := libchiton.so
SHARED_FLAGS  = -shared -Wl,-soname,$(SHARED)
endif

$(BUILD)/$(SHARED): $(SOURCES:%.c=$(BUILD)/pic/%.o)
	$(LINK) $(SHARED_FLAGS) $^ $(LIBS) -o $@

$(BUILD)/chiton.1: docs/manual.sh $(BUILD)/chiton
	sh docs/manual.sh $(BUILD)/chiton > $@.part && mv $@.part $@

$(BUILD)/chiton.pc: Makefile
	@mkdir -p $(@D)
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: chiton' 'Description: a laboratory for SGD noise' 'Version: $(VERSION)' \
	    'Requires: $(PACKAGES)' 'Cflags: -I$${prefix}/include/chiton' 'Libs: -L$${prefix}/lib -lchiton' > $@

install: $(BUILD)/chiton $(BUILD)/libchiton.a $(BUILD)/$(SHARED) $(BUILD)/chiton.1 $(BUILD)/chiton.pc
	install -d $(FOLDERS:%=$(DESTDIR)$(PREFIX)/include/chiton/%) $(DESTDIR)$(PREFIX)/bin \
	    $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/chiton $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(BUILD)/libchiton.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(BUILD)/$(SHARED) $(DESTDIR)$(PREFIX)/lib/
	ln -sf $(SHARED) $(DESTDIR)$(PREFIX)/lib/$(SHARED_LINK)
	install -m 644 $(BUILD)/chiton.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/
	install -m 644 $(BUILD)/chiton.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	for header in $(HEADERS); do install -m 644 $$header $(DESTDIR)$(PREFIX)/include/chiton/$$header || exit 1; done

.PHONY: all clean deps demo tests run-tests check check-format check-native check-clang check-address check-thread \
        check-valgrind check-long check-golden bench install
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
