/* The blocking request, and a private php-fpm. */
#include "check.h"
#include <signal.h>
#include <unistd.h>

static ptrdiff_t give(void *user, uint8_t *buffer, size_t capacity)
{
    size_t *left = user;
    size_t count = *left < capacity ? *left : capacity;
    memset(buffer, 'y', count);
    *left -= count;
    return (ptrdiff_t)count;
}

static ptrdiff_t fail(void *user, uint8_t *buffer, size_t capacity)
{
    (void)user, (void)buffer, (void)capacity;
    return -3;
}

static void requests(void)
{
    char error[512] = "x";
    towline_fcgi_response *response = NULL;
    towline_bytes value;
    size_t left = 200000;
    towline_fcgi_builder *request = new_request("hello.php");

    CHECK(towline_fcgi_request(address, request, 10000, &response, error, sizeof error) == TOWLINE_OK);
    CHECK(error[0] == '\0' && response != NULL);
    CHECK(towline_fcgi_response_status(response) == 200);
    CHECK(towline_fcgi_head_find(towline_fcgi_response_head(response), "X-One", &value) == TOWLINE_OK);
    CHECK(towline_fcgi_response_body(response).length == 6);
    towline_fcgi_response_free(response);

    /* No limit, nobody interested in words, a query. */
    CHECK(towline_fcgi_builder_query(request, "q") == TOWLINE_OK);
    CHECK(towline_fcgi_request(address, request, -1, &response, NULL, 0) == TOWLINE_OK);
    CHECK(towline_fcgi_response_body(response).length == 7);
    towline_fcgi_response_free(response);
    towline_fcgi_builder_free(request);

    request = new_request("mirror.php");
    CHECK(towline_fcgi_builder_method(request, "POST") == TOWLINE_OK);
    CHECK(towline_fcgi_builder_source(request, give, &left, left) == TOWLINE_OK);
    CHECK(towline_fcgi_request(address, request, 60000, &response, error, sizeof error) == TOWLINE_OK);
    CHECK(left == 0 && towline_fcgi_response_body(response).length == 200000);
    towline_fcgi_response_free(response);

    /* Failures, and what they say. */
    CHECK(towline_fcgi_request(address, request, 60000, &response, error, sizeof error) == TOWLINE_ERR_SOURCE);
    CHECK(response == NULL && strstr(error, "200000 bytes before"));
    CHECK(towline_fcgi_builder_source(request, fail, NULL, 5) == TOWLINE_OK);
    CHECK(towline_fcgi_request(address, request, 60000, &response, error, sizeof error) == TOWLINE_ERR_SOURCE);
    CHECK(response == NULL && strstr(error, "-3"));
    towline_fcgi_builder_free(request);

    request = new_request("drip.php");
    CHECK(towline_fcgi_request(address, request, 50, &response, error, sizeof error) == TOWLINE_ERR_TIMEOUT_TOTAL);
    CHECK(response == NULL && strstr(error, "total"));
    CHECK(towline_fcgi_builder_timeout(request, 50) == TOWLINE_OK);
    CHECK(towline_fcgi_request(address, request, -1, &response, error, sizeof error) == TOWLINE_ERR_TIMEOUT_TOTAL);
    CHECK(towline_fcgi_request("unix:/nonexistent.sock", request, -1, &response, error, sizeof error) ==
          TOWLINE_ERR_CONNECT);
    CHECK(strstr(error, "/nonexistent.sock"));
    memset(error, 'x', sizeof error);
    CHECK(towline_fcgi_request("unix:/nonexistent.sock", request, -1, &response, error, 8) == TOWLINE_ERR_CONNECT);
    CHECK(strlen(error) == 7 && error[8] == 'x');
    CHECK(towline_fcgi_request("unix:/nonexistent.sock", request, -1, &response, error, 1) == TOWLINE_ERR_CONNECT);
    CHECK(error[0] == '\0');
    CHECK(towline_fcgi_request(NULL, request, -1, &response, error, sizeof error) == TOWLINE_ERR_INVALID);
    CHECK(strstr(error, "address is NULL"));
    CHECK(towline_fcgi_request("nonsense", request, -1, &response, error, sizeof error) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_request(address, NULL, -1, &response, error, sizeof error) == TOWLINE_ERR_INVALID);
    CHECK(strstr(error, "builder is NULL"));
    CHECK(towline_fcgi_request(address, request, 0, &response, error, sizeof error) == TOWLINE_ERR_INVALID);
    CHECK(strstr(error, "timeout_ms is 0"));
    CHECK(towline_fcgi_request(address, request, -1, NULL, error, sizeof error) == TOWLINE_ERR_INVALID);
    CHECK(strstr(error, "response is NULL"));
    towline_fcgi_builder_free(request);
}

