/* admit.c — whether a run may begin. */
#include "sim/admit.h"

#include "core/available.h"
#include "core/text.h"
#include "models/models.h"
#include "sim/reach.h"
#include "sim/train_kernel.h"
#include "sim/train_private.h"

#include <stdio.h>

/* What keeps a run from being fitted. */
typedef struct {
    const char *name; /* NULL: nothing does */
    const char *value, *often;
} obstacle;

/* With train = inf every sample is new, under some losses the last samples do not reach the margin, and weight decay
 * pulls samples that have reached it back. */
static obstacle find_obstacle(const ch_settings *settings)
{
    const ch_loss *loss = ch_loss_of((ch_loss_kind)settings->loss);
    if (settings->train == 0) {
        return (obstacle){"train", "inf", "never"};
    }
    if (!loss->reaches_margin) {
        return (obstacle){"loss", loss->name, "hardly ever"};
    }
    return settings->weight_decay > 0 ? (obstacle){"weight_decay", "greater than 0", "hardly ever"}
                                      : (obstacle){NULL, NULL, NULL};
}

/* Refuses a run that cannot end. */
static ch_code check_end(const ch_settings *settings, ch_error *err)
{
    const obstacle found = find_obstacle(settings);
    if (found.name == NULL || settings->max_steps > 0 || settings->max_updates > 0 || settings->max_seconds > 0) {
        return CH_OK;
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s is %s, and such a run is %s fitted, but max_steps, max_updates and max_seconds are "
                        "none; accepted is a number for one of them",
                        found.name, found.value, found.often);
}

/* ---- memory ---- */

/* Bytes of a run with its training set, from what both announce; SIZE_MAX where that overflows. Of the kernel of a twin
 * it is the least with which it can be made. */
static size_t needed(const ch_resolved *resolved)
{
    const ch_settings *settings = &resolved->settings;
    const size_t train = (size_t)settings->train, dim = ch_shape_size(ch_settings_input(settings));
    const double held = (double)(train > 0 ? train : settings->batch) + (double)settings->test;
    if (held * (double)dim * sizeof(float) > (double)(SIZE_MAX / 2)) {
        return SIZE_MAX; /* the functions below would overflow */
    }
    const size_t set = settings->linear == CH_LINEAR_YES ? ch_train_kernel_least_bytes(resolved, train)
                       : train > 0                       ? ch_train_set_bytes(resolved, train, settings->engine)
                                                         : 0;
    const size_t run = ch_train_run_bytes(resolved);
    return run < SIZE_MAX - set ? set + run : SIZE_MAX;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The least value of a count that is accepted beside the other settings. */
static uint64_t least_accepted(const ch_settings *settings, size_t setting)
{
    const uint64_t least = (uint64_t)ch_settings_table[setting].least;
    if (setting == CH_SETTING_DIM) {
        return greater(least, settings->teacher_axis);
    }
    if (setting == CH_SETTING_TRAIN) {
        return greater(greater(least, settings->kernel), settings->batch == settings->train ? 0 : settings->batch);
    }
    return setting == CH_SETTING_FLUCTUATIONS ? CH_LEAST_SNAPSHOTS : least;
}

/* The largest value of a count with which the run fits, all else unchanged; 0: none that is accepted. */
static uint64_t largest_that_fits(const ch_resolved *resolved, size_t setting, size_t limit)
{
    ch_resolved other = *resolved;
    const uint64_t least = greater(1, least_accepted(&resolved->settings, setting));
    uint64_t fits = least - 1, too_many = ch_settings_get(&resolved->settings, setting).count;
    const bool is_full = resolved->settings.batch == resolved->settings.train;
    if (too_many <= fits) {
        return 0;
    }
    while (too_many - fits > 1) {
        const uint64_t middle = fits + (too_many - fits) / 2;
        ch_settings_set(&other.settings, setting, (ch_value){.count = middle});
        if (setting == CH_SETTING_TRAIN && is_full) {
            other.settings.batch = middle;
        }
        if (needed(&other) <= limit) {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    return fits >= least ? fits : 0;
}

static bool is_lowered(const ch_settings *settings, size_t setting)
{
    return ch_setting_applies(settings, setting) && ch_settings_get(settings, setting).count > 1;
}

/* Refuses what does not fit, by the first setting that can make it fit alone. */
static ch_code refuse_memory(const ch_resolved *resolved, size_t need, size_t limit, ch_error *err)
{
    static const size_t lowered[] = {CH_SETTING_DIM,   CH_SETTING_WIDTH, CH_SETTING_DEPTH,       CH_SETTING_TRAIN,
                                     CH_SETTING_BATCH, CH_SETTING_TEST,  CH_SETTING_FLUCTUATIONS};
    enum { NUM = sizeof lowered / sizeof *lowered };
    const ch_settings *settings = &resolved->settings;
    char given[192] = "", accepted[96] = "a run in which more than one of them is smaller";
    size_t used = 0;
    bool is_found = false;
    for (size_t i = 0; i < NUM; i++) {
        if (!is_lowered(settings, lowered[i])) {
            continue;
        }
        const char *name = ch_settings_table[lowered[i]].name;
        const uint64_t fits = is_found ? 0 : largest_that_fits(resolved, lowered[i], limit);
        used += (size_t)snprintf(given + used, sizeof given - used, "%s%s = %llu", used > 0 ? ", " : "", name,
                                 (unsigned long long)ch_settings_get(settings, lowered[i]).count);
        if (fits > 0) {
            snprintf(accepted, sizeof accepted, "%s up to %llu with the others as they are", name,
                     (unsigned long long)fits);
            is_found = true;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "a run with %s takes %s of memory, but at most %s can be had here (what the machine has, and "
                        "the limits of this process); accepted is %s",
                        given, need == SIZE_MAX ? "over 10^19 bytes" : ch_show_bytes(need).text,
                        ch_show_bytes(limit).text, accepted);
}

ch_code ch_admit_memory(const ch_resolved *resolved, size_t limit, ch_error *err)
{
    const size_t need = needed(resolved);
    return need <= limit ? CH_OK : refuse_memory(resolved, need, limit, err);
}

/* Asks for the limits, which takes a while, only where much memory is needed. */
static ch_code check_memory(const ch_resolved *resolved, ch_error *err)
{
    static const size_t LITTLE = (size_t)1 << 26;
    return needed(resolved) <= LITTLE ? CH_OK : ch_admit_memory(resolved, ch_memory_limit(), err);
}

ch_code ch_admit_anywhere(const ch_resolved *resolved, ch_error *err)
{
    const ch_code code = check_end(&resolved->settings, err);
    if (code != CH_OK) {
        return code;
    }
    return ch_reach_check(resolved, err);
}

ch_code ch_admit(const ch_resolved *resolved, ch_error *err)
{
    const ch_code code = ch_admit_anywhere(resolved, err);
    if (code != CH_OK) {
        return code;
    }
    return check_memory(resolved, err);
}
