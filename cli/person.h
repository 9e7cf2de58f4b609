/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* person.h - names of people, and what a grant says unless told otherwise. */
#include "base/limits.h"
#include "cli/cli.h"

/* Bits of allow, drop, reject, limit and log. */
#define PERSON_ALL_ACTIONS 0x3eU

/* --person, else the login name, made to fit a certificate. */
int person_choose(
    struct cli *cli, char ret_person[NAME_BYTES_MAX + 1], struct problem *reterr_problem);
