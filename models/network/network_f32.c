/* network_f32.c — networks in single precision. */
#include "models/network/network.h"

#define CH_REAL           float
#define CH_REAL_BYTES     4
#define CH_NETWORK        ch_network
#define CH_NETWORK_(verb) ch_network_##verb
#include "models/network/network.inc.h"

#define CH_HESSIAN        ch_hessian
#define CH_HESSIAN_(verb) ch_hessian_##verb
#include "models/network/hessian.inc.h"

#include "models/network/first_layer.inc.h"
