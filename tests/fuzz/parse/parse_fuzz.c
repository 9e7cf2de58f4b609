/* SPDX-License-Identifier: Apache-2.0 */
/* parse_fuzz.c - any bytes through the whole packet path. The first byte picks kind and device, the
 * second a tag outside the frame; the rest is the frame. */
#include "base/check.h"
#include "tests/bpf/cases.h"

#define BOXES 4 /* device flags 0 ... 3: raw IP, exempt */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static struct host *box(uint32_t index)
{
    static struct world worlds[BOXES];
    static struct host *hosts[BOXES];

    if (!hosts[index]) {
        CHECK(cases_world(&worlds[index]) == 0, "the world of the cases compiles");
        CHECK(cases_device(&worlds[index], (uint8_t)index) == 0, "the world of the cases compiles");
        CHECK(host_new(worlds[index].tables, &hosts[index]) == 0, "memory");
    }
    return hosts[index];
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct host_packet packet = {.ifindex = WORLD_DEVICE, .now_ns = 1000};
    struct host_answer answer;

    if (len < 2)
        return 0;
    packet.kind = input[0] & 4 ? FW_KIND_TC_IN : FW_KIND_XDP;
    packet.is_stripped = (input[0] & 8) != 0;
    packet.stripped_tag = input[1];
    packet.frame = bytes_of(input + 2, len - 2);
    host_decide(box(input[0] & 3), &packet, &answer);
    CHECK((uint32_t)answer.reason < FW_REASON_COUNT, "every frame has a reason");
    return 0;
}
