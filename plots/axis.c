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

/* The step between labels at multiples of 1, 2 or 5 times a power of ten that leaves three to eight of them. */
static double round_step(const ch_axis *self)
{
    const double power = pow(10, floor(log10(self->hi - self->lo)) - 1);
    const double tenths = (self->hi - self->lo) / power; /* 10 … 100 */
    return power * (tenths < 16 ? 2 : tenths < 40 ? 5 : tenths < 80 ? 10 : 20);
}

static bool is_narrow(const ch_axis *self)
{
    return self->hi < CH_AXIS_SPAN * self->lo;
}

/* Powers of a base within the range: labels sit at multiples of the step, so that neighbouring panels agree. */
typedef struct {
    int base, first, last, step;
} powers;

static powers powers_of(const ch_axis *self, bool binary)
{
    const int base = binary || self->hi / self->lo < 100 ? 2 : 10;
    const double unit = log(base);
    const int first = (int)ceil(log(self->lo) / unit), last = (int)floor(log(self->hi) / unit);
    return (powers){base, first, last, (last - first) / MAX_LABELS + 1};
}

size_t ch_axis_labels(const ch_axis *self, bool binary, double labels[CH_AXIS_LABELS])
{
    size_t count = 0;
    if (is_narrow(self)) {
        const double step = round_step(self);
        for (double place = step * ceil(self->lo / step); place <= self->hi && count < CH_AXIS_LABELS; place += step) {
            labels[count++] = place;
        }
        return count;
    }
    const powers p = powers_of(self, binary);
    for (int power = p.first; power <= p.last && count < CH_AXIS_LABELS; power++) {
        if (power % p.step == 0) {
            labels[count++] = pow(p.base, power);
        }
    }
    return count;
}

static void write_round(const ch_axis *self, FILE *out)
{
    double labels[CH_AXIS_LABELS];
    const size_t count = ch_axis_labels(self, false, labels);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "'%.10g' %.17g, ", labels[i], labels[i]);
    }
    fprintf(out, "'' %.17g 1)\n", 2 * self->hi); /* out of range: ends the list */
}

void ch_axis_write(const ch_axis *self, FILE *out, const char *name, bool binary)
{
    const powers p = powers_of(self, binary);
    fprintf(out, "set logscale %s %d\nset %srange [%.17g:%.17g]\nset %stics (", name, p.base, name, self->lo, self->hi,
            name);
    if (is_narrow(self)) {
        write_round(self, out);
        return;
    }
    for (int power = p.first; power <= p.last; power++) {
        if (power % p.step == 0) { /* U+2212 is a minus sign */
            fprintf(out, "'%d^{%s%d}' %.17g, ", p.base, power < 0 ? "−" : "", power < 0 ? -power : power,
                    pow(p.base, power));
        } else {
            fprintf(out, "'' %.17g 1, ", pow(p.base, power));
        }
    }
    fprintf(out, "'' %.17g 1)\n", pow(p.base, p.last + 1)); /* out of range: ends the list */
}
