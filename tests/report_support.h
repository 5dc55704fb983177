/* report_support.h — reads a report: its text, its tags, and the runs that are packed in it. */
#ifndef CH_TESTS_REPORT_SUPPORT_H
#define CH_TESTS_REPORT_SUPPORT_H

#include "tests/program_support.h"

#include <ctype.h>
#include <jansson.h>
#include <nettle/base64.h>
#include <zlib.h>

/* The whole of a file in the test's folder, to be freed. */
static inline char *read_text(const char *name)
{
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    const size_t size = size_of(path_of(name));
    char *text = calloc(size + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

/* Moves behind one tag, whose attributes must be quoted and may have no < in them.
 * @param name  out: of the element, "/" before it where the tag closes it */
static inline const char *pass_tag(const char *c, char *name, size_t size, bool *is_empty)
{
    size_t length = 0;
    for (c++; isalnum((unsigned char)*c) || *c == '/' || *c == '!' || *c == '-'; c++) {
        if (*c == '/' && length > 0) {
            break;
        }
        assert_true(length + 1 < size);
        name[length++] = *c;
    }
    name[length] = '\0';
    assert_true(length > 0);
    while (*c != '>' && *c != '/') {
        assert_true(*c != '\0' && *c != '<');
        if (*c == '"') {
            for (c++; *c != '"'; c++) {
                assert_true(*c != '\0' && *c != '<' && *c != '>');
            }
        }
        c++;
    }
    *is_empty = *c == '/';
    return strchr(c, '>') + 1;
}

static inline bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Requires that all elements are closed in the order in which they were opened, that there are none but those that a
 * report uses, and that & and < stand in text as references alone. */
static inline void assert_well_formed(const char *page)
{
    static const char *const known[] = {
        "html", "head",    "meta",       "link",    "title", "style",   "body",    "header", "p",      "h1",
        "h2",   "h3",      "dl",         "div",     "dt",    "dd",      "nav",     "ul",     "li",     "a",
        "main", "section", "table",      "caption", "thead", "tbody",   "tr",      "th",     "td",     "i",
        "sup",  "sub",     "b",          "code",    "pre",   "details", "summary", "figure", "svg",    "g",
        "path", "polygon", "figcaption", "rect",    "text",  "tspan",   "script",  "footer", "circle", "polyline"};
    static const char *const empty[] = {"meta", "link"};
    enum { DEEPEST = 64, NAME = 24 };
    char open[DEEPEST][NAME];
    size_t depth = 0, elements = 0;
    const char *c = page + strlen("<!DOCTYPE html>\n<!-- chiton report -->");
    assert_memory_equal(page, "<!DOCTYPE html>\n<!-- chiton report -->", (size_t)(c - page));
    while (*c != '\0') {
        char name[NAME];
        bool is_empty = false;
        if (*c == '&') {
            assert_true(strncmp(c, "&amp;", 5) == 0 || strncmp(c, "&lt;", 4) == 0 || strncmp(c, "&gt;", 4) == 0 ||
                        strncmp(c, "&quot;", 6) == 0 || strncmp(c, "&#39;", 5) == 0);
        }
        if (*c != '<') {
            c++;
            continue;
        }
        c = pass_tag(c, name, sizeof name, &is_empty);
        if (name[0] == '/') {
            assert_true(depth > 0);
            assert_string_equal(name + 1, open[--depth]);
            continue;
        }
        if (!is_one_of(name, known, sizeof known / sizeof *known)) {
            fail_msg("a report has no <%s>", name);
        }
        elements++;
        if (strcmp(name, "style") == 0 || strcmp(name, "script") == 0) {
            c = strstr(c, strcmp(name, "style") == 0 ? "</style>" : "</script>");
            assert_non_null(c);
        }
        if (!is_empty && !is_one_of(name, empty, sizeof empty / sizeof *empty)) {
            assert_true(depth < DEEPEST);
            snprintf(open[depth++], NAME, "%s", name);
        }
    }
    assert_int_equal(depth, 0);
    assert_true(elements > 100);
}

/* The object that has the runs of a page; to be released with json_decref. */
static inline json_t *read_block(const char *page)
{
    static const char begin[] = "<script type=\"application/json\" id=\"data\">";
    const char *from = strstr(page, begin);
    assert_non_null(from);
    from += strlen(begin);
    json_error_t error;
    json_t *block = json_loadb(from, (size_t)(strstr(from, "</script>") - from), 0, &error);
    if (block == NULL) {
        fail_msg("the runs are no JSON: %s", error.text);
    }
    return block;
}

static inline const json_t *find_column(const json_t *block, const char *name)
{
    size_t i = 0;
    json_t *column = NULL;
    json_array_foreach(json_object_get(block, "columns"), i, column)
    {
        if (strcmp(json_string_value(json_object_get(column, "name")), name) == 0) {
            return column;
        }
    }
    fail_msg("there is no column %s", name);
    return NULL;
}

/* Unpacks a member of a column, to be freed. */
static inline uint8_t *unpack(const json_t *column, const char *member, size_t length)
{
    const char *text = json_string_value(json_object_get(column, member));
    assert_non_null(text);
    size_t packed_length = BASE64_DECODE_LENGTH(strlen(text));
    uint8_t *packed = malloc(packed_length), *bytes = malloc(length);
    struct base64_decode_ctx decoder;
    uLongf got = (uLongf)length;
    assert_true(packed != NULL && bytes != NULL);
    base64_decode_init(&decoder);
    assert_true(base64_decode_update(&decoder, &packed_length, packed, strlen(text), text));
    assert_true(base64_decode_final(&decoder));
    assert_int_equal(uncompress(bytes, &got, packed, (uLong)packed_length), Z_OK);
    assert_int_equal(got, length);
    free(packed);
    return bytes;
}

/* The number of run i in planes of bytes. */
static inline uint64_t from_planes(const uint8_t *bytes, size_t width, size_t count, size_t i)
{
    uint64_t number = 0;
    for (size_t k = 0; k < width; k++) {
        number = number << 8 | bytes[k * count + i];
    }
    return number;
}

#endif
