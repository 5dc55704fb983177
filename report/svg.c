/* svg.c — makes gnuplot's drawings small and harmless, so that they can stand in a page. */
#include "report/svg.h"

#include "report/html.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- the writer ---- */

enum { TAG_SIZE = 400, MOST_GROUPS = 16 };

/* An open group. It is written once something stands in it, so that empty groups vanish. */
typedef struct {
    char tag[TAG_SIZE];
    bool is_written;
} group;

/* A path of points that is being written. */
typedef struct {
    bool is_open;
    size_t shape;
    double size;
    char colour[32];
} marks;

typedef struct {
    FILE *out;
    group groups[MOST_GROUPS];
    size_t depth;
    char closed[TAG_SIZE]; /* the tag of a group that was closed last and whose end is not written yet; "": none */
    marks marks;
    char runs[120]; /* of which runs the next point is, as the filter of runs takes it; "": it does not say */
    bool lacks_memory;
} writer;

static void end_marks(writer *self)
{
    if (self->marks.is_open) {
        fputs("\"/>", self->out);
        self->marks.is_open = false;
    }
}

/* Writes the end of the group that was closed last. */
static void write_end(writer *self)
{
    if (self->closed[0] != '\0') {
        fputs("</g>", self->out);
        self->closed[0] = '\0';
    }
}

/* Writes the groups that are open, before something is written into them. A group that is like the one before it goes
 * on with that one. */
static void write_groups(writer *self)
{
    for (size_t i = 0; i < self->depth; i++) {
        group *at = &self->groups[i];
        if (at->is_written) {
            continue;
        }
        if (strcmp(at->tag, self->closed) == 0) {
            self->closed[0] = '\0';
        } else {
            write_end(self);
            fputs(at->tag, self->out);
        }
        at->is_written = true;
    }
    write_end(self);
}

static void close_group(writer *self)
{
    if (self->depth == 0) {
        return;
    }
    const group *top = &self->groups[--self->depth];
    if (top->is_written) {
        end_marks(self);
        write_end(self);
        snprintf(self->closed, sizeof self->closed, "%s", top->tag);
    }
}

/* ---- attributes ---- */

/* An attribute of a tag: name and value are borrowed from the drawing. */
typedef struct {
    const char *name, *value;
    size_t name_length, value_length;
} attribute;

/* Reads the next attribute of a tag.
 * @param at  moved behind it
 * @return false where the tag ends */
static bool next_attribute(const char **at, const char *end, attribute *found)
{
    const char *c = *at;
    while (c < end && strchr(" \t\r\n/", *c) != NULL) {
        c++;
    }
    found->name = c;
    while (c < end && strchr(" \t\r\n=", *c) == NULL) {
        c++;
    }
    found->name_length = (size_t)(c - found->name);
    while (c < end && strchr(" \t\r\n=", *c) != NULL) {
        c++;
    }
    if (found->name_length == 0 || c >= end || (*c != '"' && *c != '\'')) {
        return false;
    }
    const char *close = memchr(c + 1, *c, (size_t)(end - c - 1));
    if (close == NULL) {
        return false;
    }
    found->value = c + 1;
    found->value_length = (size_t)(close - c - 1);
    *at = close + 1;
    return true;
}

static bool is_named(const attribute *self, const char *name)
{
    return strlen(name) == self->name_length && memcmp(self->name, name, self->name_length) == 0;
}

/* Whether an attribute is copied: it says where something stands or how it looks. */
static bool is_copied(const attribute *self)
{
    static const char *const names[] = {"transform",
                                        "stroke",
                                        "fill",
                                        "font-size",
                                        "text-anchor",
                                        "color",
                                        "stroke-width",
                                        "d",
                                        "points",
                                        "x",
                                        "y",
                                        "width",
                                        "height",
                                        "fill-opacity",
                                        "cx",
                                        "cy",
                                        "r",
                                        "shape-rendering",
                                        "dy",
                                        "stroke-opacity",
                                        "font-weight",
                                        "dx",
                                        "font-style",
                                        "stroke-dasharray"};
    if (memchr(self->value, '<', self->value_length) != NULL || memchr(self->value, '&', self->value_length) != NULL ||
        memchr(self->value, '"', self->value_length) != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_named(self, names[i])) {
            return true;
        }
    }
    return false;
}

