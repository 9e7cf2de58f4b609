/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_file.c - one key in one line of text. The line's fields, in order, one space between them:
 *
 *   picket-key-1          the format
 *   ed25519 | p256        what the secret is
 *   argon2id | plain      how it is closed
 *   OPS MEMORY            Argon2id's passes and bytes, decimal; 0 0 in a plain file
 *   SALT                  16 bytes in hex; - in a plain file
 *   BOX                   hex: nonce (24) and secretbox of the secret; in a plain file the secret
 */
#include "store/keys/key_file.h"

#include "base/check.h"
#include "base/own.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT "picket-key-1"
#define NONCE crypto_secretbox_NONCEBYTES
#define BOX_MAX (NONCE + crypto_secretbox_MACBYTES + KEY_FILE_SECRET_MAX)
#define LINE_MAX_BYTES (2 * BOX_MAX + 2 * crypto_pwhash_SALTBYTES + 128)
#define PATH_ROOM 4096

/* A file may ask for more work than we would, but not for all of the machine. */
#define OPS_MAX 64
#define MEMORY_MAX (1024ULL * 1024 * 1024)

/* One line, taken apart. */
struct key_line {
    char kind[16];
    char kdf[16];
    uint64_t ops;
    uint64_t memory;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t box[BOX_MAX];
    size_t box_len;
};

static void own_line(struct key_line *line)
{
    keys_wipe(line, sizeof(*line));
}

static bool kind_is_known(const char *kind)
{
    return strcmp(kind, "ed25519") == 0 || strcmp(kind, "p256") == 0;
}

static bool is_plain(const struct key_line *line)
{
    return strcmp(line->kdf, "plain") == 0;
}

/* The box's key from the passphrase; the caller wipes it. */
static int derive(
    const struct key_line *line, const char *passphrase, uint8_t ret_key[crypto_secretbox_KEYBYTES])
{
    int r = crypto_pwhash(ret_key, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase),
        line->salt, line->ops, (size_t)line->memory, crypto_pwhash_ALG_ARGON2ID13);

    return r == 0 ? 0 : -ENOMEM;
}

static int close_box(struct key_line *line, struct bytes secret, const char *passphrase)
{
    uint8_t key[crypto_secretbox_KEYBYTES];
    int r;

    strcpy(line->kdf, "argon2id");
    line->ops = crypto_pwhash_OPSLIMIT_INTERACTIVE;
    line->memory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
    keys_random(line->salt, sizeof(line->salt));
    keys_random(line->box, NONCE);
    r = derive(line, passphrase, key);
    if (r == 0) {
        (void)crypto_secretbox_easy(line->box + NONCE, secret.at, secret.len, line->box, key);
        line->box_len = NONCE + crypto_secretbox_MACBYTES + secret.len;
    }
    keys_wipe(key, sizeof(key));
    return r;
}

static int line_make(
    const char *kind, struct bytes secret, const char *passphrase, struct key_line *ret_line)
{
    strcpy(ret_line->kind, kind);
    if (passphrase && *passphrase)
        return close_box(ret_line, secret, passphrase);
    strcpy(ret_line->kdf, "plain");
    memcpy(ret_line->box, secret.at, secret.len);
    ret_line->box_len = secret.len;
    return 0;
}

static size_t line_print(const struct key_line *line, char text[LINE_MAX_BYTES])
{
    char salt[2 * crypto_pwhash_SALTBYTES + 1] = "-";
    int len;

    if (!is_plain(line))
        hex_print(line->salt, sizeof(line->salt), salt);
    len = snprintf(text, LINE_MAX_BYTES, "%s %s %s %" PRIu64 " %" PRIu64 " %s ", FORMAT, line->kind,
        line->kdf, line->ops, line->memory, salt);
    CHECK(len > 0 && (size_t)len + 2 * line->box_len + 2 <= LINE_MAX_BYTES, "the line has room");
    hex_print(line->box, line->box_len, text + len);
    strcat(text, "\n");
    return strlen(text);
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, text, len);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        text += wrote;
        len -= (size_t)wrote;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* link() refuses an existing name, where rename() would replace it. */
