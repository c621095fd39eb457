/*
 * TLS of a client on OpenSSL, with what Python's ssl module has no way to do cheaply: sessions as
 * bytes without the server's certificate, and the certificate of a CPE for one connection, decoded
 * only if the server asks for it (decision 0041).
 *
 * Nothing here waits: a call on a non-blocking socket either does its work or returns what it wants.
 * caretaker/http/openssl_socket.py waits. Errors are those of the ssl module, so that both ways of
 * TLS have the same reasons (caretaker/http/connect_errors.py).
 *
 * Each call keeps the GIL, so no two threads are ever in one object, and callbacks of OpenSSL, which
 * come during calls only, need no lock. The longest call is a step of a handshake, about 1 ms. No
 * callback calls Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#if !defined(OPENSSL_VERSION_MAJOR) || OPENSSL_VERSION_MAJOR < 3
#error "OpenSSL 3 is needed"
#endif
#ifdef SSL_MODULE_MAJOR /* setup.py says of which OpenSSL Python's ssl module is */
#if OPENSSL_VERSION_MAJOR != SSL_MODULE_MAJOR || OPENSSL_VERSION_MINOR != SSL_MODULE_MINOR
#error "these headers are of another OpenSSL than Python's ssl module"
#endif
#endif

#define INTERFACE 1     /* as caretaker/c_parts.py has it */
#define MOST_READ 16384 /* a record of TLS holds no more */
#define MOST_RECORDS 32 /* without data, before other connections have their turn */
#define PEER_TAG 3      /* of the server's certificate in a session, SSL_SESSION_ASN1 of OpenSSL */

/* What a call wants before it can go on; READ and WRITE are those of gevent's loop. */
enum { WANT_NOTHING = 0, WANT_READ = 1, WANT_WRITE = 2, WANT_IDENTITY = 3 };

typedef struct {
    PyObject *error, *eof, *unverified; /* of the ssl module */
    PyTypeObject *context, *identity;
} State;

typedef struct {
    PyObject_HEAD
    SSL_CTX *context;
} Context;

typedef struct {
    PyObject_HEAD
    X509 *certificate;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
} Identity;

typedef struct {
    PyObject_HEAD
    SSL *ssl;
    SSL_SESSION *kept; /* the newest that the server has given */
    int is_identified; /* whether an identity was chosen, or its absence */
    int is_over;       /* an error has ended it, or close */
} Connection;

/* -- errors ------------------------------------------------------------------------------------ */

/* Gives an exception an attribute; takes the value's reference. */
static int with_attribute(PyObject *error, const char *name, PyObject *value) {
    int result = value == NULL ? -1 : PyObject_SetAttrString(error, name, value);
    Py_XDECREF(value);
    return result;
}

/* OpenSSL's words as the ssl module has them: "wrong version number" is WRONG_VERSION_NUMBER. */
static PyObject *symbol(const char *words) {
    char name[128];
    size_t length = 0;
    for (; words[length] != 0 && length < sizeof name; length++)
        name[length] = words[length] == ' ' ? '_' : (char)toupper((unsigned char)words[length]);
    return PyUnicode_DecodeASCII(name, (Py_ssize_t)length, "replace");
}

/* Raises the last error of OpenSSL, which is of this connection if there is one. */
static PyObject *raise_ssl_error(State *state, SSL *ssl) {
    unsigned long code = ERR_peek_last_error();
    const char *words = ERR_reason_error_string(code);
    PyObject *type = state->error;
    int is_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;
    ERR_clear_error();
    if (words == NULL) words = "unknown error";
    if (is_ssl && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) type = state->unverified;
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
    if (is_ssl && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) type = state->eof;
#endif
    PyObject *error = PyObject_CallFunction(type, "is", SSL_ERROR_SSL, words);
    if (error == NULL) return NULL;
    int failed = with_attribute(error, "reason", symbol(words));
    if (!failed && ssl != NULL && type == state->unverified) {
        long verified = SSL_get_verify_result(ssl);
        const char *message = X509_verify_cert_error_string(verified);
        failed = with_attribute(error, "verify_code", PyLong_FromLong(verified))
            || with_attribute(error, "verify_message", PyUnicode_FromString(message));
    }
    if (!failed) PyErr_SetObject(type, error);
    Py_DECREF(error);
    return NULL;
}

