/*
 * Towline: a nonblocking FastCGI client and a Docker exec client on one event loop.
 *
 * Made from the Rust sources by cbindgen; changes belong there.
 *
 * The rules, for every function:
 *
 * - Functions that can fail return a towline_status: 0 is TOWLINE_OK, all others are negative. towline_loop_error() has the
 *   details in words.
 * - A pointer is never NULL unless its function says so; one that is NULL yields TOWLINE_ERR_INVALID.
 * - Out-parameters come last. They are written on success; on failure only where their function says so.
 * - What is passed in is copied before the call returns. What a callback receives is valid until it returns.
 * - Names and texts are NUL-terminated. Values and bodies are pointer and length and may hold NUL bytes.
 * - Handles are uint64_t and never 0. One that has ended yields TOWLINE_ERR_STALE. They belong to their loop.
 * - Structs that begin with `size` are set up by their init function; zeroed options may be refused. Those without one are
 *   zeroed, with `size` set to their sizeof. So a program keeps working with a library that knows more members.
 * - Any function may be called inside any callback, towline_loop_free() and nested towline_loop_run() included. A callback
 *   returns normally: it neither jumps out with longjmp() nor lets a C++ exception out.
 * - No callback is called by the function that starts an operation, only by towline_loop_run() and towline_loop_tick().
 * - A loop belongs to the thread that made it (TOWLINE_ERR_THREAD elsewhere); towline_loop_wake() alone may be called from
 *   any. A child process that was forked off cannot use it (TOWLINE_ERR_FORKED), only free it.
 * - Towline sets no signal handler, raises no SIGPIPE, and keeps no global state.
 */


#ifndef TOWLINE_H
#define TOWLINE_H

#include <stddef.h>
#include <stdint.h>
/** The version of this header. */
#define TOWLINE_VERSION "0.1.0"

/**
 * The exit code of a process whose end the Engine cannot tell of.
 */
#define TOWLINE_DOCKER_EXIT_UNKNOWN -1

/**
 * How a call or an operation ended. Numbers are never changed or used again; new ones may come.
 */
enum towline_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked.
     */
    TOWLINE_OK = 0,
    /**
     * An argument cannot be used: NULL, out of range, contradictory.
     */
    TOWLINE_ERR_INVALID = -1,
    /**
     * The handle names nothing: it ended, or was never given out. Also: the loop was freed inside a callback.
     */
    TOWLINE_ERR_STALE = -2,
    /**
     * The loop was made before a fork(), and this is the child.
     */
    TOWLINE_ERR_FORKED = -3,
    /**
     * The loop belongs to another thread.
     */
    TOWLINE_ERR_THREAD = -4,
    /**
     * A fault in Towline itself; please report it.
     */
    TOWLINE_ERR_INTERNAL = -5,
    /**
     * The operating system refused (descriptors, memory).
     */
    TOWLINE_ERR_SYSTEM = -6,
    /**
     * Nothing of that name or index.
     */
    TOWLINE_ERR_NOT_FOUND = -7,
    /**
     * No connection: refused, not found, no permission, name not resolved, TLS failed.
     */
    TOWLINE_ERR_CONNECT = -8,
    /**
     * The connect deadline passed.
     */
    TOWLINE_ERR_TIMEOUT_CONNECT = -9,
    /**
     * The deadline for the answer's first byte passed.
     */
    TOWLINE_ERR_TIMEOUT_FIRST_BYTE = -10,
    /**
     * The deadline between two bytes passed.
     */
    TOWLINE_ERR_TIMEOUT_IDLE = -11,
    /**
     * The deadline for the whole operation passed.
     */
    TOWLINE_ERR_TIMEOUT_TOTAL = -12,
    /**
     * The peer broke the protocol, or its answer exceeds a limit.
     */
    TOWLINE_ERR_PROTOCOL = -13,
    /**
     * The connection ended before the answer did.
     */
    TOWLINE_ERR_CLOSED = -14,
    /**
     * Cancelled, or its client was closed.
     */
    TOWLINE_ERR_CANCELLED = -15,
    /**
     * As many requests as max_pending, or as many bytes as max_buffered, are waiting already; nothing was sent.
     */
    TOWLINE_ERR_QUEUE_FULL = -16,
    /**
     * The source of the request's body reported a failure, or gave more or less than was announced.
     */
    TOWLINE_ERR_SOURCE = -17,
    /**
     * The private php-fpm did not start.
     */
    TOWLINE_ERR_FPM = -18,
    /**
     * The Engine answered with an error; the text is its own, and callbacks receive the HTTP status.
     */
    TOWLINE_ERR_API = -19,
    /**
     * The process in the container could not be signalled.
     */
    TOWLINE_ERR_KILL = -20,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum towline_status towline_status;
#else
typedef int32_t towline_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How requests are spread over several upstreams.
 */
enum towline_fcgi_balance
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The upstream with the fewest requests in flight; among equals the first given.
     */
    TOWLINE_FCGI_LEAST_CONNECTIONS = 0,
    /**
     * One after the other.
     */
    TOWLINE_FCGI_ROUND_ROBIN = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum towline_fcgi_balance towline_fcgi_balance;
#else
typedef int32_t towline_fcgi_balance;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a FastCGI application is asked to be (FastCGI 1.0, section 6).
 */
enum towline_fcgi_role
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Runs a script and answers with a page: what php-fpm does.
     */
    TOWLINE_FCGI_RESPONDER = 1,
    /**
     * Decides whether a request may go on; gets no body.
     */
    TOWLINE_FCGI_AUTHORIZER = 2,
    /**
     * Passes a file's bytes through.
     */
    TOWLINE_FCGI_FILTER = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum towline_fcgi_role towline_fcgi_role;
