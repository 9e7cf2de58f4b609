/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_node.c - picket node invite, join, list. */
#include "base/own.h"
#include "cli/crypto.h"
#include "cli/invite_file.h"
#include "cli/output.h"
#include "cli/write.h"
#include "proto/wire/wire.h"
#include "rpc/x509.h"
#include "store/keys/key_file.h"
#include "store/ledger/author.h"

#include "proto/picket/v1/fleet.pb-c.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_BYTES_MAX 65536
#define STATE_FOLDER "/var/lib/picket"

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

/* ---- invite */

struct one_invite {
    const char *name;
    struct rpc_key *key;
    struct buffer certificate;
    uint8_t id[HASH_BYTES];
    uint8_t point[RPC_POINT_BYTES];
};

struct inviting {
    struct cli *cli;
    struct writing writing;
    struct rpc_key *ca;
    struct buffer ca_certificate;
    char *label_texts[LABELS_MAX]; /* "key\0value" */
    struct rpc_label labels[LABELS_MAX];
    Picket__V1__Label label_messages[LABELS_MAX];
    Picket__V1__Label *label_list[LABELS_MAX];
    uint32_t labels_count;
    uint64_t join_by;
    struct one_invite invites[OPTION_VALUES_MAX];
    uint32_t count;
    struct problem *reterr_problem;
};

static void free_inviting(struct inviting *inviting)
{
    for (uint32_t i = 0; i < inviting->labels_count; i++)
        free(inviting->label_texts[i]);
    for (uint32_t i = 0; i < inviting->count; i++) {
        rpc_key_free(inviting->invites[i].key);
        buffer_fini(&inviting->invites[i].certificate);
    }
    rpc_key_free(inviting->ca);
    buffer_fini(&inviting->ca_certificate);
    free(inviting);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* --label key=value, put in the order of their keys. */
static int read_labels(struct inviting *inviting)
{
    const struct words_given *given = inviting->cli->given;

    if (given->values_count[OPT_LABEL] > LABELS_MAX)
        return cli_usage(
            inviting->cli, inviting->reterr_problem, "a node has at most %d labels", LABELS_MAX);
    for (uint32_t i = 0; i < given->values_count[OPT_LABEL]; i++) {
        const char *text = given->values[OPT_LABEL][i];
        const char *equals = strchr(text, '=');

        if (!equals || equals == text || !equals[1] || strpbrk(text, " ,;\"'\\") ||
            strchr(equals + 1, '=') || equals - text > LABEL_BYTES_MAX ||
            strlen(equals + 1) > LABEL_BYTES_MAX)
            return cli_usage(inviting->cli, inviting->reterr_problem,
                "the label \"%.80s\" is not understood; write KEY=VALUE, such as site=berlin",
                text);
        inviting->label_texts[i] = strdup(text);
        if (!inviting->label_texts[i])
            return -ENOMEM;
        *strchr(inviting->label_texts[i], '=') = '\0';
        inviting->labels_count++;
    }
    qsort(inviting->label_texts, inviting->labels_count, sizeof(char *), compare_texts);
    for (uint32_t i = 0; i < inviting->labels_count; i++) {
        char *key = inviting->label_texts[i];

        if (i && strcmp(key, inviting->label_texts[i - 1]) == 0)
            return cli_usage(inviting->cli, inviting->reterr_problem,
                "the label \"%s\" is given twice; a node has one value of each", key);
        inviting->labels[i] = (struct rpc_label){.key = key, .value = key + strlen(key) + 1};
        picket__v1__label__init(&inviting->label_messages[i]);
        inviting->label_messages[i].key = key;
        inviting->label_messages[i].value = key + strlen(key) + 1;
        inviting->label_list[i] = &inviting->label_messages[i];
    }
    return 0;
}

static int read_words(struct inviting *inviting)
{
    struct cli *cli = inviting->cli;
    const char *join_by = option_value(cli->given, OPT_JOIN_BY);
    uint64_t seconds = 0;
    int r = duration_parse(join_by ? join_by : "7d", &seconds, inviting->reterr_problem);

    cli->is_usage = r < 0;
    inviting->join_by = cli_now_s() + seconds;
    if (!option_is_given(cli->given, OPT_OUT))
        return cli_usage(cli, inviting->reterr_problem, "say where the invite goes: -o %s.invite",
            cli->words[0]);
    for (uint32_t i = 0; r == 0 && i < cli->words_count; i++) {
        if (!rpc_name_is_sound(cli->words[i]))
            return cli_usage(cli, inviting->reterr_problem,
                "the node's name \"%.80s\" does not fit: 1 to 63 of a-z, 0-9 and - inside",
                cli->words[i]);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(cli->words[k], cli->words[i]) == 0)
                return cli_usage(
                    cli, inviting->reterr_problem, "\"%s\" is named twice", cli->words[i]);
    }
    for (uint32_t i = 0; r == 0 && i < cli->given->values_count[OPT_PEER]; i++)
        if (!strrchr(cli->given->values[OPT_PEER][i], ':'))
            return cli_usage(cli, inviting->reterr_problem,
                "--peer \"%.100s\" lacks a port; write HOST:PORT", cli->given->values[OPT_PEER][i]);
    return r < 0 ? r : read_labels(inviting);
}

