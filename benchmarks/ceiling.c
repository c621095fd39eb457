/*
 * The ceiling: how many CWMP sessions a second of CPU is good for, when nothing but the sockets is
 * paid for. Each session is a connection: POST the Inform, read the answer, POST nothing, read the
 * 204, close. Several run at once, on one epoll.
 *
 *     ceiling PORT CONNECTIONS SECONDS FILE
 *
 * FILE holds the request with the Inform, headers and all. Prints {"count": ..., "cpu": ...}: the
 * sessions, and the CPU seconds of this process.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 1024
#define EMPTY "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ceiling\r\nContent-Length: 0\r\n\r\n"

enum stage { CONNECTING, INFORMING, ENDING };

struct session {
    int fd;
    enum stage stage;
    size_t got;
    char answer[8192];
};

static struct session sessions[MOST];
static struct sockaddr_in acs;
static char inform[65536];
static size_t inform_length;
static int poller;
static long count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec
        + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void begin(struct session *s) {
    int on = 1;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = s};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s->fd < 0) fail("socket");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(s->fd, (struct sockaddr *)&acs, sizeof acs) < 0 && errno != EINPROGRESS)
        fail("connect");
    s->stage = CONNECTING;
    s->got = 0;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, s->fd, &event) < 0) fail("epoll_ctl");
}

static void post(struct session *s, const char *request, size_t length, enum stage stage) {
    if (send(s->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
    s->stage = stage;
    s->got = 0;
}

/* Whether the answer is complete; ends the program when it is not what it must be. */
static int answered(struct session *s, const char *status) {
    ssize_t more = recv(s->fd, s->answer + s->got, sizeof s->answer - 1 - s->got, 0);
    if (more < 0 && errno == EAGAIN) return 0;
    if (more <= 0) fail("recv");
    s->got += more;
    s->answer[s->got] = 0;
    char *end = strstr(s->answer, "\r\n\r\n");
    if (end == NULL) return 0;
    if (strncmp(s->answer + 9, status, 3) != 0) fail(s->answer);
    char *length = strcasestr(s->answer, "\r\ncontent-length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return s->got >= (size_t)(end + 4 - s->answer) + body;
}

static void act(struct session *s) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    switch (s->stage) {
    case CONNECTING:
        epoll_ctl(poller, EPOLL_CTL_MOD, s->fd, &event);
        post(s, inform, inform_length, INFORMING);
        break;
    case INFORMING:
        if (answered(s, "200")) post(s, EMPTY, sizeof EMPTY - 1, ENDING);
        break;
    case ENDING:
        if (!answered(s, "204")) break;
        close(s->fd);
        count++;
        begin(s);
    }
}

int main(int argc, char **argv) {
    struct epoll_event events[64];
    if (argc != 5) return 2;
    int connections = atoi(argv[2]);
    if (connections < 1 || connections > MOST) return 2;
    FILE *file = fopen(argv[4], "rb");
    if (file == NULL) fail(argv[4]);
    inform_length = fread(inform, 1, sizeof inform, file);
    acs.sin_family = AF_INET;
    acs.sin_port = htons(atoi(argv[1]));
    acs.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
    double end = seconds() + atof(argv[3]);
    double before = cpu_seconds();
    for (int i = 0; i < connections; i++) begin(&sessions[i]);
    while (seconds() < end) {
        int ready = epoll_wait(poller, events, 64, 100);
        for (int i = 0; i < ready; i++) act(events[i].data.ptr);
    }
    printf("{\"count\": %ld, \"cpu\": %.6f}\n", count, cpu_seconds() - before);
    return 0;
}
