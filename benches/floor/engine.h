/* What the floor programs of Docker share: an exec created and started as plainly as C can, a look at the clocks. */
#ifndef TOWLINE_FLOOR_ENGINE_H
#define TOWLINE_FLOOR_ENGINE_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The read size of every program here. */
enum { BUFFER = 256 * 1024 };

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline void refuse(const char *what, const char *text) {
    fprintf(stderr, "%s: %s\n", what, text);
    exit(1);
}

static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* User and system time of this process. */
static inline double cpu_now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline struct sockaddr_un unix_address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) refuse(path, "too long for a socket");
    strcpy(address.sun_path, path);
    return address;
}

static inline int dial(const char *path) {
    struct sockaddr_un address = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) fail(path);
    return fd;
}

static inline void write_all(int fd, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    while (length > 0) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail("write");
        at += n;
        length -= (size_t)n;
    }
}

static inline size_t read_some(int fd, void *buffer, size_t size) {
    ssize_t n;
    do n = read(fd, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n < 0) fail("read");
    return (size_t)n;
}

/* Sends one POST with a JSON body; `more` are further header lines. */
static inline void post(int fd, const char *path, const char *more, const char *body) {
    char request[8192];
    int n = snprintf(request, sizeof request,
        "POST /v1.41%s HTTP/1.1\r\nHost: engine\r\n%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        path, more, strlen(body), body);
    if (n < 0 || (size_t)n >= sizeof request) refuse(path, "the request is too long");
    write_all(fd, request, (size_t)n);
}

/* Reads up to the end of the head. The status; the bytes behind the head are moved to the front of `buffer`. */
static inline int read_head(int fd, char *buffer, size_t size, size_t *behind) {
    size_t have = 0;
    for (;;) {
        if (have + 1 >= size) refuse("head", "too long");
        size_t n = read_some(fd, buffer + have, size - have - 1);
        if (n == 0) refuse("head", "ended early");
        have += n;
        buffer[have] = 0;
        char *end = memmem(buffer, have, "\r\n\r\n", 4);
        if (!end) continue;
        int status = 0;
        if (sscanf(buffer, "HTTP/1.%*d %d", &status) != 1) refuse("not HTTP", buffer);
        end += 4;
        *behind = have - (size_t)(end - buffer);
        if (status > 299) fprintf(stderr, "%s\n", buffer);
        memmove(buffer, end, *behind);
        buffer[*behind] = 0;
        return status;
    }
}

/* Appends `text` as a JSON string; the caller has made room for twice its length. */
static inline char *quote(char *out, const char *text) {
    *out++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') *out++ = '\\';
        *out++ = *text;
    }
    *out++ = '"';
    *out = 0;
    return out;
}

/* Creates an exec of `command` (NULL behind the last word); its id into `id`. */
static inline void create_exec(const char *socket, const char *container, char *const *command, int tty, char id[128]) {
    char body[4096], path[512], buffer[8192];
    int n = snprintf(body, sizeof body,
        "{\"AttachStdin\":%s,\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":%s,"
        "\"Env\":[\"PS1=ready> \"],\"Cmd\":[",
        tty ? "true" : "false", tty ? "true" : "false");
    char *at = body + n;
    for (char *const *word = command; *word; word++) {
        if ((size_t)(at - body) + 2 * strlen(*word) + 16 > sizeof body) refuse(*word, "the command is too long");
        if (word != command) *at++ = ',';
        at = quote(at, *word);
    }
    strcpy(at, "]}");
    snprintf(path, sizeof path, "/containers/%s/exec", container);
    int fd = dial(socket);
    post(fd, path, "Connection: close\r\n", body);
    size_t have;
    int status = read_head(fd, buffer, sizeof buffer, &have);
    for (size_t n = 1; n > 0 && have + 1 < sizeof buffer; have += n)
        n = read_some(fd, buffer + have, sizeof buffer - have - 1);
    buffer[have] = 0;
    close(fd);
    char *found = strstr(buffer, "\"Id\":\"");
    if (status != 201 || !found || sscanf(found + 6, "%127[^\"]", id) != 1) refuse("create", buffer);
}

/* Starts it and returns the hijacked connection; what came behind the head is in `buffer`, `*have` bytes. */
static inline int start_exec(const char *socket, const char *id, int tty, char *buffer, size_t size, size_t *have) {
    char path[256];
    snprintf(path, sizeof path, "/exec/%s/start", id);
    int fd = dial(socket);
    post(fd, path, "Connection: Upgrade\r\nUpgrade: tcp\r\n",
        tty ? "{\"Detach\":false,\"Tty\":true}" : "{\"Detach\":false,\"Tty\":false}");
    int status = read_head(fd, buffer, size, have);
    if (status != 101 && status != 200) refuse("start", buffer);
    return fd;
}

/* Parts stdout from stderr: `sink` gets each payload, in as many pieces as it came. */
struct demux {
    uint8_t header[8];
    size_t have, left;
};

typedef void (*sink)(void *context, int type, const uint8_t *bytes, size_t length);

static inline void demux(struct demux *d, const uint8_t *bytes, size_t length, sink sink, void *context) {
    while (length > 0) {
        if (d->left) {
            size_t n = length < d->left ? length : d->left;
            sink(context, d->header[0], bytes, n);
            d->left -= n;
            bytes += n;
            length -= n;
            continue;
        }
        size_t n = 8 - d->have < length ? 8 - d->have : length;
        memcpy(d->header + d->have, bytes, n);
        d->have += n;
        bytes += n;
        length -= n;
        if (d->have < 8) return;
        d->have = 0;
        if (d->header[0] > 3) refuse("frame", "unknown type");
        d->left = (size_t)d->header[4] << 24 | (size_t)d->header[5] << 16 | (size_t)d->header[6] << 8 | d->header[7];
    }
}

#endif
