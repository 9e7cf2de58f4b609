/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - hands every file of a folder to the fuzz target, once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static int replay_file(const char *folder, const char *name)
{
    static uint8_t input[INPUT_BYTES_MAX];
    char path[4096];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    size_t len = fread(input, 1, sizeof(input), file);

    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(input, len);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    unsigned count = 0;

    if (!folder) {
        (void)fprintf(stderr, "usage: replay FOLDER\n");
        return 1;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        if (replay_file(argv[1], entry->d_name) < 0)
            return 1;
        count++;
    }
    (void)closedir(folder);
    (void)printf("%u inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
