/* axis.c — an axis: the range of what is drawn, and its tick marks. */
#include "plots/axis.h"

#include "plots/layout.h"

#include <math.h>
#include <stdlib.h>

void ch_axis_include(ch_axis *self, double value)
{
    if (!isfinite(value) || (!self->is_linear && !(value > 0))) {
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

/* Some margin; a range without width is widened by a tenth of its value, or to ±1. */
static void finish_linear(ch_axis *self)
{
    const double margin = 0.06;
    const double width = self->hi > self->lo ? self->hi - self->lo : fabs(self->lo) > 0 ? 0.1 * fabs(self->lo) : 1;
    self->lo -= margin * width;
    self->hi += margin * width;
}

void ch_axis_finish(ch_axis *self, double span)
{
    if (self->is_linear) {
        finish_linear(self);
        return;
    }
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

/* Whether round numbers are labelled, and no powers. */
static bool is_narrow(const ch_axis *self)
{
    return self->is_linear || self->hi < CH_AXIS_SPAN * self->lo;
}

/* Powers of a base within the range: labels sit at multiples of the step, so that neighbouring panels agree. */
typedef struct {
    int base, first, last, step;
} powers;

static powers powers_of(const ch_axis *self, ch_axis_scale scale, int most)
{
    const bool is_binary = scale == CH_SCALE_BINARY || (scale == CH_SCALE_POWERS && self->hi < 100 * self->lo);
    const int base = is_binary ? 2 : 10;
    const double unit = log(base);
    const int first = (int)ceil(log(self->lo) / unit), last = (int)floor(log(self->hi) / unit);
    return (powers){base, first, last, (last - first) / most + 1};
}

/* 1, 2 and 5 times powers of ten within the range, as many as an array of labels holds.  @return their number */
static size_t ones_twos_and_fives(const ch_axis *self, double labels[CH_AXIS_MOST_LABELS])
{
    static const double factors[] = {1, 2, 5};
    size_t count = 0;
    const int first = (int)floor(log10(self->lo)), last = (int)floor(log10(self->hi));
    for (int power = first; power <= last; power++) {
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
            const double value = factors[i] * pow(10, power);
            if (value >= self->lo && value <= self->hi && count < CH_AXIS_MOST_LABELS) {
                labels[count++] = value;
            }
        }
    }
    return count;
}

size_t ch_axis_labels(const ch_axis *self, ch_axis_scale scale, int most, double labels[CH_AXIS_MOST_LABELS])
{
    size_t count = 0;
    if (is_narrow(self)) {
        const double step = round_step(self, most);
        for (double place = step * ceil(self->lo / step); place <= self->hi && count < CH_AXIS_MOST_LABELS;
             place += step) {
            labels[count++] = fabs(place) < 1e-9 * step ? 0 : place;
        }
        return count;
    }
    if (scale == CH_SCALE_PERCENT && (count = ones_twos_and_fives(self, labels)) <= (size_t)most) {
        return count;
    }
    const powers p = powers_of(self, scale, most);
    count = 0;
    for (int power = p.first; power <= p.last && count < CH_AXIS_MOST_LABELS; power++) {
        if (power % p.step == 0) {
            labels[count++] = pow(p.base, power);
        }
    }
    return count;
}

/* The text of a label: "10^{−3}" with a minus sign, U+2212; a round number; or a percentage. */
static void write_label(FILE *out, ch_axis_scale scale, int base, bool is_round, double value)
{
    if (scale == CH_SCALE_PERCENT) {
        fprintf(out, "'%.10g' %.17g, ", 100 * value, value);
    } else if (is_round) {
        fprintf(out, "'%s%.10g' %.17g, ", value < 0 ? "−" : "", fabs(value), value);
    } else {
        const int power = (int)lround(log(value) / log(base));
        fprintf(out, "'%d^{%s%d}' %.17g, ", base, power < 0 ? "−" : "", abs(power), value);
    }
}

/* Tick marks without labels: at the other powers; where every power of ten has a label, at multiples of these. */
static void write_minor_ticks(FILE *out, const powers *p)
{
    if (p->base == 10 && p->step == 1) {
        for (int power = p->first - 1; power <= p->last; power++) {
            for (int factor = 2; factor <= 9; factor++) {
                fprintf(out, "'' %.17g 1, ", factor * pow(10, power));
            }
        }
        return;
    }
    for (int power = p->first; power <= p->last; power++) {
        if (power % p->step != 0) {
            fprintf(out, "'' %.17g 1, ", pow(p->base, power));
        }
    }
}

void ch_axis_label_text(ch_axis_scale scale, double value, char *text, size_t size)
{
    if (scale == CH_SCALE_PERCENT) {
        snprintf(text, size, "%.3g", 100 * value);
    } else {
        ch_number_text(value, text, size);
    }
}

void ch_axis_write(const ch_axis *self, FILE *out, const char *name, ch_axis_scale scale, int most)
{
    const int count_of = most > 0 ? most : CH_AXIS_LABELS;
    const powers p = self->is_linear ? (powers){.base = 10} : powers_of(self, scale, count_of);
    double labels[CH_AXIS_MOST_LABELS];
    const size_t count = ch_axis_labels(self, scale, count_of, labels);
    if (!self->is_linear) {
        fprintf(out, "set logscale %s %d\n", name, p.base);
    }
    fprintf(out, "set %srange [%.17g:%.17g]\nset %stics (", name, self->lo, self->hi, name);
    for (size_t i = 0; i < count; i++) {
        if (most > 0) {
            write_label(out, scale, p.base, is_narrow(self), labels[i]);
        } else {
            fprintf(out, "'' %.17g, ", labels[i]);
        }
    }
    if (!is_narrow(self)) {
        write_minor_ticks(out, &p);
    }
    fprintf(out, "'' %.17g 1)\n", self->hi + fabs(self->hi) + 1); /* out of range: ends the list */
}
