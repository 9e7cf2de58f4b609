/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/tables.h"
#include "node/compile/host_env.h"
#include "tests/bench/packet/rules/leaf.h"
#include "tests/bench/packet/rules/picks.h"

#include "bpf/fw_decide.h"

#include <stdlib.h>
#include <string.h>

int bench_tables_init(struct bench_tables *tables, const struct bench_rules *rules, uint8_t family)
{
    struct compile_leaves *leaves = tables->tables.leaves[family];
    int r = 0;

    memset(tables, 0, sizeof(*tables));
    tables->family = family;
    tables->device =
        (struct compile_device_row){.index = PICK_DEVICE, .device.flags = FW_DEVICE_KNOWN};
    tables->tables.devices = &tables->device;
    tables->tables.devices_count = 1;
    tables->tables.counters_count = rules->count;
    tables->tables.gen.abi = FW_ABI_VERSION;
    for (uint32_t forest = 0; r == 0 && forest < FW_FOREST_COUNT; forest++)
        r = leaves_of_rules(
            rules, family, (uint8_t)forest, &leaves[forest].items, &leaves[forest].count);
    return r;
}

void bench_tables_fini(struct bench_tables *tables)
{
    for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++)
        free(tables->tables.leaves[tables->family][forest].items);
    compile_blobs_drop(&tables->tables);
}

uint32_t bench_tables_decide(const struct bench_tables *tables, const struct bench_header *header)
{
    const struct fw_gen *gen = &tables->tables.gen;
    struct fw_env env = {.tables = &tables->tables};
    enum fw_reason reason = FW_REASON_NONE;
    struct fw_key key;
    struct pick pick;

    pick_of_header(header, &pick);
    fw_key_open(&key, PICK_DEVICE, &tables->device.device, 1);
    memcpy(key.source, pick.source, sizeof(key.source));
    memcpy(key.target, pick.target, sizeof(key.target));
    key.word = pick.word;
    key.globs = pick.globs;
    key.source_port = pick.source_port;
    key.target_port = pick.target_port;
    while (reason == FW_REASON_NONE)
        reason = tables->family == FW_IPV4 ? fw_decide(&env, gen, &key, FW_IPV4)
                                           : fw_decide(&env, gen, &key, FW_IPV6);
    return FW_ID_ORDER(key.best) == FW_ORDER_NONE ? BENCH_NO_RULE : FW_ID_COUNTER(key.best);
}
