/* SPDX-License-Identifier: Apache-2.0 */
/* plan_batches_test.c - the order and the size of the changesets a large plan becomes. */
#include "cli/plan_batches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS_MAX 600

struct made {
    struct plan plan;
    struct plan_step steps[STEPS_MAX];
    Picket__V1__Operation *operations[STEPS_MAX];
    Picket__V1__Operation operation[STEPS_MAX];
};

static struct made *make(void)
{
    struct made *made = calloc(1, sizeof(*made));

    assert_non_null(made);
    made->plan.steps = made->steps;
    made->plan.operations = made->operations;
    return made;
}

static void add(
    struct made *made, const char *verb, const char *kind, const char *name, uint32_t priority)
{
    uint32_t at = made->plan.count++;

    picket__v1__operation__init(&made->operation[at]);
    made->operations[at] = &made->operation[at];
    made->steps[at] = (struct plan_step){verb, kind, name, priority};
    made->plan.operations_count++;
}

/* The names in the plan's order are the letters of `expected`. */
static void expect_order(struct made *made, const char *expected)
{
    assert_int_equal(plan_order(&made->plan), 0);
    assert_int_equal(made->plan.count, strlen(expected));
    for (uint32_t i = 0; i < made->plan.count; i++)
        assert_int_equal(made->steps[i].name[0], expected[i]);
    free(made);
}

static void sets_come_first_and_what_goes_comes_last(void **state)
{
    struct made *made = make();

    (void)state;
    add(made, "add", "set", "a", 0);
    add(made, "change", "set", "b", 0);
    add(made, "delete", "set", "g", 0);
    add(made, "delete", "rule", "f", 5);
    add(made, "add", "default", "e", 0);
    add(made, "change", "rule", "d", 1);
    add(made, "add", "rule", "c", 9);
    expect_order(made, "abcdefg");
}

static void new_rules_come_as_they_decide_and_old_ones_go_from_the_end(void **state)
{
    struct made *made = make();

    (void)state;
    add(made, "delete", "rule", "e", 10);
    add(made, "delete", "rule", "d", 20);
    add(made, "add", "rule", "c", 30);
    add(made, "add", "rule", "a", 10);
    add(made, "add", "rule", "b", 20);
    expect_order(made, "abcde");
}

static void rules_that_move_down_are_changed_from_the_end(void **state)
{
    struct made *made = make();

    (void)state;
    add(made, "change", "rule", "c", 10);
    add(made, "change", "rule", "b", 20);
    add(made, "add", "rule", "a", 30);
    expect_order(made, "abc");
}

static void rules_that_move_up_are_changed_from_the_beginning(void **state)
{
    struct made *made = make();

    (void)state;
    add(made, "change", "rule", "b", 20);
    add(made, "change", "rule", "a", 10);
    add(made, "delete", "rule", "c", 30);
    expect_order(made, "abc");
}

static void two_hundred_and_fifty_six_changes_are_one_changeset(void **state)
{
    struct made *made = make();

    (void)state;
    for (uint32_t i = 0; i < 256; i++)
        add(made, "add", "rule", "r", i);
    assert_int_equal(plan_batches_count(&made->plan), 1);
    add(made, "add", "rule", "r", 256);
    assert_int_equal(plan_batches_count(&made->plan), 2);
    free(made);
}

static void a_changeset_ends_before_its_bytes_are_too_many(void **state)
{
    static uint8_t body[20 * 1024];
    struct made *made = make();

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        add(made, "add", "rule", "r", i);
        made->operation[i].body = (ProtobufCBinaryData){.data = body, .len = sizeof(body)};
    }
    assert_int_equal(plan_batch_end(&made->plan, 0, 5), 2);
    assert_int_equal(plan_batches_count(&made->plan), 3);
    free(made);
}

static void an_operation_too_large_for_its_share_goes_alone(void **state)
{
    static uint8_t body[61 * 1024];
    struct made *made = make();

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        add(made, "add", "rule", "r", i);
        made->operation[i].body = (ProtobufCBinaryData){.data = body, .len = sizeof(body)};
    }
    assert_int_equal(plan_batch_end(&made->plan, 0, 2), 1);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_come_first_and_what_goes_comes_last),
        cmocka_unit_test(new_rules_come_as_they_decide_and_old_ones_go_from_the_end),
        cmocka_unit_test(rules_that_move_down_are_changed_from_the_end),
        cmocka_unit_test(rules_that_move_up_are_changed_from_the_beginning),
        cmocka_unit_test(two_hundred_and_fifty_six_changes_are_one_changeset),
        cmocka_unit_test(a_changeset_ends_before_its_bytes_are_too_many),
        cmocka_unit_test(an_operation_too_large_for_its_share_goes_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
