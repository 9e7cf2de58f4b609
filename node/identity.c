/* SPDX-License-Identifier: Apache-2.0 */
#include "node/identity.h"
#include "base/own.h"
#include "rpc/x509.h"
#include "store/keys/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX (16UL * 1024 * 1024)
#define SEED_HEAD_BYTES 5 /* kind, then the length, big endian */

/* Appends a whole file. -ENOENT and the like with a sentence that says how to come by it. */
static int read_whole(
    const char *folder, const char *name, struct buffer *to, struct problem *reterr_problem)
{
    char path[512];
    OWN(own_fd) int fd = -1;
    ssize_t got;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return problem_say(reterr_problem, -errno,
            "cannot read '%s': %s; a box joins its fleet with: picket node join INVITE", path,
            strerror(errno));
    do {
        if (buffer_reserve(to, 4096) < 0 || to->len > FILE_BYTES_MAX)
            return problem_say(reterr_problem, -EFBIG, "'%s' is too large", path);
        got = read(fd, to->at + to->len, 4096);
        if (got < 0)
            return problem_say(
                reterr_problem, -errno, "cannot read '%s': %s", path, strerror(errno));
        to->len += (size_t)got;
    } while (got);
    return 0;
}

static int read_key(
    const char *state_dir, struct identity *identity, struct problem *reterr_problem)
{
    uint8_t secret[KEY_FILE_SECRET_MAX];
    char path[512];
    size_t len = 0;
    int r;

    (void)snprintf(path, sizeof(path), "%s/node.key", state_dir);
    r = key_file_read(path, "ed25519", NULL, secret, &len, reterr_problem);
    if (r == 0 && len != 32)
        r = problem_say(reterr_problem, -EBADMSG, "'%s' holds no Ed25519 key", path);
    if (r == 0)
        keys_pair_from_seed(secret, &identity->key);
    keys_wipe(secret, sizeof(secret));
    return r;
}

/* The leaf says who this is. */
static int read_leaf(struct identity *identity, struct problem *reterr_problem)
{
    OWN(own_memory) struct rpc_certificate *leaf = calloc(1, sizeof(*leaf));
    int r;

    if (!leaf)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = rpc_certificate_from_pem(buffer_bytes(&identity->chain_pem), 0, &identity->leaf);
    if (r < 0)
        return problem_say(reterr_problem, r, "node.crt holds no certificate");
    r = rpc_certificate_parse(buffer_bytes(&identity->leaf), leaf, reterr_problem);
    if (r < 0)
        return r;
    if (leaf->kind != RPC_CERTIFICATE_NODE ||
        memcmp(leaf->fleet_id, identity->fleet_id, HASH_BYTES) != 0 ||
        memcmp(leaf->node_key, identity->key.public, KEY_BYTES) != 0)
        return problem_say(reterr_problem, -EBADMSG,
            "node.crt, node.key and genesis do not belong together; join again with a new invite");
    (void)snprintf(identity->name, sizeof(identity->name), "%s", leaf->name);
    memcpy(identity->invite, leaf->invite, HASH_BYTES);
    memcpy(identity->leaf_key, leaf->point, RPC_POINT_BYTES);
    memcpy(identity->key_signature, leaf->key_signature, SIGNATURE_BYTES);
    return 0;
}

/* One host:port a line; the file may be absent. */
static int read_peers(const char *state_dir, struct identity *identity)
{
    struct buffer text = {0};
    char *line, *rest = NULL;
    int r = 0;

    if (read_whole(state_dir, "peers", &text, NULL) < 0 || buffer_append(&text, "", 1) < 0) {
        buffer_fini(&text);
        return 0;
    }
    for (line = strtok_r((char *)text.at, "\n", &rest); line && r == 0;
         line = strtok_r(NULL, "\n", &rest)) {
        char **more = realloc(identity->peers, (identity->peers_count + 1) * sizeof(*more));
        char *copy = strdup(line);

        if (more)
            identity->peers = more;
        if (!more || !copy) {
            free(copy);
            r = -ENOMEM;
        } else {
            identity->peers[identity->peers_count++] = copy;
        }
    }
    buffer_fini(&text);
    return r;
}

static int read_all(
    const char *state_dir, struct identity *identity, struct problem *reterr_problem)
{
    int r = read_whole(state_dir, "genesis", &identity->genesis, reterr_problem);

    if (r < 0)
        return r;
    keys_hash(HASH_GENESIS, buffer_bytes(&identity->genesis), identity->fleet_id);
    r = read_key(state_dir, identity, reterr_problem);
    if (r == 0)
        r = read_whole(state_dir, "node.crt", &identity->chain_pem, reterr_problem);
    if (r == 0)
        r = read_whole(state_dir, "node.tls.key", &identity->tls_key_pem, reterr_problem);
    if (r == 0)
        r = read_leaf(identity, reterr_problem);
    if (r < 0)
        return r;
    (void)read_whole(state_dir, "seed", &identity->seed, NULL);
    return read_peers(state_dir, identity);
}

int identity_read(
    const char *state_dir, struct identity *ret_identity, struct problem *reterr_problem)
{
    struct identity identity = {0};
    int r = read_all(state_dir, &identity, reterr_problem);

    if (r < 0)
        identity_fini(&identity);
    else
        *ret_identity = identity;
    return r;
}

void identity_fini(struct identity *identity)
{
    buffer_fini(&identity->genesis);
    buffer_fini(&identity->chain_pem);
    if (identity->tls_key_pem.at)
        keys_wipe(identity->tls_key_pem.at, identity->tls_key_pem.len);
    buffer_fini(&identity->tls_key_pem);
    buffer_fini(&identity->leaf);
    buffer_fini(&identity->seed);
    for (size_t i = 0; i < identity->peers_count; i++)
        free(identity->peers[i]);
    free(identity->peers);
    keys_wipe(&identity->key, sizeof(identity->key));
    *identity = (struct identity){0};
}

bool identity_seed_next(const struct identity *identity, size_t *offset, enum record_kind *ret_kind,
    struct bytes *ret_bytes)
{
    const struct buffer *seed = &identity->seed;
    size_t len;

    if (seed->len - *offset < SEED_HEAD_BYTES)
        return false;
    len = get_be32(seed->at + *offset + 1);
    if (len > seed->len - *offset - SEED_HEAD_BYTES)
        return false;
    *ret_kind = (enum record_kind)seed->at[*offset];
    *ret_bytes = bytes_of(seed->at + *offset + SEED_HEAD_BYTES, len);
    *offset += SEED_HEAD_BYTES + len;
    return true;
}
