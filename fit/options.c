/* options.c — the options of a fit, and how users write which numbers are fixed, bounded or tied. */
#include "fit/options.h"
#include "core/text.h"
#include "fit/laws/bounded.h"
#include "fit/laws/constraints.h"
#include "fit/numbers.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

void ch_fit_options_default(ch_fit_options *self)
{
    *self = (ch_fit_options){
        .threshold = 1,
        .shift = 0.1,
        .sigmas = 3,
        .replicas = 1000,
        .threads = omp_get_max_threads(),
    };
    for (int d = 0; d < CH_NUM_TC; d++) {
        self->wanted[d] = true;
    }
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        self->constraints[k] = (ch_fit_constraint){.range = {-INFINITY, INFINITY}};
    }
}

ch_code ch_fit_options_check(const ch_fit_options *options, ch_error *err)
{
    if (!(options->threshold > 0 && isfinite(options->threshold))) {
        return ch_error_set(err, CH_ERROR_INPUT, "threshold = %g is not accepted: a positive number is",
                            options->threshold);
    }
    if (!(options->shift >= 0.001 && options->shift <= 10)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "shift = %g is not accepted: a number from 0.001 to 10 is, such as 0.1 for 10 %%",
                            options->shift);
    }
    if (!(options->sigmas >= 1 && options->sigmas <= 30)) {
        return ch_error_set(err, CH_ERROR_INPUT, "sigmas = %g is not accepted: a number from 1 to 30 is",
                            options->sigmas);
    }
    if (options->replicas < 2 || options->replicas > 1000000) {
        return ch_error_set(err, CH_ERROR_INPUT, "replicas = %zu is not accepted: an integer from 2 to 1000000 is",
                            options->replicas);
    }
    if (!options->wanted[CH_TC_ONSET] &&
        (ch_fit_is_held(&options->constraints[CH_FIT_A]) || ch_fit_is_held(&options->constraints[CH_FIT_SHARPNESS]))) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "a and sharpness are held, which are those of T_c by onset, but it is not to be found; "
                            "accepted is --tc onset, or all (the default)");
    }
    if (options->threads < 1 || options->threads > 4096) {
        return ch_error_set(err, CH_ERROR_INPUT, "threads = %d is not accepted: an integer from 1 to 4096 is",
                            options->threads);
    }
    return CH_OK;
}

/* ---- reading ---- */

/* One NAME=WHAT of a list that a user wrote. */
typedef struct {
    const char *option; /* "fix", "bound" or "tie" */
    char text[72];      /* all of it, for messages */
    ch_fit_number number;
    char *what; /* the part of `text` behind '=' */
} held_item;

static ch_code refuse(const held_item *item, const char *accepted, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "--%s %s is not accepted: %s", item->option, ch_show(item->text).text,
                        accepted);
}

static bool parse_number(const char *text, double *number)
{
    ch_number parsed;
    const bool is_number = ch_number_parse(&parsed, text) && isfinite(parsed.value);
    *number = is_number ? parsed.value : NAN;
    return is_number;
}

static ch_code read_fixed(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    double value = NAN;
    if (!parse_number(item->what, &value) || !ch_range_contains(ch_fit_numbers[item->number].accepted, value)) {
        char words[64];
        snprintf(words, sizeof words, "%s is", ch_fit_numbers[item->number].accepted_words);
        return refuse(item, words, err);
    }
    constraint->range = (ch_range){value, value};
    return CH_OK;
}

static ch_code read_bounds(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    const ch_range accepted = ch_fit_numbers[item->number].accepted;
    ch_range range = {-INFINITY, INFINITY};
    char *colon = strchr(item->what, ':');
    bool is_read = colon != NULL && strlen(item->what) > 1;
    if (is_read) {
        const char *hi = colon + 1;
        const size_t length = (size_t)(colon - item->what);
        char lo[sizeof item->text];
        snprintf(lo, sizeof lo, "%.*s", (int)length, item->what);
        is_read = (length == 0 || parse_number(lo, &range.lo)) && (*hi == '\0' || parse_number(hi, &range.hi)) &&
                  range.lo < range.hi && range.lo < accepted.hi && range.hi > accepted.lo;
    }
    if (!is_read) {
        char words[160];
        snprintf(words, sizeof words, "NAME=LO:HI with LO < HI is, of which one may be left out; %s can be %s",
                 ch_fit_numbers[item->number].name, ch_fit_numbers[item->number].accepted_words);
        return refuse(item, words, err);
    }
    constraint->range = range;
    return CH_OK;
}

