/* An Engine that runs nothing: it pours frames, holds sessions, or echoes, as fast as a socket takes it.
 *   fake_engine SOCKET
 * Says `listening` once it does, and ends when its standard input ends. Any container exists. What an exec does is told
 * by the words of its command:
 *   pour BYTES FRAME   BYTES bytes of stdout in frames of FRAME bytes (TTY: without headers), then the end;
 *                      the byte at offset i of the stream is i % 251
 *   hold               nothing, until the client closes
 *   echo               what the client sends, as stdout, until it has sent all
 * The id of an exec carries this, so no session needs a table. Inspect says exit code 0, not running.
 */
#include "engine.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/uio.h>

enum { HEAD = 16384, PATTERN = 251, ECHO = 65536, FRAMES = 256, LARGEST = 1 << 20 };
enum kind { HTTP, POUR, HOLD, ECHOING, ENDING };

struct peer {
    int fd, tty, ended;
    enum kind kind;
    uint64_t bytes, wire; /* to pour, and how far on the wire */
    size_t frame;
    size_t have, sent; /* in `buffer`: read, and of that written */
    char *buffer;
};

static uint8_t pattern[LARGEST + PATTERN];
static unsigned long long execs;
static int loop;

static void watch(struct peer *p, int how, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = p};
    if (epoll_ctl(loop, how, p->fd, &event)) fail("epoll_ctl");
}

static void finish(struct peer *p) {
    close(p->fd);
    free(p->buffer);
    free(p);
}

/* 1 when all was written, 0 when the socket is full, -1 when the client has gone. */
static int pour(struct peer *p) {
    const size_t header = p->tty ? 0 : 8, unit = p->frame + header;
    const uint64_t frames = (p->bytes + p->frame - 1) / p->frame, total = p->bytes + frames * header;
    while (p->wire < total) {
        uint8_t headers[FRAMES][8];
        struct iovec parts[2 * FRAMES];
        int count = 0;
        uint64_t number = p->wire / unit;
        size_t inside = (size_t)(p->wire % unit);
        size_t filled = 0;
        for (int i = 0; i < FRAMES && number < frames && filled < LARGEST; i++, number++, inside = 0) {
            const uint64_t offset = number * p->frame, rest = p->bytes - offset;
            const size_t length = rest < p->frame ? (size_t)rest : p->frame;
            if (inside < header) {
                const uint8_t bytes[8] = {1, 0, 0, 0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
                    (uint8_t)(length >> 8), (uint8_t)length};
                memcpy(headers[i], bytes, 8);
                parts[count++] = (struct iovec){headers[i] + inside, header - inside};
                inside = header;
            }
            const size_t skip = inside - header;
            parts[count++] = (struct iovec){pattern + (offset + skip) % PATTERN, length - skip};
            filled += length;
        }
        const ssize_t n = writev(p->fd, parts, count);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        p->wire += (uint64_t)n;
    }
    return 1;
}

static int flush(struct peer *p) {
    while (p->sent < p->have) {
        const ssize_t n = write(p->fd, p->buffer + p->sent, p->have - p->sent);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        p->sent += (size_t)n;
    }
    p->have = p->sent = 0;
    return 1;
}

/* Ends the output as the Engine does: half. The client closes. */
static void end_output(struct peer *p) {
    shutdown(p->fd, SHUT_WR);
    p->kind = ENDING;
    watch(p, EPOLL_CTL_MOD, EPOLLIN);
}

