/* SPDX-License-Identifier: Apache-2.0 */
/* rule_print.c - a rule as one line, and the words both directions use. */
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include <errno.h>
#include <string.h>

#define WORDS(name, ...)                                  \
    static const struct word name##_list[] = __VA_ARGS__; \
    const struct words name = {name##_list, sizeof(name##_list) / sizeof(name##_list[0])}

/* The first word of a value is the one printed; the others are read. */
WORDS(rule_actions,
    {{"allow", PICKET__V1__ACTION__ACTION_ALLOW}, {"drop", PICKET__V1__ACTION__ACTION_DROP},
        {"reject", PICKET__V1__ACTION__ACTION_REJECT}, {"limit", PICKET__V1__ACTION__ACTION_LIMIT},
        {"log", PICKET__V1__ACTION__ACTION_LOG}, {"accept", PICKET__V1__ACTION__ACTION_ALLOW},
        {"pass", PICKET__V1__ACTION__ACTION_ALLOW}, {"deny", PICKET__V1__ACTION__ACTION_DROP},
        {"block", PICKET__V1__ACTION__ACTION_DROP}});
WORDS(rule_directions,
    {{"in", PICKET__V1__DIRECTION__DIRECTION_IN}, {"out", PICKET__V1__DIRECTION__DIRECTION_OUT}});
WORDS(rule_targets,
    {{"self", PICKET__V1__TARGET__TARGET_SELF}, {"other", PICKET__V1__TARGET__TARGET_OTHER}});
WORDS(rule_families,
    {{"ipv4", PICKET__V1__FAMILY__FAMILY_IPV4}, {"ipv6", PICKET__V1__FAMILY__FAMILY_IPV6},
        {"ip", PICKET__V1__FAMILY__FAMILY_IPV4}, {"ip6", PICKET__V1__FAMILY__FAMILY_IPV6},
        {"inet", PICKET__V1__FAMILY__FAMILY_IPV4}, {"inet6", PICKET__V1__FAMILY__FAMILY_IPV6}});
WORDS(rule_protocols,
    {{"tcp", 6}, {"udp", 17}, {"sctp", 132}, {"icmp", 1}, {"icmpv6", 58}, {"igmp", 2}, {"gre", 47},
        {"esp", 50}, {"ah", 51}, {"ospf", 89}, {"vrrp", 112}, {"ipv6-icmp", 58}});
WORDS(rule_fragments,
    {{"none", PICKET__V1__FRAGMENT__FRAGMENT_NONE}, {"first", PICKET__V1__FRAGMENT__FRAGMENT_FIRST},
        {"later", PICKET__V1__FRAGMENT__FRAGMENT_LATER}});
WORDS(rule_classes, {{"external", PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_EXTERNAL},
                        {"internal", PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_INTERNAL},
                        {"container", PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_CONTAINER}});
WORDS(rule_states, {{"new", 1}, {"established", 2}});
WORDS(rule_flags, {{"fin", 1}, {"syn", 2}, {"rst", 4}, {"psh", 8}, {"ack", 16}, {"urg", 32},
                      {"ece", 64}, {"cwr", 128}});
WORDS(rule_set_kinds,
    {{"plain", PICKET__V1__SET_KIND__SET_KIND_PLAIN}, {"ban", PICKET__V1__SET_KIND__SET_KIND_BAN}});

const struct word *word_find(struct words words, const char *text, size_t len)
{
    for (size_t i = 0; i < words.count; i++)
        if (strlen(words.list[i].text) == len && memcmp(words.list[i].text, text, len) == 0)
            return &words.list[i];
    return NULL;
}

const char *word_of(struct words words, uint32_t value)
{
    for (size_t i = 0; i < words.count; i++)
        if (words.list[i].value == value)
            return words.list[i].text;
    return NULL;
}

int action_parse(const char *word)
{
    const struct word *found = word_find(rule_actions, word, strlen(word));

    return found ? (int)found->value : -EINVAL;
}

const char *action_word(Picket__V1__Action action)
{
    const char *word = word_of(rule_actions, (uint32_t)action);

    return word ? word : "none";
}

/* Remembers the first failure, so that a line reads as a list of its parts. */
struct line {
    struct buffer *text;
    rule_set_name set_name;
    void *user;
    int r;
};

static void put(struct line *line, const char *text)
{
    if (line->r == 0)
        line->r = buffer_append(line->text, text, strlen(text));
}

/* A space, then the word. */
static void put_word(struct line *line, const char *word)
{
    put(line, " ");
    put(line, word);
}

static void put_number(struct line *line, uint64_t value)
{
    char digits[21];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put(line, digits + at);
}

static void put_padded(struct line *line, uint64_t value, uint64_t smallest_of_width)
{
    for (; smallest_of_width > 1 && value < smallest_of_width; smallest_of_width /= 10)
        put(line, "0");
    put_number(line, value);
}

static bool is_bare(const char *text)
{
    const char *at = text;

    while (*at && is_word_char(*at))
        at++;
    return *text && !*at;
}

static void put_quoted(struct line *line, const char *text)
{
    put(line, "\"");
    for (; *text && line->r == 0; text++) {
        if (*text == '"' || *text == '\\')
            put(line, "\\");
        if (line->r == 0)
            line->r = buffer_append(line->text, text, 1);
    }
    put(line, "\"");
}

/* keyword and text, if there is a text. */
static void put_text(struct line *line, const char *keyword, const char *text)
{
    if (!*text)
        return;
    put_word(line, keyword);
    put(line, " ");
    if (is_bare(text))
        put(line, text);
    else
        put_quoted(line, text);
}

static void put_choice(struct line *line, const char *keyword, struct words words, uint32_t value)
{
    const char *word = word_of(words, value);

    if (!word)
        return;
    if (keyword)
        put_word(line, keyword);
    put_word(line, word);
}

/* The words of the bits, by commas. */
static void put_bits(struct line *line, struct words words, uint32_t bits)
{
    const char *separator = "";

    for (size_t i = 0; i < words.count; i++) {
        if (!(bits & words.list[i].value))
            continue;
        put(line, separator);
        put(line, words.list[i].text);
        separator = ",";
    }
}

/* A name that could be read as an id, or an id itself, stands in quotes. */
static void put_set(struct line *line, struct bytes set)
{
    char digits[2 * OP_REF_BYTES + 1];
    const char *name = line->set_name ? line->set_name(line->user, set) : NULL;

    put(line, "@");
    if (!name && set.len == 4) {
        put(line, "#");
        put_number(line, get_be32(set.at));
    } else if (!name) {
        hex_print(set.at, set.len > OP_REF_BYTES ? OP_REF_BYTES : set.len, digits);
        put(line, digits);
    } else if (is_bare(name) && *name != '#' && strlen(name) != 2 * (size_t)OP_REF_BYTES) {
        put(line, name);
    } else {
        put_quoted(line, name);
    }
}

static void put_addresses(struct line *line, const Picket__V1__Addresses *side)
{
    char text[64];

    put(line, side->negate ? " not " : " ");
    if (side->set.len > 0)
        put_set(line, bytes_of(side->set.data, side->set.len));
    for (size_t i = 0; i < side->n_prefixes; i++) {
        const Picket__V1__Prefix *prefix = side->prefixes[i];

        prefix_print(
            prefix->address.data, prefix->address.len == 16, (uint8_t)prefix->length, text);
        put(line, i > 0 ? "," : "");
        put(line, text);
    }
}

static void put_ports(struct line *line, Picket__V1__PortRange *const *ports, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(line, i > 0 ? "," : " port ");
        put_number(line, ports[i]->first);
        if (ports[i]->last != ports[i]->first) {
            put(line, "-");
            put_number(line, ports[i]->last);
        }
    }
}