/* Reads [C+][K*]OTHER, or "joint" for the sharpness. */
static ch_code read_tie(held_item *item, ch_fit_constraint *constraint, ch_error *err)
{
    char *factor = item->what, *plus = strchr(item->what, '+');
    bool is_read = item->number == CH_FIT_TIME_DELTA || item->number == CH_FIT_B;
    constraint->is_tied = true;
    constraint->factor = 1;
    if (item->number == CH_FIT_SHARPNESS && strcmp(item->what, "joint") == 0) {
        constraint->other = CH_FIT_SHARPNESS;
        return CH_OK;
    }
    if (plus != NULL) {
        *plus = '\0';
        is_read = is_read && parse_number(item->what, &constraint->offset);
        *plus = '+';
        factor = plus + 1;
    }
    char *name = factor, *times = strchr(factor, '*');
    if (times != NULL) {
        *times = '\0';
        is_read = is_read && parse_number(factor, &constraint->factor);
        *times = '*';
        name = times + 1;
    }
    if (!is_read || !ch_fit_number_parse(name, &constraint->other) ||
        (constraint->other != CH_FIT_DELTA && constraint->other != CH_FIT_GAMMA)) {
        return refuse(item,
                      "NAME=[C+][K*]OTHER is, NAME time_delta or b, OTHER delta or gamma, such as time_delta=delta "
                      "or b=1+2*gamma; or sharpness=joint",
                      err);
    }
    return CH_OK;
}

typedef ch_code (*item_reader)(held_item *item, ch_fit_constraint *constraint, ch_error *err);

/* Refuses an item without the name of a number: "NAME=..., NAME one of delta, gamma, … and sharpness, is". */
static ch_code refuse_name(const held_item *item, ch_error *err)
{
    const char *names[CH_NUM_FIT_NUMBERS];
    char text[160] = "NAME=..., NAME one of ";
    size_t count = 0, used = strlen(text);
    for (int k = 0; k < CH_NUM_FIT_NUMBERS; k++) {
        if (ch_fit_number_is_holdable((ch_fit_number)k)) {
            names[count++] = ch_fit_numbers[k].name;
        }
    }
    for (size_t i = 0; i < count && used < sizeof text; i++) {
        const char *before = i == 0 ? "" : i + 1 < count ? ", " : " and ";
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", before, names[i], i + 1 < count ? "" : ", is");
    }
    return refuse(item, text, err);
}

static ch_code read_item(ch_fit_options *self, held_item *item, item_reader reader, ch_error *err)
{
    const ch_fit_constraint free_one = {.range = {-INFINITY, INFINITY}};
    char *equals = strchr(item->text, '=');
    if (equals == NULL) {
        return refuse_name(item, err);
    }
    *equals = '\0';
    const bool is_known = ch_fit_number_parse(item->text, &item->number);
    *equals = '=';
    item->what = equals + 1;
    if (!is_known) {
        return refuse_name(item, err);
    }
    ch_fit_constraint *constraint = &self->constraints[item->number];
    if (ch_fit_is_held(constraint)) {
        return refuse(item, "a number is held once, by one of --fix, --bound and --tie", err);
    }
    *constraint = free_one;
    return reader(item, constraint, err);
}

static ch_code read_list(ch_fit_options *self, const char *option, const char *list, item_reader reader, ch_error *err)
{
    for (const char *at = list;; at++) {
        held_item item = {.option = option};
        const size_t length = strcspn(at, ",");
        snprintf(item.text, sizeof item.text, "%.*s", (int)length, at);
        const ch_code code = length < sizeof item.text ? read_item(self, &item, reader, err)
                                                       : refuse(&item, "NAME=... of fewer than 72 characters is", err);
        at += length;
        if (code != CH_OK || *at == '\0') {
            return code;
        }
    }
}

ch_code ch_fit_options_fix(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "fix", list, read_fixed, err);
}

ch_code ch_fit_options_bound(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "bound", list, read_bounds, err);
}

ch_code ch_fit_options_tie(ch_fit_options *self, const char *list, ch_error *err)
{
    return read_list(self, "tie", list, read_tie, err);
}
