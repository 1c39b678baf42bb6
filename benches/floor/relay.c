/* Runs a command in a container and writes its output to another socket: read, write, read, write.
 *   relay [--tty] SOCKET CONTAINER OUT COMMAND...
 * OUT is a listening unix socket. Without a TTY the payloads of both outputs go there, without their headers.
 */
#include "engine.h"

struct out {
    int fd;
    uint64_t bytes;
};

static void pass_on(void *context, int type, const uint8_t *bytes, size_t length) {
    (void)type;
    struct out *out = context;
    write_all(out->fd, bytes, length);
    out->bytes += length;
}

int main(int argc, char **argv) {
    int tty = argc > 1 && strcmp(argv[1], "--tty") == 0;
    argv += tty;
    argc -= tty;
    if (argc < 5) {
        fprintf(stderr, "usage: relay [--tty] SOCKET CONTAINER OUT COMMAND...\n");
        return 2;
    }
    static char buffer[BUFFER];
    char id[128];
    struct out out = {dial(argv[3]), 0};
    create_exec(argv[1], argv[2], argv + 4, tty, id);
    struct demux state = {0};
    const double from = seconds_now(), cpu = cpu_now();
    size_t got;
    int fd = start_exec(argv[1], id, tty, buffer, sizeof buffer, &got);
    do {
        if (tty) pass_on(&out, 1, (uint8_t *)buffer, got);
        else demux(&state, (uint8_t *)buffer, got, pass_on, &out);
    } while ((got = read_some(fd, buffer, sizeof buffer)) > 0);
    close(out.fd);
    printf("bytes=%llu seconds=%.6f cpu=%.6f\n", (unsigned long long)out.bytes, seconds_now() - from, cpu_now() - cpu);
    close(fd);
}
