/* box_arrays.h — the arrays of a table of boxes as one list, for those who allocate, free, read or write them. Private
 * to perceptron/finite/. */
#ifndef CH_BOX_ARRAYS_H
#define CH_BOX_ARRAYS_H

#include "core/buffers.h"
#include "perceptron/finite/box_table.h"

/** The arrays of a table, whose sizes are set. */
ch_buffer_list ch_box_table_buffers(ch_box_table *self);

#endif
