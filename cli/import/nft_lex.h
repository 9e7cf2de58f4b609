/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* nft_lex.h - `nft list ruleset` as words. Private to cli/import/. */
#include "cli/import/model.h"

enum token_kind { TOKEN_END, TOKEN_NEWLINE, TOKEN_WORD, TOKEN_TEXT, TOKEN_MARK };

struct token {
    enum token_kind kind;
    char mark;        /* one of { } ; , ( ) | & */
    const char *text; /* a word, a quoted text without its quotes */
    size_t at;        /* in the file */
    uint32_t line;
};

struct lexer {
    struct importing *in;
    struct bytes text;
    size_t at;
    uint32_t line;
    struct token now;
};

void lexer_start(struct lexer *lexer, struct importing *in, size_t at, uint32_t line);
void lexer_next(struct lexer *lexer);
/* Newlines are nothing inside braces. */
void lexer_next_inside(struct lexer *lexer);
bool lexer_is(const struct lexer *lexer, const char *word);
bool lexer_is_mark(const struct lexer *lexer, char mark);
/* Takes the word if it is at hand. */
bool lexer_take(struct lexer *lexer, const char *word);
bool lexer_take_mark(struct lexer *lexer, char mark);
