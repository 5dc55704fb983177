/* identity.c — the identity of a run. */
#include "core/text.h"
#include "core/waiting.h"
#include "sim/settings/kin.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Feeds the line "name=value\n" to the hash. */
static void add_line(struct sha256_ctx *hash, const char *name, const char *value)
{
    sha256_update(hash, strlen(name), (const uint8_t *)name);
    sha256_update(hash, 1, (const uint8_t *)"=");
    sha256_update(hash, strlen(value), (const uint8_t *)value);
    sha256_update(hash, 1, (const uint8_t *)"\n");
}

/* Whether a budget says at which steps snapshots of the weights are taken, so that it is more than a budget. */
static bool places_snapshots(const ch_settings *settings, size_t index)
{
    return index == CH_SETTING_MAX_STEPS && settings->fluctuations > 0;
}

/* Whether batches are large, and drawn by the number of their unfitted samples. */
static bool draws_large_batches(const ch_settings *settings)
{
    const bool is_fast = ch_settings_has_engine(settings) && settings->engine == CH_ENGINE_FAST && settings->train > 0;
    const bool is_twin = settings->linear != 0 && settings->batch < settings->train;
    return settings->batch >= CH_WAITING_LARGE_BATCH && ch_settings_has_usual_rule(settings) && (is_fast || is_twin);
}

int ch_results_version(const ch_settings *settings)
{
    const bool is_raised = settings->curvature > 0 || draws_large_batches(settings);
    return is_raised ? CH_RESULTS_VERSION_RAISED : CH_RESULTS_VERSION;
}

static void find_id(const ch_resolved *resolved, bool with_budgets, char id[CH_ID_SIZE])
{
    const ch_settings *settings = &resolved->settings;
    struct sha256_ctx hash;
    char value[CH_SETTING_TEXT_SIZE];
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&hash);
    snprintf(value, sizeof value, "%d", ch_results_version(settings));
    add_line(&hash, "results_version", value);
    for (size_t i = 0; i < CH_SETTINGS_STORED; i++) {
        if (ch_setting_applies(settings, i) && !ch_setting_is_implied(settings, i) &&
            (with_budgets || !ch_setting_is_budget(i) || places_snapshots(settings, i))) {
            ch_setting_format(&ch_settings_table[i], ch_settings_get(settings, i), value, sizeof value);
            add_line(&hash, ch_settings_table[i].name, value);
        }
    }
    if (ch_settings_has_digest(settings)) {
        add_line(&hash, "data_digest", settings->data_digest);
    }
    sha256_digest(&hash, sizeof digest, digest);
    ch_hex(digest, CH_ID_SIZE / 2, id);
}

void ch_settings_id(const ch_resolved *resolved, char id[CH_ID_SIZE])
{
    find_id(resolved, true, id);
}

void ch_settings_kin(const ch_resolved *resolved, char kin[CH_ID_SIZE])
{
    find_id(resolved, false, kin);
}

uint64_t ch_settings_id_number(const char *id)
{
    char digits[CH_ID_SIZE / 2 + 1];
    memcpy(digits, id, CH_ID_SIZE / 2);
    digits[CH_ID_SIZE / 2] = '\0';
    return strtoull(digits, NULL, 16);
}
