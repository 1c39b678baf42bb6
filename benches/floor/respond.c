/* A FastCGI responder that costs as little as it can, so that a measurement shows the client. One thread,
 * one epoll; it reads a request to the end of its STDIN, then answers BODY bytes and END_REQUEST.
 *   respond SOCKET BODY      answers
 *   respond SOCKET hold      takes requests and never answers
 * It keeps connections, knows request id 1 alone, and says "ready" on standard output once it listens.
 */
#include "floor.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>

enum { MOST = 4096 };
static const char HEAD[] = "Content-type: text/plain\r\n\r\n";

struct connection {
    uint8_t header[8];
    size_t have, left;
    /* Of the answer under way: what is left of each part. */
    size_t head_left;
    uint64_t body_left;
    size_t end_left;
    int watches_writing;
};

static struct connection all[MOST];
static uint8_t small[1 << 16], end[16], *blocks;
static size_t small_length, blocks_length;
static uint64_t body;
static int holds, poll_fd;

/* 1: the STDIN of a request has ended within these bytes. */
static int take(struct connection *c, const uint8_t *bytes, size_t length) {
    size_t at = 0;
    int ended = 0;
    for (;;) {
        if (c->left) {
            size_t n = length - at < c->left ? length - at : c->left;
            c->left -= n;
            at += n;
            if (c->left) return ended;
        }
        const uint8_t *header;
        if (c->have == 0 && length - at >= 8) {
            header = bytes + at;
            at += 8;
        } else {
            while (c->have < 8 && at < length) c->header[c->have++] = bytes[at++];
            if (c->have < 8) return ended;
            c->have = 0;
            header = c->header;
        }
        c->left = (size_t)(header[4] << 8 | header[5]) + header[6];
        if (header[1] == STDIN && c->left == 0) ended = 1;
    }
}

static void watch(int fd, struct connection *c, int writing) {
    if (c->watches_writing == writing) return;
    struct epoll_event event = {.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &event)) fail("epoll_ctl");
    c->watches_writing = writing;
}

/* Writes `length` bytes or less; 0: no room now, -1: gone. */
static ssize_t put(int fd, const uint8_t *bytes, size_t length) {
    ssize_t n = write(fd, bytes, length);
    return n >= 0 ? n : errno == EAGAIN ? 0 : -1;
}

/* The part of the answer that is still to be written; -1: the client is gone. */
static int answer(int fd, struct connection *c) {
    while (c->head_left) {
        ssize_t n = put(fd, small + small_length - c->head_left, c->head_left);
        if (n <= 0) return n < 0 ? -1 : (watch(fd, c, 1), 0);
        c->head_left -= (size_t)n;
    }
    /* Whole records of CONTENT bytes, round and round in one block of them. */
    while (c->body_left) {
        size_t at = (size_t)((body / CONTENT * RECORD - c->body_left) % blocks_length);
        size_t length = blocks_length - at < c->body_left ? blocks_length - at : (size_t)c->body_left;
        ssize_t n = put(fd, blocks + at, length);
        if (n <= 0) return n < 0 ? -1 : (watch(fd, c, 1), 0);
        c->body_left -= (uint64_t)n;
    }
    while (c->end_left) {
        ssize_t n = put(fd, end + sizeof end - c->end_left, c->end_left);
        if (n <= 0) return n < 0 ? -1 : (watch(fd, c, 1), 0);
        c->end_left -= (size_t)n;
    }
    watch(fd, c, 0);
    return 0;
}

/* The head with a small body and END_REQUEST in one piece; a large body as records of its own, rounded up to them. */
static void prepare(void) {
    put_header(end, END, 8);
    const size_t head = sizeof HEAD - 1;
    const size_t with = body < CONTENT / 2 ? (size_t)body : 0;
    put_header(small, STDOUT, head + with);
    memcpy(small + 8, HEAD, head);
    memset(small + 8 + head, 'x', with);
    small_length = 8 + head + with;
    if (body == with) {
        memcpy(small + small_length, end, sizeof end);
        small_length += sizeof end;
        return;
    }
    body = (body + CONTENT - 1) / CONTENT * CONTENT;
    blocks_length = 16 * RECORD;
    blocks = malloc(blocks_length);
    if (!blocks) fail("malloc");
    for (size_t at = 0; at < blocks_length; at += RECORD) {
        put_header(blocks + at, STDOUT, CONTENT);
        memset(blocks + at + 8, 'x', CONTENT);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: respond SOCKET BODY|hold\n");
        return 2;
    }
    holds = !strcmp(argv[2], "hold");
    body = holds ? 0 : strtoull(argv[2], NULL, 10);
    const int large = body >= CONTENT / 2;
    prepare();
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(argv[1]) >= sizeof address.sun_path) return 2;
    strcpy(address.sun_path, argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096))
        fail(argv[1]);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    puts("ready");
    fflush(stdout);
    static uint8_t buffer[1 << 18];
    for (;;) {
        int n = epoll_wait(poll_fd, ready, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                int accepted;
                while ((accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    if (accepted >= MOST) {
                        close(accepted);
                        continue;
                    }
                    memset(&all[accepted], 0, sizeof *all);
                    event.data.fd = accepted;
                    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, accepted, &event)) fail("epoll_ctl");
                }
                continue;
            }
            struct connection *c = &all[fd];
            int gone = ready[i].events & EPOLLOUT && answer(fd, c) < 0;
            if (!gone && ready[i].events & (EPOLLIN | EPOLLHUP)) {
                ssize_t got = read(fd, buffer, sizeof buffer);
                gone = got == 0 || (got < 0 && errno != EAGAIN);
                if (got > 0 && take(c, buffer, (size_t)got) && !holds) {
                    c->head_left = small_length;
                    c->body_left = large ? body / CONTENT * RECORD : 0;
                    c->end_left = large ? sizeof end : 0;
                    gone = answer(fd, c) < 0;
                }
            }
            if (gone) close(fd);
        }
    }
}
