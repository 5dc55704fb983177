/* words.c — words that people use for settings elsewhere, and the names that they have here. */
#include "sim/settings/words.h"

#include "sim/settings/settings.h"

#include <ctype.h>

static const struct {
    const char *word;
    size_t setting;
    const char *meaning; /* NULL: the setting's help says it */
} words[] = {
    {"arch", CH_SETTING_MODEL, NULL},
    {"architecture", CH_SETTING_MODEL, NULL},
    {"net", CH_SETTING_MODEL, NULL},
    {"network", CH_SETTING_MODEL, NULL},
    {"lazy", CH_SETTING_LINEAR, NULL},
    {"linearised", CH_SETTING_LINEAR, NULL},
    {"linearized", CH_SETTING_LINEAR, NULL},
    {"ntk", CH_SETTING_LINEAR, NULL},
    {"twin", CH_SETTING_LINEAR, NULL},
    {"h", CH_SETTING_WIDTH, NULL},
    {"hidden", CH_SETTING_WIDTH, NULL},
    {"hidden_size", CH_SETTING_WIDTH, NULL},
    {"hidden_dim", CH_SETTING_WIDTH, NULL},
    {"L", CH_SETTING_DEPTH, NULL},
    {"layers", CH_SETTING_DEPTH, NULL},
    {"num_layers", CH_SETTING_DEPTH, NULL},
    {"n_layers", CH_SETTING_DEPTH, NULL},
    {"act", CH_SETTING_ACTIVATION, NULL},
    {"nonlinearity", CH_SETTING_ACTIVATION, NULL},
    {"dataset", CH_SETTING_DATA, NULL},
    {"data_set", CH_SETTING_DATA, NULL},
    {"distribution", CH_SETTING_DATA, NULL},
    {"d", CH_SETTING_DIM, NULL},
    {"dimension", CH_SETTING_DIM, NULL},
    {"input_dim", CH_SETTING_DIM, NULL},
    {"input_size", CH_SETTING_DIM, NULL},
    {"n_features", CH_SETTING_DIM, NULL},
    {"P", CH_SETTING_TRAIN, NULL},
    {"N", CH_SETTING_TRAIN, NULL},
    {"n", CH_SETTING_TRAIN, NULL},
    {"ptr", CH_SETTING_TRAIN, NULL},
    {"samples", CH_SETTING_TRAIN, NULL},
    {"num_samples", CH_SETTING_TRAIN, NULL},
    {"n_samples", CH_SETTING_TRAIN, NULL},
    {"num_train", CH_SETTING_TRAIN, NULL},
    {"n_train", CH_SETTING_TRAIN, NULL},
    {"train_size", CH_SETTING_TRAIN, NULL},
    {"training_size", CH_SETTING_TRAIN, NULL},
    {"trainset_size", CH_SETTING_TRAIN, NULL},
    {"pte", CH_SETTING_TEST, NULL},
    {"num_test", CH_SETTING_TEST, NULL},
    {"n_test", CH_SETTING_TEST, NULL},
    {"test_size", CH_SETTING_TEST, NULL},
    {"testset_size", CH_SETTING_TEST, NULL},
    {"loss_function", CH_SETTING_LOSS, NULL},
    {"loss_fn", CH_SETTING_LOSS, NULL},
    {"criterion", CH_SETTING_LOSS, NULL},
    {"kappa", CH_SETTING_ALPHA, "1/kappa, the inverse of the margin"},
    {"margin", CH_SETTING_ALPHA, "1/kappa, the inverse of the margin"},
    {"B", CH_SETTING_BATCH, NULL},
    {"bs", CH_SETTING_BATCH, NULL},
    {"batch_size", CH_SETTING_BATCH, NULL},
    {"batchsize", CH_SETTING_BATCH, NULL},
    {"minibatch", CH_SETTING_BATCH, NULL},
    {"mini_batch", CH_SETTING_BATCH, NULL},
    {"T", CH_SETTING_TEMP, NULL},
    {"temperature", CH_SETTING_TEMP, NULL},
    {"lr", CH_SETTING_RATE, NULL},
    {"eta", CH_SETTING_RATE, NULL},
    {"learning_rate", CH_SETTING_RATE, NULL},
    {"learnrate", CH_SETTING_RATE, NULL},
    {"step_size", CH_SETTING_RATE, NULL},
    {"dt", CH_SETTING_RATE, NULL},
    {"optimizer", CH_SETTING_DYNAMICS, NULL},
    {"optimiser", CH_SETTING_DYNAMICS, NULL},
    {"optim", CH_SETTING_DYNAMICS, NULL},
    {"algorithm", CH_SETTING_DYNAMICS, NULL},
    {"weights", CH_SETTING_INIT, NULL},
    {"init_weights", CH_SETTING_INIT, NULL},
    {"initial_weights", CH_SETTING_INIT, NULL},
    {"checkpoint", CH_SETTING_INIT, NULL},
    {"pretrained", CH_SETTING_INIT, NULL},
    {"seeds", CH_SETTING_SEED, NULL},
    {"random_seed", CH_SETTING_SEED, NULL},
    {"data_seed", CH_SETTING_SEED_DATA, NULL},
    {"init_seed", CH_SETTING_SEED_INIT, NULL},
    {"batch_seed", CH_SETTING_SEED_BATCH, NULL},
    {"epoch", CH_SETTING_MAX_STEPS, "steps to stop after, train/batch of them an epoch"},
    {"epochs", CH_SETTING_MAX_STEPS, "steps to stop after, train/batch of them an epoch"},
    {"num_epochs", CH_SETTING_MAX_STEPS, "steps to stop after, train/batch of them an epoch"},
    {"n_epochs", CH_SETTING_MAX_STEPS, "steps to stop after, train/batch of them an epoch"},
    {"max_epochs", CH_SETTING_MAX_STEPS, "steps to stop after, train/batch of them an epoch"},
    {"shuffle", CH_SETTING_SAMPLING, NULL},
    {"replacement", CH_SETTING_SAMPLING, NULL},
    {"mu", CH_SETTING_MOMENTUM, NULL},
    {"wd", CH_SETTING_WEIGHT_DECAY, NULL},
    {"l2", CH_SETTING_WEIGHT_DECAY, NULL},
    {"decay", CH_SETTING_WEIGHT_DECAY, NULL},
    {"steps", CH_SETTING_MAX_STEPS, NULL},
    {"num_steps", CH_SETTING_MAX_STEPS, NULL},
    {"n_steps", CH_SETTING_MAX_STEPS, NULL},
    {"iterations", CH_SETTING_MAX_STEPS, NULL},
    {"iters", CH_SETTING_MAX_STEPS, NULL},
    {"max_iter", CH_SETTING_MAX_STEPS, NULL},
    {"max_time", CH_SETTING_MAX_SECONDS, NULL},
    {"max_wall", CH_SETTING_MAX_SECONDS, NULL},
    {"time_limit", CH_SETTING_MAX_SECONDS, NULL},
    {"timeout", CH_SETTING_MAX_SECONDS, NULL},
    {"noise", CH_SETTING_LABEL_NOISE, NULL},
    {"covariance", CH_SETTING_SPECTRUM, NULL},
    {"eigenvalues", CH_SETTING_SPECTRUM, NULL},
    {"rho", CH_SETTING_DENSITY, NULL},
    {"labels", CH_SETTING_DATA_LABELS, NULL},
    {"targets", CH_SETTING_DATA_LABELS, NULL},
    {"normalize", CH_SETTING_NORMALISE, NULL},
    {"file", CH_SETTING_DATA_FILE, NULL},
    {"root", CH_SETTING_DATA_DIR, NULL},
    {"data_root", CH_SETTING_DATA_DIR, NULL},
    {"data_path", CH_SETTING_DATA_DIR, NULL},
    {"data_folder", CH_SETTING_DATA_DIR, NULL},
};

static char fold(char c)
{
    return (char)(c == '-' ? '_' : tolower((unsigned char)c));
}

static bool is_word(const char *text, const char *word)
{
    if (word[1] == '\0') {
        return text[0] == word[0] && text[1] == '\0';
    }
    while (*word != '\0' && fold(*text) == *word) {
        text++;
        word++;
    }
    return *word == '\0' && *text == '\0';
}

ch_word ch_words_find(const char *word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(word, words[i].word)) {
            return (ch_word){true, words[i].setting, words[i].meaning};
        }
    }
    return (ch_word){0};
}
