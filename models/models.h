/* models.h — networks: architectures, forward and backward passes, tangent kernel, training, linearised twin.
 *
 * Initial weights are N(0, 1), and the sum of every layer is divided by the number in its paragraph of docs/theory.md:
 * NTK scaling, and mean-field scaling of the output layer. The prediction is the change of the output from its initial
 * value, F(w, x) = f(w, x) - f(w0, x).
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
