/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server_internal.h"

/* RPC_DESCRIPTORS_PATH is the build's: protoc --include_imports --descriptor_set_out. */
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "rpc_descriptors_start:\n"
        ".incbin \"" RPC_DESCRIPTORS_PATH "\"\n"
        "rpc_descriptors_end:\n"
        ".popsection\n");

extern const uint8_t rpc_descriptors_start[] __attribute__((visibility("hidden")));
extern const uint8_t rpc_descriptors_end[] __attribute__((visibility("hidden")));

struct bytes rpc_descriptors(void)
{
    return bytes_of(rpc_descriptors_start, (size_t)(rpc_descriptors_end - rpc_descriptors_start));
}
