/* SPDX-License-Identifier: Apache-2.0 */
/* offline_test.c - a fleet made, granted, invited to and joined without any node. */
#include "folder.h"

#include "base/own.h"
#include "cli/cli.h"
#include "cli/crypto.h"
#include "cli/invite_file.h"
#include "cli/verify.h"
#include "rpc/x509.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    folder_make(folder);
    assert_int_equal(folder_run(folder, "fleet", "init", "lab", "--person", "ada", "--dir",
                         folder_path(folder, "f"), NULL),
        EXIT_DONE);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    folder_drop(*state);
    free(*state);
    return 0;
}

static int invite(struct folder *folder, char *name)
{
    return folder_run(folder, "node", "invite", name, "--fleet", folder_path(folder, "f"),
        "--label", "site=berlin", "--label", "arm=yes", "--peer", "192.0.2.1:7425", "-o",
        folder_path(folder, name), NULL);
}

static void a_new_fleet_has_an_enroller_and_an_operator(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(
        folder_run(folder, "trust", "list", "--fleet", folder_path(folder, "f"), NULL), EXIT_DONE);
    assert_non_null(strstr(folder->out, "enroller"));
    assert_non_null(strstr(folder->out, "operator"));
    assert_non_null(strstr(folder->out, "ada"));
}

static void keys_are_for_their_owner_alone(void **state)
{
    static const char *const names[] = {
        "root.key", "operator.key", "enroller.key", "enroller-ca.key", "client.pem"};
    struct folder *folder = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        struct stat stat_of;

        (void)snprintf(name, sizeof(name), "f/%s", names[i]);
        assert_int_equal(stat(folder_path(folder, name), &stat_of), 0);
        assert_int_equal(stat_of.st_mode & 0777, 0600);
    }
}

static void a_second_fleet_does_not_overwrite_the_first(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_run(folder, "fleet", "init", "lab", "--person", "ada", "--dir",
                         folder_path(folder, "f"), NULL),
        EXIT_REFUSED);
    assert_non_null(strstr(folder->err, "already"));
}

static void a_grant_is_in_the_trust_log(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_run(folder, "trust", "grant", "operator", "berta", "--new-key",
                         folder_path(folder, "berta.key"), "--scope", "site=berlin", "--band",
                         "100-199", "--actions", "drop", "--fleet", folder_path(folder, "f"), NULL),
        EXIT_DONE);
    assert_int_equal(
        folder_run(folder, "trust", "list", "--json", "--fleet", folder_path(folder, "f"), NULL),
        EXIT_DONE);
    assert_non_null(strstr(folder->out, "\"berta\""));
    assert_non_null(strstr(folder->out, "\"site=berlin\""));
    assert_non_null(strstr(folder->out, "199"));
}

static void an_unknown_role_names_the_nearest(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_run(folder, "trust", "grant", "operato", "berta", "--new-key",
                         folder_path(folder, "b"), "--fleet", folder_path(folder, "f"), NULL),
        EXIT_USAGE);
    assert_non_null(strstr(folder->err, "\"operato\""));
    assert_non_null(strstr(folder->err, "\"operator\""));
}

static void a_damaged_trust_log_is_refused(void **state)
{
    struct folder *folder = *state;
    OWN(buffer_fini) struct buffer bytes = {0};

    assert_int_equal(file_read(folder_path(folder, "f/trust.log"), 65536, &bytes, NULL), 0);
    bytes.at[bytes.len - 1] ^= 1;
    assert_int_equal(
        file_replace(folder_path(folder, "f/trust.log"), buffer_bytes(&bytes), 0600, NULL), 0);
    assert_int_equal(folder_run(folder, "trust", "list", "--fleet", folder_path(folder, "f"), NULL),
        EXIT_REFUSED);
    assert_non_null(strstr(folder->err, "signature"));
}

