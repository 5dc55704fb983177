/* link_support.h — processes that share a sweep as threads of one program, with mailboxes for messages. */
#ifndef CH_TESTS_LINK_SUPPORT_H
#define CH_TESTS_LINK_SUPPORT_H

#include "sim/sweep/ranks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PROCESSES = 4 };

typedef struct letter {
    struct letter *next;
    int from;
    size_t size;
    unsigned char *bytes; /* owned */
} letter;

typedef struct {
    pthread_mutex_t lock;
    letter *first[MOST_PROCESSES], **end[MOST_PROCESSES];
    size_t num_sent[MOST_PROCESSES], bytes_sent[MOST_PROCESSES]; /* by process */
} hub;

typedef struct {
    hub *of;
    int rank;
    bool fails; /* no message can be sent or received */
} mailbox;

static inline void hub_init(hub *self)
{
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    for (size_t i = 0; i < MOST_PROCESSES; i++) {
        self->end[i] = &self->first[i];
    }
}

static inline void hub_free(hub *self)
{
    for (size_t i = 0; i < MOST_PROCESSES; i++) {
        while (self->first[i] != NULL) {
            letter *next = self->first[i]->next;
            free(self->first[i]->bytes);
            free(self->first[i]);
            self->first[i] = next;
        }
    }
    pthread_mutex_destroy(&self->lock);
}

static inline ch_code post(void *context, int to, const void *bytes, size_t size, ch_error *err)
{
    const mailbox *own = context;
    letter *sent = calloc(1, sizeof *sent);
    unsigned char *copy = malloc(size);
    if (own->fails || sent == NULL || copy == NULL) {
        free(copy);
        free(sent);
        return ch_error_set(err, CH_ERROR_IO, "the link is broken");
    }
    sent->from = own->rank;
    sent->size = size;
    sent->bytes = copy;
    memcpy(sent->bytes, bytes, size);
    pthread_mutex_lock(&own->of->lock);
    *own->of->end[to] = sent;
    own->of->end[to] = &sent->next;
    own->of->num_sent[own->rank]++;
    own->of->bytes_sent[own->rank] += size;
    pthread_mutex_unlock(&own->of->lock);
    return CH_OK;
}

static inline ch_code fetch(void *context, int *from, void **bytes, size_t *size, ch_error *err)
{
    const mailbox *own = context;
    *bytes = NULL;
    if (own->fails) {
        return ch_error_set(err, CH_ERROR_IO, "the link is broken");
    }
    pthread_mutex_lock(&own->of->lock);
    letter *taken = own->of->first[own->rank];
    if (taken != NULL) {
        own->of->first[own->rank] = taken->next;
        own->of->end[own->rank] = taken->next != NULL ? own->of->end[own->rank] : &own->of->first[own->rank];
        *from = taken->from;
        *bytes = taken->bytes;
        *size = taken->size;
    }
    pthread_mutex_unlock(&own->of->lock);
    free(taken);
    return CH_OK;
}

static inline ch_link link_of(mailbox *own, int size, int total_threads)
{
    return (ch_link){own->rank, size, total_threads, own, post, fetch};
}

#endif
