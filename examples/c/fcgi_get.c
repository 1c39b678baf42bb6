/* Runs one script through php-fpm and waits for its answer: fcgi_get ADDRESS SCRIPT */
#include <stdio.h>
#include <towline.h>
int main(int argc, char **argv)
{
    char error[256] = "";
    towline_fcgi_builder *request = NULL;
    towline_fcgi_response *response = NULL;
    if (argc != 3 || towline_fcgi_builder_new(argv[2], &request) != TOWLINE_OK)
        return fprintf(stderr, "usage: %s ADDRESS SCRIPT\n", argv[0]), 2;
    towline_status status = towline_fcgi_request(argv[1], request, 10000, &response, error, sizeof error);
    towline_fcgi_builder_free(request);
    if (status != TOWLINE_OK)
        return fprintf(stderr, "%s: %s\n", towline_status_text(status), error), 1;
    towline_bytes body = towline_fcgi_response_body(response);
    fwrite(body.data, 1, body.length, stdout);
    int failed = towline_fcgi_response_status(response) >= 400;
    towline_fcgi_response_free(response);
    return failed;
}
