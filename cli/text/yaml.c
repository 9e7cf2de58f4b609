/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - the file of `picket apply -f`: sets first, because rules name them, then rules and
 * defaults. */
#include "cli/text/yaml.h"

#include "base/limits.h"
#include "base/own.h"
#include "cli/import/netset.h"
#include "cli/text/yaml_rule.h"
#include "cli/text/yaml_tree.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define PATH_ROOM 4096

/* Priorities of rules that name none. */
#define PRIORITY_FIRST 1000
#define PRIORITY_STEP 10

struct reading {
    struct tree tree;
    const struct desired_options *options;
    struct desired *desired;
    uint32_t unnumbered; /* rules without a priority so far */
};

/* ---- set references: while a file is read, an index into its sets is an id no operation can have
 */

#define LOCAL_FILL 0xff

static void local_id(uint32_t index, uint8_t ret_id[OP_REF_BYTES])
{
    memset(ret_id, LOCAL_FILL, HASH_BYTES);
    put_be32(ret_id + HASH_BYTES, index);
}

static bool is_local_id(const ProtobufCBinaryData *set)
{
    if (set->len != OP_REF_BYTES)
        return false;
    for (size_t i = 0; i < HASH_BYTES; i++)
        if (set->data[i] != LOCAL_FILL)
            return false;
    return true;
}

static int find_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    const struct reading *reading = user;
    const struct desired *desired = reading->desired;

    for (uint32_t i = 0; i < desired->sets_count; i++) {
        if (strcmp(desired->sets[i].set->name, name) == 0) {
            local_id(i, ret_id);
            return 0;
        }
    }
    if (!reading->options->set_find)
        return problem_say(reterr_problem, -ENOENT, "no set in this file is named '%.64s'", name);
    return reading->options->set_find(reading->options->user, name, ret_id, reterr_problem);
}

/* `@#1` counts operations of a changeset, which a file has not. */
static int settle_reference(struct reading *reading, Picket__V1__Addresses *side, uint32_t line)
{
    if (!side || side->set.len == 0)
        return 0;
    if (side->set.len == 4)
        return tree_say(
            &reading->tree, line, "a file names its sets, it does not count them: @NAME");
    if (is_local_id(&side->set)) {
        memmove(side->set.data, side->set.data + HASH_BYTES, 4);
        side->set.len = 4;
    }
    return 0;
}

/* ---- lists that grow */

static void *room_for(struct reading *reading, void *list, uint32_t count, size_t item_size)
{
    /* Doubles at every power of two. */
    if ((count & (count - 1)) != 0 || (count == 0 && list))
        return list;
    list = realloc(list, (count ? 2 * (size_t)count : 1) * item_size);
    if (!list)
        (void)tree_no_memory(&reading->tree);
    return list;
}

static char *copy_text(const char *text)
{
    return (char *)bytes_copy(text, strlen(text) + 1);
}

static int set_text(struct reading *reading, char **field, const char *text)
{
    char *copy;

    if (!*text)
        return 0;
    copy = copy_text(text);
    if (!copy)
        return tree_no_memory(&reading->tree);
    *field = copy;
    return 0;
}

static int key_text(struct reading *reading, const struct tree_key *key, char **field)
{
    const char *text;
    int r = tree_text(&reading->tree, key->value, key->name, &text);

    return r == 0 ? set_text(reading, field, text) : r;
}

static int key_scope(
    struct reading *reading, const struct tree_key *key, Picket__V1__Scope **ret_scope)
{
    OWN(buffer_fini) struct buffer text = {0};
    struct problem problem = {0};
    int r = tree_scope_text(&reading->tree, key->value, &text);

    if (r == 0 && scope_parse((const char *)text.at, ret_scope, &problem) < 0)
        r = tree_say(&reading->tree, key->line, "%s", problem.text);
    return r;
}

static int key_word(struct reading *reading, const struct tree_key *key, struct words words,
    const char *expected, uint32_t *ret_value)
{
    const struct word *word;
    const char *text;
    int r = tree_text(&reading->tree, key->value, key->name, &text);

    if (r < 0)
        return r;
    word = word_find(words, text, strlen(text));
    if (!word)
        return tree_say(&reading->tree, key->line, "'%.60s' is not %s", text, expected);
    *ret_value = word->value;
    return 0;
}

