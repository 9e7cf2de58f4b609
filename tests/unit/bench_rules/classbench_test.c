/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/shared_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static const char *const ipv4_line =
    "@176.19.181.33/32\t90.145.0.0/16\t0 : 65535\t1550 : 1551\t0x06/0xFF\t0x0200/0x1200\t";

static struct bench_rule rule;
static struct bench_header header;
static struct problem problem;

static void an_ipv4_rule_is_read_field_by_field(void **state)
{
    static const uint8_t source[16] = {176, 19, 181, 33}, target[16] = {90, 145};

    (void)state;
    assert_int_equal(classbench_parse_rule(ipv4_line, CLASSBENCH_FIVE_TUPLE, &rule, &problem), 0);
    assert_int_equal(rule.family, FW_IPV4);
    assert_memory_equal(rule.source, source, 16);
    assert_memory_equal(rule.target, target, 16);
    assert_int_equal(rule.source_length, 32);
    assert_int_equal(rule.target_length, 16);
    assert_int_equal(rule.source_first, 0);
    assert_int_equal(rule.source_last, 65535);
    assert_int_equal(rule.target_first, 1550);
    assert_int_equal(rule.target_last, 1551);
    assert_int_equal(rule.protocol, 6);
    assert_int_equal(rule.protocol_mask, 0xff);
}

static void an_ipv6_rule_is_read_and_its_host_bits_are_cut(void **state)
{
    static const uint8_t target[16] = {0x20, 0x01, 0x0d, 0xb8, 0x80};

    (void)state;
    assert_int_equal(classbench_parse_rule("@::/0 2001:db8:8000::ff/36 1 : 2 0 : 65535 0x00/0x00",
                         CLASSBENCH_FIVE_TUPLE, &rule, &problem),
        0);
    assert_int_equal(rule.family, FW_IPV6);
    assert_int_equal(rule.source_length, 0);
    assert_int_equal(rule.target_length, 36);
    assert_memory_equal(rule.target, target, 16);
    assert_int_equal(rule.protocol_mask, 0);
}

static void flags_are_left_out_unless_asked_for(void **state)
{
    (void)state;
    (void)classbench_parse_rule(ipv4_line, CLASSBENCH_FIVE_TUPLE, &rule, &problem);
    assert_int_equal(rule.tcp_flags_mask, 0);
    (void)classbench_parse_rule(ipv4_line, CLASSBENCH_WITH_FLAGS, &rule, &problem);
    assert_int_equal(rule.tcp_flags, 0x02);
    assert_int_equal(rule.tcp_flags_mask, 0x12);
}

static void flags_of_icmp_are_type_and_code(void **state)
{
    (void)state;
    assert_int_equal(
        classbench_parse_rule("@0.0.0.0/0 0.0.0.0/0 0 : 65535 0 : 65535 0x01/0xFF 0x0303/0xffff",
            CLASSBENCH_WITH_FLAGS, &rule, &problem),
        0);
    assert_int_equal(rule.source_first, 3);
    assert_int_equal(rule.source_last, 3);
    assert_int_equal(rule.target_first, 3);
    assert_int_equal(rule.target_last, 3);
}

static void nonsense_in_a_rule_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *line, *reason;
    } rows[] = {
        {"1.2.3.4/32 0.0.0.0/0 0 : 1 0 : 1 0x06/0xFF", "there is no '@' before '1.2.3.4"},
        {"@1.2.3/32 0.0.0.0/0 0 : 1 0 : 1 0x06/0xFF", "'1.2.3' is no address"},
        {"@1.2.3.4/33 0.0.0.0/0 0 : 1 0 : 1 0x06/0xFF", "'33' is no number up to 32"},
        {"@1.2.3.4/32 ::/0 0 : 1 0 : 1 0x06/0xFF", "two families"},
        {"@1.2.3.4/32 0.0.0.0/0 5 : 1 0 : 1 0x06/0xFF", "ports 5 : 1 run backwards"},
        {"@1.2.3.4/32 0.0.0.0/0 0 : 65536 0 : 1 0x06/0xFF", "'65536' is no number up to 65535"},
        {"@1.2.3.4/32 0.0.0.0/0 0 : -1 0 : 1 0x06/0xFF", "'-1' is no number"},
        {"@1.2.3.4/32 0.0.0.0/0 0 : 1 0 : 1 0x06/0x0F", "protocol mask 0x0f"},
        {"@1.2.3.4/32 0.0.0.0/0 0 : 1 0 : 1", "the line ends before its last field"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(
            classbench_parse_rule(rows[i].line, CLASSBENCH_FIVE_TUPLE, &rule, &problem), -EINVAL);
        assert_non_null(strstr(problem.text, rows[i].reason));
    }
}

