/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_log.c - picket log: the signed history, in the order of one node. */
#include "base/own.h"
#include "cli/output.h"
#include "cli/read.h"
#include "cli/verify.h"
#include "proto/wire/wire.h"

#include "proto/picket/v1/fleet.pb-c.h"
#include "proto/picket/v1/log.pb-c.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LOG_PAGE 40
#define LOG_REPLY_MEMORY (4UL * 1024 * 1024)

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

struct showing {
    struct cli *cli;
    const struct ledger *ledger;
    json_t *list; /* NULL: print each at once */
};

/* Signed as the node says? With no folder of the fleet nothing can be said. */
static const char *proof(const struct showing *showing, const Picket__V1__LogEntry *entry)
{
    OWN(buffer_fini) struct buffer bytes = {0};
    struct record_view view;

    if (!showing->ledger)
        return "unchecked";
    if (!entry->entry || wire_pack(&entry->entry->base, &bytes) < 0 ||
        verify_record(showing->ledger, RECORD_ENTRY, buffer_bytes(&bytes), "", &view, NULL) < 0 ||
        entry->id.len != HASH_BYTES || memcmp(view.id, entry->id.data, HASH_BYTES) != 0)
        return "NOT PROVEN";
    return "proven";
}

static json_t *entry_json(const struct showing *showing, const Picket__V1__LogEntry *entry)
{
    json_t *lines = json_array();

    for (size_t i = 0; i < entry->n_lines; i++)
        (void)json_array_append_new(lines, json_string(entry->lines[i]));
    return json_pack("{s:o,s:o,s:s,s:s,s:s,s:s,s:o}", "cursor", json_number(entry->cursor), "id",
        json_hex(bytes_of(entry->id.data, entry->id.len)), "person", entry->person, "status",
        entry->status, "reason", entry->reason, "proof", proof(showing, entry), "lines", lines);
}

static void show_text(const struct showing *showing, const Picket__V1__LogEntry *entry)
{
    FILE *out = showing->cli->out;
    const char *is_proven = proof(showing, entry);
    char id[17];

    short_hex(bytes_of(entry->id.data, entry->id.len), id);
    (void)fprintf(out, "%-6" PRIu64 " %s  %-12s %s%s%s%s\n", entry->cursor, id, entry->person,
        entry->status, entry->reason[0] ? ": " : "", entry->reason,
        strcmp(is_proven, "NOT PROVEN") == 0 ? "  NOT PROVEN" : "");
    for (size_t i = 0; i < entry->n_lines; i++)
        (void)fprintf(out, "       %s\n", entry->lines[i]);
}

/* Following prints one JSON object a line. */
static void show(struct showing *showing, const Picket__V1__LogEntry *entry)
{
    json_t *json;

    if (!cli_is_json(showing->cli)) {
        show_text(showing, entry);
        return;
    }
    json = entry_json(showing, entry);
    if (showing->list) {
        (void)json_array_append_new(showing->list, json);
        return;
    }
    (void)json_dumpf(json, showing->cli->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    (void)fputc('\n', showing->cli->out);
    json_decref(json);
}

static bool on_entry(void *user, struct bytes reply)
{
    struct showing *showing = user;
    ProtobufCMessage *message = NULL;

    if (wire_unpack_lenient(
            &picket__v1__log_entry__descriptor, reply, LOG_REPLY_MEMORY, &message) != WIRE_OK)
        return true;
    show(showing, (const Picket__V1__LogEntry *)message);
    wire_free(message);
    return fflush(showing->cli->out) == 0;
}

/* The newest `limit` need all pages: a node's cursors are numbers from 1 in order of acceptance. */
static int list_pages(struct reading *reading, uint64_t limit, struct showing *showing,
    struct problem *reterr_problem)
{
    Picket__V1__ListLogRequest request = PICKET__V1__LIST_LOG_REQUEST__INIT;
    Picket__V1__FleetStatusRequest ask = PICKET__V1__FLEET_STATUS_REQUEST__INIT;
    OWN(own_message) Picket__V1__FleetStatusResponse *status = NULL;
    int r = 0;

    if (limit)
        r = connection_ask(reading->connection, "/picket.v1.Fleet/Status", &ask,
            &picket__v1__fleet_status_response__descriptor, &status, reterr_problem);
    if (r == 0 && limit && status->entries > limit)
        request.after = status->entries - limit;
    request.limit = LOG_PAGE;
    while (r == 0) {
        OWN(own_message) Picket__V1__ListLogResponse *page = NULL;

        r = connection_ask(reading->connection, "/picket.v1.Log/List", &request,
            &picket__v1__list_log_response__descriptor, &page, reterr_problem);
        for (size_t i = 0; r == 0 && i < page->n_entries; i++)
            show(showing, page->entries[i]);
        if (r < 0 || page->next <= request.after)
            break;
        request.after = page->next;
    }
    return r;
}

int cmd_log(struct cli *cli, struct problem *reterr_problem)
{
    const char *limit_text = option_value(cli->given, OPT_LIMIT);
    Picket__V1__ListLogRequest request = PICKET__V1__LIST_LOG_REQUEST__INIT;
    struct showing showing = {.cli = cli};
    struct reading reading;
    uint64_t limit = 0;
    int r = 0;

    if (limit_text && number_value("--limit", limit_text, UINT32_MAX, &limit, reterr_problem) < 0) {
        cli->is_usage = true;
        return -EINVAL;
    }
    r = read_begin(cli, &reading, reterr_problem);
    showing.ledger = reading.ledger;
    if (r == 0 && option_is_given(cli->given, OPT_FOLLOW)) {
        r = connection_follow(reading.connection, "/picket.v1.Log/Follow", &request, on_entry,
            &showing, reterr_problem);
    } else if (r == 0) {
        showing.list = cli_is_json(cli) ? json_array() : NULL;
        r = list_pages(&reading, limit, &showing, reterr_problem);
        if (r == 0 && showing.list)
            r = json_show(cli->out, json_pack("{s:o}", "entries", showing.list), reterr_problem);
        else if (showing.list)
            json_decref(showing.list);
    }
    read_end(&reading);
    return r;
}
