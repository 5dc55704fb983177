/* columns.c — the runs of a report, column by column, packed into a script block of JSON. */
#include "report/columns.h"

#include "core/memory.h"
#include "core/memstream.h"
#include "core/text.h"
#include "report/html.h"
#include "report/values.h"
#include "sim/store/results.h"

#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- bytes ---- */

/* Writes bytes, deflated, as a member "name": "base64". */
static ch_code write_packed(const char *name, const uint8_t *bytes, size_t length, FILE *out, ch_error *err)
{
    uLongf packed_length = compressBound((uLong)length);
    uint8_t *packed = ch_alloc(packed_length, 1);
    char *text = ch_alloc(BASE64_ENCODE_RAW_LENGTH(packed_length) + 1, 1);
    ch_code code = CH_OK;
    if (packed == NULL || text == NULL || compress2(packed, &packed_length, bytes, (uLong)length, 9) != Z_OK) {
        code = ch_error_memory(err, "the runs of a report");
        goto out;
    }
    base64_encode_raw(text, packed_length, packed);
    fprintf(out, ",\"%s\":\"%s\"", name, text);
out:
    free(packed);
    free(text);
    return code;
}

/* Packs unsigned numbers of `width` bytes in planes, the highest byte first. */
static ch_code write_planes(const char *name, const uint64_t *numbers, size_t count, size_t width, FILE *out,
                            ch_error *err)
{
    uint8_t *bytes = ch_alloc(count * width, 1);
    if (bytes == NULL) {
        return ch_error_memory(err, "the runs of a report");
    }
    for (size_t k = 0; k < width; k++) {
        for (size_t i = 0; i < count; i++) {
            bytes[k * count + i] = (uint8_t)(numbers[i] >> 8 * (width - 1 - k));
        }
    }
    fprintf(out, ",\"width\":%zu", width);
    const ch_code code = write_packed(name, bytes, count * width, out, err);
    free(bytes);
    return code;
}

/* The bits of a double of which the last are 0, so that so many are left behind the point. */
static uint64_t rounded(double value, unsigned kept)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    const unsigned dropped = 52 - kept;
    if (dropped > 0 && isfinite(value)) {
        bits = (bits + (UINT64_C(1) << (dropped - 1))) >> dropped << dropped;
    }
    return bits;
}

/* ---- columns of many values ---- */

static void begin_column(const char *name, const char *kind, const char *help, FILE *out)
{
    fprintf(out, ",\n{\"name\":\"%s\",\"kind\":\"%s\",\"help\":", name, kind);
    ch_html_json_text(help, out);
}

/* Writes a number as JSON; null where it is none. */
static void write_number(double value, FILE *out)
{
    char text[32];
    if (isfinite(value)) {
        ch_number_format(value, text, sizeof text);
        fputs(text, out);
    } else {
        fputs("null", out);
    }
}

/* ---- columns of few values ---- */

/* What the columns are made from, and room for the numbers of one of them. */
typedef struct {
    const ch_fit *fit;
    size_t count;          /* of runs */
    ch_html_values values; /* of a column; owned */
    double *reals;         /* [count]; owned */
    uint64_t *bits;        /* [count]; owned */
    unsigned kept;         /* bits of a number behind the point */
} packer;

/* Ends a column whose values were written: which of them each run has. */
static ch_code write_index(const ch_html_values *values, FILE *out, ch_error *err)
{
    const size_t width = values->distinct <= 1 << 8 ? 1 : values->distinct <= 1 << 16 ? 2 : 4;
    return values->distinct > 1 ? write_planes("index", values->index, values->count, width, out, err) : CH_OK;
}

/* Writes texts as the values of a column: those that the caller has set. */
static ch_code write_words(ch_html_values *values, FILE *out, ch_error *err)
{
    ch_html_values_number(values);
    for (size_t i = 0; i < values->distinct; i++) {
        fputs(i == 0 ? ",\"values\":[" : ",", out);
        ch_html_json_text(values->values[i].text, out);
    }
    fputc(']', out);
    return write_index(values, out, err);
}

