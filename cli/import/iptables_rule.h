/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* iptables_rule.h - the words behind "-A CHAIN" into steps. Private to cli/import/. */
#include "cli/import/model.h"

void iptables_rule(
    struct importing *in, struct chain *chain, uint32_t line, char **words, uint32_t count);
