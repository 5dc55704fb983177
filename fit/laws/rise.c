/* rise.c — the temperature at which a curve over ln T first rises to a level. */
#include "fit/laws/rise.h"

#include <math.h>

ch_rise ch_rise_start(double level)
{
    return (ch_rise){.level = level, .place = CH_TC_NONE, .log_temp = NAN, .value = NAN};
}

bool ch_rise_add(ch_rise *self, double log_temp, double value)
{
    const bool is_first = self->place == CH_TC_NONE;
    if (!(value >= self->level)) {
        self->place = CH_TC_ABOVE;
        self->log_temp = log_temp;
        self->value = value;
        return false;
    }
    self->place = is_first && value > self->level ? CH_TC_BELOW : CH_TC_INSIDE;
    self->log_temp =
        is_first ? log_temp
                 : self->log_temp + (log_temp - self->log_temp) * (self->level - self->value) / (value - self->value);
    return true;
}
