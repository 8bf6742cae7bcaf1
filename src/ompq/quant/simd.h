#pragma once

/// Marks what is inlined into loop kernels, whichever vector width they are compiled for.
#define OMPQ_INLINE [[gnu::always_inline]] inline

/// Marks a loop kernel that is compiled for several vector widths and selected when the program
/// starts. Sanitizers run before the selection, so they use the plain version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OMPQ_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define OMPQ_VECTOR_CLONES
#endif