static int put_in_place(const char *temporary, const char *path)
{
    char folder[PATH_ROOM];
    const char *slash = strrchr(path, '/');
    OWN(own_fd) int fd = -1;

    if (link(temporary, path) < 0)
        return -errno;
    if (!slash)
        strcpy(folder, ".");
    else
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

static int write_new(const char *path, const char *text, size_t len)
{
    char temporary[PATH_ROOM];
    uint8_t random[8];
    char digits[2 * sizeof(random) + 1];
    OWN(own_fd) int fd = -1;
    int r;

    keys_random(random, sizeof(random));
    hex_print(random, sizeof(random), digits);
    r = snprintf(temporary, sizeof(temporary), "%s.%s", path, digits);
    if (r < 0 || (size_t)r >= sizeof(temporary))
        return -ENAMETOOLONG;
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = write_all(fd, text, len);
    if (r == 0)
        r = put_in_place(temporary, path);
    (void)unlink(temporary);
    return r;
}

int key_file_write(const char *path, const char *kind, struct bytes secret, const char *passphrase,
    struct problem *reterr_problem)
{
    OWN(own_line) struct key_line line = {0};
    char text[LINE_MAX_BYTES];
    int r;

    CHECK(kind_is_known(kind), "the caller names a kind of the format");
    CHECK(secret.len > 0 && secret.len <= KEY_FILE_SECRET_MAX, "a secret has a length");
    CHECK(strcmp(kind, "ed25519") != 0 || secret.len == 32, "a seed is 32 bytes");
    r = line_make(kind, secret, passphrase, &line);
    if (r < 0)
        return problem_say(reterr_problem, r, "not enough memory to close the key file %s", path);
    r = write_new(path, text, line_print(&line, text));
    keys_wipe(text, sizeof(text));
    if (r == -EEXIST)
        return problem_say(reterr_problem, r, "%s exists; a key file is never overwritten", path);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "cannot write the key file %s: %s", path, strerror(-r));
    return 0;
}

