/* What the plugin's double asks: one of these, as the configuration names it. */
#include <stdbool.h>

#include <mosquitto_plugin.h>

enum answer { DENIED, GRANTED, FAILED };

struct backend {
    const char *name;
    /* Takes the configuration, and returns whether it is complete. */
    bool (*init)(const struct mosquitto_opt *options, int count);
    enum answer (*user)(const char *username, const char *password, const char *client);
    enum answer (*superuser)(const char *username);
    enum answer (*acl)(const char *username, const char *topic, const char *client, int access);
};

extern const struct backend postgres;
