/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way in user space: rule messages, compiler, frames, packet path; beside a linear scan.
 */
#include "bpf/fw_abi.h"
#include "node/compile/compile.h"
#include "node/compile/host.h"
#include "node/compile/indexes.h"
#include "tests/bench/packet/rules/frame.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/linear.h"
#include "tests/bench/packet/rules/message.h"
#include "tests/bench/packet/rules/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEVICE 1
#define RULES 1000

static const struct compile_device device = {
    .index = DEVICE, .name = "eth0", .link_type = 1, .device_class = FW_CLASS_EXTERNAL};
static const struct compile_host own[] = {{.address = {192, 0, 2, 1}, .flags = FW_HOST_OWN},
    {.address = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .is_v6 = true, .flags = FW_HOST_OWN}};
static const struct compile_lifeline lifeline = {.hosts = own, .hosts_count = 2};
static struct problem problem;

/* Good enough to tell two texts apart. */
static void hash(struct bytes message, uint8_t ret_hash[HASH_BYTES])
{
    uint64_t value = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < message.len; i++)
        value = (value ^ message.at[i]) * 0x100000001b3ULL;
    memset(ret_hash, 0, HASH_BYTES);
    put_be64(ret_hash, value);
}

/* A rule set on its way through the compiler. */
struct way {
    struct messages *messages;
    struct compile_indexes *indexes;
    struct compile_tables *tables;
    struct host *host;
};

static void way_open(struct way *way, const struct bench_rules *rules)
{
    struct compile_input input = {.time_s = 1000000,
        .devices = &device,
        .devices_count = 1,
        .lifeline = &lifeline,
        .chunk = messages_chunk,
        .hash = hash};

    memset(way, 0, sizeof(*way));
    if (messages_new(rules, &way->messages, &problem) < 0)
        fail_msg("%s", problem.text);
    assert_int_equal(compile_indexes_new(&way->indexes), 0);
    input.indexes = way->indexes;
    input.user = way->messages;
    if (compile_objects(&input, way->messages->objects, way->messages->objects_count, &way->tables,
            &problem) < 0 ||
        compile_build(way->tables, &problem) < 0)
        fail_msg("%s", problem.text);
    assert_int_equal(host_new(way->tables, &way->host), 0);
}

static void way_close(struct way *way)
{
    host_free(way->host);
    compile_tables_free(way->tables);
    compile_indexes_free(way->indexes);
    messages_free(way->messages);
}

static uint32_t way_rule_of(const struct way *way, uint32_t counter)
{
    for (uint32_t i = 0; i < way->tables->objects_count; i++) {
        const struct compile_object *object = &way->tables->objects[i];

        if (object->is_counted && object->counter == counter)
            return messages_rule_of(way->messages, object->id);
    }
    return BENCH_NO_RULE;
}

static uint32_t way_decide(const struct way *way, const struct bench_header *header)
{
    struct packet packet = {0};
    struct host_answer answer;
    struct host_packet frame = {.kind = FW_KIND_XDP, .ifindex = DEVICE, .now_ns = 1000};

    frame_of_header(header, &packet);
    frame.frame = bytes_of(packet.bytes, packet.len);
    host_decide(way->host, &frame, &answer);
    assert_true(answer.reason == FW_REASON_DROP_RULE || answer.reason == FW_REASON_PASS_RULE ||
                answer.reason == FW_REASON_PASS_DEFAULT);
    return answer.counter == FW_COUNTER_NONE ? BENCH_NO_RULE : way_rule_of(way, answer.counter);
}

/* The one device of this box; a later fragment has the verdict of its first, not of the rules. */
static bool can_come_in(struct bench_header *header)
{
    header->device = 0;
    header->device_class = bench_device_classes[0];
    return header->fragment != FW_FRAGMENT_LATER;
}