static int read_ca(struct inviting *inviting)
{
    struct cli *cli = inviting->cli;
    OWN(buffer_fini) struct buffer pem = {0};
    uint8_t secret[KEY_FILE_SECRET_MAX];
    const char *passphrase = NULL;
    char path[FILE_PATH_MAX];
    size_t len = 0;
    int r = file_path(cli->fleet->path, FLEET_ENROLLER_CA_KEY, path, inviting->reterr_problem);

    if (r == 0)
        r = cli_passphrase(cli, path, false, &passphrase, inviting->reterr_problem);
    if (r == 0)
        r = key_file_read(path, "p256", passphrase, secret, &len, inviting->reterr_problem);
    if (r == 0)
        r = rpc_key_from_der(bytes_of(secret, len), &inviting->ca, inviting->reterr_problem);
    keys_wipe(secret, sizeof(secret));
    if (r == 0)
        r = file_path(cli->fleet->path, FLEET_CA, path, inviting->reterr_problem);
    if (r == 0)
        r = file_read(path, PEM_BYTES_MAX, &pem, inviting->reterr_problem);
    if (r < 0)
        return r;
    if (rpc_certificate_from_pem(buffer_bytes(&pem), 0, &inviting->ca_certificate) < 0)
        return problem_say(inviting->reterr_problem, -EBADMSG, "\"%s\" holds no certificate", path);
    return 0;
}

static int make_invite(struct inviting *inviting, struct one_invite *invite)
{
    struct rpc_invite_parts parts = {.fleet_id = ledger_fleet_id(inviting->cli->fleet->ledger),
        .name = invite->name,
        .labels = inviting->labels,
        .labels_count = inviting->labels_count,
        .join_by = inviting->join_by,
        .point = invite->point};
    int r = rpc_key_new(&invite->key);

    if (r == 0) {
        rpc_key_point(invite->key, invite->point);
        r = rpc_invite_make(inviting->ca, &parts, cli_now_s(), &invite->certificate);
    }
    if (r < 0)
        return problem_say(
            inviting->reterr_problem, r, "cannot make the certificate: %s", strerror(-r));
    keys_hash(HASH_NODE, buffer_bytes(&invite->certificate), invite->id);
    return 0;
}

static int sign_invites(struct inviting *inviting)
{
    Picket__V1__Operation operations[OPTION_VALUES_MAX];
    Picket__V1__Operation *list[OPTION_VALUES_MAX];
    uint8_t id[HASH_BYTES];
    uint32_t made = 0;
    int r = 0;

    for (; r == 0 && made < inviting->count; made += r == 0) {
        struct one_invite *invite = &inviting->invites[made];
        Picket__V1__Invite message = PICKET__V1__INVITE__INIT;

        message.certificate_hash = (ProtobufCBinaryData){.data = invite->id, .len = HASH_BYTES};
        message.public_key =
            (ProtobufCBinaryData){.data = invite->point, .len = sizeof(invite->point)};
        message.name = (char *)(uintptr_t)invite->name;
        message.labels = inviting->label_list;
        message.n_labels = inviting->labels_count;
        message.join_by = inviting->join_by;
        r = author_operation(PICKET__V1__OP_KIND__OP_INVITE, &message.base, &operations[made]);
        list[made] = &operations[made];
    }
    if (r < 0)
        r = problem_say(inviting->reterr_problem, r, "cannot encode the invite: %s", strerror(-r));
    else
        r = write_sign(&inviting->writing, list, made, id, inviting->reterr_problem);
    for (uint32_t i = 0; i < made; i++)
        author_operation_fini(&operations[i]);
    return r;
}

