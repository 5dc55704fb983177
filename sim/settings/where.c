/* where.c — conditions over the columns of a store, as users write them. */
#include "sim/settings/where.h"

#include "core/memory.h"
#include "core/memstream.h"
#include "core/text.h"
#include "sim/settings/reals.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the words of a condition ---- */

typedef enum {
    NUMBER, /* a decimal number, or a power such as 2^-3 */
    NAME,   /* a column or a keyword, also in the quotes of names */
    OTHER,  /* an operator, a parenthesis, a string */
} token_kind;

typedef struct {
    token_kind kind;
    const char *begin, *end;
    double value;  /* of a number */
    bool is_power; /* of a number: SQLite cannot read it */
} token;

/* The tokens of a condition, without blanks and comments. */
typedef struct {
    token *items; /* [count]; owned */
    size_t count;
} token_list;

static const char *skip_digits(const char *at)
{
    while (isdigit((unsigned char)*at)) {
        at++;
    }
    return at;
}

/* Skips [+-]digits. Returns `at` itself where there are no digits. */
static const char *skip_exponent(const char *at)
{
    const char *digits = at + (*at == '-' || *at == '+');
    const char *end = skip_digits(digits);
    return end > digits ? end : at;
}

/* Reads a number at `at`. Where it is none, such as 0x1f or 3rd, it becomes a token of another kind. */
static token read_number(const char *at)
{
    char text[64];
    ch_number number;
    const char *end = skip_digits(at);
    end = *end == '.' ? skip_digits(end + 1) : end;
    if (*end == 'e' || *end == 'E') {
        const char *after = skip_exponent(end + 1);
        end = after > end + 1 ? after : end;
    }
    bool is_power = false;
    if (*end == '^') {
        const char *after = skip_exponent(end + 1);
        is_power = after > end + 1;
        end = is_power ? after : end;
    }
    const bool is_word = isalnum((unsigned char)*end) || *end == '_';
    while (isalnum((unsigned char)*end) || *end == '_') {
        end++;
    }
    token read = {OTHER, at, end, 0, false};
    if ((size_t)(end - at) < sizeof text) {
        snprintf(text, sizeof text, "%.*s", (int)(end - at), at);
        if (!is_word && ch_number_parse(&number, text) && isfinite(number.value)) {
            read = (token){NUMBER, at, end, number.value, is_power};
        }
    }
    return read;
}

/* The end of what stands in quotes. A doubled quote is one of the characters inside. */
static const char *skip_quoted(const char *at, char quote)
{
    for (at++; *at != '\0'; at++) {
        if (*at == quote && at[1] != quote) {
            return at + 1;
        }
        at += *at == quote;
    }
    return at;
}

/* Skips blanks and the comments of SQL. */
static const char *skip_blanks(const char *at)
{
    for (;;) {
        if (isspace((unsigned char)*at)) {
            at++;
        } else if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end == NULL ? at + strlen(at) : end + 2;
        } else {
            return at;
        }
    }
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static token read_token(const char *at)
{
    static const char *const pairs[] = {"<=", ">=", "<>", "!=", "==", "||", "<<", ">>", "->"};
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1]))) {
        return read_number(at);
    }
    if (starts_name(*at)) {
        const char *end = at + 1;
        while (starts_name(*end) || isdigit((unsigned char)*end)) {
            end++;
        }
        return (token){NAME, at, end, 0, false};
    }
    if (*at == '"' || *at == '`') {
        return (token){NAME, at, skip_quoted(at, *at), 0, false};
    }
    if (*at == '\'') {
        return (token){OTHER, at, skip_quoted(at, '\''), 0, false};
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strncmp(at, pairs[i], 2) == 0) {
            return (token){OTHER, at, at + 2, 0, false};
        }
    }
    return (token){OTHER, at, at + 1, 0, false};
}

