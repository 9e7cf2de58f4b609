/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - picketd's command line. */
#include "node/config.h"
#include "node/daemon.h"
#include "node/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_PRESET "/etc/picket/picket.conf"

static const char usage[] =
    "usage: picketd [--config FILE] [--SETTING=VALUE ...]\n"
    "       picketd --print-config   every setting, its meaning and its value\n"
    "       picketd --check-config   says whether the configuration is sound\n"
    "       picketd --remove         takes the programs off all devices (uninstall)\n"
    "       picketd --version\n"
    "\n"
    "The daemon filters packets, keeps the fleet's history and gossips with its neighbours. A box "
    "joins a fleet\n"
    "with `picket node join INVITE`. Without --config, " CONFIG_PRESET " is read if it exists.\n";

enum verb { RUN, PRINT, CHECK_ONLY, REMOVE, VERSION, HELP };

struct line {
    enum verb verb;
    const char *config_path;
    bool is_verbose;
};

/* The words that are no settings. */
static bool take_word(struct line *line, int argc, char **argv, int *at)
{
    const char *word = argv[*at];

    if (strcmp(word, "--config") == 0 && *at + 1 < argc)
        line->config_path = argv[++*at];
    else if (strncmp(word, "--config=", 9) == 0)
        line->config_path = word + 9;
    else if (strcmp(word, "--print-config") == 0)
        line->verb = PRINT;
    else if (strcmp(word, "--check-config") == 0)
        line->verb = CHECK_ONLY;
    else if (strcmp(word, "--remove") == 0)
        line->verb = REMOVE;
    else if (strcmp(word, "--version") == 0)
        line->verb = VERSION;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        line->verb = HELP;
    else if (strcmp(word, "--verbose") == 0)
        line->is_verbose = true;
    else
        return false;
    return true;
}

static int take_setting(
    struct node_config *config, const char *word, struct problem *reterr_problem)
{
    char key[64];
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;

    if (strncmp(word, "--", 2) != 0 || len < 3 || len - 2 >= sizeof(key))
        return problem_say(reterr_problem, -EINVAL,
            "'%s' is no option; settings are given as --SETTING=VALUE, see picketd --help", word);
    memcpy(key, word + 2, len - 2);
    key[len - 2] = '\0';
    return config_set(config, key, equals + 1, reterr_problem);
}

static int configure(struct node_config *config, struct line *line, int argc, char **argv,
    struct problem *reterr_problem)
{
    bool is_word[256] = {false};
    FILE *preset;
    int r = 0;

    if (argc > 256)
        return problem_say(reterr_problem, -E2BIG, "too many options");
    for (int i = 1; i < argc; i++) {
        int first = i;

        is_word[first] = take_word(line, argc, argv, &i);
        is_word[i] = is_word[first];
    }
    preset = line->config_path ? NULL : fopen(CONFIG_PRESET, "re");
    if (preset) {
        (void)fclose(preset);
        line->config_path = CONFIG_PRESET;
    }
    if (line->config_path)
        r = config_read(config, line->config_path, reterr_problem);
    for (int i = 1; r == 0 && i < argc; i++)
        if (!is_word[i])
            r = take_setting(config, argv[i], reterr_problem);
    return r;
}

static int obey(struct node_config *config, const struct line *line, struct problem *reterr_problem)
{
    switch (line->verb) {
    case RUN:
        return daemon_run(config, reterr_problem);
    case REMOVE:
        return daemon_remove(config, reterr_problem);
    case PRINT:
        config_print(config, stdout);
        return 0;
    case VERSION:
        (void)puts("picketd " PICKET_VERSION);
        return 0;
    case HELP:
        (void)fputs(usage, stdout);
        return 0;
    case CHECK_ONLY:
        return 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct node_config config;
    struct problem problem = {0};
    struct line line = {.verb = RUN};
    int r = config_init(&config);

    if (r == 0)
        r = configure(&config, &line, argc, argv, &problem);
    if (line.is_verbose)
        log_set_level(LOG_DEBUG);
    if (r == 0)
        r = obey(&config, &line, &problem);
    if (r < 0)
        (void)fprintf(stderr, "picketd: %s\n", problem.text[0] ? problem.text : strerror(-r));
    config_fini(&config);
    return r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
}
