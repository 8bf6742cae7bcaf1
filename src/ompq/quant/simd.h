#pragma once

/// Marks what is inlined into loop kernels, whichever vector width they are compiled for.
#define OMPQ_INLINE [[gnu::always_inline]] inline

/// Marks a loop kernel that is compiled for several vector widths and selected when the program
/// starts. With OMPQ_FMA_CLONES, std::fma is one instruction where the processor has it; elsewhere
/// it computes the same, slowly. Sanitizers run before the selection, so they use the plain
/// version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define OMPQ_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#define OMPQ_FMA_CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define OMPQ_VECTOR_CLONES
#define OMPQ_FMA_CLONES
#endif