static State *state_of(void *object) {
    return PyType_GetModuleState(Py_TYPE((PyObject *)object));
}

/* -- Context ----------------------------------------------------------------------------------- */

/* OpenSSL has a session to keep; 1 says that its reference was taken. */
static int keep(SSL *ssl, SSL_SESSION *session) {
    Connection *self = SSL_get_app_data(ssl);
    if (self == NULL) return 0;
    SSL_SESSION_free(self->kept);
    self->kept = session;
    return 1;
}

static int configure(SSL_CTX *context, unsigned long long options, unsigned long flags, int verify,
                     int level, const char *ciphers, const char *groups, const char *ca) {
    SSL_CTX_clear_options(context, ~(uint64_t)0);
    SSL_CTX_set_options(context, options);
    SSL_CTX_set_security_level(context, level);
    /* Else a server that sends tickets and no data would hold up all other connections. With
       SSL_CTX_set_read_ahead it would do so all the same. */
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep);
    SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!X509_VERIFY_PARAM_set_flags(parameters, flags)) return 0;
    if (*ciphers && !SSL_CTX_set_cipher_list(context, ciphers)) return 0;
    if (*groups && !SSL_CTX_set1_groups_list(context, groups)) return 0;
    if (ca != NULL) return SSL_CTX_load_verify_locations(context, ca, NULL);
    return !verify || SSL_CTX_set_default_verify_paths(context);
}

PyDoc_STRVAR(context_doc,
"What many connections share, as an ssl.SSLContext of a client.\n\n"
"Args:\n"
"    options, verify_flags, minimum, maximum, security_level: as of an ssl.SSLContext.\n"
"    ciphers: of TLS 1.2 and below, in OpenSSL's form; its own if empty.\n"
"    groups: for the key exchange, in OpenSSL's form; its own if empty.\n"
"    verify: whether the server's certificate is checked.\n"
"    ca: file of the certificates to trust, in PEM; those of the system if None.\n\n"
"Raises:\n"
"    ssl.SSLError: OpenSSL refuses one of them.");

static PyObject *context_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"options", "verify_flags", "minimum", "maximum", "security_level",
                            "ciphers", "groups", "verify", "ca", NULL};
    unsigned long long options;
    unsigned long flags;
    int minimum, maximum, level, verify;
    const char *ciphers, *groups, *ca;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "$Kkiiisspz", names, &options, &flags,
                                     &minimum, &maximum, &level, &ciphers, &groups, &verify, &ca))
        return NULL;
    Context *self = (Context *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    ERR_clear_error();
    self->context = SSL_CTX_new(TLS_client_method());
    if (self->context != NULL
        && configure(self->context, options, flags, verify, level, ciphers, groups, ca)
        && SSL_CTX_set_min_proto_version(self->context, minimum)
        && SSL_CTX_set_max_proto_version(self->context, maximum)) {
        ERR_clear_error();
        return (PyObject *)self;
    }
    raise_ssl_error(state_of(self), NULL);
    Py_DECREF(self);
    return NULL;
}

static void context_dealloc(Context *self) {
    PyTypeObject *type = Py_TYPE(self);
    SSL_CTX_free(self->context);
    type->tp_free(self);
    Py_DECREF(type);
}

/* -- Identity ---------------------------------------------------------------------------------- */

/* The password is always given, as OpenSSL would else ask at the terminal. */
static int give_password(char *buffer, int size, int is_writing, void *password) {
    size_t length = strlen(password);
    (void)is_writing;
    if (length > (size_t)size) return -1;
    memcpy(buffer, password, length);
    return (int)length;
}

static EVP_PKEY *read_key(const char *pem, Py_ssize_t length, char *password) {
    BIO *file = BIO_new_mem_buf(pem, (int)length);
    EVP_PKEY *key = file == NULL ? NULL : PEM_read_bio_PrivateKey(file, NULL, give_password, password);
    BIO_free(file);
    return key;
}

/* The first certificate is the client's, all others those of its issuers. */
static int read_certificates(Identity *self, const char *pem, Py_ssize_t length) {
    BIO *file = BIO_new_mem_buf(pem, (int)length);
    if (file == NULL) return 0;
    self->certificate = PEM_read_bio_X509(file, NULL, give_password, "");
    self->chain = sk_X509_new_null();
    X509 *issuer = NULL;
    while (self->certificate != NULL && self->chain != NULL
           && (issuer = PEM_read_bio_X509(file, NULL, give_password, "")) != NULL)
        if (!sk_X509_push(self->chain, issuer)) {
            X509_free(issuer);
            BIO_free(file);
            return 0;
        }
    BIO_free(file);
    return self->certificate != NULL && self->chain != NULL
        && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* the end */
}

