/* words.h — words that people use for settings elsewhere, and the names that they have here. */
#ifndef CH_WORDS_H
#define CH_WORDS_H

#include <stddef.h>

/** A setting that a word stands for. */
typedef struct {
    const char *name;    /* of the setting; NULL where the word is none of the known ones */
    const char *meaning; /* what the setting is, for a message */
} ch_word;

/** Looks up a word such as "lr", "batch_size" or "P". Words of several letters are compared without regard to case, and
 *  '-' stands for '_'; single letters are compared as they are, since T and t are different quantities. */
ch_word ch_words_find(const char *word);

#endif
