# chiton — see README.md. Targets: all, check, check-long, bench, demo, deps, install, clean.
CC       ?= cc
PREFIX   ?= /usr/local
BUILD    ?= build
OPTIMISE ?= -O3 -march=native
WARNINGS ?= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
PACKAGES := gsl sqlite3 yaml-0.1 jansson popt nettle

VERSION  := 0.1.0
CPPFLAGS += -I. -D_GNU_SOURCE -DCH_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PACKAGES))
# no contraction of a*b+c: the same bits from every compiler
CFLAGS   += -std=c11 $(OPTIMISE) -ffp-contract=off -fno-math-errno -fopenmp -g $(WARNINGS)
LDLIBS   += $(shell pkg-config --libs $(PACKAGES)) -lm

LIBRARY  := $(wildcard core/*.c data/*.c perceptron/*.c sim/*.c fit/*.c plots/*.c)
OBJECTS  := $(LIBRARY:%.c=$(BUILD)/%.o)

all: $(BUILD)/chiton

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libchiton.a: $(OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/chiton: $(BUILD)/chiton.o $(BUILD)/libchiton.a
	$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

clean:
	rm -rf $(BUILD)

.PHONY: all clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