/* ---- sets */

enum { SET_NAME, SET_KIND, SET_SCOPE, SET_COMMENT, SET_ELEMENTS, SET_FILE, SET_KEYS };

enum { ELEMENT_PREFIX, ELEMENT_UNTIL, ELEMENT_KEYS };

/* A prefix, or {prefix: P, until: TIME}. */
static int read_element(struct reading *reading, yaml_node_t *node, struct set_element *ret_element)
{
    struct tree_key keys[ELEMENT_KEYS] = {
        [ELEMENT_PREFIX] = {.name = "prefix"}, [ELEMENT_UNTIL] = {.name = "until"}};
    struct tree *tree = &reading->tree;
    struct problem problem = {0};
    const char *text;
    bool is_v6;
    int r = 0;

    *ret_element = (struct set_element){0};
    if (node->type == YAML_MAPPING_NODE)
        r = tree_keys(tree, node, "an element", keys, ELEMENT_KEYS);
    else
        keys[ELEMENT_PREFIX].value = node;
    if (r == 0 && !keys[ELEMENT_PREFIX].value)
        r = tree_say(tree, tree_line(node), "an element needs a prefix");
    if (r == 0)
        r = tree_text(tree, keys[ELEMENT_PREFIX].value, "a prefix", &text);
    if (r < 0)
        return r;
    if (prefix_parse(text, ret_element->address, &is_v6, &ret_element->length, &problem) < 0)
        return tree_say(tree, tree_line(node), "%s", problem.text);
    ret_element->is_v6 = is_v6;
    if (!keys[ELEMENT_UNTIL].value)
        return 0;
    r = tree_text(tree, keys[ELEMENT_UNTIL].value, "until", &text);
    if (r == 0 && time_parse(text, &ret_element->expiry) < 0)
        r = tree_say(tree, keys[ELEMENT_UNTIL].line,
            "'%.60s' is not a time such as 2030-01-31T08:00:00Z", text);
    return r;
}

static int read_elements(
    struct reading *reading, const struct tree_key *key, struct desired_set *set)
{
    size_t count;

    if (key->value->type != YAML_SEQUENCE_NODE)
        return tree_say(&reading->tree, key->line, "'elements' must be a list of prefixes");
    count = tree_items_count(key->value);
    if (count > SET_ELEMENTS_MAX)
        return tree_say(
            &reading->tree, key->line, "a set holds at most %d prefixes", SET_ELEMENTS_MAX);
    set->elements = calloc(count + 1, sizeof(*set->elements));
    if (!set->elements)
        return tree_no_memory(&reading->tree);
    for (size_t i = 0; i < count; i++) {
        int r = read_element(reading, tree_item(&reading->tree, key->value, i), &set->elements[i]);

        if (r < 0)
            return r;
    }
    set->elements_count = set_content_canonical(set->elements, (uint32_t)count);
    return 0;
}

/* Relative to the folder of the file that names it. */
static int path_beside(
    struct reading *reading, const struct tree_key *key, const char *name, char ret_path[PATH_ROOM])
{
    const char *slash = strrchr(reading->tree.path, '/');
    int folder_len = *name == '/' || !slash ? 0 : (int)(slash - reading->tree.path + 1);
    int len = snprintf(ret_path, PATH_ROOM, "%.*s%s", folder_len, reading->tree.path, name);

    if (len < 0 || len >= PATH_ROOM)
        return tree_say(&reading->tree, key->line, "the path '%.60s...' is too long", name);
    return 0;
}

static int read_set_file(
    struct reading *reading, const struct tree_key *key, struct desired_set *set)
{
    char path[PATH_ROOM];
    const char *name;
    FILE *file;
    int r = tree_text(&reading->tree, key->value, "file", &name);

    if (r == 0)
        r = path_beside(reading, key, name, path);
    if (r < 0)
        return r;
    file = fopen(path, "re");
    if (!file) {
        r = -errno;
        (void)tree_say(&reading->tree, key->line, "cannot open '%.100s': %s", path, strerror(-r));
        return r;
    }
    r = netset_read(file, path, reading->options->now_s, &set->elements, &set->elements_count,
        reading->tree.problem);
    (void)fclose(file);
    return r;
}

