/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fleet.h"

#include "base/own.h"
#include "cli/verify.h"
#include "proto/wire/wire.h"
#include "store/keys/key_file.h"
#include "store/ledger/author.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TRUST_LOG_BYTES_MAX (64 * 1024 * 1024)

OWN_AS(own_fleet, struct fleet, fleet_close)

int fleet_home(char ret_path[FILE_PATH_MAX], struct problem *reterr_problem)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && config[0])
        return file_path(config, "picket", ret_path, reterr_problem);
    if (home && home[0])
        return file_path(home, ".config/picket", ret_path, reterr_problem);
    return problem_say(
        reterr_problem, -ENOENT, "HOME is not set; name the fleet's folder with --fleet DIR");
}

static bool is_fleet(const char *folder)
{
    char path[FILE_PATH_MAX];

    return file_path(folder, FLEET_GENESIS, path, NULL) == 0 && access(path, F_OK) == 0;
}

static void close_folder(DIR **slot)
{
    if (*slot)
        (void)closedir(*slot);
}

/* The only fleet below the home. */
static int find_only(char ret_path[FILE_PATH_MAX], struct problem *reterr_problem)
{
    char home[FILE_PATH_MAX];
    char names[160] = "";
    char path[FILE_PATH_MAX];
    uint32_t count = 0;
    int r = fleet_home(home, reterr_problem);
    OWN(close_folder) DIR *folder = r == 0 ? opendir(home) : NULL;

    if (r < 0)
        return r;
    for (struct dirent *at; folder && (at = readdir(folder));) {
        size_t used = strlen(names);

        if (at->d_name[0] == '.' || file_path(home, at->d_name, path, NULL) < 0 || !is_fleet(path))
            continue;
        (void)snprintf(
            names + used, sizeof(names) - used, "%s%.64s", count ? ", " : "", at->d_name);
        memcpy(ret_path, path, sizeof(path));
        count++;
    }
    if (count == 1)
        return 0;
    if (count)
        return problem_say(
            reterr_problem, -ENOENT, "there are several fleets; say which: --fleet %s", names);
    return problem_say(reterr_problem, -ENOENT,
        "there is no fleet in %.100s yet; make one with picket fleet init NAME, or say where one "
        "is with --fleet DIR",
        home);
}

int fleet_find(const char *given, char ret_path[FILE_PATH_MAX], struct problem *reterr_problem)
{
    char home[FILE_PATH_MAX];
    int r = 0;

    if (!given)
        given = getenv("PICKET_FLEET");
    if (!given || !given[0])
        return find_only(ret_path, reterr_problem);
    if (!strchr(given, '/') && fleet_home(home, NULL) == 0 &&
        file_path(home, given, ret_path, NULL) == 0 && is_fleet(ret_path))
        return 0;
    r = file_path(given, ".", ret_path, reterr_problem);
    if (r < 0)
        return r;
    ret_path[strlen(ret_path) - 2] = '\0';
    if (is_fleet(ret_path))
        return 0;
    return problem_say(reterr_problem, -ENOENT,
        "\"%.100s\" is no fleet: neither a name below ~/.config/picket nor a folder with a file "
        "\"genesis\"",
        given);
}

