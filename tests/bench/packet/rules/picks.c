/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/picks.h"

#include <string.h>

static uint64_t globs_of(uint8_t device)
{
    uint64_t globs = 0;

    for (uint32_t i = 0; i < BENCH_DEVICES; i++)
        globs |= (uint64_t)(bench_glob_devices[i] >> device & 1) << i;
    return globs;
}

void pick_of_header(const struct bench_header *header, struct pick *ret_pick)
{
    bool is_later = header->fragment == FW_FRAGMENT_LATER;

    memset(ret_pick, 0, sizeof(*ret_pick));
    memcpy(ret_pick->source, header->source, sizeof(header->source));
    memcpy(ret_pick->target, header->target, sizeof(header->target));
    ret_pick->word = (uint64_t)header->protocol << FW_WORD_PROTOCOL |
                     (uint64_t)header->tcp_flags << FW_WORD_TCP_FLAGS |
                     (uint64_t)header->dscp << FW_WORD_DSCP |
                     (uint64_t)header->fragment << FW_WORD_FRAGMENT |
                     (uint64_t)header->is_to_self << FW_WORD_SELF |
                     (uint64_t)header->device_class << FW_WORD_CLASS |
                     (uint64_t)!is_later << FW_WORD_L4 | (uint64_t)header->vlan << FW_WORD_VLAN;
    ret_pick->globs = globs_of(header->device);
    ret_pick->source_port = header->source_port;
    ret_pick->target_port = header->target_port;
    ret_pick->family = header->family;
    ret_pick->protocol = header->protocol;
    ret_pick->fragment = header->fragment;
    ret_pick->class = header->device_class;
}
