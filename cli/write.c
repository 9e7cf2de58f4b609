/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/write.h"

#include "base/own.h"
#include "cli/verify.h"
#include "proto/wire/wire.h"

#include "proto/picket/v1/fleet.pb-c.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define SEND_BYTES_MAX (3 * 1024 * 1024) /* below REQUEST_BYTES_MAX */
#define SEND_RECORDS_MAX 400
#define WAIT_TIMEOUT_MS 30000

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

/* ---- what the node knows */

static int fetch_trust(
    struct cli *cli, struct connection *connection, uint64_t from, struct problem *reterr_problem)
{
    Picket__V1__TrustRequest request = PICKET__V1__TRUST_REQUEST__INIT;
    OWN(own_message) Picket__V1__TrustResponse *reply = NULL;
    int r;

    request.from_position = from;
    r = connection_ask(connection, "/picket.v1.Fleet/Trust", &request,
        &picket__v1__trust_response__descriptor, &reply, reterr_problem);
    for (size_t i = 0; r == 0 && i < reply->n_records; i++) {
        OWN(buffer_fini) struct buffer record = {0};

        if (wire_pack(&reply->records[i]->base, &record) < 0)
            return problem_say(reterr_problem, -ENOMEM, "out of memory");
        r = fleet_add_trust(cli->fleet, buffer_bytes(&record), reterr_problem);
    }
    return r;
}

static int take_status(struct cli *cli, struct connection *connection,
    const Picket__V1__FleetStatusResponse *status, struct problem *reterr_problem)
{
    const uint8_t *fleet_id = ledger_fleet_id(cli->fleet->ledger);
    uint64_t own = 0;

    if (status->fleet_id.len != HASH_BYTES ||
        memcmp(status->fleet_id.data, fleet_id, HASH_BYTES) != 0)
        return problem_say(reterr_problem, -EPERM,
            "%.80s belongs to the fleet \"%.60s\", the folder %.60s to another", connection->where,
            status->name, cli->fleet->path);
    connection->trust_position = status->trust_position;
    if (!ledger_trust_head(cli->fleet->ledger, &own).len)
        own = 0;
    if (status->trust_position > own)
        return fetch_trust(cli, connection, own + 1, reterr_problem);
    return 0;
}

/* The node's status, once its trust log and ours have been compared. */
static int ask_status(struct cli *cli, struct connection *connection,
    Picket__V1__FleetStatusResponse **ret_status, struct problem *reterr_problem)
{
    Picket__V1__FleetStatusRequest request = PICKET__V1__FLEET_STATUS_REQUEST__INIT;
    OWN(own_message) Picket__V1__FleetStatusResponse *status = NULL;
    int r = connection_ask(connection, "/picket.v1.Fleet/Status", &request,
        &picket__v1__fleet_status_response__descriptor, &status, reterr_problem);

    if (r == 0)
        r = take_status(cli, connection, status, reterr_problem);
    if (r == 0)
        *ret_status = give(status);
    return r;
}

int write_sync_trust(struct cli *cli, struct connection *connection, struct problem *reterr_problem)
{
    OWN(own_message) Picket__V1__FleetStatusResponse *status = NULL;

    return ask_status(cli, connection, &status, reterr_problem);
}

static int check_node(
    struct writing *writing, struct connection *connection, struct problem *reterr_problem)
{
    OWN(own_message) Picket__V1__FleetStatusResponse *status = NULL;
    int r = ask_status(writing->cli, connection, &status, reterr_problem);

    for (size_t i = 0; r == 0 && i < status->n_heads; i++) {
        const Picket__V1__Head *head = status->heads[i];

        if (head->author.len == KEY_BYTES && head->id.len == HASH_BYTES &&
            memcmp(head->author.data, writing->chain.key, KEY_BYTES) == 0) {
            connection->key_seq = head->seq;
            r = chain_check(&writing->chain, head->seq, head->id.data, reterr_problem);
        }
    }
    return r;
}

