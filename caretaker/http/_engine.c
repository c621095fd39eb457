/*
 * Exchanges of HTTP/1.1 on many sockets in one call: what a session costs is then its system calls
 * (decision 0042).
 *
 * An engine has an epoll descriptor of its own, on which caretaker/http/io_engine.py waits in
 * gevent's loop. It knows how answers are framed, and nothing of what is in a body; of cookies it
 * is told which are sent back, by their names and attributes. It reads
 * answers of the plain form alone, that of response_parser.plain_response. A connection with any
 * other is handed over, with its stage and its bytes, to a greenlet that goes on with it.
 *
 * Nothing here waits, and nothing calls Python: what has happened is returned by turn. Each call
 * keeps the GIL, so no two threads are ever in one engine.
 *
 * The watches of sockets are edge-triggered. So a socket is sent to, and received from, until the
 * request or the answer is complete, or the system has no more; what is seen of a socket while
 * nobody awaits an answer of it is noted, and looked at when the next request has been sent.
 */
#define PY_SSIZE_T_CLEAN
#define _GNU_SOURCE
#include <Python.h>
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <structmember.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INTERFACE 2      /* as caretaker/c_parts.py has it */
#define MOST_HEAD 2048   /* bytes, as response_parser.plain_response has it */
#define MOST_HEADERS 50  /* likewise */
#define MOST_BODY 65536  /* bytes; a larger body is for a greenlet, whose turns are limited */
#define MOST_RECEIVED (MOST_HEAD + 4 + MOST_BODY + 1) /* one more than an answer can have */
#define MOST_KNOWN 64    /* bodies; then the oldest is forgotten */
#define MOST_KNOWN_BODY 4096
#define KEPT_HEADS 16
#define MOST_COOKIES 8   /* of an answer, as cookies.only_cookies has it */
#define KEPT_COOKIES 16  /* kinds of them */
#define MOST_EVENTS 256  /* of one turn */
#define MOST_PIECES 16   /* received of one connection, before others have their turn */
#define MOST_BEGUN 16    /* connections that wait for flush */
#define MOST_SENT (MOST_HEAD + 16) /* of a Cookie header: those that set them are longer */

#define NOTHING UINT32_MAX /* no place */
#define FAILURES UINT64_MAX /* what epoll says when failures are to be told */
#define INPUT (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define OVER (EPOLLRDHUP | EPOLLHUP | EPOLLERR)

enum kind { DONE, ANSWER, DETACHED, FAILED };

enum stage { CONNECTING, SENDING, RECEIVING, ANSWERED };

typedef struct {
    PyObject *token;     /* NULL in a free place, and when a failed connection was dropped */
    PyObject *request;   /* the one that was sent last */
    PyObject *following; /* to be sent after a known body; NULL without */
    PyObject *known;     /* the known body that was received; NULL without */
    PyObject *set;       /* the head of that answer, if it has set cookies; else NULL */
    char *received;      /* of an answer that is not complete */
    size_t length;       /* of received */
    size_t offset;       /* how much of the request was sent */
    double deadline, started, sent_at, known_at;
    uint32_t generation; /* of the place: an event of an earlier connection is for nobody */
    uint32_t next;       /* free place, or failed connection */
    uint32_t watched;    /* events of epoll; 0 if it does not watch */
    int descriptor;      /* -1 without */
    int failure;         /* an errno that is still to be told */
    enum stage stage;
    char ends;           /* whether an empty answer ends it */
    char unread;         /* whether there may be bytes, or an end, without another event */
} Connection;

/* A connection that begin was called for. */
typedef struct {
    uint64_t place;      /* with its generation */
    PyObject *address, *source;
} Begun;

/* What is sent back of cookies whose names and attributes are these. */
typedef struct {
    PyObject *kinds;     /* as kinds_of writes them */
    PyObject *sent;      /* the numbers of those that are sent, in order */
    size_t at;           /* where in a request their header is */
} Cookies;

typedef struct {
    PyObject_HEAD
    PyObject *places;    /* token: number of its place */
    Connection *connections;
    uint32_t size, most; /* places */
    uint32_t free;       /* first one */
    uint32_t first_failed, last_failed;
    int poller, wake;    /* descriptors; -1 when closed */
    double timeout, until;
    PyObject *known[MOST_KNOWN];
    unsigned next_known;
    PyObject *heads[KEPT_HEADS];
    unsigned next_head;
    Cookies cookies[KEPT_COOKIES];
    unsigned next_cookies;
    Begun begun[MOST_BEGUN];
    unsigned begun_count;
    struct epoll_event ready[MOST_EVENTS];
    char buffer[MOST_RECEIVED];
} Engine;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -- the plain form ---------------------------------------------------------------------------- */

enum verdict { MORE, PLAIN, OTHER };

typedef struct {
    const char *at, *end;
} Cursor;

typedef struct {
    const char *text;
    size_t length;
} Span;

typedef struct {
    size_t head, body; /* lengths; the head without the empty line */
    int status;
    int closes;        /* Connection: close */
    int lengths, connections;
    int is_zero;       /* Content-Length: 0 */
    int is_coded, upgrades;
    int has_coding;    /* of its content, which somebody must look at */
    unsigned cookies;  /* how many are set; the first are in set */
    Span set[MOST_COOKIES];
} Frame;

static int is_digit(char each) {
    return each >= '0' && each <= '9';
}

