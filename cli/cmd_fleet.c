/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_fleet.c - picket fleet init, status, catch-up. */
#include "base/own.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/write.h"
#include "proto/wire/wire.h"
#include "rpc/x509.h"
#include "store/keys/key_file.h"
#include "store/ledger/author.h"

#include "proto/picket/v1/fleet.pb-c.h"
#include "proto/picket/v1/log.pb-c.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CATCH_UP_PAGE 40

OWN_AS(own_rpc_key, struct rpc_key, rpc_key_free)

static void own_pair(struct key_pair *pair)
{
    keys_wipe(pair, sizeof(*pair));
}

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

/* ---- init */

struct init {
    struct cli *cli;
    const char *name;
    char person[NAME_BYTES_MAX + 1];
    char folder[FILE_PATH_MAX];
    const char *passphrase;
    struct key_pair root, enroller, operator_pair;
    struct rpc_key *ca;
    struct problem *reterr_problem;
};

static void free_init(struct init *init)
{
    keys_wipe(&init->root, sizeof(init->root));
    keys_wipe(&init->enroller, sizeof(init->enroller));
    keys_wipe(&init->operator_pair, sizeof(init->operator_pair));
    rpc_key_free(init->ca);
}

static int put(struct init *init, const char *name, struct bytes content, mode_t mode)
{
    char path[FILE_PATH_MAX];
    int r = file_path(init->folder, name, path, init->reterr_problem);

    return r < 0 ? r : file_replace(path, content, mode, init->reterr_problem);
}

static int choose_folder(struct init *init)
{
    const char *given = option_value(init->cli->given, OPT_DIR);
    char home[FILE_PATH_MAX];
    char path[FILE_PATH_MAX];
    int r;

    if (given) {
        r = file_path(given, ".", init->folder, init->reterr_problem);
        if (r == 0)
            init->folder[strlen(init->folder) - 2] = '\0';
    } else {
        r = fleet_home(home, init->reterr_problem);
        if (r == 0)
            r = file_path(home, init->name, init->folder, init->reterr_problem);
    }
    if (r == 0)
        r = file_make_folder(init->folder, 0700, init->reterr_problem);
    if (r == 0)
        r = file_path(init->folder, FLEET_ROOT_KEY, path, init->reterr_problem);
    if (r == 0 && access(path, F_OK) == 0)
        r = problem_say(init->reterr_problem, -EEXIST,
            "there is a fleet in \"%.120s\" already; choose another name or --dir", init->folder);
    return r;
}

static int new_key(struct init *init, const char *name, struct key_pair *ret_pair)
{
    char path[FILE_PATH_MAX];
    int r = file_path(init->folder, name, path, init->reterr_problem);

    return r < 0 ? r : fleet_new_key(path, init->passphrase, ret_pair, init->reterr_problem);
}

static int new_ca_key(struct init *init)
{
    OWN(buffer_fini) struct buffer der = {0};
    char path[FILE_PATH_MAX];
    int r = file_path(init->folder, FLEET_ENROLLER_CA_KEY, path, init->reterr_problem);

    if (r == 0 && (rpc_key_new(&init->ca) < 0 || rpc_key_der(init->ca, &der) < 0))
        r = problem_say(init->reterr_problem, -EIO, "cannot make a P-256 key");
    if (r == 0)
        r = key_file_write(
            path, "p256", buffer_bytes(&der), init->passphrase, init->reterr_problem);
    keys_wipe(der.at, der.len);
    return r;
}

static int make_keys(struct init *init)
{
    int r = new_key(init, FLEET_ROOT_KEY, &init->root);

    if (r == 0)
        r = new_key(init, FLEET_ENROLLER_KEY, &init->enroller);
    if (r == 0)
        r = new_key(init, FLEET_OPERATOR_KEY, &init->operator_pair);
    return r < 0 ? r : new_ca_key(init);
}

static int make_genesis(struct init *init)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    ProtobufCBinaryData roots[] = {{.data = init->root.public, .len = KEY_BYTES}};
    OWN(buffer_fini) struct buffer bytes = {0};
    int r;

    genesis.version = 1;
    genesis.name = (char *)(uintptr_t)init->name;
    genesis.threshold = 1;
    genesis.root_keys = roots;
    genesis.n_root_keys = 1;
    r = author_genesis(&genesis, &bytes, init->reterr_problem);
    return r < 0 ? r : put(init, FLEET_GENESIS, buffer_bytes(&bytes), 0644);
}

static int grant(struct init *init, Picket__V1__Grant *grant)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;

    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = grant;
    return fleet_make_trust(init->cli->fleet, &body, init->passphrase, init->reterr_problem);
}