/* Writes a number that stands at `c`, with at most so many decimals.  @return what stands behind it */
static const char *write_number(const char *c, int decimals, FILE *out)
{
    char text[40];
    char *end = NULL;
    const double value = strtod(c, &end);
    snprintf(text, sizeof text, "%.*f", decimals, value);
    size_t length = strlen(text);
    while (decimals > 0 && text[length - 1] == '0') {
        length--;
    }
    length -= text[length - 1] == '.';
    text[length] = '\0';
    fputs(strcmp(text, "-0") == 0 ? "0" : text, out);
    return end;
}

/* Writes a list of coordinates: numbers with one decimal, and blanks only where they part two of them. */
static void write_coordinates(const attribute *self, FILE *out)
{
    const char *c = self->value, *end = c + self->value_length;
    bool is_parted = true; /* a number may follow what was written last */
    while (c < end) {
        if (strchr("+-.0123456789", *c) != NULL) {
            if (!is_parted) {
                fputc(' ', out);
            }
            c = write_number(c, 1, out);
            is_parted = false;
        } else {
            if (strchr(" \t\r\n,", *c) == NULL) {
                fputc(*c, out);
                is_parted = true;
            }
            c++;
        }
    }
}

/* Writes a value. Colours as rgb( 68,   1,  84) become #440154. */
static void write_value(const attribute *self, FILE *out)
{
    unsigned red = 0, green = 0, blue = 0;
    if (sscanf(self->value, "rgb(%u ,%u ,%u", &red, &green, &blue) == 3) {
        fprintf(out, "#%02x%02x%02x", red & 255, green & 255, blue & 255);
    } else {
        fwrite(self->value, 1, self->value_length, out);
    }
}

/* Writes a tag with those of its attributes that are copied. */
static void write_tag(const char *name, size_t name_length, const char *attributes, const char *end, FILE *out)
{
    attribute at;
    fputc('<', out);
    fwrite(name, 1, name_length, out);
    while (next_attribute(&attributes, end, &at)) {
        if (!is_copied(&at)) {
            continue;
        }
        fprintf(out, " %.*s=\"", (int)at.name_length, at.name);
        if (is_named(&at, "d") || is_named(&at, "points") || is_named(&at, "transform")) {
            write_coordinates(&at, out);
        } else {
            write_value(&at, out);
        }
        fputc('"', out);
    }
    fputs(end > attributes && end[-1] == '/' ? "/>" : ">", out);
}

/* ---- points ---- */

/* The shapes of gnuplot's points by their number, drawn from their centre on; the last one is its dot. */
static const struct {
    const char *path;
    bool is_filled;
} shapes[] = {
    {"m-1 0h2m-1-1v2", false},
    {"m-1-1l2 2m0-2l-2 2", false},
    {"m-1 0h2m-1-1v2m-1-2l2 2m0-2l-2 2", false},
    {"m-1-1h2v2h-2z", false},
    {"m-1-1h2v2h-2z", true},
    {"m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", false},
    {"m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", true},
    {"m0-1.33l-1.33 2h2.66z", false},
    {"m0-1.33l-1.33 2h2.66z", true},
    {"m0 1.33l-1.33-2h2.66z", false},
    {"m0 1.33l-1.33-2h2.66z", true},
    {"m0-1.41l1.41 1.41-1.41 1.41-1.41-1.41z", false},
    {"m0-1.41l1.41 1.41-1.41 1.41-1.41-1.41z", true},
    {"m0 1.33l1.27-.92-.48-1.48-1.56-.01-.48 1.49z", false},
    {"m0 1.33l1.27-.92-.48-1.48-1.56-.01-.48 1.49z", true},
    {"m-.5 0a.5 .5 0 1 0 1 0a.5 .5 0 1 0-1 0z", true},
};
enum { NUM_SHAPES = sizeof shapes / sizeof *shapes };

