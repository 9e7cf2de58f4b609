/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include "cli/cli.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS 64

void folder_make(struct folder *folder)
{
    memset(folder, 0, sizeof(*folder));
    (void)snprintf(folder->path, sizeof(folder->path), "%s/picket-cli-XXXXXX",
        getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(folder->path))
        abort();
}

static int drop_one(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat;
    (void)kind;
    (void)place;
    return remove(path);
}

void folder_drop(struct folder *folder)
{
    (void)nftw(folder->path, drop_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder->out);
    free(folder->err);
}

char *folder_path(const struct folder *folder, const char *name)
{
    static char paths[4][512];
    static int next;

    next = (next + 1) % 4;
    (void)snprintf(paths[next], sizeof(paths[next]), "%s/%s", folder->path, name);
    return paths[next];
}

int folder_run(struct folder *folder, ...)
{
    char *words[WORDS];
    size_t out_len = 0;
    size_t err_len = 0;
    FILE *out;
    FILE *err;
    va_list list;
    int count = 0;
    int code;

    free(folder->out);
    free(folder->err);
    out = open_memstream(&folder->out, &out_len);
    err = open_memstream(&folder->err, &err_len);
    if (!out || !err)
        abort();
    va_start(list, folder);
    for (char *word; count < WORDS && (word = va_arg(list, char *));)
        words[count++] = word;
    va_end(list);
    code = cli_main(count, words, out, err);
    (void)fclose(out);
    (void)fclose(err);
    return code;
}