/* Unreachable nodes are left out where others answer; anything else ends the run. */
static int check_nodes(struct writing *writing, struct problem *reterr_problem)
{
    struct connections *all = &writing->connections;

    for (uint32_t i = 0; i < all->count; i++) {
        struct connection *connection = all->at[i];
        int r = check_node(writing, connection, &connection->why);

        if (r == -ECONNREFUSED || r == -ETIMEDOUT)
            connection->state = r;
        else if (r < 0)
            return problem_say(reterr_problem, r, "%s", connection->why.text);
    }
    writing->first = connections_first(all);
    if (!writing->first)
        return problem_say(reterr_problem, all->at[0]->state, "%s", all->at[0]->why.text);
    return 0;
}

/* ---- a change */

static int find_grant(struct writing *writing, struct problem *reterr_problem)
{
    bool has_ended = false;
    char key[2 * KEY_BYTES + 1];

    hex_print(writing->pair.public, KEY_BYTES, key);
    writing->grant =
        ledger_grant_find(writing->cli->fleet->ledger, writing->pair.public, &has_ended);
    if (writing->grant)
        return 0;
    if (has_ended)
        return problem_say(reterr_problem, -EPERM,
            "the grant of this key (%.16s...) has been ended; a root can grant a new key", key);
    return problem_say(reterr_problem, -EPERM,
        "nothing is granted to this key (%.16s...); a root grants it with picket trust grant "
        "operator PERSON --key %s",
        key, key);
}

static int read_wish(struct cli *cli, struct wait_wish *ret_wish, struct problem *reterr_problem)
{
    const char *text = option_value(cli->given, OPT_WAIT);
    int r = wait_parse(text ? text : "", ret_wish, reterr_problem);

    cli->is_usage = cli->is_usage || r < 0;
    return r;
}

int write_begin(struct cli *cli, const char *key_name, bool is_offline_allowed,
    struct writing *ret_writing, struct problem *reterr_problem)
{
    const char *given_key = option_value(cli->given, OPT_OPERATOR);
    int r;

    memset(ret_writing, 0, sizeof(*ret_writing));
    ret_writing->cli = cli;
    r = read_wish(cli, &ret_writing->wish, reterr_problem);
    if (r == 0)
        r = cli_fleet(cli, reterr_problem);
    if (r == 0)
        r = cli_key(cli, given_key ? given_key : key_name, &ret_writing->pair, reterr_problem);
    if (r == 0)
        r = chain_open(cli->fleet->path, cli->fleet->ledger, ret_writing->pair.public,
            &ret_writing->chain, reterr_problem);
    if (r == 0 && (!is_offline_allowed || connections_are_named(cli))) {
        r = connections_open(cli, &ret_writing->connections, reterr_problem);
        if (r == 0)
            r = check_nodes(ret_writing, reterr_problem);
    }
    if (r == 0)
        r = find_grant(ret_writing, reterr_problem);
    if (r < 0)
        write_end(ret_writing);
    return r;
}

void write_end(struct writing *writing)
{
    connections_fini(&writing->connections);
    chain_fini(&writing->chain);
    keys_wipe(&writing->pair, sizeof(writing->pair));
}

int write_sign(struct writing *writing, Picket__V1__Operation **ops, size_t ops_count,
    uint8_t ret_id[HASH_BYTES], struct problem *reterr_problem)
{
    Picket__V1__Ops message = PICKET__V1__OPS__INIT;

    if (ops_count > ENTRY_OPS_MAX)
        return problem_say(reterr_problem, -E2BIG,
            "%zu operations are more than the %d of one change; make it in several", ops_count,
            ENTRY_OPS_MAX);
    message.ops = ops;
    message.n_ops = ops_count;
    return chain_sign(
        &writing->chain, &writing->pair, writing->grant->scope, &message, ret_id, reterr_problem);
}

/* ---- sending */

struct request {
    Picket__V1__ApplyRequest message;
    Picket__V1__Wait wait;
    size_t bytes;
};