/* Begins a path of points, unless the last thing written was one of the same looks. */
static void begin_marks(writer *self, size_t shape, double size, const char *colour)
{
    marks *at = &self->marks;
    if (at->is_open && at->shape == shape && at->size == size && strcmp(at->colour, colour) == 0) {
        return;
    }
    end_marks(self);
    write_groups(self);
    *at = (marks){.is_open = true, .shape = shape, .size = size};
    snprintf(at->colour, sizeof at->colour, "%s", colour);
    fprintf(self->out, "<path transform=\"scale(%.3g)\" stroke-width=\".38\" stroke=\"%s\"", size, colour);
    if (shapes[shape].is_filled) {
        fprintf(self->out, " fill=\"%s\"", colour);
    }
    fputs(" d=\"", self->out);
}

/* Reads of which runs a point is from the group around it: <g onmousemove="gnuplot_svg.showHypertext(evt,'temp=1')">.
 */
static void read_runs(writer *self, const char *attributes, const char *end)
{
    static const char before[] = "gnuplot_svg.showHypertext(evt,'",
                      accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=+-._ ";
    attribute at;
    self->runs[0] = '\0';
    while (next_attribute(&attributes, end, &at)) {
        if (is_named(&at, "onmousemove") && strncmp(at.value, before, sizeof before - 1) == 0) {
            const char *text = at.value + sizeof before - 1;
            const size_t length = strspn(text, accepted);
            if (text[length] == '\'' && length < sizeof self->runs) {
                memcpy(self->runs, text, length);
                self->runs[length] = '\0';
            }
        }
    }
}

/* Draws a point: <use xlink:href='#gpPt6' transform='translate(1,2) scale(1.44)' color='rgb( 68,   1,  84)'/>. */
static void write_point(writer *self, const char *attributes, const char *end)
{
    attribute at;
    unsigned number = NUM_SHAPES, red = 0, green = 0, blue = 0;
    double x = NAN, y = NAN, size = NAN;
    while (next_attribute(&attributes, end, &at)) {
        if (is_named(&at, "xlink:href") && sscanf(at.value, "#gpPt%u", &number) != 1) {
            number = strncmp(at.value, "#gpDot", 6) == 0 ? NUM_SHAPES - 1 : NUM_SHAPES;
        } else if (is_named(&at, "transform") && sscanf(at.value, "translate(%lf,%lf) scale(%lf)", &x, &y, &size) < 3) {
            size = 1; /* gnuplot's dot has no scale of its own */
        } else if (is_named(&at, "color")) {
            (void)!sscanf(at.value, "rgb(%u ,%u ,%u", &red, &green, &blue);
        } else if (is_named(&at, "x")) {
            x = strtod(at.value, NULL);
            size = 1;
        } else if (is_named(&at, "y")) {
            y = strtod(at.value, NULL);
        }
    }
    if (number >= NUM_SHAPES || !isfinite(x) || !isfinite(y) || !(size > 0)) {
        return;
    }
    if (self->runs[0] != '\0') {
        end_marks(self);
        write_groups(self);
        fprintf(self->out, "<circle class=\"at\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\" data-runs=\"%s\"/>", x, y, self->runs);
        self->runs[0] = '\0';
        return;
    }
    char colour[32];
    snprintf(colour, sizeof colour, "#%02x%02x%02x", red & 255, green & 255, blue & 255);
    begin_marks(self, number, size, colour);
    fprintf(self->out, "M%.1f %.1f%s", x / size, y / size, shapes[number].path);
}

/* ---- elements ---- */

/* Opens a group. A drawing whose groups are nested deeper than any of gnuplot's is refused. */
static bool open_group(writer *self, const char *attributes, const char *end)
{
    if (self->depth == MOST_GROUPS) {
        return false;
    }
    group *top = &self->groups[self->depth++];
    FILE *tag = fmemopen(top->tag, sizeof top->tag, "w");
    if (tag == NULL) {
        self->lacks_memory = true;
        return false;
    }
    write_tag("g", 1, attributes, end, tag);
    top->is_written = false;
    return fclose(tag) == 0 && strchr(top->tag, '>') != NULL;
}

/* Copies a text with its parts. Parts without a letter are left out.
 * @param at  behind the opening tag
 * @return behind the closing tag; NULL where there is none */