static int read_set_elements(
    struct reading *reading, const struct tree_key *keys, struct desired_set *set)
{
    if (keys[SET_ELEMENTS].value && keys[SET_FILE].value)
        return tree_say(
            &reading->tree, keys[SET_FILE].line, "a set has 'elements' or a 'file', not both");
    if (keys[SET_ELEMENTS].value)
        return read_elements(reading, &keys[SET_ELEMENTS], set);
    if (keys[SET_FILE].value)
        return read_set_file(reading, &keys[SET_FILE], set);
    return 0;
}

static int read_set_keys(
    struct reading *reading, const struct tree_key *keys, struct desired_set *set)
{
    uint32_t kind = PICKET__V1__SET_KIND__SET_KIND_PLAIN;
    int r = set_text(reading, &set->set->owner, reading->desired->owner);

    if (r == 0 && keys[SET_NAME].value)
        r = key_text(reading, &keys[SET_NAME], &set->set->name);
    if (r == 0 && keys[SET_KIND].value)
        r = key_word(
            reading, &keys[SET_KIND], rule_set_kinds, "a kind of set: plain or ban", &kind);
    set->set->kind = (Picket__V1__SetKind)kind;
    if (r == 0 && keys[SET_SCOPE].value)
        r = key_scope(reading, &keys[SET_SCOPE], &set->set->scope);
    if (r == 0 && keys[SET_COMMENT].value)
        r = key_text(reading, &keys[SET_COMMENT], &set->set->comment);
    return r == 0 ? read_set_elements(reading, keys, set) : r;
}

static int check_set(struct reading *reading, const struct desired_set *set)
{
    const struct desired *desired = reading->desired;
    struct problem problem = {0};

    if (set_check(set->set, &problem) < 0)
        return tree_say(&reading->tree, set->line, "%s", problem.text);
    for (uint32_t i = 0; i + 1 < desired->sets_count; i++)
        if (strcmp(desired->sets[i].set->name, set->set->name) == 0)
            return tree_say(&reading->tree, set->line,
                "a second set named '%s'; the first is in line %u", set->set->name,
                desired->sets[i].line);
    return 0;
}

static int read_set(struct reading *reading, yaml_node_t *node)
{
    struct tree_key keys[SET_KEYS] = {[SET_NAME] = {.name = "name"},
        [SET_KIND] = {.name = "kind"},
        [SET_SCOPE] = {.name = "scope"},
        [SET_COMMENT] = {.name = "comment"},
        [SET_ELEMENTS] = {.name = "elements"},
        [SET_FILE] = {.name = "file"}};
    struct desired *desired = reading->desired;
    struct desired_set *sets = room_for(reading, desired->sets, desired->sets_count, sizeof(*sets));
    struct desired_set *set;
    int r;

    if (!sets)
        return -ENOMEM;
    desired->sets = sets;
    set = &sets[desired->sets_count];
    *set = (struct desired_set){.set = calloc(1, sizeof(*set->set)), .line = tree_line(node)};
    if (!set->set)
        return tree_no_memory(&reading->tree);
    picket__v1__set__init(set->set);
    desired->sets_count++;
    r = tree_keys(&reading->tree, node, "a set", keys, SET_KEYS);
    if (r == 0)
        r = read_set_keys(reading, keys, set);
    return r == 0 ? check_set(reading, set) : r;
}

/* ---- rules */

/* datapath.md D31: the file's order, where it names no priority. */
static int number_rule(struct reading *reading, struct desired_rule *rule, bool has_priority)
{
    uint32_t priority = PRIORITY_FIRST + PRIORITY_STEP * reading->unnumbered;

    if (has_priority)
        return 0;
    if (priority > RULE_PRIORITY_MAX)
        return tree_say(&reading->tree, rule->line,
            "too many rules without a priority: at most %d are numbered by their order",
            (RULE_PRIORITY_MAX - PRIORITY_FIRST) / PRIORITY_STEP + 1);
    rule->rule->priority = priority;
    reading->unnumbered++;
    return 0;
}