static void free_request(struct request *request)
{
    for (size_t i = 0; i < request->message.n_entries; i++)
        wire_free(&request->message.entries[i]->base);
    for (size_t i = 0; i < request->message.n_trust; i++)
        wire_free(&request->message.trust[i]->base);
    free(request->message.entries);
    free(request->message.trust);
    memset(request, 0, sizeof(*request));
}

static int unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes, void *ret_message)
{
    ProtobufCMessage *message = NULL;

    if (wire_unpack(type, bytes, 16 * ENTRY_BYTES_MAX, &message) != WIRE_OK)
        return -EBADMSG;
    *(ProtobufCMessage **)ret_message = message;
    return 0;
}

/* The trust records the node lacks. */
static int fill_trust(
    const struct cli *cli, const struct connection *connection, struct request *request)
{
    uint64_t head = 0;
    uint64_t from = connection->trust_position + 1;

    if (!ledger_trust_head(cli->fleet->ledger, &head).len || head < from)
        return 0;
    request->message.trust = calloc(head - from + 1, sizeof(*request->message.trust));
    if (!request->message.trust)
        return -ENOMEM;
    for (uint64_t at = from; at <= head && request->message.n_trust < SEND_RECORDS_MAX; at++) {
        struct bytes record = ledger_trust_at(cli->fleet->ledger, at);
        int r = unpack(&picket__v1__signed_trust__descriptor, record,
            &request->message.trust[request->message.n_trust]);

        if (r < 0)
            return r;
        request->message.n_trust++;
        request->bytes += record.len;
    }
    return 0;
}

/* As much of the list as one request holds; *offset moves. */
static int fill_entries(struct bytes list, size_t *offset, struct request *request)
{
    enum record_kind kind;
    struct bytes entry;
    size_t at = *offset;

    request->message.entries = calloc(SEND_RECORDS_MAX, sizeof(*request->message.entries));
    if (!request->message.entries)
        return -ENOMEM;
    while (request->message.n_entries + request->message.n_trust < SEND_RECORDS_MAX &&
           records_next(list, &at, &kind, &entry) && request->bytes + entry.len < SEND_BYTES_MAX) {
        int r = unpack(&picket__v1__signed_entry__descriptor, entry,
            &request->message.entries[request->message.n_entries]);

        if (r < 0)
            return r;
        request->message.n_entries++;
        request->bytes += entry.len;
        *offset = at;
    }
    return 0;
}

static void fill_wait(const struct wait_wish *wish, struct request *request)
{
    picket__v1__wait__init(&request->wait);
    request->wait.for_ = wish->kind == WAIT_NODES      ? PICKET__V1__WAIT__FOR__FOR_NODES
                         : wish->kind == WAIT_ENFORCED ? PICKET__V1__WAIT__FOR__FOR_ENFORCED
                                                       : PICKET__V1__WAIT__FOR__FOR_NODE;
    request->wait.nodes = wish->nodes;
    request->wait.timeout_ms = WAIT_TIMEOUT_MS;
    if (wish->kind != WAIT_NODE)
        request->message.wait = &request->wait;
}

/* Was the wish met? Everything is durable in any case; a late one is said, and is an error. */
static int check_wait(const struct request *request, const struct connection *connection,
    const Picket__V1__ApplyResponse *reply, struct problem *reterr_problem)
{
    const Picket__V1__Wait *wait = request->message.wait;

    if (wait && wait->for_ == PICKET__V1__WAIT__FOR__FOR_NODES &&
        reply->durable_nodes < wait->nodes)
        return problem_say(reterr_problem, -ETIME,
            "%.80s has it on disk, but only %u of %u nodes within %d s; it goes on spreading",
            connection->where, reply->durable_nodes, wait->nodes, WAIT_TIMEOUT_MS / 1000);
    if (wait && wait->for_ == PICKET__V1__WAIT__FOR__FOR_ENFORCED && !reply->enforced_here)
        return problem_say(reterr_problem, -ETIME,
            "%.80s has it on disk, but not in its kernel within %d s; see picket status",
            connection->where, WAIT_TIMEOUT_MS / 1000);
    return 0;
}