static void a_header_is_read_from_numbers_or_text(void **state)
{
    static const uint8_t source[16] = {109, 72, 64, 95};

    (void)state;
    assert_int_equal(classbench_parse_header(
                         "1833451615\t3342676992\t7\t135\t6\t4294967295\t66677", &header, &problem),
        0);
    assert_memory_equal(header.source, source, 16);
    assert_int_equal(header.source_port, 7);
    assert_int_equal(header.target_port, 135);
    assert_int_equal(header.protocol, 6);
    assert_int_equal(header.drawn_from, 66677);
    assert_int_equal(
        classbench_parse_header("109.72.64.95 1.2.3.4 7 135 17", &header, &problem), 0);
    assert_memory_equal(header.source, source, 16);
    assert_int_equal(header.drawn_from, BENCH_NO_RULE);
    assert_int_equal(
        classbench_parse_header("7760:4df1::\td1f6:b000::\t65535\t0\t17\t904", &header, &problem),
        0);
    assert_int_equal(header.family, FW_IPV6);
    assert_int_equal(header.source[0], 0x77);
    assert_int_equal(header.drawn_from, 904);
}

static void a_line_written_reads_as_the_same_rule(void **state)
{
    char text[256];
    struct bench_rule again;

    (void)state;
    (void)classbench_parse_rule(ipv4_line, CLASSBENCH_WITH_FLAGS, &rule, &problem);
    int len = classbench_print_rule(&rule, text);

    assert_int_equal(len, strlen(text));
    assert_int_equal(classbench_parse_rule(text, CLASSBENCH_WITH_FLAGS, &again, &problem), 0);
    assert_memory_equal(&again, &rule, sizeof(rule));
}

static void a_header_written_reads_as_the_same(void **state)
{
    char text[256];
    struct bench_header again;

    (void)state;
    (void)classbench_parse_header("7760::1 d1f6:b000:: 65535 0 17 904", &header, &problem);
    (void)classbench_print_header(&header, text);
    assert_int_equal(classbench_parse_header(text, &again, &problem), 0);
    assert_memory_equal(&again, &header, sizeof(header));
}

/* ---- files */

static char path[] = "/tmp/picket-classbench-XXXXXX";

static int make_path(void **state)
{
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text, bool zipped)
{
    gzFile file = gzopen(path, zipped ? "wb" : "wbT");

    assert_non_null(file);
    assert_int_equal(gzputs(file, text), (int)strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static void plain_and_gzipped_files_are_read_alike(void **state)
{
    static const char *const text = "# two\n@1.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF\n\n"
                                    "@::/0 ::/0 0 : 65535 0 : 65535 0x00/0x00\n";

    (void)state;
    for (int zipped = 0; zipped < 2; zipped++) {
        struct bench_rules rules;

        write_file(text, zipped);
        assert_int_equal(classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &rules, &problem), 0);
        assert_int_equal(rules.count, 2);
        assert_int_equal(rules.rules[1].family, FW_IPV6);
        assert_int_equal(rules.rules[1].object, 1);
        assert_int_equal(rules.rules[1].priority, 32768);
        bench_rules_fini(&rules);
    }
}

static void a_bad_line_is_named_with_file_and_number(void **state)
{
    struct bench_rules rules;
    struct bench_headers headers;

    (void)state;
    write_file("@1.0.0.0/8 0.0.0.0/0 0 : 65535 80 : 80 0x06/0xFF\n# fine\nrubbish\n", false);
    assert_int_equal(classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &rules, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, path));
    assert_non_null(strstr(problem.text, "line 3: "));
    assert_int_equal(rules.count, 0);
    assert_null(rules.rules);
    assert_int_equal(classbench_read_headers(path, &headers, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "line 1: "));
}

