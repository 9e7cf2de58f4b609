/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_import.c - picket import: reads a file of another firewall, writes YAML. Asks no node. */
#include "base/own.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/import/import.h"

#include <errno.h>
#include <string.h>

static int read_input(const char *path, struct buffer *ret_text, struct problem *reterr_problem)
{
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    char block[16384];
    size_t got;
    int r = 0;

    if (!file)
        return problem_say(reterr_problem, -errno, "cannot read \"%.100s\": %m", path);
    while (r == 0 && (got = fread(block, 1, sizeof(block), file)) > 0) {
        r = buffer_append(ret_text, block, got);
        if (r == 0 && ret_text->len > IMPORT_BYTES_MAX)
            r = -EFBIG;
    }
    if (r == 0 && ferror(file))
        r = errno ? -errno : -EIO;
    if (!is_input)
        (void)fclose(file);
    if (r == -EISDIR)
        return problem_say(
            reterr_problem, r, "\"%.100s\" is a folder; name the file that holds the rules", path);
    if (r == -EFBIG)
        return problem_say(reterr_problem, r, "\"%.100s\" is larger than %d MiB%s", path,
            IMPORT_BYTES_MAX >> 20, "; a long list is taken by: picket set import NAME FILE");
    return r < 0 ? problem_say(reterr_problem, r, "cannot read \"%.100s\": %s", path, strerror(-r))
                 : 0;
}

/* ---- is it what it is said to be? */

struct line_start {
    const char *text;
    enum import_format format;
};

/* What a line of text begins with, in the formats that have such words; else -1. */
static int line_format(struct bytes line)
{
    static const struct line_start starts[] = {{"*filter", IMPORT_IPTABLES},
        {"*nat", IMPORT_IPTABLES}, {"*mangle", IMPORT_IPTABLES}, {"*raw", IMPORT_IPTABLES},
        {"*security", IMPORT_IPTABLES}, {"-A ", IMPORT_IPTABLES}, {"table ", IMPORT_NFT},
        {"add table ", IMPORT_NFT}, {"add rule ", IMPORT_NFT}, {"create ", IMPORT_IPSET},
        {"add ", IMPORT_IPSET}};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        size_t len = strlen(starts[i].text);

        if (line.len >= len && memcmp(line.at, starts[i].text, len) == 0)
            return (int)starts[i].format;
    }
    return -1;
}

/* The format of the first line that has one; else -1. */
static int text_format(struct bytes text)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.at + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.at) - at : text.len - at;
        int format = line_format(bytes_of(text.at + at, len));

        if (format >= 0)
            return format;
        at += len + 1;
    }
    return -1;
}

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r\n", text.at[i]) || !text.at[i])
            return false;
    return true;
}

/* An empty file in place of rules, given to apply, would take all rules of its owner away. */
static int check_text(
    struct bytes text, const struct import_options *options, struct problem *reterr_problem)
{
    const char *word = import_format_word(options->format);

    if (is_blank(text))
        return problem_say(reterr_problem, -EINVAL,
            "%.100s is empty; did the command that should have written it fail?", options->name);
    if (text.len > 2 && text.at[0] == 0x1f && text.at[1] == 0x8b)
        return problem_say(reterr_problem, -EINVAL,
            "%.60s is compressed; unpack it first: zcat FILE | picket import %s -", options->name,
            word);
    return 0;
}

/* Of which nothing could be taken: was it another format? */
static int check_result(struct bytes text, const struct import_options *options,
    const struct import_result *result, struct problem *reterr_problem)
{
    int seen = text_format(text);
    int given = options->format == IMPORT_IP6TABLES ? IMPORT_IPTABLES : (int)options->format;
    bool has_taken = result->rules || (result->sets && options->format != IMPORT_NETSET);

    if (has_taken || !result->refused || seen == given)
        return 0;
    if (seen >= 0)
        return problem_say(reterr_problem, -EINVAL,
            "nothing in %.60s is %s; it looks like this: picket import %s FILE", options->name,
            import_format_word((enum import_format)given),
            import_format_word((enum import_format)seen));
    if (options->format == IMPORT_NETSET)
        return 0;
    return problem_say(reterr_problem, -EINVAL,
        "nothing in %.60s is %s; name another file, or another format: picket import --help",
        options->name, import_format_word(options->format));
}

/* ---- output */

/* The file's name without folder and ending (of standard input the format), of characters that need
 * no quotes. */
static void owner_of(const char *path, const char *format, char ret_owner[41])
{
    const char *slash = strrchr(path, '/');
    const char *from = strcmp(path, "-") == 0 ? format : (slash ? slash + 1 : path);
    size_t len = 0;

    for (; *from && len < 40 && !(*from == '.' && len > 0); from++) {
        bool is_plain = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                        (*from >= '0' && *from <= '9') || *from == '_' || *from == '-';

        ret_owner[len++] = (char)(is_plain ? *from : '-');
    }
    if (len == 0)
        ret_owner[len++] = 'i';
    ret_owner[len] = '\0';
}

static int write_output(
    struct cli *cli, const struct import_result *result, struct problem *reterr_problem)
{
    const char *out = option_value(cli->given, OPT_OUT);

    if (out)
        return file_replace(out, buffer_bytes(&result->yaml), 0644, reterr_problem);
    if (fwrite(result->yaml.at, 1, result->yaml.len, cli->out) != result->yaml.len)
        return problem_say(reterr_problem, -EIO, "cannot write the output");
    return 0;
}

static int summary(
    struct cli *cli, const struct import_result *result, struct problem *reterr_problem)
{
    if (result->remarks.len)
        (void)fwrite(result->remarks.at, 1, result->remarks.len, cli->err);
    (void)fprintf(cli->err, "%u rules, %u sets, %u lines refused\n", result->rules, result->sets,
        result->refused);
    if (!result->refused)
        return 0;
    cli->is_partly = true;
    return problem_say(reterr_problem, -EPERM,
        "%u lines are not in the output (%u of them drop); packets they match are decided by "
        "later rules, maybe otherwise than before",
        result->refused, result->refused_stop);
}

int cmd_import(struct cli *cli, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    OWN(import_result_fini) struct import_result result = {0};
    const char *path = cli->words[1];
    int format = import_format_parse(cli->words[0]);
    char owner[41];
    struct import_options options = {.name = strcmp(path, "-") == 0 ? "standard input" : path,
        .owner = owner,
        .now_s = cli_now_s()};
    int r;

    if (format < 0)
        return cli_usage(cli, reterr_problem,
            "\"%.40s\" cannot be imported; known are iptables-save, ip6tables-save, nft, ipset and "
            "netset",
            cli->words[0]);
    options.format = (enum import_format)format;
    owner_of(path, cli->words[0], owner);
    r = read_input(path, &text, reterr_problem);
    if (r == 0)
        r = check_text(buffer_bytes(&text), &options, reterr_problem);
    if (r == 0)
        r = import_text(buffer_bytes(&text), &options, &result, reterr_problem);
    if (r == 0)
        r = check_result(buffer_bytes(&text), &options, &result, reterr_problem);
    if (r == 0)
        r = write_output(cli, &result, reterr_problem);
    return r == 0 ? summary(cli, &result, reterr_problem) : r;
}
