/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - picket. */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc - 1, argv + 1, stdout, stderr);
}
