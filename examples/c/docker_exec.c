/*
 * A small `docker exec`: runs a command in a container, passes input and output on, and ends with its exit code.
 *
 *     docker_exec [-i] [-t] [-u USER] [-w FOLDER] [-e NAME=VALUE]... CONTAINER COMMAND [ARGUMENT]...
 *
 *     -i   pass standard input on
 *     -t   give the command a terminal: this one in raw mode, its size followed
 *
 * DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say where the Engine is, as for Docker's own client.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <towline.h>
#include <unistd.h>

/* What Docker's own client says when the command did not run. */
enum { FAILED = 125 };

static towline_loop *loop;
static uint64_t stream;

static int exit_code = FAILED;
static int ended;
static int reading; /* standard input is passed on, and has not ended */
static int full;    /* too much waits to be sent; on_drain will come */

static struct termios before;
static int is_raw;

static void restore_terminal(void)
{
    if (is_raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    is_raw = 0;
}

static void make_terminal_raw(void)
{
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return;
    struct termios raw = before;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    atexit(restore_terminal);
}

static int terminal_size(uint32_t *rows, uint32_t *columns)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return 0;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 1;
}

/* towline_loop_wake() may be called in a signal handler; on_wake() is then called in the loop. */
static void on_winch(int number)
{
    (void)number;
    int kept = errno;
    towline_loop_wake(loop);
    errno = kept;
}

static void on_wake(void *user)
{
    uint32_t rows, columns;
    (void)user;
    if (!ended && terminal_size(&rows, &columns))
        towline_docker_resize(loop, stream, rows, columns);
}

static void check(towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(FAILED);
    }
}

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd room = {fd, POLLOUT, 0}; /* whoever gave it to us has made it nonblocking */
            poll(&room, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return; /* nobody reads it any more */
        }
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
}

static void on_output(void *user, uint32_t number, const char *bytes, size_t length)
{
    (void)user;
    write_all(number == 2 ? STDERR_FILENO : STDOUT_FILENO, bytes, length);
}

static void on_drain(void *user)
{
    (void)user;
    full = 0;
}

static void on_exit_code(void *user, int64_t code, uint32_t truncated)
{
    (void)user;
    ended = 1;
    restore_terminal();
    if (code == TOWLINE_DOCKER_EXIT_UNKNOWN)
        fprintf(stderr, "the command goes on, or its end is not known\n");
    else
        exit_code = (int)code;
    if (truncated)
        fprintf(stderr, "the stream broke off; output may be missing\n");
}

static void on_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    (void)user, (void)http_status;
    ended = 1;
    restore_terminal();
    fprintf(stderr, "%s: %s\n", towline_status_text(status), text);
}

static void pass_input_on(size_t high_watermark)
{
    char buffer[65536];
    size_t buffered = 0;
    ssize_t length = read(STDIN_FILENO, buffer, sizeof buffer);
    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (length <= 0) {
        reading = 0;
        towline_docker_close_stdin(loop, stream);
        return;
    }
    towline_status status = towline_docker_write(loop, stream, buffer, (size_t)length, &buffered);
    if (status != TOWLINE_OK)
        reading = 0; /* on_exit or on_error tells why */
    full = buffered > high_watermark;
}

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [-i] [-t] [-u USER] [-w FOLDER] [-e NAME=VALUE]... CONTAINER COMMAND...\n", program);
    return 2;
}

int main(int argc, char **argv)
{
    towline_docker_exec_options options;
    towline_docker_exec_options_init(&options, sizeof options);

    const char **env = calloc((size_t)argc, sizeof *env);
    if (env == NULL)
        return FAILED;
    options.env = env;
    int at = 1;
    for (; at < argc && argv[at][0] == '-' && argv[at][1] != '\0'; at++) {
        char *letters = argv[at] + 1;
        for (; *letters == 'i' || *letters == 't'; letters++)
            *(*letters == 'i' ? &options.attach_stdin : &options.tty) = 1;
        if (*letters == '\0')
            continue;
        const char *value = letters[1] != '\0' ? letters + 1 : ++at < argc ? argv[at] : NULL;
        if (value == NULL || strchr("uwe", *letters) == NULL)
            return free(env), usage(argv[0]);
        if (*letters == 'e')
            env[options.env_count++] = value;
        else
            *(*letters == 'u' ? &options.user : &options.working_dir) = value;
    }
    if (argc - at < 2)
        return free(env), usage(argv[0]);
    options.container = argv[at];
    options.command = (const char *const *)&argv[at + 1];
    options.command_count = (size_t)(argc - at - 1);
    reading = options.attach_stdin != 0;

    uint64_t client = 0;
    check(towline_loop_new(&loop));
    check(towline_docker_client_new(loop, NULL, NULL, &client));

    int terminal = options.tty && isatty(STDIN_FILENO);
    if (terminal) {
        terminal_size(&options.rows, &options.columns);
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_winch;
        sigaction(SIGWINCH, &action, NULL);
        check(towline_loop_on_wake(loop, on_wake, NULL));
    }

    towline_docker_stream_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_output = on_output;
    callbacks.on_drain = on_drain;
    callbacks.on_exit = on_exit_code;
    callbacks.on_error = on_error;
    check(towline_docker_exec(loop, client, &options, &callbacks, NULL, &stream));
    if (terminal && options.attach_stdin)
        make_terminal_raw();

    struct pollfd watched[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    check(towline_loop_fd(loop, &watched[0].fd));
    while (!ended) {
        int timeout = -1;
        check(towline_loop_timeout_ms(loop, &timeout));
        if (poll(watched, reading && !full ? 2 : 1, timeout) < 0) {
            watched[0].revents = 0; /* a signal came */
            watched[1].revents = 0;
        }
        if (reading && !full && watched[1].revents != 0)
            pass_input_on(options.high_watermark);
        watched[1].revents = 0;
        check(towline_loop_tick(loop, 0, NULL));
    }

    signal(SIGWINCH, SIG_IGN);
    towline_loop_free(loop);
    free(env);
    return exit_code;
}
