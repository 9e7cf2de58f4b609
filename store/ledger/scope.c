/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - which nodes: a conjunction of `label in {values}`, its text and its order. */
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool is_word_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("=,;\"'\\", c);
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. Bytes behind the sequence's
 * first; 4: none such. */
static unsigned utf8_more(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 0;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        return 1;
    if (at[0] >= 0xe0 && at[0] <= 0xef)
        return (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ? 4 : 2;
    if (at[0] >= 0xf0 && at[0] <= 0xf4)
        return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 4 : 3;
    return 4;
}

bool text_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        unsigned more = utf8_more(at++);

        if (more == 4)
            return false;
        for (; more > 0; more--)
            if ((*at++ & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static int check_label(const char *text, const char *what, struct problem *reterr_problem)
{
    size_t len = strlen(text);

    if (len == 0)
        return problem_say(reterr_problem, -EINVAL, "a scope has an empty %s", what);
    if (len > LABEL_BYTES_MAX)
        return problem_say(reterr_problem, -EINVAL,
            "the scope's %s '%.40s...' is longer than %d bytes", what, text, LABEL_BYTES_MAX);
    if (!text_is_utf8(text))
        return problem_say(reterr_problem, -EINVAL, "a %s of a scope is not valid UTF-8", what);
    for (size_t i = 0; i < len; i++)
        if (!is_word_char(text[i]))
            return problem_say(reterr_problem, -EINVAL,
                "the scope's %s '%.60s' holds a space, a control character or one of = , ; \" ' \\",
                what, text);
    return 0;
}

static int check_term(const Picket__V1__ScopeTerm *term, struct problem *reterr_problem)
{
    int r = check_label(term->key, "label", reterr_problem);

    if (r == 0 && (term->n_values == 0 || term->n_values > SCOPE_VALUES_MAX))
        return problem_say(reterr_problem, -EINVAL,
            "the scope's label '%.64s' has %zu values; 1 to %d are possible", term->key,
            term->n_values, SCOPE_VALUES_MAX);
    for (size_t i = 0; r == 0 && i < term->n_values; i++) {
        r = check_label(term->values[i], "value", reterr_problem);
        if (r == 0 && i > 0 && strcmp(term->values[i - 1], term->values[i]) >= 0)
            r = problem_say(reterr_problem, -EINVAL,
                "the scope's values '%.64s' and '%.64s' are not in ascending order",
                term->values[i - 1], term->values[i]);
    }
    return r;
}

int scope_check(const Picket__V1__Scope *scope, struct problem *reterr_problem)
{
    int r = 0;

    if (!scope)
        return 0;
    if (scope->n_terms == 0 || scope->n_terms > SCOPE_TERMS_MAX)
        return problem_say(reterr_problem, -EINVAL,
            "a scope has %zu labels; 1 to %d are possible, and the whole fleet is no scope at all",
            scope->n_terms, SCOPE_TERMS_MAX);
    for (size_t i = 0; r == 0 && i < scope->n_terms; i++) {
        r = check_term(scope->terms[i], reterr_problem);
        if (r == 0 && i > 0 && strcmp(scope->terms[i - 1]->key, scope->terms[i]->key) >= 0)
            r = problem_say(reterr_problem, -EINVAL,
                "the scope's labels '%.64s' and '%.64s' are not in ascending order",
                scope->terms[i - 1]->key, scope->terms[i]->key);
    }
    return r;
}

static bool term_has(const Picket__V1__ScopeTerm *term, const char *value)
{
    for (size_t i = 0; i < term->n_values; i++)
        if (strcmp(term->values[i], value) == 0)
            return true;
    return false;
}

static bool term_contains(const Picket__V1__ScopeTerm *outer, const Picket__V1__ScopeTerm *inner)
{
    for (size_t i = 0; i < inner->n_values; i++)
        if (!term_has(outer, inner->values[i]))
            return false;
    return true;
}

static const Picket__V1__ScopeTerm *term_find(const Picket__V1__Scope *scope, const char *key)
{
    for (size_t i = 0; i < scope->n_terms; i++)
        if (strcmp(scope->terms[i]->key, key) == 0)
            return scope->terms[i];
    return NULL;
}

/* A label has one value on a node, so a term is contained only in a term of the same label. */
bool scope_contains(const Picket__V1__Scope *outer, const Picket__V1__Scope *inner)
{
    if (!outer)
        return true;
    if (!inner)
        return false;
    for (size_t i = 0; i < outer->n_terms; i++) {
        const Picket__V1__ScopeTerm *term = term_find(inner, outer->terms[i]->key);

        if (!term || !term_contains(outer->terms[i], term))
            return false;
    }
    return true;
}

static bool term_matches(
    const Picket__V1__ScopeTerm *term, Picket__V1__Label *const *labels, size_t labels_count)
{
    for (size_t i = 0; i < labels_count; i++)
        if (strcmp(labels[i]->key, term->key) == 0)
            return term_has(term, labels[i]->value);
    return false;
}

bool scope_matches(
    const Picket__V1__Scope *scope, Picket__V1__Label *const *labels, size_t labels_count)
{
    if (!scope)
        return true;
    for (size_t i = 0; i < scope->n_terms; i++)
        if (!term_matches(scope->terms[i], labels, labels_count))
            return false;
    return true;
}

static char *copy_text(const char *from, size_t len)
{
    char *text = malloc(len + 1);

    if (text) {
        memcpy(text, from, len);
        text[len] = '\0';
    }
    return text;
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_terms(const void *a, const void *b)
{
    return strcmp(
        (*(Picket__V1__ScopeTerm *const *)a)->key, (*(Picket__V1__ScopeTerm *const *)b)->key);
}

/* "v1,v2" into a term that has room for SCOPE_VALUES_MAX. */
static int parse_values(
    const char *text, const char *end, Picket__V1__ScopeTerm *term, struct problem *reterr_problem)
{
    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma ? comma : end;

        if (term->n_values == SCOPE_VALUES_MAX)
            return problem_say(reterr_problem, -EINVAL,
                "the scope's label '%.64s' has more than %d values", term->key, SCOPE_VALUES_MAX);
        term->values[term->n_values] = copy_text(text, (size_t)(stop - text));
        if (!term->values[term->n_values])
            return -ENOMEM;
        term->n_values++;
        if (!comma)
            break;
        text = comma + 1;
    }
    qsort(term->values, term->n_values, sizeof(char *), compare_values);
    return 0;
}

/* "key=v1,v2" becomes the scope's next term; the scope has room for SCOPE_TERMS_MAX. */
static int parse_term(
    const char *text, const char *end, Picket__V1__Scope *scope, struct problem *reterr_problem)
{
    const char *equals = memchr(text, '=', (size_t)(end - text));
    Picket__V1__ScopeTerm *term;

    if (!equals)
        return problem_say(reterr_problem, -EINVAL,
            "'%.*s' is not a scope; expected key=value,value",
            (int)(end - text > 60 ? 60 : end - text), text);
    if (scope->n_terms == SCOPE_TERMS_MAX)
        return problem_say(
            reterr_problem, -EINVAL, "a scope has more than %d labels", SCOPE_TERMS_MAX);
    term = calloc(1, sizeof(*term));
    if (!term)
        return -ENOMEM;
    picket__v1__scope_term__init(term);
    scope->terms[scope->n_terms++] = term;
    term->key = copy_text(text, (size_t)(equals - text));
    term->values = calloc(SCOPE_VALUES_MAX, sizeof(char *));
    if (!term->key || !term->values)
        return -ENOMEM;
    return parse_values(equals + 1, end, term, reterr_problem);
}

static int parse_terms(const char *text, Picket__V1__Scope *scope, struct problem *reterr_problem)
{
    int r = 0;

    scope->terms = calloc(SCOPE_TERMS_MAX, sizeof(Picket__V1__ScopeTerm *));
    if (!scope->terms)
        return -ENOMEM;
    for (;;) {
        const char *semicolon = strchr(text, ';');
        const char *end = semicolon ? semicolon : text + strlen(text);

        r = parse_term(text, end, scope, reterr_problem);
        if (r < 0 || !semicolon)
            break;
        text = semicolon + 1;
    }
    if (r < 0)
        return r;
    qsort(scope->terms, scope->n_terms, sizeof(Picket__V1__ScopeTerm *), compare_terms);
    return scope_check(scope, reterr_problem);
}

int scope_parse(const char *text, Picket__V1__Scope **ret_scope, struct problem *reterr_problem)
{
    Picket__V1__Scope *scope;
    int r;

    if (*text == '\0' || strcmp(text, "fleet") == 0) {
        *ret_scope = NULL;
        return 0;
    }
    scope = calloc(1, sizeof(*scope));
    if (!scope)
        return problem_say(reterr_problem, -ENOMEM, "not enough memory for a scope");
    picket__v1__scope__init(scope);
    r = parse_terms(text, scope, reterr_problem);
    if (r < 0) {
        if (r == -ENOMEM)
            (void)problem_say(reterr_problem, r, "not enough memory for a scope");
        scope_free(scope);
        return r;
    }
    *ret_scope = scope;
    return 0;
}

static int print_text(struct buffer *text, const char *what)
{
    return buffer_append(text, what, strlen(what));
}

int scope_print(const Picket__V1__Scope *scope, struct buffer *text)
{
    int r = scope ? 0 : print_text(text, "fleet");

    for (size_t i = 0; scope && r == 0 && i < scope->n_terms; i++) {
        const Picket__V1__ScopeTerm *term = scope->terms[i];

        if (i > 0)
            r = print_text(text, ";");
        if (r == 0)
            r = print_text(text, term->key);
        for (size_t j = 0; r == 0 && j < term->n_values; j++) {
            r = print_text(text, j == 0 ? "=" : ",");
            if (r == 0)
                r = print_text(text, term->values[j]);
        }
    }
    return r;
}

void scope_free(Picket__V1__Scope *scope)
{
    if (scope)
        picket__v1__scope__free_unpacked(scope, NULL);
}
