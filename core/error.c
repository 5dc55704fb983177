/* error.c — how a function says that it failed. */
#include "core/error.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>

ch_code ch_error_set(ch_error *err, ch_code code, const char *format, ...)
{
    if (err != NULL) {
        char message[sizeof err->message];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        ch_text_escape(message, err->message, sizeof err->message);
        err->code = code;
    }
    return code;
}

ch_code ch_error_memory(ch_error *err, const char *what)
{
    return ch_error_set(err, CH_ERROR_MEMORY, "not enough memory for %s", what);
}