#else
typedef int32_t towline_fcgi_role;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An Engine's answer to a call.
 */
typedef struct towline_docker_answer towline_docker_answer;

/**
 * What a command run to its end left.
 */
typedef struct towline_docker_result towline_docker_result;

/**
 * A request in the making. It belongs to no loop, may be sent any number of times, and is used by one thread at a time.
 */
typedef struct towline_fcgi_builder towline_fcgi_builder;

/**
 * Status and header fields of an answer.
 */
typedef struct towline_fcgi_head towline_fcgi_head;

/**
 * An answer.
 */
typedef struct towline_fcgi_response towline_fcgi_response;

/**
 * What a server said to towline_fcgi_get_values().
 */
typedef struct towline_fcgi_values towline_fcgi_values;

/**
 * A private php-fpm on a socket in a private folder. It ends with towline_fpm_stop(), or with the process.
 */
typedef struct towline_fpm towline_fpm;

/**
 * An event loop.
 */
typedef struct towline_loop towline_loop;

/**
 * What towline_loop_on_wake() registers.
 */
typedef void (*towline_wake_callback)(void *user);

/**
 * Called when a timer is due.
 */
typedef void (*towline_timer_callback)(void *user);

/**
 * Settings of a client. Fill it with towline_fcgi_client_options_init(), then change what should differ. Deadlines
 * are in milliseconds, 1 to a year, or -1 for none.
 */
typedef struct {
    /**
     * sizeof(towline_fcgi_client_options).
     */
    uint32_t size;
    /**
     * Connections per upstream; keep it below the pool's pm.max_children. Requests beyond it wait. Default 8.
     */
    uint32_t max_connections;
    /**
     * Requests that may wait for a connection. Default 100000.
     */
    uint64_t max_pending;
    /**
     * 1: reuse connections, each of which pins a php-fpm worker while it is open. 0: do not; for scripts that go on
     * after fastcgi_finish_request(), for on a reused connection the next request waits for them. Default 1.
     */
    uint32_t keep_alive;
    /**
     * A towline_fcgi_balance. Default TOWLINE_FCGI_LEAST_CONNECTIONS.
     */
    int32_t balance;
    /**
     * An idle connection is closed after so many milliseconds, 0 or more. Default 1000.
     */
    int64_t idle_close_ms;
    /**
     * Deadline for a connection to stand; cannot be -1. Default 5000.
     */
    int64_t connect_timeout_ms;
    /**
     * Deadline for the first byte of the answer. Default -1.
     */
    int64_t first_byte_timeout_ms;
    /**
     * Deadline between two bytes. Default -1.
     */
    int64_t idle_timeout_ms;
    /**
     * Deadline for a whole request, queueing included. Default -1.
     */
    int64_t timeout_ms;
    /**
     * Most body and STDERR bytes of one answer. Default 64 MiB.
     */
    uint64_t max_response;
    /**
     * With several upstreams, one that refuses is left alone for so many milliseconds, 0 or more. Default 10000.
     */
    int64_t fail_timeout_ms;
} towline_fcgi_client_options;

/**
 * Counters of a client. Set `size` before towline_fcgi_client_stats().
 */
typedef struct {
    /**
     * sizeof(towline_fcgi_stats).
     */
    uint32_t size;
    /**
     * Upstreams.
     */
    uint32_t upstreams;
    /**
     * Requests accepted by towline_fcgi_send().
     */
    uint64_t sent;
    /**
     * Requests answered.
     */
    uint64_t done;
    /**
     * Requests that failed, cancelled ones included.
     */
    uint64_t failed;
    /**
     * Requests waiting for a connection now.
     */
    uint64_t waiting;
    /**
     * Requests on a connection now.
     */
    uint64_t active;
    /**
     * Connections idle now.
     */
    uint64_t idle;
    /**
     * Connections opened.
     */
    uint64_t connects;
    /**
     * Requests sent on a connection that had served another.
     */
    uint64_t reused;
    /**
     * Requests sent a second time.
     */
    uint64_t retried;
} towline_fcgi_stats;

/**
 * Counters of one upstream of a client. Set `size` before towline_fcgi_client_upstream().
 */
typedef struct {
    /**
     * sizeof(towline_fcgi_upstream_stats).
     */
    uint32_t size;
    /**
     * 1 while it is left alone after a refusal, else 0.
     */
    uint32_t down;
    /**
     * Requests on a connection to it now.
     */
    uint64_t active;
    /**
     * Idle connections to it now.
     */
    uint64_t idle;
    /**
     * Connections opened.
     */
    uint64_t connects;
    /**
     * Connections that could not be made.
     */
    uint64_t refused;
} towline_fcgi_upstream_stats;

/**
 * Gives the next bytes of a request's body: fills at most `capacity` bytes and returns how many; 0 at the end;
 * less than 0 fails the request with TOWLINE_ERR_SOURCE. The end is asked for too. Any function may be called in it,
 * but a nested towline_loop_run() would wait for the very request that waits for this.
 */
typedef ptrdiff_t (*towline_fcgi_source)(void *user, uint8_t *buffer, size_t capacity);

/**
 * What is called about a request; any may be NULL. What they receive is valid until they return. Exactly one
 * of on_done, on_values and on_error comes, last.
 */
typedef struct {
    /**
     * sizeof(towline_fcgi_callbacks).
     */
    uint32_t size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * The headers are complete.
     */
    void (*on_head)(void *user, const towline_fcgi_head *head);
    /**
     * Bytes of the body. When NULL, they are collected into the response.
     */
    void (*on_body)(void *user, const char *bytes, size_t length);
    /**
     * Bytes of STDERR. When NULL, they are collected into the response.
     */
    void (*on_stderr)(void *user, const char *bytes, size_t length);
    /**
     * The answer is complete.
     */
    void (*on_done)(void *user, const towline_fcgi_response *response);
    /**
     * It failed; `text` says how in a sentence.
     */
    void (*on_error)(void *user, towline_status status, const char *text);
    /**
     * The answer to towline_fcgi_get_values().
     */
    void (*on_values)(void *user, const towline_fcgi_values *values);
} towline_fcgi_callbacks;