static int is_name(char each) {
    return is_digit(each) || (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z')
        || each == '-';
}

static int is_visible(char each) {
    return each >= 0x21 && each <= 0x7e;
}

static int is(Span span, const char *word) {
    return span.length == strlen(word) && strncasecmp(span.text, word, span.length) == 0;
}

/* The end of a line. */
static enum verdict read_end(Cursor *cursor) {
    for (const char *each = "\r\n"; *each; each++) {
        if (cursor->at == cursor->end) return MORE;
        if (*cursor->at++ != *each) return OTHER;
    }
    return PLAIN;
}

static enum verdict read_status(Cursor *cursor, Frame *frame) {
    for (const char *each = "HTTP/1.1 "; *each; each++) {
        if (cursor->at == cursor->end) return MORE;
        if (*cursor->at++ != *each) return OTHER;
    }
    for (int number = 0; number < 3; number++) {
        if (cursor->at == cursor->end) return MORE;
        char each = *cursor->at++;
        if (!is_digit(each) || (number == 0 && (each < '2' || each > '5'))) return OTHER;
        frame->status = 10 * frame->status + each - '0';
    }
    if (cursor->at < cursor->end && *cursor->at == ' ')
        while (cursor->at < cursor->end && (is_visible(*cursor->at) || *cursor->at == ' '))
            cursor->at++;
    return read_end(cursor);
}

/* A value without the white space around it; a tab may be in that alone. */
static enum verdict read_value(Cursor *cursor, Span *value) {
    int after_tab = 0;
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t')) cursor->at++;
    *value = (Span){cursor->at, 0};
    for (; cursor->at < cursor->end; cursor->at++) {
        if (is_visible(*cursor->at)) {
            if (after_tab) return OTHER;
            value->length = (size_t)(cursor->at + 1 - value->text);
        } else if (*cursor->at == '\t')
            after_tab = 1;
        else if (*cursor->at != ' ')
            break;
    }
    return read_end(cursor);
}

static enum verdict read_header(Cursor *cursor, Span *name, Span *value) {
    *name = (Span){cursor->at, 0};
    while (cursor->at < cursor->end && is_name(*cursor->at)) cursor->at++;
    name->length = (size_t)(cursor->at - name->text);
    if (cursor->at == cursor->end) return MORE;
    if (name->length == 0 || *cursor->at++ != ':') return OTHER;
    return read_value(cursor, value);
}

/* What a header says of the frame; 0 if it is none of the plain form. */
static int take_header(Frame *frame, Span name, Span value) {
    if (is(name, "content-length")) {
        if (++frame->lengths > 1 || value.length < 1 || value.length > 9) return 0;
        for (size_t i = 0; i < value.length; i++) {
            if (!is_digit(value.text[i])) return 0;
            frame->body = 10 * frame->body + (size_t)(value.text[i] - '0');
        }
        frame->is_zero = is(value, "0");
    } else if (is(name, "connection")) {
        frame->closes = is(value, "close");
        return ++frame->connections == 1 && (frame->closes || is(value, "keep-alive"));
    } else if (is(name, "transfer-encoding"))
        frame->is_coded = 1;
    else if (is(name, "upgrade"))
        frame->upgrades = 1;
    else if (is(name, "content-encoding"))
        frame->has_coding = 1;
    else if (is(name, "set-cookie") && frame->cookies++ < MOST_COOKIES)
        frame->set[frame->cookies - 1] = value;
    return 1;
}

/* Whether the length of the body is certain (RFC 9112 6.3). */
static int has_length(const Frame *frame) {
    if (frame->is_coded) return 0;
    if (frame->status == 204) return frame->lengths == 0 || frame->is_zero;
    return !frame->upgrades && frame->status != 304 && frame->lengths == 1;
}

static enum verdict read_head(Cursor *cursor, Frame *frame) {
    const char *start = cursor->at;
    enum verdict verdict = read_status(cursor, frame);
    for (int headers = 0; verdict == PLAIN; headers++) {
        Span name, value;
        if (cursor->at < cursor->end && *cursor->at == '\r') {
            frame->head = (size_t)(cursor->at - 2 - start);
            verdict = read_end(cursor);
            return verdict == PLAIN && !has_length(frame) ? OTHER : verdict;
        }
        verdict = read_header(cursor, &name, &value);
        if (verdict == PLAIN && (headers == MOST_HEADERS || !take_header(frame, name, value)))
            return OTHER;
    }
    return verdict;
}

/* Whether these bytes are one answer of the plain form, its beginning, or something else. */
static enum verdict read_frame(const char *data, size_t length, Frame *frame) {
    Cursor cursor = {data, data + length};
    *frame = (Frame){0};
    enum verdict verdict = read_head(&cursor, frame);
    if (verdict == MORE) return length < MOST_HEAD + 4 ? MORE : OTHER;
    if (verdict == OTHER || frame->head > MOST_HEAD || frame->body > MOST_BODY) return OTHER;
    size_t got = length - frame->head - 4;
    return got < frame->body ? MORE : got == frame->body ? PLAIN : OTHER;
}

static int is_empty(const Frame *frame) {
    return frame->status == 204 || (frame->status == 200 && frame->body == 0);
}

/* -- cookies ----------------------------------------------------------------------------------- */

/* A cookie of the usual form: visible name and value, and what stands after a semicolon. */
typedef struct {
    Span name, value, attributes;
} Cookie;

/* Reads visible characters but semicolons, and but one more. */
static Span read_visible(Cursor *cursor, char but) {
    Span span = {cursor->at, 0};
    while (cursor->at < cursor->end && is_visible(*cursor->at) && *cursor->at != ';'
           && *cursor->at != but)
        cursor->at++;
    span.length = (size_t)(cursor->at - span.text);
    return span;
}

/* Reads the value of a Set-Cookie header; 0 if it has another form. */
static int read_cookie(Span header, Cookie *cookie) {
    Cursor cursor = {header.text, header.text + header.length};
    cookie->name = read_visible(&cursor, '=');
    if (cookie->name.length == 0 || cursor.at == cursor.end || *cursor.at++ != '=') return 0;
    cookie->value = read_visible(&cursor, ';');
    if (cursor.at < cursor.end && *cursor.at++ != ';') return 0;
    cookie->attributes = (Span){cursor.at, (size_t)(cursor.end - cursor.at)};
    return 1;
}

/* Reads the cookies of an answer; 0 if one has another form, or there are too many. */
static int read_cookies(const Frame *frame, Cookie *cookies) {
    if (frame->cookies > MOST_COOKIES) return 0;
    for (unsigned i = 0; i < frame->cookies; i++)
        if (!read_cookie(frame->set[i], &cookies[i])) return 0;
    return 1;
}

static char *append(char *text, Span span) {
    memcpy(text, span.text, span.length);
    return text + span.length;
}

/* Writes the names and attributes of cookies, line by line; returns how many bytes. */
static size_t write_kinds(const Cookie *cookies, unsigned count, char *text) {
    static const Span line = {"\n", 1};
    char *end = text;
    for (unsigned i = 0; i < count; i++) {
        end = append(append(end, cookies[i].name), line);
        end = append(append(end, cookies[i].attributes), line);
    }
    return (size_t)(end - text);
}

/* What is sent back of cookies of these kinds; NULL if that is not known. */
static Cookies *find_cookies(Cookies *kept, const char *kinds, size_t length) {
    for (unsigned i = 0; i < KEPT_COOKIES && kept[i].kinds != NULL; i++)
        if ((size_t)PyBytes_GET_SIZE(kept[i].kinds) == length
            && memcmp(PyBytes_AS_STRING(kept[i].kinds), kinds, length) == 0)
            return &kept[i];
    return NULL;
}

/* Writes the header that sends cookies back; returns its end. */
static char *write_header(char *text, const Cookie *cookies, PyObject *sent) {
    const unsigned char *numbers = (const unsigned char *)PyBytes_AS_STRING(sent);
    static const Span start = {"Cookie: ", 8}, is = {"=", 1}, next = {"; ", 2}, end = {"\r\n", 2};
    text = append(text, start);
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(sent); i++) {
        const Cookie *cookie = &cookies[numbers[i]];
        if (i > 0) text = append(text, next);
        text = append(append(append(text, cookie->name), is), cookie->value);
    }
    return append(text, end);
}

