/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/datapath/rules.h"
#include <arpa/inet.h>
#include <string.h>

void small_tables(struct small_tables *ret_small, const char *source, uint32_t counter)
{
    struct compile_tables *tables = &ret_small->tables;

    memset(ret_small, 0, sizeof(*ret_small));
    tables->gen.abi = FW_ABI_VERSION;
    tables->classes = &ret_small->class_none;
    tables->classes_count = 1;
    memset(tables->policy.defaults, FW_ALLOW, sizeof(tables->policy.defaults));
    if (!source)
        return;
    struct in_addr address;

    (void)inet_pton(AF_INET, source, &address);
    ret_small->rule = (struct fw_rule4){.pair = (uint64_t)ntohl(address.s_addr) << 32,
        .pair_mask = 0xffffffff00000000ULL,
        .ports = FW_PORTS_ANY,
        .id = FW_ID(counter, 0, 0, FW_DROP, 0)};
    tables->blobs[FW_BLOB_FOREST4] =
        (struct blob){.words = (uint64_t *)&ret_small->rule, .count = sizeof(struct fw_rule4) / 8};
    tables->gen.roots[FW_IN][FW_IPV4].forests[FW_ENFORCE] =
        (struct fw_forest){.trees = {1ULL << FW_NODE_SHIFT}, .count = 1}; /* a leaf of one rule */
    ret_small->object = (struct compile_object){.is_counted = true, .counter = counter, .why = ""};
    tables->objects = &ret_small->object;
    tables->objects_count = 1;
    tables->counters_count = counter + 1;
}
