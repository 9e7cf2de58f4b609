/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/live/box.h"
#include "bpf/fw_abi.h"
#include "node/compile/amend.h"
#include "node/compile/indexes.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

static int complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
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

/* In place of the system's, which only this program loses sight of. */
static int mount_bpffs(struct box *box)
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return complain("a mount namespace", strerror(errno));
    if (mount("bpf", BOX_BPFFS, "bpf", 0, NULL) < 0)
        return complain("a bpffs at " BOX_BPFFS, strerror(errno));
    box->has_bpffs = true;
    return 0;
}

int box_open(struct box *box)
{
    struct datapath_options options = {.bpffs = BOX_BPFFS, .tests_force_native = true};
    struct problem problem = {0};

    *box = (struct box){
        .device = {.link_type = ARPHRD_ETHER, .device_class = FW_CLASS_EXTERNAL, .is_xdp = true}};
    if (keys_start() < 0 || compile_indexes_new(&box->indexes) < 0)
        return complain("keys", "they cannot be used");
    if (mount_bpffs(box) < 0)
        return -1;
    if (datapath_open(&options, &box->datapath, &problem) < 0)
        return complain("the datapath", problem.text);
    return 0;
}

int box_attach(struct box *box, const char *name)
{
    struct link_device device = {.index = if_nametoindex(name),
        .link_type = ARPHRD_ETHER,
        .is_up = true,
        .mtu = 1500,
        .kind = "veth"};
    const struct call *call;

    (void)snprintf(device.name, sizeof(device.name), "%s", name);
    box->device.index = device.index;
    box->device.name = name;
    box->devices_count = 1;
    call = call_attach(box->datapath, &device);
    if (call->code < 0 || call->mode != DEVICE_NATIVE)
        return complain("native XDP", call->why);
    return 0;
}

static int make_messages(struct box *box, const struct bench_rules *rules)
{
    struct problem problem = {0};

    messages_free(box->messages);
    box->messages = NULL;
    if (messages_new(rules, &box->messages, &problem) < 0)
        return complain("messages", problem.text);
    return 0;
}

static int all_enforced(const struct compile_tables *tables)
{
    for (uint32_t i = 0; i < tables->objects_count; i++) {
        if (tables->objects[i].status != COMPILE_EFFECTIVE)
            return complain("a rule is not enforced", tables->objects[i].why);
    }
    return 0;
}

static struct compile_input input_of(struct box *box)
{
    static const struct compile_lifeline lifeline;

    return (struct compile_input){.time_s = 1,
        .devices = &box->device,
        .devices_count = box->devices_count,
        .lifeline = &lifeline,
        .indexes = box->indexes,
        .chunk = messages_chunk,
        .hash = hash,
        .user = box->messages};
}

/* The tables in force are replaced once packets see the new ones. */
static int compile(struct box *box, struct compile_tables **ret_tables)
{
    struct compile_input input = input_of(box);
    struct problem problem = {0};
    int r = compile_objects(
        &input, box->messages->objects, box->messages->objects_count, ret_tables, &problem);

    if (r == 0)
        r = compile_build(*ret_tables, &problem);
    return r < 0 ? complain("compile", problem.text) : 0;
}

/* Are the tables in force those of all objects now? */
static bool amend_added(struct box *box, uint32_t first)
{
    struct compile_input input = input_of(box);
    struct amendment amendment = {0};

    if (!box->tables || !amend_is_possible(box->tables) ||
        box->messages->objects_count - first > AMEND_OBJECTS_MAX)
        return false;
    for (uint32_t i = first; i < box->messages->objects_count; i++) {
        amendment.objects[amendment.objects_count++] = box->messages->objects[i];
        memcpy(amendment.ids[amendment.ids_count++], box->messages->objects[i].id, OP_REF_BYTES);
    }
    return amend(box->tables, &input, &amendment) == 0;
}

static int put(struct box *box, const struct compile_tables *tables, struct box_times *ret_times)
{
    double start = now_ms();
    const struct call *call = call_fill(box->datapath, tables);

    ret_times->fill = now_ms() - start;
    start = now_ms();
    if (call->code == 0)
        call = call_flip(box->datapath, call->slot);
    if (call->code < 0)
        return complain("the kernel", call->why);
    ret_times->flip = now_ms() - start;
    compile_indexes_settle(box->indexes, tables);
    return 0;
}

static int publish_whole(struct box *box, struct box_times *ret_times)
{
    struct compile_tables *tables = NULL;
    double start = now_ms();
    int r = compile(box, &tables);

    ret_times->compile = now_ms() - start;
    if (r == 0)
        r = all_enforced(tables);
    if (r == 0)
        r = put(box, tables, ret_times);
    if (r < 0) {
        compile_tables_free(tables);
        return r;
    }
    compile_tables_free(box->tables);
    box->tables = tables;
    return 0;
}

int box_publish(struct box *box, const struct bench_rules *rules, struct box_times *ret_times)
{
    *ret_times = (struct box_times){0};
    return make_messages(box, rules) < 0 ? -1 : publish_whole(box, ret_times);
}

int box_publish_added(
    struct box *box, const struct bench_rules *rules, uint32_t first, struct box_times *ret_times)
{
    double start;

    *ret_times = (struct box_times){0};
    if (make_messages(box, rules) < 0)
        return -1;
    start = now_ms();
    ret_times->is_amended = amend_added(box, first);
    ret_times->compile = now_ms() - start;
    return ret_times->is_amended ? put(box, box->tables, ret_times) : publish_whole(box, ret_times);
}

const struct datapath_count *box_reasons(struct box *box)
{
    const struct call *call = call_counters(box->datapath);

    if (call->code < 0)
        (void)complain("counters", call->why);
    return call->code < 0 ? NULL : call->reasons;
}

void box_close(struct box *box)
{
    if (box->datapath)
        (void)call_remove_all(box->datapath);
    datapath_close(box->datapath);
    messages_free(box->messages);
    compile_tables_free(box->tables);
    compile_indexes_free(box->indexes);
    if (box->has_bpffs)
        (void)umount2(BOX_BPFFS, MNT_DETACH);
}