static int grant_both(struct init *init)
{
    Picket__V1__Grant enroller = PICKET__V1__GRANT__INIT;
    Picket__V1__Grant operator_grant = PICKET__V1__GRANT__INIT;
    uint8_t point[RPC_POINT_BYTES];
    int r;

    rpc_key_point(init->ca, point);
    enroller.person = init->person;
    enroller.key = (ProtobufCBinaryData){.data = init->enroller.public, .len = KEY_BYTES};
    enroller.role = PICKET__V1__ROLE__ROLE_ENROLLER;
    enroller.ca_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    r = grant(init, &enroller);
    operator_grant.person = init->person;
    operator_grant.key =
        (ProtobufCBinaryData){.data = init->operator_pair.public, .len = KEY_BYTES};
    operator_grant.role = PICKET__V1__ROLE__ROLE_OPERATOR;
    operator_grant.actions = PERSON_ALL_ACTIONS;
    operator_grant.priority_max = RULE_PRIORITY_MAX;
    return r < 0 ? r : grant(init, &operator_grant);
}

/* The CA's certificate; and the operator's own with its key, for --node. */
static int make_certificates(struct init *init)
{
    const uint8_t *fleet_id = ledger_fleet_id(init->cli->fleet->ledger);
    OWN(own_rpc_key) struct rpc_key *key = NULL;
    OWN(buffer_fini) struct buffer ca = {0};
    OWN(buffer_fini) struct buffer leaf = {0};
    OWN(buffer_fini) struct buffer ca_pem = {0};
    OWN(buffer_fini) struct buffer client = {0};
    uint8_t point[RPC_POINT_BYTES];
    int r = rpc_ca_make(init->ca, fleet_id, cli_now_s(), &ca);

    if (r == 0)
        r = rpc_key_new(&key);
    if (r == 0) {
        rpc_key_point(key, point);
        r = rpc_user_make(
            init->ca, fleet_id, RPC_OPERATOR, init->person, point, cli_now_s(), &leaf);
    }
    if (r == 0)
        r = rpc_certificate_pem(buffer_bytes(&ca), &ca_pem);
    if (r == 0)
        r = rpc_certificate_pem(buffer_bytes(&leaf), &client);
    if (r == 0)
        r = buffer_append(&client, ca_pem.at, ca_pem.len);
    if (r == 0)
        r = rpc_key_pem(key, &client);
    if (r < 0)
        return problem_say(
            init->reterr_problem, r, "cannot make the certificates: %s", strerror(-r));
    r = put(init, FLEET_CA, buffer_bytes(&ca_pem), 0644);
    if (r == 0)
        r = put(init, FLEET_CLIENT, buffer_bytes(&client), 0600);
    keys_wipe(client.at, client.len);
    return r;
}

static void say_done(const struct init *init)
{
    FILE *out = init->cli->out;
    char id[2 * HASH_BYTES + 1];

    hex_print(ledger_fleet_id(init->cli->fleet->ledger), HASH_BYTES, id);
    (void)fprintf(out, "made the fleet \"%s\" (%s) with you, %s, as its first operator\n",
        init->name, id, init->person);
    (void)fprintf(
        out, "its files are in %s; keep a copy of root.key off this machine\n", init->folder);
    (void)fprintf(out,
        "next: picket node invite BOX --peer HOST:7425 -o BOX.invite, and on the box as root: "
        "picket node join BOX.invite\n");
}

int cmd_fleet_init(struct cli *cli, struct problem *reterr_problem)
{
    OWN(free_init)
    struct init init = {.cli = cli, .name = cli->words[0], .reterr_problem = reterr_problem};
    int r = 0;

    if (!rpc_name_is_sound(init.name))
        return cli_usage(cli, reterr_problem,
            "the fleet's name \"%.80s\" does not fit: 1 to 63 of a-z, 0-9 and - inside", init.name);
    r = person_choose(cli, init.person, reterr_problem);
    if (r == 0)
        r = cli_passphrase(cli, NULL, true, &init.passphrase, reterr_problem);
    if (r == 0)
        r = choose_folder(&init);
    if (r == 0)
        r = make_keys(&init);
    if (r == 0)
        r = make_genesis(&init);
    if (r == 0)
        r = fleet_open(init.folder, &cli->fleet, reterr_problem);
    if (r == 0)
        r = grant_both(&init);
    if (r == 0)
        r = make_certificates(&init);
    if (r == 0)
        say_done(&init);
    return r;
}

/* ---- status */