static ch_code read_tokens(token_list *self, const char *where, ch_error *err)
{
    self->items = ch_alloc(strlen(where) + 1, sizeof *self->items);
    if (self->items == NULL) {
        return ch_error_memory(err, "a condition");
    }
    for (const char *at = skip_blanks(where); *at != '\0'; at = skip_blanks(self->items[self->count - 1].end)) {
        self->items[self->count++] = read_token(at);
    }
    return CH_OK;
}

/* ---- asking ---- */

/* Whether token i is this operator or keyword, in small or capital letters. */
static bool is(const token_list *self, size_t i, const char *word)
{
    const size_t length = strlen(word);
    return i < self->count && (size_t)(self->items[i].end - self->items[i].begin) == length &&
           strncasecmp(self->items[i].begin, word, length) == 0;
}

static bool is_one_of(const token_list *self, size_t i, const char *const *words, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (is(self, i, words[k])) {
            return true;
        }
    }
    return false;
}

/* Whether a comparison may begin at token i: what stands before it takes no part of the comparison's first operand. */
static bool may_begin(const token_list *self, size_t i)
{
    static const char *const words[] = {"(", ",", "AND", "OR", "NOT", "CASE", "WHEN", "THEN", "ELSE"};
    return i == 0 || is_one_of(self, i - 1, words, sizeof words / sizeof *words);
}

/* Whether a comparison may end before token i. */
static bool may_end(const token_list *self, size_t i)
{
    static const char *const words[] = {")", ",", "AND", "OR", "WHEN", "THEN", "ELSE", "END"};
    return i >= self->count || is_one_of(self, i, words, sizeof words / sizeof *words);
}

/* The number of tokens of a real setting's column at i, which may stand behind "runs."; 0 where there is none. */
static size_t real_column(const token_list *self, size_t i)
{
    const size_t prefix = is(self, i, "runs") && is(self, i + 1, ".") ? 2 : 0;
    const token *name = &self->items[i + prefix];
    if (i + prefix >= self->count || name->kind != NAME) {
        return 0;
    }
    const bool quoted = *name->begin == '"' || *name->begin == '`';
    const char *begin = name->begin + quoted, *end = name->end - quoted;
    for (size_t k = 0; k < CH_SETTINGS_STORED; k++) {
        const ch_setting *row = &ch_settings_table[k];
        if (row->type == CH_TYPE_REAL && end > begin && strlen(row->name) == (size_t)(end - begin) &&
            strncasecmp(row->name, begin, (size_t)(end - begin)) == 0) {
            return prefix + 1;
        }
    }
    return 0;
}

/* The number of tokens of a number at i, which may have a sign; 0 where there is none. */
static size_t literal(const token_list *self, size_t i, double *value)
{
    const bool negative = is(self, i, "-"), sign = negative || is(self, i, "+");
    if (i + sign >= self->count || self->items[i + sign].kind != NUMBER) {
        return 0;
    }
    *value = negative ? -self->items[i + sign].value : self->items[i + sign].value;
    return 1 + (size_t)sign;
}

/* ---- writing comparisons ---- */

/* A column as it was written. */
typedef struct {
    const char *text;
    int length;
} column_text;

static column_text column_of(const token_list *self, size_t i, size_t length)
{
    const char *begin = self->items[i].begin;
    return (column_text){begin, (int)(self->items[i + length - 1].end - begin)};
}

static double lowest(double value)
{
    return value - CH_REALS_TOLERANCE * fabs(value);
}

static double highest(double value)
{
    return value + CH_REALS_TOLERANCE * fabs(value);
}

static void write_number(FILE *out, double value)
{
    char text[32];
    ch_number_format(value, text, sizeof text);
    fputs(text, out);
}

static void write_between(FILE *out, column_text column, bool negated, double lo, double hi)
{
    fprintf(out, "%.*s %sBETWEEN ", column.length, column.text, negated ? "NOT " : "");
    write_number(out, lo);
    fputs(" AND ", out);
    write_number(out, hi);
}

