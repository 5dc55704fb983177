/* states.c — the states of runs under way: bytes that a learner reads. */
#include "core/snapshot.h"
#include "sim/run_model.h"
#include "tests/fuzz/stores.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The learners, which the first byte chooses from. Their states are small. */
static const char *const learner_settings[] = {
    "model=perceptron dim=4 train=128 temp=1 alpha=100 engine=fast",
    "model=perceptron dim=4 train=128 batch=20 temp=1 alpha=100 engine=fast sampling=epoch",
    "model=perceptron dim=4 train=20 batch=3 temp=1 engine=plain sampling=epoch momentum=0.5",
    "model=mlp data=stripe dim=8 width=6 depth=1 train=20 alpha=10 temp=0.1 engine=fast",
    "model=mlp data=stripe dim=2 width=2 depth=1 train=4 alpha=10 rate=0.1 dynamics=flow max_steps=9",
    "model=mlp linear=yes data=stripe dim=4 width=4 depth=1 train=20 alpha=1 temp=0.1 sampling=epoch",
    "model=mlp linear=yes data=stripe dim=4 width=4 depth=1 train=20 alpha=1 temp=0.1 batch=full momentum=0.5",
};
enum { NUM_LEARNERS = sizeof learner_settings / sizeof *learner_settings };

typedef struct {
    ch_resolved resolved;
    ch_train_set set;
} fuzzed_task;

static void fuzzed_task_init(fuzzed_task *self, const char *text)
{
    ch_settings settings;
    char copy[256], *rest = NULL;
    ch_settings_default(&settings);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        size_t index = 0;
        ch_value value = {.count = 0};
        *equals = '\0';
        if (ch_settings_find(word, &index, NULL) != CH_OK ||
            ch_setting_parse(&ch_settings_table[index], equals + 1, &value, NULL) != CH_OK) {
            abort();
        }
        ch_settings_set(&settings, index, value);
    }
    if (ch_settings_resolve(&settings, &self->resolved, NULL) != CH_OK ||
        ch_train_set_init(&self->set, &self->resolved, NULL, (size_t)settings.train, 1, NULL, NULL) != CH_OK) {
        abort();
    }
}

/* Reads the bytes into a new learner. What was accepted is written again to the same number of bytes. */
void fuzz_checkpoint(const uint8_t *data, size_t size)
{
    static fuzzed_task tasks[NUM_LEARNERS]; /* made when they are first asked for, and never freed */
    if (size == 0) {
        return;
    }
    const size_t which = data[0] % NUM_LEARNERS;
    fuzzed_task *task = &tasks[which];
    ch_run_borrowed own = {.unit = 1};
    ch_run_model model;
    if (task->set.num_samples == 0) {
        fuzzed_task_init(task, learner_settings[which]);
    }
    if (ch_run_model_init(&model, &task->resolved, &task->set, &own, 1, NULL) != CH_OK) {
        abort();
    }
    ch_snapshot reader = ch_snapshot_reader(data + 1, size - 1), counter = ch_snapshot_counter();
    model.learner.exchange(&model.learner, &reader);
    if (ch_snapshot_is_whole(&reader)) {
        model.learner.exchange(&model.learner, &counter);
        if (counter.position != size - 1) {
            abort();
        }
    }
    model.learner.free(&model.learner);
    ch_run_borrowed_free(&own);
}
