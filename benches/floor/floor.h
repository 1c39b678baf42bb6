/* What the floor programs share: one request, encoded once, and a look at the clocks. */
#ifndef TOWLINE_FLOOR_H
#define TOWLINE_FLOOR_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* FastCGI record types. */
enum { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
/* The most content of one record that is a multiple of eight. */
enum { CONTENT = 65528, RECORD = CONTENT + 8 };

static inline void fail(const char *what) {
    perror(what);
    exit(1);
}

static inline void put_header(uint8_t *out, int type, size_t length) {
    const uint8_t header[8] = {1, (uint8_t)type, 0, 1, (uint8_t)(length >> 8), (uint8_t)length, 0, 0};
    memcpy(out, header, sizeof header);
}

static inline size_t put_pair(uint8_t *out, const char *name, const char *value) {
    size_t n = strlen(name), v = strlen(value), at = 0;
    if (n > 127 || v > 127) {
        fprintf(stderr, "%s: longer than this program encodes\n", name);
        exit(1);
    }
    out[at++] = (uint8_t)n;
    out[at++] = (uint8_t)v;
    memcpy(out + at, name, n);
    memcpy(out + at + n, value, v);
    return at + n + v;
}

/* BEGIN and PARAMS of a request with `body` bytes to come; with none, STDIN is ended too. */
static inline size_t put_request(uint8_t *out, const char *script, uint64_t body) {
    char length[24];
    snprintf(length, sizeof length, "%llu", (unsigned long long)body);
    const uint8_t begin[8] = {0, 1, 1};
    put_header(out, BEGIN, 8);
    memcpy(out + 8, begin, 8);
    uint8_t *params = out + 16;
    size_t n = 8;
    n += put_pair(params + n, "GATEWAY_INTERFACE", "CGI/1.1");
    n += put_pair(params + n, "SERVER_PROTOCOL", "HTTP/1.1");
    n += put_pair(params + n, "REMOTE_ADDR", "127.0.0.1");
    n += put_pair(params + n, "REQUEST_METHOD", body ? "POST" : "GET");
    n += put_pair(params + n, "REQUEST_URI", script);
    n += put_pair(params + n, "SCRIPT_NAME", script);
    n += put_pair(params + n, "SCRIPT_FILENAME", script);
    n += put_pair(params + n, "QUERY_STRING", "");
    n += put_pair(params + n, "CONTENT_LENGTH", length);
    put_header(params, PARAMS, n - 8);
    put_header(params + n, PARAMS, 0);
    n += 8;
    if (!body) {
        put_header(params + n, STDIN, 0);
        n += 8;
    }
    return 16 + n;
}

static inline int dial(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "%s: too long for a socket\n", path);
        exit(1);
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    while (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        if (errno != EAGAIN) fail(path);
        usleep(100);
    }
    return fd;
}

static inline void write_all(int fd, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0) fail("write");
        bytes += n;
        length -= (size_t)n;
    }
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

/* Walks records of which only the headers matter; 1 once END_REQUEST has come whole. */
struct walk {
    uint8_t header[8];
    size_t have, left;
    int type;
};

static inline int walk(struct walk *w, const uint8_t *bytes, size_t length) {
    size_t at = 0;
    for (;;) {
        if (w->left) {
            size_t n = length - at < w->left ? length - at : w->left;
            w->left -= n;
            at += n;
            if (w->left) return 0;
            if (w->type == END) {
                w->type = 0;
                return 1;
            }
        }
        if (w->have == 0 && length - at >= 8) {
            memcpy(w->header, bytes + at, 8);
            at += 8;
        } else {
            while (w->have < 8 && at < length) w->header[w->have++] = bytes[at++];
            if (w->have < 8) return 0;
            w->have = 0;
        }
        w->type = w->header[1];
        w->left = (size_t)(w->header[4] << 8 | w->header[5]) + w->header[6];
    }
}

#endif
