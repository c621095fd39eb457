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
#include "tcp_ceiling.h"

enum stage { CONNECTING, INFORMING, ENDING };

struct session {
    struct connection connection;
    enum stage stage;
};

static struct session sessions[MOST];

static void begin(struct session *s) {
    s->connection.fd = begin_connecting(s);
    s->stage = CONNECTING;
}

static void post(struct session *s, const char *request, size_t length, enum stage stage) {
    send_request(&s->connection, request, length);
    s->stage = stage;
}

static void act(struct session *s) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    switch (s->stage) {
    case CONNECTING:
        epoll_ctl(poller, EPOLL_CTL_MOD, s->connection.fd, &event);
        post(s, inform, inform_length, INFORMING);
        break;
    case INFORMING:
        if (answered(&s->connection, "200")) post(s, EMPTY, sizeof EMPTY - 1, ENDING);
        break;
    case ENDING:
        if (!answered(&s->connection, "204")) break;
        close(s->connection.fd);
        count++;
        begin(s);
    }
}

int main(int argc, char **argv) {
    struct epoll_event events[64];
    if (argc != 5) return 2;
    int connections = atoi(argv[2]);
    if (connections < 1 || connections > MOST) return 2;
    make_ready(argv[1], argv[4]);
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
