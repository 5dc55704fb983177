/* http.c — a server's answers: a thread of this process answers every request with the bytes. */
#include "data/fetch_private.h"
#include "tests/fuzz/stores.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The answer is a copy, since the thread may send it when the bytes are gone. */
static struct {
    int listener, port;
    pthread_mutex_t lock; /* guards the answer */
    uint8_t answer[1 << 13];
    size_t size;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Answers requests one after the other, for as long as the process lives. */
static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        char request[4096];
        const int client = accept(server.listener, NULL, NULL);
        if (client < 0) {
            continue;
        }
        if (recv(client, request, sizeof request, 0) > 0) {
            pthread_mutex_lock(&server.lock);
            (void)!send(client, server.answer, server.size, MSG_NOSIGNAL);
            pthread_mutex_unlock(&server.lock);
        }
        close(client);
    }
    return NULL;
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    if (server.listener < 0 || bind(server.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server.listener, 16) != 0 || getsockname(server.listener, (struct sockaddr *)&address, &length) != 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0) {
        abort();
    }
    server.port = ntohs(address.sin_port);
}

void fuzz_http(const uint8_t *data, size_t size)
{
    enum { MOST_FETCHED = 1 << 16 };
    static const ch_fetch_file file = {
        .name = "a", .md5 = "60b725f10c9c85c70d97880dfe8191b3", .most = MOST_FETCHED}; /* of "a\n" */
    char mirror[64], path[128];
    ch_error err;
    pthread_mutex_lock(&server.lock);
    server.size = size < sizeof server.answer ? size : sizeof server.answer;
    if (size > 0) {
        memcpy(server.answer, data, server.size);
    }
    pthread_mutex_unlock(&server.lock);
    if (server.port == 0) {
        start_server();
    }
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d/", server.port);
    const char *const mirrors[] = {mirror, NULL};
    const ch_fetch_how how = {.mirrors = mirrors};
    (void)!ch_fetch_download(fuzz_folder(), &file, &how, &err);
    snprintf(path, sizeof path, "%s/a", fuzz_folder());
    (void)remove(path);
    snprintf(path, sizeof path, "%s/a.part", fuzz_folder());
    (void)remove(path);
}