static int own_rule(struct reading *reading, struct desired_rule *rule)
{
    const char *owner = rule->rule->owner;

    if (!*owner)
        return set_text(reading, &rule->rule->owner, reading->desired->owner);
    if (strcmp(owner, reading->desired->owner) != 0)
        return tree_say(&reading->tree, rule->line,
            "the rule's owner '%.64s' is not the file's, '%.64s'", owner, reading->desired->owner);
    return 0;
}

static int settle_rule(struct reading *reading, struct desired_rule *rule, bool has_priority)
{
    int r = own_rule(reading, rule);

    if (r == 0 && !*rule->rule->name)
        r = tree_say(&reading->tree, rule->line,
            "a rule needs a name: it says which rule this is from one apply to the next");
    if (r == 0)
        r = number_rule(reading, rule, has_priority);
    if (r == 0 && rule->rule->match)
        r = settle_reference(reading, rule->rule->match->source, rule->line);
    if (r == 0 && rule->rule->match)
        r = settle_reference(reading, rule->rule->match->destination, rule->line);
    return r;
}

static int read_rule(struct reading *reading, yaml_node_t *node)
{
    struct desired *desired = reading->desired;
    struct desired_rule *rules =
        room_for(reading, desired->rules, desired->rules_count, sizeof(*rules));
    struct desired_rule *rule;
    bool has_priority = false;
    int r;

    if (!rules)
        return -ENOMEM;
    desired->rules = rules;
    rule = &rules[desired->rules_count];
    *rule = (struct desired_rule){.line = tree_line(node)};
    r = yaml_rule_parse(&reading->tree, node, find_set, reading, &rule->rule, &has_priority);
    if (r < 0)
        return r;
    desired->rules_count++;
    return settle_rule(reading, rule, has_priority);
}

static int compare_priorities(const void *a, const void *b)
{
    const struct desired_rule *left = *(const struct desired_rule *const *)a,
                              *right = *(const struct desired_rule *const *)b;

    if (left->rule->priority != right->rule->priority)
        return left->rule->priority < right->rule->priority ? -1 : 1;
    return (left->line > right->line) - (left->line < right->line);
}

static int compare_names(const void *a, const void *b)
{
    const struct desired_rule *left = *(const struct desired_rule *const *)a,
                              *right = *(const struct desired_rule *const *)b;
    int order = strcmp(left->rule->name, right->rule->name);

    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

/* A tie and a name that stands twice are neighbours once sorted. */
static int check_neighbours(struct reading *reading, const struct desired_rule **sorted)
{
    uint32_t count = reading->desired->rules_count;

    qsort(sorted, count, sizeof(*sorted), compare_priorities);
    for (uint32_t i = 1; i < count; i++)
        if (sorted[i - 1]->rule->priority == sorted[i]->rule->priority)
            return tree_say(&reading->tree, sorted[i]->line,
                "'%s' has priority %u, as '%s' in line %u; which comes first?",
                sorted[i]->rule->name, sorted[i]->rule->priority, sorted[i - 1]->rule->name,
                sorted[i - 1]->line);
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (uint32_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->rule->name, sorted[i]->rule->name) == 0)
            return tree_say(&reading->tree, sorted[i]->line,
                "a second rule named '%s'; the first is in line %u", sorted[i]->rule->name,
                sorted[i - 1]->line);
    return 0;
}

static int check_rules(struct reading *reading)
{
    const struct desired *desired = reading->desired;
    OWN(own_memory)
    const struct desired_rule **sorted = calloc((size_t)desired->rules_count + 1, sizeof(*sorted));

    if (!sorted)
        return tree_no_memory(&reading->tree);
    for (uint32_t i = 0; i < desired->rules_count; i++)
        sorted[i] = &desired->rules[i];
    return check_neighbours(reading, sorted);
}

/* ---- defaults */

enum { DEFAULT_DIRECTION, DEFAULT_CLASS, DEFAULT_ACTION, DEFAULT_SCOPE, DEFAULT_KEYS };