static ch_code write_setting(packer *self, size_t setting, FILE *out, ch_error *err)
{
    const ch_setting *row = &ch_settings_table[setting];
    const bool is_number = row->type == CH_TYPE_REAL || row->type == CH_TYPE_COUNT;
    ch_html_values *values = &self->values;
    if (!ch_html_values_of_setting(values, setting)) {
        return CH_OK;
    }
    begin_column(row->name, "setting", row->help, out);
    if (row->default_text != NULL) {
        fputs(",\"default\":", out);
        ch_html_json_text(row->default_text, out);
    }
    for (size_t i = 0; i < values->distinct; i++) {
        char text[2 * CH_SETTING_TEXT_SIZE];
        ch_html_values_show(values, setting, i, text, sizeof text);
        fputs(i == 0 ? ",\"values\":[" : ",", out);
        ch_html_json_text(text, out);
    }
    for (size_t i = 0; is_number && i < values->distinct; i++) {
        fputs(i == 0 ? "],\"numbers\":[" : ",", out);
        write_number(values->values[i].number, out);
    }
    fputc(']', out);
    const ch_code code = write_index(values, out, err);
    fputc('}', out);
    return code;
}

/* ---- results ---- */

/* Writes a result in words: how a run ended. */
static ch_code write_result_words(packer *self, const ch_result *row, FILE *out, ch_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        const char *text = ch_result_text(row, &self->fit->table->runs[i]);
        self->values.values[i] = (ch_html_value){.text = text != NULL ? text : "—", .run = i};
    }
    begin_column(row->name, "result", row->help, out);
    const ch_code code = write_words(&self->values, out, err);
    fputc('}', out);
    return code;
}

/* Takes the numbers of a result from all runs.  @return whether any run has it */
static bool take_result(packer *self, const ch_result *row)
{
    bool has = false;
    for (size_t i = 0; i < self->count; i++) {
        const ch_run *run = &self->fit->table->runs[i];
        const uint64_t count = row->type == CH_RESULT_COUNT ? ch_result_number(row, run) : 0;
        self->reals[i] = row->type == CH_RESULT_REAL ? ch_result_real(row, run)
                         : count == CH_UNCOUNTED     ? (double)NAN
                                                     : (double)count;
        has = has || !isnan(self->reals[i]);
    }
    return has;
}

static ch_code write_result(packer *self, const ch_result *row, FILE *out, ch_error *err)
{
    if (row->type == CH_RESULT_STATUS || row->type == CH_RESULT_CAUSE) {
        return write_result_words(self, row, out, err);
    }
    if (!take_result(self, row)) {
        return CH_OK;
    }
    begin_column(row->name, "result", row->help, out);
    for (size_t i = 0; i < self->count; i++) {
        self->bits[i] = rounded(self->reals[i], self->kept);
    }
    const ch_code code = write_planes("reals", self->bits, self->count, sizeof *self->bits, out, err);
    fputc('}', out);
    return code;
}

/* ---- ids and groups ---- */

void ch_html_run_id(const ch_run *run, char id[CH_ID_SIZE])
{
    id[0] = '\0';
    if (ch_run_age(run) == 0) {
        ch_settings_id(&run->resolved, id);
    }
}

/* Writes the first digits of all ids; zeros where a run has none. */
static ch_code write_ids(const packer *self, FILE *out, ch_error *err)
{
    enum { WIDTH = CH_HTML_ID_DIGITS / 2 };
    uint8_t *bytes = ch_alloc(self->count * WIDTH, 1);
    if (bytes == NULL) {
        return ch_error_memory(err, "the runs of a report");
    }
    for (size_t i = 0; i < self->count; i++) {
        char id[CH_ID_SIZE], digits[3] = "";
        ch_html_run_id(&self->fit->table->runs[i], id);
        for (size_t k = 0; id[0] != '\0' && k < WIDTH; k++) {
            memcpy(digits, id + 2 * k, 2);
            bytes[WIDTH * i + k] = (uint8_t)strtoul(digits, NULL, 16);
        }
    }
    fprintf(out, "{\"name\":\"id\",\"kind\":\"id\",\"help\":\"first digits of the run's id\",\"width\":%d", WIDTH);
    const ch_code code = write_packed("bytes", bytes, self->count * WIDTH, out, err);
    fputc('}', out);
    free(bytes);
    return code;
}

