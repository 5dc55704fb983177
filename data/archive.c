/* archive.c — loads libarchive. */
#include "data/archive.h"

ch_code ch_archive_init(ch_archive *self, const char *purpose, const char *memory, ch_error *err)
{
#ifdef CH_FILE_OF_libarchive
    static const char *const names[] = {CH_ARCHIVE_FUNCTIONS(CH_LIBRARY_NAME)};
    const ch_code code =
        ch_library_load(CH_FILE_OF_libarchive, purpose, names, sizeof names / sizeof *names, self, err);
    if (code != CH_OK) {
        return code;
    }
#else
    (void)purpose;
    *self = (ch_archive){CH_ARCHIVE_FUNCTIONS(CH_LIBRARY_ADDRESS)};
#endif
    self->handle = self->archive_read_new();
    return self->handle != NULL ? CH_OK : ch_error_memory(err, memory);
}

void ch_archive_free(ch_archive *self)
{
    self->archive_read_free(self->handle);
}