/* A request with cookies in its head. */
static PyObject *with_cookies(PyObject *request, const Cookies *known, const Cookie *cookies) {
    char header[MOST_SENT];
    if (PyBytes_GET_SIZE(known->sent) == 0) return Py_NewRef(request);
    size_t size = (size_t)PyBytes_GET_SIZE(request);
    size_t length = (size_t)(write_header(header, cookies, known->sent) - header);
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(size + length));
    if (made == NULL) return NULL;
    const char *text = PyBytes_AS_STRING(request);
    Span parts[] = {{text, known->at}, {header, length}, {text + known->at, size - known->at}};
    append(append(append(PyBytes_AS_STRING(made), parts[0]), parts[1]), parts[2]);
    return made;
}

/*
 * The request after an answer, with the cookies that it has set.
 *
 * NULL if somebody must say what is sent back, and NULL with an exception if it can't be made.
 */
static PyObject *request_after(Cookies *kept, const Frame *frame, PyObject *request) {
    Cookie cookies[MOST_COOKIES];
    char kinds[MOST_HEAD];
    if (frame->cookies == 0) return Py_NewRef(request);
    if (!read_cookies(frame, cookies)) return NULL;
    const Cookies *known = find_cookies(kept, kinds, write_kinds(cookies, frame->cookies, kinds));
    if (known == NULL || known->at > (size_t)PyBytes_GET_SIZE(request)) return NULL;
    return with_cookies(request, known, cookies);
}

/* -- places ------------------------------------------------------------------------------------ */

/* Makes places, twice as many as there are; 0 with an exception if that can't be. */
static int grow(Engine *self) {
    uint32_t size = self->size ? 2 * self->size : 64;
    if (size > self->most) size = self->most;
    if (size == self->size) {
        PyErr_Format(PyExc_ValueError, "more than %u connections at once", self->most);
        return 0;
    }
    Connection *grown = PyMem_Realloc(self->connections, size * sizeof *grown);
    if (grown == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    memset(grown + self->size, 0, (size - self->size) * sizeof *grown);
    for (uint32_t place = size; place-- > self->size; self->free = place) {
        grown[place].next = self->free;
        grown[place].descriptor = -1;
    }
    self->connections = grown;
    self->size = size;
    return 1;
}

/* A place for a token; NOTHING with an exception if there is none. */
static uint32_t take_place(Engine *self, PyObject *token) {
    if (self->free == NOTHING && !grow(self)) return NOTHING;
    uint32_t place = self->free;
    PyObject *number = PyLong_FromUnsignedLong(place);
    if (number == NULL) return NOTHING;
    PyObject *taken = PyDict_SetDefault(self->places, token, number);
    if (taken != NULL && taken != number)
        PyErr_Format(PyExc_ValueError, "%R has a connection already", token);
    Py_DECREF(number);
    if (taken != number) return NOTHING;
    self->free = self->connections[place].next;
    self->connections[place].token = Py_NewRef(token);
    return place;
}

/* Frees the place of a connection, and closes it unless it was handed over. */
static void release(Engine *self, Connection *connection) {
    if (connection->descriptor >= 0) close(connection->descriptor);
    if (connection->token != NULL && PyDict_DelItem(self->places, connection->token) < 0)
        PyErr_Clear();
    Py_XDECREF(connection->token);
    Py_XDECREF(connection->request);
    Py_XDECREF(connection->following);
    Py_XDECREF(connection->known);
    Py_XDECREF(connection->set);
    PyMem_Free(connection->received);
    *connection = (Connection){
        .descriptor = -1, .generation = connection->generation + 1, .next = self->free};
    self->free = (uint32_t)(connection - self->connections);
}

/* The connection of a token; NULL with a KeyError if there is none. */
static Connection *connection_of(Engine *self, PyObject *token) {
    PyObject *number = PyDict_GetItemWithError(self->places, token);
    if (number != NULL) return &self->connections[PyLong_AsUnsignedLong(number)];
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, token);
    return NULL;
}

/* -- what is told ------------------------------------------------------------------------------ */

static PyObject *or_none(PyObject *object) {
    return object == NULL ? Py_None : object;
}

/* Of every session, so without the format of Py_BuildValue. */
static PyObject *tell_done(Engine *self, Connection *connection, double now) {
    PyObject *fields[] = {
        PyLong_FromLong(DONE), Py_NewRef(connection->token),
        PyFloat_FromDouble(connection->started), PyFloat_FromDouble(connection->sent_at),
        Py_NewRef(or_none(connection->known)), PyFloat_FromDouble(connection->known_at),
        PyFloat_FromDouble(now)};
    Py_ssize_t count = sizeof fields / sizeof *fields;
    PyObject *event = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (event == NULL) Py_XDECREF(fields[i]);
        else if (fields[i] == NULL) Py_CLEAR(event);
        else PyTuple_SET_ITEM(event, i, fields[i]);
    }
    release(self, connection);
    return event;
}

static PyObject *tell_failed(Engine *self, Connection *connection, int error, double now) {
    PyObject *event = Py_BuildValue(
        "(iOddOddiinO)", FAILED, connection->token, connection->started, connection->sent_at,
        or_none(connection->known), connection->known_at, now, (int)connection->stage, error,
        (Py_ssize_t)connection->length, or_none(connection->set));
    release(self, connection);
    return event;
}

/* Hands a connection over, with what is left to send, and what was received. */
static PyObject *tell_detached(Engine *self, Connection *connection, const char *received,
                               size_t length, double now) {
    const char *request = "";
    size_t left = 0;
    if (connection->stage < RECEIVING) {
        request = PyBytes_AS_STRING(connection->request) + connection->offset;
        left = (size_t)PyBytes_GET_SIZE(connection->request) - connection->offset;
    }
    PyObject *event = Py_BuildValue(
        "(iOddOddiiy#y#O)", DETACHED, connection->token, connection->started, connection->sent_at,
        or_none(connection->known), connection->known_at, now, (int)connection->stage,
        connection->descriptor, request, (Py_ssize_t)left, received, (Py_ssize_t)length,
        or_none(connection->set));
    if (event != NULL) {
        epoll_ctl(self->poller, EPOLL_CTL_DEL, connection->descriptor, NULL);
        connection->descriptor = -1;
    }
    release(self, connection);
    return event;
}

