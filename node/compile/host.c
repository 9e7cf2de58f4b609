/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/host.h"
#include "base/check.h"
#include "node/compile/host_env.h"

#include "bpf/fw_decide.h"

#include <errno.h>
#include <stdlib.h>

struct host {
    const struct compile_tables *tables;
    struct host_memory memory;
};

int host_new(const struct compile_tables *tables, struct host **ret_host)
{
    struct host *host = calloc(1, sizeof(*host));

    if (!host)
        return -ENOMEM;
    host->tables = tables;
    host->memory.rules = calloc(tables->counters_count + 1U, sizeof(*host->memory.rules));
    if (!host->memory.rules) {
        free(host);
        return -ENOMEM;
    }
    *ret_host = host;
    return 0;
}

void host_free(struct host *host)
{
    if (!host)
        return;
    free(host->memory.rules);
    free(host);
}

static const struct fw_device *find_device(const struct compile_tables *tables, uint32_t ifindex)
{
    for (uint32_t i = 0; i < tables->devices_count; i++)
        if (tables->devices[i].index == ifindex)
            return &tables->devices[i].device;
    return NULL;
}

static struct fw_env open_env(const struct host_packet *packet)
{
    return (struct fw_env){
        .frame = packet->frame.at,
        .frame_bytes = (uint32_t)packet->frame.len,
        .kind = packet->kind,
        .now_ns = packet->now_ns,
        .stripped_tag = packet->stripped_tag,
        .is_stripped = packet->is_stripped,
        .kernel_type = packet->kernel_type,
    };
}

void host_decide(
    struct host *host, const struct host_packet *packet, struct host_answer *ret_answer)
{
    const struct fw_gen *gen = &host->tables->gen;
    const struct fw_device *device = find_device(host->tables, packet->ifindex);
    struct fw_env env = open_env(packet);
    struct fw_key key;
    enum fw_reason reason;

    env.tables = host->tables;
    env.memory = &host->memory;
    fw_key_open(&key, packet->ifindex, device, 1);
    key.wire_packets = 1;
    key.frame_bytes = (uint32_t)packet->frame.len;
    reason = fw_begin(&env, gen, device, &key);
    while (reason == FW_REASON_NONE)
        reason = key.family == FW_IPV4 ? fw_decide(&env, gen, &key, FW_IPV4)
                                       : fw_decide(&env, gen, &key, FW_IPV6);
    ret_answer->drops = fw_finish(&env, gen, &key, reason);
    ret_answer->reason = reason;
    ret_answer->counter = FW_ID_COUNTER(key.best);
}

uint64_t host_reason_packets(const struct host *host, enum fw_reason reason)
{
    CHECK((uint32_t)reason < FW_REASON_COUNT, "it is one of the enum");
    return host->memory.reasons[reason];
}

uint64_t host_rule_packets(const struct host *host, uint32_t counter)
{
    CHECK(counter < host->tables->counters_count, "it is a counter of these tables");
    return host->memory.rules[counter];
}

const struct fw_event *host_event(const struct host *host, uint32_t *ret_count)
{
    *ret_count = host->memory.events;
    return host->memory.events ? &host->memory.event : NULL;
}
