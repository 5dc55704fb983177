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
# what instructions the program may use: native for this machine, x86-64-v3 for any x86-64 since about 2015
MARCH    ?= native
OPTIMISE ?= -O3 -march=$(MARCH)
DEBUG    ?= -g
SANITIZE ?=
JOBS     ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
PACKAGES := gsl sqlite3 yaml-0.1 jansson popt nettle zlib libcurl libarchive
# Homebrew keeps what macOS has too apart
KEGS     := $(if $(filter Darwin,$(shell uname)),$(shell brew --prefix 2>/dev/null)/opt)
PKGCONF  := $(if $(KEGS),PKG_CONFIG_PATH=$(KEGS)/zlib/lib/pkgconfig:$(KEGS)/curl/lib/pkgconfig:$(KEGS)/libarchive/lib/pkgconfig:$$PKG_CONFIG_PATH) pkg-config

# asked once, when the first recipe wants them: make deps may have to bring them first
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell $(PKGCONF) --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS   = $(eval PACKAGE_LIBS := $(shell $(PKGCONF) --libs $(PACKAGES)))$(PACKAGE_LIBS)

# -ffp-contract=off: no a*b+c is fused unless the code says fma, so that results do not depend on the compiler's taste
BASE_CFLAGS = -std=c11 $(OPTIMISE) -ffp-contract=off -fno-math-errno -fopenmp $(DEBUG) $(WARNINGS) $(SANITIZE) $(CFLAGS) \
              -I. -D_GNU_SOURCE -DCH_VERSION='"$(VERSION)"' $(PACKAGE_CFLAGS) $(CPPFLAGS)
LIBS      = $(PACKAGE_LIBS) -lm
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

# A comment in a test's main says which suites it belongs to beside the ordinary ones, e.g. /* suites: thread valgrind */
#   statistical  draws so many numbers that it is run by the native build alone, and longer by check-long
#   program      starts the program, which one compiler's build is enough for: not run by clang's build
#   thread       its threads share memory: also run under the thread sanitizer
#   valgrind     quick enough for valgrind's single slow core
SUITE       = $(patsubst tests/%.c,%,$(shell grep -l 'suites:.*$(1)' tests/test_*.c))
STATISTICAL := $(call SUITE,statistical)
TESTS       := $(STATISTICAL) $(filter-out $(STATISTICAL),$(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))
QUICK       := $(filter-out $(STATISTICAL),$(TESTS))
SUPPORT     := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/test_%.c,$(wildcard tests/*.c)))
ALLOC_FAIL  := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=strdup

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(SUPPORT) $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/libchiton.a
	$(LINK) $(ALLOC_FAIL) $^ $(LIBS) -lcmocka -o $@

tests: $(BUILD)/chiton $(TESTS:%=$(BUILD)/tests/%)

# Tests run as soon as they are linked, as many at a time as make has jobs. RUN: which; KIND: what the lines of output
# call this build; TEST_RUNNER: valgrind's place.
RUN  ?= $(TESTS)
KIND ?= native

$(BUILD)/results/%: $(BUILD)/tests/% $(BUILD)/chiton FORCE
	@sh tests/run.sh $(BUILD) $(KIND) $*

run-tests: $(RUN:%=$(BUILD)/results/%)
FORCE:

# A make of its own, which shares the jobs of the one that called it, or else has as many as there are cores.
MAKE_AGAIN = case "$$MAKEFLAGS" in *jobserver*) jobs= ;; *) jobs=-j$(JOBS) ;; esac; $(MAKE) --no-print-directory $$jobs
VALGRIND   = valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite

KINDS  := native clang address thread valgrind
CHECKS := check-format

# All kinds of builds share the jobs, so that one compiles while another runs. Everything is tried, then summed up.
check:
	@rm -rf $(BUILD)/results $(KINDS:%=$(BUILD)/%/results)
	@$(MAKE) --no-print-directory -k -j$(JOBS) $(KINDS:%=check-%) $(CHECKS); status=$$?; \
	sh tests/run.sh summary $(BUILD) $(KINDS:%=$(BUILD)/%) && exit $$status

check-format:
	@if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then \
	    clang-format --dry-run -Werror $$(git ls-files -co --exclude-standard '*.[ch]'); \
	else echo "-- clang-format 14 is not here: format not checked"; fi

check-native:
	+@$(MAKE_AGAIN) WERROR=1 run-tests

check-clang:
	+@if command -v clang >/dev/null; then \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/clang KIND=clang CC=clang WERROR=1 \
	        RUN='$(filter-out $(call SUITE,program),$(QUICK))' objects-of-tests run-tests; \
	else echo "-- clang is not here: skipped"; fi

check-address:
	+@$(MAKE_AGAIN) BUILD=$(BUILD)/address KIND=address OPTIMISE=-O1 DEBUG=-g1 RUN='$(QUICK)' \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' run-tests

# clang's OpenMP tells its race detector of its locks and barriers (Archer); gcc's does not
check-thread:
	+@if printf 'int main(void){return 0;}' | clang -fopenmp -fsanitize=thread -x c - -o /dev/null 2>/dev/null; then \
	    TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1; export TSAN_OPTIONS; \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/thread KIND=thread CC=clang OPTIMISE=-O1 DEBUG=-g1 SANITIZE=-fsanitize=thread \
	        RUN='$(call SUITE,thread)' run-tests; \
	else echo "-- clang's thread sanitizer is not here: skipped"; fi

# valgrind does not know the newest vector instructions: a build for any processor
check-valgrind:
	+@if command -v valgrind >/dev/null; then \
	    TEST_RUNNER='$(VALGRIND)' OMP_NUM_THREADS=1; export TEST_RUNNER OMP_NUM_THREADS; \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/valgrind KIND=valgrind OPTIMISE=-O1 DEBUG=-g1 RUN='$(call SUITE,valgrind)' run-tests; \
	else echo "-- valgrind is not here: skipped"; fi

# all tests compile, also those that this build does not run
objects-of-tests: $(TESTS:%=$(BUILD)/tests/%.o)

check-long:
	+@CHITON_LONG=1 $(MAKE_AGAIN) WERROR=1 RUN='$(STATISTICAL)' KIND=long run-tests
	@sh tests/run.sh summary $(BUILD)

# golden vectors of networks in another folder: make check-golden CHITON_GOLDEN=FOLDER
check-golden:
	+@$(MAKE_AGAIN) $(BUILD)/tests/test_golden
	@$(BUILD)/tests/test_golden

# ---- speed ----

$(BUILD)/tests/bench/hand_loop.o: tests/bench/hand_loop.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -ffast-math -ffp-contract=fast -c $< -o $@

$(BUILD)/bench: $(BUILD)/tests/bench/bench.o $(BUILD)/tests/bench/bench_networks.o $(BUILD)/tests/bench/bench_twin.o $(BUILD)/tests/bench/hand_loop.o $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@

bench:
	+@$(MAKE_AGAIN) $(BUILD)/bench
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

.PHONY: all clean deps demo tests check check-format check-native check-clang check-address check-thread \
        check-valgrind check-long check-golden run-tests objects-of-tests bench install
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