/* Ports stand directly behind their side. */
static void put_sides(struct line *line, const Picket__V1__Match *match)
{
    bool has_from = match->source || match->n_source_ports > 0;

    if (has_from)
        put(line, " from");
    if (match->source)
        put_addresses(line, match->source);
    else if (has_from)
        put(line, " any");
    put_ports(line, match->source_ports, match->n_source_ports);
    put_choice(line, "to", rule_targets, (uint32_t)match->to);
    if (match->destination) {
        put(line, " to");
        put_addresses(line, match->destination);
    } else if (has_from && match->n_destination_ports > 0 &&
               !word_of(rule_targets, (uint32_t)match->to)) {
        put(line, " to any");
    }
    put_ports(line, match->destination_ports, match->n_destination_ports);
}

static void put_protocols(struct line *line, const Picket__V1__Match *match)
{
    for (size_t i = 0; i < match->n_protocols; i++) {
        const char *word = word_of(rule_protocols, match->protocols[i]);

        put(line, i > 0 ? "," : word ? " " : " proto ");
        if (word)
            put(line, word);
        else
            put_number(line, match->protocols[i]);
    }
}

static void put_icmp(struct line *line, const Picket__V1__Match *match)
{
    for (size_t i = 0; i < match->n_icmp; i++) {
        put(line, i > 0 ? "," : " icmp-type ");
        put_number(line, match->icmp[i]->type);
        if (match->icmp[i]->code) {
            put(line, "/");
            put_number(line, match->icmp[i]->code->value);
        }
    }
}