static int fill_file(
    struct inviting *inviting, const struct one_invite *invite, struct invite_file *file)
{
    const struct ledger *ledger = inviting->cli->fleet->ledger;
    const struct words_given *given = inviting->cli->given;
    struct bytes genesis = ledger_genesis(ledger);
    const struct chain *chain = &inviting->writing.chain;
    OWN(buffer_fini) struct buffer list = {0};
    enum record_kind kind;
    struct bytes entry;
    uint64_t head = 0;
    size_t offset = 0;
    int r = buffer_append(&file->genesis, genesis.at, genesis.len);

    (void)ledger_trust_head(ledger, &head);
    for (uint64_t at = 1; r == 0 && at <= head; at++)
        r = invite_file_add_trust(file, ledger_trust_at(ledger, at));
    if (r == 0) /* from the newest acknowledged entry on */
        r = chain_missing(chain, chain->head_seq ? chain->head_seq - 1 : 0, &list);
    while (r == 0 && records_next(buffer_bytes(&list), &offset, &kind, &entry))
        r = invite_file_add_entry(file, entry);
    for (uint32_t i = 0; r == 0 && i < given->values_count[OPT_PEER]; i++)
        r = invite_file_add_peer(file, given->values[OPT_PEER][i]);
    if (r == 0)
        r = buffer_append(&file->certificate, invite->certificate.at, invite->certificate.len);
    if (r == 0)
        r = buffer_append(&file->ca, inviting->ca_certificate.at, inviting->ca_certificate.len);
    return r < 0 ? r : rpc_key_der(invite->key, &file->key);
}

