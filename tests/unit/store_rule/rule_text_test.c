/* SPDX-License-Identifier: Apache-2.0 */
/* rule_text_test.c - a rule as one line: what is read, what is written, and that both agree. */
#include "base/prng.h"
#include "proto/wire/wire.h"
#include "store/ledger/rule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int find_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    if (strcmp(name, "bad") != 0 && strcmp(name, "my set") != 0)
        return problem_say(reterr_problem, -ENOENT, "no set is named '%s'", name);
    memset(ret_id, *name, OP_REF_BYTES);
    return 0;
}

static const char *name_set(void *user, struct bytes reference)
{
    (void)user;
    if (reference.len == OP_REF_BYTES && reference.at[5] == 'b')
        return "bad";
    if (reference.len == OP_REF_BYTES && reference.at[5] == 'm')
        return "my set";
    return NULL;
}

/* Reads, writes; the written text with its NUL is the caller's. */
static int rewrite(const char *text, struct buffer *ret_text, struct problem *problem)
{
    Picket__V1__Rule *rule = NULL;
    int r = rule_parse(text, find_set, NULL, &rule, problem);

    if (r < 0)
        return r;
    assert_int_equal(rule_print(rule, name_set, NULL, ret_text), 0);
    assert_int_equal(buffer_append(ret_text, "", 1), 0);
    rule_free(rule);
    return 0;
}

static const char *const lines[][2] = {
    {"drop", "drop"},
    {"block in", "drop in"},
    {"drop in tcp from 192.0.2.0/24,2001:db8::/32 to any port 22,8000-8080 priority 100 name ssh "
     "scope site=berlin",
        "drop in tcp from 192.0.2.0/24,2001:db8::/32 to any port 22,8000-8080 priority 100 name "
        "ssh scope site=berlin"},
    {"allow in proto tcp port 443", "allow in tcp port 443"},
    {"allow in tcp from any port 1024-65535 to self port 22",
        "allow in tcp from any port 1024-65535 to self port 22"},
    {"allow from 10.0.0.1 in udp port 53", "allow in udp from 10.0.0.1 to any port 53"},
    {"drop from not @bad", "drop from not @bad"},
    {"drop from @\"my set\" to other to 10.0.0.0/8",
        "drop from @\"my set\" to other to 10.0.0.0/8"},
    {"drop from @#7", "drop from @#7"},
    {"accept 47,tcp,6", ""},
    {"accept proto 200,tcp,6", "allow tcp,200"},
    {"log proto 200", "log proto 200"},
    {"limit 100/s burst 20 per source /24 in udp port 53",
        "limit 100/s burst 20 per source /24,/64 in udp port 53"},
    {"limit 1000bytes/s", "limit 1000bytes/s"},
    {"drop tcp flags syn/syn,ack state new", "drop tcp flags syn/syn,ack state new"},
    {"drop tcp flags none/fin,syn", "drop tcp flags none/fin,syn"},
    {"allow icmp icmp-type echo-request,3/4", "allow icmp icmp-type 3/4,8"},
    {"allow icmpv6 icmp-type echo-request", "allow icmpv6 icmp-type 128"},
    {"reject device wg*,eth0 class internal vlan 0 fragment later dscp 46",
        "reject device eth0,wg* class internal vlan 0 fragment later dscp 46"},
    {"drop in since 2030-01-31T08:00:00+01:00 until 2030-02-01",
        "drop in since 2030-01-31T07:00:00Z until 2030-02-01T00:00:00Z"},
    {"drop until 1709251199", "drop until 2024-02-29T23:59:59Z"},
    {"drop tcp port 20-30, 25-40 ,41", ""},
    {"drop tcp port 20-30, 25-40,41", "drop tcp port 20-40,41"},
    {"allow family ipv6 shadow owner web comment \"say \\\"no\\\" \\\\\" name \"a b\"",
        "allow family ipv6 name \"a b\" shadow owner web comment \"say \\\"no\\\" \\\\\""},
    {"drop from any to any", "drop"},
    {"drop tcp sport 1 port 2", "drop tcp from any port 1 to any port 2"},
    {"drop tcp from any port 1 port 2", "drop tcp from any port 1 to any port 2"},
    {"drop tcp from 10.0.0.1 priority 3 port 2", "drop tcp from 10.0.0.1 to any port 2 priority 3"},
    {"drop name caf\xc3\xa9 comment \xf0\x9f\x94\xa5",
        "drop name caf\xc3\xa9 comment \xf0\x9f\x94\xa5"},
};

