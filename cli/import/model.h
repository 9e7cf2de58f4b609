/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * model.h - a foreign firewall as both parsers leave it: chains of steps, sets, lines.
 *
 * Private to cli/import/. All memory is one arena; what does not fit any more leaves by
 * import_stop(), which returns from import_text() at once.
 */
#include "base/arena.h"
#include "cli/import/import.h"
#include "cli/import/match.h"

#include <setjmp.h>

enum verdict {
    VERDICT_REFUSED,
    VERDICT_ALLOW,
    VERDICT_DROP,
    VERDICT_REJECT,
    VERDICT_LOG,
    VERDICT_LIMIT, /* allows under a rate; over it the next step is asked */
    VERDICT_RETURN,
    VERDICT_JUMP,
    VERDICT_GOTO,
};

/* What a step that could not be imported would have done. */
enum effect { EFFECT_NOTHING, EFFECT_ALLOW, EFFECT_STOP, EFFECT_LEAVE, EFFECT_UNKNOWN };

struct step {
    uint32_t line;
    enum verdict verdict;
    enum effect effect;
    struct match match;
    const struct devices *except; /* not on these */
    const char *target;           /* of jump and goto */
    struct chain *chain;          /* the same, found */
    uint64_t rate, burst;
    const char *comment;
};

enum hook { HOOK_NONE, HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT, HOOK_FOREIGN };

struct chain {
    const char *name;
    uint32_t table;
    uint8_t families;
    enum hook hook;
    int32_t priority;
    bool drops; /* its policy */
    uint32_t line;
    const char *why_foreign; /* HOOK_FOREIGN: why its rules cannot be imported */
    struct step *steps;
    uint32_t count, capacity;
    bool is_walked, is_lost;
    struct chain *next; /* in its bucket */
    struct chain *later;
};

/* A named set of addresses; of other kinds only where its elements stand. */
struct foreign_set {
    const char *name;
    const char *label; /* in the YAML: names of two tables may be the same */
    uint32_t table;
    uint32_t line;
    const char *why_not; /* NULL: can be a Picket set */
    bool is_v6;
    bool is_used;
    const struct spans *spans;
    size_t elements_at; /* nft: of '{' in the text; 0 is none */
    struct foreign_set *later;
};

struct line {
    uint32_t number;
    struct bytes text;
    enum { LINE_OPEN, LINE_DONE, LINE_NOTED, LINE_REFUSED } state;
    enum effect effect;
    const char *why;
    bool is_marked; /* in the YAML, once */
};

/* One rule of the list that decides by its first match; also where a refused one stood. */
struct flat {
    const struct step *step;
    struct match match;
    enum verdict verdict;
    enum hook hook;
    uint8_t block; /* a `limit` may stand once in each */
};

#define BUCKETS 4096

struct importing {
    jmp_buf *stop;
    struct problem *problem;
    struct arena arena;
    size_t taken;
    const struct import_options *options;
    struct bytes text;
    struct line *lines;
    uint32_t lines_count, lines_capacity, chains_count, sets_count;
    struct chain *chains, **chains_end, *buckets[BUCKETS];
    struct foreign_set *sets, **sets_end;
    struct flat *flats;
    uint32_t flats_count, flats_capacity, steps_walked;
    uint8_t block;
    void *scratch;     /* the parser's */
    bool policy_drops; /* of the base chain that is walked */
    bool walks_output;
    bool skips_tcp; /* it is walked for multicast */
    bool has_default_in, has_default_out;
};

_Noreturn __attribute__((format(printf, 3, 4))) void import_stop(
    struct importing *in, int code, const char *format, ...);
/* What a file that was cut off says is not what the box did; the tools it is from take none of it,
 * either. missing: what the table that begins at this line lacks. */
_Noreturn void import_cut_off(struct importing *in, uint32_t line, const char *missing);
void *import_take(struct importing *in, size_t bytes); /* zeroed, never NULL */
char *import_copy(struct importing *in, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) const char *import_say(
    struct importing *in, const char *format, ...);
/* Room for one more of an array in the arena. */
void *import_room(
    struct importing *in, void *array, uint32_t count, uint32_t *capacity, size_t size);

uint32_t import_line(struct importing *in, uint32_t number, struct bytes text);
/* The first refusal of a line stands; a note never hides one. */
void import_refuse(struct importing *in, uint32_t line, enum effect effect, const char *why);
void import_note(struct importing *in, uint32_t line, const char *why);

struct chain *import_chain_find(const struct importing *in, uint32_t table, const char *name);
struct chain *import_chain(struct importing *in, uint32_t table, const char *name);
struct step *import_step(struct importing *in, struct chain *chain, const struct step *step);
struct foreign_set *import_set(struct importing *in, uint32_t table, const char *name);
struct foreign_set *import_set_find(const struct importing *in, uint32_t table, const char *name);

/* By its name in the YAML; NULL if its content is not in the file. */
const struct spans *import_set_spans(const struct importing *in, const char *label);

/* The parsers: text into chains, sets, lines. */
void iptables_read(struct importing *in);
void nft_read(struct importing *in);
void ipset_read(struct importing *in, struct import_result *result);
void netset_into(struct importing *in, struct import_result *result);

/* Rules of one base chain for these packets to the end of the list; decided: none is left over. */
void import_walk(
    struct importing *in, struct chain *chain, const struct match *match, bool *ret_is_decided);
void import_emit(
    struct importing *in, const struct match *match, enum verdict verdict, enum hook hook);
void import_flatten(struct importing *in);
void import_write(struct importing *in, struct import_result *result);
void import_head(struct importing *in, struct buffer *yaml);
__attribute__((format(printf, 3, 4))) void import_put(
    struct importing *in, struct buffer *to, const char *format, ...);

/* Text into numbers; false if it is none. */
bool address_read(const char *text, bool *ret_is_v6, struct span *ret_span); /* A, A/len, A-B */
bool number_read(const char *text, uint32_t max, uint32_t *ret_number);
bool protocol_read(const char *text, uint32_t *ret_number);
/* "echo-request", "8", "3/1", "network-unreachable"; codes 0-255 if none is said. */
bool icmp_read(const char *text, bool is_v6, struct span *ret_type, struct span *ret_code);
bool rate_read(const char *text, uint64_t *ret_rate);
/* 1 to 64 printable ASCII characters without blanks, quotes and backslashes. */
bool name_is_plain(const char *name);
/* NULL, or why the name cannot be a glob. */
const char *device_check(const char *name);
