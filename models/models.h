/* models.h — networks: architectures, forward and backward passes, tangent kernel, training, linearised twin.
 *
 * Weights start N(0, 1); every layer is divided by the number its paragraph of docs/theory.md states: NTK scaling, the
 * output layer mean-field. Only the change from initialisation predicts: F(w, x) = f(w, x) - f(w0, x).
 */
#ifndef CH_MODELS_H
#define CH_MODELS_H

#include "models/architecture.h"
#include "models/cost.h"
#include "models/learner/learner.h"
#include "models/network/first_layer.h"
#include "models/network/network.h"
#include "models/tangent/kernel.h"
#include "models/twin/kernel.h"
#include "models/twin/kernel_file.h"
#include "models/twin/twin.h"

#endif