static int read_default_keys(struct reading *reading, yaml_node_t *node,
    const struct tree_key *keys, Picket__V1__DefaultPolicy *policy)
{
    uint32_t direction = 0, device_class = 0, action = 0;
    int r = 0;

    if (!keys[DEFAULT_DIRECTION].value || !keys[DEFAULT_ACTION].value)
        return tree_say(&reading->tree, tree_line(node),
            "a default needs a direction (in or out) and an action (allow or drop)");
    r = key_word(
        reading, &keys[DEFAULT_DIRECTION], rule_directions, "a direction: in or out", &direction);
    if (r == 0)
        r = key_word(
            reading, &keys[DEFAULT_ACTION], rule_actions, "an action: allow or drop", &action);
    if (r == 0 && action != PICKET__V1__ACTION__ACTION_ALLOW &&
        action != PICKET__V1__ACTION__ACTION_DROP)
        r = tree_say(&reading->tree, keys[DEFAULT_ACTION].line, "a default is allow or drop");
    if (r == 0 && keys[DEFAULT_CLASS].value)
        r = key_word(reading, &keys[DEFAULT_CLASS], rule_classes,
            "a class of devices: external, internal or container", &device_class);
    if (r == 0 && keys[DEFAULT_SCOPE].value)
        r = key_scope(reading, &keys[DEFAULT_SCOPE], &policy->scope);
    policy->direction = (Picket__V1__Direction)direction;
    policy->device_class = (Picket__V1__DeviceClass)device_class;
    policy->action = (Picket__V1__Action)action;
    return r;
}

static bool scopes_are_equal(const Picket__V1__Scope *a, const Picket__V1__Scope *b)
{
    return scope_contains(a, b) && scope_contains(b, a);
}

static int check_default(struct reading *reading, const struct desired_default *made)
{
    const struct desired *desired = reading->desired;

    for (uint32_t i = 0; i + 1 < desired->defaults_count; i++) {
        const Picket__V1__DefaultPolicy *other = desired->defaults[i].policy;

        if (other->direction == made->policy->direction &&
            other->device_class == made->policy->device_class &&
            scopes_are_equal(other->scope, made->policy->scope))
            return tree_say(&reading->tree, made->line, "the same default is in line %u",
                desired->defaults[i].line);
    }
    return 0;
}

static int read_default(struct reading *reading, yaml_node_t *node)
{
    struct tree_key keys[DEFAULT_KEYS] = {[DEFAULT_DIRECTION] = {.name = "direction"},
        [DEFAULT_CLASS] = {.name = "class"},
        [DEFAULT_ACTION] = {.name = "action"},
        [DEFAULT_SCOPE] = {.name = "scope"}};
    struct desired *desired = reading->desired;
    struct desired_default *list =
        room_for(reading, desired->defaults, desired->defaults_count, sizeof(*list));
    struct desired_default *made;
    int r;

    if (!list)
        return -ENOMEM;
    desired->defaults = list;
    made = &list[desired->defaults_count];
    *made = (struct desired_default){
        .policy = calloc(1, sizeof(*made->policy)), .line = tree_line(node)};
    if (!made->policy)
        return tree_no_memory(&reading->tree);
    picket__v1__default_policy__init(made->policy);
    desired->defaults_count++;
    r = tree_keys(&reading->tree, node, "a default", keys, DEFAULT_KEYS);
    if (r == 0)
        r = read_default_keys(reading, node, keys, made->policy);
    return r == 0 ? check_default(reading, made) : r;
}

/* ---- the file */

enum { TOP_OWNER, TOP_SETS, TOP_RULES, TOP_DEFAULTS, TOP_KEYS };

static bool is_absent(const struct tree_key *key)
{
    /* `rules:` with nothing behind it. */
    return !key->value ||
           (key->value->type == YAML_SCALAR_NODE && key->value->data.scalar.length == 0);
}

static int read_list(struct reading *reading, const struct tree_key *key,
    int (*read)(struct reading *, yaml_node_t *))
{
    size_t count;
    int r = 0;

    if (is_absent(key))
        return 0;
    if (key->value->type != YAML_SEQUENCE_NODE)
        return tree_say(&reading->tree, key->line, "'%s' must be a list", key->name);
    count = tree_items_count(key->value);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = read(reading, tree_item(&reading->tree, key->value, i));
    return r;
}

