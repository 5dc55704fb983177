/* networks.inc.h — a copy of the network for each thread, in the precision CH_REAL; part of the templates kernel.inc.h
 * and layerwise.inc.h.
 */

/* Makes the networks of a task's threads, with the task's weights.
 * @param networks  [threads], zeroed; to be freed after an error, too
 * @param capacity  samples that pass a network together */
static ch_code networks_init(CH_NETWORK *networks, const ch_kernel_task *task, size_t capacity, ch_error *err)
{
    for (int i = 0; i < task->threads; i++) {
        const ch_code code = CH_NETWORK_(init)(&networks[i], task->architecture, capacity, err);
        if (code != CH_OK) {
            return code;
        }
        CH_NETWORK_(set_weights)(&networks[i], task->weights);
    }
    return CH_OK;
}

/* Frees the networks and their array, which may be NULL. */
static void networks_free(CH_NETWORK *networks, int threads)
{
    for (int i = 0; networks != NULL && i < threads; i++) {
        CH_NETWORK_(free)(&networks[i]);
    }
    free(networks);
}