static const char *write_text(writer *self, const char *at)
{
    const char *end = strstr(at, "</text>");
    if (end == NULL) {
        return NULL;
    }
    if (end > at) {
        end_marks(self);
        write_groups(self);
        fputs("<text>", self->out);
    }
    for (const char *c = at; c < end;) {
        const char *stop = *c == '<' ? memchr(c, '>', (size_t)(end - c)) : NULL;
        if (*c != '<') {
            fputc(*c++, self->out);
        } else if (stop == NULL) {
            return NULL;
        } else if (strncmp(c, "<tspan", 6) == 0 && strncmp(stop + 1, "</tspan>", 8) == 0) {
            c = stop + 9;
        } else if (strncmp(c, "<tspan", 6) == 0) {
            write_tag("tspan", 5, c + 6, stop, self->out);
            c = stop + 1;
        } else {
            fputs(strncmp(c, "</tspan>", 8) == 0 ? "</tspan>" : "", self->out);
            c = stop + 1;
        }
    }
    fputs(end > at ? "</text>" : "", self->out);
    return end + 7;
}

/* Whether the tag at `c` opens an element of this name. */
static bool is_element(const char *c, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(c + 1, name, length) == 0 && strchr(" \t\r\n/>", c[1 + length]) != NULL;
}

/* Skips an element with all that is in it.  @return behind it; NULL where it does not end */
static const char *skip(const char *c, const char *closing)
{
    const char *end = strstr(c, closing);
    return end == NULL ? NULL : end + strlen(closing);
}

/* Copies what one tag opens or closes.
 * @return what stands behind it; NULL where the drawing is broken */
static const char *copy_element(writer *self, const char *c)
{
    static const char *const simple[] = {"path", "polygon", "polyline", "rect", "circle"};
    const char *end = strchr(c, '>');
    if (end == NULL) {
        return NULL;
    }
    if (is_element(c, "defs")) {
        return skip(c, "</defs>");
    }
    if (is_element(c, "title") || is_element(c, "desc")) {
        return skip(c, is_element(c, "title") ? "</title>" : "</desc>");
    }
    if (is_element(c, "text")) {
        return write_text(self, end + 1);
    }
    if (is_element(c, "g")) {
        read_runs(self, c + 2, end);
        return open_group(self, c + 2, end) ? end + 1 : NULL;
    }
    if (strncmp(c, "</g>", 4) == 0) {
        close_group(self);
        return end + 1;
    }
    if (is_element(c, "use")) {
        write_point(self, c + 4, end);
        return end + 1;
    }
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (is_element(c, simple[i])) {
            end_marks(self);
            write_groups(self);
            write_tag(simple[i], strlen(simple[i]), c + 1 + strlen(simple[i]), end, self->out);
            break;
        }
    }
    return end + 1;
}

/* The end of the background, a white rectangle over all: the page is the background. */
static const char *skip_background(const char *c)
{
    const char *canvas = strstr(c, "<g id=\"gnuplot_canvas\">");
    const char *rectangle = canvas == NULL ? NULL : strstr(canvas, "<rect ");
    return rectangle == NULL ? NULL : skip(rectangle, "/>");
}

ch_code ch_html_svg(const char *drawing, const char *label, FILE *out, ch_error *err)
{
    writer self = {.out = out};
    unsigned width = 0, height = 0;
    const char *box = strstr(drawing, "viewBox=\"0 0 ");
    const char *c =
        box == NULL || sscanf(box, "viewBox=\"0 0 %u %u\"", &width, &height) != 2 ? NULL : skip_background(box);
    if (c == NULL) {
        return ch_error_set(err, CH_ERROR_NUMERIC, "gnuplot's drawing of %s is none that this version knows", label);
    }
    fprintf(out, "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", width, height);
    ch_html_text(label, out);
    fputs("\">", out);
    while (c != NULL && (c = strchr(c, '<')) != NULL && strncmp(c, "</svg>", 6) != 0) {
        c = copy_element(&self, c);
    }
    if (c == NULL) {
        return self.lacks_memory ? ch_error_memory(err, "a figure")
                                 : ch_error_set(err, CH_ERROR_NUMERIC, "gnuplot's drawing of %s is broken", label);
    }
    end_marks(&self);
    while (self.depth > 0) {
        close_group(&self);
    }
    write_end(&self);
    fputs("</svg>\n", out);
    return CH_OK;
}