/* The object among these that has the same bytes; NULL if none has. */
static PyObject *find(PyObject **kept, unsigned count, const char *data, size_t length) {
    for (unsigned i = 0; i < count && kept[i] != NULL; i++)
        if ((size_t)PyBytes_GET_SIZE(kept[i]) == length
            && memcmp(PyBytes_AS_STRING(kept[i]), data, length) == 0)
            return kept[i];
    return NULL;
}

/* A head as bytes, the same object for the same bytes as far as it was kept. */
static PyObject *head_object(Engine *self, const char *data, size_t length) {
    PyObject *head = find(self->heads, KEPT_HEADS, data, length);
    if (head != NULL) return Py_NewRef(head);
    head = PyBytes_FromStringAndSize(data, (Py_ssize_t)length);
    if (head == NULL) return NULL;
    Py_XSETREF(self->heads[self->next_head], Py_NewRef(head));
    self->next_head = (self->next_head + 1) % KEPT_HEADS;
    return head;
}

static PyObject *tell_answer(Engine *self, Connection *connection, const Frame *frame,
                             PyObject *known, double now) {
    const char *start = self->buffer + frame->head + 4;
    PyObject *head = head_object(self, self->buffer, frame->head);
    PyObject *body = known != NULL ? Py_NewRef(known)
                                   : PyBytes_FromStringAndSize(start, (Py_ssize_t)frame->body);
    if (head == NULL || body == NULL) {
        Py_XDECREF(head);
        Py_XDECREF(body);
        return NULL;
    }
    connection->stage = ANSWERED;
    connection->deadline = INFINITY; /* how long an answer is thought about is not ours to say */
    return Py_BuildValue("(iOddOddiNNO)", ANSWER, connection->token, connection->started,
                         connection->sent_at, or_none(connection->known), connection->known_at,
                         now, frame->status, head, body, or_none(connection->set));
}

/* Notes a failure for the next turn. */
static void fail_later(Engine *self, Connection *connection, int error) {
    uint32_t place = (uint32_t)(connection - self->connections);
    uint64_t one = 1;
    connection->failure = error;
    connection->next = NOTHING;
    if (self->first_failed != NOTHING)
        self->connections[self->last_failed].next = place;
    else {
        self->first_failed = place;
        if (write(self->wake, &one, sizeof one) < 0) return; /* it is readable already */
    }
    self->last_failed = place;
}

/* Tells failures until there are so many events; 0 with an exception if that can't be. */
static int tell_failures(Engine *self, PyObject *events, Py_ssize_t most) {
    uint64_t count;
    while (self->first_failed != NOTHING && PyList_GET_SIZE(events) < most) {
        Connection *connection = &self->connections[self->first_failed];
        self->first_failed = connection->next;
        if (connection->token == NULL) {
            release(self, connection);
            continue;
        }
        PyObject *event = tell_failed(self, connection, connection->failure, seconds());
        if (event == NULL || PyList_Append(events, event) < 0) {
            Py_XDECREF(event);
            return 0;
        }
        Py_DECREF(event);
    }
    if (self->first_failed == NOTHING && read(self->wake, &count, sizeof count) < 0) return 1;
    return 1;
}

/* -- sockets ----------------------------------------------------------------------------------- */

/* The number of the place of a connection, with its generation. */
static uint64_t place_of(Engine *self, Connection *connection) {
    return (uint64_t)connection->generation << 32 | (uint64_t)(connection - self->connections);
}

/* The connection of a place; NULL if it is over. */
static Connection *connection_at(Engine *self, uint64_t place) {
    Connection *connection = &self->connections[place & UINT32_MAX];
    int is_the_same = connection->generation == place >> 32;
    return is_the_same && connection->token != NULL && !connection->failure ? connection : NULL;
}

/* Has epoll watch for these events, too; returns an errno. */
static int watch(Engine *self, Connection *connection, uint32_t events) {
    int operation = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event = {
        .events = connection->watched | events,
        .data.u64 = place_of(self, connection),
    };
    if (epoll_ctl(self->poller, operation, connection->descriptor, &event) < 0) return errno;
    connection->watched = event.events;
    return 0;
}

/* A local address, and with the option Linux has all ports again for each server; or an errno. */
static int bind_to(int descriptor, PyObject *source) {
    int on = 1;
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const struct sockaddr *address = (const struct sockaddr *)PyBytes_AS_STRING(source);
    return bind(descriptor, address, (socklen_t)PyBytes_GET_SIZE(source)) < 0 ? errno : 0;
}

/* Begins to connect; returns an errno. */
static int open_socket(Connection *connection, PyObject *address, PyObject *source) {
    struct sockaddr_storage server;
    socklen_t length = (socklen_t)PyBytes_GET_SIZE(address);
    memcpy(&server, PyBytes_AS_STRING(address), length);
    int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    connection->descriptor = socket(server.ss_family, flags, 0);
    if (connection->descriptor < 0) return errno;
    if (PyBytes_GET_SIZE(source) > 0) {
        int error = bind_to(connection->descriptor, source);
        if (error) return error;
    }
    int result = connect(connection->descriptor, (struct sockaddr *)&server, length);
    return result < 0 && errno != EINPROGRESS ? errno : 0;
}

/*
 * Sends what is left of the request, as much as there is room for; returns an errno.
 *
 * Nagle would delay the end of a request that leaves in pieces. One in one piece is not delayed, as
 * all before it was confirmed with the last answer.
 */
