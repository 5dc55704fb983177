/* models.h — networks: architectures, forward and backward passes, tangent kernel, training, linearised twin.
 *
 * Weights start N(0, 1); every layer is divided by the number its paragraph of docs/theory.md states: NTK scaling, the
 * output layer mean-field. Only the change from initialisation predicts: F(w, x) = f(w, x) - f(w0, x).
 */
#ifndef CH_MODELS_H
#define CH_MODELS_H

#include "models/architecture.h"
#include "models/first_layer.h"
#include "models/kernel.h"
#include "models/kernel_cache.h"
#include "models/network.h"
#include "models/network_learner.h"
#include "models/twin.h"
#include "models/twin_kernel.h"

#endif
