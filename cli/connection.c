/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connection.h"

#include "base/own.h"
#include "cli/crypto.h"
#include "proto/wire/wire.h"
#include "rpc/client.h"
#include "rpc/credentials.h"
#include "rpc/trust.h"

#include <errno.h>
#include <string.h>

#define CALL_TIMEOUT_MS 60000
#define REPLY_BYTES_MAX (64 * 1024 * 1024)
#define REPLY_MEMORY_MAX (512UL * 1024 * 1024)
#define CLIENT_PEM_MAX 65536

bool connections_are_named(const struct cli *cli)
{
    const char *socket = getenv("PICKET_SOCKET");

    return option_is_given(cli->given, OPT_NODE) || option_is_given(cli->given, OPT_SOCKET) ||
           (socket && socket[0]);
}

static int add(struct connections *connections, const char *where, bool is_socket,
    struct problem *reterr_problem)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    struct rpc_channel_options options = {.target = where,
        .credentials = is_socket ? NULL : connections->credentials,
        .message_bytes_max = REPLY_BYTES_MAX};

    if (!connection)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    connection->where = where;
    connection->is_socket = is_socket;
    connections->at[connections->count++] = connection;
    return rpc_blocking_open(&options, &connection->channel, reterr_problem);
}

/* The certificates, and the key that stands behind them. */
static int read_client(
    struct cli *cli, struct connections *connections, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    OWN(buffer_fini) struct buffer pem = {0};
    const uint8_t *key = NULL;
    size_t at = 0;
    int r = file_path(cli->fleet->path, FLEET_CLIENT, path, reterr_problem);

    if (r == 0)
        r = file_read(path, CLIENT_PEM_MAX, &pem, reterr_problem);
    if (r < 0)
        return r;
    for (; pem.len && !key && at + 27 <= pem.len; at++)
        if (memcmp(pem.at + at, "-----BEGIN PRIVATE KEY-----", 27) == 0)
            key = pem.at + at;
    if (!key)
        return problem_say(reterr_problem, -EBADMSG, "\"%s\" holds no private key", path);
    r = rpc_credentials_new(bytes_of(pem.at, (size_t)(key - pem.at)),
        bytes_of(key, pem.len - (size_t)(key - pem.at)), connections->trust,
        &connections->credentials, reterr_problem);
    keys_wipe(pem.at, pem.len);
    return r;
}

/* Whoever this fleet's enrollers let in is a node; we cannot know who joined. */
static int publish_trust(struct cli *cli, struct connections *connections)
{
    const struct ledger *ledger = cli->fleet->ledger;
    uint32_t count = ledger_grants_count(ledger);
    OWN(own_memory) struct rpc_trust_enroller *enrollers = calloc(count + 1, sizeof(*enrollers));
    struct rpc_trust_snapshot snapshot = {.enrollers = enrollers, .is_joining = true};

    if (!enrollers)
        return -ENOMEM;
    memcpy(snapshot.fleet_id, ledger_fleet_id(ledger), HASH_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        bool is_live;
        const Picket__V1__Grant *grant = ledger_grant_at(ledger, i, &is_live);
        struct rpc_trust_enroller *enroller = &enrollers[snapshot.enrollers_count];

        if (grant->role != PICKET__V1__ROLE__ROLE_ENROLLER || grant->ca_key.len != RPC_POINT_BYTES)
            continue;
        memcpy(enroller->ca_key, grant->ca_key.data, RPC_POINT_BYTES);
        enroller->is_live = is_live;
        snapshot.enrollers_count++;
    }
    return rpc_trust_publish(connections->trust, &snapshot);
}

static int prepare_tls(
    struct cli *cli, struct connections *connections, struct problem *reterr_problem)
{
    int r = cli_fleet(cli, reterr_problem);

