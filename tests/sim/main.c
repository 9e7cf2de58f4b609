/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - picket-sim: the protocol under faults, seed by seed. */
#include "tests/sim/world.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *text;
} faults[] = {
#define SIM_FAULT_ROW(name, word, text) {word, text},
    SIM_FAULTS(SIM_FAULT_ROW)
#undef SIM_FAULT_ROW
};

static void usage(FILE *to)
{
    (void)fputs("usage: picket-sim [--nodes N] [--seeds A..B] [--fault LIST] [--replay SEED]\n"
                "\n"
                "  --nodes N      2 to 32 nodes (5)\n"
                "  --seeds A..B   one world per seed (1..200)\n"
                "  --fault LIST   words with commas between them; all, none; default all:\n",
        to);
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++)
        (void)fprintf(to, "                 %-10s %s\n", faults[i].word, faults[i].text);
    (void)fputs("  --replay SEED  one world, every step printed\n", to);
}

/* One word; false if it is none of the list. */
static bool parse_fault(const char *word, size_t len, uint32_t *mask)
{
    if (len == 3 && strncmp(word, "all", 3) == 0)
        *mask = SIM_FAULTS_ALL;
    else if (len == 4 && strncmp(word, "none", 4) == 0)
        *mask = 0;
    else {
        for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++) {
            if (strlen(faults[i].word) == len && strncmp(faults[i].word, word, len) == 0) {
                *mask |= 1U << i;
                return true;
            }
        }
        return false;
    }
    return true;
}

static int parse_faults(const char *list, uint32_t *ret_mask)
{
    uint32_t mask = 0;

    for (const char *at = list;;) {
        size_t len = strcspn(at, ",");

        if (!parse_fault(at, len, &mask)) {
            (void)fprintf(stderr, "picket-sim: '%.*s' is no fault; see --help\n", (int)len, at);
            return -1;
        }
        if (!at[len])
            break;
        at += len + 1;
    }
    *ret_mask = mask;
    return 0;
}

static bool parse_number(
    const char *text, const char *end_with, uint64_t *ret_number, const char **ret_rest)
{
    char *end;

    *ret_number = strtoull(text, &end, 10);
    *ret_rest = end;
    return end != text && strncmp(end, end_with, strlen(end_with)) == 0;
}

struct run {
    struct sim_options options;
    uint64_t first, last;
};

static int parse(int argc, char **argv, struct run *run)
{
    static const struct option table[] = {
        {"nodes", required_argument, NULL, 'n'},
        {"seeds", required_argument, NULL, 's'},
        {"fault", required_argument, NULL, 'f'},
        {"replay", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *rest = "";
    uint64_t number = 0;
    bool is_good = true;
    int letter;

    while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1 && is_good) {
        if (letter == 'n') {
            is_good = parse_number(optarg, "", &number, &rest) && !*rest && number >= 2 &&
                      number <= SIM_NODES_MAX;
            run->options.nodes = (uint32_t)number;
        } else if (letter == 's') {
            is_good = parse_number(optarg, "..", &run->first, &rest) &&
                      parse_number(rest + 2, "", &run->last, &rest) && !*rest;
        } else if (letter == 'f') {
            is_good = parse_faults(optarg, &run->options.faults) == 0;
        } else if (letter == 'r') {
            is_good = parse_number(optarg, "", &run->first, &rest) && !*rest;
            run->last = run->first;
            run->options.is_loud = true;
        } else if (letter == 'h') {
            usage(stdout);
            exit(0);
        } else {
            is_good = false;
        }
    }
    if (!is_good || optind < argc)
        usage(stderr);
    return is_good && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct run run = {.first = 1, .last = 200, .options = {.nodes = 5, .faults = SIM_FAULTS_ALL}};
    uint64_t steps = 0, answered = 0, crashes = 0;

    if (parse(argc, argv, &run) < 0)
        return 2;
    if (keys_start() < 0)
        return 1;
    for (uint64_t seed = run.first; seed <= run.last; seed++) {
        struct sim_world *world;
        bool is_good;

        run.options.seed = seed;
        world = sim_new(&run.options);
        is_good = sim_run(world);
        if (!is_good)
            sim_print_failure(world);
        steps += world->steps;
        answered += world->answered;
        crashes += world->crashes;
        sim_free(world);
        if (!is_good)
            return 1;
    }
    (void)printf(
        "%llu seeds, %u nodes: %llu steps, %llu answers, %llu crashes, all invariants held\n",
        (unsigned long long)(run.last - run.first + 1), run.options.nodes,
        (unsigned long long)steps, (unsigned long long)answered, (unsigned long long)crashes);
    return 0;
}
