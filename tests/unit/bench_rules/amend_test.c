/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that follow a few changes decide as tables made anew. */
#include "bpf/fw_abi.h"
#include "node/compile/amend.h"
#include "node/compile/host.h"
#include "node/compile/indexes.h"
#include "tests/bench/packet/rules/draw.h"
#include "tests/bench/packet/rules/frame.h"
#include "tests/bench/packet/rules/generate.h"
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
#define RULES 2200
#define HEADERS 600
#define ROUNDS 24

static const struct compile_device device = {
    .index = DEVICE, .name = "eth0", .link_type = 1, .device_class = FW_CLASS_EXTERNAL};
static const struct compile_lifeline lifeline;
static struct problem problem;

static void hash(struct bytes message, uint8_t ret_hash[HASH_BYTES])
{
    (void)message;
    memset(ret_hash, 0, HASH_BYTES);
}

/* Objects of which some are not there (yet, or any more). */
struct set {
    struct messages *messages;
    struct compile_indexes *indexes;
    struct compile_input input;
    struct bench_headers headers;
    bool *is_here;
    struct ledger_object *here;
    struct prng draw;
    uint32_t amended, refused;
};

static void set_open(struct set *set, const char *name, uint8_t family)
{
    struct generate generate = {.name = name, .family = family, .count = RULES, .seed = 9};
    struct bench_rules rules;

    *set = (struct set){0};
    if (generate_rules(&generate, &rules, &problem) < 0)
        fail_msg("%s", problem.text);
    assert_int_equal(trace_rules(&rules, HEADERS, 1, &set->headers), 0);
    assert_int_equal(frame_stand_in_rules(&rules), 0);
    for (uint32_t i = 0; i < set->headers.count; i++) {
        set->headers.headers[i].device_class = bench_device_classes[0];
        frame_stand_in_header(&set->headers.headers[i]);
    }
    if (messages_new(&rules, &set->messages, &problem) < 0)
        fail_msg("%s", problem.text);
    assert_int_equal(compile_indexes_new(&set->indexes), 0);
    set->input = (struct compile_input){.time_s = 1000000,
        .devices = &device,
        .devices_count = 1,
        .lifeline = &lifeline,
        .indexes = set->indexes,
        .chunk = messages_chunk,
        .hash = hash,
        .user = set->messages};
    set->is_here = calloc(set->messages->objects_count, sizeof(*set->is_here));
    set->here = calloc(set->messages->objects_count, sizeof(*set->here));
    assert_true(set->is_here && set->here);
    for (uint32_t i = 0; i < set->messages->objects_count; i++)
        set->is_here[i] = i % 50 != 0; /* the rest comes later */
    prng_seed(&set->draw, 77);
    bench_rules_fini(&rules);
}

static void set_close(struct set *set)
{
    bench_headers_fini(&set->headers);
    messages_free(set->messages);
    compile_indexes_free(set->indexes);
    free(set->is_here);
    free(set->here);
}

static struct compile_tables *whole(struct set *set)
{
    struct compile_tables *tables;
    uint32_t count = 0;

    for (uint32_t i = 0; i < set->messages->objects_count; i++)
        if (set->is_here[i])
            set->here[count++] = set->messages->objects[i];
    if (compile_objects(&set->input, set->here, count, &tables, &problem) < 0 ||
        compile_build(tables, &problem) < 0)
        fail_msg("%s", problem.text);
    return tables;
}

static void ask(const struct compile_tables *tables, const struct bench_header *header,
    struct host_answer *ret_answer)
{
    struct host_packet frame = {.kind = FW_KIND_XDP, .ifindex = DEVICE, .now_ns = 1000};
    struct packet packet = {0};
    struct host *host;

    frame_of_header(header, &packet);
    frame.frame = bytes_of(packet.bytes, packet.len);
    assert_int_equal(host_new(tables, &host), 0);
    host_decide(host, &frame, ret_answer);
    host_free(host);
}

