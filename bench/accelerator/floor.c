/* The least that serving a page costs: epoll, one thread, the answers ready in memory.
 * floor PORT GZIP_FILE BR_FILE [CERTIFICATE KEY]: over TLS 1.3 with the last two. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct visitor { int fd; SSL *tls; size_t got, sent, length; const char *answer; char request[4096]; };
static char *answers[2]; static size_t lengths[2]; static int loop;

static void load(int which, const char *path, const char *coding) {
    FILE *file = fopen(path, "rb");
    char *answer = malloc(1 << 20);
    fseek(file, 0, SEEK_END); long size = ftell(file); rewind(file);
    int head = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\n"
        "Content-Encoding: %s\r\nVary: Accept-Encoding\r\nContent-Length: %ld\r\n\r\n", coding, size);
    lengths[which] = head + fread(answer + head, 1, size, file);
    answers[which] = answer; fclose(file);
}
static long receive(struct visitor *v) {
    size_t room = sizeof v->request - 1 - v->got;
    return v->tls ? SSL_read(v->tls, v->request + v->got, room) : read(v->fd, v->request + v->got, room);
}
static long transmit(struct visitor *v) {
    const char *rest = v->answer + v->sent; size_t left = v->length - v->sent;
    return v->tls ? SSL_write(v->tls, rest, left) : write(v->fd, rest, left);
}
static void forget(struct visitor *v) { if (v->tls) SSL_free(v->tls); close(v->fd); free(v); }
static int waits(struct visitor *v, long done) {
    if (!v->tls) return done < 0 && errno == EAGAIN;
    int error = SSL_get_error(v->tls, done);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}
static void serve(struct visitor *v) {
    for (;;) {
        while (v->sent < v->length) {
            long done = transmit(v);
            if (done <= 0) { if (!waits(v, done)) forget(v); return; }
            v->sent += done;
        }
        long done = receive(v);
        if (done <= 0) { if (!waits(v, done)) forget(v); return; }
        v->got += done; v->request[v->got] = 0;
        if (!strstr(v->request, "\r\n\r\n")) continue;
        int which = strstr(v->request, " br") || strstr(v->request, ",br") ? 1 : 0;
        v->answer = answers[which]; v->length = lengths[which]; v->sent = 0; v->got = 0;
    }
}
int main(int count, char **given) {
    signal(SIGPIPE, SIG_IGN);
    load(0, given[2], "gzip"); load(1, given[3], "br");
    SSL_CTX *context = NULL;
    if (count > 5) {
        context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        SSL_CTX_use_certificate_file(context, given[4], SSL_FILETYPE_PEM);
        SSL_CTX_use_PrivateKey_file(context, given[5], SSL_FILETYPE_PEM);
    }
    int door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(given[1])),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(door, (struct sockaddr *)&here, sizeof here) || listen(door, 512)) return 1;
    loop = epoll_create1(0);
    struct epoll_event at_door = {.events = EPOLLIN, .data.ptr = NULL}, ready[64];
    epoll_ctl(loop, EPOLL_CTL_ADD, door, &at_door);
    for (;;) {
        int events = epoll_wait(loop, ready, 64, -1);
        for (int i = 0; i < events; i++) {
            if (ready[i].data.ptr) { serve(ready[i].data.ptr); continue; }
            int fd = accept4(door, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            struct visitor *v = calloc(1, sizeof *v);
            v->fd = fd;
            if (context) { v->tls = SSL_new(context); SSL_set_fd(v->tls, fd); SSL_set_accept_state(v->tls); }
            struct epoll_event change = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = v};
            epoll_ctl(loop, EPOLL_CTL_ADD, fd, &change);
        }
    }
}
