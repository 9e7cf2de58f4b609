/* SPDX-License-Identifier: Apache-2.0 */
#include "node/clock.h"
#include "base/bytes.h"
#include "store/db/db.h"

#define NAME "newest_time"
#define BEFORE_US_S 1735689600ULL /* 2025-01-01: no box that runs this program lives earlier */
#define UNSURE_S 120              /* ordinary corrections are smaller */
#define KEEP_S 60                 /* written down so often at most */
#define WILD_S 86400              /* ahead of all neighbours by so much */

bool clock_is_unsure(const struct node_clock *clock, uint64_t wall_s)
{
    return wall_s < BEFORE_US_S || wall_s + UNSURE_S < clock->newest_s;
}

uint64_t clock_read(struct node_clock *clock, uint64_t wall_s)
{
    if (wall_s > clock->newest_s)
        clock->newest_s = wall_s;
    return clock->newest_s;
}

void clock_hear(
    struct node_clock *clock, uint64_t wall_s, const uint64_t *neighbours_s, uint32_t count)
{
    uint64_t lowest_s = 0;

    if (!clock_is_unsure(clock, wall_s))
        return;
    for (uint32_t i = 0; i < count; i++)
        if (neighbours_s[i] && (!lowest_s || neighbours_s[i] < lowest_s))
            lowest_s = neighbours_s[i];
    if (lowest_s > clock->newest_s)
        clock->newest_s = lowest_s;
}

bool clock_is_worth_keeping(
    const struct node_clock *clock, const uint64_t *neighbours_s, uint32_t count)
{
    uint64_t highest_s = 0;

    for (uint32_t i = 0; i < count; i++)
        if (neighbours_s[i] > highest_s)
            highest_s = neighbours_s[i];
    if (highest_s && clock->newest_s > highest_s + WILD_S)
        return false;
    return clock->newest_s >= clock->kept_s + KEEP_S;
}

void clock_open(struct node_clock *clock, struct db *db)
{
    struct buffer value = {0};

    if (db_meta_get(db, NAME, &value) == 0 && value.len == sizeof(uint64_t))
        clock->newest_s = clock->kept_s = get_be64(value.at);
    buffer_fini(&value);
}

void clock_keep(struct node_clock *clock, struct db *db)
{
    uint8_t value[sizeof(uint64_t)];

    put_be64(value, clock->newest_s);
    if (db_meta_put_soon(db, NAME, bytes_of(value, sizeof(value))) == 0)
        clock->kept_s = clock->newest_s;
}