/* What the daemon does with the seed at its start. */
static void load_seed(struct folder *folder, struct ledger *ledger, uint32_t *entries)
{
    OWN(buffer_fini) struct buffer seed = {0};
    enum record_kind kind;
    struct bytes record;
    size_t offset = 0;

    assert_int_equal(file_read(folder_path(folder, "s/seed"), 1 << 20, &seed, NULL), 0);
    while (records_next(buffer_bytes(&seed), &offset, &kind, &record)) {
        assert_int_equal(verify_add(ledger, kind, record, "seed", NULL), 0);
        *entries += kind == RECORD_ENTRY;
    }
    assert_int_equal(offset, seed.len);
}

static void check_leaf(struct folder *folder, struct ledger *ledger)
{
    OWN(buffer_fini) struct buffer pem = {0};
    OWN(buffer_fini) struct buffer leaf = {0};
    struct rpc_certificate *certificate = calloc(1, sizeof(*certificate));
    struct ledger_node node;
    struct rpc_join_parts parts;

    assert_int_equal(file_read(folder_path(folder, "s/node.crt"), 65536, &pem, NULL), 0);
    assert_int_equal(rpc_certificate_from_pem(buffer_bytes(&pem), 0, &leaf), 0);
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&leaf), certificate, NULL), 0);
    assert_true(ledger_node_find(ledger, certificate->invite, &node));
    assert_int_equal(node.status, NODE_INVITED);
    assert_string_equal(node.name, "edge7");
    assert_int_equal(node.labels_count, 2);
    parts = (struct rpc_join_parts){.fleet_id = ledger_fleet_id(ledger),
        .invite = certificate->invite,
        .invite_key = node.invite_key,
        .invite_name = node.name,
        .leaf = buffer_bytes(&leaf),
        .leaf_key = certificate->point,
        .node_key = certificate->node_key,
        .key_signature = certificate->key_signature};
    assert_int_equal(rpc_join_check(&parts, &cli_crypto, NULL), RPC_REFUSED_NONE);
    free(certificate);
}

static void a_joined_box_holds_what_its_daemon_will_verify(void **state)
{
    struct folder *folder = *state;
    OWN(buffer_fini) struct buffer genesis = {0};
    struct ledger *ledger = NULL;
    uint32_t entries = 0;

    assert_int_equal(invite(folder, "edge6"), EXIT_DONE);
    assert_int_equal(invite(folder, "edge7"), EXIT_DONE);
    assert_int_equal(folder_run(folder, "node", "join", folder_path(folder, "edge7"), "--state",
                         folder_path(folder, "s"), NULL),
        EXIT_DONE);
    assert_int_equal(file_read(folder_path(folder, "s/genesis"), 65536, &genesis, NULL), 0);
    assert_int_equal(ledger_new(buffer_bytes(&genesis), &ledger, NULL), 0);
    load_seed(folder, ledger, &entries);
    assert_int_equal(entries, 2); /* edge6's invite was never acknowledged: it comes along */
    check_leaf(folder, ledger);
    ledger_free(ledger);
}

static void a_box_joins_once(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(invite(folder, "edge7"), EXIT_DONE);
    assert_int_equal(folder_run(folder, "node", "join", folder_path(folder, "edge7"), "--state",
                         folder_path(folder, "s"), NULL),
        EXIT_DONE);
    assert_int_equal(folder_run(folder, "node", "join", folder_path(folder, "edge7"), "--state",
                         folder_path(folder, "s"), NULL),
        EXIT_REFUSED);
    assert_non_null(strstr(folder->err, "already"));
}

static void an_expired_invite_is_refused_before_keys_are_made(void **state)
{
    struct folder *folder = *state;
    OWN(buffer_fini) struct buffer text = {0};
    OWN(invite_file_fini) struct invite_file file = {0};
    struct problem problem = {0};

    assert_int_equal(invite(folder, "edge7"), EXIT_DONE);
    assert_int_equal(file_read(folder_path(folder, "edge7"), 1 << 20, &text, NULL), 0);
    assert_int_equal(invite_file_parse("edge7", buffer_bytes(&text), &file, NULL), 0);
    assert_true(
        invite_file_join(&file, folder_path(folder, "s"), cli_now_s() + 8 * 86400, &problem) < 0);
    assert_non_null(strstr(problem.text, "earlier"));
    assert_true(access(folder_path(folder, "s"), F_OK) < 0);
}

