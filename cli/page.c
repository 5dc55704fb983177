/* page.c — where a command prints what people read: standard output, in lines as wide as the terminal. */
#include "cli/page.h"

#include "core/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

ch_code ch_cli_flush(ch_error *err)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return ch_error_set(err, CH_ERROR_IO, "cannot write to standard output%s%s", errno != 0 ? ": " : "",
                            errno != 0 ? strerror(errno) : "");
    }
    return CH_OK;
}

enum { NARROWEST = 20 }; /* columns of a page, however narrow the terminal */

/* Columns of a page on the terminal that a file is; 0 where it is none, or does not say. */
static size_t page_width(int file)
{
    struct winsize window = {0};
    const size_t width = isatty(file) && ioctl(file, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
    return width > 0 && width < NARROWEST ? NARROWEST : width;
}

void ch_cli_say(const char *sentence)
{
    const size_t width = page_width(STDERR_FILENO);
    if (width > 0) {
        ch_page_narrow(stderr, sentence, width);
    } else {
        fputs(sentence, stderr);
    }
    fputc('\n', stderr);
}

ch_code ch_cli_page_open(ch_cli_page *self, ch_error *err)
{
    *self = (ch_cli_page){.out = stdout, .width = page_width(STDOUT_FILENO)};
    if (self->width == 0) {
        return CH_OK;
    }
    self->out = open_memstream(&self->text, &self->size);
    return self->out != NULL ? CH_OK : ch_error_memory(err, "what is to be printed");
}

ch_code ch_cli_page_close(ch_cli_page *self, ch_error *err)
{
    ch_code code = CH_OK;
    if (self->width > 0 && self->out != NULL) {
        code = fclose(self->out) == 0 ? CH_OK : ch_error_memory(err, "what is to be printed");
        if (code == CH_OK) {
            ch_page_narrow(stdout, self->text, self->width);
        }
        free(self->text);
    }
    *self = (ch_cli_page){0};
    return code == CH_OK ? ch_cli_flush(err) : code;
}
