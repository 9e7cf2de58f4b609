/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* picks.h - headers as the parser leaves them in the key (tests/bench/packet/micro/pick.h). */
#include "tests/bench/packet/micro/pick.h"
#include "tests/bench/packet/rules/rule_set.h"

/* As on paper: ClassBench gives ports to every protocol. */
void pick_of_header(const struct bench_header *header, struct pick *ret_pick);
