/* SPDX-License-Identifier: Apache-2.0 */
/* invite_join.c - is this invite good, and what a box makes of it. */
#include "base/own.h"
#include "cli/crypto.h"
#include "cli/files.h"
#include "cli/invite_file.h"
#include "cli/verify.h"
#include "rpc/x509.h"
#include "store/keys/key_file.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

OWN_AS(own_ledger, struct ledger, ledger_free)
OWN_AS(own_rpc_key, struct rpc_key, rpc_key_free)

static int no_memory(struct problem *reterr_problem)
{
    return problem_say(reterr_problem, -ENOMEM, "out of memory");
}

/* A ledger of genesis and trust log. The tail may begin behind entries only the fleet has. */
static int build_ledger(
    const struct invite_file *invite, struct ledger **ret_ledger, struct problem *reterr_problem)
{
    OWN(own_ledger) struct ledger *ledger = NULL;
    int r = ledger_new(buffer_bytes(&invite->genesis), &ledger, reterr_problem);

    for (uint32_t i = 0; r == 0 && i < invite->trust_count; i++)
        r = verify_add(ledger, RECORD_TRUST, buffer_bytes(&invite->trust[i]),
            "a trust record of the invite", reterr_problem);
    if (r == 0)
        *ret_ledger = give(ledger);
    return r;
}

/* Is the CA's point granted to the author of the entries? */
static int check_enroller(const struct ledger *ledger, const struct invite_file *invite,
    const struct rpc_certificate *ca, struct problem *reterr_problem)
{
    struct record_view view;

    for (uint32_t i = 0; i < invite->entries_count; i++) {
        const Picket__V1__Grant *grant;
        bool is_live;
        int r = verify_record(ledger, RECORD_ENTRY, buffer_bytes(&invite->entries[i]),
            "the enroller's entry in the invite", &view, reterr_problem);

        if (r < 0)
            return r;
        grant = verify_grant_of(ledger, view.author, &is_live);
        if (!grant || !is_live || grant->role != PICKET__V1__ROLE__ROLE_ENROLLER ||
            grant->ca_key.len != RPC_POINT_BYTES ||
            memcmp(grant->ca_key.data, ca->point, RPC_POINT_BYTES) != 0)
            return problem_say(
                reterr_problem, -EACCES, "the invite was not signed by an enroller of this fleet");
    }
    if (!invite->entries_count)
        return problem_say(reterr_problem, -EINVAL, "the invite carries no entry of its enroller");
    return 0;
}

/* The certificates and the key belong together. */
static int check_certificates(const struct ledger *ledger, const struct invite_file *invite,
    struct rpc_certificate *ret_invite, struct problem *reterr_problem)
{
    OWN(own_rpc_key) struct rpc_key *key = NULL;
    OWN(own_memory) struct rpc_certificate *ca = calloc(1, sizeof(*ca));
    uint8_t point[RPC_POINT_BYTES];
    int r = ca ? rpc_certificate_parse(buffer_bytes(&invite->ca), ca, reterr_problem)
               : no_memory(reterr_problem);

    if (r == 0)
        r = rpc_certificate_parse(buffer_bytes(&invite->certificate), ret_invite, reterr_problem);
    if (r == 0)
        r = rpc_key_from_der(buffer_bytes(&invite->key), &key, reterr_problem);
    if (r < 0)
        return r;
    rpc_key_point(key, point);
    if (ca->kind != RPC_CERTIFICATE_CA || ret_invite->kind != RPC_CERTIFICATE_INVITE ||
        memcmp(ret_invite->fleet_id, ledger_fleet_id(ledger), HASH_BYTES) != 0 ||
        !rpc_certificate_signed_by(buffer_bytes(&invite->certificate), ca->point))
        return problem_say(
            reterr_problem, -EACCES, "the invite's certificate is not of this fleet's enroller");
    if (memcmp(point, ret_invite->point, sizeof(point)) != 0)
        return problem_say(
            reterr_problem, -EINVAL, "the invite's key does not belong to its certificate");
    return check_enroller(ledger, invite, ca, reterr_problem);
}

