/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/limits.h"
#include "base/nearest.h"
#include "store/ledger/rule.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const struct option_row option_rows[OPT_COUNT] = {
#define CLI_OPTION_ROW(id, name, letter, value, is_many, help) {name, letter, value, is_many, help},
    CLI_OPTIONS(CLI_OPTION_ROW)
#undef CLI_OPTION_ROW
};

static int find_long(const char *word, size_t len)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (strlen(option_rows[i].name) == len && memcmp(option_rows[i].name, word, len) == 0)
            return i;
    return -ENOENT;
}

static int find_letter(char letter)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_rows[i].letter && option_rows[i].letter == letter)
            return i;
    return -ENOENT;
}

static int say_unknown(const char *word, struct problem *reterr_problem)
{
    const char *names[OPT_COUNT];
    const char *near;

    for (int i = 0; i < OPT_COUNT; i++)
        names[i] = option_rows[i].name;
    near = strncmp(word, "--", 2) == 0 ? nearest_word(word + 2, names, OPT_COUNT) : NULL;
    if (near)
        return problem_say(
            reterr_problem, -EINVAL, "there is no option \"%s\"; did you mean --%s?", word, near);
    return problem_say(reterr_problem, -EINVAL,
        "there is no option \"%s\"; put -- before words that begin with a dash", word);
}

static int take(struct words_given *given, int option, const char *word, const char *value,
    struct problem *reterr_problem)
{
    const struct option_row *row = &option_rows[option];
    uint32_t *count = &given->values_count[option];

    if (*count && !row->is_many && row->value)
        return problem_say(reterr_problem, -EINVAL, "--%s is given twice: \"%s\" and \"%s\"",
            row->name, given->values[option][0], value);
    if (*count == OPTION_VALUES_MAX)
        return problem_say(reterr_problem, -EINVAL, "--%s is given more than %d times", row->name,
            OPTION_VALUES_MAX);
    given->spelled[option] = word;
    given->values[option][*count] = value;
    *count = row->value ? *count + 1 : 1;
    return 0;
}

/* One word that begins with a dash; *at moves over its value. */
static int parse_option(
    int argc, char *const *argv, int *at, struct words_given *given, struct problem *reterr_problem)
{
    const char *word = argv[*at];
    bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word) - (is_long ? 2 : 1);
    int option = is_long ? find_long(word + 2, len) : len == 1 ? find_letter(word[1]) : -ENOENT;

    if (option < 0)
        return say_unknown(word, reterr_problem);
    if (!option_rows[option].value) {
        if (equals)
            return problem_say(
                reterr_problem, -EINVAL, "--%s takes no value", option_rows[option].name);
        return take(given, option, word, "", reterr_problem);
    }
    if (equals)
        return take(given, option, word, equals + 1, reterr_problem);
    if (*at + 1 >= argc)
        return problem_say(reterr_problem, -EINVAL, "%s needs a value: %s %s", word, word,
            option_rows[option].value);
    return take(given, option, word, argv[++*at], reterr_problem);
}

int options_parse(
    int argc, char *const *argv, struct words_given *ret_given, struct problem *reterr_problem)
{
    bool has_ended = false;

    memset(ret_given, 0, sizeof(*ret_given));
    for (int i = 0; i < argc; i++) {
        bool is_option = !has_ended && argv[i][0] == '-' && argv[i][1];

        if (is_option && strcmp(argv[i], "--") == 0) {
            has_ended = true;
        } else if (is_option) {
            int r = parse_option(argc, argv, &i, ret_given, reterr_problem);

            if (r < 0)
                return r;
        } else if (ret_given->count == WORDS_MAX) {
            return problem_say(
                reterr_problem, -EINVAL, "more than %d words are too many", WORDS_MAX);
        } else {
            ret_given->words[ret_given->count++] = argv[i];
        }
    }
    return 0;
}

int options_check(const struct words_given *given, uint64_t allowed, const char *command,
    struct problem *reterr_problem)
{
    allowed |= OPT(HELP);
    for (int i = 0; i < OPT_COUNT; i++)
        if (given->values_count[i] && !(allowed & (UINT64_C(1) << i)))
            return problem_say(reterr_problem, -EINVAL,
                "\"picket %s\" has no option \"%s\"; see picket %s --help", command,
                given->spelled[i], command);
    return 0;
}

const char *option_value(const struct words_given *given, enum cli_option option)
{
    return given->values_count[option] ? given->values[option][0] : NULL;
}

