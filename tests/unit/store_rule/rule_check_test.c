/* SPDX-License-Identifier: Apache-2.0 */
/* rule_check_test.c - what a rule's message may not be, whatever made it; scopes and their order.
 */
#include "store/ledger/rule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A rule to break: drop tcp from 10.0.0.0/8,192.0.2.0/24 port 1-2,4 vlan 5. */
static Picket__V1__Rule *sound_rule(void)
{
    Picket__V1__Rule *rule = NULL;

    assert_int_equal(rule_parse("drop tcp from 10.0.0.0/8,192.0.2.0/24 dport 1-2,4 vlan 5 name x",
                         NULL, NULL, &rule, NULL),
        0);
    return rule;
}

static void break_action(Picket__V1__Rule *rule)
{
    rule->action = PICKET__V1__ACTION__ACTION_NONE;
}
static void break_action_above(Picket__V1__Rule *rule)
{
    rule->action = (Picket__V1__Action)6;
}
static void break_limit(Picket__V1__Rule *rule)
{
    rule->action = PICKET__V1__ACTION__ACTION_LIMIT;
}
static void break_priority(Picket__V1__Rule *rule)
{
    rule->priority = 65536;
}
static void break_host_bits(Picket__V1__Rule *rule)
{
    rule->match->source->prefixes[0]->address.data[3] = 1;
}
static void break_prefix_length(Picket__V1__Rule *rule)
{
    rule->match->source->prefixes[0]->length = 33;
}
static void break_prefix_order(Picket__V1__Rule *rule)
{
    rule->match->source->prefixes[0]->address.data[0] = 192;
    rule->match->source->prefixes[0]->address.data[2] = 3;
    rule->match->source->prefixes[0]->length = 24;
}
static void break_set_and_prefixes(Picket__V1__Rule *rule)
{
    rule->match->source->set.data = bytes_copy("abcd", 4);
    rule->match->source->set.len = 4;
}
static void break_port_order(Picket__V1__Rule *rule)
{
    rule->match->destination_ports[0]->last = 4;
}
static void break_port_range(Picket__V1__Rule *rule)
{
    rule->match->destination_ports[1]->last = 65536;
}
static void break_number(Picket__V1__Rule *rule)
{
    rule->match->vlan->present = 0;
}
static void break_vlan(Picket__V1__Rule *rule)
{
    rule->match->vlan->value = 4095;
}
static void break_states(Picket__V1__Rule *rule)
{
    rule->match->states = 4;
}
static void break_target(Picket__V1__Rule *rule)
{
    rule->match->to = (Picket__V1__Target)3;
}
static void break_mode(Picket__V1__Rule *rule)
{
    rule->mode = (Picket__V1__Mode)2;
}
static void break_protocol(Picket__V1__Rule *rule)
{
    rule->match->protocols[0] = 47;
}
static void break_window(Picket__V1__Rule *rule)
{
    rule->valid_from = 10;
    rule->valid_until = 10;
}

static void a_broken_rule_is_refused(void **state)
{
    static void (*const breaks[])(Picket__V1__Rule *) = {break_action, break_action_above,
        break_limit, break_priority, break_host_bits, break_prefix_length, break_prefix_order,
        break_set_and_prefixes, break_port_order, break_port_range, break_number, break_vlan,
        break_states, break_target, break_mode, break_protocol, break_window};
    (void)state;

    for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
        Picket__V1__Rule *rule = sound_rule();
        struct problem problem = {0};

        assert_int_equal(rule_check(rule, &problem), 0);
        breaks[i](rule);
        if (rule_check(rule, &problem) != -EINVAL)
            fail_msg("broken rule %zu passes", i);
        assert_true(problem.text[0]);
        rule_free(rule);
    }
}

static void an_empty_match_is_refused(void **state)
{
    Picket__V1__Rule rule = PICKET__V1__RULE__INIT;
    Picket__V1__Match match = PICKET__V1__MATCH__INIT;
    (void)state;

    rule.action = PICKET__V1__ACTION__ACTION_DROP;
    assert_int_equal(rule_check(&rule, NULL), 0);
    rule.match = &match;
    assert_int_equal(rule_check(&rule, NULL), -EINVAL);
}

static void a_set_needs_a_name_and_a_known_kind(void **state)
{
    Picket__V1__Set set = PICKET__V1__SET__INIT;
    char name[] = "bad";
    (void)state;

    assert_int_equal(set_check(&set, NULL), -EINVAL);
    set.name = name;
    assert_int_equal(set_check(&set, NULL), 0);
    set.kind = (Picket__V1__SetKind)2;
    assert_int_equal(set_check(&set, NULL), -EINVAL);
}

static bool contains(const char *outer_text, const char *inner_text)
{
    Picket__V1__Scope *outer = NULL, *inner = NULL;
    bool is_in;

    assert_int_equal(scope_parse(outer_text, &outer, NULL), 0);
    assert_int_equal(scope_parse(inner_text, &inner, NULL), 0);
    is_in = scope_contains(outer, inner);
    scope_free(outer);
    scope_free(inner);
    return is_in;
}

static void a_narrower_scope_lies_in_a_wider_one(void **state)
{
    (void)state;
    assert_true(contains("fleet", "site=a"));
    assert_true(contains("site=a,b", "site=a"));
    assert_true(contains("site=a", "role=web;site=a"));
    assert_true(contains("site=a", "site=a"));
}

static void a_wider_scope_does_not_lie_in_a_narrower_one(void **state)
{
    (void)state;
    assert_false(contains("site=a", "fleet"));
    assert_false(contains("site=a", "site=a,b"));
    assert_false(contains("role=web;site=a", "site=a"));
    assert_false(contains("site=a", "role=web"));
}

static void a_scope_matches_the_nodes_that_have_all_its_labels(void **state)
{
    char key[] = "site", value[] = "a", other[] = "role", web[] = "web";
    Picket__V1__Label site = PICKET__V1__LABEL__INIT, role = PICKET__V1__LABEL__INIT;
    Picket__V1__Label *labels[] = {&role, &site};
    Picket__V1__Scope *scope = NULL;
    (void)state;

    site.key = key;
    site.value = value;
    role.key = other;
    role.value = web;
    assert_true(scope_matches(NULL, labels, 2));
    assert_int_equal(scope_parse("site=a,b;role=web", &scope, NULL), 0);
    assert_true(scope_matches(scope, labels, 2));
    assert_false(scope_matches(scope, labels, 1));
    assert_false(scope_matches(scope, NULL, 0));
    scope_free(scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_rule_is_refused),
        cmocka_unit_test(an_empty_match_is_refused),
        cmocka_unit_test(a_set_needs_a_name_and_a_known_kind),
        cmocka_unit_test(a_narrower_scope_lies_in_a_wider_one),
        cmocka_unit_test(a_wider_scope_does_not_lie_in_a_narrower_one),
        cmocka_unit_test(a_scope_matches_the_nodes_that_have_all_its_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
