/* SPDX-License-Identifier: Apache-2.0 */
/* invite_file.c - the text of an invite. */
#include "cli/invite_file.h"

#include "cli/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_LINE "picket-invite-1"
#define PEER_BYTES_MAX 255

static void drop_all(struct buffer *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        buffer_fini(&list[i]);
    free(list);
}

void invite_file_fini(struct invite_file *invite)
{
    buffer_fini(&invite->genesis);
    drop_all(invite->trust, invite->trust_count);
    drop_all(invite->entries, invite->entries_count);
    buffer_fini(&invite->certificate);
    buffer_fini(&invite->key);
    buffer_fini(&invite->ca);
    for (uint32_t i = 0; i < invite->peers_count; i++)
        free(invite->peers[i]);
    free(invite->peers);
    memset(invite, 0, sizeof(*invite));
}

static int add_record(struct buffer **list, uint32_t *count, struct bytes record)
{
    struct buffer *grown;
    struct buffer copy = {0};

    if (*count == INVITE_RECORDS_MAX)
        return -E2BIG;
    grown = realloc(*list, (*count + 1) * sizeof(**list));
    if (!grown)
        return -ENOMEM;
    *list = grown;
    if (buffer_append(&copy, record.at, record.len) < 0)
        return -ENOMEM;
    grown[(*count)++] = copy;
    return 0;
}

int invite_file_add_trust(struct invite_file *invite, struct bytes record)
{
    return add_record(&invite->trust, &invite->trust_count, record);
}

int invite_file_add_entry(struct invite_file *invite, struct bytes entry)
{
    return add_record(&invite->entries, &invite->entries_count, entry);
}

