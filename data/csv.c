/* csv.c — tables of numbers as text. */
#include "data/array_private.h"

#include "core/available.h"
#include "core/memory.h"
#include "core/text.h"
#include "data/gz.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* ---- the text ---- */

/* Reads a whole file, plain or gzipped, and ends it with a zero.
 * @param text  out: to be freed, also after a failure */
static ch_code read_text(const char *path, char **text, size_t *size, ch_error *err)
{
    enum { PIECE = 1 << 16, MOST = 1 << 24 }; /* the memory doubles as the text grows, and the pieces with it */
    size_t capacity = 0;
    const size_t limit = ch_memory_limit();
    ch_code code = CH_OK;
    *text = NULL;
    *size = 0;
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        return errno != 0 ? ch_error_set(err, CH_ERROR_INPUT, "%s cannot be read: %s", path, strerror(errno))
                          : ch_error_memory(err, "reading a file");
    }
    gzbuffer(file, 1 << 17);
    for (;;) {
        void *grown = *text;
        if (*size > limit) {
            code = ch_error_set(
                err, CH_ERROR_INPUT,
                "%s holds over %s of text, more than the memory that can be had here; accepted is a smaller "
                "file, or NPY, in which numbers are shorter",
                path, ch_show_bytes(limit).text);
            goto out;
        }
        if (ch_grow(&grown, &capacity, *size + PIECE + 1, 1) != 0) {
            code = ch_error_memory(err, "the text of a table");
            goto out;
        }
        *text = grown;
        const size_t room = capacity - *size - 1;
        const int piece = room < MOST ? (int)room : MOST;
        const int got = gzread(file, *text + *size, (unsigned)piece);
        *size += got > 0 ? (size_t)got : 0;
        if (got < piece) {
            code = ch_gz_failure(file, path, err);
            if (code != CH_OK) {
                goto out;
            }
            break;
        }
    }
    (*text)[*size] = '\0';
    if (strlen(*text) != *size) {
        code = ch_error_set(
            err, CH_ERROR_INPUT,
            "%s is of no known kind: it has bytes of 0 in it; accepted is NPY, NPZ, IDX, HDF5 or CSV, plain "
            "or gzipped",
            path);
    }
out:
    gzclose(file);
    return code;
}

/* ---- lines and fields ---- */

typedef struct {
    const char *path;   /* borrowed */
    char *at;           /* what is still to be read */
    uint64_t line;      /* number of the line before it */
    char separator;     /* ',', ';', a tab, or ' ' for any number of spaces */
    size_t num_columns; /* 0 until the first line is read */
    ch_error *err;
} reader;

/* Takes the next line that is not empty and no comment. It ends with a zero in place of its newline.
 * @return NULL at the end */
static char *next_line(reader *self)
{
    while (*self->at != '\0') {
        char *line = self->at, *end = line + strcspn(line, "\n");
        self->at = *end != '\0' ? end + 1 : end;
        self->line++;
        while (end > line && strchr(" \t\r\n", end[-1]) != NULL && !(self->separator == '\t' && end[-1] == '\t')) {
            end--;
        }
        *end = '\0';
        line += strspn(line, " ");
        if (*line != '\0' && (*line != '#' || self->num_columns == 0)) {
            return line;
        }
    }
    return NULL;
}

static char find_separator(const char *line)
{
    static const char kinds[] = ",;\t ";
    size_t kind = 0;
    while (kinds[kind] != ' ' && strchr(line, kinds[kind]) == NULL) {
        kind++;
    }
    return kinds[kind];
}

/* A field of a line, without the spaces and quotes around it. */
typedef struct {
    const char *begin, *end;
} field;

/* Takes the next field of a line.
 * @param rest  what follows it; NULL after the last one */
static field next_field(const char **rest, char separator)
{
    field found = {*rest + strspn(*rest, " "), NULL};
    const char *behind = found.begin;
    if (*found.begin == '"') {
        found.begin++;
        found.end = found.begin + strcspn(found.begin, "\"");
        behind = *found.end != '\0' ? found.end + 1 : found.end;
        behind += separator != ' ' ? strspn(behind, " ") : 0;
    } else {
        while (*behind != '\0' && *behind != separator) {
            behind++;
        }
        found.end = behind;
        while (found.end > found.begin && (found.end[-1] == ' ' || (found.end[-1] == '\t' && separator != '\t'))) {
            found.end--;
        }
    }
    *rest = *behind == separator ? behind + 1 : NULL;
    if (*rest != NULL && separator == ' ') {
        *rest += strspn(*rest, " ");
    }
    return found;
}

static size_t count_fields(const char *line, char separator)
{
    size_t count = 0;
    for (const char *rest = line; rest != NULL; count++) {
        next_field(&rest, separator);
    }
    return count;
}

/* Whether a field is a word, with or without regard to capital letters. */
static bool is_word(field self, const char *word, bool exactly)
{
    const size_t length = (size_t)(self.end - self.begin);
    return length == strlen(word) &&
           (exactly ? strncmp(self.begin, word, length) : strncasecmp(self.begin, word, length)) == 0;
}

