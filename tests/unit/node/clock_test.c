/* SPDX-License-Identifier: Apache-2.0 */
#include "node/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW 1800000000ULL
#define DAY 86400ULL

static void time_follows_the_machine(void **state)
{
    struct node_clock clock = {0};

    (void)state;
    assert_int_equal(clock_read(&clock, NOW), NOW);
    assert_int_equal(clock_read(&clock, NOW + 1), NOW + 1);
}

static void time_does_not_go_back_with_the_machine(void **state)
{
    struct node_clock clock = {0};

    (void)state;
    (void)clock_read(&clock, NOW);
    assert_int_equal(clock_read(&clock, NOW - 3600), NOW);
    assert_int_equal(clock_read(&clock, 0), NOW);
}

static void a_box_without_a_clock_begins_where_it_stopped(void **state)
{
    struct node_clock clock = {.newest_s = NOW, .kept_s = NOW};

    (void)state;
    assert_int_equal(clock_read(&clock, 5), NOW);
}

static void a_box_without_a_clock_takes_its_slowest_neighbours(void **state)
{
    struct node_clock clock = {.newest_s = NOW};
    const uint64_t neighbours[] = {NOW + 10 * DAY, 0, NOW + DAY};

    (void)state;
    clock_hear(&clock, 5, neighbours, 3);
    assert_int_equal(clock_read(&clock, 5), NOW + DAY);
}

static void a_sound_clock_does_not_listen_to_neighbours(void **state)
{
    struct node_clock clock = {.newest_s = NOW};
    const uint64_t neighbours[] = {NOW + DAY};

    (void)state;
    clock_hear(&clock, NOW + 1, neighbours, 1);
    assert_int_equal(clock_read(&clock, NOW + 1), NOW + 1);
}

static void a_wild_clock_is_not_written_down(void **state)
{
    struct node_clock clock = {.newest_s = NOW + 400 * DAY, .kept_s = NOW};
    const uint64_t neighbours[] = {NOW, NOW + 1};

    (void)state;
    assert_false(clock_is_worth_keeping(&clock, neighbours, 2));
    assert_true(clock_is_worth_keeping(&clock, neighbours, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_follows_the_machine),
        cmocka_unit_test(time_does_not_go_back_with_the_machine),
        cmocka_unit_test(a_box_without_a_clock_begins_where_it_stopped),
        cmocka_unit_test(a_box_without_a_clock_takes_its_slowest_neighbours),
        cmocka_unit_test(a_sound_clock_does_not_listen_to_neighbours),
        cmocka_unit_test(a_wild_clock_is_not_written_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