/**
 * A byte string that the library owns: may hold NUL, is not NUL-terminated; `data` is never NULL.
 */
typedef struct {
    /**
     * The first byte.
     */
    const char *data;
    /**
     * How many there are.
     */
    size_t length;
} towline_bytes;

/**
 * Settings of a private php-fpm. Fill it with towline_fpm_options_init(), then change what should differ.
 */
typedef struct {
    /**
     * sizeof(towline_fpm_options).
     */
    uint32_t size;
    /**
     * Worker processes. Default 4.
     */
    uint32_t workers;
    /**
     * The php-fpm program; NULL, the default: looked for.
     */
    const char *binary;
    /**
     * PHP settings as "name=value". Default none.
     */
    const char *const *ini;
    /**
     * How many settings.
     */
    size_t ini_count;
    /**
     * Environment of the scripts as "NAME=value". Default none.
     */
    const char *const *env;
    /**
     * How many environment variables.
     */
    size_t env_count;
    /**
     * How long it may take until it answers. Default 10000.
     */
    int64_t start_timeout_ms;
} towline_fpm_options;

/**
 * Settings of an Engine client. Fill it with towline_docker_client_options_init(), then change what should differ.
 * Deadlines are in milliseconds, 1 to a year.
 */
typedef struct {
    /**
     * sizeof(towline_docker_client_options).
     */
    uint32_t size;
    /**
     * Connections for plain calls; further calls wait. Streams have their own and do not count. Default 32.
     */
    uint32_t max_connections;
    /**
     * A PEM file with the authorities that may have signed the Engine's certificate. NULL, the default: the system's.
     * Any of the three files makes a tcp address one with TLS; the server's name is always checked.
     */
    const char *ca_file;
    /**
     * A PEM file with the client's certificate. Default NULL: none.
     */
    const char *cert_file;
    /**
     * A PEM file with the certificate's key. Default NULL: none.
     */
    const char *key_file;
    /**
     * The API version to speak, such as "1.41". NULL, the default: the highest that both sides know.
     */
    const char *api_version;
    /**
     * Deadline for a connection to stand, TLS included. Default 5000.
     */
    int64_t connect_timeout_ms;
    /**
     * Deadline for a whole call, queueing included, and for a stream to open. An open stream has none. Default 30000.
     */
    int64_t timeout_ms;
    /**
     * An idle connection is closed after so many milliseconds, 0 or more. Default 5000.
     */
    int64_t idle_close_ms;
    /**
     * Most bytes of one answer's body. Default 64 MiB.
     */
    uint64_t max_response;
} towline_docker_client_options;

/**
 * Counters of an Engine client. Set `size` before towline_docker_client_stats().
 */
typedef struct {
    /**
     * sizeof(towline_docker_stats).
     */
    uint32_t size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Connections opened.
     */
    uint64_t connects;
    /**
     * Calls sent on a connection that had served another.
     */
    uint64_t reused;
    /**
     * Calls sent a second time, because their connection was stale.
     */
    uint64_t retried;
    /**
     * Idle connections now.
     */
    uint64_t idle;
    /**
     * Calls and streams that have not ended.
     */
    uint64_t live;
} towline_docker_stats;

/**
 * What is to run in a container. Fill it with towline_docker_exec_options_init(), then set container and command,
 * and change what should differ.
 */
typedef struct {
    /**
     * sizeof(towline_docker_exec_options).
     */
    uint32_t size;
    /**
     * 1: give it a terminal, which has one output stream and a size. Default 0.
     */
    uint32_t tty;
    /**
     * The container's name or id.
     */
    const char *container;
    /**
     * The program and its arguments.
     */
    const char *const *command;
    /**
     * How many they are together.
     */
    size_t command_count;
    /**
     * Added to the container's environment, as "NAME=value". Default none.
     */
    const char *const *env;
    /**
     * How many environment variables.
     */
    size_t env_count;
    /**
     * "name", "uid" or "name:group"; NULL, the default: the container's own.
     */
    const char *user;
    /**
     * NULL, the default: the container's own.
     */
    const char *working_dir;
    /**
     * The keys that detach from a terminal, such as "ctrl-p,ctrl-q"; NULL, the default: the Engine's own.
     */
    const char *detach_keys;
    /**
     * 1: attach its standard input, for towline_docker_write(). Default 0.
     */
    uint32_t attach_stdin;
    /**
     * 1: with extended privileges. Default 0.
     */
    uint32_t privileged;
    /**
     * The terminal's first height in characters, 1 to 65535. Default 24.
     */
    uint32_t rows;
    /**
     * The terminal's first width in characters, 1 to 65535. Default 80.
     */
    uint32_t columns;
    /**
     * With more bytes than this waiting to be sent, a writer should wait for on_drain. Default 1 MiB.
     */
    uint64_t high_watermark;
    /**
     * on_drain comes when no more than this many are left. Default 256 KiB.
     */
    uint64_t low_watermark;
    /**
     * A write that would make more than this many wait is refused. Default 1 GiB.
     */
    uint64_t max_buffered;
    /**
     * Most bytes that a paused stream still reads and keeps. Default 1 MiB.
     */
    uint64_t pause_buffer;
} towline_docker_exec_options;

/**
 * Which container's own process to attach to. Fill it with towline_docker_attach_options_init(), then set container,
 * and change what should differ.
 */
