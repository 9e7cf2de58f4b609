/* SPDX-License-Identifier: Apache-2.0 */
/* invite_file_test.c - the text of an invite, there and back. */
#include "base/own.h"
#include "cli/base64.h"
#include "cli/invite_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct bytes text_bytes(const char *text)
{
    return bytes_of(text, strlen(text));
}

static void fill(struct invite_file *invite)
{
    memset(invite, 0, sizeof(*invite));
    assert_int_equal(buffer_append(&invite->genesis, "genesis", 7), 0);
    assert_int_equal(invite_file_add_trust(invite, text_bytes("trust one")), 0);
    assert_int_equal(invite_file_add_trust(invite, text_bytes("trust two")), 0);
    assert_int_equal(invite_file_add_entry(invite, text_bytes("entry")), 0);
    assert_int_equal(buffer_append(&invite->certificate, "certificate", 11), 0);
    assert_int_equal(buffer_append(&invite->key, "key", 3), 0);
    assert_int_equal(buffer_append(&invite->ca, "ca", 2), 0);
    assert_int_equal(invite_file_add_peer(invite, "192.0.2.1:7425"), 0);
    assert_int_equal(invite_file_add_peer(invite, "[2001:db8::1]:7425"), 0);
}

static void what_was_written_is_read(void **state)
{
    struct invite_file invite;
    struct invite_file again;
    struct buffer text = {0};

    (void)state;
    fill(&invite);
    assert_int_equal(invite_file_print(&invite, &text), 0);
    assert_int_equal(invite_file_parse("x", buffer_bytes(&text), &again, NULL), 0);
    assert_int_equal(again.trust_count, 2);
    assert_true(bytes_equal(buffer_bytes(&again.trust[1]), text_bytes("trust two")));
    assert_int_equal(again.entries_count, 1);
    assert_true(bytes_equal(buffer_bytes(&again.certificate), text_bytes("certificate")));
    assert_int_equal(again.peers_count, 2);
    assert_string_equal(again.peers[1], "[2001:db8::1]:7425");
    invite_file_fini(&again);
    invite_file_fini(&invite);
    buffer_fini(&text);
}

static void an_invite_cut_anywhere_is_refused(void **state)
{
    struct invite_file invite;
    struct invite_file again;
    struct buffer text = {0};

    (void)state;
    fill(&invite);
    assert_int_equal(invite_file_print(&invite, &text), 0);
    for (size_t len = 0; len + 1 < text.len; len++)
        assert_int_equal(invite_file_parse("x", bytes_of(text.at, len), &again, NULL), -EINVAL);
    invite_file_fini(&invite);
    buffer_fini(&text);
}

static void a_wrong_line_is_named(void **state)
{
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        {"something else\n", "x:1:"},
        {"picket-invite-1\nhello world\n", "x:2: an invite has no line \"hello\""},
        {"picket-invite-1\ngenesis AAA\n", "x:2: the value of \"genesis\" is no base64"},
        {"picket-invite-1\ntrust AAAA\n", "\"genesis\" is missing"},
        {"picket-invite-1\ngenesis AAAA\ngenesis AAAA\n", "wrong place or twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct invite_file invite;
        struct problem problem = {0};

        assert_int_equal(
            invite_file_parse("x", text_bytes(cases[i].text), &invite, &problem), -EINVAL);
        assert_non_null(strstr(problem.text, cases[i].said));
    }
}

static void base64_has_one_spelling(void **state)
{
    struct buffer bytes = {0};
    struct buffer text = {0};

    (void)state;
    assert_int_equal(base64_parse(text_bytes("Zg=="), &bytes), 0);
    assert_int_equal(bytes.len, 1);
    assert_int_equal(base64_parse(text_bytes("Zh=="), &bytes), -EINVAL);
    assert_int_equal(base64_parse(text_bytes("Zg="), &bytes), -EINVAL);
    assert_int_equal(base64_parse(text_bytes("Zg==Zg=="), &bytes), -EINVAL);
    assert_int_equal(base64_parse(text_bytes("Z!=="), &bytes), -EINVAL);
    assert_int_equal(base64_print(text_bytes("foobar"), &text), 0);
    assert_true(bytes_equal(buffer_bytes(&text), text_bytes("Zm9vYmFy")));
    buffer_fini(&bytes);
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(an_invite_cut_anywhere_is_refused),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(base64_has_one_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
