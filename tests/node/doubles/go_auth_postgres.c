/* The double's backend "postgres": the three configured queries, a role's password, hashes of bcrypt.
 *
 * As the real one does, it waits for the database at its start, and takes a topic with wildcards for
 * covered by the same topic only. A lost connection fails the question, and the next one makes it anew. */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>

#include "go_auth.h"

enum { HOST, PORT, NAME, USER, PASSWORD, SSL, LOGIN, USER_QUERY = LOGIN, SUPER_QUERY, ACL_QUERY, KNOWN };

static const char *const keys[KNOWN] = {"pg_host",     "pg_port",    "pg_dbname",     "pg_user",    "pg_password",
                                        "pg_sslmode", "pg_userquery", "pg_superquery", "pg_aclquery"};
static const char *const words[LOGIN + 1] = {"host", "port", "dbname", "user", "password", "sslmode", NULL};
static const char *values[KNOWN];
static PGconn *connection;

static bool connected(void) {
    const char *login[LOGIN + 1] = {NULL};
    if (connection && PQstatus(connection) == CONNECTION_OK) return true;
    PQfinish(connection);
    memcpy(login, values, LOGIN * sizeof *login);
    connection = PQconnectdbParams(words, login, 0);
    return PQstatus(connection) == CONNECTION_OK;
}

static bool init(const struct mosquitto_opt *options, int count) {
    for (int i = 0; i < count; i++) {
        if (!strcmp(options[i].key, "hasher") && strcmp(options[i].value, "bcrypt")) return false;
        for (int known = 0; known < KNOWN; known++)
            if (!strcmp(options[i].key, keys[known])) values[known] = strdup(options[i].value);
    }
    for (int known = 0; known < KNOWN; known++)
        if (!values[known]) return false;
    while (!connected()) {
        fprintf(stderr, "the database is waited for: %s", PQerrorMessage(connection));
        sleep(2);
    }
    return true;
}

/* Returns the rows of a query, or NULL if there was no answer. */
static PGresult *rows(int query, int count, const char *const given[]) {
    if (!connected()) return NULL;
    PGresult *found = PQexecParams(connection, values[query], count, NULL, given, NULL, NULL, 0);
    if (PQresultStatus(found) == PGRES_TUPLES_OK) return found;
    fprintf(stderr, "the database did not answer: %s", PQerrorMessage(connection));
    PQclear(found);
    return NULL;
}

static enum answer user(const char *username, const char *password, const char *client) {
    (void)client;
    PGresult *found = rows(USER_QUERY, 1, &username);
    if (!found) return FAILED;
    enum answer answer = DENIED;
    if (PQntuples(found) == 1) {
        const char *hash = PQgetvalue(found, 0, 0), *made = crypt(password, hash);
        if (made && !strncmp(hash, "$2", 2) && !strcmp(made, hash)) answer = GRANTED;
    }
    PQclear(found);
    return answer;
}

static enum answer superuser(const char *username) {
    PGresult *found = rows(SUPER_QUERY, 1, &username);
    if (!found) return FAILED;
    enum answer answer = atoi(PQgetvalue(found, 0, 0)) > 0 ? GRANTED : DENIED;
    PQclear(found);
    return answer;
}

static bool covers(const char *pattern, const char *topic) {
    bool matches = false;
    return !strcmp(pattern, topic) ||
           (mosquitto_topic_matches_sub(pattern, topic, &matches) == MOSQ_ERR_SUCCESS && matches);
}

static enum answer acl(const char *username, const char *topic, const char *client, int access) {
    char number[12];
    (void)client;
    snprintf(number, sizeof number, "%d", access);
    PGresult *found = rows(ACL_QUERY, 2, (const char *const[]){username, number});
    if (!found) return FAILED;
    enum answer answer = DENIED;
    for (int row = 0; row < PQntuples(found); row++)
        if (covers(PQgetvalue(found, row, 0), topic)) answer = GRANTED;
    PQclear(found);
    return answer;
}

const struct backend postgres = {"postgres", init, user, superuser, acl};
