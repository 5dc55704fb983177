/* ranks_mpi.c — messages between processes by MPI. A module of its own, which links nothing of chiton. */
#include "mpi/ranks_mpi.h"

#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message on its way: MPI reads its bytes until the request is complete. */
typedef struct {
    MPI_Request request;
    void *bytes; /* owned */
} sent_message;

typedef struct {
    MPI_Comm all, node;
    sent_message *sent; /* [num_sent]; owned */
    size_t num_sent, capacity;
} mpi_state;

static mpi_state state; /* MPI, too, is there once in a process */

static ch_code fail(ch_error *err, ch_code code, const char *what, const char *why)
{
    if (err != NULL) {
        err->code = code;
        snprintf(err->message, sizeof err->message, "MPI: %s%s%s", what, why[0] != '\0' ? ": " : "", why);
    }
    return code;
}

/* The failure of a call, in MPI's words. */
static ch_code fail_call(ch_error *err, int failure, const char *what)
{
    char why[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    (void)MPI_Error_string(failure, why, &length);
    return fail(err, CH_ERROR_IO, what, why);
}

/* Frees the messages that have gone. */
static ch_code look_after_sent(ch_error *err)
{
    for (size_t i = 0; i < state.num_sent;) {
        int is_complete = 0;
        const int failure = MPI_Test(&state.sent[i].request, &is_complete, MPI_STATUS_IGNORE);
        if (failure != MPI_SUCCESS) {
            return fail_call(err, failure, "a message could not be sent");
        }
        if (is_complete) {
            free(state.sent[i].bytes);
            state.sent[i] = state.sent[--state.num_sent];
        } else {
            i++;
        }
    }
    return CH_OK;
}

static ch_code send_message(void *context, int to, const void *bytes, size_t size, ch_error *err)
{
    (void)context;
    if (size > INT_MAX) {
        return fail(err, CH_ERROR_IO, "a message is over 2 GB", "");
    }
    if (state.num_sent == state.capacity) {
        const size_t capacity = state.capacity > 0 ? 2 * state.capacity : 64;
        sent_message *grown = realloc(state.sent, capacity * sizeof *grown);
        if (grown == NULL) {
            return fail(err, CH_ERROR_MEMORY, "not enough memory for a message", "");
        }
        state.sent = grown;
        state.capacity = capacity;
    }
    sent_message *message = &state.sent[state.num_sent];
    message->bytes = malloc(size);
    if (message->bytes == NULL) {
        return fail(err, CH_ERROR_MEMORY, "not enough memory for a message", "");
    }
    memcpy(message->bytes, bytes, size);
    const int failure = MPI_Isend(message->bytes, (int)size, MPI_BYTE, to, 0, state.all, &message->request);
    if (failure != MPI_SUCCESS) {
        free(message->bytes);
        return fail_call(err, failure, "a message could not be sent");
    }
    state.num_sent++;
    return CH_OK;
}

static ch_code receive_message(void *context, int *from, void **bytes, size_t *size, ch_error *err)
{
    (void)context;
    MPI_Status status;
    MPI_Message message;
    int is_there = 0, count = 0;
    *bytes = NULL;
    const ch_code code = look_after_sent(err);
    if (code != CH_OK) {
        return code;
    }
    int failure = MPI_Improbe(MPI_ANY_SOURCE, 0, state.all, &is_there, &message, &status);
    if (failure != MPI_SUCCESS) {
        return fail_call(err, failure, "no message can be received");
    }
    if (!is_there) {
        return CH_OK;
    }
    (void)MPI_Get_count(&status, MPI_BYTE, &count);
    void *room = malloc((size_t)count + 1);
    if (room == NULL) {
        return fail(err, CH_ERROR_MEMORY, "not enough memory for a message", "");
    }
    failure = MPI_Mrecv(room, count, MPI_BYTE, &message, &status);
    if (failure != MPI_SUCCESS) {
        free(room);
        return fail_call(err, failure, "a message could not be received");
    }
    *from = status.MPI_SOURCE;
    *bytes = room;
    *size = (size_t)count;
    return CH_OK;
}

static ch_code gather_among(MPI_Comm processes, const void *bytes, size_t size, void *all, ch_error *err)
{
    const int failure = MPI_Allgather(bytes, (int)size, MPI_BYTE, all, (int)size, MPI_BYTE, processes);
    return failure == MPI_SUCCESS ? CH_OK : fail_call(err, failure, "the processes cannot reach each other");
}

static ch_code gather_all(void *context, const void *bytes, size_t size, void *all, ch_error *err)
{
    (void)context;
    return gather_among(state.all, bytes, size, all, err);
}

static ch_code gather_node(void *context, const void *bytes, size_t size, void *all, ch_error *err)
{
    (void)context;
    return gather_among(state.node, bytes, size, all, err);
}

static void close_all(void *context)
{
    (void)context;
    for (size_t i = 0; i < state.num_sent; i++) {
        (void)MPI_Wait(&state.sent[i].request, MPI_STATUS_IGNORE);
        free(state.sent[i].bytes);
    }
    free(state.sent);
    (void)MPI_Comm_free(&state.node);
    (void)MPI_Comm_free(&state.all);
    (void)MPI_Finalize();
}

/* Keeps the first line of the library's name. */
static void find_library(char *name, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    (void)MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = '\0';
    snprintf(name, size, "%.*s", (int)size - 1, text);
}

ch_code ch_mpi_open(ch_mpi *self, ch_error *err)
{
    int provided = 0;
    memset(self, 0, sizeof *self);
    int failure = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (failure != MPI_SUCCESS) {
        return fail_call(err, failure, "it cannot begin");
    }
    if (provided < MPI_THREAD_SERIALIZED) {
        (void)MPI_Finalize();
        return fail(err, CH_ERROR_IO, "this library cannot be used by several threads", "");
    }
    failure = MPI_Comm_dup(MPI_COMM_WORLD, &state.all);
    if (failure == MPI_SUCCESS) {
        failure = MPI_Comm_split_type(state.all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &state.node);
    }
    if (failure != MPI_SUCCESS) {
        return fail_call(err, failure, "the processes cannot reach each other");
    }
    (void)MPI_Comm_set_errhandler(state.all, MPI_ERRORS_RETURN);
    (void)MPI_Comm_rank(state.all, &self->link.rank);
    (void)MPI_Comm_size(state.all, &self->link.size);
    (void)MPI_Comm_rank(state.node, &self->node_rank);
    (void)MPI_Comm_size(state.node, &self->node_size);
    find_library(self->library, sizeof self->library);
    self->link.send = send_message;
    self->link.receive = receive_message;
    self->gather = gather_all;
    self->gather_node = gather_node;
    self->close = close_all;
    return CH_OK;
}
