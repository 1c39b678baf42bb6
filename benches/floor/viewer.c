/* A browser's side of a terminal, as plainly as C can: an upgrade, frames taken apart, keys masked. Not a floor but the peer
 * that all measurements of terminals share.
 *   viewer read ADDRESS        counts the output until the server closes
 *   viewer echo ADDRESS KEYS   the time from a key to its echo, as in hijack_echo.c
 *   viewer sink SOCKET         listens there and reads what comes, one connection after another
 * ADDRESS is `unix:PATH`.
 */
#include "engine.h"

enum { LINE = 40, TEXT = 0x81, BINARY = 0x82, CLOSE = 0x88 };

/* Frames of a server, in any pieces. */
struct frames {
    uint8_t head[10];
    size_t have, need;
    uint64_t left;
    int type, command; /* of the message; a command of -1: its first byte is still to come */
};

/* Hands the output in these bytes to `sink`. 0: the server has said goodbye. */
static int walk(struct frames *f, const uint8_t *bytes, size_t length, sink sink, void *context) {
    while (length > 0) {
        if (f->need == 0 || f->have < f->need) {
            if (f->have < 2) f->need = 2;
            while (f->have < f->need && length > 0) {
                f->head[f->have++] = *bytes++;
                length--;
                if (f->have == 2) f->need = (f->head[1] & 127) == 127 ? 10 : (f->head[1] & 127) == 126 ? 4 : 2;
            }
            if (f->have < f->need) return 1;
            f->left = f->head[1] & 127;
            if (f->need > 2) {
                f->left = 0;
                for (size_t i = 2; i < f->need; i++) f->left = f->left << 8 | f->head[i];
            }
            f->type = f->head[0];
            if (f->type & 15) f->command = -1;
        }
        if (f->type == CLOSE) return 0;
        size_t n = length < f->left ? length : (size_t)f->left;
        if (n > 0) {
            const uint8_t *at = bytes;
            bytes += n;
            length -= n;
            f->left -= n;
            if (f->command < 0) {
                f->command = *at++;
                n--;
            }
            if (f->command == '0' && n > 0) sink(context, 1, at, n);
        }
        if (f->left == 0) f->have = f->need = 0;
    }
    return 1;
}

/* Upgrades; what came behind the answer is in `buffer`. */
static int upgrade(const char *address, char *buffer, size_t size, size_t *have) {
    if (strncmp(address, "unix:", 5) != 0) refuse(address, "is not unix:PATH");
    int fd = dial(address + 5);
    const char *request =
        "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tty\r\n\r\n";
    write_all(fd, request, strlen(request));
    if (read_head(fd, buffer, size, have) != 101) refuse("upgrade", buffer);
    return fd;
}

/* Sends input of up to 100 bytes, masked with zeros: what a mask costs is not what is measured. */
static void press(int fd, const char *keys) {
    const size_t length = strlen(keys);
    uint8_t frame[128] = {BINARY, (uint8_t)(0x80 | (length + 1)), 0, 0, 0, 0, '0'};
    memcpy(frame + 7, keys, length);
    write_all(fd, frame, 7 + length);
}

static void count(void *context, int type, const uint8_t *bytes, size_t length) {
    (void)type;
    __asm__ volatile("" : : "r"(bytes) : "memory");
    *(uint64_t *)context += length;
}

static int read_all(const char *address) {
    static char buffer[BUFFER];
    struct frames frames = {0};
    uint64_t bytes = 0;
    size_t got;
    const double from = seconds_now(), cpu = cpu_now();
    int fd = upgrade(address, buffer, sizeof buffer, &got);
    while (walk(&frames, (uint8_t *)buffer, got, count, &bytes))
        if ((got = read_some(fd, buffer, sizeof buffer)) == 0) refuse(address, "ended without a goodbye");
    printf("bytes=%llu seconds=%.6f cpu=%.6f\n", (unsigned long long)bytes, seconds_now() - from, cpu_now() - cpu);
    close(fd);
    return 0;
}

struct screen {
    char text[65536];
    size_t have;
};

static void show(void *context, int type, const uint8_t *bytes, size_t length) {
    (void)type;
    struct screen *screen = context;
    if (length > sizeof screen->text - screen->have) refuse("screen", "too much output for an echo");
    memcpy(screen->text + screen->have, bytes, length);
    screen->have += length;
}

/* Reads until `wanted` has come. */
static void await(int fd, struct frames *frames, struct screen *screen, const char *wanted) {
    static uint8_t buffer[65536];
    const size_t length = strlen(wanted);
    for (;;) {
        char *found = memmem(screen->text, screen->have, wanted, length);
        if (found) {
            /* What is behind belongs to the next. */
            screen->have -= (size_t)(found - screen->text) + length;
            memmove(screen->text, found + length, screen->have);
            return;
        }
        if (screen->have >= length) {
            memmove(screen->text, screen->text + screen->have - (length - 1), length - 1);
            screen->have = length - 1;
        }
        size_t n = read_some(fd, buffer, sizeof buffer);
        if (n == 0 || !walk(frames, buffer, n, show, screen)) refuse("shell", "ended");
    }
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int echo(const char *address, long keys) {
    static struct screen screen;
    static char head[8192];
    struct frames frames = {0};
    double *taken = malloc(sizeof *taken * (size_t)keys);
    if (!taken) fail("malloc");
    size_t behind;
    int fd = upgrade(address, head, sizeof head, &behind);
    walk(&frames, (uint8_t *)head, behind, show, &screen);
    press(fd, "\r");
    await(fd, &frames, &screen, "ready> ");
    for (long i = 0; i < keys; i++) {
        if (i % LINE == 0) {
            if (i > 0) {
                press(fd, "\r");
                await(fd, &frames, &screen, "ready> ");
            }
            press(fd, ": y");
            await(fd, &frames, &screen, "y");
        }
        const double from = seconds_now();
        press(fd, "x");
        await(fd, &frames, &screen, "x");
        taken[i] = (seconds_now() - from) * 1e6;
    }
    const long skipped = keys / 10, counted = keys - skipped;
    qsort(taken + skipped, (size_t)counted, sizeof *taken, by_size);
    printf("keys=%ld p50=%.1f p99=%.1f max=%.1f\n", counted, taken[skipped + counted / 2],
        taken[skipped + counted * 99 / 100], taken[keys - 1]);
    press(fd, "\rexit\r");
    while (read_some(fd, head, sizeof head) > 0) {}
    close(fd);
    return 0;
}

_Noreturn static void drain(const char *path) {
    static char buffer[BUFFER];
    struct sockaddr_un address = unix_address(path);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening < 0) fail("socket");
    if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 8)) fail(path);
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd < 0) fail("accept");
        while (read_some(fd, buffer, sizeof buffer) > 0) {}
        close(fd);
    }
}

int main(int argc, char **argv) {
    const long keys = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (argc == 3 && strcmp(argv[1], "read") == 0) return read_all(argv[2]);
    if (argc == 4 && strcmp(argv[1], "echo") == 0 && keys >= 10) return echo(argv[2], keys);
    if (argc == 3 && strcmp(argv[1], "sink") == 0) drain(argv[2]);
    fprintf(stderr, "usage: viewer read ADDRESS | echo ADDRESS KEYS (10 or more) | sink SOCKET\n");
    return 2;
}
