/* meter.c — shows the progress of a long command. */
#include "cli/meter.h"

#include "core/clock.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const double REDRAW_SECONDS = 0.1; /* between two displays on a terminal */
static const double LINE_SECONDS = 5;     /* between two lines elsewhere */
enum { BAR_WIDTH = 30 };

void ch_meter_start(ch_meter *self, const char *unit, double patience)
{
    *self = (ch_meter){
        .unit = unit,
        .patience = patience,
        .started = ch_clock_now(),
        .shown = ch_clock_now(),
        .terminal = isatty(STDERR_FILENO) != 0,
    };
}

double ch_meter_elapsed(const ch_meter *self)
{
    return ch_clock_now() - self->started;
}

/* Writes 75 s as 1:15 and 3700 s as 1:01:40. */
static void format_seconds(double seconds, char *text, size_t size)
{
    if (!(seconds < 1e7)) {
        snprintf(text, size, "--:--");
        return;
    }
    const long whole = lround(seconds);
    if (whole >= 3600) {
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
    }
}

/* Writes "12/40" or, where the total is not known, "12 steps". */
static void format_count(const ch_meter *self, char *text, size_t size)
{
    if (self->total > 0) {
        snprintf(text, size, "%zu/%zu", self->done, self->total);
    } else {
        snprintf(text, size, "%zu %s", self->done, self->unit);
    }
}

/* Writes the time that is left at the present rate. */
static void format_left(const ch_meter *self, char *text, size_t size)
{
    const double seconds = ch_meter_elapsed(self) * (1 - self->share) / self->share;
    format_seconds(self->share > 0 ? seconds : INFINITY, text, size);
}

static void show(ch_meter *self)
{
    const double elapsed = ch_meter_elapsed(self);
    char count[64], left[32], bar[BAR_WIDTH + 1];
    format_count(self, count, sizeof count);
    format_left(self, left, sizeof left);
    for (int i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < (int)(self->share * BAR_WIDTH + 0.5) ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    const double rate = elapsed > 0 ? (double)self->done / elapsed : 0;
    const char *note = self->note, *between = note[0] != '\0' ? "  " : "";
    if (self->terminal) {
        fprintf(stderr, "\r[%s] ", bar);
    }
    fprintf(stderr, "%s  %.*f %s/s%s%s  %s left%s", count, rate < 10 ? 2 : 0, rate, self->unit, between, note, left,
            self->terminal ? " \033[K" : "\n");
    fflush(stderr);
    self->shown = ch_clock_now();
}

static bool is_patient(const ch_meter *self)
{
    return ch_meter_elapsed(self) < self->patience;
}

void ch_meter_set(ch_meter *self, size_t done, size_t total, double share)
{
    self->done = done;
    self->total = total;
    self->share = share;
    if (ch_clock_now() - self->shown >= (self->terminal ? REDRAW_SECONDS : LINE_SECONDS) && !is_patient(self)) {
        show(self);
    }
}

static void show_report(void *context, const ch_watch_report *report)
{
    ch_meter *self = context;
    self->unit = report->unit;
    snprintf(self->note, sizeof self->note, "%s", report->note != NULL ? report->note : "");
    ch_meter_set(self, (size_t)report->done, (size_t)report->total, report->share);
}

static void show_sentence(void *context, const char *sentence)
{
    ch_meter_say(context, sentence);
}

ch_watch ch_meter_watch(ch_meter *self, ch_stop *stop)
{
    return (ch_watch){.stop = stop, .progress = show_report, .say = show_sentence, .context = self};
}

void ch_meter_say(ch_meter *self, const char *sentence)
{
    fputs(self->terminal ? "\r\033[K" : "", stderr);
    ch_text_print(sentence, stderr);
    fputc('\n', stderr);
    fflush(stderr);
}

void ch_meter_finish(ch_meter *self)
{
    if (!self->terminal || is_patient(self)) {
        return;
    }
    if (self->total > 0) {
        show(self);
        fputc('\n', stderr);
    } else {
        fputs("\r\033[K", stderr);
    }
}