struct sending {
    struct cli *cli;
    const struct chain *chain; /* NULL: trust records only */
    Picket__V1__Expectation **expect;
    size_t expect_count;
    struct wait_wish wish;
    bool is_stored; /* at least one node has all of it */
};

static int send_part(struct sending *sending, struct connection *connection,
    struct request *request, struct problem *reterr_problem)
{
    OWN(own_message) Picket__V1__ApplyResponse *reply = NULL;
    int r = connection_ask(connection, "/picket.v1.Rules/Apply", &request->message,
        &picket__v1__apply_response__descriptor, &reply, reterr_problem);

    if (r < 0)
        return r;
    for (size_t i = 0; i < reply->n_entries; i++)
        if (strcmp(reply->entries[i]->status, "effective") != 0 && sending->chain)
            (void)fprintf(sending->cli->err, "picket: %s: stored, but %s\n", connection->where,
                reply->entries[i]->status);
    return check_wait(request, connection, reply, reterr_problem);
}

/* Everything, to one node, in as many requests as it takes. */
static int send_to(
    struct sending *sending, struct connection *connection, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer list = {0};
    size_t offset = 0;
    int r = sending->chain ? chain_missing(sending->chain, connection->key_seq, &list) : 0;

    for (bool is_first = true; r == 0; is_first = false) {
        OWN(free_request) struct request request = {0};

        picket__v1__apply_request__init(&request.message);
        fill_wait(&sending->wish, &request);
        if (is_first)
            r = fill_trust(sending->cli, connection, &request);
        if (r == 0)
            r = fill_entries(buffer_bytes(&list), &offset, &request);
        if (r < 0)
            return problem_say(reterr_problem, r, "cannot build the request: %s", strerror(-r));
        if (!request.message.n_entries && !request.message.n_trust)
            break;
        if (offset == list.len) {
            request.message.expect = sending->expect;
            request.message.n_expect = sending->expect_count;
        } else {
            request.message.wait = NULL;
        }
        r = send_part(sending, connection, &request, reterr_problem);
    }
    return r;
}

/* To all nodes. */
static int send_to_all(
    struct sending *sending, struct connections *connections, struct problem *reterr_problem)
{
    uint32_t failed = 0;
    int worst = 0;

    for (uint32_t i = 0; i < connections->count; i++) {
        struct connection *connection = connections->at[i];
        int r = connection->state;

        if (r == 0)
            r = send_to(sending, connection, &connection->why);
        if (r == 0 || r == -ETIME)
            sending->is_stored = true;
        if (r == 0 && sending->chain) /* what follows in this run is sent without it */
            connection->key_seq = sending->chain->last_seq;
        if (r == 0)
            continue;
        if (failed++)
            (void)fprintf(sending->cli->err, "picket: %s\n", connection->why.text);
        else
            worst = problem_say(reterr_problem, r, "%s", connection->why.text);
    }
    sending->cli->is_partly = failed && failed < connections->count;
    if (sending->cli->is_partly)
        (void)fprintf(sending->cli->err,
            "picket: %u of %u nodes took it; the mesh brings it to the others\n",
            connections->count - failed, connections->count);
    return worst;
}

int write_send(struct writing *writing, Picket__V1__Expectation **expect, size_t expect_count,
    struct problem *reterr_problem)
{
    struct sending sending = {.cli = writing->cli,
        .chain = &writing->chain,
        .expect = expect,
        .expect_count = expect_count,
        .wish = writing->wish};
    int kept;
    int r;

    if (!writing->connections.count)
        return 0;
    r = send_to_all(&sending, &writing->connections, reterr_problem);
    if (sending.is_stored) {
        kept = chain_acknowledge(&writing->chain, writing->chain.last_seq, reterr_problem);
        return kept < 0 ? kept : r;
    }
    (void)fprintf(writing->cli->err, "picket: no node confirmed it; it is signed and kept, and "
                                     "goes out before the next change\n");
    return r;
}

int write_send_trust(
    struct cli *cli, struct connections *connections, struct problem *reterr_problem)
{
    struct sending sending = {.cli = cli};

    return send_to_all(&sending, connections, reterr_problem);
}
