/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/person.h"

#include "rpc/x509.h"

#include <ctype.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int person_choose(
    struct cli *cli, char ret_person[NAME_BYTES_MAX + 1], struct problem *reterr_problem)
{
    const char *given = option_value(cli->given, OPT_PERSON);
    const struct passwd *login = given ? NULL : getpwuid(getuid());

    if (!given && !login)
        return cli_usage(
            cli, reterr_problem, "this user has no name; say who you are: --person NAME");
    (void)snprintf(ret_person, NAME_BYTES_MAX, "%s", given ? given : login->pw_name);
    if (!given)
        for (char *at = ret_person; *at; at++)
            *at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '-';
    if (!rpc_name_is_sound(ret_person))
        return cli_usage(cli, reterr_problem,
            "the name \"%.70s\" does not fit: 1 to 63 of a-z, 0-9 and - inside; say it with "
            "--person",
            ret_person);
    return 0;
}
