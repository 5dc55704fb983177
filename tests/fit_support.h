/* fit_support.h — fits planted tables, and searches their notes. */
#ifndef CH_TESTS_FIT_SUPPORT_H
#define CH_TESTS_FIT_SUPPORT_H

#include "tests/fit_plant.h"

/* ||Dw|| has a plateau and an onset at T = 1.3 2^-15. The window begins at T = 2^-6. */
static inline plant plant_crossover(void)
{
    plant planted = plant_default();
    planted.first_temp = -20;
    planted.num_temps = 22;
    planted.num_trains = 4;
    planted.tc = ldexp(1.3, -15);
    planted.sharpness = 1.2;
    return planted;
}

static inline void fit_table(ch_fit *fit, const ch_run_table *table, int threads)
{
    ch_fit_options options;
    ch_error err = {0};
    ch_fit_options_default(&options);
    options.replicas = 50;
    options.threads = threads;
    if (ch_fit_init(fit, table, &options, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
}

static inline void fit_plant(ch_fit *fit, ch_run_table *table, const plant *planted)
{
    plant_table(planted, 1, table);
    fit_table(fit, table, 2);
}

static inline void release(ch_fit *fit, ch_run_table *table)
{
    ch_fit_free(fit);
    free(table->runs);
}

static inline bool has_note(const ch_fit_group *group, const char *part)
{
    for (size_t i = 0; i < group->num_notes; i++) {
        if (strstr(group->notes[i], part) != NULL) {
            return true;
        }
    }
    return false;
}

static inline void assert_note(const ch_fit_group *group, const char *part)
{
    if (!has_note(group, part)) {
        for (size_t i = 0; i < group->num_notes; i++) {
            print_message("    note: %s\n", group->notes[i]);
        }
        fail_msg("no note says \"%s\"", part);
    }
}

#endif
