/* Writes one request body as plainly as C can: the same record over and over, by blocking writes.
 *   write SOCKET SCRIPT BYTES
 */
#include "floor.h"

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: write SOCKET SCRIPT BYTES\n");
        return 2;
    }
    static uint8_t request[4096], record[RECORD], buffer[4096];
    const uint64_t bytes = strtoull(argv[3], NULL, 10);
    const size_t length = put_request(request, argv[2], bytes);
    struct walk state = {0};
    uint64_t left = bytes;
    ssize_t got;
    memset(record, 'x', sizeof record);
    const double from = seconds_now(), cpu = cpu_now();
    int fd = dial(argv[1]);
    write_all(fd, request, length);
    while (left > 0) {
        size_t n = left < CONTENT ? (size_t)left : CONTENT;
        put_header(record, STDIN, n);
        write_all(fd, record, 8 + n);
        left -= n;
    }
    put_header(record, STDIN, 0);
    write_all(fd, record, 8);
    do {
        got = read(fd, buffer, sizeof buffer);
        if (got <= 0) fail("read");
    } while (!walk(&state, buffer, (size_t)got));
    printf("bytes=%llu seconds=%.6f cpu=%.6f\n", (unsigned long long)bytes, seconds_now() - from, cpu_now() - cpu);
}