static void an_invite_of_another_fleet_does_not_verify(void **state)
{
    struct folder *folder = *state;
    OWN(buffer_fini) struct buffer text = {0};
    OWN(buffer_fini) struct buffer genesis = {0};
    OWN(invite_file_fini) struct invite_file file = {0};
    char name[NAME_BYTES_MAX + 1];
    uint64_t join_by;

    assert_int_equal(folder_run(folder, "fleet", "init", "other", "--person", "eve", "--dir",
                         folder_path(folder, "g"), NULL),
        EXIT_DONE);
    assert_int_equal(invite(folder, "edge7"), EXIT_DONE);
    assert_int_equal(file_read(folder_path(folder, "edge7"), 1 << 20, &text, NULL), 0);
    assert_int_equal(invite_file_parse("edge7", buffer_bytes(&text), &file, NULL), 0);
    assert_int_equal(invite_file_verify(&file, name, &join_by, NULL), 0);
    assert_string_equal(name, "edge7");
    assert_int_equal(file_read(folder_path(folder, "g/genesis"), 65536, &genesis, NULL), 0);
    file.genesis.len = 0;
    assert_int_equal(buffer_append(&file.genesis, genesis.at, genesis.len), 0);
    assert_true(invite_file_verify(&file, name, &join_by, NULL) < 0);
}

static void a_passphrase_closes_every_key(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(
        file_replace(folder_path(folder, "p"), bytes_of("correct horse\n", 14), 0600, NULL), 0);
    assert_int_equal(file_replace(folder_path(folder, "w"), bytes_of("wrong\n", 6), 0600, NULL), 0);
    assert_int_equal(
        folder_run(folder, "fleet", "init", "closed", "--person", "ada", "--dir",
            folder_path(folder, "c"), "--passphrase-file", folder_path(folder, "p"), NULL),
        EXIT_DONE);
    assert_int_equal(
        folder_run(folder, "node", "invite", "edge1", "--fleet", folder_path(folder, "c"), "-o",
            folder_path(folder, "e"), "--passphrase-file", folder_path(folder, "w"), NULL),
        EXIT_REFUSED);
    assert_int_equal(
        folder_run(folder, "node", "invite", "edge1", "--fleet", folder_path(folder, "c"), "-o",
            folder_path(folder, "e"), "--passphrase-file", folder_path(folder, "p"), NULL),
        EXIT_DONE);
}

static void several_boxes_are_invited_in_one_entry(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(folder_run(folder, "node", "invite", "a", "b", "--fleet",
                         folder_path(folder, "f"), "-o", folder_path(folder, "invites"), NULL),
        EXIT_DONE);
    assert_int_equal(folder_run(folder, "node", "join", folder_path(folder, "invites/b.invite"),
                         "--state", folder_path(folder, "s"), NULL),
        EXIT_DONE);
    assert_non_null(strstr(folder->out, "\"b\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_fleet_has_an_enroller_and_an_operator),
        TEST(keys_are_for_their_owner_alone),
        TEST(a_second_fleet_does_not_overwrite_the_first),
        TEST(a_grant_is_in_the_trust_log),
        TEST(an_unknown_role_names_the_nearest),
        TEST(a_damaged_trust_log_is_refused),
        TEST(a_joined_box_holds_what_its_daemon_will_verify),
        TEST(a_box_joins_once),
        TEST(an_expired_invite_is_refused_before_keys_are_made),
        TEST(an_invite_of_another_fleet_does_not_verify),
        TEST(a_passphrase_closes_every_key),
        TEST(several_boxes_are_invited_in_one_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
