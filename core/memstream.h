/* memstream.h — a stream that writes into memory. */
#ifndef CH_MEMSTREAM_H
#define CH_MEMSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** Opens a stream whose text grows in memory, as open_memstream does. Where memory is lacking on the way, a part of the
 *  text is lost, and the stream's error flag is set: glibc's open_memstream does not set it.
 *  @param text    where the stream keeps the address of its text, which ends in a 0 byte and is whole after fflush or
 *                 the end; the caller frees it after the end
 *  @param length  where it keeps the number of bytes of the text, without the 0
 *  @return NULL, and *text too, where memory is lacking */
FILE *ch_memstream_open(char **text, size_t *length);

/** Closes a stream of ch_memstream_open.
 *  @param text  the pointer that ch_memstream_open was given; NULL after a failure, which frees it
 *  @return whether the text is whole */
bool ch_memstream_close(FILE *stream, char **text) __attribute__((warn_unused_result));

#endif