PyDoc_STRVAR(identity_doc,
"A client's certificate and key, decoded.\n\n"
"Args:\n"
"    certificates: the client's and those of its issuers, in PEM.\n"
"    key: of the client's certificate, in PEM.\n"
"    password: of the key; empty for none.\n\n"
"Raises:\n"
"    ssl.SSLError: one of them can't be read, or the key is of another certificate.");

static PyObject *identity_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static char *names[] = {"certificates", "key", "password", NULL};
    const char *certificates, *key;
    char *password;
    Py_ssize_t certificates_length, key_length;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "y#y#s", names, &certificates,
                                     &certificates_length, &key, &key_length, &password))
        return NULL;
    if (certificates_length > INT_MAX || key_length > INT_MAX) {
        PyErr_SetString(PyExc_ValueError, "too long");
        return NULL;
    }
    Identity *self = (Identity *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    ERR_clear_error();
    if (read_certificates(self, certificates, certificates_length)) {
        ERR_clear_error();
        self->key = read_key(key, key_length, password);
        if (self->key != NULL && X509_check_private_key(self->certificate, self->key)) {
            ERR_clear_error();
            return (PyObject *)self;
        }
    }
    raise_ssl_error(state_of(self), NULL);
    Py_DECREF(self);
    return NULL;
}

static void identity_dealloc(Identity *self) {
    PyTypeObject *type = Py_TYPE(self);
    X509_free(self->certificate);
    sk_X509_pop_free(self->chain, X509_free);
    EVP_PKEY_free(self->key);
    type->tp_free(self);
    Py_DECREF(type);
}

/* -- Connection -------------------------------------------------------------------------------- */

/* The server asks for a certificate; -1 has the handshake return until there is one. */
static int choose_certificate(SSL *ssl, void *connection) {
    (void)ssl;
    return ((Connection *)connection)->is_identified ? 1 : -1;
}

static int is_address(const char *host) {
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    int is_one = address != NULL;
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return is_one;
}

/* The name goes out (SNI) unless it is an address (RFC 6066 3) or empty; the host is looked for in
   the certificate, as a name or as an address. */
static int name_server(SSL *ssl, const char *sni, const char *host) {
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    if (*sni && !is_address(sni) && !SSL_set_tlsext_host_name(ssl, sni)) return 0;
    if (!*host) return 1;
    return is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host)
                            : X509_VERIFY_PARAM_set1_host(parameters, host, 0);
}

/* A session that can't be read is left out: then the handshake is a full one. */
static void resume(SSL *ssl, const unsigned char *data, Py_ssize_t length) {
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &data, (long)length);
    if (session != NULL) SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error();
}

PyDoc_STRVAR(connection_doc,
"A client's side of TLS on a connected, non-blocking socket, which it does not own.\n\n"
"Args:\n"
"    context: a Context.\n"
"    descriptor: of the socket.\n"
"    sni: host name to tell the server; none if empty.\n"
"    host: name or address that the certificate must have; any will do if empty.\n"
"    now: the client's own time, in seconds since 1970; that of this machine if 0.\n"
"    session: of an earlier connection to this server, as session gives it; None without.\n"
"    has_identity: whether the client has one, if the server asks.\n\n"
"Raises:\n"
"    ssl.SSLError: OpenSSL refuses one of them.");

static PyObject *connection_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    State *state = PyType_GetModuleState(type);
    static char *names[] = {"context", "descriptor", "sni", "host", "now", "session",
                            "has_identity", NULL};
    PyObject *context;
    int descriptor, has_identity;
    long long now;
    const char *sni, *host;
    const unsigned char *session;
    Py_ssize_t length;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!issLz#p", names, state->context,
                                     &context, &descriptor, &sni, &host, &now, &session, &length,
                                     &has_identity))
        return NULL;
    Connection *self = (Connection *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    ERR_clear_error();
    self->ssl = SSL_new(((Context *)context)->context);
    if (self->ssl == NULL || !SSL_set_app_data(self->ssl, self)
        || !SSL_set_fd(self->ssl, descriptor) || !name_server(self->ssl, sni, host)) {
        raise_ssl_error(state, NULL);
        Py_DECREF(self);
        return NULL;
    }
    if (now != 0) X509_VERIFY_PARAM_set_time(SSL_get0_param(self->ssl), (time_t)now);
    if (has_identity) SSL_set_cert_cb(self->ssl, choose_certificate, self);
    if (session != NULL) resume(self->ssl, session, length);
    SSL_set_connect_state(self->ssl);
    return (PyObject *)self;
}

