/* Runs a command in a container and reads its output to the end: blocking reads into one buffer.
 *   hijack_read [--demux|--tty] SOCKET CONTAINER COMMAND...
 * With --demux stdout is parted from stderr, and each piece goes to a function that could use it.
 * `bytes` counts what came behind the head: with the frames' headers, or with --demux without them.
 */
#include "engine.h"

struct count {
    uint64_t bytes[4];
};

/* Not to be folded into the loop: whoever reads a stream hands its pieces to somebody. */
__attribute__((noinline)) static void use(void *context, int type, const uint8_t *bytes, size_t length) {
    __asm__ volatile("" : : "r"(bytes) : "memory");
    ((struct count *)context)->bytes[type & 3] += length;
}

int main(int argc, char **argv) {
    int parted = argc > 1 && strcmp(argv[1], "--demux") == 0;
    int tty = argc > 1 && strcmp(argv[1], "--tty") == 0;
    argv += parted + tty;
    argc -= parted + tty;
    if (argc < 4) {
        fprintf(stderr, "usage: hijack_read [--demux|--tty] SOCKET CONTAINER COMMAND...\n");
        return 2;
    }
    static char buffer[BUFFER];
    char id[128];
    create_exec(argv[1], argv[2], argv + 3, tty, id);
    struct demux state = {0};
    struct count count = {0};
    const double from = seconds_now(), cpu = cpu_now();
    size_t got;
    int fd = start_exec(argv[1], id, tty, buffer, sizeof buffer, &got);
    do {
        if (parted) demux(&state, (uint8_t *)buffer, got, use, &count);
        else count.bytes[1] += got;
    } while ((got = read_some(fd, buffer, sizeof buffer)) > 0);
    printf("bytes=%llu stderr=%llu seconds=%.6f cpu=%.6f\n", (unsigned long long)(count.bytes[0] + count.bytes[1]),
        (unsigned long long)count.bytes[2], seconds_now() - from, cpu_now() - cpu);
    close(fd);
}
