/* SPDX-License-Identifier: Apache-2.0 */
/* options_test.c - a command line, taken apart. */
#include "cli/cli.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PARSE(given, problem, ...)                                         \
    options_parse((int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), \
        (char *[]){__VA_ARGS__}, (given), (problem))

static struct words_given given;

static void words_and_options_may_come_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE(&given, NULL, "rule", "--node", "a:1", "add", "--node=b:2", "drop", "--json"), 0);
    assert_int_equal(given.count, 3);
    assert_string_equal(given.words[2], "drop");
    assert_int_equal(given.values_count[OPT_NODE], 2);
    assert_string_equal(given.values[OPT_NODE][1], "b:2");
    assert_true(option_is_given(&given, OPT_JSON));
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(PARSE(&given, NULL, "rule", "--", "--json"), 0);
    assert_int_equal(given.count, 2);
    assert_false(option_is_given(&given, OPT_JSON));
}

static void an_unknown_option_names_the_nearest(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_true(PARSE(&given, &problem, "status", "--sokcet", "x") < 0);
    assert_non_null(strstr(problem.text, "\"--sokcet\""));
    assert_non_null(strstr(problem.text, "--socket"));
}

static void an_option_without_its_value_says_what_it_is(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_true(PARSE(&given, &problem, "status", "--node") < 0);
    assert_non_null(strstr(problem.text, "HOST:PORT"));
}

static void one_value_may_not_stand_twice(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_true(PARSE(&given, &problem, "--fleet", "a", "--fleet", "b") < 0);
    assert_non_null(strstr(problem.text, "twice"));
}

static void a_command_refuses_options_it_has_not(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(PARSE(&given, NULL, "status", "--dry-run"), 0);
    assert_true(options_check(&given, OPT(JSON), "status", &problem) < 0);
    assert_non_null(strstr(problem.text, "--dry-run"));
}

static void durations_have_units(void **state)
{
    uint64_t seconds = 0;
    struct problem problem = {0};

    (void)state;
    assert_int_equal(duration_parse("7d", &seconds, NULL), 0);
    assert_int_equal(seconds, 7 * 86400);
    assert_true(duration_parse("7", &seconds, &problem) < 0);
    assert_non_null(strstr(problem.text, "\"7\""));
    assert_true(duration_parse("0s", &seconds, NULL) < 0);
}

static void bands_and_budgets_are_read(void **state)
{
    uint32_t min = 0;
    uint32_t max = 0;
    uint64_t three[3];

    (void)state;
    assert_int_equal(band_parse("100-199", &min, &max, NULL), 0);
    assert_int_equal(min, 100);
    assert_int_equal(max, 199);
    assert_true(band_parse("199-100", &min, &max, NULL) < 0);
    assert_true(band_parse("0-65536", &min, &max, NULL) < 0);
    assert_int_equal(budget_parse("1,2,3", three, NULL), 0);
    assert_int_equal(three[2], 3);
    assert_true(budget_parse("1,2", three, NULL) < 0);
}

static void waiting_knows_three_words(void **state)
{
    struct wait_wish wish;

    (void)state;
    assert_int_equal(wait_parse("nodes=3", &wish, NULL), 0);
    assert_int_equal(wish.kind, WAIT_NODES);
    assert_int_equal(wish.nodes, 3);
    assert_int_equal(wait_parse("enforced", &wish, NULL), 0);
    assert_int_equal(wish.kind, WAIT_ENFORCED);
    assert_true(wait_parse("all", &wish, NULL) < 0);
    assert_true(wait_parse("nodes=0", &wish, NULL) < 0);
}

/* ---- the whole command */

static int run(char *const *words, int count, char *ret_err, size_t size)
{
    FILE *out = fopen("/dev/null", "w");
    FILE *err = fmemopen(ret_err, size, "w");
    int code = cli_main(count, words, out, err);

    (void)fclose(out);
    (void)fclose(err);
    return code;
}

static void an_unknown_command_names_the_nearest(void **state)
{
    char err[512] = "";

    (void)state;
    assert_int_equal(run((char *[]){"rule", "lst"}, 2, err, sizeof(err)), EXIT_USAGE);
    assert_non_null(strstr(err, "\"rule lst\""));
    assert_non_null(strstr(err, "picket rule list"));
}

static void a_missing_word_shows_the_form(void **state)
{
    char err[512] = "";

    (void)state;
    assert_int_equal(run((char *[]){"set", "import", "bad"}, 3, err, sizeof(err)), EXIT_USAGE);
    assert_non_null(strstr(err, "picket set import NAME FILE"));
}

static void a_rule_that_cannot_be_read_is_the_words_fault(void **state)
{
    char err[512] = "";

    (void)state;
    assert_int_equal(
        run((char *[]){"rule", "add", "drop frm 192.0.2.1"}, 3, err, sizeof(err)), EXIT_USAGE);
    assert_non_null(strstr(err, "frm"));
}

static void a_daemon_that_is_not_there_is_unreachable(void **state)
{
    char err[512] = "";

    (void)state;
    assert_int_equal(
        run((char *[]){"status", "--socket", "/nonexistent/picketd.sock"}, 3, err, sizeof(err)),
        EXIT_UNREACHABLE);
    assert_non_null(strstr(err, "/nonexistent/picketd.sock"));
}

static void every_command_has_help(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < commands_count; i++) {
        assert_non_null(commands[i].run);
        assert_true(strlen(commands[i].help) > 10);
        assert_true(commands[i].words_min <= commands[i].words_max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_options_may_come_in_any_order),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(an_unknown_option_names_the_nearest),
        cmocka_unit_test(an_option_without_its_value_says_what_it_is),
        cmocka_unit_test(one_value_may_not_stand_twice),
        cmocka_unit_test(a_command_refuses_options_it_has_not),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(bands_and_budgets_are_read),
        cmocka_unit_test(waiting_knows_three_words),
        cmocka_unit_test(an_unknown_command_names_the_nearest),
        cmocka_unit_test(a_missing_word_shows_the_form),
        cmocka_unit_test(a_rule_that_cannot_be_read_is_the_words_fault),
        cmocka_unit_test(a_daemon_that_is_not_there_is_unreachable),
        cmocka_unit_test(every_command_has_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
