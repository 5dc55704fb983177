/* network_f64.c — networks in double precision. */
#include "models/network/network.h"

#define CH_REAL           double
#define CH_REAL_BYTES     8
#define CH_NETWORK        ch_network_f64
#define CH_NETWORK_(verb) ch_network_f64_##verb
#include "models/network/network.inc.h"

#define CH_HESSIAN        ch_hessian_f64
#define CH_HESSIAN_(verb) ch_hessian_f64_##verb
#include "models/network/hessian.inc.h"
