/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
{
    struct node_config *config = malloc(sizeof(*config));

    *state = config;
    return config_init(config);
}

static int stop(void **state)
{
    config_fini(*state);
    free(*state);
    return 0;
}

static void a_number_outside_its_range_is_refused_with_the_range(void **state)
{
    struct node_config *config = *state;
    struct problem problem = {0};

    assert_int_equal(config_set(config, "keepalive_ms", "70000", &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "100 to 60000, not '70000'"));
    assert_int_equal(config->keepalive_ms, 1000);
}

static void an_unknown_setting_names_the_nearest_known_one(void **state)
{
    struct problem problem = {0};

    assert_int_equal(config_set(*state, "keepalive", "5", &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "did you mean 'keepalive_ms'?"));
}

static void a_list_keeps_every_value_in_order(void **state)
{
    struct node_config *config = *state;

    assert_int_equal(config_set(config, "peer", "a:1", NULL), 0);
    assert_int_equal(config_set(config, "peer", "b:2", NULL), 0);
    assert_int_equal(config->peer.count, 2);
    assert_string_equal(config->peer.items[1], "b:2");
}

static void a_bad_line_of_a_file_is_named_by_its_number(void **state)
{
    char path[] = "/tmp/picket-config-XXXXXX";
    static const char text[] = "# settings\nkeepalive_ms = 500\n\ndry_run = maybe # no\n";
    struct node_config *config = *state;
    struct problem problem = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == sizeof(text) - 1);
    (void)close(fd);
    assert_int_equal(config_read(config, path, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, ":4: dry_run takes yes or no, not 'maybe'"));
    assert_int_equal(config->keepalive_ms, 500);
    (void)unlink(path);
}

static void what_is_printed_can_be_read_again(void **state)
{
    char path[] = "/tmp/picket-config-XXXXXX";
    struct node_config *config = *state, again;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    assert_int_equal(config_set(config, "manage", "192.0.2.0/24 tcp 22", NULL), 0);
    assert_int_equal(config_set(config, "silence_ms", "900", NULL), 0);
    config_print(config, file);
    (void)fclose(file);
    assert_int_equal(config_init(&again), 0);
    assert_int_equal(config_read(&again, path, NULL), 0);
    assert_int_equal(again.silence_ms, 900);
    assert_string_equal(again.manage.items[0], "192.0.2.0/24 tcp 22");
    config_fini(&again);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_number_outside_its_range_is_refused_with_the_range, start, stop),
        cmocka_unit_test_setup_teardown(
            an_unknown_setting_names_the_nearest_known_one, start, stop),
        cmocka_unit_test_setup_teardown(a_list_keeps_every_value_in_order, start, stop),
        cmocka_unit_test_setup_teardown(a_bad_line_of_a_file_is_named_by_its_number, start, stop),
        cmocka_unit_test_setup_teardown(what_is_printed_can_be_read_again, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
