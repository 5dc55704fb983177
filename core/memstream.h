/* memstream.h — ending a text that is written into memory. */
#ifndef CH_MEMSTREAM_H
#define CH_MEMSTREAM_H

#include <stdbool.h>
#include <stdio.h>

/** Closes a stream of open_memstream. One that lacked memory on the way has only a part of the text, which its error
 * flag alone tells; and fclose may succeed without leaving any text.
 *  @param text  the pointer that open_memstream was given; NULL after a failure, which frees it
 *  @return whether the text is whole */
bool ch_memstream_close(FILE *stream, char **text) __attribute__((warn_unused_result));

#endif
