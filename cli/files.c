/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/files.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_HEAD 5

int file_path(const char *folder, const char *name, char ret_path[FILE_PATH_MAX],
    struct problem *reterr_problem)
{
    int len = snprintf(ret_path, FILE_PATH_MAX, "%s/%s", folder, name);

    if (len < 0 || len >= FILE_PATH_MAX - 16)
        return problem_say(reterr_problem, -ENAMETOOLONG, "the path of %s is too long", name);
    return 0;
}

int file_read(
    const char *path, size_t bytes_max, struct buffer *ret, struct problem *reterr_problem)
{
    OWN(own_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t start = ret->len;

    if (fd < 0)
        return problem_say(reterr_problem, -errno, "cannot read \"%s\": %m", path);
    for (;;) {
        ssize_t got;

        if (buffer_reserve(ret, 65536) < 0)
            return problem_say(reterr_problem, -ENOMEM, "out of memory");
        got = read(fd, ret->at + ret->len, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return problem_say(reterr_problem, -errno, "cannot read \"%s\": %m", path);
        if (got == 0)
            return 0;
        ret->len += (size_t)got;
        if (ret->len - start > bytes_max)
            return problem_say(
                reterr_problem, -EFBIG, "\"%s\" is larger than %zu bytes", path, bytes_max);
    }
}

static int write_all(int fd, struct bytes content)
{
    for (size_t at = 0; at < content.len;) {
        ssize_t put = write(fd, content.at + at, content.len - at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        at += (size_t)put;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A new name is durable when its folder is. */
static int sync_folder_of(const char *path)
{
    OWN(own_memory) char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    const char *name = slash == folder ? "/" : folder;
    OWN(own_fd) int fd = -1;

    if (!folder)
        return -ENOMEM;
    if (slash)
        *slash = '\0';
    fd = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

static int put(const char *path, struct bytes content, mode_t mode, int flags)
{
    OWN(own_fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, content);
    return r;
}

int file_replace(
    const char *path, struct bytes content, mode_t mode, struct problem *reterr_problem)
{
    char temporary[FILE_PATH_MAX + 16];
    int r;

    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    (void)unlink(temporary);
    r = put(temporary, content, mode, O_EXCL);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r == 0)
        r = sync_folder_of(path);
    if (r < 0) {
        (void)unlink(temporary);
        return problem_say(reterr_problem, r, "cannot write \"%s\": %s", path, strerror(-r));
    }
    return 0;
}

int file_append(const char *path, struct bytes content, mode_t mode, struct problem *reterr_problem)
{
    int r = put(path, content, mode, O_APPEND);

    if (r == 0)
        r = sync_folder_of(path);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot write \"%s\": %s", path, strerror(-r));
    return 0;
}

int file_make_folder(const char *path, mode_t mode, struct problem *reterr_problem)
{
    OWN(own_memory) char *above = strdup(path);

    if (!above)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    for (char *slash = strchr(above + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(above, mode) < 0 && errno != EEXIST)
            return problem_say(reterr_problem, -errno, "cannot make \"%s\": %m", above);
        *slash = '/';
    }
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        return problem_say(reterr_problem, -errno, "cannot make \"%s\": %m", path);
    return 0;
}

int records_put(struct buffer *list, enum record_kind kind, struct bytes record)
{
    uint8_t head[RECORD_HEAD] = {(uint8_t)kind};

    put_be32(head + 1, (uint32_t)record.len);
    if (buffer_reserve(list, RECORD_HEAD + record.len) < 0)
        return -ENOMEM;
    (void)buffer_append(list, head, sizeof(head));
    return buffer_append(list, record.at, record.len);
}

bool records_next(
    struct bytes list, size_t *offset, enum record_kind *ret_kind, struct bytes *ret_record)
{
    size_t left = list.len - *offset;
    uint32_t len;

    if (left < RECORD_HEAD)
        return false;
    len = get_be32(list.at + *offset + 1);
    if (len > left - RECORD_HEAD)
        return false;
    *ret_kind = list.at[*offset];
    *ret_record = bytes_of(list.at + *offset + RECORD_HEAD, len);
    *offset += RECORD_HEAD + len;
    return true;
}