static int take_lock(struct fleet *fleet, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    int r = file_path(fleet->path, "lock", path, reterr_problem);

    if (r < 0)
        return r;
    fleet->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fleet->lock_fd < 0)
        return problem_say(reterr_problem, -errno, "cannot open \"%s\": %m", path);
    while (flock(fleet->lock_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return problem_say(reterr_problem, -errno, "cannot lock \"%s\": %m", path);
    return 0;
}

static int read_trust(struct fleet *fleet, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    OWN(buffer_fini) struct buffer list = {0};
    enum record_kind kind;
    struct bytes record;
    size_t offset = 0;
    int r = file_path(fleet->path, FLEET_TRUST, path, reterr_problem);

    if (r == 0)
        r = file_read(path, TRUST_LOG_BYTES_MAX, &list, reterr_problem);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    while (records_next(buffer_bytes(&list), &offset, &kind, &record)) {
        r = verify_add(fleet->ledger, RECORD_TRUST, record, "a record in the fleet's trust.log",
            reterr_problem);
        if (r < 0)
            return r;
    }
    if (offset < list.len) /* an append that a crash cut short: it was not acted on */
        return file_replace(path, bytes_of(list.at, offset), 0600, reterr_problem);
    return 0;
}

int fleet_open(const char *path, struct fleet **ret_fleet, struct problem *reterr_problem)
{
    OWN(own_fleet) struct fleet *fleet = calloc(1, sizeof(*fleet));
    OWN(buffer_fini) struct buffer genesis = {0};
    char file[FILE_PATH_MAX];
    int r;

    if (!fleet)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    fleet->lock_fd = -1;
    (void)snprintf(fleet->path, sizeof(fleet->path), "%s", path);
    r = file_path(path, FLEET_GENESIS, file, reterr_problem);
    if (r == 0)
        r = file_read(file, ENTRY_BYTES_MAX, &genesis, reterr_problem);
    if (r == 0)
        r = take_lock(fleet, reterr_problem);
    if (r == 0)
        r = ledger_new(buffer_bytes(&genesis), &fleet->ledger, reterr_problem);
    if (r == 0)
        r = read_trust(fleet, reterr_problem);
    if (r == 0)
        *ret_fleet = give(fleet);
    return r;
}

void fleet_close(struct fleet *fleet)
{
    if (!fleet)
        return;
    own_fd(&fleet->lock_fd);
    ledger_free(fleet->ledger);
    free(fleet);
}

void fleet_unlock(struct fleet *fleet)
{
    own_fd(&fleet->lock_fd);
    fleet->lock_fd = -1;
}

int fleet_add_trust(struct fleet *fleet, struct bytes record, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    OWN(buffer_fini) struct buffer list = {0};
    uint64_t before = ledger_revision(fleet->ledger);
    int r = verify_add(fleet->ledger, RECORD_TRUST, record, "a trust record", reterr_problem);

    if (r < 0 || ledger_revision(fleet->ledger) == before)
        return r;
    r = file_path(fleet->path, FLEET_TRUST, path, reterr_problem);
    if (r == 0 && records_put(&list, RECORD_TRUST, record) < 0)
        r = problem_say(reterr_problem, -ENOMEM, "out of memory");
    if (r == 0)
        r = file_append(path, buffer_bytes(&list), 0600, reterr_problem);
    return r;
}

static void own_pair(struct key_pair *pair)
{
    keys_wipe(pair, sizeof(*pair));
}

int fleet_make_trust(struct fleet *fleet, const Picket__V1__TrustBody *body, const char *passphrase,
    struct problem *reterr_problem)
{
    OWN(own_pair) struct key_pair root = {0};
    OWN(buffer_fini) struct buffer record = {0};
    uint8_t id[HASH_BYTES];
    uint64_t position = 0;
    struct bytes head = ledger_trust_head(fleet->ledger, &position);
    int r = fleet_read_key(fleet, FLEET_ROOT_KEY, passphrase, &root, reterr_problem);

    if (r < 0)
        return r;
    if (!head.len)
        position = 0;
    r = author_trust(ledger_fleet_id(fleet->ledger), position + 1, head.len ? head.at : NULL, body,
        &root, 0, &record, id);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot make the trust record: %s", strerror(-r));
    return fleet_add_trust(fleet, buffer_bytes(&record), reterr_problem);
}

int fleet_read_key(const struct fleet *fleet, const char *name, const char *passphrase,
    struct key_pair *ret_pair, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    uint8_t secret[KEY_FILE_SECRET_MAX];
    size_t len = 0;
    int r = 0;

    if (strchr(name, '/'))
        (void)snprintf(path, sizeof(path), "%s", name);
    else
        r = file_path(fleet->path, name, path, reterr_problem);
    if (r == 0)
        r = key_file_read(path, "ed25519", passphrase, secret, &len, reterr_problem);
    if (r == 0 && len != 32)
        r = problem_say(reterr_problem, -EINVAL, "\"%s\" holds no Ed25519 key", path);
    if (r == 0)
        keys_pair_from_seed(secret, ret_pair);
    keys_wipe(secret, sizeof(secret));
    return r;
}

int fleet_new_key(const char *path, const char *passphrase, struct key_pair *ret_pair,
    struct problem *reterr_problem)
{
    keys_pair_new(ret_pair);
    return key_file_write(
        path, "ed25519", bytes_of(ret_pair->secret, 32), passphrase, reterr_problem);
}
