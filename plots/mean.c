/* mean.c — the mean of a figure's numbers over data sets, and the band around it. */
#include "plots/mean.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Ends the data set at hand: its mean counts once. */
static void end_set(ch_mean_sum *self)
{
    if (self->in_set > 0) {
        const double mean = self->of_set / (double)self->in_set;
        self->sum += mean;
        self->squares += mean * mean;
        self->num_sets++;
    }
    self->of_set = 0;
    self->in_set = 0;
}

void ch_mean_add(ch_mean_sum *self, uint64_t seed_data, double number)
{
    if (self->in_set > 0 && seed_data != self->seed_data) {
        end_set(self);
    }
    self->seed_data = seed_data;
    self->of_set += number;
    self->in_set++;
    self->least = fmin(self->least, number);
    self->most = fmax(self->most, number);
}

ch_mean ch_mean_finish(ch_mean_sum *self, ch_chart_band band)
{
    end_set(self);
    if (self->num_sets == 0) {
        return (ch_mean){NAN, NAN, NAN, 0};
    }
    const size_t sets = self->num_sets;
    const double count = (double)sets, mean = self->sum / count;
    const double deviation = sets > 1 ? sqrt(fmax(0, (self->squares - count * mean * mean) / (count - 1))) : 0;
    const double error = deviation / sqrt(count);
    const double half = band == CH_BAND_SD   ? deviation
                        : band == CH_BAND_CI ? (sets > 1 ? error * gsl_cdf_tdist_Pinv(0.975, count - 1) : 0)
                                             : error;
    const bool is_range = band == CH_BAND_RUNS;
    return (ch_mean){mean, is_range ? self->least : mean - half, is_range ? self->most : mean + half, sets};
}