typedef struct {
    /**
     * sizeof(towline_docker_attach_options).
     */
    uint32_t size;
    /**
     * 1: attach its standard input, which the container must have been made with. Default 0.
     */
    uint32_t attach_stdin;
    /**
     * The container's name or id.
     */
    const char *container;
    /**
     * The keys that detach from a terminal; NULL, the default: the Engine's own.
     */
    const char *detach_keys;
    /**
     * 1: begin with what the container has logged so far. Default 0.
     */
    uint32_t logs;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * As in towline_docker_exec_options.
     */
    uint64_t high_watermark;
    /**
     * As in towline_docker_exec_options.
     */
    uint64_t low_watermark;
    /**
     * As in towline_docker_exec_options.
     */
    uint64_t max_buffered;
    /**
     * As in towline_docker_exec_options.
     */
    uint64_t pause_buffer;
} towline_docker_attach_options;

/**
 * What is called about a stream; any may be NULL. What they receive is valid until they return. Exactly one of
 * on_exit and on_error comes, last.
 */
typedef struct {
    /**
     * sizeof(towline_docker_stream_callbacks).
     */
    uint32_t size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * It is open. `id`: the exec's, or the container's for towline_docker_attach(). `upgraded`: 1, or 0 when the
     * Engine, or a proxy before it, answered 200 in the place of 101; then input may not arrive.
     */
    void (*on_open)(void *user, const char *id, uint32_t upgraded);
    /**
     * The process wrote: any bytes, cut anywhere. `stream`: 1 stdout (and everything of a terminal), 2 stderr.
     */
    void (*on_output)(void *user, uint32_t stream, const char *bytes, size_t length);
    /**
     * No more than low_watermark bytes wait to be sent any more, after more than high_watermark did.
     */
    void (*on_drain)(void *user);
    /**
     * The process has ended, or the stream has while it goes on. `code`: its exit code (126: not executable, 127: not
     * found, 128 + n: ended by signal n), or TOWLINE_DOCKER_EXIT_UNKNOWN. `truncated`: 1 when the stream broke off, so
     * that output may be missing, else 0.
     */
    void (*on_exit)(void *user, int64_t code, uint32_t truncated);
    /**
     * It failed; `text` says how in a sentence. `http_status`: the Engine's with TOWLINE_ERR_API (200 for an error
     * in the midst of an output that had begun well), else 0.
     */
    void (*on_error)(void *user, towline_status status, const char *text, uint32_t http_status);
} towline_docker_stream_callbacks;

/**
 * What is called about a call; any may be NULL. What they receive is valid until they return. Exactly one of
 * on_done, on_result and on_error comes, last.
 */
typedef struct {
    /**
     * sizeof(towline_docker_call_callbacks).
     */
    uint32_t size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * A piece of an answer that streams. Of a log: bytes as they come, `stream` being 1 for stdout (and everything of
     * a container with a terminal) and 2 for stderr. Of the events: one JSON object. Else: bytes of the body.
     */
    void (*on_output)(void *user, uint32_t stream, const char *bytes, size_t length);
    /**
     * It is complete. What was handed to on_output is not in the answer.
     */
    void (*on_done)(void *user, const towline_docker_answer *answer);
    /**
     * The command of towline_docker_run() has run to its end.
     */
    void (*on_result)(void *user, const towline_docker_result *result);
    /**
     * It failed; `text` says how in a sentence. `http_status`: the Engine's with TOWLINE_ERR_API (200 for an error
     * in the midst of an output that had begun well), else 0.
     */
    void (*on_error)(void *user, towline_status status, const char *text, uint32_t http_status);
} towline_docker_call_callbacks;

/**
 * Any call of the Engine API. Fill it with towline_docker_request_options_init(), then set method and path, and change
 * what should differ.
 */
typedef struct {
    /**
     * sizeof(towline_docker_request_options).
     */
    uint32_t size;
    /**
     * 1: hand the body to on_output as it comes, without a deadline for its end. 0, the default: collect it.
     */
    uint32_t streamed;
    /**
     * "GET", "POST", "PUT", "DELETE", "HEAD". GET and HEAD are sent again when a kept connection turns out stale.
     */
    const char *method;
    /**
     * Begins with a slash and has no version; may hold a query, percent-encoded already.
     */
    const char *path;
    /**
     * Added to the query, percent-encoding it, as "name=value". Default none.
     */
    const char *const *query;
    /**
     * How many.
     */
    size_t query_count;
    /**
     * Added to the headers, as "Name: value". Default none.
     */
    const char *const *headers;
    /**
     * How many.
     */
    size_t header_count;
    /**
     * The body; NULL, the default: none. It is taken to be JSON unless a header says otherwise.
     */
    const void *body;
    /**
     * How many bytes.
     */
    size_t body_length;
    /**
     * Deadline for the whole call in milliseconds, queueing included. Default -1: the client's.
     */
    int64_t timeout_ms;
} towline_docker_request_options;

/**
 * Which log is wanted. Fill it with towline_docker_logs_options_init(), then set container, and change what should
 * differ.
 */
typedef struct {
    /**
     * sizeof(towline_docker_logs_options).
     */
    uint32_t size;
    /**
     * 1: go on as the container writes, until it ends. Default 0.
     */
    uint32_t follow;
    /**
     * The container's name or id.
     */
    const char *container;
    /**
     * How many lines from the end, such as "100"; NULL, the default: all.
     */
    const char *tail;
    /**
     * Only what was logged after this unix time in seconds. Default 0: everything.
     */
    int64_t since;
    /**
     * 1: begin every line with its time. Default 0.
     */
    uint32_t timestamps;
    /**
     * Zero.
     */
    uint32_t reserved;
} towline_docker_logs_options;

/**
 * A command to be run to its end. Fill it with towline_docker_run_options_init(), then set container and command, and
 * change what should differ.
 */