static void a_gzipped_file_cut_short_is_an_error(void **state)
{
    struct bench_rules rules;
    char text[20000] = "";

    (void)state;
    for (unsigned i = 0; strlen(text) < sizeof(text) - 80; i++)
        (void)sprintf(text + strlen(text), "@1.%u.%u.0/24 0.0.0.0/0 0 : 65535 %u : %u 0x06/0xFF\n",
            i * 7919 % 251, i * 104729 % 241, i * 31, i * 37);
    write_file(text, true);
    assert_int_equal(truncate(path, 700), 0);
    assert_true(classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &rules, &problem) < 0);
    assert_non_null(strstr(problem.text, path));
}

static void a_missing_file_is_named(void **state)
{
    struct bench_rules rules;

    (void)state;
    assert_int_equal(
        classbench_read_rules("/nonexistent/rules", CLASSBENCH_FIVE_TUPLE, &rules, &problem),
        -ENOENT);
    assert_non_null(strstr(problem.text, "/nonexistent/rules"));
}

static void the_shared_sets_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        uint32_t count;
    } rows[] = {{"classbench/gen_acl2_100k.gz", 76282}, {"classbench/gen_fw1_v6_10k.gz", 9334},
        {"classbench/neurocuts_fw2_10k.gz", 9655}};
    char at[SHARED_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_rules rules;

        if (!shared_file(rows[i].name, at)) {
            print_message("no test data here (PICKET_DATA): %s is not read\n", rows[i].name);
            skip();
        }
        assert_int_equal(classbench_read_rules(at, CLASSBENCH_WITH_FLAGS, &rules, &problem), 0);
        assert_int_equal(rules.count, rows[i].count);
        bench_rules_fini(&rules);
    }
}

static void the_shared_traces_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        uint32_t count;
    } rows[] = {{"classbench/gen_acl1_100k_trace.gz", 99463},
        {"classbench/gen_ipc1_v6_10k_trace_own.gz", 10000}};
    char at[SHARED_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_headers headers;

        if (!shared_file(rows[i].name, at)) {
            print_message("no test data here (PICKET_DATA): %s is not read\n", rows[i].name);
            skip();
        }
        assert_int_equal(classbench_read_headers(at, &headers, &problem), 0);
        assert_int_equal(headers.count, rows[i].count);
        bench_headers_fini(&headers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_rule_is_read_field_by_field),
        cmocka_unit_test(an_ipv6_rule_is_read_and_its_host_bits_are_cut),
        cmocka_unit_test(flags_are_left_out_unless_asked_for),
        cmocka_unit_test(flags_of_icmp_are_type_and_code),
        cmocka_unit_test(nonsense_in_a_rule_is_refused_with_its_reason),
        cmocka_unit_test(a_header_is_read_from_numbers_or_text),
        cmocka_unit_test(a_line_written_reads_as_the_same_rule),
        cmocka_unit_test(a_header_written_reads_as_the_same),
        cmocka_unit_test_setup_teardown(
            plain_and_gzipped_files_are_read_alike, make_path, remove_path),
        cmocka_unit_test_setup_teardown(
            a_bad_line_is_named_with_file_and_number, make_path, remove_path),
        cmocka_unit_test_setup_teardown(
            a_gzipped_file_cut_short_is_an_error, make_path, remove_path),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(the_shared_sets_are_read_whole),
        cmocka_unit_test(the_shared_traces_are_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