bool option_is_given(const struct words_given *given, enum cli_option option)
{
    return given->values_count[option] > 0;
}

/* Digits at *text, which moves behind them. -EINVAL if there is none or the number is too large. */
static int take_number(const char **text, uint64_t max, uint64_t *ret_number)
{
    const char *at = *text;
    uint64_t number = 0;

    if (*at < '0' || *at > '9')
        return -EINVAL;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (number > (max - digit) / 10)
            return -EINVAL;
        number = number * 10 + digit;
    }
    *text = at;
    *ret_number = number;
    return 0;
}

int number_value(const char *what, const char *text, uint64_t max, uint64_t *ret_number,
    struct problem *reterr_problem)
{
    const char *at = text;

    if (take_number(&at, max, ret_number) < 0 || *at)
        return problem_say(
            reterr_problem, -EINVAL, "%s \"%s\" is no number from 0 to %" PRIu64, what, text, max);
    return 0;
}

int duration_parse(const char *text, uint64_t *ret_seconds, struct problem *reterr_problem)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    const char *at = text;
    uint64_t number = 0;

    if (take_number(&at, 1000000, &number) == 0 && at[0] && !at[1] && number)
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
            if (units[i].unit == at[0]) {
                *ret_seconds = number * units[i].seconds;
                return 0;
            }
    return problem_say(reterr_problem, -EINVAL,
        "the duration \"%s\" is not understood; write a number and s, m, h, d or w, such as 7d",
        text);
}

int band_parse(
    const char *text, uint32_t *ret_min, uint32_t *ret_max, struct problem *reterr_problem)
{
    const char *at = text;
    uint64_t min = 0;
    uint64_t max = 0;
    bool is_good = take_number(&at, RULE_PRIORITY_MAX, &min) == 0 && *at == '-';

    if (is_good) {
        at++;
        is_good = take_number(&at, RULE_PRIORITY_MAX, &max) == 0 && !*at && min <= max;
    }
    if (!is_good)
        return problem_say(reterr_problem, -EINVAL,
            "the band \"%s\" is not understood; write the lowest and highest priority, such as "
            "1000-1999",
            text);
    *ret_min = (uint32_t)min;
    *ret_max = (uint32_t)max;
    return 0;
}

int budget_parse(const char *text, uint64_t ret_three[3], struct problem *reterr_problem)
{
    const char *at = text;

    for (int i = 0; i < 3; i++) {
        bool is_good = take_number(&at, UINT32_MAX, &ret_three[i]) == 0;

        if (!is_good || *at != (i < 2 ? ',' : '\0'))
            return problem_say(reterr_problem, -EINVAL,
                "the budget \"%s\" is not understood; write lifetime entries, live objects and "
                "live set elements, such as 10000,500,200000",
                text);
        at++;
    }
    return 0;
}

int actions_parse(const char *text, uint32_t *ret_bits, struct problem *reterr_problem)
{
    uint32_t bits = 0;

    for (const char *at = text; at;) {
        const char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        char word[16] = "";
        int action;

        if (len < sizeof(word))
            memcpy(word, at, len);
        action = action_parse(word);
        if (action < 0)
            return problem_say(reterr_problem, -EINVAL,
                "there is no action \"%.*s\"; known are allow, drop, reject, limit and log",
                (int)len, at);
        bits |= UINT32_C(1) << action;
        at = comma ? comma + 1 : NULL;
    }
    *ret_bits = bits;
    return 0;
}

int wait_parse(const char *text, struct wait_wish *ret_wish, struct problem *reterr_problem)
{
    uint64_t nodes = 0;
    const char *at = text + 6;

    *ret_wish = (struct wait_wish){.kind = WAIT_NODE};
    if (!text[0] || strcmp(text, "node") == 0)
        return 0;
    if (strcmp(text, "enforced") == 0) {
        ret_wish->kind = WAIT_ENFORCED;
        return 0;
    }
    if (strncmp(text, "nodes=", 6) == 0 && take_number(&at, 10000, &nodes) == 0 && !*at && nodes) {
        *ret_wish = (struct wait_wish){.kind = WAIT_NODES, .nodes = (uint32_t)nodes};
        return 0;
    }
    return problem_say(reterr_problem, -EINVAL,
        "--wait \"%s\" is not understood; write node (on its disk), nodes=K (on K nodes' disks) or "
        "enforced (in its kernel)",
        text);
}