typedef struct {
    /**
     * sizeof(towline_docker_run_options).
     */
    uint32_t size;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * The container's name or id.
     */
    const char *container;
    /**
     * The program and its arguments.
     */
    const char *const *command;
    /**
     * How many they are together.
     */
    size_t command_count;
    /**
     * Added to the container's environment, as "NAME=value". Default none.
     */
    const char *const *env;
    /**
     * How many environment variables.
     */
    size_t env_count;
    /**
     * "name", "uid" or "name:group"; NULL, the default: the container's own.
     */
    const char *user;
    /**
     * NULL, the default: the container's own.
     */
    const char *working_dir;
    /**
     * Its standard input. Default none.
     */
    const void *input;
    /**
     * How many bytes.
     */
    size_t input_length;
    /**
     * After so many milliseconds the command and its children are killed, and the call fails with
     * TOWLINE_ERR_TIMEOUT_TOTAL. Default -1: no deadline.
     */
    int64_t timeout_ms;
    /**
     * Most bytes of both outputs together; a command that writes more is killed. Default 64 MiB.
     */
    uint64_t max_output;
} towline_docker_run_options;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A few English words for a status; never NULL, valid for ever.
 */
const char *towline_status_text(int32_t status);

/**
 * The version of the library that is running, such as "1.2.3"; TOWLINE_VERSION is the header's.
 */
const char *towline_version(void);

/**
 * Makes a loop. It belongs to the calling thread.
 */
towline_status towline_loop_new(towline_loop **loop);

/**
 * Frees a loop with everything on it; no callback is called any more. NULL is ignored. Inside a callback
 * it takes effect when the outermost towline_loop_run() or towline_loop_tick() returns, with
 * TOWLINE_ERR_STALE. In a forked child it closes the child's descriptors only. Only the thread that made the loop
 * can free it: elsewhere this does nothing.
 */
void towline_loop_free(towline_loop *loop);

/**
 * Dispatches until nothing is pending, or towline_loop_stop() is called. May be called inside a callback, up to
 * 256 deep (TOWLINE_ERR_INVALID beyond): a callback that waits by a nested run keeps those below it waiting too.
 */
towline_status towline_loop_run(towline_loop *loop);

/**
 * One turn: waits at most `timeout_ms` milliseconds (-1: until something happens) and calls the callbacks that are
 * due. `dispatched` receives how many ran; it may be NULL. A turn may end early without a callback:
 * bytes were moved, a signal came, or towline_loop_wake() was called. May be called inside a callback.
 */
towline_status towline_loop_tick(towline_loop *loop, int timeout_ms, uint32_t *dispatched);

/**
 * Makes the innermost towline_loop_run() return after the current callback. What is due then stays for the
 * next run or tick. Outside of towline_loop_run() it does nothing.
 */
towline_status towline_loop_stop(towline_loop *loop);

/**
 * The descriptor to watch for reading (POLLIN) in a foreign loop: readable when towline_loop_tick() has work.
 * Never read from it and never close it. On Linux it also tells of timers.
 */
towline_status towline_loop_fd(towline_loop *loop, int *fd);

/**
 * How long a foreign loop may wait, as poll(2) takes it: milliseconds (rounded up), 0 when callbacks are due,
 * -1 when there is no timer.
 */
towline_status towline_loop_timeout_ms(towline_loop *loop, int *timeout_ms);

/**
 * Makes a towline_loop_tick() that waits return, or the next one not wait, and has the callback of
 * towline_loop_on_wake() called in the loop's thread. Several calls may be seen as one. The only function that
 * may be called from any thread (while the loop lives), and from a signal handler.
 */
towline_status towline_loop_wake(const towline_loop *loop);

/**
 * Sets what is called in the loop's thread after towline_loop_wake(); NULL for nothing. It does not keep
 * towline_loop_run() going.
 */
towline_status towline_loop_on_wake(towline_loop *loop, towline_wake_callback callback, void *user);

/**
 * How many operations (requests, calls, streams, timers) keep towline_loop_run() going. Idle pooled connections do not
 * count.
 */
towline_status towline_loop_pending(towline_loop *loop, size_t *pending);

/**
 * What was wrong the last time a function on this loop failed: a NUL-terminated sentence, "" before the first
 * failure, never NULL. Valid until the next failure.
 */
const char *towline_loop_error(const towline_loop *loop);

/**
 * Calls `callback` once, after `delay_ms` milliseconds (0: in the next turn). `timer` receives the handle; it may
 * be NULL.
 */
towline_status towline_loop_timer_start(towline_loop *loop,
                                        int64_t delay_ms,
                                        towline_timer_callback callback,
                                        void *user,
                                        uint64_t *timer);

/**
 * Calls `callback` every `interval_ms` milliseconds (at least 1) until the timer is cancelled. Beats that were
 * missed while the program was busy are not made up for. `timer` receives the handle; it may be NULL.
 */
towline_status towline_loop_timer_repeat(towline_loop *loop,
                                         int64_t interval_ms,
                                         towline_timer_callback callback,
                                         void *user,
                                         uint64_t *timer);

/**
 * Cancels a timer: its callback is not called any more. TOWLINE_ERR_STALE when it is over already.
 */
towline_status towline_loop_timer_cancel(towline_loop *loop, uint64_t timer);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_fcgi_client_options_init(towline_fcgi_client_options *options, size_t size);

/**
 * Makes a client for `count` upstream addresses: "unix:/run/php/fpm.sock", "/run/php/fpm.sock",
 * "tcp://127.0.0.1:9000", "127.0.0.1:9000", "[::1]:9000", "tcp://name:9000". Nothing is connected yet. `options` may
 * be NULL for the defaults. `client` receives the handle.
 */
