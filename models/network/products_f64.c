/* products_f64.c — matrix products in double precision. */
#define CH_REAL       double
#define CH_REAL_BYTES 8
#include "models/network/products.inc.h"

#include "models/network/product.inc.h"
#include "models/network/update.inc.h"

#include "models/network/transpose.inc.h"

#include "models/network/few.inc.h"

#include "models/network/deferred.inc.h"
