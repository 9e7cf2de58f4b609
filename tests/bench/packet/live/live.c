/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.c - picket-bench-live DEVICE rules|prefixes FILE: ours on a device, by the way the daemon
 * takes: messages, compiler, datapath; native XDP. Every rule drops; a list is a set that one rule
 * names. Until its input ends; then all of it is gone.
 *
 * Says "ready COMPILE FILL FLIP" (milliseconds). Lines of its input, each answered by one line:
 *   replace   all anew, with one item less or more than before: the same three times
 *   count     packets dropped by rules, and all that were decided
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/live/box.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/prefixes.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct live {
    struct box box;
    struct bench_rules rules;
    struct bench_prefixes prefixes;
    struct bench_set set;
    bool is_shorter; /* the last item is left out */
};

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "picket-bench-live: %s: %s\n", what, why);
    return -1;
}

static int read_rules(struct live *live, const char *path)
{
    struct problem problem = {0};

    if (classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &live->rules, &problem) < 0)
        return complain(path, problem.text);
    for (uint32_t i = 0; i < live->rules.count; i++)
        live->rules.rules[i].action = FW_DROP;
    bench_rules_number(&live->rules);
    return 0;
}

/* A list of one family. */
static int read_prefixes(struct live *live, const char *path)
{
    struct problem problem = {0};
    struct bench_rule rule;

    if (prefixes_read(path, &live->prefixes, &problem) < 0)
        return complain(path, problem.text);
    live->set =
        (struct bench_set){.prefixes = live->prefixes.prefixes, .count = live->prefixes.count};
    rule = bench_rule_any(live->prefixes.ipv4_count ? FW_IPV4 : FW_IPV6);
    rule.source_set = 0;
    rule.action = FW_DROP;
    return bench_rules_append(&live->rules, &rule);
}

/* All that holds now: compile, fill, flip; prints what each took. */
static int publish(struct live *live, const char *word)
{
    struct bench_rules view = live->rules;
    struct bench_set set = live->set;
    struct box_times times;

    if (set.count) {
        set.count -= live->is_shorter;
        view.sets = &set;
        view.sets_count = 1;
    } else {
        view.count -= live->is_shorter;
    }
    if (box_publish(&live->box, &view, &times) < 0)
        return -1;
    printf("%s%.3f %.3f %.3f\n", word, times.compile, times.fill, times.flip);
    return 0;
}

static int count(struct live *live)
{
    const struct datapath_count *reasons = box_reasons(&live->box);
    uint64_t all = 0;

    if (!reasons)
        return -1;
    for (size_t i = 0; i < FW_REASON_COUNT; i++)
        all += reasons[i].packets;
    printf("%llu %llu\n", (unsigned long long)reasons[FW_REASON_DROP_RULE].packets,
        (unsigned long long)all);
    return 0;
}

static int serve(struct live *live)
{
    char line[64];
    int r = 0;

    while (r == 0 && fgets(line, sizeof(line), stdin)) {
        if (strcmp(line, "replace\n") == 0) {
            live->is_shorter = !live->is_shorter;
            r = publish(live, "");
        } else {
            r = count(live);
        }
    }
    return r;
}

int main(int argc, char **argv)
{
    struct live live = {0};
    int r;

    if (argc != 4) {
        (void)fprintf(stderr, "usage: picket-bench-live DEVICE rules|prefixes FILE\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C ends the bench, which ends our input */
    r = strcmp(argv[2], "rules") == 0 ? read_rules(&live, argv[3]) : read_prefixes(&live, argv[3]);
    if (r == 0)
        r = box_open(&live.box);
    if (r == 0)
        r = box_attach(&live.box, argv[1]);
    if (r == 0)
        r = publish(&live, "ready ");
    if (r == 0)
        r = serve(&live);
    box_close(&live.box);
    bench_rules_fini(&live.rules);
    prefixes_fini(&live.prefixes);
    return r < 0;
}