static void a_line_is_written_in_its_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct buffer text = {0};
        struct problem problem = {0};
        int r = rewrite(lines[i][0], &text, &problem);

        if (*lines[i][1] == '\0') {
            assert_int_equal(r, -EINVAL);
            continue;
        }
        if (r < 0)
            fail_msg("'%s': %s", lines[i][0], problem.text);
        assert_string_equal((char *)text.at, lines[i][1]);
        buffer_fini(&text);
    }
}

/* What is wrong, and a piece of the sentence about it. */
static const char *const errors[][2] = {
    {"", "ends where an action"},
    {"dropp in", "'dropp' is not an action"},
    {"drop in out", "'out': only one"},
    {"drop form 10.0.0.1", "unknown word 'form'; did you mean 'from'?"},
    {"drop from 10.0.0.1/8", "did you mean 10.0.0.0/8?"},
    {"drop from", "ends where an address"},
    {"drop from @nobody", "no set is named 'nobody'"},
    {"drop from 10.0.0.1,@bad", "a set stands alone"},
    {"drop from 10.0.0.1 from 10.0.0.2", "only one from"},
    {"drop to self to other", "'other'"},
    {"drop port 22", "ports need a protocol"},
    {"drop tcp,icmp port 22", "ports need a protocol"},
    {"drop tcp port 70000", "'70000' is not a port"},
    {"drop tcp port 30-20", "runs backwards"},
    {"drop tcp port ssh", "'ssh' is not a port"},
    {"drop tcp icmp-type 8", "ICMP types need"},
    {"drop icmp-type echo-request", "'echo-request' is not an ICMP type"},
    {"drop udp flags syn/syn", "TCP flags need"},
    {"drop tcp flags syn", "'syn' is not TCP flags"},
    {"drop tcp flags syn/ack", "leaves out"},
    {"drop tcp flags syn/bogus", "'bogus' is not a TCP flag"},
    {"drop from 10.0.0.1 to 2001:db8::1", "different address families"},
    {"drop family ipv4 from 2001:db8::1", "family is ipv4"},
    {"limit in", "'in' is not a rate"},
    {"limit 0/s", "the rate is 0"},
    {"limit 10/s per sauce /24", "'source' is expected"},
    {"limit 10/s per source /33", "'/33' is not source prefixes"},
    {"drop priority 65536", "'65536' is not a priority"},
    {"drop vlan 4095", "'4095' is not a VLAN id"},
    {"drop dscp 64", "'64' is not a DSCP"},
    {"drop until tomorrow", "'tomorrow' is not a time"},
    {"drop until 2031-02-29", "'2031-02-29' is not a time"},
    {"drop since 2031-01-01 until 2030-01-01", "ends before it begins"},
    {"drop scope berlin", "'berlin' is not a scope"},
    {"drop scope site=b,b", "not in ascending order"},
    {"drop scope site=", "empty value"},
    {"drop name \"abc", "never closed"},
    {"drop state old", "'old' is not a connection state"},
    {"drop class outside", "'outside' is not a class"},
    {"drop tcp port 22,,80", "empty place"},
    {"drop comment \"a\nb\"", "control character"},
    {"drop comment \xc0\x80", "not valid UTF-8"},
    {"drop comment \xed\xa0\x80", "not valid UTF-8"},
    {"drop name \xf4\x90\x80\x80", "not valid UTF-8"},
    {"drop scope a=\xe2\x82", "not valid UTF-8"},
};

static void an_error_quotes_the_word_and_says_what_is_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        Picket__V1__Rule *rule = NULL;
        struct problem problem = {0};

        if (rule_parse(errors[i][0], find_set, NULL, &rule, &problem) >= 0)
            fail_msg("'%s' was read", errors[i][0]);
        if (!strstr(problem.text, errors[i][1]))
            fail_msg("'%s': %s", errors[i][0], problem.text);
    }
}

static void sets_need_a_way_to_find_them(void **state)
{
    Picket__V1__Rule *rule = NULL;
    struct problem problem = {0};
    (void)state;

    assert_int_equal(rule_parse("drop from @bad", NULL, NULL, &rule, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "cannot be used here"));
}

static void more_than_a_list_holds_is_refused(void **state)
{
    char text[2048] = "drop from 10.0.0.0";
    Picket__V1__Rule *rule = NULL;
    struct problem problem = {0};
    (void)state;

    for (int i = 1; i < 65; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ",10.0.0.%d", i);
    assert_int_equal(rule_parse(text, NULL, NULL, &rule, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "more than 64"));
}

/* ---- random lines out of the grammar */

struct pen {
    char text[2048];
    struct prng prng;
};

static void add(struct pen *pen, const char *word)
{
    size_t len = strlen(pen->text);

    assert_true(len + strlen(word) + 2 < sizeof(pen->text));
    (void)snprintf(pen->text + len, sizeof(pen->text) - len, "%s%s", len ? " " : "", word);
}

