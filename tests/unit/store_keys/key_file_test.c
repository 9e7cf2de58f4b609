/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: written once, closed by a passphrase, refused when anything about them is odd. */
#include "store/keys/key_file.h"

#include "base/own.h"
#include "store/keys/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char folder[64];
static char path[128];
static const uint8_t seed[32] = {9, 8, 7};

static int start(void **state)
{
    (void)state;
    return keys_start();
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/picket-keys-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/key", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* fails if a temporary file was left */
}

static int write_seed(const char *passphrase)
{
    return key_file_write(path, "ed25519", bytes_of(seed, sizeof(seed)), passphrase, NULL);
}

static int read_back(const char *kind, const char *passphrase, struct problem *reterr_problem)
{
    uint8_t secret[KEY_FILE_SECRET_MAX];
    size_t len = 0;
    int r = key_file_read(path, kind, passphrase, secret, &len, reterr_problem);

    if (r == 0) {
        assert_int_equal(len, sizeof(seed));
        assert_memory_equal(secret, seed, len);
    }
    return r;
}

static void write_text(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void read_text(char *ret_text, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t len;

    assert_non_null(file);
    len = fread(ret_text, 1, room - 1, file);
    ret_text[len] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void a_plain_key_comes_back(void **state)
{
    (void)state;
    assert_int_equal(write_seed(NULL), 0);
    assert_int_equal(read_back("ed25519", NULL, NULL), 0);
}

static void a_plain_file_is_one_readable_line(void **state)
{
    char text[256];

    (void)state;
    assert_int_equal(write_seed(""), 0);
    read_text(text, sizeof(text));
    assert_string_equal(text, "picket-key-1 ed25519 plain 0 0 - "
                              "0908070000000000000000000000000000000000000000000000000000000000\n");
}

static void a_closed_key_opens_with_its_passphrase_alone(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(write_seed("correct horse"), 0);
    assert_int_equal(read_back("ed25519", "correct horse", NULL), 0);
    assert_int_equal(read_back("ed25519", "correct hors", &problem), -EACCES);
    assert_non_null(strstr(problem.text, path));
    assert_int_equal(read_back("ed25519", NULL, NULL), -EACCES);
    assert_int_equal(read_back("ed25519", "", NULL), -EACCES);
}

static void a_closed_file_does_not_show_the_secret(void **state)
{
    char text[512];

    (void)state;
    assert_int_equal(write_seed("x"), 0);
    read_text(text, sizeof(text));
    assert_int_equal(strncmp(text, "picket-key-1 ed25519 argon2id ", 30), 0);
    assert_null(strstr(text, "090807"));
}

static void a_long_secret_comes_back(void **state)
{
    uint8_t secret[KEY_FILE_SECRET_MAX];
    uint8_t back[KEY_FILE_SECRET_MAX];
    size_t len = 0;

    (void)state;
    keys_random(secret, sizeof(secret));
    assert_int_equal(
        key_file_write(path, "p256", bytes_of(secret, sizeof(secret)), "pass", NULL), 0);
    assert_int_equal(key_file_read(path, "p256", "pass", back, &len, NULL), 0);
    assert_int_equal(len, sizeof(secret));
    assert_memory_equal(secret, back, len);
}

static void a_file_is_never_overwritten(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(write_seed(NULL), 0);
    assert_int_equal(key_file_write(path, "ed25519", bytes_of(path, 32), NULL, &problem), -EEXIST);
    assert_non_null(strstr(problem.text, "never overwritten"));
    assert_int_equal(read_back("ed25519", NULL, NULL), 0);
}

static void a_new_file_is_its_owners_alone(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(write_seed(NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_file_others_may_read_is_refused(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(write_seed(NULL), 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(read_back("ed25519", NULL, &problem), -EPERM);
    assert_non_null(strstr(problem.text, "chmod 600"));
}

static void another_kind_of_key_is_refused(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(write_seed(NULL), 0);
    assert_int_equal(read_back("p256", NULL, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "ed25519"));
}

static void a_missing_file_is_said(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(read_back("ed25519", NULL, &problem), -ENOENT);
    assert_non_null(strstr(problem.text, path));
}

#define SEED_HEX "0908070000000000000000000000000000000000000000000000000000000000"

static void lines_of_another_form_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "hello\n",
        "picket-key-1 ed25519 plain 0 0 - " SEED_HEX,
        "picket-key-1 ed25519 plain 0 0 - " SEED_HEX "\n\n",
        "picket-key-2 ed25519 plain 0 0 - " SEED_HEX "\n",
        "picket-key-1  ed25519 plain 0 0 - " SEED_HEX "\n",
        "picket-key-1 ed25519 plain 1 0 - " SEED_HEX "\n",
        "picket-key-1 ed25519 plain 0 0 00 " SEED_HEX "\n",
        "picket-key-1 ed25519 plain 00 0 - " SEED_HEX "\n",
        "picket-key-1 ed25519 plain 0 0 - 09\n",
        "picket-key-1 ed25519 plain 0 0 - " SEED_HEX "0\n",
        "picket-key-1 ed25519 plain 0 0 - " SEED_HEX " more\n",
        "picket-key-1 ed25519 plain 0 0 - \n",
        "picket-key-1 ed25519 scrypt 2 67108864 - " SEED_HEX "\n",
        "picket-key-1 ed25519 argon2id 2 67108864 00 " SEED_HEX "\n",
        "picket-key-1 ed25519 argon2id 2 99999999999999 00112233445566778899aabbccddeeff " SEED_HEX
        "\n",
        "picket-key-1 ed25519 argon2id 2 67108864 00112233445566778899aabbccddeeff 0011\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        write_text(lines[i]);
        if (read_back("ed25519", "x", NULL) != -EINVAL)
            fail_msg("not refused: %s", lines[i]);
    }
}

static void a_changed_box_does_not_open(void **state)
{
    char text[512];
    size_t len;

    (void)state;
    assert_int_equal(write_seed("x"), 0);
    read_text(text, sizeof(text));
    len = strlen(text);
    text[len - 2] = text[len - 2] == '0' ? '1' : '0';
    write_text(text);
    assert_int_equal(read_back("ed25519", "x", NULL), -EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_key_comes_back),
        TEST(a_plain_file_is_one_readable_line),
        TEST(a_closed_key_opens_with_its_passphrase_alone),
        TEST(a_closed_file_does_not_show_the_secret),
        TEST(a_long_secret_comes_back),
        TEST(a_file_is_never_overwritten),
        TEST(a_new_file_is_its_owners_alone),
        TEST(a_file_others_may_read_is_refused),
        TEST(another_kind_of_key_is_refused),
        TEST(a_missing_file_is_said),
        TEST(lines_of_another_form_are_refused),
        TEST(a_changed_box_does_not_open),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