    if (r < 0)
        return r;
    if (rpc_trust_new(NULL, &cli_crypto, NULL, &connections->trust) < 0 ||
        publish_trust(cli, connections) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    return read_client(cli, connections, reterr_problem);
}

int connections_open(
    struct cli *cli, struct connections *ret_connections, struct problem *reterr_problem)
{
    const struct words_given *given = cli->given;
    const char *socket = option_value(given, OPT_SOCKET);
    uint32_t nodes = given->values_count[OPT_NODE];
    int r = 0;

    memset(ret_connections, 0, sizeof(*ret_connections));
    if (!socket && !nodes)
        socket = getenv("PICKET_SOCKET");
    if ((!socket || !socket[0]) && !nodes)
        socket = PICKET_SOCKET_PATH;
    if (nodes)
        r = prepare_tls(cli, ret_connections, reterr_problem);
    for (uint32_t i = 0; r == 0 && i < nodes; i++) {
        if (!strrchr(given->values[OPT_NODE][i], ':'))
            r = cli_usage(cli, reterr_problem,
                "--node \"%s\" lacks a port; write HOST:PORT, such as %.100s:7425",
                given->values[OPT_NODE][i], given->values[OPT_NODE][i]);
        else
            r = add(ret_connections, given->values[OPT_NODE][i], false, reterr_problem);
    }
    if (r == 0 && socket && socket[0])
        r = add(ret_connections, socket, true, reterr_problem);
    if (r < 0)
        connections_fini(ret_connections);
    return r;
}

void connections_fini(struct connections *connections)
{
    for (uint32_t i = 0; i < connections->count; i++) {
        if (connections->at[i]->channel)
            rpc_blocking_close(connections->at[i]->channel);
        free(connections->at[i]);
    }
    if (connections->credentials)
        rpc_credentials_free(connections->credentials);
    if (connections->trust)
        rpc_trust_free(connections->trust);
    memset(connections, 0, sizeof(*connections));
}

struct connection *connections_first(struct connections *connections)
{
    for (uint32_t i = 0; i < connections->count; i++)
        if (connections->at[i]->state == 0)
            return connections->at[i];
    return NULL;
}

/* A connection that fails says where by itself; a refusal by the node does not. */
static int say_where(const struct connection *connection, int r, const struct problem *why,
    struct problem *reterr_problem)
{
    if (r == -ECONNREFUSED && connection->is_socket)
        return problem_say(reterr_problem, r,
            "no daemon answers at %.90s; is picketd running, and may you use its socket? Another "
            "box: --node HOST:PORT",
            connection->where);
    if (strstr(why->text, connection->where))
        return problem_say(reterr_problem, r, "%.230s", why->text);
    return problem_say(reterr_problem, r, "%.60s: %.170s", connection->where, why->text);
}

int connection_ask(struct connection *connection, const char *path, const void *request,
    const ProtobufCMessageDescriptor *reply_type, void *ret_reply, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer bytes = {0};
    OWN(buffer_fini) struct buffer reply = {0};
    struct problem why = {0};
    ProtobufCMessage *message = NULL;
    int r;

    if (wire_pack(request, &bytes) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = rpc_call_blocking(
        connection->channel, path, buffer_bytes(&bytes), CALL_TIMEOUT_MS, &reply, &why);
    if (r < 0)
        return say_where(connection, r, &why, reterr_problem);
    if (wire_unpack_lenient(reply_type, buffer_bytes(&reply), REPLY_MEMORY_MAX, &message) !=
        WIRE_OK)
        return problem_say(reterr_problem, -EPROTO,
            "%.100s: the answer is not understood; is the node's version another?",
            connection->where);
    *(ProtobufCMessage **)ret_reply = message;
    return 0;
}

int connection_follow(struct connection *connection, const char *path, const void *request,
    bool (*on_reply)(void *user, struct bytes reply), void *user, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer bytes = {0};
    struct problem why = {0};
    int r;

    if (wire_pack(request, &bytes) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = rpc_stream_blocking(
        connection->channel, path, buffer_bytes(&bytes), 0, on_reply, user, &why);
    return r < 0 ? say_where(connection, r, &why, reterr_problem) : 0;
}