static bool maybe(struct pen *pen)
{
    return prng_below(&pen->prng, 3) == 0;
}

static const char *pick(struct pen *pen, const char *const *words, size_t count)
{
    return words[prng_below(&pen->prng, count)];
}
#define PICK(pen, ...)                            \
    pick(pen, (const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void add_number(struct pen *pen, const char *keyword, uint64_t below)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s %u", keyword, (unsigned)prng_below(&pen->prng, below));
    add(pen, text);
}

static const char *side(struct pen *pen)
{
    return PICK(pen, "any", "192.0.2.0/24", "not 10.0.0.0/8,10.1.0.0/16,192.0.2.1", "@bad",
        "not @\"my set\"", "@#3", "0.0.0.0/0", "10.0.0.1,2001:db8::/32,::ffff:1.2.3.4,::");
}

static const char *ports(struct pen *pen)
{
    return PICK(pen, "port 22", "port 1-5,3-9,80", "port 65535,0", "port 0-65535");
}

static void add_protocol_clauses(struct pen *pen)
{
    switch (prng_below(&pen->prng, 4)) {
    case 0:
        add(pen, PICK(pen, "tcp", "udp,tcp", "sctp,6", "proto 17"));
        add(pen, "from");
        add(pen, side(pen));
        if (maybe(pen))
            add(pen, ports(pen));
        add(pen, maybe(pen) ? "dport 443" : "");
        break;
    case 1:
        add(pen, "tcp");
        add(pen, PICK(pen, "flags syn/syn,ack", "flags none/cwr,ece,fin", "flags ack/ack port 1"));
        break;
    case 2:
        add(pen, PICK(pen, "icmp icmp-type 8,0,3/4,3", "icmpv6 icmp-type 128/0",
                     "icmp,icmpv6 icmp-type 1"));
        break;
    default:
        add(pen, PICK(pen, "", "gre", "proto 255,1,17", "to self", "to other to 10.0.0.0/8",
                     "to not @bad"));
    }
}

static void random_line(struct pen *pen)
{
    pen->text[0] = '\0';
    add(pen, PICK(pen, "allow", "drop", "reject", "log", "limit 5/s",
                 "limit 5bytes/s burst 7 per source /0,/48"));
    add(pen, PICK(pen, "in", "out", ""));
    add_protocol_clauses(pen);
    add(pen, PICK(pen, "", "", "state new", "state established,new", "vlan 5", "fragment first",
                 "dscp 0", "class container"));
    add(pen, PICK(pen, "", "", "device b,a*", "name x", "name \"in out\"", "name \"\\\"\"",
                 "name \"\\\\ \""));
    add(pen, PICK(pen, "", "scope fleet", "scope b=2,1;a=z", "shadow", "owner me",
                 "comment \"a, b;c=d\""));
    if (maybe(pen))
        add_number(pen, "priority", 65536);
    if (maybe(pen))
        add_number(pen, "until", 4102444800), add_number(pen, "since 1 comment", 99);
}

static void assert_fixed_point(const char *line, uint32_t *read_count)
{
    struct buffer once = {0}, twice = {0}, wire = {0};
    struct problem problem = {0};
    Picket__V1__Rule *rule = NULL;

    if (rewrite(line, &once, &problem) < 0)
        return;
    (*read_count)++;
    if (rewrite((char *)once.at, &twice, &problem) < 0)
        fail_msg("'%s' from '%s': %s", (char *)once.at, line, problem.text);
    assert_string_equal((char *)once.at, (char *)twice.at);
    assert_int_equal(rule_parse((char *)once.at, find_set, NULL, &rule, &problem), 0);
    assert_int_equal(rule_check(rule, &problem), 0);
    assert_int_equal(wire_pack(&rule->base, &wire), 0);
    assert_int_equal(wire_check(&picket__v1__rule__descriptor, buffer_bytes(&wire)), WIRE_OK);
    rule_free(rule);
    buffer_fini(&once);
    buffer_fini(&twice);
    buffer_fini(&wire);
}

static void what_is_written_reads_and_writes_as_itself(void **state)
{
    struct pen pen;
    uint32_t read_count = 0;
    (void)state;

    prng_seed(&pen.prng, 4);
    for (int i = 0; i < 20000; i++) {
        random_line(&pen);
        assert_fixed_point(pen.text, &read_count);
    }
    assert_true(read_count > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_written_in_its_one_form),
        cmocka_unit_test(an_error_quotes_the_word_and_says_what_is_expected),
        cmocka_unit_test(sets_need_a_way_to_find_them),
        cmocka_unit_test(more_than_a_list_holds_is_refused),
        cmocka_unit_test(what_is_written_reads_and_writes_as_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
