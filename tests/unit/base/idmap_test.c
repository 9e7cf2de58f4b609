/* SPDX-License-Identifier: Apache-2.0 */
/* The identifier map against a plain array that remembers the same. */
#include "base/idmap.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define IDS 300

struct id {
    uint8_t bytes[8];
};

/* Few different bytes, so that probe runs collide and wrap. */
static struct id id_of(uint32_t number)
{
    struct id id = {{0}};

    id.bytes[7] = (uint8_t)number;
    id.bytes[0] = (uint8_t)(number >> 8);
    return id;
}

static void an_empty_map_holds_nothing(void **state)
{
    struct id id = id_of(1);
    struct idmap map;

    (void)state;
    idmap_init(&map, sizeof(id.bytes), 1);
    assert_int_equal(idmap_find(&map, id.bytes), IDMAP_NONE);
    idmap_remove(&map, id.bytes);
    idmap_clear(&map);
    idmap_fini(&map);
}

static void a_second_put_replaces(void **state)
{
    struct id id = id_of(1);
    struct idmap map;

    (void)state;
    idmap_init(&map, sizeof(id.bytes), 1);
    assert_int_equal(idmap_put(&map, id.bytes, 5), 0);
    assert_int_equal(idmap_put(&map, id.bytes, 6), 0);
    assert_int_equal(idmap_find(&map, id.bytes), 6);
    assert_int_equal(map.count, 1);
    idmap_fini(&map);
}

static void a_cleared_map_is_empty_and_usable(void **state)
{
    struct id id = id_of(1);
    struct idmap map;

    (void)state;
    idmap_init(&map, sizeof(id.bytes), 1);
    assert_int_equal(idmap_put(&map, id.bytes, 0), 0);
    idmap_clear(&map);
    assert_int_equal(idmap_find(&map, id.bytes), IDMAP_NONE);
    assert_int_equal(idmap_put(&map, id.bytes, 2), 0);
    assert_int_equal(idmap_find(&map, id.bytes), 2);
    idmap_fini(&map);
}

static void the_whole_identifier_counts(void **state)
{
    uint8_t a[64];
    uint8_t b[64];
    struct idmap map;

    (void)state;
    memset(a, 1, sizeof(a));
    memset(b, 1, sizeof(b));
    b[63] = 2;
    idmap_init(&map, sizeof(a), 7);
    assert_int_equal(idmap_put(&map, a, 1), 0);
    assert_int_equal(idmap_put(&map, b, 2), 0);
    assert_int_equal(idmap_find(&map, a), 1);
    assert_int_equal(idmap_find(&map, b), 2);
    idmap_fini(&map);
}

static void check_all(const struct idmap *map, const uint32_t values[IDS])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < IDS; i++) {
        struct id id = id_of(i);

        assert_int_equal(idmap_find(map, id.bytes), values[i]);
        count += values[i] != IDMAP_NONE;
    }
    assert_int_equal(map->count, count);
}

static void puts_and_removals_in_any_order_agree_with_an_array(void **state)
{
    uint32_t values[IDS];
    struct prng prng;
    struct idmap map;

    (void)state;
    memset(values, 0xff, sizeof(values)); /* all IDMAP_NONE */
    prng_seed(&prng, 42);
    idmap_init(&map, 8, prng_next(&prng));
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t number = (uint32_t)prng_below(&prng, IDS);
        struct id id = id_of(number);

        if (prng_below(&prng, 2)) {
            assert_int_equal(idmap_put(&map, id.bytes, step), 0);
            values[number] = step;
        } else {
            idmap_remove(&map, id.bytes);
            values[number] = IDMAP_NONE;
        }
        if (step % 500 == 0)
            check_all(&map, values);
    }
    check_all(&map, values);
    idmap_fini(&map);
}

/* The reference of xoshiro256**, state 1 2 3 4. */
static void the_generator_is_the_published_one(void **state)
{
    struct prng prng = {{1, 2, 3, 4}};

    (void)state;
    assert_true(prng_next(&prng) == 11520);
    assert_true(prng_next(&prng) == 0);
    assert_true(prng_next(&prng) == 1509978240);
    assert_true(prng_next(&prng) == 1215971899390074240);
}

static void numbers_below_a_bound_are_below_it_and_reach_it(void **state)
{
    struct prng prng;
    unsigned seen = 0;

    (void)state;
    prng_seed(&prng, 1);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t number = prng_below(&prng, 5);

        assert_true(number < 5);
        seen |= 1U << number;
    }
    assert_int_equal(seen, 31);
    assert_true(prng_below(&prng, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_holds_nothing),
        cmocka_unit_test(a_second_put_replaces),
        cmocka_unit_test(a_cleared_map_is_empty_and_usable),
        cmocka_unit_test(the_whole_identifier_counts),
        cmocka_unit_test(puts_and_removals_in_any_order_agree_with_an_array),
        cmocka_unit_test(the_generator_is_the_published_one),
        cmocka_unit_test(numbers_below_a_bound_are_below_it_and_reach_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
