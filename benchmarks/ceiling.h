/* What the ceilings share: the sockets of sessions on one epoll, their requests, and the clocks. */
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

/* Reads so many bytes of a file at most; returns how many. */
static size_t read_file(const char *name, char *data, size_t most) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) fail(name);
    size_t length = fread(data, 1, most, file);
    fclose(file);
    return length;
}

/* Read the request with the Inform, and make ready for connections to a port of loopback. */
static void make_ready(const char *port, const char *request) {
    inform_length = read_file(request, inform, sizeof inform - 1);
    acs.sin_family = AF_INET;
    acs.sin_port = htons(atoi(port));
    acs.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poller = epoll_create1(0);
}

/* Begin to connect; the epoll tells with the pointer that the socket can be written to. */
static int begin_connecting(void *session) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = session};
    if (fd < 0) fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&acs, sizeof acs) < 0 && errno != EINPROGRESS)
        fail("connect");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
    return fd;
}

/* Whether the answer is complete; ends the program when it is not what it must be. */
static int is_complete(char *answer, size_t got, const char *status) {
    answer[got] = 0;
    char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL) return 0;
    if (strncmp(answer + 9, status, 3) != 0) fail(answer);
    char *length = strcasestr(answer, "\r\ncontent-length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return got >= (size_t)(end + 4 - answer) + body;
}