static void put_flags(struct line *line, const Picket__V1__TcpFlags *flags)
{
    if (!flags)
        return;
    put(line, " flags ");
    if (flags->value == 0)
        put(line, "none");
    put_bits(line, rule_flags, flags->value);
    put(line, "/");
    put_bits(line, rule_flags, flags->mask);
}

static void put_devices(struct line *line, const Picket__V1__Match *match)
{
    for (size_t i = 0; i < match->n_devices; i++) {
        put(line, i > 0 ? "," : " device ");
        put(line, match->devices[i]);
    }
    put_choice(line, "class", rule_classes, (uint32_t)match->device_class);
}

static void put_match(struct line *line, const Picket__V1__Match *match)
{
    put_choice(line, "family", rule_families, (uint32_t)match->family);
    put_protocols(line, match);
    put_sides(line, match);
    put_icmp(line, match);
    put_flags(line, match->tcp_flags);
    if (match->states) {
        put(line, " state ");
        put_bits(line, rule_states, match->states);
    }
    put_devices(line, match);
    if (match->vlan) {
        put(line, " vlan ");
        put_number(line, match->vlan->value);
    }
    put_choice(line, "fragment", rule_fragments, (uint32_t)match->fragment);
    if (match->dscp) {
        put(line, " dscp ");
        put_number(line, match->dscp->value);
    }
}

static void put_limit(struct line *line, const Picket__V1__Limit *limit)
{
    put(line, " ");
    put_number(line, limit->rate);
    put(line, limit->bytes ? "bytes/s" : "/s");
    if (limit->burst) {
        put(line, " burst ");
        put_number(line, limit->burst);
    }
    if (limit->source_prefix_v4 || limit->source_prefix_v6) {
        put(line, " per source /");
        put_number(line, limit->source_prefix_v4);
        put(line, ",/");
        put_number(line, limit->source_prefix_v6);
    }
}

#define SECONDS_PER_DAY 86400
#define LAST_WRITABLE 253402300799ULL /* the end of the year 9999 */

/* Days since 1970 into a date of the Gregorian calendar; eras are 400 years that begin in March. */
static void put_date(struct line *line, uint64_t days)
{
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097, day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    put_padded(line, era * 400 + year_of_era + (month <= 2 ? 1 : 0), 1000);
    put(line, "-");
    put_padded(line, month, 10);
    put(line, "-");
    put_padded(line, day_of_year - (153 * month_from_march + 2) / 5 + 1, 10);
}

static void put_time(struct line *line, const char *keyword, uint64_t time)
{
    uint64_t of_day = time % SECONDS_PER_DAY;

    if (time == 0)
        return;
    put_word(line, keyword);
    put(line, " ");
    if (time > LAST_WRITABLE) {
        put_number(line, time);
        return;
    }
    put_date(line, time / SECONDS_PER_DAY);
    put(line, "T");
    put_padded(line, of_day / 3600, 10);
    put(line, ":");
    put_padded(line, of_day / 60 % 60, 10);
    put(line, ":");
    put_padded(line, of_day % 60, 10);
    put(line, "Z");
}