int invite_file_verify(const struct invite_file *invite, char ret_name[NAME_BYTES_MAX + 1],
    uint64_t *ret_join_by, struct problem *reterr_problem)
{
    OWN(own_ledger) struct ledger *ledger = NULL;
    OWN(own_memory) struct rpc_certificate *certificate = calloc(1, sizeof(*certificate));
    int r = certificate ? build_ledger(invite, &ledger, reterr_problem) : no_memory(reterr_problem);

    if (r == 0)
        r = check_certificates(ledger, invite, certificate, reterr_problem);
    if (r == 0) {
        (void)snprintf(ret_name, NAME_BYTES_MAX + 1, "%s", certificate->name);
        *ret_join_by = certificate->join_by;
    }
    return r;
}

/* ---- joining */

struct joining {
    const struct invite_file *invite;
    const char *state_dir;
    uint64_t now_s;
    uint8_t fleet_id[HASH_BYTES];
    char name[NAME_BYTES_MAX + 1];
    struct problem *reterr_problem;
};

static int put(const struct joining *joining, const char *name, struct bytes content, mode_t mode)
{
    char path[FILE_PATH_MAX];
    int r = file_path(joining->state_dir, name, path, joining->reterr_problem);

    return r < 0 ? r : file_replace(path, content, mode, joining->reterr_problem);
}

/* A crashed attempt may have left a key that no certificate names: it goes. */
static int make_node_key(const struct joining *joining, struct key_pair *ret_pair)
{
    char path[FILE_PATH_MAX];
    int r = file_path(joining->state_dir, STATE_NODE_KEY, path, joining->reterr_problem);

    if (r < 0)
        return r;
    (void)unlink(path);
    keys_pair_new(ret_pair);
    return key_file_write(
        path, "ed25519", bytes_of(ret_pair->secret, 32), NULL, joining->reterr_problem);
}

/* The leaf: its P-256 key and the node's Ed25519 key bound together, signed by the invite's key. */
static int make_leaf(const struct joining *joining, const struct key_pair *pair,
    const struct rpc_key *leaf_key, struct buffer *leaf)
{
    OWN(own_rpc_key) struct rpc_key *invite_key = NULL;
    OWN(buffer_fini) struct buffer binding = {0};
    uint8_t point[RPC_POINT_BYTES];
    uint8_t hash[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    uint8_t invite_id[HASH_BYTES];
    struct rpc_leaf_parts parts = {.fleet_id = joining->fleet_id,
        .name = joining->name,
        .point = point,
        .node_key = pair->public,
        .key_signature = signature,
        .invite = invite_id};
    int r =
        rpc_key_from_der(buffer_bytes(&joining->invite->key), &invite_key, joining->reterr_problem);

    if (r < 0)
        return r;
    rpc_key_point(leaf_key, point);
    r = rpc_binding_bytes(joining->fleet_id, point, pair->public, joining->name, &binding);
    if (r < 0)
        return problem_say(joining->reterr_problem, r, "cannot bind the keys: %s", strerror(-r));
    keys_hash(HASH_NODE, buffer_bytes(&binding), hash);
    keys_sign(pair, hash, signature);
    keys_hash(HASH_NODE, buffer_bytes(&joining->invite->certificate), invite_id);
    r = rpc_leaf_make(invite_key, &parts, joining->now_s, leaf);
    return r < 0 ? problem_say(
                       joining->reterr_problem, r, "cannot make the certificate: %s", strerror(-r))
                 : 0;
}

static int put_chain(const struct joining *joining, const struct buffer *leaf)
{
    OWN(buffer_fini) struct buffer chain = {0};
    int r = rpc_certificate_pem(buffer_bytes(leaf), &chain);

    if (r == 0)
        r = rpc_certificate_pem(buffer_bytes(&joining->invite->certificate), &chain);
    if (r == 0)
        r = rpc_certificate_pem(buffer_bytes(&joining->invite->ca), &chain);
    if (r < 0)
        return problem_say(
            joining->reterr_problem, r, "cannot write the certificates: %s", strerror(-r));
    return put(joining, STATE_NODE_CERTIFICATE, buffer_bytes(&chain), 0644);
}

static int put_seed(const struct joining *joining)
{
    OWN(buffer_fini) struct buffer seed = {0};
    const struct invite_file *invite = joining->invite;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < invite->trust_count; i++)
        r = records_put(&seed, RECORD_TRUST, buffer_bytes(&invite->trust[i]));
    for (uint32_t i = 0; r == 0 && i < invite->entries_count; i++)
        r = records_put(&seed, RECORD_ENTRY, buffer_bytes(&invite->entries[i]));
    if (r < 0)
        return no_memory(joining->reterr_problem);
    return put(joining, STATE_SEED, buffer_bytes(&seed), 0644);
}