static int write_file(struct inviting *inviting, const struct one_invite *invite)
{
    const char *out = option_value(inviting->cli->given, OPT_OUT);
    struct invite_file file = {0};
    OWN(buffer_fini) struct buffer text = {0};
    char path[FILE_PATH_MAX];
    int r = fill_file(inviting, invite, &file);

    if (inviting->count > 1)
        (void)snprintf(path, sizeof(path), "%s/%s.invite", out, invite->name);
    else
        (void)snprintf(path, sizeof(path), "%s", out);
    if (r == 0)
        r = invite_file_print(&file, &text);
    if (r == 0)
        r = file_replace(path, buffer_bytes(&text), 0600, inviting->reterr_problem);
    else
        r = problem_say(inviting->reterr_problem, r, "cannot build the invite: %s", strerror(-r));
    if (r == 0)
        (void)fprintf(inviting->cli->out,
            "wrote %s; bring it to the box and run there, as root: picket node join %s\n", path,
            strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
    keys_wipe(text.at, text.len);
    keys_wipe(file.key.at, file.key.len);
    invite_file_fini(&file);
    return r;
}

static int invite_all(struct inviting *inviting)
{
    int r = read_ca(inviting);

    for (uint32_t i = 0; r == 0 && i < inviting->cli->words_count; i++) {
        inviting->invites[inviting->count].name = inviting->cli->words[i];
        r = make_invite(inviting, &inviting->invites[inviting->count++]);
    }
    if (r == 0)
        r = sign_invites(inviting);
    if (r == 0 && inviting->count > 1)
        r = file_make_folder(
            option_value(inviting->cli->given, OPT_OUT), 0700, inviting->reterr_problem);
    for (uint32_t i = 0; r == 0 && i < inviting->count; i++)
        r = write_file(inviting, &inviting->invites[i]);
    return r < 0 ? r : write_send(&inviting->writing, NULL, 0, inviting->reterr_problem);
}

int cmd_node_invite(struct cli *cli, struct problem *reterr_problem)
{
    struct inviting *inviting = calloc(1, sizeof(*inviting));
    int r;

    if (!inviting)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    inviting->cli = cli;
    inviting->reterr_problem = reterr_problem;
    r = read_words(inviting);
    if (r == 0) {
        r = write_begin(cli, FLEET_ENROLLER_KEY, true, &inviting->writing, reterr_problem);
        if (r == 0) {
            r = invite_all(inviting);
            write_end(&inviting->writing);
        }
    }
    free_inviting(inviting);
    return r;
}

/* ---- join */

int cmd_node_join(struct cli *cli, struct problem *reterr_problem)
{
    const char *state = option_value(cli->given, OPT_STATE);
    OWN(buffer_fini) struct buffer text = {0};
    OWN(invite_file_fini) struct invite_file invite = {0};
    char name[NAME_BYTES_MAX + 1] = "";
    uint64_t join_by = 0;
    int r = file_read(cli->words[0], INVITE_FILE_BYTES_MAX, &text, reterr_problem);

    if (!state)
        state = STATE_FOLDER;
    if (r == 0)
        r = invite_file_parse(cli->words[0], buffer_bytes(&text), &invite, reterr_problem);
    if (r == 0)
        r = invite_file_verify(&invite, name, &join_by, reterr_problem);
    if (r == 0)
        r = invite_file_join(&invite, state, cli_now_s(), reterr_problem);
    keys_wipe(text.at, text.len);
    if (r == 0)
        (void)fprintf(cli->out, "this box is the node \"%s\" now (%s); start its daemon: picketd\n",
            name, state);
    return r;
}

/* ---- list */

static void labels_text(const Picket__V1__NodeInfo *node, char *ret_text, size_t size)
{
    size_t used = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < node->n_labels && used < size; i++) {
        int len = snprintf(ret_text + used, size - used, "%s%s=%s", i ? " " : "",
            node->labels[i]->key, node->labels[i]->value);

        used += len > 0 ? (size_t)len : 0;
    }
}

static json_t *node_json(const Picket__V1__NodeInfo *node)
{
    json_t *labels = json_object();

    for (size_t i = 0; i < node->n_labels; i++)
        (void)json_object_set_new(
            labels, node->labels[i]->key, json_string(node->labels[i]->value));
    return json_pack("{s:s,s:o,s:o,s:s,s:o,s:o}", "name", node->name, "id",
        json_hex(bytes_of(node->invite.data, node->invite.len)), "labels", labels, "status",
        node->status, "join_by", json_number(node->join_by), "node_key",
        json_hex(bytes_of(node->node_key.data, node->node_key.len)));
}

int cmd_node_list(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__NodesRequest request = PICKET__V1__NODES_REQUEST__INIT;
    OWN(own_message) Picket__V1__NodesResponse *reply = NULL;
    struct connections connections;
    struct table *table;
    int r = connections_open(cli, &connections, reterr_problem);

    if (r < 0)
        return r;
    r = connection_ask(connections_first(&connections), "/picket.v1.Fleet/Nodes", &request,
        &picket__v1__nodes_response__descriptor, &reply, reterr_problem);
    connections_fini(&connections);
    if (r < 0)
        return r;
    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (size_t i = 0; i < reply->n_nodes; i++)
            (void)json_array_append_new(list, node_json(reply->nodes[i]));
        return json_show(cli->out, json_pack("{s:o}", "nodes", list), reterr_problem);
    }
    table = table_new((const char *const[]){"NODE", "STATUS", "JOIN BY", "ID", "LABELS"}, 5);
    for (size_t i = 0; i < reply->n_nodes; i++) {
        const Picket__V1__NodeInfo *node = reply->nodes[i];
        char labels[512];
        char join_by[32];
        char id[17];

        labels_text(node, labels, sizeof(labels));
        time_print(node->join_by, join_by);
        short_hex(bytes_of(node->invite.data, node->invite.len), id);
        table_add(table, (const char *const[]){node->name, node->status, join_by, id, labels});
    }
    table_print(table, cli->out, "no node has been invited yet; picket node invite NAME");
    return 0;
}
