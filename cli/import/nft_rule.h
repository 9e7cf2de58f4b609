/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* nft_rule.h - one rule of `nft list ruleset` into steps. Private to cli/import/. */
#include "cli/import/nft_lex.h"

/* The lexer stays where it is. inner: the chain of `jump {`, or NULL. */
void nft_rule(struct importing *in, struct chain *chain, uint32_t line, const struct lexer *lexer,
    struct chain *inner);
