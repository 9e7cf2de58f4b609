/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_test.c - the file of `picket apply -f`: what it means, and what is said about what is wrong
 * in it. */
#include "cli/text/yaml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int find_fleet_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    if (strcmp(name, "fleet-set") != 0)
        return problem_say(reterr_problem, -ENOENT, "no set is named '%s'", name);
    memset(ret_id, 7, OP_REF_BYTES);
    return 0;
}

static int parse(const char *text, struct desired **desired, struct problem *problem)
{
    const struct desired_options options = {.set_find = find_fleet_set, .now_s = 1000};

    return desired_parse("rules.yaml", bytes_of(text, strlen(text)), &options, desired, problem);
}

static struct desired *sound(const char *text)
{
    struct desired *desired = NULL;
    struct problem problem = {0};

    if (parse(text, &desired, &problem) < 0)
        fail_msg("%s", problem.text);
    return desired;
}

static void assert_rule(const struct desired *desired, uint32_t index, const char *expected)
{
    struct buffer text = {0};

    assert_int_equal(rule_print(desired->rules[index].rule, NULL, NULL, &text), 0);
    assert_int_equal(buffer_append(&text, "", 1), 0);
    assert_string_equal((char *)text.at, expected);
    buffer_fini(&text);
}

static const char whole[] =
    "owner: web\n"
    "rules:\n"
    "  - drop in from @bad name no-bad\n"
    "  - name: ssh\n"
    "    action: allow\n"
    "    direction: in\n"
    "    protocol: [tcp]\n"
    "    from: [198.51.100.0/24, '2001:db8::/32']\n"
    "    to: self\n"
    "    port: [22, 8000-8080]\n"
    "    scope: {site: [paris, berlin], role: web}\n"
    "    comment: 'say \"no\" in out'\n"
    "  - {name: cap, action: limit, limit: 100/s burst 20 per source /24, priority: 5, not-from: "
    "'@fleet-set'}\n"
    "sets:\n"
    "  - name: other\n"
    "  - name: bad\n"
    "    kind: ban\n"
    "    elements:\n"
    "      - 192.0.2.0/24\n"
    "      - {prefix: 10.0.0.1, until: 2030-01-01}\n"
    "defaults:\n"
    "  - {direction: in, class: external, action: drop}\n"
    "  - {direction: in, class: external, action: allow, scope: site=lab}\n";

static void a_whole_file_is_read(void **state)
{
    struct desired *desired = sound(whole);
    (void)state;

    assert_string_equal(desired->owner, "web");
    assert_int_equal(desired->rules_count, 3);
    assert_rule(desired, 0, "drop in from @#1 priority 1000 name no-bad owner web");
    assert_rule(desired, 1,
        "allow in tcp from 198.51.100.0/24,2001:db8::/32 to self port 22,8000-8080 priority 1010 "
        "name ssh scope "
        "role=web;site=berlin,paris owner web comment \"say \\\"no\\\" in out\"");
    assert_rule(desired, 2,
        "limit 100/s burst 20 per source /24,/64 from not "
        "@070707070707070707070707070707070707070707070707070707070707070707070707 priority 5 name "
        "cap owner web");
    assert_int_equal(desired->sets_count, 2);
    assert_int_equal(desired->sets[1].set->kind, PICKET__V1__SET_KIND__SET_KIND_BAN);
    assert_int_equal(desired->sets[1].elements_count, 2);
    assert_int_equal(desired->sets[1].elements[0].expiry, 1893456000);
    assert_int_equal(desired->defaults_count, 2);
    assert_int_equal(desired->rules[1].line, 4);
    desired_free(desired);
}

static void sets_are_bound_to_what_the_changeset_calls_them(void **state)
{
    struct desired *desired = sound(whole);
    const struct bytes references[] = {bytes_of("aaaa", 4), bytes_of("\0\0\0\11", 4)};
    (void)state;

    assert_int_equal(desired_bind_sets(desired, references), 0);
    assert_rule(desired, 0, "drop in from @#9 priority 1000 name no-bad owner web");
    desired_free(desired);
}

static void an_empty_list_of_rules_is_a_file_too(void **state)
{
    struct desired *desired = sound("owner: web\nrules:\n");
    (void)state;

    assert_int_equal(desired->rules_count, 0);
    desired_free(desired);
}

