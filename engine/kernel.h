/* Marks for hot loops. NN_KERNEL compiles a function once per instruction set and picks at start
 * what the CPU has; everything else is plain portable C. Off under sanitizers, whose run time is
 * not ready when the choice is made, and off x86-64. */
#ifndef GRADUS_ENGINE_KERNEL_H
#define GRADUS_ENGINE_KERNEL_H

#include <stddef.h>

#if defined(__x86_64__) && defined(__linux__) && !defined(NN_NO_MULTIVERSION) &&                   \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
    (defined(__GNUC__) && !defined(__clang__))
#define NN_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NN_KERNEL
#endif

/* Asks for `bytes` that are soon read: rows of a table lie where no hardware foresees them. */
static inline void nn_fetch(const void *from, size_t bytes)
{
#if defined(__GNUC__)
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const char *)from + i);
#else
    (void)from;
    (void)bytes;
#endif
}

#endif
