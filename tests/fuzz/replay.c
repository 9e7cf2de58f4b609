/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs the fuzz target once over every file of a folder. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

#define INPUT_MAX (1024 * 1024)

static int replay(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *at = malloc(INPUT_MAX);
    FILE *file;
    uint8_t *input;
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rbe");
    if (!at || !file) {
        free(at);
        return -1;
    }
    len = fread(at, 1, INPUT_MAX, file);
    (void)fclose(file);
    input = realloc(at, len ? len : 1); /* of exactly its length: a read past it is seen */
    if (input)
        (void)LLVMFuzzerTestOneInput(input, len);
    free(input ? input : at);
    return input ? 0 : -1;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    const struct dirent *entry;
    unsigned count = 0;

    if (!folder) {
        (void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        if (replay(argv[1], entry->d_name) < 0) {
            (void)fprintf(stderr, "%s/%s cannot be read\n", argv[1], entry->d_name);
            return 1;
        }
        count++;
    }
    (void)closedir(folder);
    (void)printf("%u inputs replayed\n", count);
    return count == 0;
}
