/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/read.h"

#include "cli/write.h"

#include <errno.h>
#include <string.h>

/* A folder that is there, and is of the node's fleet, is used; none is no error. */
static int use_fleet(struct cli *cli, struct reading *reading, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    int r;

    if (fleet_find(option_value(cli->given, OPT_FLEET), path, NULL) < 0 &&
        !option_is_given(cli->given, OPT_FLEET))
        return 0;
    r = cli_fleet(cli, reterr_problem);
    if (r == 0)
        r = write_sync_trust(cli, reading->connection, reterr_problem);
    if (cli->fleet)
        fleet_unlock(cli->fleet);
    if (r == -EPERM && !option_is_given(cli->given, OPT_FLEET))
        return 0; /* another fleet's folder */
    if (r == 0)
        reading->ledger = cli->fleet->ledger;
    return r;
}

int read_begin(struct cli *cli, struct reading *ret_reading, struct problem *reterr_problem)
{
    int r;

    memset(ret_reading, 0, sizeof(*ret_reading));
    r = connections_open(cli, &ret_reading->connections, reterr_problem);
    if (r < 0)
        return r;
    ret_reading->connection = connections_first(&ret_reading->connections);
    return use_fleet(cli, ret_reading, reterr_problem);
}

void read_end(struct reading *reading)
{
    objects_fini(&reading->objects);
    connections_fini(&reading->connections);
}
