/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/pins.h"
#include "tests/netns/links/ns.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *bpffs;

static void pin_a_map(const char *path)
{
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pinned", 4, 4, 1, NULL);

    assert_true(fd >= 0);
    assert_int_equal(bpf_obj_pin(fd, path), 0);
    (void)close(fd);
}

static void a_folder_that_is_no_bpffs_is_refused_with_the_remedy(void **state)
{
    struct pins pins;
    struct problem problem;

    (void)state;
    assert_int_equal(pins_open("/tmp", 1, &pins, &problem), -EMEDIUMTYPE);
    assert_non_null(strstr(problem.text, "mount -t bpf bpf /tmp"));
    assert_int_equal(pins_open("/tmp/there-is-no-such-folder", 1, &pins, &problem), -ENOENT);
}

static void another_layout_is_left_alone(void **state)
{
    struct pins old;
    struct pins new;
    char path[PIN_PATH_BYTES];

    (void)state;
    assert_int_equal(pins_open(bpffs, 1, &old, NULL), 0);
    assert_int_equal(pins_open(bpffs, 2, &new, NULL), 0);
    pins_path(&old, "kept", path);
    pin_a_map(path);
    assert_int_equal(pins_remove_all(&new), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(pins_remove_all(&old), 0);
    must("test ! -e %s/picket", bpffs);
}

static void collect(void *user, uint32_t number)
{
    *(uint32_t *)user = *(uint32_t *)user * 10 + number;
}

static void a_slot_goes_with_all_that_is_pinned_in_it(void **state)
{
    struct pins pins;
    char path[PIN_PATH_BYTES];
    uint32_t seen = 0;

    (void)state;
    assert_int_equal(pins_open(bpffs, 1, &pins, NULL), 0);
    assert_int_equal(pins_slot_make(&pins, 3), 0);
    assert_int_equal(pins_slot_make(&pins, 3), 0);
    pins_slot_path(&pins, 3, "leaves", path);
    pin_a_map(path);
    assert_int_equal(pins_each_slot(&pins, collect, &seen), 0);
    assert_int_equal(seen, 3);
    assert_int_equal(pins_slot_remove(&pins, 3), 0);
    assert_int_equal(pins_slot_remove(&pins, 3), 0);
    seen = 0;
    assert_int_equal(pins_each_slot(&pins, collect, &seen), 0);
    assert_int_equal(seen, 0);
    assert_int_equal(pins_remove_all(&pins), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_is_no_bpffs_is_refused_with_the_remedy),
        cmocka_unit_test(another_layout_is_left_alone),
        cmocka_unit_test(a_slot_goes_with_all_that_is_pinned_in_it),
    };

    ns_enter();
    bpffs = ns_bpffs();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ns_leave();
    return failed;
}