towline_status towline_fcgi_client_new(towline_loop *loop,
                                       const char *const *addresses,
                                       size_t count,
                                       const towline_fcgi_client_options *options,
                                       uint64_t *client);

/**
 * Cancels all requests of the client (each gets on_error with TOWLINE_ERR_CANCELLED in a later tick, and nothing
 * else) and closes its connections.
 */
towline_status towline_fcgi_client_close(towline_loop *loop, uint64_t client);

/**
 * Writes the client's counters.
 */
towline_status towline_fcgi_client_stats(towline_loop *loop, uint64_t client, towline_fcgi_stats *stats);

/**
 * Writes the counters of the upstream with this index, in the order of the addresses given. TOWLINE_ERR_NOT_FOUND
 * beyond the last.
 */
towline_status towline_fcgi_client_upstream(towline_loop *loop,
                                            uint64_t client,
                                            size_t index,
                                            towline_fcgi_upstream_stats *stats);

/**
 * Starts a GET of `script`, an absolute path as the FastCGI server sees it (SCRIPT_FILENAME).
 */
towline_status towline_fcgi_builder_new(const char *script, towline_fcgi_builder **builder);

/**
 * Frees a builder; NULL is ignored. What was sent goes on.
 */
void towline_fcgi_builder_free(towline_fcgi_builder *builder);

/**
 * Sets REQUEST_METHOD; "GET" unless set.
 */
towline_status towline_fcgi_builder_method(towline_fcgi_builder *builder, const char *method);

/**
 * Sets QUERY_STRING, without the question mark, percent-encoded already.
 */
towline_status towline_fcgi_builder_query(towline_fcgi_builder *builder, const char *query);

/**
 * Sets CONTENT_TYPE, which says what the body is.
 */
towline_status towline_fcgi_builder_content_type(towline_fcgi_builder *builder, const char *content_type);

/**
 * Adds a CGI variable, or overrides one that Towline sets itself. The last value given for a name counts. Never take
 * names from untrusted input: PHP_VALUE and PHP_ADMIN_VALUE are php.ini settings, and may outlast the request.
 */
towline_status towline_fcgi_builder_param(towline_fcgi_builder *builder,
                                          const char *name,
                                          const void *value,
                                          size_t value_length);

/**
 * Adds an HTTP request header, which scripts see as HTTP_NAME. "Proxy" and "Content-Length" are refused.
 */
towline_status towline_fcgi_builder_header(towline_fcgi_builder *builder,
                                           const char *name,
                                           const void *value,
                                           size_t value_length);

/**
 * Sets the role, a towline_fcgi_role; TOWLINE_FCGI_RESPONDER unless set.
 */
towline_status towline_fcgi_builder_role(towline_fcgi_builder *builder, int32_t role);

/**
 * Sets the body to these bytes, in the place of what was set before.
 */
towline_status towline_fcgi_builder_body(towline_fcgi_builder *builder, const void *body, size_t length);

/**
 * Sets a source of exactly `length` body bytes, asked with `user` while a request that was sent with it needs them,
 * in the place of what was set before. One that gives fewer or more fails its request.
 */
towline_status towline_fcgi_builder_source(towline_fcgi_builder *builder,
                                           towline_fcgi_source source,
                                           void *user,
                                           uint64_t length);

/**
 * Sets the DATA stream of a filter: the bytes of the file to be filtered.
 */
towline_status towline_fcgi_builder_data(towline_fcgi_builder *builder, const void *data, size_t length);

/**
 * Sets the deadline for the whole request, queueing included, in milliseconds; -1 (as it is unless set): the client's.
 */
towline_status towline_fcgi_builder_timeout(towline_fcgi_builder *builder, int64_t timeout_ms);

/**
 * What was wrong the last time a function changing this builder failed: a NUL-terminated sentence, "" before the
 * first failure, never NULL. Valid until the next failure.
 */
const char *towline_fcgi_builder_error(const towline_fcgi_builder *builder);

/**
 * Sends a request, or queues it while no connection is free. No callback is called before this returns. `builder` may
 * be changed, sent again or freed afterwards. `request` receives the handle; it may be NULL.
 */
towline_status towline_fcgi_send(towline_loop *loop,
                                 uint64_t client,
                                 towline_fcgi_builder *builder,
                                 const towline_fcgi_callbacks *callbacks,
                                 void *user,
                                 uint64_t *request);

/**
 * Asks a server for its FCGI_MAX_CONNS, FCGI_MAX_REQS and FCGI_MPXS_CONNS, on a connection of its own; ends with
 * on_values or on_error. php-fpm needs a free worker for it and tells little. `request` receives the handle; it may be
 * NULL.
 */
towline_status towline_fcgi_get_values(towline_loop *loop,
                                       uint64_t client,
                                       const towline_fcgi_callbacks *callbacks,
                                       void *user,
                                       uint64_t *request);

/**
 * Ends a request that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
 * later tick. The connection is closed, for php-fpm knows no other way: the script may run on until
 * its next output.
 */
towline_status towline_fcgi_cancel(towline_loop *loop, uint64_t request);

/**
 * The status, 100 to 999; 0 for NULL.
 */
uint32_t towline_fcgi_head_status(const towline_fcgi_head *head);

/**
 * How many header fields there are; 0 for NULL.
 */
size_t towline_fcgi_head_count(const towline_fcgi_head *head);

/**
 * The header field with this index, in the order they came: its name in lower case, and its value. Either may be
 * NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the last.
 */
towline_status towline_fcgi_head_field(const towline_fcgi_head *head,
                                       size_t index,
                                       towline_bytes *name,
                                       towline_bytes *value);

/**
 * The first value of the header field `name`, in any case. TOWLINE_ERR_NOT_FOUND when there is none.
 */
towline_status towline_fcgi_head_find(const towline_fcgi_head *head, const char *name, towline_bytes *value);