static int transmit(Engine *self, Connection *connection) {
    int on = 1;
    const char *data = PyBytes_AS_STRING(connection->request);
    size_t size = (size_t)PyBytes_GET_SIZE(connection->request);
    double now = seconds();
    if (now >= self->until) return ECANCELED;
    while (connection->offset < size) {
        ssize_t sent = send(connection->descriptor, data + connection->offset,
                            size - connection->offset, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return errno;
        if (sent < 0) return 0;
        if (connection->stage == CONNECTING) connection->deadline = now + self->timeout;
        connection->stage = SENDING;
        connection->offset += (size_t)sent;
        if (connection->offset < size)
            setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connection->known == NULL) connection->sent_at = seconds();
    connection->stage = RECEIVING;
    return 0;
}

/* Sends a request over a connection whose last answer is complete; returns an errno. */
static int send_request(Engine *self, Connection *connection, PyObject *request, double now) {
    Py_XSETREF(connection->request, Py_NewRef(request));
    connection->stage = SENDING;
    connection->offset = 0;
    connection->deadline = now + self->timeout;
    int error = transmit(self, connection);
    if (error || connection->stage == RECEIVING) return error;
    return watch(self, connection, INPUT | EPOLLOUT);
}

/* Connects, and sends the request if that was at once; returns an errno. */
static int start(Engine *self, Connection *connection, PyObject *address, PyObject *source) {
    connection->started = seconds();
    int error = open_socket(connection, address, source);
    /* Within one machine it often is connected already. */
    if (!error) error = transmit(self, connection);
    if (error) return error;
    return watch(self, connection, connection->stage == RECEIVING ? INPUT : INPUT | EPOLLOUT);
}

/* Starts the connections that have begun. */
static void flush(Engine *self) {
    for (unsigned i = 0; i < self->begun_count; i++) {
        Begun *begun = &self->begun[i];
        Connection *connection = connection_at(self, begun->place);
        int error = connection ? start(self, connection, begun->address, begun->source) : 0;
        if (error) fail_later(self, connection, error);
        Py_CLEAR(begun->address);
        Py_CLEAR(begun->source);
    }
    self->begun_count = 0;
}

/* Keeps the beginning of an answer; returns an errno. */
static int keep(Engine *self, Connection *connection, size_t length) {
    char *kept = PyMem_Realloc(connection->received, length);
    if (kept == NULL) return ENOMEM;
    memcpy(kept, self->buffer, length);
    connection->received = kept;
    connection->length = length;
    return 0;
}

static void forget_received(Connection *connection) {
    PyMem_Free(connection->received);
    connection->received = NULL;
    connection->length = 0;
}

/* Goes on after a complete answer; returns what is told of it, NULL if nothing is. */
static PyObject *go_on(Engine *self, Connection *connection, const Frame *frame, double now) {
    const char *body = self->buffer + frame->head + 4;
    forget_received(connection);
    if (connection->ends && is_empty(frame)) return tell_done(self, connection, now);
    if (frame->closes)
        return tell_detached(self, connection, self->buffer, frame->head + 4 + frame->body, now);
    PyObject *known = find(self->known, MOST_KNOWN, body, frame->body);
    PyObject *request = NULL;
    if (connection->following != NULL && known != NULL && frame->status == 200
        && !frame->has_coding)
        request = request_after(self->cookies, frame, connection->following);
    if (request == NULL)
        return PyErr_Occurred() ? NULL : tell_answer(self, connection, frame, known, now);
    if (frame->cookies > 0) {
        connection->set = PyBytes_FromStringAndSize(self->buffer, (Py_ssize_t)frame->head);
        if (connection->set == NULL) Py_CLEAR(request);
        if (request == NULL) return NULL;
    }
    connection->known = Py_NewRef(known);
    connection->known_at = now;
    connection->ends = 1;
    Py_CLEAR(connection->following);
    int error = send_request(self, connection, request, now);
    Py_DECREF(request);
    return error ? tell_failed(self, connection, error, now) : NULL;
}

/* Keeps what was received for the next event, which comes at once if there may be more. */
static PyObject *await_more(Engine *self, Connection *connection, size_t length, int at_once) {
    int error = length ? keep(self, connection, length) : 0;
    /* To change a watch has epoll look at the socket again. */
    if (!error && at_once) error = watch(self, connection, INPUT);
    return error ? tell_failed(self, connection, error, seconds()) : NULL;
}

/* Receives until there is something to tell, or nothing to receive. */
static PyObject *receive(Engine *self, Connection *connection, uint32_t events) {
    size_t length = connection->length;
    if (length) memcpy(self->buffer, connection->received, length);
    for (int pieces = 0; connection->stage == RECEIVING; pieces++) {
        Frame frame;
        if (pieces == MOST_PIECES) return await_more(self, connection, length, 1);
        ssize_t got = recv(connection->descriptor, self->buffer + length, MOST_RECEIVED - length, 0);
        if (got < 0 && errno == EAGAIN) return await_more(self, connection, length, 0);
        double now = seconds();
        if (got <= 0) {
            connection->length = length;
            return tell_failed(self, connection, got < 0 ? errno : 0, now);
        }
        length += (size_t)got;
        enum verdict verdict = read_frame(self->buffer, length, &frame);
        if (verdict == OTHER) return tell_detached(self, connection, self->buffer, length, now);
        if (verdict == MORE) continue;
        /* If it has closed, too, no event will say so again. */
        connection->unread = (events & OVER) != 0;
        PyObject *event = go_on(self, connection, &frame, now);
        if (event != NULL || PyErr_Occurred() || !connection->unread) return event;
        length = 0;
    }
    return NULL;
}

/* Does what a socket is ready for; returns what is told of it, NULL if nothing is. */
static PyObject *act(Engine *self, Connection *connection, uint32_t events) {
    if (connection->stage < RECEIVING) {
        if (events & (EPOLLIN | OVER)) connection->unread = 1;
        int error = transmit(self, connection);
        if (error) return tell_failed(self, connection, error, seconds());
        if (connection->stage < RECEIVING || !connection->unread) return NULL;
    } else if (!(events & (EPOLLIN | OVER)))
        return NULL;
    if (connection->stage == RECEIVING) return receive(self, connection, events);
    connection->unread = 1;
    return NULL;
}

/* -- Engine ------------------------------------------------------------------------------------ */

PyDoc_STRVAR(engine_doc,
"Exchanges over many connections, of which it tells by ``turn``.\n\n"
"A token names a connection, from ``begin`` until it is told as DONE, FAILED or DETACHED, or is\n"
"dropped. All times are of CLOCK_MONOTONIC, in seconds, and were taken when it happened.\n\n"
"Args:\n"
"    most: connections at once.\n"
"    timeout: seconds for each request and its answer.\n\n"
"Raises:\n"
"    OSError: the system has no descriptors left.");

static int make_pollers(Engine *self) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = FAILURES};
    self->poller = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return self->poller >= 0 && self->wake >= 0
        && epoll_ctl(self->poller, EPOLL_CTL_ADD, self->wake, &event) == 0;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"most", "timeout", NULL};
    int most;
    double timeout;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "id", names, &most, &timeout))
        return NULL;
    if (most < 1) return PyErr_Format(PyExc_ValueError, "one connection at least");
    Engine *self = (Engine *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->most = (uint32_t)most;
    self->timeout = timeout;
    self->until = INFINITY;
    self->free = self->first_failed = NOTHING;
    self->poller = self->wake = -1;
    self->places = PyDict_New();
    if (self->places != NULL && make_pollers(self)) return (PyObject *)self;
    if (!PyErr_Occurred()) PyErr_SetFromErrno(PyExc_OSError);
    Py_DECREF(self);
    return NULL;
}

