/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - finds the command, runs it, turns what went wrong into one sentence and an exit code. */
#include "cli/cli.h"

#include "base/nearest.h"
#include "base/own.h"
#include "cli/files.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <termios.h>
#include <time.h>

#define KEY_FILE_BYTES_MAX 4096
#define PASSPHRASE_BYTES_MAX 1024

bool cli_is_json(const struct cli *cli)
{
    return option_is_given(cli->given, OPT_JSON);
}

uint64_t cli_now_s(void)
{
    return (uint64_t)time(NULL);
}

int cli_usage(struct cli *cli, struct problem *reterr_problem, const char *format, ...)
{
    char text[sizeof(reterr_problem->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cli->is_usage = true;
    return problem_say(reterr_problem, -EINVAL, "%s", text);
}

int cli_fleet(struct cli *cli, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    int r;

    if (cli->fleet)
        return 0;
    r = fleet_find(option_value(cli->given, OPT_FLEET), path, reterr_problem);
    return r < 0 ? r : fleet_open(path, &cli->fleet, reterr_problem);
}

/* ---- passphrases */

/* The first line of what is read, without echo where it comes from a terminal. */
static int ask_terminal(const char *question, char *ret_text, struct problem *reterr_problem)
{
    FILE *terminal = fopen("/dev/tty", "r+");
    struct termios before;
    struct termios quiet;
    bool is_quiet;

    if (!terminal)
        return problem_say(reterr_problem, -EACCES,
            "a passphrase is needed and there is no terminal to ask at; use --passphrase-file");
    is_quiet = tcgetattr(fileno(terminal), &before) == 0;
    if (is_quiet) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
    }
    (void)fputs(question, terminal);
    (void)fflush(terminal);
    if (!fgets(ret_text, PASSPHRASE_BYTES_MAX, terminal))
        ret_text[0] = '\0';
    if (is_quiet)
        (void)tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    (void)fputc('\n', terminal);
    (void)fclose(terminal);
    ret_text[strcspn(ret_text, "\r\n")] = '\0';
    return 0;
}

static int read_passphrase_file(const char *path, char *ret_text, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    int r = file_read(path, PASSPHRASE_BYTES_MAX - 1, &text, reterr_problem);

    if (r < 0)
        return r;
    if (text.len)
        memcpy(ret_text, text.at, text.len);
    ret_text[text.len] = '\0';
    ret_text[strcspn(ret_text, "\r\n")] = '\0';
    keys_wipe(text.at, text.len);
    if (!ret_text[0])
        return problem_say(reterr_problem, -EINVAL, "the first line of \"%s\" is empty", path);
    return 0;
}

/* Does the key file say that it is closed by a passphrase? */
static bool needs_passphrase(const char *path)
{
    OWN(buffer_fini) struct buffer text = {0};
    bool is_closed;

    if (file_read(path, KEY_FILE_BYTES_MAX, &text, NULL) < 0 || buffer_append(&text, "", 1) < 0)
        return false;
    is_closed = strstr((const char *)text.at, " argon2id ") != NULL;
    keys_wipe(text.at, text.len);
    return is_closed;
}

int cli_passphrase(struct cli *cli, const char *key_path, bool is_new, const char **ret_passphrase,
    struct problem *reterr_problem)
{
    const char *file = option_value(cli->given, OPT_PASSPHRASE_FILE);
    char text[PASSPHRASE_BYTES_MAX] = "";
    int r = 0;

    *ret_passphrase = NULL;
    if (is_new ? !file : !needs_passphrase(key_path))
        return 0;
    if (!cli->passphrase) {
        if (file)
            r = read_passphrase_file(file, text, reterr_problem);
        else
            r = ask_terminal("passphrase of the key: ", text, reterr_problem);
        if (r == 0) {
            cli->passphrase = strdup(text);
            if (!cli->passphrase)
                r = problem_say(reterr_problem, -ENOMEM, "out of memory");
        }
        keys_wipe(text, sizeof(text));
    }
    *ret_passphrase = cli->passphrase;
    return r;
}

int cli_key(
    struct cli *cli, const char *name, struct key_pair *ret_pair, struct problem *reterr_problem)
{
    char path[FILE_PATH_MAX];
    const char *passphrase = NULL;
    int r = 0;

    if (strchr(name, '/'))
        (void)snprintf(path, sizeof(path), "%s", name);
    else
        r = file_path(cli->fleet->path, name, path, reterr_problem);
    /* A name that is no file of the folder is one of the working folder. */
    if (r == 0 && !strchr(name, '/') && access(path, F_OK) < 0 && access(name, F_OK) == 0)
        (void)snprintf(path, sizeof(path), "./%s", name);
    if (r == 0)
        r = cli_passphrase(cli, path, false, &passphrase, reterr_problem);
    return r < 0 ? r : fleet_read_key(cli->fleet, path, passphrase, ret_pair, reterr_problem);
}

/* ---- help */

static void print_option(FILE *out, const struct option_row *row)
{
    char left[48];

    (void)snprintf(left, sizeof(left), "%c%c%c --%s%s%s", row->letter ? '-' : ' ',
        row->letter ? row->letter : ' ', row->letter ? ',' : ' ', row->name, row->value ? " " : "",
        row->value ? row->value : "");
    (void)fprintf(out, "  %-32s %s\n", left, row->help);
}

static void print_command_help(FILE *out, const struct command *command)
{
    (void)fprintf(
        out, "picket %s %s\n\n%s\n\noptions:\n", command->name, command->words, command->help);
    for (int i = 0; i < OPT_COUNT; i++)
        if (command->options & (UINT64_C(1) << i) || i == OPT_HELP)
            print_option(out, &option_rows[i]);
    if (command->more)
        (void)fprintf(out, "\n%s\n", command->more);
}

static void print_help(FILE *out)
{
    (void)fputs(
        "picket writes and reads the rules of a fleet of boxes that filter by themselves.\n\n",
        out);
    for (uint32_t i = 0; i < commands_count; i++)
        (void)fprintf(out, "  picket %-16s %s\n", commands[i].name, commands[i].help);
    (void)fputs("\nEach command shows its options with --help. Exit codes: 0 done, 1 refused or "
                "failed,\n2 the words were not understood, 3 no node could be reached, 4 only some "
                "of several\nnodes took it, or import refused lines of its file.\n",
        out);
}

/* ---- finding the command */

/* How many words of the line are the command's name; 0: this is not it. */
static uint32_t name_words(const struct command *command, const struct words_given *given)
{
    const char *at = command->name;
    uint32_t used = 0;

    while (*at) {
        size_t len = strcspn(at, " ");

        if (used == given->count || strlen(given->words[used]) != len ||
            memcmp(given->words[used], at, len) != 0)
            return 0;
        used++;
        at += len + (at[len] == ' ');
    }
    return used;
}

static const struct command *find_command(const struct words_given *given, uint32_t *ret_used)
{
    for (uint32_t i = 0; i < commands_count; i++) {
        *ret_used = name_words(&commands[i], given);
        if (*ret_used)
            return &commands[i];
    }
    return NULL;
}

/* "fleet" alone, or "rule" with a wrong second word: show what there is. */
static int say_no_command(const struct words_given *given, struct problem *reterr_problem)
{
    const char *names[64];
    char typed[128];
    char group[160] = "";
    const char *near;
    uint32_t count = 0;
    size_t len = strlen(given->words[0]);

    for (uint32_t i = 0; i < commands_count && count < 64; i++) {
        size_t used = strlen(group);

        names[count++] = commands[i].name;
        if (strncmp(commands[i].name, given->words[0], len) == 0 && commands[i].name[len] == ' ')
            (void)snprintf(group + used, sizeof(group) - used, "%s%s", used ? ", " : "",
                commands[i].name + len + 1);
    }
    (void)snprintf(typed, sizeof(typed), "%s%s%s", given->words[0], given->count > 1 ? " " : "",
        given->count > 1 ? given->words[1] : "");
    near = nearest_word(typed, names, count);
    if (!near)
        near = nearest_word(given->words[0], names, count);
    if (near)
        return problem_say(reterr_problem, -EINVAL,
            "there is no command \"%s\"; did you mean \"picket %s\"?", typed, near);
    if (group[0])
        return problem_say(reterr_problem, -EINVAL,
            "there is no command \"%s\"; after \"%s\" comes one of: %s", typed, given->words[0],
            group);
    return problem_say(
        reterr_problem, -EINVAL, "there is no command \"%s\"; picket --help lists them", typed);
}

/* ---- running */

static int check_words(
    const struct command *command, struct cli *cli, struct problem *reterr_problem)
{
    if (cli->words_count < command->words_min)
        return cli_usage(cli, reterr_problem, "something is missing: picket %s %s", command->name,
            command->words);
    if (cli->words_count > command->words_max)
        return cli_usage(cli, reterr_problem, "\"%s\" is one word too many: picket %s %s",
            cli->words[command->words_max], command->name, command->words);
    return 0;
}

static int exit_code(const struct cli *cli, int r)
{
    if (r == 0)
        return EXIT_DONE;
    if (cli->is_usage)
        return EXIT_USAGE;
    if (cli->is_partly)
        return EXIT_PARTLY;
    return r == -ECONNREFUSED || r == -ETIMEDOUT ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static void cli_fini(struct cli *cli)
{
    fleet_close(cli->fleet);
    if (cli->passphrase) {
        keys_wipe(cli->passphrase, strlen(cli->passphrase));
        free(cli->passphrase);
    }
}

static int run(const struct command *command, struct cli *cli)
{
    struct problem problem = {0};
    int r = options_check(cli->given, command->options, command->name, &problem);

    cli->is_usage = r < 0;
    if (r == 0)
        r = check_words(command, cli, &problem);
    if (r == 0 && keys_start() < 0)
        r = problem_say(&problem, -ENOSYS, "libsodium does not start");
    if (r == 0)
        r = command->run(cli, &problem);
    if (fflush(cli->out) != 0 && r == 0)
        r = problem_say(&problem, -EIO, "cannot write the output");
    if (r < 0)
        (void)fprintf(cli->err, "picket: %s\n", problem.text[0] ? problem.text : strerror(-r));
    r = exit_code(cli, r);
    cli_fini(cli);
    return r;
}

int cli_main(int argc, char *const *argv, FILE *out, FILE *err)
{
    OWN(own_memory) struct words_given *given = calloc(1, sizeof(*given));
    struct cli cli = {.given = given, .out = out, .err = err};
    struct problem problem = {0};
    const struct command *command;
    uint32_t used = 0;
    int r = given ? options_parse(argc, argv, given, &problem) : -ENOMEM;

    if (r == 0 && !given->count) {
        print_help(option_is_given(given, OPT_HELP) ? out : err);
        return option_is_given(given, OPT_HELP) ? EXIT_DONE : EXIT_USAGE;
    }
    if (r == 0 && strcmp(given->words[0], "help") == 0) {
        print_help(out);
        return EXIT_DONE;
    }
    command = r == 0 ? find_command(given, &used) : NULL;
    if (r == 0 && !command)
        r = say_no_command(given, &problem);
    if (r < 0) {
        (void)fprintf(err, "picket: %s\n", problem.text);
        return EXIT_USAGE;
    }
    if (option_is_given(given, OPT_HELP)) {
        print_command_help(out, command);
        return EXIT_DONE;
    }
    cli.words = given->words + used;
    cli.words_count = given->count - used;
    return run(command, &cli);
}
