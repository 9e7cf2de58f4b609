/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_trust.c - picket trust grant, list. */
#include "base/nearest.h"
#include "base/own.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/read.h"
#include "cli/write.h"
#include "rpc/x509.h"
#include "store/ledger/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const role_words[] = {
    "none", "operator", "enroller", "gateway", "banner", "observer", "witness"};
#define ROLES (sizeof(role_words) / sizeof(role_words[0]))

static const char *role_word(Picket__V1__Role role)
{
    return (size_t)role < ROLES ? role_words[role] : "?";
}

struct granting {
    Picket__V1__Grant grant;
    Picket__V1__Budget budget;
    Picket__V1__Scope *scope;
    uint8_t key[KEY_BYTES];
};

static int read_role(struct cli *cli, struct granting *granting, struct problem *reterr_problem)
{
    const char *word = cli->words[0];
    const char *near;

    for (size_t i = 1; i < ROLES; i++)
        if (strcmp(role_words[i], word) == 0)
            granting->grant.role = (Picket__V1__Role)i;
    if (granting->grant.role == PICKET__V1__ROLE__ROLE_ENROLLER)
        return cli_usage(cli, reterr_problem,
            "one enroller is made with the fleet; a second one is not supported yet");
    if (granting->grant.role)
        return 0;
    near = nearest_word(word, role_words + 1, ROLES - 1);
    return cli_usage(cli, reterr_problem,
        "there is no role \"%.40s\"%s%s%s; roles are operator, gateway, banner, observer and "
        "witness",
        word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* --new-key FILE, --key HEX or --key FILE. */
static int read_key(struct cli *cli, struct granting *granting, struct problem *reterr_problem)
{
    const char *new_key = option_value(cli->given, OPT_NEW_KEY);
    const char *key = option_value(cli->given, OPT_KEY);
    const char *passphrase = NULL;
    struct key_pair pair = {0};
    int r;

    if (!new_key == !key)
        return cli_usage(cli, reterr_problem,
            "say which key: --new-key FILE makes one, --key FILE or --key HEX names one");
    if (key && strlen(key) == 2 * KEY_BYTES && hex_parse(key, granting->key, KEY_BYTES) == 0) {
        if (!keys_public_is_sound(granting->key))
            return problem_say(reterr_problem, -EINVAL, "\"%s\" is no sound Ed25519 key", key);
        return 0;
    }
    if (new_key) {
        r = cli_passphrase(cli, NULL, true, &passphrase, reterr_problem);
        if (r == 0)
            r = fleet_new_key(new_key, passphrase, &pair, reterr_problem);
    } else {
        r = cli_key(cli, key, &pair, reterr_problem);
    }
    memcpy(granting->key, pair.public, KEY_BYTES);
    keys_wipe(&pair, sizeof(pair));
    return r;
}

static int read_budget(struct granting *granting, const char *text, struct problem *reterr_problem)
{
    uint64_t three[3];
    int r = budget_parse(text, three, reterr_problem);

    if (r < 0)
        return r;
    granting->budget.lifetime_entries = three[0];
    granting->budget.live_objects = three[1];
    granting->budget.live_elements = three[2];
    if (three[0] || three[1] || three[2])
        granting->grant.budget = &granting->budget;
    return 0;
}

static int read_limits(struct cli *cli, struct granting *granting, struct problem *reterr_problem)
{
    const char *scope = option_value(cli->given, OPT_SCOPE);
    const char *actions = option_value(cli->given, OPT_ACTIONS);
    const char *band = option_value(cli->given, OPT_BAND);
    const char *budget = option_value(cli->given, OPT_BUDGET);
    bool may_write = granting->grant.role != PICKET__V1__ROLE__ROLE_OBSERVER &&
                     granting->grant.role != PICKET__V1__ROLE__ROLE_WITNESS;
    int r = 0;

    if (may_write)
        granting->grant.actions = PERSON_ALL_ACTIONS;
    granting->grant.priority_max = may_write ? RULE_PRIORITY_MAX : 0;
    if (scope)
        r = scope_parse(scope, &granting->scope, reterr_problem);
    granting->grant.scope = granting->scope;
    if (r == 0 && actions)
        r = actions_parse(actions, &granting->grant.actions, reterr_problem);
    if (r == 0 && band)
        r = band_parse(
            band, &granting->grant.priority_min, &granting->grant.priority_max, reterr_problem);
    if (r == 0 && budget)
        r = read_budget(granting, budget, reterr_problem);
    cli->is_usage = r < 0;
    return r;
}

static int make_record(struct cli *cli, struct granting *granting, struct problem *reterr_problem)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    const char *passphrase = NULL;
    char path[FILE_PATH_MAX];
    bool has_ended = false;
    int r = 0;

    granting->grant.person = (char *)(uintptr_t)cli->words[1];
    granting->grant.key = (ProtobufCBinaryData){.data = granting->key, .len = KEY_BYTES};
    if (ledger_grant_find(cli->fleet->ledger, granting->key, &has_ended) || has_ended)
        return problem_say(reterr_problem, -EEXIST,
            "something was granted to this key already; a person's second grant is a second key: "
            "--new-key FILE");
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = &granting->grant;
    r = file_path(cli->fleet->path, FLEET_ROOT_KEY, path, reterr_problem);
    if (r == 0)
        r = cli_passphrase(cli, path, false, &passphrase, reterr_problem);
    return r < 0 ? r : fleet_make_trust(cli->fleet, &body, passphrase, reterr_problem);
}

/* The newest records of the fleet first: a second successor must never be made. */
static int grant_and_send(
    struct cli *cli, struct granting *granting, struct problem *reterr_problem)
{
    struct connections connections = {0};
    bool is_online = connections_are_named(cli);
    int r = is_online ? connections_open(cli, &connections, reterr_problem) : 0;

    for (uint32_t i = 0; r == 0 && i < connections.count; i++)
        r = write_sync_trust(cli, connections.at[i], reterr_problem);
    if (r == 0)
        r = make_record(cli, granting, reterr_problem);
    if (r == 0 && is_online)
        r = write_send_trust(cli, &connections, reterr_problem);
    connections_fini(&connections);
    return r;
}

int cmd_trust_grant(struct cli *cli, struct problem *reterr_problem)
{
    struct granting granting = {
        .grant = PICKET__V1__GRANT__INIT, .budget = PICKET__V1__BUDGET__INIT};
    char key[2 * KEY_BYTES + 1];
    int r = read_role(cli, &granting, reterr_problem);

    if (r == 0)
        r = read_limits(cli, &granting, reterr_problem);
    if (r == 0)
        r = cli_fleet(cli, reterr_problem);
    if (r == 0)
        r = read_key(cli, &granting, reterr_problem);
    if (r == 0)
        r = grant_and_send(cli, &granting, reterr_problem);
    if (r == 0) {
        hex_print(granting.key, KEY_BYTES, key);
        (void)fprintf(cli->out, "granted %s to %s, key %s\n", cli->words[0], cli->words[1], key);
        if (!connections_are_named(cli))
            (void)fprintf(cli->out, "the record goes out with the next change or invite\n");
    }
    scope_free(granting.scope);
    return r;
}

/* ---- list */

static json_t *grant_json(const Picket__V1__Grant *grant, const char *scope, bool is_live)
{
    json_t *actions = json_array();

    for (int action = PICKET__V1__ACTION__ACTION_ALLOW; action <= PICKET__V1__ACTION__ACTION_LOG;
         action++)
        if (grant->actions & (UINT32_C(1) << action))
            (void)json_array_append_new(
                actions, json_string(action_word((Picket__V1__Action)action)));
    return json_pack("{s:s,s:s,s:o,s:s,s:o,s:i,s:i,s:b}", "person", grant->person, "role",
        role_word(grant->role), "key", json_hex(bytes_of(grant->key.data, grant->key.len)), "scope",
        scope, "actions", actions, "priority_min", (int)grant->priority_min, "priority_max",
        (int)grant->priority_max, "live", is_live);
}

static void grant_row(
    struct table *table, const Picket__V1__Grant *grant, const char *scope, bool is_live)
{
    char actions[64] = "";
    char band[32] = "";
    char key[17];

    for (int action = PICKET__V1__ACTION__ACTION_ALLOW; action <= PICKET__V1__ACTION__ACTION_LOG;
         action++) {
        size_t used = strlen(actions);

        if (grant->actions & (UINT32_C(1) << action))
            (void)snprintf(actions + used, sizeof(actions) - used, "%s%s", used ? "," : "",
                action_word((Picket__V1__Action)action));
    }
    if (grant->actions)
        (void)snprintf(band, sizeof(band), "%u-%u", grant->priority_min, grant->priority_max);
    short_hex(bytes_of(grant->key.data, grant->key.len), key);
    table_add(table, (const char *const[]){grant->person, role_word(grant->role), key,
                         is_live ? "in force" : "ended", scope, actions, band});
}

/* The folder's own trust log is the truth; a node, if named, only brings it up to date. */
int cmd_trust_list(struct cli *cli, struct problem *reterr_problem)
{
    struct connections connections = {0};
    struct table *table;
    json_t *list;
    int r = cli_fleet(cli, reterr_problem);

    if (r == 0 && connections_are_named(cli)) {
        r = connections_open(cli, &connections, reterr_problem);
        if (r == 0)
            r = write_sync_trust(cli, connections_first(&connections), reterr_problem);
        connections_fini(&connections);
    }
    if (r < 0)
        return r;
    table = table_new(
        (const char *const[]){"PERSON", "ROLE", "KEY", "STATE", "SCOPE", "ACTIONS", "PRIORITIES"},
        7);
    list = json_array();
    for (uint32_t i = 0; i < ledger_grants_count(cli->fleet->ledger); i++) {
        OWN(buffer_fini) struct buffer text = {0};
        bool is_live;
        const Picket__V1__Grant *grant = ledger_grant_at(cli->fleet->ledger, i, &is_live);
        const char *scope = "fleet";

        if (grant->scope && scope_print(grant->scope, &text) == 0 &&
            buffer_append(&text, "", 1) == 0)
            scope = (const char *)text.at;
        (void)json_array_append_new(list, grant_json(grant, scope, is_live));
        grant_row(table, grant, scope, is_live);
    }
    if (cli_is_json(cli)) {
        table_free(table);
        return json_show(cli->out, json_pack("{s:o}", "grants", list), reterr_problem);
    }
    json_decref(list);
    table_print(table, cli->out, "nothing is granted to anyone");
    return 0;
}
