/* The least that an echo server on one thread can do: epoll, one shared buffer, no limits, no care.
 *
 * The peer of `scripts/bench/event-server` that says what the system itself costs. Each read is answered
 * with the prefix and the same bytes. A client that does not read makes it spin, nobody is ever timed out,
 * and a full descriptor table makes it spin as well. Only for measuring.
 *
 *   cc -O2 -o tcp_epoll tcp_epoll.c && ./tcp_epoll 127.0.0.1:0
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PREFIX "Server received: "
enum { PREFIX_LEN = sizeof PREFIX - 1, READ_LEN = 64 * 1024, EVENTS_MAX = 1024, BACKLOG = 4096 };

static char buffer[PREFIX_LEN + READ_LEN];

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void accept_all(int poller, int listener) {
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0)
            return;
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
        check(epoll_ctl(poller, EPOLL_CTL_ADD, client, &event), "epoll_ctl");
    }
}

/* One read, one send; a send that takes less than all is tried again at once, which no real server may do. */
static void answer(int client) {
    ssize_t len = recv(client, buffer + PREFIX_LEN, READ_LEN, 0);
    if (len < 0 && errno == EAGAIN)
        return;
    size_t left = len > 0 ? PREFIX_LEN + len : 0;
    const char *next = buffer;
    while (len > 0 && left > 0) {
        ssize_t sent = send(client, next, left, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            len = -1;
        if (sent > 0) {
            next += sent;
            left -= sent;
        }
    }
    if (len <= 0)
        close(client);
}

int main(int argc, char **argv) {
    char *colon = argc == 2 ? strrchr(argv[1], ':') : NULL;
    if (!colon)
        return fprintf(stderr, "usage: tcp_epoll 127.0.0.1:PORT\n"), 2;
    *colon = 0;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    inet_pton(AF_INET, argv[1], &addr.sin_addr);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    check(bind(listener, (struct sockaddr *)&addr, sizeof addr), "bind");
    check(listen(listener, BACKLOG), "listen");
    socklen_t len = sizeof addr;
    getsockname(listener, (struct sockaddr *)&addr, &len);
    printf("Server listening on %s:%d\n", inet_ntoa(addr.sin_addr), ntohs(addr.sin_port));
    fflush(stdout);

    memcpy(buffer, PREFIX, PREFIX_LEN);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS_MAX];
    check(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(poller, listener);
            else
                answer(events[i].data.fd);
        }
    }
}
