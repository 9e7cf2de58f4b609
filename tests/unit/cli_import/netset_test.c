/* SPDX-License-Identifier: Apache-2.0 */
/* netset_test.c - lists of addresses: what is read, and that nothing is dropped silently. */
#include "cli/import/netset.h"
#include "store/ledger/rule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(
    const char *text, struct set_element **elements, uint32_t *count, struct problem *problem)
{
    return netset_parse(bytes_of(text, strlen(text)), "list", 1000, elements, count, problem);
}

/* The elements as prefixes, by spaces. */
static void assert_reads(const char *text, const char *expected)
{
    struct set_element *elements;
    struct problem problem = {0};
    char got[1024] = "";
    uint32_t count;

    if (parse(text, &elements, &count, &problem) < 0)
        fail_msg("%s", problem.text);
    for (uint32_t i = 0; i < count; i++) {
        char prefix[64];

        prefix_print(elements[i].address, elements[i].is_v6, elements[i].length, prefix);
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "", prefix);
    }
    free(elements);
    assert_string_equal(got, expected);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct set_element *elements;
    struct problem problem = {0};
    uint32_t count;

    assert_int_equal(parse(text, &elements, &count, &problem), -EINVAL);
    if (!strstr(problem.text, sentence))
        fail_msg("'%s' instead of '%s'", problem.text, sentence);
}

static void plain_lines_comments_and_empty_lines_are_read(void **state)
{
    (void)state;
    assert_reads("# head\n\n192.0.2.0/24 # net\r\n; old\n2001:db8::/32;x\n  10.0.0.1\n10.0.0.1",
        "10.0.0.1 192.0.2.0/24 2001:db8::/32");
    assert_reads("", "");
}

static void a_range_becomes_the_fewest_prefixes(void **state)
{
    (void)state;
    assert_reads("10.0.0.1-10.0.0.6", "10.0.0.1 10.0.0.2/31 10.0.0.4/31 10.0.0.6");
    assert_reads("0.0.0.0-255.255.255.255", "0.0.0.0/0");
    assert_reads("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0");
    assert_reads("10.0.0.255-10.0.1.0", "10.0.0.255 10.0.1.0");
    assert_reads("255.255.255.254-255.255.255.255", "255.255.255.254/31");
    assert_reads("2001:db8::1-2001:db8::1", "2001:db8::1");
}

static void ipset_save_is_read_with_its_timeouts(void **state)
{
    static const char text[] =
        "create bad hash:net family inet hashsize 1024 maxelem 65536 timeout 600\n"
        "add bad 192.0.2.0/24 timeout 60 packets 1 bytes 2 comment \"a b\"\nadd bad 10.0.0.1\n"
        "add bad 10.0.0.2 timeout 0\n";
    struct set_element *elements;
    uint32_t count;
    (void)state;

    assert_int_equal(parse(text, &elements, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_int_equal(elements[0].expiry, 0);
    assert_int_equal(elements[1].expiry, 0);
    assert_int_equal(elements[2].expiry, 1060);
    free(elements);
}

static void what_cannot_be_expressed_is_refused_by_line(void **state)
{
    (void)state;
    assert_refused("10.0.0.1\n10.0.0.300\n", "list:2: '10.0.0.300'");
    assert_refused("10.0.0.1/8", "did you mean 10.0.0.0/8?");
    assert_refused("10.0.0.1 10.0.0.2", "'10.0.0.2' behind the address");
    assert_refused("10.0.0.2-10.0.0.1", "runs backwards");
    assert_refused("10.0.0.2-::1", "different families");
    assert_refused("10.0.0.0/8-11.0.0.0", "not prefixes");
    assert_refused("create x hash:ip,port\n", "'hash:ip,port' cannot be imported");
    assert_refused("add x 10.0.0.1,tcp:80", "several parts");
    assert_refused("add x 10.0.0.1 nomatch", "'nomatch'");
    assert_refused("add x 10.0.0.1 skbmark 1", "'skbmark' cannot be imported");
    assert_refused("add x 10.0.0.1\nadd y 10.0.0.2", "list:2: a second set, 'y'");
    assert_refused("add x", "an address is expected");
    assert_refused("add x 10.0.0.1 timeout soon", "'soon'");
    assert_refused("example.com", "'example.com' is not an address");
}

static void a_zero_byte_and_an_endless_line_are_refused(void **state)
{
    char text[3000];
    struct set_element *elements;
    struct problem problem = {0};
    uint32_t count;
    (void)state;

    assert_int_equal(
        netset_parse(bytes_of("1\0002", 3), "list", 0, &elements, &count, &problem), -EINVAL);
    memset(text, '1', sizeof(text));
    assert_int_equal(
        netset_parse(bytes_of(text, sizeof(text)), "list", 0, &elements, &count, &problem),
        -EINVAL);
    memset(text, '#', sizeof(text));
    assert_int_equal(
        netset_parse(bytes_of(text, sizeof(text)), "list", 0, &elements, &count, &problem), 0);
    free(elements);
}

static FILE *open_list(const char *name)
{
    const char *folders[] = {getenv("PICKET_DATA"), "shared/data", "../shared/data"};

    for (size_t i = 0; i < 3; i++) {
        char path[4096];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/prefixes/%s", folders[i] ? folders[i] : "", name);
        file = folders[i] ? fopen(path, "re") : NULL;
        if (file)
            return file;
    }
    return NULL;
}

static void real_blocklists_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        uint32_t count;
    } lists[] = {{"ipsum2026_level3.txt", 14217}, {"firehol2018_spamhaus_drop.netset", 773}};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        FILE *file = open_list(lists[i].name);
        struct set_element *elements;
        uint32_t count;

        if (!file) {
            print_message("no test data here (PICKET_DATA): %s is not read\n", lists[i].name);
            skip();
        }
        assert_int_equal(netset_read(file, lists[i].name, 0, &elements, &count, NULL), 0);
        assert_int_equal(count, lists[i].count);
        free(elements);
        (void)fclose(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines_comments_and_empty_lines_are_read),
        cmocka_unit_test(a_range_becomes_the_fewest_prefixes),
        cmocka_unit_test(ipset_save_is_read_with_its_timeouts),
        cmocka_unit_test(what_cannot_be_expressed_is_refused_by_line),
        cmocka_unit_test(a_zero_byte_and_an_endless_line_are_refused),
        cmocka_unit_test(real_blocklists_are_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