static void write_order(FILE *out, column_text column, const char *sign, double bound)
{
    fprintf(out, "%.*s %s ", column.length, column.text, sign);
    write_number(out, bound);
}

/* The comparisons of a column with one number. */
typedef enum { EQUAL, DIFFERENT, BELOW, AT_MOST, ABOVE, AT_LEAST, NUM_SIGNS } comparison;

static const struct {
    const char *sign;
    comparison meaning, mirrored; /* where the column stands before the sign, and after it */
} signs[] = {{"=", EQUAL, EQUAL}, {"==", EQUAL, EQUAL},      {"<>", DIFFERENT, DIFFERENT}, {"!=", DIFFERENT, DIFFERENT},
             {"<", BELOW, ABOVE}, {"<=", AT_MOST, AT_LEAST}, {">", ABOVE, BELOW},          {">=", AT_LEAST, AT_MOST}};

/* Finds the comparison at token i. @return whether there is one */
static bool find_sign(const token_list *self, size_t i, bool mirrored, comparison *found)
{
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
        if (is(self, i, signs[k].sign)) {
            *found = mirrored ? signs[k].mirrored : signs[k].meaning;
            return true;
        }
    }
    return false;
}

static void write_comparison(FILE *out, column_text column, comparison what, double value)
{
    switch (what) {
    case EQUAL:
    case DIFFERENT:
        write_between(out, column, what == DIFFERENT, lowest(value), highest(value));
        break;
    case BELOW:
        write_order(out, column, "<", lowest(value));
        break;
    case AT_MOST:
        write_order(out, column, "<=", highest(value));
        break;
    case ABOVE:
        write_order(out, column, ">", highest(value));
        break;
    case AT_LEAST:
        write_order(out, column, ">=", lowest(value));
        break;
    case NUM_SIGNS:
        break;
    }
}

/* ---- the forms of a comparison; each returns how many tokens it took, or 0 ---- */

/* COLUMN SIGN NUMBER */
static size_t take_column_first(const token_list *self, size_t i, size_t length, FILE *out)
{
    comparison what = EQUAL;
    double value = 0;
    if (!find_sign(self, i + length, false, &what)) {
        return 0;
    }
    const size_t number = literal(self, i + length + 1, &value);
    const size_t taken = length + 1 + number;
    if (number == 0 || !may_end(self, i + taken)) {
        return 0;
    }
    write_comparison(out, column_of(self, i, length), what, value);
    return taken;
}

/* NUMBER SIGN COLUMN */
static size_t take_number_first(const token_list *self, size_t i, FILE *out)
{
    comparison what = EQUAL;
    double value = 0;
    const size_t number = literal(self, i, &value);
    if (number == 0 || !find_sign(self, i + number, true, &what)) {
        return 0;
    }
    const size_t at = i + number + 1, length = at < self->count ? real_column(self, at) : 0;
    if (length == 0 || !may_end(self, at + length)) {
        return 0;
    }
    write_comparison(out, column_of(self, at, length), what, value);
    return number + 1 + length;
}

/* COLUMN IS [NOT] NUMBER, which has a value for a NULL too */
static size_t take_is(const token_list *self, size_t i, size_t length, FILE *out)
{
    double value = 0;
    if (!is(self, i + length, "IS")) {
        return 0;
    }
    const bool negated = is(self, i + length + 1, "NOT");
    const size_t number = literal(self, i + length + 1 + negated, &value);
    const size_t taken = length + 1 + negated + number;
    if (number == 0 || !may_end(self, i + taken)) {
        return 0;
    }
    const column_text column = column_of(self, i, length);
    fprintf(out, negated ? "(%.*s IS NULL OR " : "(%.*s IS NOT NULL AND ", column.length, column.text);
    write_between(out, column, negated, lowest(value), highest(value));
    fputc(')', out);
    return taken;
}