static void compare(struct set *set, const struct compile_tables *amended)
{
    struct compile_tables *anew = whole(set);

    assert_int_equal(amended->objects_count, anew->objects_count);
    assert_int_equal(amended->rules_effective, anew->rules_effective);
    for (uint32_t i = 0; i < anew->objects_count; i++) {
        assert_memory_equal(amended->objects[i].id, anew->objects[i].id, OP_REF_BYTES);
        assert_int_equal(amended->objects[i].status, anew->objects[i].status);
        assert_int_equal(amended->objects[i].counter, anew->objects[i].counter);
    }
    for (uint32_t i = 0; i < set->headers.count; i++) {
        struct host_answer got, wanted;

        ask(amended, &set->headers.headers[i], &got);
        ask(anew, &set->headers.headers[i], &wanted);
        if (got.counter != wanted.counter || got.drops != wanted.drops)
            fail_msg("header %u: counter %u decides, not %u", i, got.counter, wanted.counter);
    }
    compile_tables_free(anew);
}

static void note(struct amendment *amendment, const struct ledger_object *object)
{
    for (uint32_t i = 0; i < amendment->ids_count; i++)
        if (memcmp(amendment->ids[i], object->id, OP_REF_BYTES) == 0)
            return;
    memcpy(amendment->ids[amendment->ids_count++], object->id, OP_REF_BYTES);
}

/* It comes, goes, or becomes another rule. */
static void change_one(struct set *set, struct amendment *amendment)
{
    uint32_t which = draw_below(&set->draw, set->messages->objects_count);
    uint32_t other = draw_below(&set->draw, set->messages->objects_count);
    struct ledger_object *object = &set->messages->objects[which];

    if (!set->is_here[which] || draw_below(&set->draw, 2) == 0)
        set->is_here[which] = !set->is_here[which];
    else
        object->of.rule = set->messages->objects[other].of.rule;
    note(amendment, object);
}

static void list_objects(const struct set *set, struct amendment *amendment)
{
    amendment->objects_count = 0;
    for (uint32_t i = 0; i < set->messages->objects_count; i++) {
        const struct ledger_object *object = &set->messages->objects[i];
        bool is_listed = false;

        for (uint32_t j = 0; j < amendment->ids_count; j++)
            is_listed |= memcmp(amendment->ids[j], object->id, OP_REF_BYTES) == 0;
        if (is_listed && set->is_here[i])
            amendment->objects[amendment->objects_count++] = *object;
    }
}

static void follow_changes(const char *name, uint8_t family)
{
    struct amendment *amendment = calloc(1, sizeof(*amendment));
    struct compile_tables *tables;
    struct set set;

    assert_non_null(amendment);
    set_open(&set, name, family);
    tables = whole(&set);
    assert_true(amend_is_possible(tables));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        int r;

        for (uint32_t i = draw_below(&set.draw, 3); i < 3; i++)
            change_one(&set, amendment);
        list_objects(&set, amendment);
        r = amend(tables, &set.input, amendment);
        if (r == 0) {
            set.amended++;
            compare(&set, tables);
        } else { /* as it is done where this happens: all anew */
            assert_int_equal(r, -ENOTSUP);
            set.refused++;
            compile_tables_free(tables);
            tables = whole(&set);
        }
        if (r < 0 || amendment->ids_count > AMEND_OBJECTS_MAX - 4)
            amendment->ids_count = 0;
        if (r == 0 && amendment->ids_count == 0) {
            compile_tables_free(tables);
            tables = whole(&set);
        }
    }
    print_message("%s, family %u: %u of %u changes followed\n", name, family, set.amended, ROUNDS);
    assert_true(set.amended >= ROUNDS / 4);
    compile_tables_free(tables);
    set_close(&set);
    free(amendment);
}

static void amended_tables_decide_as_tables_made_anew(void **state)
{
    static const char *const names[] = {"acl", "fw", "ipc"};

    (void)state;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        follow_changes(names[i], FW_IPV4);
        follow_changes(names[i], FW_IPV6);
    }
}

static void small_tables_are_made_anew(void **state)
{
    struct compile_tables *tables;
    struct amendment *amendment = calloc(1, sizeof(*amendment));
    struct set set;

    (void)state;
    assert_non_null(amendment);
    set_open(&set, "acl", FW_IPV4);
    memset(set.is_here + 10, 0, set.messages->objects_count - 10);
    tables = whole(&set);
    assert_false(amend_is_possible(tables));
    assert_int_equal(amend(tables, &set.input, amendment), -ENOTSUP);
    compile_tables_free(tables);
    set_close(&set);
    free(amendment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amended_tables_decide_as_tables_made_anew),
        cmocka_unit_test(small_tables_are_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
