/* The least a client can do: one request encoded once and written whole, answers only searched for their
 * end. No client that builds parameters and keeps answers does less.
 *   load SOCKET SCRIPT REQUESTS CONCURRENCY
 */
#include "floor.h"
#include <sys/epoll.h>

struct connection {
    int fd;
    struct walk walk;
};

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: load SOCKET SCRIPT REQUESTS CONCURRENCY\n");
        return 2;
    }
    static uint8_t request[4096], buffer[1 << 18];
    const size_t length = put_request(request, argv[2], 0);
    const long wanted = atol(argv[3]);
    const int concurrency = atoi(argv[4]);
    struct connection *connections = calloc((size_t)concurrency, sizeof *connections);
    struct epoll_event ready[256];
    long sent = 0, done = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || poll < 0) fail("start");
    const double from = seconds_now(), cpu = cpu_now();
    for (int i = 0; i < concurrency && sent < wanted; i++, sent++) {
        struct connection *it = &connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = it};
        it->fd = dial(argv[1]);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, it->fd, &event)) fail("epoll_ctl");
        write_all(it->fd, request, length);
    }
    while (done < wanted) {
        int n = epoll_wait(poll, ready, 256, 10000);
        if (n <= 0) {
            fprintf(stderr, "nothing came for 10 s after %ld of %ld\n", done, wanted);
            return 1;
        }
        for (int i = 0; i < n; i++) {
            struct connection *it = ready[i].data.ptr;
            ssize_t got = read(it->fd, buffer, sizeof buffer);
            if (got <= 0) fail("read");
            if (!walk(&it->walk, buffer, (size_t)got)) continue;
            done++;
            if (sent < wanted) {
                write_all(it->fd, request, length);
                sent++;
            }
        }
    }
    printf("requests=%ld seconds=%.6f cpu=%.6f\n", done, seconds_now() - from, cpu_now() - cpu);
}
