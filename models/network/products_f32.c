/* products_f32.c — matrix products in single precision. */
#define CH_REAL       float
#define CH_REAL_BYTES 4
#include "models/network/products.inc.h"

#include "models/network/product.inc.h"
#include "models/network/update.inc.h"

#include "models/network/transpose.inc.h"

#include "models/network/few.inc.h"

#include "models/network/deferred.inc.h"