static void connection_dealloc(Connection *self) {
    PyTypeObject *type = Py_TYPE(self);
    SSL_SESSION_free(self->kept);
    SSL_free(self->ssl);
    type->tp_free(self);
    Py_DECREF(type);
}

/* The result of a call of OpenSSL that has not succeeded: what it wants, or an error. */
static PyObject *unfinished(Connection *self, int result) {
    State *state = state_of(self);
    int number = errno;
    switch (SSL_get_error(self->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return PyLong_FromLong(WANT_READ);
    case SSL_ERROR_WANT_WRITE:
        return PyLong_FromLong(WANT_WRITE);
    case SSL_ERROR_WANT_X509_LOOKUP:
        return PyLong_FromLong(WANT_IDENTITY);
    case SSL_ERROR_ZERO_RETURN:
        self->is_over = 1;
        PyErr_SetString(state->eof, "the peer has closed");
        return NULL;
    case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() == 0) {
            self->is_over = 1;
            errno = number;
            if (number != 0) return PyErr_SetFromErrno(PyExc_OSError);
            PyErr_SetString(state->eof, "the peer has closed without a word");
            return NULL;
        }
    }
    self->is_over = 1;
    return raise_ssl_error(state, self->ssl);
}

/* OpenSSL and the system keep the errors of a thread: those of other calls are not of this. */
static void forget_errors(void) {
    ERR_clear_error();
    errno = 0;
}

PyDoc_STRVAR(handshake_doc,
"Go on with the handshake.\n\n"
"Returns what it wants; WANT_NOTHING when it is done. WANT_IDENTITY: show must be called.\n\n"
"Raises:\n"
"    OSError: the handshake has failed, with the ssl module's errors where TLS says why.");

static PyObject *connection_handshake(Connection *self, PyObject *unused) {
    (void)unused;
    forget_errors();
    int result = SSL_do_handshake(self->ssl);
    return result == 1 ? PyLong_FromLong(WANT_NOTHING) : unfinished(self, result);
}

PyDoc_STRVAR(show_doc,
"Show this Identity to the server, or none.\n\n"
"Raises:\n"
"    ssl.SSLError: OpenSSL refuses it.");