/* Two or four digits followed by `behind` ('\0': by anything). Advances *text. */
static int digits_parse(const char **text, size_t count, char behind, uint64_t *ret_value)
{
    for (size_t i = 0; i < count; i++)
        if (!(*text)[i])
            return -EINVAL;
    if (number_parse(*text, count, 9999, ret_value) < 0)
        return -EINVAL;
    *text += count;
    if (behind == '\0')
        return 0;
    return *(*text)++ == behind ? 0 : -EINVAL;
}

/* YYYY-MM-DD into days since 1970. */
static int date_parse(const char **text, uint64_t *ret_days)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t year, month, day, leaps;
    bool is_leap;

    if (digits_parse(text, 4, '-', &year) < 0 || digits_parse(text, 2, '-', &month) < 0 ||
        digits_parse(text, 2, '\0', &day) < 0)
        return -EINVAL;
    is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (uint64_t)(month == 2 && is_leap))
        return -EINVAL;
    leaps =
        (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    *ret_days = (year - 1970) * 365 + leaps + day - 1;
    for (uint64_t i = 1; i < month; i++)
        *ret_days += month_days[i - 1];
    if (month > 2 && is_leap)
        (*ret_days)++;
    return 0;
}

/* Z, +HH:MM or -HH:MM: seconds east of Greenwich. */
static int zone_parse(const char *text, int64_t *ret_east_s)
{
    int64_t sign = *text == '-' ? -1 : 1;
    uint64_t hours, minutes;

    *ret_east_s = 0;
    if ((*text == 'Z' || *text == 'z') && !text[1])
        return 0;
    if (*text != '+' && *text != '-')
        return -EINVAL;
    text++;
    if (digits_parse(&text, 2, ':', &hours) < 0 || digits_parse(&text, 2, '\0', &minutes) < 0 ||
        *text || hours > 23 || minutes > 59)
        return -EINVAL;
    *ret_east_s = sign * (int64_t)(hours * 3600 + minutes * 60);
    return 0;
}

int time_parse(const char *text, uint64_t *ret_time)
{
    uint64_t days, hours = 0, minutes = 0, seconds = 0, time;
    int64_t east_s = 0;

    if (number_parse(text, strlen(text), UINT64_MAX, &time) == 0) {
        *ret_time = time;
        return time == 0 ? -EINVAL : 0;
    }
    if (date_parse(&text, &days) < 0)
        return -EINVAL;
    if (*text) {
        if (*text != 'T' && *text != 't')
            return -EINVAL;
        text++;
        if (digits_parse(&text, 2, ':', &hours) < 0 || digits_parse(&text, 2, ':', &minutes) < 0 ||
            digits_parse(&text, 2, '\0', &seconds) < 0 || zone_parse(text, &east_s) < 0)
            return -EINVAL;
    }
    if (hours > 23 || minutes > 59 || seconds > 59)
        return -EINVAL;
    time = days * SECONDS_PER_DAY + hours * 3600 + minutes * 60 + seconds;
    if ((int64_t)time <= east_s)
        return -EINVAL;
    *ret_time = time - (uint64_t)east_s;
    return 0;
}

int rule_print(
    const Picket__V1__Rule *rule, rule_set_name set_name, void *user, struct buffer *text)
{
    struct line line = {.text = text, .set_name = set_name, .user = user};

    put(&line, action_word(rule->action));
    if (rule->limit)
        put_limit(&line, rule->limit);
    put_choice(&line, NULL, rule_directions, (uint32_t)rule->direction);
    if (rule->match)
        put_match(&line, rule->match);
    if (rule->priority) {
        put(&line, " priority ");
        put_number(&line, rule->priority);
    }
    put_text(&line, "name", rule->name);
    if (rule->scope) {
        put(&line, " scope ");
        if (line.r == 0)
            line.r = scope_print(rule->scope, text);
    }
    if (rule->mode == PICKET__V1__MODE__MODE_SHADOW)
        put(&line, " shadow");
    put_time(&line, "since", rule->valid_from);
    put_time(&line, "until", rule->valid_until);
    put_text(&line, "owner", rule->owner);
    put_text(&line, "comment", rule->comment);
    return line.r;
}
