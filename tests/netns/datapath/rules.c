/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/datapath/rules.h"
#include <arpa/inet.h>
#include <string.h>

static void any_port(struct fw_rule *rule)
{
    rule->source_port_span = 0xffff;
    rule->target_port_span = 0xffff;
}

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
    any_port(&ret_small->rule);
    ret_small->rule.action = FW_DROP;
    ret_small->rule.counter = counter;
    (void)inet_pton(AF_INET, source, ret_small->rule.source);
    memset(ret_small->rule.source_mask, 0xff, 4);
    tables->rules = &ret_small->rule;
    tables->rules_count = 1;
    tables->gen.roots[FW_IN][FW_IPV4] = (struct fw_root){.first = 0, .count = 1};
    ret_small->object = (struct compile_object){.is_counted = true, .counter = counter, .why = ""};
    tables->objects = &ret_small->object;
    tables->objects_count = 1;
    tables->counters_count = counter + 1;
}