/* COLUMN [NOT] BETWEEN NUMBER AND NUMBER */
static size_t take_between(const token_list *self, size_t i, size_t length, FILE *out)
{
    double lo = 0, hi = 0;
    const bool negated = is(self, i + length, "NOT");
    const size_t first = i + length + negated + 1;
    if (!is(self, first - 1, "BETWEEN")) {
        return 0;
    }
    const size_t of_lo = literal(self, first, &lo);
    const size_t second = first + of_lo + 1;
    if (of_lo == 0 || !is(self, second - 1, "AND")) {
        return 0;
    }
    const size_t of_hi = literal(self, second, &hi);
    if (of_hi == 0 || !may_end(self, second + of_hi)) {
        return 0;
    }
    write_between(out, column_of(self, i, length), negated, lowest(lo), highest(hi));
    return second + of_hi - i;
}

/* COLUMN [NOT] IN (NUMBER, ...). It is read once without writing, since only its end shows that all are numbers. */
static size_t take_in(const token_list *self, size_t i, size_t length, FILE *out)
{
    double value = 0;
    const bool negated = is(self, i + length, "NOT");
    const size_t first = i + length + negated + 2;
    if (!is(self, first - 2, "IN") || !is(self, first - 1, "(")) {
        return 0;
    }
    size_t at = first, number;
    while ((number = literal(self, at, &value)) > 0 && is(self, at + number, ",")) {
        at += number + 1;
    }
    const size_t end = at + number + 1;
    if (number == 0 || !is(self, end - 1, ")") || !may_end(self, end)) {
        return 0;
    }
    fputs(negated ? "(NOT (" : "(", out);
    for (at = first; at < end; at += number + 1) {
        number = literal(self, at, &value);
        fputs(at > first ? " OR " : "", out);
        write_between(out, column_of(self, i, length), false, lowest(value), highest(value));
    }
    fputs(negated ? "))" : ")", out);
    return end - i;
}

/* Writes the comparison that begins at token i. @return how many tokens it has; 0 where none begins there */
static size_t take_comparison(const token_list *self, size_t i, FILE *out)
{
    static size_t (*const forms[])(const token_list *, size_t, size_t, FILE *) = {take_column_first, take_is,
                                                                                  take_between, take_in};
    if (!may_begin(self, i)) {
        return 0;
    }
    const size_t length = real_column(self, i);
    size_t taken = length == 0 ? take_number_first(self, i, out) : 0;
    for (size_t k = 0; k < sizeof forms / sizeof *forms && length > 0 && taken == 0; k++) {
        taken = forms[k](self, i, length, out);
    }
    return taken;
}

/* ---- all of a condition ---- */

static void translate(const token_list *self, const char *where, FILE *out)
{
    const char *written = where; /* all before it is written */
    for (size_t i = 0; i < self->count;) {
        const token *at = &self->items[i];
        fprintf(out, "%.*s", (int)(at->begin - written), written);
        size_t taken = take_comparison(self, i, out);
        if (taken == 0) {
            taken = 1;
            if (at->kind == NUMBER && at->is_power) {
                write_number(out, at->value);
            } else {
                fprintf(out, "%.*s", (int)(at->end - at->begin), at->begin);
            }
        }
        i += taken;
        written = self->items[i - 1].end;
    }
    fputs(written, out);
}

ch_code ch_where_translate(const char *where, char **sql, ch_error *err)
{
    token_list tokens = {0};
    size_t size = 0;
    *sql = NULL;
    ch_code code = read_tokens(&tokens, where, err);
    if (code != CH_OK) {
        goto out;
    }
    FILE *out = ch_memstream_open(sql, &size);
    if (out == NULL) {
        code = ch_error_memory(err, "a condition");
        goto out;
    }
    translate(&tokens, where, out);
    if (!ch_memstream_close(out, sql)) {
        code = ch_error_memory(err, "a condition");
    }
out:
    free(tokens.items);
    return code;
}