static int show_status(struct cli *cli, const Picket__V1__FleetStatusResponse *status,
    const Picket__V1__ConvergenceResponse *convergence, struct problem *reterr_problem)
{
    char id[17];
    char root[17];

    if (cli_is_json(cli))
        return json_show(cli->out,
            json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:o,s:i,s:i,s:o}", "name", status->name,
                "fleet_id", json_hex(bytes_of(status->fleet_id.data, status->fleet_id.len)),
                "trust_head", json_hex(bytes_of(status->trust_head.data, status->trust_head.len)),
                "trust_position", json_number(status->trust_position), "entries",
                json_number(status->entries), "objects", json_number(status->objects), "nodes",
                (int)status->nodes, "state_root",
                json_hex(bytes_of(status->state_root.data, status->state_root.len)),
                "compiled_digest",
                json_hex(
                    bytes_of(convergence->compiled_digest.data, convergence->compiled_digest.len)),
                "peers", (int)convergence->peers, "peers_same_root",
                (int)convergence->peers_same_root, "agreed_ms",
                json_number(convergence->agreed_ms)),
            reterr_problem);
    short_hex(bytes_of(status->fleet_id.data, status->fleet_id.len), id);
    short_hex(bytes_of(status->state_root.data, status->state_root.len), root);
    (void)fprintf(cli->out, "fleet      %s (%s)\nnodes      %u in the directory\n", status->name,
        id, status->nodes);
    (void)fprintf(cli->out,
        "history    %" PRIu64 " entries, %" PRIu64 " objects, %" PRIu64
        " trust records, state %s\n",
        status->entries, status->objects, status->trust_position, root);
    (void)fprintf(cli->out, "agreement  %u of %u connected neighbours have the same history\n",
        convergence->peers_same_root, convergence->peers);
    return 0;
}

int cmd_fleet_status(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__FleetStatusRequest request = PICKET__V1__FLEET_STATUS_REQUEST__INIT;
    Picket__V1__ConvergenceRequest second = PICKET__V1__CONVERGENCE_REQUEST__INIT;
    OWN(own_message) Picket__V1__FleetStatusResponse *status = NULL;
    OWN(own_message) Picket__V1__ConvergenceResponse *convergence = NULL;
    struct connections connections;
    int r = connections_open(cli, &connections, reterr_problem);

    if (r < 0)
        return r;
    r = connection_ask(connections_first(&connections), "/picket.v1.Fleet/Status", &request,
        &picket__v1__fleet_status_response__descriptor, &status, reterr_problem);
    if (r == 0)
        r = connection_ask(connections_first(&connections), "/picket.v1.Fleet/Convergence", &second,
            &picket__v1__convergence_response__descriptor, &convergence, reterr_problem);
    if (r == 0)
        r = show_status(cli, status, convergence, reterr_problem);
    connections_fini(&connections);
    return r;
}

/* ---- catch-up */

static int adopt_page(struct chain *chain, const Picket__V1__ListLogResponse *page,
    uint32_t *adopted, struct problem *reterr_problem)
{
    for (size_t i = 0; i < page->n_entries; i++) {
        OWN(buffer_fini) struct buffer entry = {0};
        uint64_t before = chain->head_seq;
        int r;

        if (!page->entries[i]->entry)
            continue;
        if (wire_pack(&page->entries[i]->entry->base, &entry) < 0)
            return problem_say(reterr_problem, -ENOMEM, "out of memory");
        r = chain_adopt(chain, buffer_bytes(&entry), reterr_problem);
        if (r < 0)
            return r;
        *adopted += chain->head_seq != before;
    }
    return 0;
}

static int fetch_own(struct cli *cli, struct connection *connection, struct chain *chain,
    struct problem *reterr_problem)
{
    Picket__V1__ListLogRequest request = PICKET__V1__LIST_LOG_REQUEST__INIT;
    uint32_t adopted = 0;
    int r;

    request.author = (ProtobufCBinaryData){.data = chain->key, .len = KEY_BYTES};
    request.limit = CATCH_UP_PAGE;
    do {
        OWN(own_message) Picket__V1__ListLogResponse *page = NULL;

        r = connection_ask(connection, "/picket.v1.Log/List", &request,
            &picket__v1__list_log_response__descriptor, &page, reterr_problem);
        if (r == 0)
            r = adopt_page(chain, page, &adopted, reterr_problem);
        if (r == 0 && page->next && page->next <= request.after)
            r = problem_say(reterr_problem, -EPROTO, "the node's log does not end");
        request.after = r == 0 ? page->next : 0;
    } while (r == 0 && request.after);
    if (r == 0)
        (void)fprintf(cli->out,
            "took over %u entries; this key's chain ends with number %" PRIu64 "\n", adopted,
            chain->last_seq);
    return r;
}

int cmd_fleet_catch_up(struct cli *cli, struct problem *reterr_problem)
{
    const char *given = option_value(cli->given, OPT_OPERATOR);
    OWN(own_pair) struct key_pair pair = {0};
    struct connections connections = {0};
    struct chain chain;
    int r = cli_fleet(cli, reterr_problem);

    if (r == 0)
        r = cli_key(cli, given ? given : FLEET_OPERATOR_KEY, &pair, reterr_problem);
    if (r == 0)
        r = chain_open(cli->fleet->path, cli->fleet->ledger, pair.public, &chain, reterr_problem);
    if (r < 0)
        return r;
    r = connections_open(cli, &connections, reterr_problem);
    if (r == 0)
        r = write_sync_trust(cli, connections_first(&connections), reterr_problem);
    if (r == 0)
        r = fetch_own(cli, connections_first(&connections), &chain, reterr_problem);
    connections_fini(&connections);
    chain_fini(&chain);
    return r;
}
