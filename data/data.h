/* data.h — all that data/ offers: laws of synthetic data and samples drawn from them, images and how to get them. */
#ifndef CH_DATA_H
#define CH_DATA_H

#include "data/density.h"
#include "data/examples.h"
#include "data/fetch.h"
#include "data/images.h"
#include "data/law.h"
#include "data/max_margin.h"
#include "data/own.h"
#include "data/pool.h"
#include "data/sample_set.h"

#endif
