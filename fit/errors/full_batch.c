/* full_batch.c — drops the exponents over P of the full batch beside other batches. */
#include "fit/errors/full_batch.h"

#include "fit/laws/shape.h"
#include "fit/table/groups.h"
#include "fit/table/notes.h"

#include <math.h>
#include <string.h>

enum { LEAST_OTHERS = 2 };

static bool is_edge_of_plane(const ch_fit *self, size_t index)
{
    const ch_fit_group *group = &self->groups[index];
    size_t others = 0;
    for (size_t g = 0; g < self->num_groups; g++) {
        others += g != index && ch_fit_groups_share_all_but(group, &self->groups[g], CH_SETTING_BATCH);
    }
    return group->key.batch == 0 && ch_setting_applies(&group->key, CH_SETTING_BATCH) && group->num_trains > 1 &&
           others >= LEAST_OTHERS;
}

static bool is_over_train(ch_fit_number number)
{
    return number == CH_FIT_GAMMA || number == CH_FIT_B || number == CH_FIT_A;
}

static void drop_exponents(ch_fit_group *group)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->num_exponents; i++) {
        if (!is_over_train(group->exponents[i].number)) {
            group->exponents[kept++] = group->exponents[i];
        }
    }
    group->num_exponents = kept;
    kept = 0;
    for (size_t i = 0; i < group->num_correlations; i++) {
        const ch_correlation *pair = &group->correlations[i];
        if (!is_over_train(pair->first) && !is_over_train(pair->second)) {
            group->correlations[kept++] = *pair;
        }
    }
    group->num_correlations = kept;
}

ch_code ch_fit_drop_full_batch(const ch_fit *self, size_t index, ch_error *err)
{
    ch_fit_group *group = &self->groups[index];
    if (!is_edge_of_plane(self, index)) {
        return CH_OK;
    }
    drop_exponents(group);
    group->weight_change.train_exponent = group->time.train_exponent = NAN;
    for (size_t k = 0; k < CH_NUM_TC; k++) {
        group->joint[k].found = false;
    }
    const ch_estimate none = {NAN, NAN, NAN, NAN};
    group->chi.of_gamma = group->chi.of_b = group->chi.excess = none;
    ch_shapes_free(&group->weight_shapes);
    ch_shapes_free(&group->time_shapes);
    return ch_fit_note(group, err,
                       "no gamma, no b, no a: of the full batch B = P grows with P, and beside other batches it is the "
                       "edge of a plane, whose regimes have their own report");
}
