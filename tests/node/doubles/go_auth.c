/* Contract double of the broker's authentication plugin, for tests only.
 *
 * The real plugin (mosquitto-go-auth) cannot be had without the internet. This one keeps its
 * contract as far as this project configures it: backend "http", parameters as JSON, the
 * answer's status decides, a superuser may do everything, and nobody may do anything while
 * the API does not answer: who asks then is cut off, and not told that it is forbidden.
 * Made with WITH_POSTGRES it has the backend "postgres" too, which is in a file of its own.
 * It remembers no answer; the real one does so for as long as it is configured to. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>

#include "go_auth.h"

struct settings {
    const char *host, *port, *user_uri, *superuser_uri, *acl_uri;
    int timeout;
};

static struct settings settings;

/* Writes text as the inside of a JSON string. */
static void escape(FILE *out, const char *text) {
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
        else if (c < 0x20) fprintf(out, "\\u%04x", c);
        else fputc(c, out);
    }
}

static int dial(void) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct timeval limit = {.tv_sec = settings.timeout};
    if (getaddrinfo(settings.host, settings.port, &hints, &found) != 0) return -1;
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* Asks the API, and returns what the status of its answer means. */
static enum answer answer_to(const char *uri, const char *body) {
    char head[512], answer[64];
    int status = 0, fd = dial();
    if (fd < 0) return FAILED;
    snprintf(head, sizeof head,
             "POST %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             uri, settings.host, strlen(body));
    if (send(fd, head, strlen(head), MSG_NOSIGNAL) > 0 && send(fd, body, strlen(body), MSG_NOSIGNAL) > 0) {
        ssize_t got = recv(fd, answer, sizeof answer - 1, MSG_WAITALL);
        answer[got > 0 ? got : 0] = '\0';
        sscanf(answer, "HTTP/%*s %d", &status);
    }
    close(fd);
    if (status == 0 || status >= 500) return FAILED;
    return status >= 200 && status < 300 ? GRANTED : DENIED;
}

static enum answer ask(const char *uri, const char *const fields[], int acc) {
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    if (!out) return FAILED;
    fputc('{', out);
    for (int i = 0; fields[i]; i += 2) {
        fprintf(out, "%s\"%s\":\"", i ? "," : "", fields[i]);
        escape(out, fields[i + 1]);
        fputc('"', out);
    }
    if (acc) fprintf(out, ",\"acc\":%d", acc);
    fputc('}', out);
    fclose(out);
    enum answer answer = answer_to(uri, body);
    free(body);
    return answer;
}

static bool init(const struct mosquitto_opt *options, int count) {
    settings.timeout = 5;
    for (int i = 0; i < count; i++) {
        const char *key = options[i].key, *value = options[i].value;
        if (!strcmp(key, "http_host")) settings.host = strdup(value);
        else if (!strcmp(key, "http_port")) settings.port = strdup(value);
        else if (!strcmp(key, "http_getuser_uri")) settings.user_uri = strdup(value);
        else if (!strcmp(key, "http_superuser_uri")) settings.superuser_uri = strdup(value);
        else if (!strcmp(key, "http_aclcheck_uri")) settings.acl_uri = strdup(value);
        else if (!strcmp(key, "http_timeout")) settings.timeout = atoi(value);
        else if (!strcmp(key, "http_params_mode") && strcmp(value, "json")) return false;
        else if (!strcmp(key, "http_response_mode") && strcmp(value, "status")) return false;
    }
    return settings.host && settings.port && settings.user_uri && settings.superuser_uri && settings.acl_uri;
}

static enum answer user(const char *username, const char *password, const char *client) {
    const char *const fields[] = {"username", username, "password", password, "clientid", client, NULL};
    return ask(settings.user_uri, fields, 0);
}

static enum answer superuser(const char *username) {
    const char *const fields[] = {"username", username, NULL};
    return ask(settings.superuser_uri, fields, 0);
}

static enum answer acl(const char *username, const char *topic, const char *client, int access) {
    const char *const fields[] = {"username", username, "topic", topic, "clientid", client, NULL};
    return ask(settings.acl_uri, fields, access);
}

static const struct backend http = {"http", init, user, superuser, acl};

static const struct backend *const backends[] = {
    &http,
#ifdef WITH_POSTGRES
    &postgres,
#endif
};

static const struct backend *asked;

int mosquitto_auth_plugin_version(void) { return 4; }

int mosquitto_auth_plugin_init(void **data, struct mosquitto_opt *options, int count) {
    *data = &settings;
    for (int i = 0; i < count; i++)
        for (size_t known = 0; known < sizeof backends / sizeof *backends; known++)
            if (!strcmp(options[i].key, "backends") && !strcmp(options[i].value, backends[known]->name))
                asked = backends[known];
    return asked && asked->init(options, count) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_INVAL;
}

int mosquitto_auth_plugin_cleanup(void *data, struct mosquitto_opt *options, int count) {
    (void)data, (void)options, (void)count;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_auth_security_init(void *data, struct mosquitto_opt *options, int count, bool reload) {
    (void)data, (void)options, (void)count, (void)reload;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_auth_security_cleanup(void *data, struct mosquitto_opt *options, int count, bool reload) {
    (void)data, (void)options, (void)count, (void)reload;
    return MOSQ_ERR_SUCCESS;
}

/* Returns what the broker is told. Of a failure it ends the connection. */
static int as_error(enum answer answer, int denied) {
    if (answer == FAILED) return MOSQ_ERR_UNKNOWN;
    return answer == GRANTED ? MOSQ_ERR_SUCCESS : denied;
}

int mosquitto_auth_unpwd_check(void *data, struct mosquitto *client, const char *username,
                               const char *password) {
    (void)data;
    if (!username || !password) return MOSQ_ERR_AUTH;
    return as_error(asked->user(username, password, mosquitto_client_id(client)), MOSQ_ERR_AUTH);
}

int mosquitto_auth_acl_check(void *data, int access, struct mosquitto *client,
                             const struct mosquitto_acl_msg *message) {
    (void)data;
    const char *username = mosquitto_client_username(client), *id = mosquitto_client_id(client);
    if (!username || !id || !message->topic) return MOSQ_ERR_ACL_DENIED;
    enum answer first = asked->superuser(username);
    if (first == GRANTED) return MOSQ_ERR_SUCCESS;
    enum answer then = asked->acl(username, message->topic, id, access);
    return as_error(then == DENIED && first == FAILED ? FAILED : then, MOSQ_ERR_ACL_DENIED);
}