static int read_owner(struct reading *reading, const struct tree_key *key)
{
    const char *text = "";
    int r = key->value ? tree_text(&reading->tree, key->value, "owner", &text) : 0;

    if (r < 0)
        return r;
    if (!*text || strlen(text) > NAME_BYTES_MAX)
        return tree_say(&reading->tree, key->value ? key->line : 1,
            "the file needs an owner of at most %d bytes: what else this owner has in the fleet "
            "goes",
            NAME_BYTES_MAX);
    reading->desired->owner = copy_text(text);
    return reading->desired->owner ? 0 : tree_no_memory(&reading->tree);
}

static int read_top(struct reading *reading)
{
    struct tree_key keys[TOP_KEYS] = {[TOP_OWNER] = {.name = "owner"},
        [TOP_SETS] = {.name = "sets"},
        [TOP_RULES] = {.name = "rules"},
        [TOP_DEFAULTS] = {.name = "defaults"}};
    int r = tree_keys(&reading->tree, yaml_document_get_root_node(&reading->tree.document),
        "the file", keys, TOP_KEYS);

    if (r == 0)
        r = read_owner(reading, &keys[TOP_OWNER]);
    if (r == 0)
        r = read_list(reading, &keys[TOP_SETS], read_set);
    if (r == 0)
        r = read_list(reading, &keys[TOP_RULES], read_rule);
    if (r == 0)
        r = read_list(reading, &keys[TOP_DEFAULTS], read_default);
    return r == 0 ? check_rules(reading) : r;
}

int desired_parse(const char *path, struct bytes yaml, const struct desired_options *options,
    struct desired **ret_desired, struct problem *reterr_problem)
{
    struct problem unheard;
    struct reading reading = {.options = options, .desired = calloc(1, sizeof(*reading.desired))};
    int r;

    if (!reading.desired)
        return problem_say(reterr_problem, -ENOMEM, "not enough memory to read %s", path);
    r = tree_init(&reading.tree, path, yaml, reterr_problem ? reterr_problem : &unheard);
    if (r == 0) {
        r = read_top(&reading);
        tree_fini(&reading.tree);
    }
    if (r < 0) {
        desired_free(reading.desired);
        return r;
    }
    *ret_desired = reading.desired;
    return 0;
}

int desired_read(const char *path, const struct desired_options *options,
    struct desired **ret_desired, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    char block[16384];
    size_t got;
    int r = 0;

    if (!file)
        return problem_say(reterr_problem, -errno, "cannot open %s: %s", path, strerror(errno));
    if (is_input)
        path = "standard input";
    while (r == 0 && (got = fread(block, 1, sizeof(block), file)) > 0) {
        r = buffer_append(&text, block, got);
        if (text.len > FILE_BYTES_MAX)
            r = -EFBIG;
    }
    if (r == 0 && ferror(file))
        r = -EIO;
    if (!is_input)
        (void)fclose(file);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot read %s: %s", path, strerror(-r));
    return desired_parse(path, buffer_bytes(&text), options, ret_desired, reterr_problem);
}

static int bind_side(Picket__V1__Addresses *side, const struct bytes *references)
{
    struct bytes reference;
    uint8_t *copy;

    if (!side || side->set.len != 4)
        return 0;
    reference = references[get_be32(side->set.data)];
    copy = bytes_copy(reference.at, reference.len);
    if (!copy)
        return -ENOMEM;
    free(side->set.data);
    side->set.data = copy;
    side->set.len = reference.len;
    return 0;
}

int desired_bind_sets(struct desired *desired, const struct bytes *references)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < desired->rules_count; i++) {
        Picket__V1__Match *match = desired->rules[i].rule->match;

        r = match ? bind_side(match->source, references) : 0;
        if (r == 0 && match)
            r = bind_side(match->destination, references);
    }
    return r;
}

void desired_free(struct desired *desired)
{
    if (!desired)
        return;
    for (uint32_t i = 0; i < desired->rules_count; i++)
        rule_free(desired->rules[i].rule);
    for (uint32_t i = 0; i < desired->sets_count; i++) {
        picket__v1__set__free_unpacked(desired->sets[i].set, NULL);
        free(desired->sets[i].elements);
    }
    for (uint32_t i = 0; i < desired->defaults_count; i++)
        picket__v1__default_policy__free_unpacked(desired->defaults[i].policy, NULL);
    free(desired->rules);
    free(desired->sets);
    free(desired->defaults);
    free(desired->owner);
    free(desired);
}