/**
 * The answer's status, 100 to 999; 0 for NULL.
 */
uint32_t towline_fcgi_response_status(const towline_fcgi_response *response);

/**
 * Status and header fields; valid as long as the response. NULL for NULL.
 */
const towline_fcgi_head *towline_fcgi_response_head(const towline_fcgi_response *response);

/**
 * The body; empty when it was handed to on_body. Valid as long as the response.
 */
towline_bytes towline_fcgi_response_body(const towline_fcgi_response *response);

/**
 * What came on the STDERR stream; empty when it was handed to on_stderr. Valid as long as the response.
 */
towline_bytes towline_fcgi_response_stderr(const towline_fcgi_response *response);

/**
 * The application's own status from END_REQUEST; php-fpm always says 0.
 */
uint32_t towline_fcgi_response_app_status(const towline_fcgi_response *response);

/**
 * How long it took in microseconds, queueing included.
 */
uint64_t towline_fcgi_response_duration_us(const towline_fcgi_response *response);

/**
 * Frees a response of towline_fcgi_request(); NULL is ignored. One given to a callback is not freed.
 */
void towline_fcgi_response_free(towline_fcgi_response *response);

/**
 * How many values there are; 0 for NULL.
 */
size_t towline_fcgi_values_count(const towline_fcgi_values *values);

/**
 * The value with this index and its name. Either may be NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the
 * last.
 */
towline_status towline_fcgi_values_get(const towline_fcgi_values *values,
                                       size_t index,
                                       towline_bytes *name,
                                       towline_bytes *value);

/**
 * Sends a request to `address` and waits for the answer, at most `timeout_ms` milliseconds (-1: no limit; then the
 * builder's own deadline holds). Free what `response` receives with towline_fcgi_response_free(). On failure `response`
 * receives NULL and `error`, unless it is NULL, the reason as NUL-terminated text, cut to `error_size` bytes.
 */
towline_status towline_fcgi_request(const char *address,
                                    towline_fcgi_builder *builder,
                                    int64_t timeout_ms,
                                    towline_fcgi_response **response,
                                    char *error,
                                    size_t error_size);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_fpm_options_init(towline_fpm_options *options, size_t size);

/**
 * Starts a private php-fpm and waits until it answers. `options` may be NULL for the defaults. On failure `fpm`
 * receives NULL and `error`, unless it is NULL, php-fpm's own words as NUL-terminated text, cut to `error_size` bytes.
 */
towline_status towline_fpm_start(const towline_fpm_options *options, towline_fpm **fpm, char *error, size_t error_size);

/**
 * Its address, for towline_fcgi_client_new(); valid until towline_fpm_stop(). "" for NULL.
 */
const char *towline_fpm_address(const towline_fpm *fpm);

/**
 * The process id of its master; 0 for NULL.
 */
uint32_t towline_fpm_pid(const towline_fpm *fpm);

/**
 * Ends it, removes its folder, waits until it is gone, and frees `fpm`; NULL is ignored.
 */
void towline_fpm_stop(towline_fpm *fpm);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_client_options_init(towline_docker_client_options *options, size_t size);

/**
 * Makes a client for an Engine: "unix:///var/run/docker.sock", "/var/run/docker.sock", "tcp://host:2375",
 * "https://host:2376" (TLS). `address` may be NULL for what DOCKER_HOST says, with DOCKER_TLS_VERIFY and
 * DOCKER_CERT_PATH, or unix:///var/run/docker.sock. Nothing is connected yet; TLS files are read. `options` may be NULL
 * for the defaults. `client` receives the handle.
 */
towline_status towline_docker_client_new(towline_loop *loop,
                                         const char *address,
                                         const towline_docker_client_options *options,
                                         uint64_t *client);

/**
 * Cancels all calls and streams of the client (each gets on_error with TOWLINE_ERR_CANCELLED in a later tick, and
 * nothing else) and closes its connections. The processes in the containers go on.
 */
towline_status towline_docker_client_close(towline_loop *loop, uint64_t client);

/**
 * Writes the client's counters.
 */
towline_status towline_docker_client_stats(towline_loop *loop, uint64_t client, towline_docker_stats *stats);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_exec_options_init(towline_docker_exec_options *options, size_t size);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_attach_options_init(towline_docker_attach_options *options, size_t size);

/**
 * Runs a command in a container with a stream to read from and write to. What is written before it is open waits. No
 * callback is called before this returns. `stream` receives the handle; it may be NULL.
 */
towline_status towline_docker_exec(towline_loop *loop,
                                   uint64_t client,
                                   const towline_docker_exec_options *options,
                                   const towline_docker_stream_callbacks *callbacks,
                                   void *user,
                                   uint64_t *stream);

/**
 * Opens a stream to the container's own process: its output from now on, and its input. As towline_docker_exec().
 */
towline_status towline_docker_attach(towline_loop *loop,
                                     uint64_t client,
                                     const towline_docker_attach_options *options,
                                     const towline_docker_stream_callbacks *callbacks,
                                     void *user,
                                     uint64_t *stream);

/**
 * Writes to the process's input; needs attach_stdin. `buffered` receives how many bytes wait to be sent; it may be
 * NULL. Above high_watermark, wait for on_drain before writing more. TOWLINE_ERR_CLOSED after the input was closed;
 * TOWLINE_ERR_QUEUE_FULL, with nothing taken, when more than max_buffered bytes would wait. What is written after the
 * process has ended, and before on_exit tells, is lost.
 */
towline_status towline_docker_write(towline_loop *loop,
                                    uint64_t stream,
                                    const void *bytes,
                                    size_t length,
                                    size_t *buffered);

/**
 * Ends the process's input once everything written is sent: the connection is half closed, or, to a terminal, the
 * character 4 (ctrl-D) is sent. Output goes on.
 */