/* Answers are small: a full socket here means a client that asks without reading. */
static int answer(struct peer *p, const char *status, const char *type, const char *body) {
    char text[1024];
    const int n = snprintf(text, sizeof text,
        "HTTP/1.1 %s\r\nApi-Version: 1.45\r\nServer: Docker/fake (linux)\r\nContent-Type: %s\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        status, type, strlen(body), body);
    return write(p->fd, text, (size_t)n) == n ? 1 : -1;
}

static int start(struct peer *p, const char *id, const char *body) {
    unsigned long long bytes = 0;
    unsigned long frame = 0;
    p->tty = strstr(body, "\"Tty\":true") != NULL;
    if (sscanf(id, "pour-%llu-%lu-", &bytes, &frame) == 2) p->kind = POUR;
    else if (strncmp(id, "echo-", 5) == 0) p->kind = ECHOING;
    else p->kind = HOLD;
    p->bytes = bytes;
    p->frame = frame;
    p->wire = 0;
    char text[256];
    const int n = snprintf(text, sizeof text,
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.%s-stream\r\nConnection: Upgrade\r\n"
        "Upgrade: tcp\r\nApi-Version: 1.45\r\n\r\n", p->tty ? "raw" : "multiplexed");
    if (write(p->fd, text, (size_t)n) != n) return -1;
    if (p->kind == HOLD) {
        free(p->buffer);
        p->buffer = NULL;
    } else if (p->kind == POUR) {
        watch(p, EPOLL_CTL_MOD, EPOLLOUT);
    }
    return 1;
}

static int create(struct peer *p, const char *body) {
    const char *words = strstr(body, "\"Cmd\"");
    char text[256], id[128];
    unsigned long long bytes;
    unsigned long frame;
    words = words ? strchr(words, '[') : NULL;
    if (!words) return answer(p, "400 Bad Request", "application/json", "{\"message\":\"No exec command specified\"}");
    execs++;
    if (sscanf(words, "[ \"pour\" , \"%llu\" , \"%lu\"", &bytes, &frame) == 2) {
        if (frame == 0 || frame > LARGEST)
            return answer(p, "400 Bad Request", "application/json", "{\"message\":\"a frame has 1 to 1048576 bytes\"}");
        snprintf(id, sizeof id, "pour-%llu-%lu-%llu", bytes, frame, execs);
    } else {
        snprintf(id, sizeof id, "%s-%llu", strstr(words, "\"echo\"") ? "echo" : "hold", execs);
    }
    snprintf(text, sizeof text, "{\"Id\":\"%s\"}", id);
    return answer(p, "201 Created", "application/json", text);
}

/* One request, whole in the buffer. */
static int serve(struct peer *p, char *path, const char *body) {
    char id[128], text[512];
    if (strncmp(path, "/v1.", 4) == 0) path = strchr(path + 1, '/') ? strchr(path + 1, '/') : path;
    path[strcspn(path, "? ")] = 0;
    if (strcmp(path, "/_ping") == 0) return answer(p, "200 OK", "text/plain; charset=utf-8", "OK");
    if (sscanf(path, "/exec/%127[^/]", id) == 1) {
        if (strstr(path, "/start")) return start(p, id, body);
        if (strstr(path, "/resize")) return answer(p, "200 OK", "application/json", "");
        snprintf(text, sizeof text, "{\"ID\":\"%s\",\"Running\":false,\"ExitCode\":0,\"Pid\":0}", id);
        return answer(p, "200 OK", "application/json", text);
    }
    if (strncmp(path, "/containers/", 12) == 0 && strstr(path, "/exec")) return create(p, body);
    return answer(p, "404 Not Found", "application/json", "{\"message\":\"page not found\"}");
}

/* Requests by length; a start is the last. */
static int http(struct peer *p) {
    for (;;) {
        p->buffer[p->have] = 0;
        char *end = memmem(p->buffer, p->have, "\r\n\r\n", 4);
        if (!end) return p->have + 1 < HEAD ? 1 : -1;
        char *length = strcasestr(p->buffer, "\r\nContent-Length:");
        const size_t head = (size_t)(end - p->buffer) + 4;
        const size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        if (head + body + 1 > HEAD) return -1;
        if (p->have < head + body) return 1;
        char kept[HEAD];
        memcpy(kept, end + 4, body);
        kept[body] = 0;
        const int closes = strcasestr(p->buffer, "\r\nConnection: close") != NULL;
        char *path = strchr(p->buffer, ' ');
        if (!path || path > end) return -1;
        *end = 0;
        if (serve(p, path + 1, kept) < 0) return -1;
        if (p->kind != HTTP) {
            /* Input sent before the head has come may be lost on a real Engine; here it always is. */
            p->have = 0;
            return 1;
        }
        p->have -= head + body;
        memmove(p->buffer, p->buffer + head + body, p->have);
        if (closes) {
            end_output(p);
            return 1;
        }
    }
}

/* Frames what was read in place: eight bytes are kept free at the front. */
static int echo(struct peer *p, uint32_t events) {
    if (!p->buffer || p->kind != ECHOING) return -1;
    if (events & EPOLLOUT && flush(p) < 0) return -1;
    while (p->have == 0) {
        const size_t header = p->tty ? 0 : 8;
        const ssize_t n = read(p->fd, p->buffer + header, ECHO - header);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) return -1;
        if (n == 0) {
            end_output(p);
            return 1;
        }
        const uint8_t bytes[8] = {1, 0, 0, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
        memcpy(p->buffer, bytes, header);
        p->have = (size_t)n + header;
        if (flush(p) < 0) return -1;
    }
    watch(p, EPOLL_CTL_MOD, p->have ? EPOLLOUT : EPOLLIN);
    return 1;
}

static int turn(struct peer *p, uint32_t events) {
    static char waste[BUFFER];
    if (p->kind == POUR) {
        const int done = pour(p);
        if (done == 1) end_output(p);
        return done;
    }
    if (p->kind == ECHOING) return echo(p, events);
    if (p->kind != HTTP) {
        const ssize_t n = read(p->fd, waste, sizeof waste);
        return n > 0 || (n < 0 && errno == EAGAIN) ? 1 : -1;
    }
    const ssize_t n = read(p->fd, p->buffer + p->have, HEAD - 1 - p->have);
    if (n < 0 && errno == EAGAIN) return 1;
    if (n <= 0) return -1;
    p->have += (size_t)n;
    return http(p);
}

static void accept_all(int listener) {
    for (;;) {
        const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) return;
        if (fd < 0) fail("accept");
        struct peer *p = calloc(1, sizeof *p);
        if (!p || !(p->buffer = malloc(ECHO))) fail("malloc");
        p->fd = fd;
        watch(p, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: fake_engine SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = (uint8_t)(i % PATTERN);
    struct sockaddr_un address = unix_address(argv[1]);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address)) fail(argv[1]);
    if (listen(listener, 4096)) fail(argv[1]);
    /* A session is a descriptor; the default limit would end at about a thousand. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    loop = epoll_create1(EPOLL_CLOEXEC);
    struct peer listening = {.fd = listener}, owner = {.fd = 0};
    watch(&listening, EPOLL_CTL_ADD, EPOLLIN);
    watch(&owner, EPOLL_CTL_ADD, EPOLLIN);
    puts("listening");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        const int count = epoll_wait(loop, events, 256, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            struct peer *p = events[i].data.ptr;
            char waste[4096];
            if (p == &listening) accept_all(listener);
            else if (p == &owner) {
                if (read(0, waste, sizeof waste) <= 0) {
                    unlink(argv[1]);
                    return 0;
                }
            } else if (turn(p, events[i].events) < 0) finish(p);
        }
    }
}
