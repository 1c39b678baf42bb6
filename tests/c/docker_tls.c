/* An Engine that wants TLS and a client certificate: docker_tls ADDRESS CONTAINER CERTIFICATES */
#include "docker.h"

static char path[3][4096];

static towline_docker_client_options files(const char *folder, const char *who, int with_cert)
{
    static const char *const names[] = {"ca", "cert", "key"};
    towline_docker_client_options options;
    OK(NULL, towline_docker_client_options_init(&options, sizeof options));
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%s/%s.pem", folder, who, names[i]);
    options.ca_file = path[0];
    options.cert_file = with_cert ? path[1] : NULL;
    options.key_file = with_cert ? path[2] : NULL;
    return options;
}

/* The status with which a command fails; 0 when it does not. */
static towline_status failure(towline_loop *loop, const char *to, const towline_docker_client_options *options)
{
    uint64_t client = 0;
    struct told told;
    towline_docker_run_options run = run_options(running);
    COMMAND(&run, "echo", "hello");
    OK(loop, towline_docker_client_new(loop, to, options, &client));
    begin_run(loop, client, &run, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 || strcmp(told.out, "hello\n") == 0);
    OK(loop, towline_docker_client_close(loop, client));
    return told.error;
}

static void bytes_both_ways(towline_loop *loop, const towline_docker_client_options *options)
{
    enum { MUCH = 3 * 1024 * 1024 };
    uint64_t client = 0;
    struct seen seen;
    char *bytes = calloc(1, MUCH);
    CHECK(bytes != NULL);
    towline_docker_exec_options exec = exec_options(running);
    COMMAND(&exec, "sh", "-c", "cat; echo over >&2; exit 5");
    exec.attach_stdin = 1;
    OK(loop, towline_docker_client_new(loop, address, options, &client));
    uint64_t stream = begin_exec(loop, client, &exec, &seen);
    OK(loop, towline_docker_write(loop, stream, bytes, MUCH, NULL));
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 5 && seen.out_length == MUCH && strcmp(seen.err, "over\n") == 0 && seen.truncated == 0);
    free(bytes);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    address = argv[1];
    running = argv[2];
    const char *folder = argv[3];
    char https[256];
    snprintf(https, sizeof https, "https%s", strchr(address, ':'));

    towline_loop *loop = new_loop();
    towline_docker_client_options ours = files(folder, "client", 1);
    CHECK(failure(loop, address, &ours) == TOWLINE_OK);
    CHECK(failure(loop, https, &ours) == TOWLINE_OK);
    bytes_both_ways(loop, &ours);

    /* No certificate, one of another authority, another authority for the server, no TLS at all. */
    towline_docker_client_options none = files(folder, "client", 0);
    CHECK(failure(loop, address, &none) == TOWLINE_ERR_CONNECT);
    towline_docker_client_options stranger = files(folder, "stranger", 1);
    CHECK(failure(loop, address, &stranger) == TOWLINE_ERR_CONNECT);
    CHECK(failure(loop, address, NULL) == TOWLINE_ERR_CONNECT);

    /* A key that is none. */
    uint64_t client = 0;
    ours = files(folder, "client", 1);
    ours.key_file = ours.ca_file;
    REFUSED(TOWLINE_ERR_INVALID, "ca.pem", loop, towline_docker_client_new(loop, address, &ours, &client));
    ours.key_file = NULL;
    REFUSED(TOWLINE_ERR_INVALID, "key", loop, towline_docker_client_new(loop, address, &ours, &client));
    towline_loop_free(loop);
    return 0;
}