towline_status towline_docker_close_stdin(towline_loop *loop, uint64_t stream);

/**
 * Sets the size of the terminal in characters, each 1 to 65535. The latest size wins; while the process is starting
 * it is tried again.
 */
towline_status towline_docker_resize(towline_loop *loop, uint64_t stream, uint32_t rows, uint32_t columns);

/**
 * Holds on_output back. Up to pause_buffer bytes are still read and kept; then the process is held up at its next
 * write. What a process that ends during a pause has written beyond that (and about 1 MB in the Engine) is lost.
 */
towline_status towline_docker_pause(towline_loop *loop, uint64_t stream);

/**
 * Ends towline_docker_pause(): what was kept comes first.
 */
towline_status towline_docker_resume(towline_loop *loop, uint64_t stream);

/**
 * Sends a signal ("TERM", "SIGKILL", "9"; NULL: "TERM") to the process of an exec and to its children, inside the
 * container, through a second exec; that works on remote Engines too, and needs a shell in the container. Ends with
 * on_done, or with on_error and TOWLINE_ERR_KILL. A process that has exited is no error; TOWLINE_ERR_CLOSED: the stream
 * was closed, or has ended without an exit code. `callbacks` may be NULL. `call` receives the handle; it may be NULL.
 */
towline_status towline_docker_kill(towline_loop *loop,
                                   uint64_t stream,
                                   const char *signal,
                                   const towline_docker_call_callbacks *callbacks,
                                   void *user,
                                   uint64_t *call);

/**
 * Asks the Engine for the exec's, or the container's, state: on_done receives the Engine's JSON as the body. `call`
 * receives the handle; it may be NULL.
 */
towline_status towline_docker_inspect(towline_loop *loop,
                                      uint64_t stream,
                                      const towline_docker_call_callbacks *callbacks,
                                      void *user,
                                      uint64_t *call);

/**
 * Closes a stream that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
 * later tick. The process goes on; towline_docker_kill() ends it.
 */
towline_status towline_docker_close(towline_loop *loop, uint64_t stream);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_request_options_init(towline_docker_request_options *options, size_t size);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_logs_options_init(towline_docker_logs_options *options, size_t size);

/**
 * Fills options with defaults and sets their size; give sizeof(*options).
 */
towline_status towline_docker_run_options_init(towline_docker_run_options *options, size_t size);

/**
 * Makes any call of the Engine API; on_done receives the answer, on_error an answer that is an error. No callback is
 * called before this returns. `call` receives the handle; it may be NULL.
 */
towline_status towline_docker_request(towline_loop *loop,
                                      uint64_t client,
                                      const towline_docker_request_options *options,
                                      const towline_docker_call_callbacks *callbacks,
                                      void *user,
                                      uint64_t *call);

/**
 * Hands a container's log to on_output; on_done comes when it ends. `call` receives the handle; it may be NULL.
 */
towline_status towline_docker_logs(towline_loop *loop,
                                   uint64_t client,
                                   const towline_docker_logs_options *options,
                                   const towline_docker_call_callbacks *callbacks,
                                   void *user,
                                   uint64_t *call);

/**
 * Hands the Engine's events to on_output as they happen, one JSON object each, until the call is cancelled. `filters`
 * is a JSON object as the Engine API documents it, such as {"event":["die"]}; NULL for all. `call` receives the handle;
 * it may be NULL.
 */
towline_status towline_docker_events(towline_loop *loop,
                                     uint64_t client,
                                     const char *filters,
                                     const towline_docker_call_callbacks *callbacks,
                                     void *user,
                                     uint64_t *call);

/**
 * Runs a command in a container to its end and collects what it writes; on_result receives that. `call` receives the
 * handle; it may be NULL.
 */
towline_status towline_docker_run(towline_loop *loop,
                                  uint64_t client,
                                  const towline_docker_run_options *options,
                                  const towline_docker_call_callbacks *callbacks,
                                  void *user,
                                  uint64_t *call);

/**
 * Ends a call that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
 * later tick. The command of towline_docker_run() is killed; what other calls asked for may have been done.
 */
towline_status towline_docker_cancel(towline_loop *loop, uint64_t call);

/**
 * The HTTP status; 0 for NULL, and for the empty answer with which a log, the events or a kill ends.
 */
uint32_t towline_docker_answer_status(const towline_docker_answer *answer);

/**
 * The body. Valid as long as the answer.
 */
towline_bytes towline_docker_answer_body(const towline_docker_answer *answer);

/**
 * How many header fields there are; 0 for NULL.
 */
size_t towline_docker_answer_count(const towline_docker_answer *answer);

/**
 * The header field with this index, in the order they came: its name in lower case, and its value. Either may be
 * NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the last.
 */
towline_status towline_docker_answer_field(const towline_docker_answer *answer,
                                           size_t index,
                                           towline_bytes *name,
                                           towline_bytes *value);

/**
 * The first value of the header field `name`, in any case. TOWLINE_ERR_NOT_FOUND when there is none.
 */
towline_status towline_docker_answer_find(const towline_docker_answer *answer, const char *name, towline_bytes *value);

/**
 * The command's exit code (126: not executable, 127: not found, 128 + n: ended by signal n);
 * TOWLINE_DOCKER_EXIT_UNKNOWN when the Engine cannot tell, and for NULL.
 */
int64_t towline_docker_result_exit_code(const towline_docker_result *result);

/**
 * What the command wrote to its standard output. Valid as long as the result.
 */
towline_bytes towline_docker_result_stdout(const towline_docker_result *result);

/**
 * What the command wrote to its standard error. Valid as long as the result.
 */
towline_bytes towline_docker_result_stderr(const towline_docker_result *result);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOWLINE_H */