/* A file, and a piece of the sentence about it. */
static const char *const errors[][2] = {
    {"", "rules.yaml:1: the file is empty"},
    {"rules: []", "rules.yaml:1: the file needs an owner"},
    {"owner: a\nruels: []", "rules.yaml:2: unknown key 'ruels'; did you mean 'rules'?"},
    {"owner: a\nowner: b", "rules.yaml:2: 'owner' stands twice"},
    {"owner: a\nrules:\n  - drop form 10.0.0.1 name x",
        "rules.yaml:3: unknown word 'form'; did you mean 'from'?"},
    {"owner: a\nrules:\n  - drop", "rules.yaml:3: a rule needs a name"},
    {"owner: a\nrules:\n  - drop name x\n  - allow name x",
        "rules.yaml:4: a second rule named 'x'; the first is in line 3"},
    {"owner: a\nrules:\n  - drop name x priority 7\n  - allow name y priority 7",
        "rules.yaml:4: 'y' has priority 7, as 'x' in line 3"},
    {"owner: a\nrules:\n  - drop name x\n  - allow name y priority 1000", "has priority 1000"},
    {"owner: a\nrules:\n  - name: x\n    action: drop\n    protocol: tcp\n    port: ssh",
        "rules.yaml:6: 'ssh' is not a port"},
    {"owner: a\nrules:\n  - name: x\n    action: drop\n    port: 22",
        "rules.yaml:3: ports need a protocol"},
    {"owner: a\nrules:\n  - name: x\n    action: drop\n    from: any port 22",
        "rules.yaml:5: 'any port 22' is not a value of 'from'"},
    {"owner: a\nrules:\n  - name: x\n    acton: drop",
        "rules.yaml:4: unknown key 'acton'; did you mean 'action'?"},
    {"owner: a\nrules:\n  - name: x\n    action: limit\n    limit: 5/s in", "is not a limit"},
    {"owner: a\nrules:\n  - name: x\n    action: drop\n    from: @bad", "rules.yaml:5: not YAML"},
    {"owner: a\nrules:\n  - drop name x from @nobody", "rules.yaml:3: no set is named 'nobody'"},
    {"owner: a\nrules:\n  - drop name x from @#0", "it does not count them"},
    {"owner: a\nrules:\n  - drop name x owner b", "'b' is not the file's"},
    {"owner: a\nsets:\n  - kind: ban", "rules.yaml:3: a set needs a name"},
    {"owner: a\nsets:\n  - name: x\n    kind: bann", "rules.yaml:4: 'bann' is not a kind of set"},
    {"owner: a\nsets:\n  - name: x\n    elements: [10.0.0.1/8]", "did you mean 10.0.0.0/8?"},
    {"owner: a\nsets:\n  - name: x\n    file: /nowhere/at/all",
        "rules.yaml:4: cannot open '/nowhere/at/all'"},
    {"owner: a\nsets: [{name: x}, {name: x}]", "a second set named 'x'"},
    {"owner: a\ndefaults: [{direction: in}]", "a default needs"},
    {"owner: a\ndefaults: [{direction: in, action: reject}]", "a default is allow or drop"},
    {"owner: a\ndefaults:\n  - {direction: in, action: drop}\n  - {direction: in, action: allow}",
        "the same default is in line 3"},
    {"owner: a\n---\nowner: b", "rules.yaml:3: a second document"},
    {"- a", "the file must be a mapping"},
    {"owner: [", "not YAML"},
};

static void an_error_has_its_line_and_quotes_the_input(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct desired *desired = NULL;
        struct problem problem = {0};

        if (parse(errors[i][0], &desired, &problem) >= 0)
            fail_msg("read: %s", errors[i][0]);
        if (!strstr(problem.text, errors[i][1]))
            fail_msg("'%s' instead of '%s'", problem.text, errors[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_is_read),
        cmocka_unit_test(sets_are_bound_to_what_the_changeset_calls_them),
        cmocka_unit_test(an_empty_list_of_rules_is_a_file_too),
        cmocka_unit_test(an_error_has_its_line_and_quotes_the_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