static void close_all(Engine *self) {
    for (uint32_t place = 0; place < self->size; place++) {
        Connection *connection = &self->connections[place];
        if (connection->token != NULL || connection->failure) release(self, connection);
    }
    self->first_failed = NOTHING;
    flush(self); /* which has nobody left to connect */
    if (self->poller >= 0) close(self->poller);
    if (self->wake >= 0) close(self->wake);
    self->poller = self->wake = -1;
}

static void engine_dealloc(Engine *self) {
    PyTypeObject *type = Py_TYPE(self);
    close_all(self);
    PyMem_Free(self->connections);
    Py_XDECREF(self->places);
    for (int i = 0; i < MOST_KNOWN; i++) Py_XDECREF(self->known[i]);
    for (int i = 0; i < KEPT_HEADS; i++) Py_XDECREF(self->heads[i]);
    for (int i = 0; i < KEPT_COOKIES; i++) {
        Py_XDECREF(self->cookies[i].kinds);
        Py_XDECREF(self->cookies[i].sent);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

/* Whether calls can be made; if not, with a ValueError. */
static int is_open(Engine *self) {
    if (self->poller >= 0) return 1;
    PyErr_SetString(PyExc_ValueError, "the engine is closed");
    return 0;
}

/* Whether an argument is bytes; if not, with a TypeError. */
static int is_bytes(PyObject *object) {
    if (PyBytes_Check(object)) return 1;
    PyErr_Format(PyExc_TypeError, "bytes, not %.100s", Py_TYPE(object)->tp_name);
    return 0;
}

/* Whether an argument is bytes or None; if not, with a TypeError. */
static int is_optional(PyObject *object) {
    return object == Py_None || is_bytes(object);
}

/* Whether an argument is what socket_address returns; if not, with an exception. */
static int is_address(PyObject *object) {
    if (!is_bytes(object)) return 0;
    Py_ssize_t size = PyBytes_GET_SIZE(object);
    if (size == sizeof(struct sockaddr_in) || size == sizeof(struct sockaddr_in6)) return 1;
    PyErr_SetString(PyExc_ValueError, "no address of socket_address");
    return 0;
}

static int has_count(Py_ssize_t count, Py_ssize_t wanted) {
    if (count == wanted) return 1;
    PyErr_Format(PyExc_TypeError, "%zd arguments, not %zd", wanted, count);
    return 0;
}

PyDoc_STRVAR(begin_doc,
"begin(token, address, source, request, following, deadline)\n--\n\n"
"Connect at the next flush, and send a request. Failures are told by turn, too.\n\n"
"Args:\n"
"    token: names the connection; no other may have it.\n"
"    address: of the server, as socket_address gives it.\n"
"    source: the local address, likewise with port 0; the system's choice if empty.\n"
"    request: head and body.\n"
"    following: the request that is sent by itself when the answer is 200, has a body that is\n"
"        known, no content coding, and no cookies but those of known kinds, which it has then; an\n"
"        empty answer to it ends the connection. None: any answer is told.\n"
"    deadline: for connecting; then the request has the timeout.\n\n"
"Raises:\n"
"    ValueError: the token has a connection already, or there are too many.");

static PyObject *engine_begin(Engine *self, PyObject *const *arguments, Py_ssize_t count) {
    if (!has_count(count, 6) || !is_open(self)) return NULL;
    PyObject *address = arguments[1], *source = arguments[2];
    if (!is_address(address) || !is_bytes(source) || !is_bytes(arguments[3])
        || !is_optional(arguments[4]) || (PyBytes_GET_SIZE(source) > 0 && !is_address(source)))
        return NULL;
    double deadline = PyFloat_AsDouble(arguments[5]);
    if (deadline == -1.0 && PyErr_Occurred()) return NULL;
    uint32_t place = take_place(self, arguments[0]);
    if (place == NOTHING) return NULL;
    Connection *connection = &self->connections[place];
    connection->request = Py_NewRef(arguments[3]);
    if (arguments[4] != Py_None) connection->following = Py_NewRef(arguments[4]);
    connection->deadline = deadline;
    if (self->begun_count == MOST_BEGUN) flush(self);
    self->begun[self->begun_count++] = (Begun){
        place_of(self, connection), Py_NewRef(address), Py_NewRef(source)};
    Py_RETURN_NONE;
}

PyDoc_STRVAR(flush_doc,
"flush()\n--\n\n"
"Connect for all calls of begin since the last flush; 16 of them are connected without it.");

static PyObject *engine_flush(Engine *self, PyObject *unused) {
    (void)unused;
    if (!is_open(self)) return NULL;
    flush(self);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(post_doc,
"post(token, request, following, ends)\n--\n\n"
"Send the next request over a connection whose answer was told.\n\n"
"Args:\n"
"    token: of the connection.\n"
"    request: head and body.\n"
"    following: as for begin.\n"
"    ends: whether an empty answer ends the connection: it is closed, and told as DONE.\n\n"
"Raises:\n"
"    KeyError: the token has no connection.\n"
"    ValueError: an answer is awaited on it.");

static PyObject *engine_post(Engine *self, PyObject *const *arguments, Py_ssize_t count) {
    if (!has_count(count, 4) || !is_open(self) || !is_bytes(arguments[1])
        || !is_optional(arguments[2]))
        return NULL;
    int ends = PyObject_IsTrue(arguments[3]);
    Connection *connection = connection_of(self, arguments[0]);
    if (ends < 0 || connection == NULL) return NULL;
    if (connection->stage != ANSWERED || connection->failure)
        return PyErr_Format(PyExc_ValueError, "%R awaits an answer", arguments[0]);
    Py_CLEAR(connection->known);
    Py_CLEAR(connection->set);
    connection->known_at = connection->sent_at = 0;
    if (arguments[2] != Py_None) Py_XSETREF(connection->following, Py_NewRef(arguments[2]));
    else Py_CLEAR(connection->following);
    connection->ends = (char)ends;
    connection->started = seconds();
    int error = send_request(self, connection, arguments[1], connection->started);
    /* To change a watch has epoll look at the socket again. */
    if (!error && connection->unread) error = watch(self, connection, INPUT);
    if (error) fail_later(self, connection, error);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(know_doc,
"know(body)\n--\n\n"
"Have the following request sent after an answer with this body.\n\n"
"64 bodies are known, of 4096 bytes at most each; a further one has the oldest forgotten.\n\n"
"Returns whether it is known now.");

static PyObject *engine_know(Engine *self, PyObject *body) {
    if (!is_bytes(body)) return NULL;
    size_t length = (size_t)PyBytes_GET_SIZE(body);
    if (length < 1 || length > MOST_KNOWN_BODY) Py_RETURN_FALSE;
    if (find(self->known, MOST_KNOWN, PyBytes_AS_STRING(body), length) == NULL) {
        Py_XSETREF(self->known[self->next_known], Py_NewRef(body));
        self->next_known = (self->next_known + 1) % MOST_KNOWN;
    }
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(know_cookies_doc,
"know_cookies(head, sent, at)\n--\n\n"
"Have cookies sent with the following request that have the names and attributes of these.\n\n"
"16 such kinds are known; a further one has the oldest forgotten.\n\n"
"Args:\n"
"    head: of an answer that sets cookies, with the empty line.\n"
"    sent: the numbers of its cookies that are sent back, in order, as bytes.\n"
"    at: where in a following request the Cookie header begins.\n\n"
"Returns whether they are known now; those of no usual form are not.");

/* Whether these are numbers of so many cookies, each once at most. */
static int are_numbers(PyObject *sent, unsigned count) {
    unsigned seen = 0;
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(sent); i++) {
        unsigned number = (unsigned char)PyBytes_AS_STRING(sent)[i];
        if (number >= count || seen & 1u << number) return 0;
        seen |= 1u << number;
    }
    return 1;
}

static PyObject *engine_know_cookies(Engine *self, PyObject *const *arguments, Py_ssize_t count) {
    Frame frame;
    Cookie cookies[MOST_COOKIES];
    char kinds[MOST_HEAD];
    if (!has_count(count, 3) || !is_bytes(arguments[0]) || !is_bytes(arguments[1])) return NULL;
    PyObject *head = arguments[0], *sent = arguments[1];
    size_t at = PyLong_AsSize_t(arguments[2]), size = (size_t)PyBytes_GET_SIZE(head);
    if (at == (size_t)-1 && PyErr_Occurred()) return NULL;
    if (read_frame(PyBytes_AS_STRING(head), size, &frame) == OTHER || frame.cookies == 0
        || !read_cookies(&frame, cookies) || !are_numbers(sent, frame.cookies))
        Py_RETURN_FALSE;
    size_t length = write_kinds(cookies, frame.cookies, kinds);
    Cookies *place = find_cookies(self->cookies, kinds, length);
    if (place == NULL) {
        place = &self->cookies[self->next_cookies];
        self->next_cookies = (self->next_cookies + 1) % KEPT_COOKIES;
        PyObject *written = PyBytes_FromStringAndSize(kinds, (Py_ssize_t)length);
        if (written == NULL) return NULL;
        Py_XSETREF(place->kinds, written);
    }
    Py_XSETREF(place->sent, Py_NewRef(sent));
    place->at = at;
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(turn_doc,
"turn(most)\n--\n\n"
"Do what so many sockets are ready for, at most, and return what is to be told.\n\n"
"Each event begins with (kind, token, started, sent_at, known, known_at, at): when it was connected\n"
"or post was called; when its request had been written, 0 if it has not; the known body after which the\n"
"following request was sent, and when that body was received, None and 0 without; when the\n"
"event happened. Then:\n\n"
"DONE: nothing. The last answer was empty, and the connection is closed.\n"
"ANSWER: status, head without the empty line, body. The connection waits for post.\n"
"DETACHED: stage, descriptor, what is left of the request, what was received of the answer. The\n"
"    answer has no plain form, or the connection ends with it; the socket is the caller's.\n"
"FAILED: stage, errno, how many bytes of the answer were received. The connection is closed. The\n"
"    errno is 0 where the server has closed, ETIMEDOUT after a deadline, and ECANCELED where a\n"
"    request would have been sent after ``until``.\n\n"
"All but DONE end with the head of the known answer, if its cookies were sent back, or None.\n\n"
"Raises:\n"
"    OSError: epoll fails.");

static PyObject *engine_turn(Engine *self, PyObject *argument) {
    long most = PyLong_AsLong(argument);
    if ((most == -1 && PyErr_Occurred()) || !is_open(self)) return NULL;
    most = most < 1 ? 1 : most > MOST_EVENTS ? MOST_EVENTS : most;
    int ready = epoll_wait(self->poller, self->ready, (int)most, 0);
    if (ready < 0 && errno != EINTR) return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *events = PyList_New(0);
    for (int i = 0; events != NULL && i < ready; i++) {
        PyObject *event = NULL;
        uint64_t place = self->ready[i].data.u64;
        Connection *connection = place == FAILURES ? NULL : connection_at(self, place);
        if (place == FAILURES) tell_failures(self, events, most - (ready - 1 - i));
        else if (connection != NULL) event = act(self, connection, self->ready[i].events);
        if (event != NULL) PyList_Append(events, event);
        Py_XDECREF(event);
        if (PyErr_Occurred()) Py_CLEAR(events);
    }
    return events;
}

PyDoc_STRVAR(expire_doc,
"expire(now)\n--\n\n"
"Fail all connections whose deadline has passed by then; turn tells of them.");

static PyObject *engine_expire(Engine *self, PyObject *time) {
    double now = PyFloat_AsDouble(time);
    if (now == -1.0 && PyErr_Occurred()) return NULL;
    for (uint32_t place = 0; place < self->size; place++) {
        Connection *connection = &self->connections[place];
        if (connection->token != NULL && connection->deadline <= now && !connection->failure)
            fail_later(self, connection, ETIMEDOUT);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(drop_doc,
"drop(token, reset)\n--\n\n"
"Close a connection without a word of it.\n\n"
"Args:\n"
"    token: of the connection.\n"
"    reset: whether nothing of it may be sent any more; else the system goes on with what it has.\n\n"
"Raises:\n"
"    KeyError: the token has no connection.");

static PyObject *engine_drop(Engine *self, PyObject *const *arguments, Py_ssize_t count) {
    struct linger at_once = {1, 0};
    if (!has_count(count, 2)) return NULL;
    int reset = PyObject_IsTrue(arguments[1]);
    Connection *connection = connection_of(self, arguments[0]);
    if (reset < 0 || connection == NULL) return NULL;
    if (reset && connection->descriptor >= 0)
        setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (connection->failure == 0) {
        release(self, connection);
        Py_RETURN_NONE;
    }
    /* Its place is free when its turn among the failures comes. */
    if (connection->descriptor >= 0) close(connection->descriptor);
    connection->descriptor = -1;
    if (PyDict_DelItem(self->places, connection->token) < 0) return NULL;
    Py_CLEAR(connection->token);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(progress_doc,
"progress(token)\n--\n\n"
"How far a connection is: (sent_at, known, known_at, head), as events have it.\n\n"
"Returns None if there is no such connection.");

static PyObject *engine_progress(Engine *self, PyObject *token) {
    PyObject *number = PyDict_GetItemWithError(self->places, token);
    if (number == NULL && PyErr_Occurred()) return NULL;
    if (number == NULL) Py_RETURN_NONE;
    const Connection *connection = &self->connections[PyLong_AsUnsignedLong(number)];
    return Py_BuildValue("(dOdO)", connection->sent_at, or_none(connection->known),
                         connection->known_at, or_none(connection->set));
}

PyDoc_STRVAR(detach_doc,
"detach(token)\n--\n\n"
"Hand a connection over: the event of kind DETACHED, as of turn.\n\n"
"Returns None if it has failed, which turn will tell.\n\n"
"Raises:\n"
"    KeyError: the token has no connection.");

static PyObject *engine_detach(Engine *self, PyObject *token) {
    Connection *connection = connection_of(self, token);
    if (connection == NULL) return NULL;
    if (connection->descriptor < 0) flush(self);
    if (connection->failure) Py_RETURN_NONE;
    const char *received = connection->length ? connection->received : "";
    return tell_detached(self, connection, received, connection->length, seconds());
}

PyDoc_STRVAR(close_doc,
"Close all connections, without a word of them.");

static PyObject *engine_close(Engine *self, PyObject *unused) {
    (void)unused;
    close_all(self);
    Py_RETURN_NONE;
}

static PyObject *engine_active(Engine *self, void *unused) {
    (void)unused;
    return PyLong_FromSsize_t(PyDict_GET_SIZE(self->places));
}

/* -- the module -------------------------------------------------------------------------------- */

PyDoc_STRVAR(socket_address_doc,
"socket_address(host, port, scope)\n--\n\n"
"The address of a server, or of this machine with port 0, as begin takes it.\n\n"
"Args:\n"
"    host: an IPv4 or IPv6 address.\n"
"    port: TCP port.\n"
"    scope: number of the interface, for a link-local IPv6 address; else 0.\n\n"
"Raises:\n"
"    ValueError: the host is no address.");

static PyObject *socket_address(PyObject *module, PyObject *arguments) {
    const char *host;
    unsigned short port;
    unsigned int scope;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "sHI", &host, &port, &scope)) return NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return PyBytes_FromStringAndSize((char *)&v4, sizeof v4);
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        return PyBytes_FromStringAndSize((char *)&v6, sizeof v6);
    return PyErr_Format(PyExc_ValueError, "%s is no address", host);
}

PyDoc_STRVAR(framing_doc,
"framing(data)\n--\n\n"
"How an engine takes these bytes: True for the beginning of an answer of the plain form, False for\n"
"another form, and (status, bytes of the head, whether the connection ends, whether it has cookies\n"
"or a content coding) for a complete answer.");

static PyObject *framing(PyObject *module, PyObject *data) {
    Frame frame;
    (void)module;
    if (!is_bytes(data)) return NULL;
    enum verdict verdict =
        read_frame(PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data), &frame);
    if (verdict != PLAIN) return PyBool_FromLong(verdict == MORE);
    return Py_BuildValue("(inNN)", frame.status, (Py_ssize_t)frame.head,
                         PyBool_FromLong(frame.closes),
                         PyBool_FromLong(frame.cookies > 0 || frame.has_coding));
}

static PyMethodDef engine_methods[] = {
    {"begin", (PyCFunction)(void (*)(void))engine_begin, METH_FASTCALL, begin_doc},
    {"flush", (PyCFunction)engine_flush, METH_NOARGS, flush_doc},
    {"post", (PyCFunction)(void (*)(void))engine_post, METH_FASTCALL, post_doc},
    {"know", (PyCFunction)engine_know, METH_O, know_doc},
    {"know_cookies", (PyCFunction)(void (*)(void))engine_know_cookies, METH_FASTCALL,
     know_cookies_doc},
    {"turn", (PyCFunction)engine_turn, METH_O, turn_doc},
    {"expire", (PyCFunction)engine_expire, METH_O, expire_doc},
    {"drop", (PyCFunction)(void (*)(void))engine_drop, METH_FASTCALL, drop_doc},
    {"progress", (PyCFunction)engine_progress, METH_O, progress_doc},
    {"detach", (PyCFunction)engine_detach, METH_O, detach_doc},
    {"close", (PyCFunction)engine_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef engine_members[] = {
    {"descriptor", T_INT, offsetof(Engine, poller), READONLY,
     "Readable while there is something to do in a turn; -1 when closed."},
    {"until", T_DOUBLE, offsetof(Engine, until), 0,
     "Until when requests may be sent, in seconds of CLOCK_MONOTONIC."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef engine_attributes[] = {
    {"active", (getter)engine_active, NULL, "How many connections there are.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_doc, (void *)engine_doc},
    {Py_tp_new, engine_new},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {Py_tp_members, engine_members},
    {Py_tp_getset, engine_attributes},
    {0, NULL},
};

static PyType_Spec engine_spec = {"caretaker.http._engine.Engine", sizeof(Engine), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, engine_slots};

static int module_exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    if (type == NULL) return -1;
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result || PyModule_AddIntMacro(module, INTERFACE)
            || PyModule_AddIntMacro(module, DONE) || PyModule_AddIntMacro(module, ANSWER)
            || PyModule_AddIntMacro(module, DETACHED) || PyModule_AddIntMacro(module, FAILED)
            || PyModule_AddIntMacro(module, CONNECTING) || PyModule_AddIntMacro(module, SENDING)
            || PyModule_AddIntMacro(module, RECEIVING) || PyModule_AddIntMacro(module, ANSWERED)
        ? -1 : 0;
}

static PyMethodDef module_methods[] = {
    {"socket_address", socket_address, METH_VARARGS, socket_address_doc},
    {"framing", framing, METH_O, framing_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_engine",
    .m_doc = "Exchanges of HTTP/1.1 on many sockets in one call.",
    .m_methods = module_methods,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__engine(void) {
    return PyModuleDef_Init(&definition);
}
