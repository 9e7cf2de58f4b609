/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core_internal.h"
#include "proto/wire/wire.h"

#define KIND_NAME(kind) [PICKET__V1__FRAME__BODY_##kind]

static const char *const kind_words[] = {
    KIND_NAME(HELLO) = "hello",
    KIND_NAME(KEEPALIVE) = "keepalive",
    KIND_NAME(SUMMARY) = "summary",
    KIND_NAME(WANT) = "want",
    KIND_NAME(RECORD) = "record",
    KIND_NAME(CHUNK) = "chunk",
    KIND_NAME(ABSENT) = "absent",
    KIND_NAME(GOODBYE) = "goodbye",
    KIND_NAME(CONTACTS) = "contacts",
};

void mesh_send(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Frame *frame)
{
    struct mesh_effect effect = {.kind = MESH_DO_SEND, .link = link->number};

    core->out.len = 0;
    /* Out of memory here is a lost frame, and lost frames are what repair is for. */
    if (wire_pack(&frame->base, &core->out) < 0)
        return;
    effect.bytes = buffer_bytes(&core->out);
    core->counts.frames_out++;
    core->counts.bytes_out += effect.bytes.len;
    mesh_trace_link(core, "send", link, "frame", kind_words[frame->body_case]);
    mesh_emit(core, &effect);
}

void mesh_send_record(
    struct mesh_core *core, struct mesh_link *link, const struct mesh_record *record)
{
    static const Picket__V1__Record__RecordCase cases[] = {
        [MESH_ENTRY] = PICKET__V1__RECORD__RECORD_ENTRY,
        [MESH_TRUST] = PICKET__V1__RECORD__RECORD_TRUST,
        [MESH_JOIN] = PICKET__V1__RECORD__RECORD_JOIN,
        [MESH_FORK] = PICKET__V1__RECORD__RECORD_FORK,
    };
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Record body;

    picket__v1__record__init(&body);
    body.record_case = cases[record->kind];
    body.entry = mesh_binary(record->bytes.at, record->bytes.len); /* all members share one place */
    frame.body_case = PICKET__V1__FRAME__BODY_RECORD;
    frame.record = &body;
    core->counts.records_out++;
    mesh_send(core, link, &frame);
}

void mesh_send_keepalive(struct mesh_core *core, struct mesh_link *link)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Keepalive body = PICKET__V1__KEEPALIVE__INIT;
    uint8_t state_root[HASH_BYTES], digest[HASH_BYTES], trust_head[HASH_BYTES];
    uint64_t position;

    body.root = mesh_binary(mesh_root(core), HASH_BYTES);
    body.time = core->time_s;
    body.durable = core->view.is_durable(core->view.user);
    if (core->view.trust_head(core->view.user, trust_head, &position))
        body.trust_head = mesh_binary(trust_head, HASH_BYTES);
    if (core->view.state_root(core->view.user, state_root))
        body.state_root = mesh_binary(state_root, HASH_BYTES);
    if (core->view.digest(core->view.user, digest))
        body.compiled_digest = mesh_binary(digest, HASH_BYTES);
    frame.body_case = PICKET__V1__FRAME__BODY_KEEPALIVE;
    frame.keepalive = &body;
    link->keepalive_ms = core->now_ms + mesh_jitter(core, core->options.keepalive_ms);
    mesh_send(core, link, &frame);
}

static void dispatch_absent(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Absent *absent)
{
    if (absent->n_chunks)
        mesh_recv_absent_chunks(core, link, absent);
    else
        mesh_recv_end(core, link, absent);
}

static void dispatch(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Frame *frame)
{
    switch (frame->body_case) {
    case PICKET__V1__FRAME__BODY_HELLO:
        mesh_recv_hello(core, link, frame->hello);
        break;
    case PICKET__V1__FRAME__BODY_KEEPALIVE:
        mesh_recv_keepalive(core, link, frame->keepalive);
        break;
    case PICKET__V1__FRAME__BODY_SUMMARY:
        mesh_recv_summary(core, link, frame->summary);
        break;
    case PICKET__V1__FRAME__BODY_WANT:
        mesh_recv_want(core, link, frame->want);
        break;
    case PICKET__V1__FRAME__BODY_RECORD:
        mesh_recv_record(core, link, frame->record);
        break;
    case PICKET__V1__FRAME__BODY_CHUNK:
        mesh_recv_chunk(core, link, frame->chunk);
        break;
    case PICKET__V1__FRAME__BODY_ABSENT:
        dispatch_absent(core, link, frame->absent);
        break;
    case PICKET__V1__FRAME__BODY_CONTACTS:
        mesh_recv_contacts(core, link, frame->contacts);
        break;
    case PICKET__V1__FRAME__BODY_GOODBYE:
        mesh_link_close(core, link, MESH_GOODBYE);
        break;
    case PICKET__V1__FRAME__BODY__NOT_SET:
    case _PICKET__V1__FRAME__BODY__CASE_IS_INT_SIZE:
        mesh_link_blame(core, link, MESH_BAD_FRAME);
        break;
    }
}

void mesh_recv(struct mesh_core *core, struct mesh_link *link, struct bytes bytes)
{
    ProtobufCMessage *message = NULL;
    Picket__V1__Frame *frame;
    enum wire_fault fault;

    core->counts.frames_in++;
    core->counts.bytes_in += bytes.len;
    link->frame_ms = core->now_ms;
    if (bytes.len > FRAME_BYTES_MAX) {
        mesh_link_blame(core, link, MESH_TOO_LARGE);
        return;
    }
    fault = wire_unpack(&picket__v1__frame__descriptor, bytes, MESH_UNPACK_BYTES_MAX, &message);
    if (fault != WIRE_OK) {
        mesh_trace_link(
            core, "recv.bad", link, "why", fault == WIRE_MEMORY ? "memory" : "encoding");
        mesh_link_blame(core, link, fault == WIRE_MEMORY ? MESH_TOO_LARGE : MESH_BAD_FRAME);
        return;
    }
    frame = (Picket__V1__Frame *)message;
    mesh_trace_link(core, "recv", link, "frame", kind_words[frame->body_case]);
    if (!link->has_hello && frame->body_case != PICKET__V1__FRAME__BODY_HELLO)
        mesh_link_close(core, link, MESH_NO_HELLO);
    else
        dispatch(core, link, frame);
    wire_free(message);
}