static PyObject *connection_show(Connection *self, PyObject *shown) {
    State *state = state_of(self);
    forget_errors();
    if (shown != Py_None) {
        if (!PyObject_TypeCheck(shown, state->identity)) {
            PyErr_SetString(PyExc_TypeError, "an Identity, or None");
            return NULL;
        }
        Identity *identity = (Identity *)shown;
        if (!SSL_use_certificate(self->ssl, identity->certificate)
            || !SSL_use_PrivateKey(self->ssl, identity->key)
            || !SSL_set1_chain(self->ssl, identity->chain))
            return raise_ssl_error(state, NULL);
    }
    self->is_identified = 1;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(write_doc,
"Send the bytes from an offset on.\n\n"
"Returns how many were taken, one at least; or what is wanted first, as a negative number.\n\n"
"Raises:\n"
"    OSError: the connection is lost.");

static PyObject *connection_write(Connection *self, PyObject *arguments) {
    Py_buffer data;
    Py_ssize_t offset;
    size_t written = 0;
    if (!PyArg_ParseTuple(arguments, "y*n", &data, &offset)) return NULL;
    PyObject *answer = NULL;
    if (offset < 0 || offset >= data.len)
        PyErr_SetString(PyExc_ValueError, "nothing to send");
    else {
        forget_errors();
        int result = SSL_write_ex(self->ssl, (char *)data.buf + offset, (size_t)(data.len - offset),
                                  &written);
        answer = result == 1 ? PyLong_FromSize_t(written) : unfinished(self, result);
    }
    PyBuffer_Release(&data);
    if (answer == NULL || written > 0) return answer;
    PyObject *wanted = PyNumber_Negative(answer);
    Py_DECREF(answer);
    return wanted;
}

PyDoc_STRVAR(read_doc,
"The next bytes, as many as a size at most; empty when the peer has closed.\n\n"
"Returns what is wanted first, where there are none yet.\n\n"
"Raises:\n"
"    OSError: the connection is lost.");

static PyObject *connection_read(Connection *self, PyObject *argument) {
    char data[MOST_READ];
    size_t got = 0;
    Py_ssize_t size = PyLong_AsSsize_t(argument);
    if (size == -1 && PyErr_Occurred()) return NULL;
    if (size < 1) {
        PyErr_SetString(PyExc_ValueError, "a size above 0");
        return NULL;
    }
    if (size > MOST_READ) size = MOST_READ;
    int result, records = 0;
    do {
        forget_errors();
        result = SSL_read_ex(self->ssl, data, (size_t)size, &got);
    } while (result != 1 && errno == 0 && ++records < MOST_RECORDS
             && SSL_get_error(self->ssl, result) == SSL_ERROR_WANT_READ);
    if (result == 1) return PyBytes_FromStringAndSize(data, (Py_ssize_t)got);
    PyObject *answer = unfinished(self, result);
    if (answer == NULL && PyErr_ExceptionMatches(state_of(self)->eof)) {
        PyErr_Clear();
        return PyBytes_FromStringAndSize(NULL, 0);
    }
    return answer;
}

PyDoc_STRVAR(close_doc,
"Tell the server that nothing more will be sent, once, without waiting for its answer.");

static PyObject *connection_close(Connection *self, PyObject *unused) {
    (void)unused;
    if (!self->is_over && SSL_is_init_finished(self->ssl)) SSL_shutdown(self->ssl);
    ERR_clear_error();
    self->is_over = 1;
    Py_RETURN_NONE;
}

/* Where the next element of DER begins, and its tag; NULL if there is no whole one. */
static const unsigned char *next_element(const unsigned char *at, const unsigned char *end, int *tag) {
    long length;
    int class;
    const unsigned char *content = at;
    if (ASN1_get_object(&content, &length, tag, &class, end - at) & 0x80) return NULL;
    if (class != V_ASN1_CONTEXT_SPECIFIC) *tag = -1;
    return content + length;
}

/* A session in DER without the server's certificate, which would be decoded for each connection. */
static PyObject *without_peer(const unsigned char *data, long size) {
    const unsigned char *content = data, *at, *next, *cut = NULL, *rest = NULL;
    long length;
    int tag, class;
    if (ASN1_get_object(&content, &length, &tag, &class, size) & 0x80) Py_RETURN_NONE;
    const unsigned char *end = content + length;
    for (at = content; at < end; at = next) {
        if ((next = next_element(at, end, &tag)) == NULL) Py_RETURN_NONE;
        if (tag == PEER_TAG) cut = at, rest = next;
    }
    if (cut == NULL) cut = rest = end;
    int left = (int)((cut - content) + (end - rest));
    PyObject *made = PyBytes_FromStringAndSize(
        NULL, ASN1_object_size(1, left, V_ASN1_SEQUENCE));
    if (made == NULL) return NULL;
    unsigned char *out = (unsigned char *)PyBytes_AS_STRING(made);
    ASN1_put_object(&out, 1, left, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(out, content, (size_t)(cut - content));
    memcpy(out + (cut - content), rest, (size_t)(end - rest));
    return made;
}

PyDoc_STRVAR(session_doc,
"The newest session that the server has given, as bytes for later connections; None if it gave none.");

static PyObject *connection_session(Connection *self, void *unused) {
    (void)unused;
    if (self->kept == NULL) Py_RETURN_NONE;
    unsigned char *data = NULL;
    int size = i2d_SSL_SESSION(self->kept, &data);
    ERR_clear_error();
    if (size <= 0) Py_RETURN_NONE;
    PyObject *made = without_peer(data, size);
    OPENSSL_clear_free(data, (size_t)size);
    return made;
}

static PyObject *connection_resumed(Connection *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(SSL_session_reused(self->ssl));
}

static PyObject *connection_has_pending(Connection *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(SSL_has_pending(self->ssl));
}

/* -- the module -------------------------------------------------------------------------------- */

static PyMethodDef connection_methods[] = {
    {"handshake", (PyCFunction)connection_handshake, METH_NOARGS, handshake_doc},
    {"show", (PyCFunction)connection_show, METH_O, show_doc},
    {"write", (PyCFunction)connection_write, METH_VARARGS, write_doc},
    {"read", (PyCFunction)connection_read, METH_O, read_doc},
    {"close", (PyCFunction)connection_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef connection_attributes[] = {
    {"session", (getter)connection_session, NULL, session_doc, NULL},
    {"resumed", (getter)connection_resumed, NULL, "Whether an earlier session was resumed.", NULL},
    {"has_pending", (getter)connection_has_pending, NULL,
     "Whether bytes were received that read has not looked at.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define TYPE(NAME, KIND, SLOTS) \
    static PyType_Spec NAME = {"caretaker.http._openssl." #KIND, sizeof(KIND), 0, \
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, SLOTS}

static PyType_Slot context_slots[] = {
    {Py_tp_doc, (void *)context_doc},
    {Py_tp_new, context_new},
    {Py_tp_dealloc, context_dealloc},
    {0, NULL},
};
static PyType_Slot identity_slots[] = {
    {Py_tp_doc, (void *)identity_doc},
    {Py_tp_new, identity_new},
    {Py_tp_dealloc, identity_dealloc},
    {0, NULL},
};
static PyType_Slot connection_slots[] = {
    {Py_tp_doc, (void *)connection_doc},
    {Py_tp_new, connection_new},
    {Py_tp_dealloc, connection_dealloc},
    {Py_tp_methods, connection_methods},
    {Py_tp_getset, connection_attributes},
    {0, NULL},
};
TYPE(context_spec, Context, context_slots);
TYPE(identity_spec, Identity, identity_slots);
TYPE(connection_spec, Connection, connection_slots);

/* Adds a type to the module, and returns it; NULL if that can't be. */
static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type != NULL && PyModule_AddType(module, type) < 0) Py_CLEAR(type);
    return type;
}

/* The ssl module's exceptions; it must run on the same OpenSSL. */
static int take_from_ssl(State *state) {
    PyObject *ssl = PyImport_ImportModule("ssl");
    if (ssl == NULL) return 0;
    PyObject *version = PyObject_GetAttrString(ssl, "OPENSSL_VERSION_NUMBER");
    state->error = PyObject_GetAttrString(ssl, "SSLError");
    state->eof = PyObject_GetAttrString(ssl, "SSLEOFError");
    state->unverified = PyObject_GetAttrString(ssl, "SSLCertVerificationError");
    Py_DECREF(ssl);
    unsigned long its = version == NULL ? 0 : PyLong_AsUnsignedLong(version);
    Py_XDECREF(version);
    if (PyErr_Occurred()) return 0;
    if (its == OpenSSL_version_num()) return 1;
    PyErr_Format(PyExc_ImportError, "of %s, and Python's ssl module of another version",
                 OpenSSL_version(OPENSSL_VERSION));
    return 0;
}

static int module_exec(PyObject *module) {
    State *state = PyModule_GetState(module);
    if (!take_from_ssl(state)) return -1;
    state->context = add_type(module, &context_spec);
    state->identity = add_type(module, &identity_spec);
    PyTypeObject *connection = add_type(module, &connection_spec);
    if (state->context == NULL || state->identity == NULL || connection == NULL) return -1;
    Py_DECREF(connection);
    return PyModule_AddIntMacro(module, INTERFACE)
            || PyModule_AddIntMacro(module, WANT_NOTHING) || PyModule_AddIntMacro(module, WANT_READ)
            || PyModule_AddIntMacro(module, WANT_WRITE)
            || PyModule_AddIntMacro(module, WANT_IDENTITY)
        ? -1 : 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    State *state = PyModule_GetState(module);
    Py_VISIT(state->error);
    Py_VISIT(state->eof);
    Py_VISIT(state->unverified);
    Py_VISIT(state->context);
    Py_VISIT(state->identity);
    return 0;
}

static int module_clear(PyObject *module) {
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->eof);
    Py_CLEAR(state->unverified);
    Py_CLEAR(state->context);
    Py_CLEAR(state->identity);
    return 0;
}

static void module_free(void *module) {
    module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_openssl",
    .m_doc = "TLS of a client, of the OpenSSL that the ssl module is of.",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__openssl(void) {
    return PyModuleDef_Init(&definition);
}
