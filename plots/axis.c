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
    const double margin = 0.06, least = 1e-305, most = 1e305; /* a tick beyond has a value that a double holds */
    const double spare = span * self->lo / self->hi;
    if (spare > 1) {
        self->lo /= sqrt(spare);
        self->hi *= sqrt(spare);
    }
    const double factor = pow(self->hi, margin) / pow(self->lo, margin);
    self->lo = fmin(fmax(self->lo / factor, least), most / CH_AXIS_SPAN);
    self->hi = fmax(fmin(self->hi * factor, most), least * CH_AXIS_SPAN);
}

/* The step between labels: the least 1, 2 or 5 times a power of ten that leaves not more than `most` of them. */
static double round_step(const ch_axis *self, int most)
{
    static const double steps[] = {2, 5, 10, 20, 50};
    const double power = pow(10, floor(log10(self->hi - self->lo)) - 1);
    const double tenths = (self->hi - self->lo) / power; /* 10 … 100 */
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof *steps && tenths >= steps[i] * most) {
        i++;
    }
    return power * steps[i];
}

static bool is_narrow(const ch_axis *self)
{
    return self->hi < CH_AXIS_SPAN * self->lo;
}

/* Powers of a base within the range: labels sit at multiples of the step, so that neighbouring panels agree. */
typedef struct {
    int base, first, last, step;
} powers;

static powers powers_of(const ch_axis *self, bool binary, int most)
{
    const int base = binary || self->hi < 100 * self->lo ? 2 : 10;
    const double unit = log(base);
    const int first = (int)ceil(log(self->lo) / unit), last = (int)floor(log(self->hi) / unit);
    return (powers){base, first, last, (last - first) / most + 1};
}

size_t ch_axis_labels(const ch_axis *self, bool binary, int most, double labels[CH_AXIS_MOST_LABELS])
{
    size_t count = 0;
    if (is_narrow(self)) {
        const double step = round_step(self, most);
        for (double place = step * ceil(self->lo / step); place <= self->hi && count < CH_AXIS_MOST_LABELS;
             place += step) {
            labels[count++] = place;
        }
        return count;
    }
    const powers p = powers_of(self, binary, most);
    for (int power = p.first; power <= p.last && count < CH_AXIS_MOST_LABELS; power++) {
        if (power % p.step == 0) {
            labels[count++] = pow(p.base, power);
        }
    }
    return count;
}

static void write_round(const ch_axis *self, FILE *out, int most)
{
    double labels[CH_AXIS_MOST_LABELS];
    const size_t count = ch_axis_labels(self, false, most > 0 ? most : CH_AXIS_LABELS, labels);
    for (size_t i = 0; i < count; i++) {
        if (most > 0) {
            fprintf(out, "'%.10g' %.17g, ", labels[i], labels[i]);
        } else {
            fprintf(out, "'' %.17g, ", labels[i]);
        }
    }
    fprintf(out, "'' %.17g 1)\n", 2 * self->hi); /* out of range: ends the list */
}

void ch_axis_write(const ch_axis *self, FILE *out, const char *name, bool binary, int most)
{
    const powers p = powers_of(self, binary, most > 0 ? most : CH_AXIS_LABELS);
    fprintf(out, "set logscale %s %d\nset %srange [%.17g:%.17g]\nset %stics (", name, p.base, name, self->lo, self->hi,
            name);
    if (is_narrow(self)) {
        write_round(self, out, most);
        return;
    }
    for (int power = p.first; power <= p.last; power++) {
        if (power % p.step == 0 && most == 0) {
            fprintf(out, "'' %.17g, ", pow(p.base, power));
        } else if (power % p.step == 0) { /* U+2212 is a minus sign */
            fprintf(out, "'%d^{%s%d}' %.17g, ", p.base, power < 0 ? "−" : "", power < 0 ? -power : power,
                    pow(p.base, power));
        } else {
            fprintf(out, "'' %.17g 1, ", pow(p.base, power));
        }
    }
    fprintf(out, "'' %.17g 1)\n", pow(p.base, p.last + 1)); /* out of range: ends the list */
}
