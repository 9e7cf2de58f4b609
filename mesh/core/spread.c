/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core_internal.h"

/* A record that is in the set and may be sent: to everybody but whom it came from. */
void mesh_spread_added(struct mesh_core *core, const struct mesh_event *event)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        struct mesh_link *link = &core->links[i];

        if (link->is_used && link->has_hello && link->number != event->link)
            mesh_send_record(core, link, &event->record);
    }
    mesh_repair_progress(core, event->link);
    mesh_repair_resume(core);
}

void mesh_recv_record(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Record *record)
{
    struct mesh_effect effect = {.kind = MESH_DO_TAKE, .link = link->number};

    switch (record->record_case) {
    case PICKET__V1__RECORD__RECORD_ENTRY:
        effect.record_kind = MESH_ENTRY;
        break;
    case PICKET__V1__RECORD__RECORD_TRUST:
        effect.record_kind = MESH_TRUST;
        break;
    case PICKET__V1__RECORD__RECORD_JOIN:
        effect.record_kind = MESH_JOIN;
        break;
    case PICKET__V1__RECORD__RECORD_FORK:
        effect.record_kind = MESH_FORK;
        break;
    case PICKET__V1__RECORD__RECORD__NOT_SET:
    case _PICKET__V1__RECORD__RECORD__CASE_IS_INT_SIZE:
        mesh_link_blame(core, link, MESH_BAD_FRAME);
        return;
    }
    /* The members of the oneof share one place. */
    effect.bytes = bytes_of(record->entry.data, record->entry.len);
    core->counts.records_in++;
    mesh_repair_heard(core, link);
    mesh_emit(core, &effect);
}
