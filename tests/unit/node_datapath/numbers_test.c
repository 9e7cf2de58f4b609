/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/numbers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct numbers *numbers = malloc(sizeof(*numbers));

    *numbers = (struct numbers){.shards = 2};
    numbers->counts = calloc((FW_SHARDS_MAX + 1) * FW_NUMBERS, sizeof(*numbers->counts));
    *state = numbers;
    return numbers->counts ? 0 : -1;
}

static int tear_down(void **state)
{
    struct numbers *numbers = *state;

    free(numbers->counts);
    free(numbers);
    return 0;
}

static void a_device_keeps_its_number(void **state)
{
    uint32_t first = numbers_take(*state, 70, 0);

    assert_int_not_equal(first, 0);
    assert_int_not_equal(numbers_take(*state, 71, 0), first);
    assert_int_equal(numbers_take(*state, 70, 0), first);
    assert_int_equal(numbers_take(*state, 70, first), first);
}

static void another_ones_number_is_not_taken_for_its_own(void **state)
{
    uint32_t first = numbers_take(*state, 70, 0);

    assert_int_not_equal(numbers_take(*state, 71, first), first);
}

static void counts_of_all_shards_are_added(void **state)
{
    struct numbers *numbers = *state;
    uint32_t number = numbers_take(numbers, 70, 0);

    numbers->counts[number].packets[0] = 3;
    numbers->counts[FW_NUMBERS + number].packets[0] = 4;
    numbers->counts[FW_NUMBERS + number].bytes[1] = 60;
    assert_int_equal(numbers_count(numbers, number).packets[0], 7);
    assert_int_equal(numbers_count(numbers, number).bytes[1], 60);
}

static void a_number_used_again_begins_at_zero(void **state)
{
    struct numbers *numbers = *state;
    uint32_t number = numbers_take(numbers, 70, 0);

    numbers->counts[number].packets[1] = 3;
    numbers_drop(numbers, 70);
    assert_int_equal(numbers_find(numbers, 70), 0);
    assert_int_equal(numbers_take(numbers, 71, 0), number);
    assert_int_equal(numbers_count(numbers, number).packets[1], 0);
}

static void beyond_the_last_number_there_is_none(void **state)
{
    for (uint32_t i = 1; i < FW_NUMBERS; i++)
        assert_int_not_equal(numbers_take(*state, 1000 + i, 0), 0);
    assert_int_equal(numbers_take(*state, 999, 0), 0);
}

static bool is_even(uint32_t ifindex)
{
    return ifindex % 2 == 0;
}

static void who_went_while_nobody_looked_loses_its_number(void **state)
{
    (void)numbers_take(*state, 70, 0);
    (void)numbers_take(*state, 71, 0);
    numbers_drop_absent(*state, is_even);
    assert_int_not_equal(numbers_find(*state, 70), 0);
    assert_int_equal(numbers_find(*state, 71), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_device_keeps_its_number),
        TEST(another_ones_number_is_not_taken_for_its_own),
        TEST(counts_of_all_shards_are_added),
        TEST(a_number_used_again_begins_at_zero),
        TEST(beyond_the_last_number_there_is_none),
        TEST(who_went_while_nobody_looked_loses_its_number),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