/* Reads what is no plain number of up to 15 digits. */
static bool parse_other(field self, double *number)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {
        {"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}, {"infinity", INFINITY}, {"-infinity", -INFINITY}};
    char text[64];
    ch_number read;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(self, words[i].word, false)) {
            *number = words[i].value;
            return true;
        }
    }
    if ((size_t)(self.end - self.begin) >= sizeof text) {
        return false;
    }
    snprintf(text, sizeof text, "%.*s", (int)(self.end - self.begin), self.begin);
    if (!ch_number_parse(&read, text) || read.power) {
        return false;
    }
    *number = read.value;
    return true;
}

/* Reads a number of up to 15 digits exactly: such an integer, and a power of ten up to 10^15, are doubles, and one
 * division rounds once. Anything else takes longer.
 * @return whether the whole field is a number; infinities and NaN are */
static bool parse_number(field self, double *number)
{
    enum { MOST_DIGITS = 15 };
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *at = self.begin;
    const bool is_negative = at < self.end && *at == '-';
    uint64_t digits = 0;
    size_t count = 0, behind = 0;
    at += at < self.end && (*at == '-' || *at == '+');
    for (; at < self.end && *at >= '0' && *at <= '9' && count < MOST_DIGITS; at++, count++) {
        digits = 10 * digits + (uint64_t)(*at - '0');
    }
    if (at < self.end && *at == '.') {
        for (at++; at < self.end && *at >= '0' && *at <= '9' && count < MOST_DIGITS; at++, count++, behind++) {
            digits = 10 * digits + (uint64_t)(*at - '0');
        }
    }
    if (at < self.end || count == 0) {
        return parse_other(self, number);
    }
    const double size = (double)digits / powers[behind];
    *number = is_negative ? -size : size;
    return true;
}

/* ---- the header, and the column of the labels ---- */

/* What is known of the table's columns. */
typedef struct {
    const char *names; /* the header's line, borrowed from the text; NULL: there is none */
    size_t label;      /* index of the column of labels; SIZE_MAX: none */
    size_t num_lines;  /* an upper bound on their number */
} columns;

static bool has_words(const char *line, char separator)
{
    bool found = false;
    for (const char *rest = line; rest != NULL && !found;) {
        double number = 0;
        found = !parse_number(next_field(&rest, separator), &number);
    }
    return found;
}

/* Finds the column that a header calls by a name.  @return SIZE_MAX where there is none */
static size_t find_column(const columns *self, char separator, const char *name, bool exactly)
{
    const char *rest = self->names;
    for (size_t index = 0; rest != NULL; index++) {
        if (is_word(next_field(&rest, separator), name, exactly)) {
            return index;
        }
    }
    return SIZE_MAX;
}

/* The column that is meant by its number: 1 is the first, and -1 the last. */
static size_t numbered_column(const reader *self, const char *column)
{
    char *end = NULL;
    errno = 0;
    const long number = strtol(column, &end, 10);
    const bool is_number = *column != '\0' && *end == '\0' && errno == 0;
    if (is_number && number >= 1 && (size_t)number <= self->num_columns) {
        return (size_t)number - 1;
    }
    return is_number && number < 0 && (size_t)-number <= self->num_columns ? self->num_columns - (size_t)-number
                                                                           : SIZE_MAX;
}

static ch_code refuse_column(const reader *self, const columns *known, const char *column, ch_error *err)
{
    const char *names = known->names;
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "data_labels %s%s%s, but %s has %zu columns%s%.300s%s; accepted is the name of a column of its first line, "
        "its number (-1 is the last), or a file of labels",
        column == NULL ? "is not set" : "is '", column == NULL ? "" : ch_show(column).text, column == NULL ? "" : "'",
        self->path, self->num_columns, names != NULL ? ", " : " and no names of them", names != NULL ? names : "",
        names != NULL && column == NULL ? ", none of which is called label, class, target or y" : "");
}

static ch_code find_labels(const reader *self, columns *known, const char *column, ch_error *err)
{
    static const char *const usual[] = {"label", "class", "target", "y", "labels"};
    known->label = SIZE_MAX;
    if (column != NULL && column[0] == '\0') {
        return CH_OK;
    }
    if (column != NULL) {
        known->label = find_column(known, self->separator, column, true);
        known->label = known->label == SIZE_MAX ? numbered_column(self, column) : known->label;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual && column == NULL && known->label == SIZE_MAX; i++) {
        known->label = find_column(known, self->separator, usual[i], false);
    }
    return known->label != SIZE_MAX ? CH_OK : refuse_column(self, known, column, err);
}

/* Counts lines for an upper bound on those of numbers. */
static size_t count_lines(const char *text)
{
    const char *end = text + strlen(text);
    size_t count = 1;
    for (const char *c = text; (c = memchr(c, '\n', (size_t)(end - c))) != NULL; c++) {
        count++;
    }
    return count;
}

