/*
 * The ceiling of TLS: what a connection costs a C program on the system's OpenSSL. Each session is a
 * connection: handshake, POST the Inform, read the answer, POST nothing, read the 204, close. Several
 * run at once, on one epoll. Sessions are kept in memory, as OpenSSL has made them, one for each CPE.
 *
 *     tls_ceiling PORT CONNECTIONS SECONDS FILE CA VERSION RESUMED CPES [IDENTITIES]
 *
 * FILE holds the request with the Inform, headers and all; CA the certificate to trust, in PEM.
 * VERSION is 1.2 or 1.3, RESUMED 0 or 1. IDENTITIES holds a certificate and a key for each of CPES, in
 * PEM, all decoded before the start. Prints {"count": ..., "cpu": ..., "resumed": ...}: the sessions,
 * the CPU seconds of this process after each CPE has had a session, and the share that was resumed.
 */
#include "ceiling.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define LEAST 200 /* connections of a measurement, on a machine that is busy with other things */

enum stage { HANDSHAKE, INFORMING, ENDING };

struct cpe {
    X509 *certificate;
    EVP_PKEY *key;
    SSL_SESSION *kept;
    int busy;
};

struct connection {
    int fd;
    uint32_t events;
    SSL *ssl;
    struct cpe *cpe;
    enum stage stage;
    size_t got;
    char answer[8192];
};

static struct connection connections[MOST];
static int resuming, identified;
static long resumed, next_cpe, cpes_in_all;
static struct cpe *cpes;
static SSL_CTX *context;

static void fail_of_openssl(const char *what) {
    ERR_print_errors_fp(stderr);
    fail(what);
}

/* OpenSSL has a session to keep; the newest replaces the one before. */
static int keep(SSL *ssl, SSL_SESSION *session) {
    struct connection *c = SSL_get_app_data(ssl);
    SSL_SESSION_free(c->cpe->kept);
    c->cpe->kept = session;
    return 1;
}

static struct cpe *idle_cpe(void) {
    struct cpe *cpe;
    do cpe = &cpes[next_cpe++ % cpes_in_all];
    while (cpe->busy);
    cpe->busy = 1;
    return cpe;
}

static void begin(struct connection *c) {
    c->fd = begin_connecting(c);
    c->cpe = idle_cpe();
    c->ssl = SSL_new(context);
    SSL_set_app_data(c->ssl, c);
    SSL_set_fd(c->ssl, c->fd);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), "127.0.0.1");
    if (identified) {
        SSL_use_certificate(c->ssl, c->cpe->certificate);
        SSL_use_PrivateKey(c->ssl, c->cpe->key);
    }
    if (resuming && c->cpe->kept != NULL) SSL_set_session(c->ssl, c->cpe->kept);
    SSL_set_connect_state(c->ssl);
    c->stage = HANDSHAKE;
    c->got = 0;
    c->events = EPOLLOUT;
}

/* Wait for what OpenSSL waits for. */
static void await(struct connection *c, int result) {
    int error = SSL_get_error(c->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail_of_openssl("ssl");
    uint32_t events = error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
    if (events == c->events) return;
    struct epoll_event event = {.events = c->events = events, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void post(struct connection *c, const char *request, size_t length, enum stage stage) {
    if (SSL_write(c->ssl, request, length) != (int)length) fail_of_openssl("write");
    c->stage = stage;
    c->got = 0;
}

static int answered(struct connection *c, const char *status) {
    int more = SSL_read(c->ssl, c->answer + c->got, sizeof c->answer - 1 - c->got);
    if (more <= 0) {
        await(c, more);
        return 0;
    }
    c->got += more;
    return is_complete(c->answer, c->got, status);
}

static void finish(struct connection *c) {
    resumed += SSL_session_reused(c->ssl);
    count++;
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd);
    c->cpe->busy = 0;
}

static void act(struct connection *c) {
    int result;
    switch (c->stage) {
    case HANDSHAKE:
        result = SSL_do_handshake(c->ssl);
        if (result != 1) {
            await(c, result);
            break;
        }
        if (SSL_get_verify_result(c->ssl) != X509_V_OK) fail_of_openssl("verify");
        post(c, inform, inform_length, INFORMING);
        if (c->events != EPOLLIN) {
            struct epoll_event event = {.events = c->events = EPOLLIN, .data.ptr = c};
            epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
        }
        break;
    case INFORMING:
        if (answered(c, "200")) post(c, EMPTY, sizeof EMPTY - 1, ENDING);
        break;
    case ENDING:
        if (!answered(c, "204")) break;
        finish(c);
        begin(c);
    }
}

static void run_until(double end, long least) {
    struct epoll_event events[64];
    while (seconds() < end || count < least) {
        int ready = epoll_wait(poller, events, 64, 100);
        for (int i = 0; i < ready; i++) act(events[i].data.ptr);
    }
}

static void prepare(const char *ca, int version, const char *identities) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set1_groups_list(context, "X25519:P-256");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep);
    if (!SSL_CTX_load_verify_locations(context, ca, NULL)) fail_of_openssl(ca);
    cpes = calloc(cpes_in_all, sizeof *cpes);
    if (!identified) return;
    BIO *file = BIO_new_file(identities, "r");
    if (file == NULL) fail_of_openssl(identities);
    for (long i = 0; i < cpes_in_all; i++) {
        cpes[i].certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
        cpes[i].key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
        if (cpes[i].certificate == NULL || cpes[i].key == NULL) fail_of_openssl(identities);
    }
    BIO_free(file);
}

int main(int argc, char **argv) {
    if (argc < 9) return 2;
    int at_once = atoi(argv[2]);
    cpes_in_all = atol(argv[8]);
    if (at_once < 1 || at_once > MOST || cpes_in_all < at_once) return 2;
    make_ready(argv[1], argv[4]);
    resuming = atoi(argv[7]);
    identified = argc > 9;
    prepare(argv[5], strcmp(argv[6], "1.3") ? TLS1_2_VERSION : TLS1_3_VERSION, argv[9]);
    for (int i = 0; i < at_once; i++) begin(&connections[i]);
    run_until(0, cpes_in_all + at_once);
    count = resumed = 0;
    double before = cpu_seconds();
    run_until(seconds() + atof(argv[3]), LEAST);
    printf("{\"count\": %ld, \"cpu\": %.6f, \"resumed\": %.4f}\n", count, cpu_seconds() - before,
           count ? (double)resumed / count : 0);
    return 0;
}
