/* twin_kernel.c — the tangent kernel of a network at its initialisation. */
#include "models/twin_kernel.h"

#include <stdlib.h>
#include <string.h>

void ch_kernel_free(ch_kernel *self)
{
    free(self->train);
    free(self->test);
    memset(self, 0, sizeof *self);
}
