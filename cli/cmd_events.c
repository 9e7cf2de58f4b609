/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_events.c - picket events: what drops, and what log rules match, as it happens. */
#include "cli/connection.h"
#include "cli/output.h"
#include "proto/wire/wire.h"
#include "store/ledger/rule_text.h"

#include "proto/picket/v1/node.pb-c.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <time.h>

#define EVENT_MEMORY (64UL * 1024)

static const char *address_text(ProtobufCBinaryData address, char ret_text[INET6_ADDRSTRLEN])
{
    ret_text[0] = '\0';
    if (address.len == 4)
        (void)inet_ntop(AF_INET, address.data, ret_text, INET6_ADDRSTRLEN);
    else if (address.len == 16)
        (void)inet_ntop(AF_INET6, address.data, ret_text, INET6_ADDRSTRLEN);
    return ret_text;
}

/* As a rule calls it. */
static const char *protocol_text(uint32_t protocol, char ret_text[16])
{
    const char *word = word_of(rule_protocols, protocol);

    (void)snprintf(ret_text, 16, "%" PRIu32, protocol);
    return word ? word : ret_text;
}

/* FIN is the lowest. */
static const char *flags_text(uint32_t flags, char ret_text[9])
{
    static const char letters[] = "FSRPAUEC";
    size_t used = 0;

    for (int i = 0; i < 8; i++)
        if (flags & 1U << i)
            ret_text[used++] = letters[i];
    ret_text[used] = '\0';
    return ret_text;
}

/* Names come from outside. */
static void say(FILE *out, const char *before, const char *text)
{
    if (!text[0])
        return;
    (void)fputs(before, out);
    for (; *text; text++)
        (void)fputc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, out);
}

static bool has_ports(const Picket__V1__Event *event)
{
    return event->source_port || event->target_port;
}

static void print_end(
    FILE *out, const Picket__V1__Event *event, ProtobufCBinaryData address, uint32_t port)
{
    char text[INET6_ADDRSTRLEN];

    (void)fprintf(
        out, has_ports(event) && address.len == 16 ? " [%s]" : " %s", address_text(address, text));
    if (has_ports(event))
        (void)fprintf(out, ":%" PRIu32, port);
}

static void print_packet(FILE *out, const Picket__V1__Event *event)
{
    char text[16];

    if (event->source.len) {
        (void)fprintf(out, " %s", protocol_text(event->protocol, text));
        print_end(out, event, event->source, event->source_port);
        (void)fputs(" >", out);
        print_end(out, event, event->target, event->target_port);
    } else {
        (void)fprintf(out, " ethertype 0x%04" PRIx32, event->ethertype);
    }
    if (event->protocol == 1 || event->protocol == 58)
        (void)fprintf(out, " type %" PRIu32 " code %" PRIu32, event->icmp_type, event->icmp_code);
    if (event->tcp_flags)
        (void)fprintf(out, " %s", flags_text(event->tcp_flags, text));
    if (event->vlan)
        (void)fprintf(out, " vlan %" PRIu32, event->vlan);
    (void)fprintf(out, " %" PRIu32 " bytes", event->frame_bytes);
}

/* 08:00:00.123, UTC. */
static void print_time(FILE *out, uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm broken;

    if (gmtime_r(&seconds, &broken))
        (void)fprintf(out, "%02d:%02d:%02d.%03u", broken.tm_hour, broken.tm_min, broken.tm_sec,
            (unsigned)(time_ms % 1000));
}

static void print_event(FILE *out, const Picket__V1__Event *event)
{
    print_time(out, event->time_ms);
    if (event->missed)
        (void)fprintf(out, " (%" PRIu64 " events missed)", event->missed);
    if (event->verdict[0]) {
        say(out, " ", event->verdict);
        say(out, " ", event->device);
        print_packet(out, event);
        say(out, " ", event->reason);
        say(out, " rule ", event->rule);
        say(out, " seen by ", event->observed_rule);
    }
    (void)fputc('\n', out);
}

static json_t *event_json(const Picket__V1__Event *event)
{
    char source[INET6_ADDRSTRLEN];
    char target[INET6_ADDRSTRLEN];

    return json_pack("{s:o,s:o,s:s,s:i,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:s,s:o,"
                     "s:s,s:o,s:i}",
        "time_ms", json_number(event->time_ms), "missed", json_number(event->missed), "device",
        event->device, "index", (int)event->device_index, "verdict", event->verdict, "reason",
        event->reason, "source", address_text(event->source, source), "target",
        address_text(event->target, target), "ethertype", (int)event->ethertype, "vlan",
        (int)event->vlan, "protocol", (int)event->protocol, "source_port", (int)event->source_port,
        "target_port", (int)event->target_port, "icmp_type", (int)event->icmp_type, "icmp_code",
        (int)event->icmp_code, "tcp_flags", (int)event->tcp_flags, "bytes", (int)event->frame_bytes,
        "rule", event->rule, "id", json_hex(bytes_of(event->object.data, event->object.len)),
        "observed_rule", event->observed_rule, "observed_id",
        json_hex(bytes_of(event->observed_object.data, event->observed_object.len)), "slot",
        (int)event->slot);
}

static bool on_event(void *user, struct bytes reply)
{
    struct cli *cli = user;
    ProtobufCMessage *message = NULL;

    if (wire_unpack_lenient(&picket__v1__event__descriptor, reply, EVENT_MEMORY, &message) !=
        WIRE_OK)
        return true;
    if (cli_is_json(cli)) {
        json_t *json = event_json((const Picket__V1__Event *)message);

        (void)json_dumpf(json, cli->out, JSON_COMPACT | JSON_PRESERVE_ORDER);
        (void)fputc('\n', cli->out);
        json_decref(json);
    } else {
        print_event(cli->out, (const Picket__V1__Event *)message);
    }
    wire_free(message);
    return fflush(cli->out) == 0;
}

int cmd_events(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__EventsRequest request = PICKET__V1__EVENTS_REQUEST__INIT;
    struct connections connections;
    int r = connections_open(cli, &connections, reterr_problem);

    if (r < 0)
        return r;
    r = connection_follow(connections_first(&connections), "/picket.v1.Node/Events", &request,
        on_event, cli, reterr_problem);
    connections_fini(&connections);
    return r;
}
