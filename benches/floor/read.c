/* Reads one answer as plainly as C can: a blocking read into one buffer, records walked and forgotten.
 *   read SOCKET SCRIPT
 */
#include "floor.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: read SOCKET SCRIPT\n");
        return 2;
    }
    static uint8_t request[4096], buffer[1 << 18];
    const size_t length = put_request(request, argv[2], 0);
    struct walk state = {0};
    uint64_t bytes = 0;
    ssize_t got;
    const double from = seconds_now(), cpu = cpu_now();
    int fd = dial(argv[1]);
    write_all(fd, request, length);
    do {
        got = read(fd, buffer, sizeof buffer);
        if (got <= 0) fail("read");
        bytes += (uint64_t)got;
    } while (!walk(&state, buffer, (size_t)got));
    printf("bytes=%llu seconds=%.6f cpu=%.6f\n", (unsigned long long)bytes, seconds_now() - from, cpu_now() - cpu);
}
