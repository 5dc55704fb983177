/* network_f32.c — networks in single precision. */
#include "models/network.h"

#define CH_REAL           float
#define CH_REAL_BYTES     4
#define CH_NETWORK        ch_network
#define CH_NETWORK_(verb) ch_network_##verb
#include "models/network_body.h"

#include "models/first_layer_body.h"
