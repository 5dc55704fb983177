/* words.h — words that people use for settings elsewhere, and the names that they have here. */
#ifndef CH_WORDS_H
#define CH_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/** A setting that a word stands for. */
typedef struct {
    bool known;
    size_t setting;      /* index in the table of settings */
    const char *meaning; /* what the word means elsewhere, for a message; NULL: the setting's help says it */
} ch_word;

/** Looks up a word such as "lr", "batch_size" or "P". Words of several letters are compared without regard to case, and
 *  '-' stands for '_'; single letters are compared as they are, since T and t are different quantities.
 *  @return not known where the word is none of the table's */
ch_word ch_words_find(const char *word);

#endif
