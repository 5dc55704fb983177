/* http_support.h — a small HTTP server in a process of its own, with the faults that a mirror may have.
 *
 * It serves the files of the test's folder under /MODE/NAME. The modes are:
 *   ranges    it answers as a good server
 *   whole     it sends the whole file, whatever range is asked for
 *   short     it announces the whole file, sends half of it and hangs up
 *   slow      it announces the whole file, sends half of it and waits
 *   moved     it redirects to ranges
 * It answers any other mode with 404. It appends every request to the file "requests" of the folder.
 */
#ifndef CH_TESTS_HTTP_SUPPORT_H
#define CH_TESTS_HTTP_SUPPORT_H

#include "tests/store_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

typedef struct {
    pid_t process;
    int port;
} server;

static inline void send_all(int client, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t sent = send(client, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

static inline void answer(int client, const char *head, const char *body, size_t size)
{
    send_all(client, head, strlen(head));
    send_all(client, body, size);
}

static inline size_t read_served(const char *name, char *bytes, size_t room)
{
    FILE *file = fopen(path_of(name), "rb");
    if (file == NULL) {
        return 0;
    }
    const size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static inline void serve_request(int client, const char *request)
{
    static char body[1 << 23];
    char mode[16] = "", name[64] = "", head[256];
    size_t offset = 0;
    const char *range = strstr(request, "Range: bytes=");
    if (sscanf(request, "GET /%15[a-z]/%63[^ ]", mode, name) == 2 && range != NULL) {
        sscanf(range, "Range: bytes=%zu", &offset);
    }
    const size_t size = read_served(name, body, sizeof body);
    if (size == 0) {
        mode[0] = '\0';
    }
    if (strcmp(mode, "ranges") == 0 && range != NULL && offset >= size) {
        answer(client, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "", 0);
    } else if (strcmp(mode, "ranges") == 0 && range != NULL) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
                 "Connection: close\r\n\r\n",
                 size - offset, offset, size - 1, size);
        answer(client, head, body + offset, size - offset);
    } else if (strcmp(mode, "moved") == 0) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 302 Found\r\nLocation: /ranges/%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", name);
        answer(client, head, "", 0);
    } else if (strcmp(mode, "ranges") == 0 || strcmp(mode, "whole") == 0 || strcmp(mode, "short") == 0 ||
               strcmp(mode, "slow") == 0) {
        const bool half = mode[0] == 's';
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", size);
        answer(client, head, body, half ? size / 2 : size);
        if (strcmp(mode, "slow") == 0) {
            char byte;
            (void)!recv(client, &byte, 1, 0); /* returns when the other side hangs up */
        }
    } else {
        answer(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "", 0);
    }
}

static inline void serve(int listening)
{
    for (;;) {
        char request[4096] = "";
        size_t length = 0;
        const int client = accept(listening, NULL, NULL);
        while (client >= 0 && strstr(request, "\r\n\r\n") == NULL && length + 1 < sizeof request) {
            const ssize_t got = recv(client, request + length, sizeof request - 1 - length, 0);
            if (got <= 0) {
                break;
            }
            length += (size_t)got;
            request[length] = '\0';
        }
        FILE *log = fopen(path_of("requests"), "a");
        if (log != NULL) {
            fputs(request, log);
            fclose(log);
        }
        serve_request(client, request);
        close(client);
    }
}

/* Reaches local addresses without the proxy that the environment may name. */
static inline void bypass_proxies(void)
{
    assert_int_equal(setenv("no_proxy", "127.0.0.1", 1), 0);
}

static inline server start_server(void)
{
    bypass_proxies();
    server self = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listening >= 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    self.port = ntohs(address.sin_port);
    self.process = fork();
    if (self.process == 0) {
        serve(listening);
    }
    assert_true(self.process > 0);
    close(listening);
    return self;
}

static inline void stop_server(server *self)
{
    kill(self->process, SIGKILL);
    waitpid(self->process, NULL, 0);
}

#endif
