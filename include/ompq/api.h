#pragma once

/// Marks what libompq.so exports. Everything else in it is hidden.
#define OMPQ_API __attribute__((visibility("default")))