/* Writes which group of the fit each run is in. */
static ch_code write_groups(packer *self, FILE *out, ch_error *err)
{
    const ch_fit *fit = self->fit;
    enum { SIZE = 256 };
    char(*labels)[SIZE] = ch_alloc(fit->num_groups + 1, sizeof *labels);
    ch_code code = CH_OK;
    if (labels == NULL) {
        return ch_error_memory(err, "the runs of a report");
    }
    snprintf(labels[fit->num_groups], SIZE, "—");
    for (size_t i = 0; i < self->count; i++) {
        self->values.values[i] = (ch_html_value){.number = NAN, .text = labels[fit->num_groups], .run = i};
    }
    for (size_t g = 0; g < fit->num_groups; g++) {
        ch_fit_group_label(fit, &fit->groups[g], labels[g], SIZE);
        for (size_t i = 0; i < fit->groups[g].num_runs; i++) {
            const size_t run = (size_t)(fit->groups[g].runs[i] - fit->runs);
            self->values.values[run] = (ch_html_value){.number = (double)g, .text = labels[g], .run = run};
        }
    }
    begin_column("group", "group", "the group of runs that are fitted together", out);
    code = write_words(&self->values, out, err);
    fputc('}', out);
    free(labels);
    return code;
}

/* ---- all columns ---- */

static ch_code write_columns(packer *self, FILE *out, ch_error *err)
{
    const double digits = 0.30103 * (self->kept + 1);
    fprintf(out, "{\"count\":%zu,\"digits\":%.0f,\"columns\":[\n", self->count, floor(digits));
    ch_code code = write_ids(self, out, err);
    if (code != CH_OK) {
        return code;
    }
    code = write_groups(self, out, err);
    for (size_t i = 0; i < CH_SETTINGS_STORED && code == CH_OK; i++) {
        code = write_setting(self, i, out, err);
    }
    for (size_t i = 0; i < ch_results_count() && code == CH_OK; i++) {
        const ch_result row = ch_result_at(i);
        code = write_result(self, &row, out, err);
    }
    fputs("]}\n", out);
    return code;
}

/* Writes all columns into memory.  @param text  to be freed by the caller; NULL after a failure */
static ch_code make_text(packer *self, char **text, size_t *length, ch_error *err)
{
    FILE *out = ch_memstream_open(text, length);
    if (out == NULL) {
        return ch_error_memory(err, "the runs of a report");
    }
    const ch_code code = write_columns(self, out, err);
    if (!ch_memstream_close(out, text)) {
        return code != CH_OK ? code : ch_error_memory(err, "the runs of a report");
    }
    return code;
}

ch_code ch_html_columns(const ch_fit *fit, size_t most, FILE *out, ch_error *err)
{
    static const unsigned kept[] = {52, 30, 23, 17, 14, 11}; /* bits behind the point: 15 to 3 digits */
    const size_t count = fit->table->count;
    packer self = {.fit = fit,
                   .count = count,
                   .reals = ch_alloc(count, sizeof(double)),
                   .bits = ch_alloc(count, sizeof(uint64_t))};
    char *text = NULL;
    size_t length = most + 1;
    ch_code code = ch_html_values_init(&self.values, fit, err);
    if (code != CH_OK) {
        goto out;
    }
    if (self.reals == NULL || self.bits == NULL) {
        code = ch_error_memory(err, "the runs of a report");
        goto out;
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept && length > most; i++) {
        free(text);
        text = NULL;
        self.kept = kept[i];
        code = make_text(&self, &text, &length, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    fwrite(text, 1, length, out);
out:
    free(text);
    ch_html_values_free(&self.values);
    free(self.reals);
    free(self.bits);
    return code;
}
