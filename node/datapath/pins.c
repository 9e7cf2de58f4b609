/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/pins.h"
#include "base/check.h"
#include "base/own.h"
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIN_DEPTH_MAX 4

static void dir_close(DIR *dir)
{
    if (dir)
        (void)closedir(dir);
}

OWN_AS(own_dir, DIR, dir_close)

__attribute__((format(printf, 2, 3))) static void path_print(
    char ret_path[PIN_PATH_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int len = vsnprintf(ret_path, PIN_PATH_BYTES, format, args);

    va_end(args);
    CHECK(len > 0 && len < PIN_PATH_BYTES, "pins_open bounds the root, names are ours");
}

static int check_bpffs(const char *bpffs, struct problem *reterr_problem)
{
    struct statfs info;

    if (statfs(bpffs, &info) < 0)
        return problem_say(reterr_problem, -errno,
            "%.80s: %s; mount one with: mount -t bpf bpf %.80s", bpffs, strerror(errno), bpffs);
    if (info.f_type != BPF_FS_MAGIC)
        return problem_say(reterr_problem, -EMEDIUMTYPE,
            "%.80s is no bpffs, so enforcement would end with the daemon; mount one with: "
            "mount -t bpf bpf %.80s",
            bpffs, bpffs);
    return 0;
}

static int make_folder(const char *path)
{
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int pins_open(
    const char *bpffs, uint32_t layout, struct pins *ret_pins, struct problem *reterr_problem)
{
    static const char *const folders[] = {"", "/links", "/gen"};
    char path[PIN_PATH_BYTES];
    int r = check_bpffs(bpffs, reterr_problem);

    if (r < 0)
        return r;
    int len = snprintf(ret_pins->root, sizeof(ret_pins->root), "%s/picket/v%u", bpffs, layout);

    if (len < 0 || (size_t)len >= sizeof(ret_pins->root))
        return problem_say(reterr_problem, -ENAMETOOLONG,
            "the path of the bpffs is longer than %zu bytes", sizeof(ret_pins->root) - 20);
    path_print(path, "%s/picket", bpffs);
    r = make_folder(path);
    for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
        path_print(path, "%s%s", ret_pins->root, folders[i]);
        r = make_folder(path);
    }
    if (r < 0)
        return problem_say(reterr_problem, r, "%.160s: %s", path, strerror(-r));
    return 0;
}

void pins_path(const struct pins *pins, const char *name, char ret_path[PIN_PATH_BYTES])
{
    path_print(ret_path, "%s/%s", pins->root, name);
}

void pins_link_path(const struct pins *pins, uint32_t index, char ret_path[PIN_PATH_BYTES])
{
    path_print(ret_path, "%s/links/%u", pins->root, index);
}

void pins_slot_path(
    const struct pins *pins, uint8_t slot, const char *name, char ret_path[PIN_PATH_BYTES])
{
    path_print(ret_path, "%s/gen/%u/%s", pins->root, slot, name);
}

int pins_slot_make(const struct pins *pins, uint8_t slot)
{
    char path[PIN_PATH_BYTES];

    path_print(path, "%s/gen/%u", pins->root, slot);
    return make_folder(path);
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A file, or a folder with what is in it. The tree is ours and at most PIN_DEPTH_MAX deep. */
static int remove_tree(const char *path, int depth) /* NOLINT(misc-no-recursion): bounded */
{
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (depth >= PIN_DEPTH_MAX)
        return -ELOOP;
    OWN(own_dir) DIR *dir = opendir(path);
    const struct dirent *entry;
    char below[PIN_PATH_BYTES + 256];
    int result = 0;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): the stream is our own */
        if (is_dot(entry->d_name))
            continue;
        int len = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        int r =
            len > 0 && (size_t)len < sizeof(below) ? remove_tree(below, depth + 1) : -ENAMETOOLONG;

        if (r < 0)
            result = r;
    }
    return rmdir(path) < 0 && result == 0 ? -errno : result;
}

int pins_slot_remove(const struct pins *pins, uint8_t slot)
{
    char path[PIN_PATH_BYTES];

    path_print(path, "%s/gen/%u", pins->root, slot);
    return remove_tree(path, 0);
}

/* Names that are numbers; whatever else lies there is not ours. */
static int each_number(const char *path, void (*fn)(void *user, uint32_t number), void *user)
{
    OWN(own_dir) DIR *dir = opendir(path);
    const struct dirent *entry;

    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) { /* NOLINT(concurrency-mt-unsafe): the stream is our own */
        char *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);

        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && !*end && number <= UINT32_MAX)
            fn(user, (uint32_t)number);
    }
    return 0;
}

int pins_each_link(const struct pins *pins, void (*fn)(void *user, uint32_t index), void *user)
{
    char path[PIN_PATH_BYTES];

    path_print(path, "%s/links", pins->root);
    return each_number(path, fn, user);
}

int pins_each_slot(const struct pins *pins, void (*fn)(void *user, uint32_t slot), void *user)
{
    char path[PIN_PATH_BYTES];

    path_print(path, "%s/gen", pins->root);
    return each_number(path, fn, user);
}

int pins_remove_all(const struct pins *pins)
{
    char path[PIN_PATH_BYTES];
    int r = remove_tree(pins->root, 0);

    path_print(path, "%s", pins->root);
    char *slash = strrchr(path, '/');

    CHECK(slash, "the root ends in /picket/vN");
    *slash = 0;
    (void)rmdir(path); /* fails while another layout lives there */
    return r;
}