/* Gives a line back, so that it is read again. */
static void put_back(reader *self, char *line)
{
    char *zero = line + strlen(line); /* in place of the newline, or of blanks before it */
    if (self->at > zero) {
        memset(zero, ' ', (size_t)(self->at - zero));
        self->at[-1] = '\n';
    }
    self->at = line;
    self->line--;
}

/* Reads what the first lines say: a header has words in it, or is a comment with as many fields as the numbers after
 * it, which is how numpy.savetxt writes one. */
static ch_code read_header(reader *self, columns *known, const char *column, ch_error *err)
{
    if (strncmp(self->at, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        self->at += 3;
    }
    known->num_lines = count_lines(self->at);
    char *line = next_line(self), *comment = NULL;
    while (line != NULL && *line == '#') {
        comment = line + 1;
        line = next_line(self);
    }
    if (line == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT, "%s is empty", self->path);
    }
    self->separator = find_separator(line);
    self->num_columns = count_fields(line, self->separator);
    const bool has_names = has_words(line, self->separator);
    const bool is_in_comment = comment != NULL && count_fields(comment, self->separator) == self->num_columns;
    known->names = has_names ? line : is_in_comment ? comment : NULL;
    if (!has_names) {
        put_back(self, line);
    }
    return find_labels(self, known, column, err);
}

/* ---- the numbers ---- */

static ch_code refuse_field(const reader *self, size_t column, field is, const char *accepted)
{
    char text[72];
    snprintf(text, sizeof text, "%.*s", (int)(is.end - is.begin < 70 ? is.end - is.begin : 70), is.begin);
    return ch_error_set(self->err, CH_ERROR_INPUT, "%s, line %" PRIu64 ", column %zu: '%s' is %s", self->path,
                        self->line, column + 1, ch_show(text).text, accepted);
}

/* Reads one line. @param row  out: [num_columns - 1 or num_columns] */
static ch_code read_line(const reader *self, const columns *known, const char *line, double *row, int64_t *label)
{
    size_t column = 0;
    for (const char *rest = line; rest != NULL; column++) {
        double number = 0;
        const field is = next_field(&rest, self->separator);
        if (column == self->num_columns) {
            column++;
            break;
        }
        if (!parse_number(is, &number)) {
            return refuse_field(self, column, is, "no number; accepted are numbers, and a first line of names");
        }
        if (column != known->label) {
            *row++ = number;
            continue;
        }
        if (!(fabs(number) <= 0x1p53 && number == floor(number))) {
            return refuse_field(self, column, is, "no label; accepted are integers");
        }
        *label = (int64_t)number;
    }
    if (column != self->num_columns) {
        return ch_error_set(self->err, CH_ERROR_INPUT,
                            "%s, line %" PRIu64 ": it has %s columns than the first line, %zu", self->path, self->line,
                            column < self->num_columns ? "fewer" : "more", self->num_columns);
    }
    return CH_OK;
}

static ch_code read_lines(reader *self, const columns *known, ch_array *table, ch_array *labels)
{
    const size_t width = self->num_columns - (known->label != SIZE_MAX);
    size_t count = 0;
    for (char *line = next_line(self); line != NULL; line = next_line(self)) {
        int64_t label = 0;
        const ch_code code = read_line(self, known, line, (double *)table->numbers + count * width, &label);
        if (code != CH_OK) {
            return code;
        }
        if (known->label != SIZE_MAX) {
            ((int64_t *)labels->numbers)[count] = label;
        }
        count++;
    }
    if (count == 0) {
        return ch_error_set(self->err, CH_ERROR_INPUT, "%s has a first line of names and no numbers", self->path);
    }
    table->sizes[0] = count;
    table->count = count * width;
    if (known->label != SIZE_MAX) {
        labels->sizes[0] = labels->count = count;
    }
    return CH_OK;
}

ch_code ch_array_read_csv(ch_array *table, ch_array *labels, const char *name, const char *column, ch_error *err)
{
    char *text = NULL;
    size_t size = 0;
    columns known = {.label = SIZE_MAX};
    memset(table, 0, sizeof *table);
    memset(labels, 0, sizeof *labels);
    ch_code code = read_text(name, &text, &size, err);
    if (code != CH_OK) {
        goto out;
    }
    reader self = {.path = name, .at = text, .err = err};
    code = read_header(&self, &known, column, err);
    if (code != CH_OK) {
        goto out;
    }
    const size_t width = self.num_columns - (known.label != SIZE_MAX);
    if (width == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "%s has labels and nothing else; accepted is at least one more column",
                            name);
        goto out;
    }
    code = ch_array_init(table, CH_ELEMENT_F64, (size_t[]){known.num_lines, width}, 2, name, err);
    if (code != CH_OK) {
        goto out;
    }
    if (known.label != SIZE_MAX) {
        code = ch_array_init(labels, CH_ELEMENT_I64, &known.num_lines, 1, name, err);
        if (code != CH_OK) {
            goto out;
        }
    }
    code = read_lines(&self, &known, table, labels);
out:
    free(text);
    if (code != CH_OK) {
        ch_array_free(table);
        ch_array_free(labels);
    }
    return code;
}