static void make(const char *name, uint8_t family, struct bench_rules *ret_rules)
{
    struct generate generate = {.name = name, .family = family, .count = RULES, .seed = 5};

    if (generate_rules(&generate, ret_rules, &problem) < 0)
        fail_msg("%s", problem.text);
}

static void compare(const char *name, uint8_t family)
{
    struct bench_headers headers = {0};
    struct bench_rules rules;
    struct linear *linear;
    struct way way;

    make(name, family, &rules);
    assert_int_equal(trace_rules(&rules, 1000, 1, &headers), 0);
    assert_int_equal(trace_flood(&rules, 500, 2, &headers), 0);
    assert_int_equal(trace_corners(&rules, 1000, 3, &headers), 0);
    assert_int_equal(linear_new(&rules, &linear), 0);
    if (!rules.is_full)
        assert_int_equal(frame_stand_in_rules(&rules), 0);
    way_open(&way, &rules);
    for (uint32_t i = 0; i < headers.count; i++) {
        struct bench_header *header = &headers.headers[i];
        uint32_t wanted, got;

        if (!can_come_in(header))
            continue;
        wanted = linear_decide(linear, header);
        if (!generate_is_full(name))
            frame_stand_in_header(header);
        got = way_decide(&way, header);
        if (got != wanted)
            fail_msg("%s, family %u, header %u: rule %d decides, not %d", name, family, i,
                (int)wanted, (int)got);
    }
    way_close(&way);
    linear_free(linear);
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
}

static void frames_meet_the_rule_that_a_linear_scan_finds(void **state)
{
    (void)state;
    for (uint32_t i = 0; generate_names[i]; i++) {
        if (strcmp(generate_names[i], "one-port") == 0 || strcmp(generate_names[i], "nested") == 0)
            continue; /* of a fixed size, large: the bench has them */
        compare(generate_names[i], FW_IPV4);
        compare(generate_names[i], FW_IPV6);
    }
}

static void what_no_message_can_say_is_refused(void **state)
{
    struct bench_rules rules = {0};
    struct bench_rule rule = bench_rule_any(FW_IPV4);
    struct messages *messages;

    (void)state;
    rule.protocol = 47;
    rule.protocol_mask = 0xff;
    rule.target_first = 80;
    assert_int_equal(bench_rules_append(&rules, &rule), 0);
    assert_int_equal(messages_new(&rules, &messages, &problem), -EINVAL);
    assert_string_equal(problem.text, "object 0: protocol 47 has no ports in a message");
    rules.rules[0].protocol = 1;
    assert_int_equal(messages_new(&rules, &messages, &problem), -EINVAL);
    assert_string_equal(problem.text, "object 0: a message has no ranges of ICMP types");
    bench_rules_fini(&rules);
}

static void a_protocol_without_ports_has_them_in_its_stead(void **state)
{
    struct bench_rules rules = {0};
    struct bench_rule rule = bench_rule_any(FW_IPV4);
    struct bench_header header = bench_header_plain(FW_IPV4);

    (void)state;
    rule.protocol = header.protocol = 47;
    rule.protocol_mask = 0xff;
    rule.target_first = header.target_port = 80;
    assert_int_equal(bench_rules_append(&rules, &rule), 0);
    assert_int_equal(frame_stand_in_rules(&rules), 0);
    frame_stand_in_header(&header);
    assert_int_equal(rules.rules[0].protocol, 17);
    assert_int_equal(rules.rules[0].vlan, FRAME_STAND_IN_VLAN + 47);
    assert_int_equal(header.protocol, 17);
    assert_int_equal(header.vlan, FRAME_STAND_IN_VLAN + 47);
    assert_int_equal(frame_stand_in_rules(&rules), -EINVAL);
    bench_rules_fini(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_meet_the_rule_that_a_linear_scan_finds),
        cmocka_unit_test(what_no_message_can_say_is_refused),
        cmocka_unit_test(a_protocol_without_ports_has_them_in_its_stead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
