/* axis.c — a logarithmic axis: the range of what is drawn, and its tick marks. */
#include "plots/axis.h"

#include <math.h>

enum { MAX_LABELS = 8 };

void ch_axis_include(ch_axis *self, double value)
{
    if (!(value > 0) || !isfinite(value)) {
        return;
    }
    if (ch_axis_is_empty(self)) {
        self->lo = self->hi = value;
    }
    self->lo = fmin(self->lo, value);
    self->hi = fmax(self->hi, value);
}

bool ch_axis_is_empty(const ch_axis *self)
{
    return !(self->lo <= self->hi);
}

void ch_axis_finish(ch_axis *self)
{
    const double least_span = 4, margin = 0.06;
    const double spare = least_span * self->lo / self->hi;
    if (spare > 1) {
        self->lo /= sqrt(spare);
        self->hi *= sqrt(spare);
    }
    const double factor = pow(self->hi / self->lo, margin);
    self->lo /= factor;
    self->hi *= factor;
}

void ch_axis_write(const ch_axis *self, FILE *out, const char *name, bool binary)
{
    const int base = binary || self->hi / self->lo < 100 ? 2 : 10;
    const double unit = log(base);
    const int first = (int)ceil(log(self->lo) / unit), last = (int)floor(log(self->hi) / unit);
    const int step = (last - first) / MAX_LABELS + 1;
    fprintf(out, "set logscale %s %d\nset %srange [%.17g:%.17g]\nset %stics (", name, base, name, self->lo, self->hi,
            name);
    for (int power = first; power <= last; power++) {
        /* labels sit at multiples of the step, so that neighbouring panels agree; U+2212 is a minus sign */
        if (power % step == 0) {
            fprintf(out, "'%d^{%s%d}' %.17g, ", base, power < 0 ? "−" : "", power < 0 ? -power : power,
                    pow(base, power));
        } else {
            fprintf(out, "'' %.17g 1, ", pow(base, power));
        }
    }
    fprintf(out, "'' %.17g 1)\n", pow(base, last + 1)); /* out of range: ends the list */
}