/* Reads the whole file; a longer one than any key line is not a key file. */
static int read_text(
    const char *path, char ret_text[LINE_MAX_BYTES], struct problem *reterr_problem)
{
    OWN(own_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t len = 0;

    if (fd < 0 || fstat(fd, &st) < 0)
        return problem_say(
            reterr_problem, -errno, "cannot open the key file %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return problem_say(reterr_problem, -EINVAL, "%s is not a file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return problem_say(reterr_problem, -EPERM,
            "others may read the key file %s; run: chmod 600 %s", path, path);
    while (len < LINE_MAX_BYTES - 1) {
        ssize_t got = read(fd, ret_text + len, LINE_MAX_BYTES - 1 - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return problem_say(
                reterr_problem, -errno, "cannot read the key file %s: %s", path, strerror(errno));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    ret_text[len] = '\0';
    return strlen(ret_text) == len && len < LINE_MAX_BYTES - 1
               ? 0
               : problem_say(reterr_problem, -EINVAL, "%s is not a key file", path);
}

/* A decimal number, whole, without sign or leading zero. */
static int parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > max / 10)
            return -EINVAL;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    if (value > max)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

static int parse_costs(char *const fields[], struct key_line *ret_line)
{
    bool plain = is_plain(ret_line);

    if (!plain && strcmp(ret_line->kdf, "argon2id") != 0)
        return -EINVAL;
    if (parse_number(fields[0], OPS_MAX, &ret_line->ops) < 0 ||
        parse_number(fields[1], MEMORY_MAX, &ret_line->memory) < 0)
        return -EINVAL;
    if (plain)
        return ret_line->ops == 0 && ret_line->memory == 0 && strcmp(fields[2], "-") == 0 ? 0
                                                                                          : -EINVAL;
    if (ret_line->ops < crypto_pwhash_OPSLIMIT_MIN || ret_line->memory < crypto_pwhash_MEMLIMIT_MIN)
        return -EINVAL;
    return hex_parse(fields[2], ret_line->salt, sizeof(ret_line->salt));
}

static int line_parse(char *text, struct key_line *ret_line)
{
    enum { FIELDS = 7 };
    char *fields[FIELDS];
    char *newline = strchr(text, '\n');
    char *at = text;

    if (!newline || newline[1] != '\0')
        return -EINVAL;
    *newline = '\0';
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = strsep(&at, " ");
        if (!fields[i])
            return -EINVAL;
    }
    if (at || strcmp(fields[0], FORMAT) != 0 || strlen(fields[1]) >= sizeof(ret_line->kind) ||
        strlen(fields[2]) >= sizeof(ret_line->kdf))
        return -EINVAL;
    strcpy(ret_line->kind, fields[1]);
    strcpy(ret_line->kdf, fields[2]);
    if (parse_costs(fields + 3, ret_line) < 0)
        return -EINVAL;
    ret_line->box_len = strlen(fields[6]) / 2;
    if (ret_line->box_len == 0 || ret_line->box_len > BOX_MAX)
        return -EINVAL;
    return hex_parse(fields[6], ret_line->box, ret_line->box_len);
}

static int open_box(
    const struct key_line *line, const char *passphrase, uint8_t *ret_secret, size_t *ret_len)
{
    uint8_t key[crypto_secretbox_KEYBYTES];
    size_t len;
    int r;

    if (line->box_len <= NONCE + crypto_secretbox_MACBYTES)
        return -EINVAL;
    if (!passphrase || !*passphrase)
        return -EACCES;
    len = line->box_len - NONCE;
    r = derive(line, passphrase, key);
    if (r == 0 &&
        crypto_secretbox_open_easy(ret_secret, line->box + NONCE, len, line->box, key) != 0)
        r = -EACCES;
    if (r == 0)
        *ret_len = len - crypto_secretbox_MACBYTES;
    keys_wipe(key, sizeof(key));
    return r;
}

static int line_open(
    const struct key_line *line, const char *passphrase, uint8_t *ret_secret, size_t *ret_len)
{
    if (!is_plain(line))
        return open_box(line, passphrase, ret_secret, ret_len);
    if (line->box_len > KEY_FILE_SECRET_MAX)
        return -EINVAL;
    memcpy(ret_secret, line->box, line->box_len);
    *ret_len = line->box_len;
    return 0;
}

int key_file_read(const char *path, const char *kind, const char *passphrase, uint8_t *ret_secret,
    size_t *ret_len, struct problem *reterr_problem)
{
    OWN(own_line) struct key_line line = {0};
    char text[LINE_MAX_BYTES];
    int r = read_text(path, text, reterr_problem);

    if (r < 0)
        return r;
    r = line_parse(text, &line);
    keys_wipe(text, sizeof(text));
    if (r < 0)
        return problem_say(reterr_problem, r, "%s is not a key file, or a newer one", path);
    if (strcmp(line.kind, kind) != 0)
        return problem_say(
            reterr_problem, -EINVAL, "%s holds a key of kind %s, not %s", path, line.kind, kind);
    r = line_open(&line, passphrase, ret_secret, ret_len);
    if (r == 0 && strcmp(kind, "ed25519") == 0 && *ret_len != 32) {
        keys_wipe(ret_secret, *ret_len);
        r = -EINVAL;
    }
    if (r == -EACCES)
        return problem_say(reterr_problem, r, "the passphrase does not open %s", path);
    if (r == -ENOMEM)
        return problem_say(reterr_problem, r, "not enough memory to open %s", path);
    if (r < 0)
        return problem_say(reterr_problem, r, "%s is not a key file, or a newer one", path);
    return 0;
}