int invite_file_add_peer(struct invite_file *invite, const char *peer)
{
    char **grown;
    char *copy;

    if (invite->peers_count == INVITE_PEERS_MAX)
        return -E2BIG;
    grown = realloc(invite->peers, (invite->peers_count + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    invite->peers = grown;
    copy = strdup(peer);
    if (!copy)
        return -ENOMEM;
    grown[invite->peers_count++] = copy;
    return 0;
}

/* ---- printing */

static int put_text(struct buffer *text, const char *words)
{
    return buffer_append(text, words, strlen(words));
}

static int put_line(struct buffer *text, const char *word, struct bytes bytes)
{
    if (put_text(text, word) < 0 || put_text(text, " ") < 0 || base64_print(bytes, text) < 0)
        return -ENOMEM;
    return put_text(text, "\n");
}

int invite_file_print(const struct invite_file *invite, struct buffer *text)
{
    int r = put_text(text, FORMAT_LINE "\n# Whoever holds this file may join the fleet once under "
                                       "the name it was made for. picket node join FILE\n");

    if (r == 0)
        r = put_line(text, "genesis", buffer_bytes(&invite->genesis));
    for (uint32_t i = 0; r == 0 && i < invite->trust_count; i++)
        r = put_line(text, "trust", buffer_bytes(&invite->trust[i]));
    for (uint32_t i = 0; r == 0 && i < invite->entries_count; i++)
        r = put_line(text, "entry", buffer_bytes(&invite->entries[i]));
    if (r == 0)
        r = put_line(text, "certificate", buffer_bytes(&invite->certificate));
    if (r == 0)
        r = put_line(text, "key", buffer_bytes(&invite->key));
    if (r == 0)
        r = put_line(text, "ca", buffer_bytes(&invite->ca));
    for (uint32_t i = 0; r == 0 && i < invite->peers_count; i++)
        if (put_text(text, "peer ") < 0 || put_text(text, invite->peers[i]) < 0 ||
            put_text(text, "\n") < 0)
            r = -ENOMEM;
    return r < 0 ? r : put_text(text, "end\n");
}

/* ---- parsing */

/* In the order of the file. */
enum line_kind {
    LINE_GENESIS,
    LINE_TRUST,
    LINE_ENTRY,
    LINE_CERTIFICATE,
    LINE_KEY,
    LINE_CA,
    LINE_PEER,
    LINE_END,
    LINE_KINDS
};
static const struct {
    const char *word;
    bool is_many;
} lines[LINE_KINDS] = {{"genesis", false}, {"trust", true}, {"entry", true}, {"certificate", false},
    {"key", false}, {"ca", false}, {"peer", true}, {"end", false}};

struct reading {
    const char *name;
    unsigned number; /* of the line, 1-based */
    int last;        /* the kind of the line before; -1 before the first */
    struct invite_file *invite;
};

static int take_peer(struct reading *reading, struct bytes value, struct problem *reterr_problem)
{
    char peer[PEER_BYTES_MAX + 1] = "";

    if (!value.len || value.len > PEER_BYTES_MAX || memchr(value.at, 0, value.len))
        return problem_say(
            reterr_problem, -EINVAL, "%s:%u: a peer is HOST:PORT", reading->name, reading->number);
    memcpy(peer, value.at, value.len);
    return invite_file_add_peer(reading->invite, peer);
}

static int take_value(
    struct reading *reading, int kind, struct bytes value, struct problem *reterr_problem)
{
    struct invite_file *invite = reading->invite;
    struct buffer *places[LINE_KINDS] = {[LINE_GENESIS] = &invite->genesis,
        [LINE_CERTIFICATE] = &invite->certificate,
        [LINE_KEY] = &invite->key,
        [LINE_CA] = &invite->ca};
    struct buffer bytes = {0};
    int r;

    if (kind == LINE_PEER)
        return take_peer(reading, value, reterr_problem);
    if (kind == LINE_END)
        return 0;
    r = base64_parse(value, &bytes);
    if (r == 0 && !bytes.len)
        r = -EINVAL;
    if (r == 0 && places[kind])
        r = buffer_append(places[kind], bytes.at, bytes.len);
    else if (r == 0 && kind == LINE_TRUST)
        r = invite_file_add_trust(invite, buffer_bytes(&bytes));
    else if (r == 0)
        r = invite_file_add_entry(invite, buffer_bytes(&bytes));
    buffer_fini(&bytes);
    if (r == -EINVAL)
        return problem_say(reterr_problem, r, "%s:%u: the value of \"%s\" is no base64",
            reading->name, reading->number, lines[kind].word);
    return r < 0 ? problem_say(
                       reterr_problem, r, "%s:%u: %s", reading->name, reading->number, strerror(-r))
                 : 0;
}

static int take_line(struct reading *reading, struct bytes line, struct problem *reterr_problem)
{
    const uint8_t *space = line.len ? memchr(line.at, ' ', line.len) : NULL;
    size_t word_len = space ? (size_t)(space - line.at) : line.len;
    struct bytes value = bytes_of(space ? space + 1 : NULL, space ? line.len - word_len - 1 : 0);

    if (!line.len || line.at[0] == '#')
        return 0;
    for (int kind = 0; kind < LINE_KINDS; kind++) {
        bool is_next = kind > reading->last || (kind == reading->last && lines[kind].is_many);

        if (strlen(lines[kind].word) != word_len ||
            memcmp(lines[kind].word, line.at, word_len) != 0)
            continue;
        if (!is_next)
            return problem_say(reterr_problem, -EINVAL,
                "%s:%u: \"%s\" stands at the wrong place or twice", reading->name, reading->number,
                lines[kind].word);
        for (int skipped = reading->last + 1; skipped < kind; skipped++)
            if (!lines[skipped].is_many)
                return problem_say(reterr_problem, -EINVAL, "%s:%u: the line \"%s\" is missing",
                    reading->name, reading->number, lines[skipped].word);
        reading->last = kind;
        return take_value(reading, kind, value, reterr_problem);
    }
    return problem_say(reterr_problem, -EINVAL, "%s:%u: an invite has no line \"%.*s\"",
        reading->name, reading->number, (int)(word_len > 40 ? 40 : word_len),
        (const char *)line.at);
}

static int take_lines(struct reading *reading, struct bytes text, struct problem *reterr_problem)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.at + at, '\n', text.len - at);
        struct bytes line =
            bytes_of(text.at + at, end ? (size_t)(end - text.at) - at : text.len - at);
        int r = 0;

        at += line.len + 1;
        reading->number++;
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (reading->number > 1)
            r = take_line(reading, line, reterr_problem);
        else if (!bytes_equal(line, bytes_of(FORMAT_LINE, strlen(FORMAT_LINE))))
            r = problem_say(reterr_problem, -EINVAL,
                "%s:1: this is no invite: its first line is not \"" FORMAT_LINE "\"",
                reading->name);
        if (r < 0)
            return r;
    }
    if (reading->last != LINE_END)
        return problem_say(reterr_problem, -EINVAL,
            "%s: the invite is incomplete: its last line \"end\" is missing", reading->name);
    return 0;
}

int invite_file_parse(const char *name, struct bytes text, struct invite_file *ret_invite,
    struct problem *reterr_problem)
{
    struct reading reading = {.name = name, .last = -1, .invite = ret_invite};
    int r;

    memset(ret_invite, 0, sizeof(*ret_invite));
    r = take_lines(&reading, text, reterr_problem);
    if (r < 0)
        invite_file_fini(ret_invite);
    return r;
}
