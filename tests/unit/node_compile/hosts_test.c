/* SPDX-License-Identifier: Apache-2.0 */
/* The table of addresses: what the lifeline names is found, whatever else is not. */
#include "node/compile/build.h"
#include "node/compile/host_env.h"

#include "bpf/fw_decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MANY 65536

static struct compile_host *many_hosts(uint32_t count)
{
    struct compile_host *hosts = calloc(count, sizeof(*hosts));

    assert_non_null(hosts);
    for (uint32_t i = 0; i < count; i++) {
        hosts[i].is_v6 = i % 2 != 0;
        hosts[i].address[0] = 10;
        hosts[i].address[1] = (uint8_t)(i >> 16);
        hosts[i].address[2] = (uint8_t)(i >> 8);
        hosts[i].address[3] = (uint8_t)i;
        hosts[i].address[15] = hosts[i].is_v6 ? (uint8_t)(i * 7) : 0;
        hosts[i].flags = FW_HOST_OWN;
    }
    return hosts;
}

static void tables_of(const struct compile_host *hosts, size_t count, struct compile_tables *tables)
{
    const struct compile_lifeline lifeline = {.hosts = hosts, .hosts_count = count};
    struct problem problem = {0};

    memset(tables, 0, sizeof(*tables));
    assert_int_equal(build_hosts(&lifeline, tables, &problem), 0);
}

static uint32_t ask(const struct compile_tables *tables, const struct compile_host *host)
{
    struct fw_env env = {.tables = tables};
    struct fw_key key = {.family = host->is_v6 ? FW_IPV6 : FW_IPV4};

    memcpy(key.target, host->address, host->is_v6 ? 16 : 4);
    return fw_host_at(&env, &tables->gen, &key, key.target) & ~(uint32_t)FW_HOST_IPV6;
}

static void each_of_many_is_found_and_no_other(void **state)
{
    struct compile_host *hosts = many_hosts(MANY);
    struct compile_tables tables;

    (void)state;
    tables_of(hosts, MANY, &tables);
    assert_int_equal(tables.gen.hosts_mask, tables.hosts_count - 1);
    for (uint32_t i = 0; i < MANY; i++) {
        struct compile_host other = hosts[i];

        assert_int_equal(ask(&tables, &hosts[i]), FW_HOST_OWN);
        other.address[0] = 11;
        assert_int_equal(ask(&tables, &other), 0);
    }
    free(tables.hosts);
    free(hosts);
}

/* An IPv6 address of which only the first four bytes are not zero is another one. */
static void families_are_told_apart(void **state)
{
    struct compile_host host = {.address = {10, 0, 0, 1}, .flags = FW_HOST_PEER};
    struct compile_tables tables;

    (void)state;
    tables_of(&host, 1, &tables);
    assert_int_equal(ask(&tables, &host), FW_HOST_PEER);
    host.is_v6 = true;
    assert_int_equal(ask(&tables, &host), 0);
    free(tables.hosts);
}

static void flags_of_one_address_are_joined(void **state)
{
    const struct compile_host hosts[] = {{.address = {10, 0, 0, 1}, .flags = FW_HOST_PEER},
        {.address = {10, 0, 0, 2}, .flags = FW_HOST_NTP},
        {.address = {10, 0, 0, 1}, .flags = FW_HOST_DNS}};
    struct compile_tables tables;

    (void)state;
    tables_of(hosts, 3, &tables);
    assert_int_equal(ask(&tables, &hosts[0]), FW_HOST_PEER | FW_HOST_DNS);
    assert_int_equal(ask(&tables, &hosts[1]), FW_HOST_NTP);
    free(tables.hosts);
}

static void the_order_of_hosts_changes_nothing(void **state)
{
    enum { COUNT = 200 };
    struct compile_host *hosts = many_hosts(COUNT);
    struct compile_tables forth, back;

    (void)state;
    tables_of(hosts, COUNT, &forth);
    for (uint32_t i = 0; i < COUNT / 2; i++) {
        struct compile_host swapped = hosts[i];

        hosts[i] = hosts[COUNT - 1 - i];
        hosts[COUNT - 1 - i] = swapped;
    }
    tables_of(hosts, COUNT, &back);
    assert_int_equal(forth.hosts_count, back.hosts_count);
    assert_memory_equal(forth.hosts, back.hosts, forth.hosts_count * sizeof(*forth.hosts));
    free(forth.hosts);
    free(back.hosts);
    free(hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_is_found_and_no_other),
        cmocka_unit_test(families_are_told_apart),
        cmocka_unit_test(flags_of_one_address_are_joined),
        cmocka_unit_test(the_order_of_hosts_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
