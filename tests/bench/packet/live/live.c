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
#include "store/keys/keys.h"
#include "tests/bench/packet/live/calls.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/message.h"
#include "tests/bench/packet/rules/prefixes.h"

#include "node/compile/compile.h"
#include "node/compile/indexes.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

struct live {
    struct bench_rules rules;
    struct bench_prefixes prefixes;
    struct bench_set set;
    bool is_shorter; /* the last item is left out */
    struct messages *messages;
    struct compile_indexes *indexes;
    struct compile_tables *tables;
    struct compile_device device;
    struct datapath *datapath;
    char bpffs[64];
};

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "picket-bench-live: %s: %s\n", what, why);
    return -1;
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void hash(struct bytes message, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_STATE, message, ret_hash);
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

static int read_prefixes(struct live *live, const char *path)
{
    struct bench_rule rule = bench_rule_any(FW_IPV4);
    struct problem problem = {0};

    if (prefixes_read(path, &live->prefixes, &problem) < 0)
        return complain(path, problem.text);
    live->set =
        (struct bench_set){.prefixes = live->prefixes.prefixes, .count = live->prefixes.count};
    rule.source_set = 0;
    rule.action = FW_DROP;
    return bench_rules_append(&live->rules, &rule);
}

/* Messages of what holds now; not timed: in the daemon they exist. */
static int make_messages(struct live *live)
{
    struct bench_rules view = live->rules;
    struct bench_set set = live->set;
    struct problem problem = {0};

    if (set.count) {
        set.count -= live->is_shorter;
        view.sets = &set;
        view.sets_count = 1;
    } else {
        view.count -= live->is_shorter;
    }
    messages_free(live->messages);
    live->messages = NULL;
    if (messages_new(&view, &live->messages, &problem) < 0)
        return complain("messages", problem.text);
    return 0;
}

static int compile(struct live *live, struct compile_tables **ret_tables)
{
    static const struct compile_lifeline lifeline;
    struct compile_input input = {.time_s = 1,
        .devices = &live->device,
        .devices_count = 1,
        .lifeline = &lifeline,
        .indexes = live->indexes,
        .chunk = messages_chunk,
        .hash = hash,
        .user = live->messages};
    struct problem problem = {0};

    if (compile_objects(&input, live->messages->objects, live->messages->objects_count, ret_tables,
            &problem) < 0)
        return complain("compile", problem.text);
    for (uint32_t i = 0; i < (*ret_tables)->objects_count; i++) {
        if ((*ret_tables)->objects[i].status != COMPILE_EFFECTIVE)
            return complain("a rule is not enforced", (*ret_tables)->objects[i].why);
    }
    if (compile_build(*ret_tables, &problem) < 0)
        return complain("compile", problem.text);
    return 0;
}

/* Compile, fill, flip; prints what each took. */
static int publish(struct live *live, const char *word)
{
    struct compile_tables *tables = NULL;
    double start, compiled, filled;
    const struct call *call;

    if (make_messages(live) < 0)
        return -1;
    start = now_ms();
    if (compile(live, &tables) < 0) {
        compile_tables_free(tables);
        return -1;
    }
    compiled = now_ms();
    call = call_fill(live->datapath, tables);
    filled = now_ms();
    if (call->code == 0)
        call = call_flip(live->datapath, call->slot);
    if (call->code < 0) {
        compile_tables_free(tables);
        return complain("the kernel", call->why);
    }
    printf("%s%.3f %.3f %.3f\n", word, compiled - start, filled - compiled, now_ms() - filled);
    compile_indexes_settle(live->indexes, tables);
    compile_tables_free(live->tables);
    live->tables = tables;
    return 0;
}

static int count(struct live *live)
{
    const struct call *call = call_counters(live->datapath);
    uint64_t all = 0;

    if (call->code < 0)
        return complain("counters", call->why);
    for (size_t i = 0; i < FW_REASON_COUNT; i++)
        all += call->reasons[i].packets;
    printf("%llu %llu\n", (unsigned long long)call->reasons[FW_REASON_DROP_RULE].packets,
        (unsigned long long)all);
    return 0;
}

/* A bpffs in a mount namespace of this program: nothing of it is left, however it ends. */
static int mount_bpffs(struct live *live)
{
    (void)snprintf(live->bpffs, sizeof(live->bpffs), "/tmp/picket-bench-XXXXXX");
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        !mkdtemp(live->bpffs))
        return complain("a mount namespace", strerror(errno));
    if (mount("bpf", live->bpffs, "bpf", 0, NULL) < 0)
        return complain("a bpffs", strerror(errno));
    return 0;
}

static int attach(struct live *live, const char *name)
{
    struct link_device device = {.index = if_nametoindex(name),
        .link_type = ARPHRD_ETHER,
        .is_up = true,
        .mtu = 1500,
        .kind = "veth"};
    struct datapath_options options = {.bpffs = live->bpffs, .tests_force_native = true};
    struct problem problem = {0};
    const struct call *call;

    (void)snprintf(device.name, sizeof(device.name), "%s", name);
    live->device = (struct compile_device){.index = device.index,
        .name = name,
        .link_type = ARPHRD_ETHER,
        .device_class = FW_CLASS_EXTERNAL,
        .is_xdp = true};
    if (datapath_open(&options, &live->datapath, &problem) < 0)
        return complain("the datapath", problem.text);
    call = call_attach(live->datapath, &device);
    if (call->code < 0 || call->mode != DEVICE_NATIVE)
        return complain("native XDP", call->why);
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

static void leave(struct live *live)
{
    if (live->datapath)
        (void)call_remove_all(live->datapath);
    datapath_close(live->datapath);
    messages_free(live->messages);
    compile_tables_free(live->tables);
    compile_indexes_free(live->indexes);
    bench_rules_fini(&live->rules);
    prefixes_fini(&live->prefixes);
    (void)umount2(live->bpffs, MNT_DETACH);
    (void)rmdir(live->bpffs);
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
    if (keys_start() < 0 || compile_indexes_new(&live.indexes) < 0)
        return 1;
    r = strcmp(argv[2], "rules") == 0 ? read_rules(&live, argv[3]) : read_prefixes(&live, argv[3]);
    if (r == 0)
        r = mount_bpffs(&live);
    if (r == 0)
        r = attach(&live, argv[1]);
    if (r == 0)
        r = publish(&live, "ready ");
    if (r == 0)
        r = serve(&live);
    leave(&live);
    return r < 0;
}