static int put_peers(const struct joining *joining)
{
    OWN(buffer_fini) struct buffer text = {0};
    const struct invite_file *invite = joining->invite;

    for (uint32_t i = 0; i < invite->peers_count; i++)
        if (buffer_append(&text, invite->peers[i], strlen(invite->peers[i])) < 0 ||
            buffer_append(&text, "\n", 1) < 0)
            return no_memory(joining->reterr_problem);
    return put(joining, STATE_PEERS, buffer_bytes(&text), 0644);
}

static void own_pair(struct key_pair *pair)
{
    keys_wipe(pair, sizeof(*pair));
}

/* node.crt comes last: with it a node lives here. */
static int fill_state(const struct joining *joining)
{
    OWN(own_pair) struct key_pair pair = {0};
    OWN(own_rpc_key) struct rpc_key *leaf_key = NULL;
    OWN(buffer_fini) struct buffer leaf = {0};
    OWN(buffer_fini) struct buffer key_pem = {0};
    int r = make_node_key(joining, &pair);

    if (r == 0 && (rpc_key_new(&leaf_key) < 0 || rpc_key_pem(leaf_key, &key_pem) < 0))
        r = problem_say(joining->reterr_problem, -EIO, "cannot make a P-256 key");
    if (r == 0)
        r = make_leaf(joining, &pair, leaf_key, &leaf);
    if (r == 0)
        r = put(joining, STATE_NODE_TLS_KEY, buffer_bytes(&key_pem), 0600);
    if (r == 0)
        r = put(joining, STATE_GENESIS, buffer_bytes(&joining->invite->genesis), 0644);
    if (r == 0)
        r = put_seed(joining);
    if (r == 0)
        r = put_peers(joining);
    if (r == 0)
        r = put_chain(joining, &leaf);
    keys_wipe(key_pem.at, key_pem.len);
    return r;
}

int invite_file_join(const struct invite_file *invite, const char *state_dir, uint64_t now_s,
    struct problem *reterr_problem)
{
    struct joining joining = {
        .invite = invite, .state_dir = state_dir, .now_s = now_s, .reterr_problem = reterr_problem};
    char path[FILE_PATH_MAX];
    uint64_t join_by = 0;
    int r = invite_file_verify(invite, joining.name, &join_by, reterr_problem);

    if (r == 0 && now_s > join_by)
        r = problem_say(reterr_problem, -ETIME,
            "the invite for \"%s\" had to be used earlier; ask for a new one", joining.name);
    if (r == 0)
        r = file_make_folder(state_dir, 0700, reterr_problem);
    if (r == 0)
        r = file_path(state_dir, STATE_NODE_CERTIFICATE, path, reterr_problem);
    if (r == 0 && access(path, F_OK) == 0)
        r = problem_say(reterr_problem, -EEXIST,
            "a node lives in \"%s\" already (%s is there); one box joins once", state_dir,
            STATE_NODE_CERTIFICATE);
    if (r < 0)
        return r;
    keys_hash(HASH_GENESIS, buffer_bytes(&invite->genesis), joining.fleet_id);
    return fill_state(&joining);
}
