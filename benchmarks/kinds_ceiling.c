/*
 * The ceiling of sessions that are not plain: as ceiling.c, with what else an ACS asks for.
 *
 *     kinds_ceiling PORT CONNECTIONS SECONDS FILE KIND [ANSWER]
 *
 * FILE holds the request with the Inform, headers and all. KIND is one of
 *
 *     cookie   the cookie of the answer to the Inform is sent with the empty POST
 *     digest   the Inform is answered with a challenge, and is sent again with Digest; the empty POST
 *              has it, too. Each session is another CPE, with a name and a password of its own
 *     request  the empty POST is answered with a request; ANSWER holds the POST that answers it
 *
 * Prints {"count": ..., "cpu": ...}: the sessions, and the CPU seconds of this process.
 */
#include "tcp_ceiling.h"
#include "md5.h"

enum kind { COOKIE, DIGEST, REQUEST };
enum stage { CONNECTING, INFORMING, INFORMING_AGAIN, LISTENING, ANSWERING };

struct session {
    struct connection connection;
    enum stage stage;
    long cpe;
    unsigned uses;     /* of the nonce */
    char cnonce[17];
    char nonce[128], realm[128], name[64];
    char secret[33];   /* H(A1) of the challenge */
    char own[1024];    /* headers that only this session has */
};

static struct session sessions[MOST];
static enum kind kind;

/* A request, and how many bytes stand before the empty line of its head. */
struct request {
    const char *text;
    size_t length, head;
};

static struct request informing, nothing, responding;
static char response[65536], uri[33];
static long next_cpe;

static struct request request_of(const char *text, size_t length) {
    return (struct request){text, length, (size_t)(strstr(text, "\r\n\r\n") + 2 - text)};
}

static void begin(struct session *s) {
    s->connection.fd = begin_connecting(s);
    s->stage = CONNECTING;
    s->cpe = next_cpe++;
    s->own[0] = 0;
    s->uses = 0;
}

/* Posts a request with the session's own headers at the end of its head; copied, which costs less
 * than to have the kernel gather three parts. */
static void post(struct session *s, const struct request *request, enum stage stage) {
    static char text[sizeof inform + sizeof s->own];
    size_t own = strlen(s->own), length = request->length + own;
    memcpy(text, request->text, request->head);
    memcpy(text + request->head, s->own, own);
    memcpy(text + request->head + own, request->text + request->head, request->length - request->head);
    send_request(&s->connection, text, length);
    s->stage = stage;
}

/* Copies what stands in an answer between two texts; the program ends if it does not. */
static void find(const char *answer, const char *before, const char *after, char *found, size_t most) {
    const char *start = strcasestr(answer, before), *end;
    if (start == NULL || (end = strpbrk(start += strlen(before), after)) == NULL) fail(before);
    if ((size_t)(end - start) >= most) fail("long");
    memcpy(found, start, (size_t)(end - start));
    found[end - start] = 0;
}

static void take_cookie(struct session *s) {
    char cookie[512];
    find(s->connection.answer, "\r\nset-cookie: ", ";\r", cookie, sizeof cookie);
    snprintf(s->own, sizeof s->own, "Cookie: %s\r\n", cookie);
}

static void take_challenge(struct session *s) {
    char text[1024];
    find(s->connection.answer, "nonce=\"", "\"", s->nonce, sizeof s->nonce);
    find(s->connection.answer, "realm=\"", "\"", s->realm, sizeof s->realm);
    snprintf(s->cnonce, sizeof s->cnonce, "%016lx", s->cpe * 0x9e3779b97f4a7c15);
    snprintf(s->name, sizeof s->name, "00D09E-Gateway-%08lX", s->cpe);
    snprintf(text, sizeof text, "%s:%s:secret-%08lX", s->name, s->realm, s->cpe);
    md5(text, s->secret);
}

static void authorize(struct session *s) {
    char text[1024], digest[33];
    s->uses++;
    snprintf(text, sizeof text, "%s:%s:%08x:%s:auth:%s", s->secret, s->nonce, s->uses, s->cnonce, uri);
    md5(text, digest);
    snprintf(s->own, sizeof s->own,
             "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"/\", "
             "algorithm=MD5, qop=auth, nc=%08x, cnonce=\"%s\", response=\"%s\"\r\n",
             s->name, s->realm, s->nonce, s->uses, s->cnonce, digest);
}

static void post_nothing(struct session *s) {
    if (kind == COOKIE) take_cookie(s);
    if (kind == DIGEST) authorize(s);
    post(s, &nothing, kind == REQUEST ? LISTENING : ANSWERING);
}

static void act(struct session *s) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    switch (s->stage) {
    case CONNECTING:
        epoll_ctl(poller, EPOLL_CTL_MOD, s->connection.fd, &event);
        post(s, &informing, kind == DIGEST ? INFORMING : INFORMING_AGAIN);
        break;
    case INFORMING:
        if (!answered(&s->connection, "401")) break;
        take_challenge(s);
        authorize(s);
        post(s, &informing, INFORMING_AGAIN);
        break;
    case INFORMING_AGAIN:
        if (answered(&s->connection, "200")) post_nothing(s);
        break;
    case LISTENING:
        if (answered(&s->connection, "200")) post(s, &responding, ANSWERING);
        break;
    case ANSWERING:
        if (!answered(&s->connection, "204")) break;
        close(s->connection.fd);
        count++;
        begin(s);
    }
}

static enum kind kind_of(const char *name) {
    static const char *names[] = {"cookie", "digest", "request"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return i;
    fail(name);
    return 0;
}

int main(int argc, char **argv) {
    struct epoll_event events[64];
    if (argc < 6) return 2;
    int connections = atoi(argv[2]);
    if (connections < 1 || connections > MOST) return 2;
    make_ready(argv[1], argv[4]);
    kind = kind_of(argv[5]);
    informing = request_of(inform, inform_length);
    nothing = request_of(EMPTY, sizeof EMPTY - 1);
    if (kind == REQUEST)
        responding = request_of(response, read_file(argv[6], response, sizeof response - 1));
    md5("POST:/", uri);
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
