/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct lines {
    gzFile file;
    const char *path;
    uint32_t number;
    char text[LINES_BYTES_MAX + 2];
};

int lines_open(const char *path, struct lines **ret_lines, struct problem *reterr_problem)
{
    struct lines *lines = calloc(1, sizeof(*lines));

    if (!lines)
        return problem_say(reterr_problem, -ENOMEM, "%.100s: memory is short", path);
    errno = 0;
    lines->path = path;
    lines->file = gzopen(path, "rb");
    if (!lines->file) {
        int r = errno ? -errno : -ENOMEM;

        free(lines);
        return problem_say(reterr_problem, r, "%.100s: %s", path, strerror(-r));
    }
    (void)gzbuffer(lines->file, 1 << 17);
    *ret_lines = lines;
    return 0;
}

void lines_close(struct lines *lines)
{
    if (!lines)
        return;
    (void)gzclose(lines->file);
    free(lines);
}

static int lines_end(struct lines *lines, struct problem *reterr_problem)
{
    int code;
    const char *why = gzerror(lines->file, &code);

    if (code == Z_OK || code == Z_STREAM_END)
        return 0;
    return problem_say(reterr_problem, -EIO, "%.100s: line %u: %.80s", lines->path,
        lines->number + 1, code == Z_ERRNO ? strerror(errno) : why);
}

static bool is_blank(const char *line)
{
    line += strspn(line, " \t");
    return *line == '\0' || *line == '#' || *line == ';';
}

int lines_next(struct lines *lines, char **ret_line, struct problem *reterr_problem)
{
    for (;;) {
        if (!gzgets(lines->file, lines->text, sizeof(lines->text)))
            return lines_end(lines, reterr_problem);
        size_t len = strlen(lines->text);

        lines->number++;
        if (len > LINES_BYTES_MAX)
            return problem_say(reterr_problem, -EINVAL, "%.100s: line %u is longer than %d bytes",
                lines->path, lines->number, LINES_BYTES_MAX);
        lines->text[strcspn(lines->text, "\r\n")] = '\0';
        if (!is_blank(lines->text))
            break;
    }
    *ret_line = lines->text;
    return 1;
}

int lines_blame(const struct lines *lines, struct problem *problem)
{
    struct problem reason = *problem;

    return problem_say(
        problem, reason.code, "%.90s: line %u: %.120s", lines->path, lines->number, reason.text);
}
