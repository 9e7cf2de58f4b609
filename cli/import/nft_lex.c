/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import/nft_lex.h"

#include <string.h>

void lexer_start(struct lexer *lexer, struct importing *in, size_t at, uint32_t line)
{
    *lexer = (struct lexer){.in = in, .text = in->text, .at = at, .line = line};
    lexer_next(lexer);
}

static bool is_mark(uint8_t c)
{
    return c && strchr("{};,()|&", c);
}

static void skip_blank(struct lexer *lexer)
{
    const uint8_t *text = lexer->text.at;
    size_t len = lexer->text.len;

    while (lexer->at < len) {
        uint8_t c = text[lexer->at];

        if (c == '#') {
            while (lexer->at < len && text[lexer->at] != '\n')
                lexer->at++;
        } else if (c == '\\' && lexer->at + 1 < len && text[lexer->at + 1] == '\n') {
            lexer->at += 2;
            lexer->line++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else {
            return;
        }
    }
}

static void take_word(struct lexer *lexer)
{
    const uint8_t *text = lexer->text.at;
    size_t len = lexer->text.len, from = lexer->at;
    bool is_quoted = text[from] == '"';

    if (is_quoted) {
        lexer->at++;
        while (lexer->at < len && text[lexer->at] != '"' && text[lexer->at] != '\n')
            lexer->at++;
        lexer->now.text =
            import_copy(lexer->in, (const char *)text + from + 1, lexer->at - from - 1);
        lexer->now.kind = TOKEN_TEXT;
        if (lexer->at < len && text[lexer->at] == '"')
            lexer->at++;
        return;
    }
    while (lexer->at < len && !is_mark(text[lexer->at]) && !strchr(" \t\r\n\"", text[lexer->at]))
        lexer->at++;
    lexer->now.text = import_copy(lexer->in, (const char *)text + from, lexer->at - from);
    lexer->now.kind = TOKEN_WORD;
}

void lexer_next(struct lexer *lexer)
{
    skip_blank(lexer);
    lexer->now = (struct token){.at = lexer->at, .line = lexer->line, .text = ""};
    if (lexer->at >= lexer->text.len) {
        lexer->now.kind = TOKEN_END;
    } else if (lexer->text.at[lexer->at] == '\n') {
        lexer->now.kind = TOKEN_NEWLINE;
        lexer->at++;
        lexer->line++;
    } else if (is_mark(lexer->text.at[lexer->at])) {
        lexer->now.kind = TOKEN_MARK;
        lexer->now.mark = (char)lexer->text.at[lexer->at++];
    } else {
        take_word(lexer);
    }
}

void lexer_next_inside(struct lexer *lexer)
{
    do
        lexer_next(lexer);
    while (lexer->now.kind == TOKEN_NEWLINE);
}

bool lexer_is(const struct lexer *lexer, const char *word)
{
    return lexer->now.kind == TOKEN_WORD && strcmp(lexer->now.text, word) == 0;
}

bool lexer_is_mark(const struct lexer *lexer, char mark)
{
    return lexer->now.kind == TOKEN_MARK && lexer->now.mark == mark;
}

bool lexer_take(struct lexer *lexer, const char *word)
{
    bool is_here = lexer_is(lexer, word);

    if (is_here)
        lexer_next(lexer);
    return is_here;
}

bool lexer_take_mark(struct lexer *lexer, char mark)
{
    bool is_here = lexer_is_mark(lexer, mark);

    if (is_here)
        lexer_next(lexer);
    return is_here;
}
