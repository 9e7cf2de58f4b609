/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/seen.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int by_number(const void *item, const void *key)
{
    uint32_t a = *(const uint32_t *)item;
    uint32_t b = *(const uint32_t *)key;

    return (a > b) - (a < b);
}

static int put(struct seen *seen, uint32_t number, uint32_t round)
{
    size_t position;

    if (seen_find(seen, &number, &position)) {
        seen->rounds[position] = round;
        return 0;
    }
    return seen_insert(seen, position, &number, round);
}

static void items_stand_in_order(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen, sizeof(uint32_t), 1000, by_number);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(put(&seen, (i * 211) % 500, 1), 0);
    assert_int_equal(seen.count, 500);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(*(uint32_t *)seen_at(&seen, i), i);
    seen_fini(&seen);
}

static void what_a_round_did_not_see_is_stale(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen, sizeof(uint32_t), 1000, by_number);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(put(&seen, i, 1), 0);
    for (uint32_t i = 0; i < 10; i += 2)
        assert_int_equal(put(&seen, i, 2), 0);
    size_t gone = 0;

    for (size_t at = 0; (at = seen_stale(&seen, at, 2)) < seen.count; gone++) {
        assert_int_equal(*(uint32_t *)seen_at(&seen, at) % 2, 1);
        seen_remove(&seen, at);
    }
    assert_int_equal(gone, 5);
    assert_int_equal(seen.count, 5);
    seen_fini(&seen);
}

static void it_refuses_more_than_its_maximum(void **state)
{
    struct seen seen;

    (void)state;
    seen_init(&seen, sizeof(uint32_t), 2, by_number);
    assert_int_equal(put(&seen, 1, 1), 0);
    assert_int_equal(put(&seen, 2, 1), 0);
    assert_int_equal(put(&seen, 3, 1), -E2BIG);
    seen_fini(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stand_in_order),
        cmocka_unit_test(what_a_round_did_not_see_is_stale),
        cmocka_unit_test(it_refuses_more_than_its_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
