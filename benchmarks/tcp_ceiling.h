/* What the ceilings over plain TCP share: how a request is sent, and its answer is received. */
#include "ceiling.h"

struct connection {
    int fd;
    size_t got;
    char answer[8192];
};

static void send_request(struct connection *c, const char *request, size_t length) {
    if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
    c->got = 0;
}

/* Receives what has come; whether the answer is complete. */
static int answered(struct connection *c, const char *status) {
    ssize_t more = recv(c->fd, c->answer + c->got, sizeof c->answer - 1 - c->got, 0);
    if (more < 0 && errno == EAGAIN) return 0;
    if (more <= 0) fail("recv");
    c->got += more;
    return is_complete(c->answer, c->got, status);
}
