/* axis.c — a logarithmic axis: the range of what is drawn, and its tick marks. */
#include "plots/axis.h"

#include <math.h>

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

void ch_axis_finish(ch_axis *self, double span)
{
    const double margin = 0.06;
    const double spare = span * self->lo / self->hi;
    if (spare > 1) {
        self->lo /= sqrt(spare);
        self->hi *= sqrt(spare);
    }
    const double factor = pow(self->hi / self->lo, margin);
    self->lo /= factor;
    self->hi *= factor;
}

/* Labels at the multiples of the least 1, 2 or 5 times a power of ten that leaves not too many of them. */
static void write_round(const ch_axis *self, FILE *out, int most)
{
    static const double steps[] = {2, 5, 10, 20, 50};
    const double power = pow(10, floor(log10(self->hi - self->lo)) - 1);
    const double tenths = (self->hi - self->lo) / power; /* 10 … 100 */
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof *steps && tenths >= steps[i] * (most > 0 ? most : CH_AXIS_LABELS)) {
        i++;
    }
    const double step = power * steps[i];
    for (double place = step * ceil(self->lo / step); place <= self->hi; place += step) {
        if (most > 0) {
            fprintf(out, "'%.10g' %.17g, ", place, place);
        } else {
            fprintf(out, "'' %.17g, ", place);
        }
    }
    fprintf(out, "'' %.17g 1)\n", 2 * self->hi); /* out of range: ends the list */
}

void ch_axis_write(const ch_axis *self, FILE *out, const char *name, bool binary, int most)
{
    const int base = binary || self->hi / self->lo < 100 ? 2 : 10;
    const double unit = log(base);
    const int first = (int)ceil(log(self->lo) / unit), last = (int)floor(log(self->hi) / unit);
    const int step = (last - first) / (most > 0 ? most : CH_AXIS_LABELS) + 1;
    fprintf(out, "set logscale %s %d\nset %srange [%.17g:%.17g]\nset %stics (", name, base, name, self->lo, self->hi,
            name);
    if (self->hi < CH_AXIS_SPAN * self->lo) {
        write_round(self, out, most);
        return;
    }
    for (int power = first; power <= last; power++) {
        /* labels sit at multiples of the step, so that neighbouring panels agree; U+2212 is a minus sign */
        if (power % step == 0 && most == 0) {
            fprintf(out, "'' %.17g, ", pow(base, power));
        } else if (power % step == 0) {
            fprintf(out, "'%d^{%s%d}' %.17g, ", base, power < 0 ? "−" : "", power < 0 ? -power : power,
                    pow(base, power));
        } else {
            fprintf(out, "'' %.17g 1, ", pow(base, power));
        }
    }
    fprintf(out, "'' %.17g 1)\n", pow(base, last + 1)); /* out of range: ends the list */
}