static void private_fpm(void)
{
    char error[2048] = "x";
    towline_fpm *fpm = NULL;
    towline_fpm_options options;
    towline_fcgi_response *response = NULL;
    const char *ini[] = {"memory_limit=123M", "precision=7"};
    const char *env[] = {"TOWLINE_GREETING=good = morning"};
    const char *bad[] = {"no equals sign"};

    CHECK(towline_fpm_options_init(NULL, sizeof options) == TOWLINE_ERR_INVALID);
    CHECK(towline_fpm_options_init(&options, 3) == TOWLINE_ERR_INVALID);
    CHECK(towline_fpm_options_init(&options, sizeof options) == TOWLINE_OK);
    CHECK(options.size == sizeof options && options.workers == 4 && options.start_timeout_ms == 10000);
    CHECK(options.binary == NULL && options.ini == NULL && options.env == NULL);

    options.workers = 1;
    options.start_timeout_ms = 60000;
    options.ini = ini;
    options.ini_count = 2;
    options.env = env;
    options.env_count = 1;
    CHECK(towline_fpm_start(&options, NULL, error, sizeof error) == TOWLINE_ERR_INVALID);
    towline_status status = towline_fpm_start(&options, &fpm, error, sizeof error);
    if (status != TOWLINE_OK)
        fprintf(stderr, "%s: %s\n", towline_status_text(status), error);
    CHECK(status == TOWLINE_OK && fpm != NULL && error[0] == '\0');
    CHECK(strncmp(towline_fpm_address(fpm), "unix:", 5) == 0);
    pid_t pid = (pid_t)towline_fpm_pid(fpm);
    CHECK(pid > 1 && kill(pid, 0) == 0);

    towline_fcgi_builder *request = new_request("settings.php");
    CHECK(towline_fcgi_request(towline_fpm_address(fpm), request, 10000, &response, error, sizeof error) == TOWLINE_OK);
    towline_bytes body = towline_fcgi_response_body(response);
    CHECK(body.length == strlen("123M 7 good = morning"));
    CHECK(memcmp(body.data, "123M 7 good = morning", body.length) == 0);
    towline_fcgi_response_free(response);
    towline_fcgi_builder_free(request);
    towline_fpm_stop(fpm);
    CHECK(kill(pid, 0) != 0);

    options.workers = 0;
    CHECK(towline_fpm_start(&options, &fpm, error, sizeof error) == TOWLINE_ERR_INVALID && strstr(error, "workers"));
    CHECK(fpm == NULL);
    options.workers = 1;
    options.ini = bad;
    options.ini_count = 1;
    CHECK(towline_fpm_start(&options, &fpm, error, sizeof error) == TOWLINE_ERR_INVALID && strstr(error, "no equals"));
    options.ini = NULL;
    CHECK(towline_fpm_start(&options, &fpm, error, sizeof error) == TOWLINE_ERR_INVALID && strstr(error, "ini is NULL"));
    options.ini_count = 0;
    options.start_timeout_ms = -1;
    CHECK(towline_fpm_start(&options, &fpm, error, sizeof error) == TOWLINE_ERR_INVALID);
    options.start_timeout_ms = 10000;
    options.binary = "/nonexistent/php-fpm";
    CHECK(towline_fpm_start(&options, &fpm, error, sizeof error) == TOWLINE_ERR_FPM);
    CHECK(strstr(error, "/nonexistent/php-fpm") && fpm == NULL);
    options.size = 1;
    CHECK(towline_fpm_start(&options, &fpm, NULL, 0) == TOWLINE_ERR_INVALID);
    CHECK(towline_fpm_address(NULL)[0] == '\0' && towline_fpm_pid(NULL) == 0);
    towline_fpm_stop(NULL);
}

int main(int argc, char **argv)
{
    arguments(argc, argv);
    requests();
    private_fpm();
    return 0;
}
