#ifndef OMPQ_H
#define OMPQ_H

#include <stdint.h>

/// The C interface of ompq (C99 and later, and C++). docs/c.md introduces it. A run executes one
/// command of the program, with the command's options as JSON and samples as files or arrays:
///
///     ompq_run* run = ompq_run_create("quantize");
///     ompq_run_set_options(run, "{\"MODEL\": \"net.onnx\", \"data\": \"images\", \"avg-bits\": 3,"
///                               " \"output\": \"small.onnx\"}");
///     if (ompq_run_execute(run) == OMPQ_OK) puts(ompq_run_result(run));
///     else fprintf(stderr, "%s\n", ompq_run_error_message(run));
///     ompq_run_free(run);
///
/// Errors: a function that can fail returns a status. The first error of a run stays: all later
/// calls return its status and do nothing, so it is enough to check the last one. No C++ exception
/// leaves the library.
///
/// Ownership: the caller frees a run with ompq_run_free(). Texts that functions return belong to
/// the run, or to the library, and are valid until the run is executed again or freed. Texts that
/// are passed in are copied; arrays are not.
///
/// Threads: a run is used by one thread at a time, except for ompq_run_cancel(). Several runs may
/// be executed at once; they share the threads that the option "threads" sets.
///
/// Texts are UTF-8 and end with a zero byte. A null pointer is an error where nothing else is said.

#define OMPQ_C_API __attribute__((visibility("default")))

/// The version of this interface. It grows with every change; functions are only added, so a
/// program works with any library whose ompq_c_version() is at least the OMPQ_C_VERSION that it was
/// compiled with.
#define OMPQ_C_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/// The OMPQ_C_VERSION of the library that is loaded.
OMPQ_C_API int ompq_c_version(void);
/// The version of ompq, "major.minor.patch".
OMPQ_C_API const char* ompq_version(void);

/// What a call ended with. docs/statuses.md describes the kinds of errors.
typedef enum ompq_status {
  OMPQ_OK = 0,
  OMPQ_IMPORT_ERROR = 1,       ///< a model file that cannot be read or is inconsistent
  OMPQ_UNSUPPORTED_OP = 2,     ///< operators that ompq does not support
  OMPQ_SHAPE_ERROR = 3,        ///< shapes that do not match
  OMPQ_DATA_ERROR = 4,         ///< samples, labels or images that cannot be used
  OMPQ_FILE_ERROR = 5,         ///< a file that cannot be read or written
  OMPQ_OUT_OF_MEMORY = 6,      ///< not enough memory or threads
  OMPQ_INFEASIBLE_BUDGET = 7,  ///< no allocation fits the budget
  OMPQ_CONFIG_ERROR = 8,       ///< options that are unknown, out of range or contradict each other
  OMPQ_INTERRUPTED = 9,        ///< the work was asked to stop
  OMPQ_INTERNAL_ERROR = 10,    ///< a bug in ompq, or a null pointer as an argument
  OMPQ_OTHER_ERROR = 11        ///< any other error
} ompq_status;

/// "ConfigError": the class of errors in C++ and Python. "" for OMPQ_OK and unknown values.
OMPQ_C_API const char* ompq_status_name(int status);

/// One call of a command.
typedef struct ompq_run ompq_run;

/// @param command  "quantize", "eval", ...: a command of the program that runs networks
/// (docs/cli.md), or "report". An unknown one is an error of the run.
/// @return null only if there is no memory.
OMPQ_C_API ompq_run* ompq_run_create(const char* command);
/// Frees a run, which must not be executing. Null is allowed.
OMPQ_C_API void ompq_run_free(ompq_run* run);

/// Sets options and operands.
/// @param json  one object: {"MODEL": "net.onnx", "avg-bits": 3, "candidates": [2, 4, 8],
/// "explain": true}. Names are those of the command line without "--". Values are numbers, texts as
/// on the command line ("1.5MB"), true or false for flags, and lists of these. Options that may be
/// repeated get one value for each item of a list; for others, the items are joined by commas. null
/// leaves an option at its default.
/// @return OMPQ_CONFIG_ERROR for a name that the command does not have and for a value that the
/// option does not accept; OMPQ_DATA_ERROR if `json` is not valid JSON.
OMPQ_C_API int ompq_run_set_options(ompq_run* run, const char* json);

/// Adds an array to the samples of an option, such as "data" or "eval-data", instead of a file.
/// @param name   "x" for the only input, or an input's name; "y" for labels.
/// @param dtype  "uint8", "float32", "int64", ...: float16/32/64, int8/16/32/64, uint8/16/32/64,
/// bool, bfloat16. uint8 images ([n, h, w], [n, h, w, c] or [n, c, h, w]) are preprocessed as files
/// are; other numbers are given to the network as they are.
/// @param shape  `rank` extents; the first is the number of samples.
/// @param data   the elements in row-major order and in this machine's byte order. They are not
/// copied here, and must stay where they are until ompq_run_execute() returns.
OMPQ_C_API int ompq_run_add_array(ompq_run* run,
                                  const char* option,
                                  const char* name,
                                  const char* dtype,
                                  const int64_t* shape,
                                  int rank,
                                  const void* data);

/// Receives progress between units of work, in the thread that executes the run.
/// @param done, total  units finished, and their number (0: unknown).
/// @param detail       such as the current layer; may be "".
/// @return 0 to continue; any other value ends the work with OMPQ_INTERRUPTED.
typedef int (*ompq_progress_handler)(
    void* context, const char* task, int64_t done, int64_t total, const char* detail);
/// @param handler  may be null: none. `context` is passed on to it.
OMPQ_C_API int ompq_run_on_progress(ompq_run* run, ompq_progress_handler handler, void* context);

/// Judges a network's file, for quality that is not top-1.
/// @param value  receives the quality.
/// @return 0 to continue; any other value ends the work with OMPQ_INTERRUPTED.
typedef int (*ompq_evaluate_handler)(void* context, const char* file, double* value);
/// For "quantize", "sweep" and "eval": calls `handler` for each evaluated file, in the thread that
/// executes the run, in the same way as the option "eval-command" runs a command. The value is the
/// field "quality" of the result.
OMPQ_C_API int ompq_run_on_evaluate(ompq_run* run, ompq_evaluate_handler handler, void* context);

/// For "report": adds a JSON result of search, quantize, finetune, compare or sweep. The result of
/// the run is the HTML page that shows them.
/// @param name  what the page and messages call it.
OMPQ_C_API int ompq_run_add_result(ompq_run* run, const char* name, const char* json);

/// What the result records as the command that produced it, such as "my_tool --bits 3".
OMPQ_C_API int ompq_run_set_call(ompq_run* run, const char* call);

/// While the run executes, SIGINT also ends it with OMPQ_INTERRUPTED, after the handler that the
/// program has installed was called. For programs whose handler only takes a note, such as
/// interpreters. Without a handler, nothing changes. For one run at a time.
OMPQ_C_API int ompq_run_stop_on_sigint(ompq_run* run);

/// Does the work, and returns when it has ended.
OMPQ_C_API int ompq_run_execute(ompq_run* run);

/// Ends the work of a run the next time that it would report progress, with OMPQ_INTERRUPTED; a run
/// that is not executing ends as soon as it is. May be called from any thread and in a signal
/// handler, until the run is freed.
OMPQ_C_API void ompq_run_cancel(ompq_run* run);

/// The result as JSON, as the program prints it with --json ("report": a page as HTML); null before
/// a successful execution.
OMPQ_C_API const char* ompq_run_result(const ompq_run* run);

/// The status of the run's error; OMPQ_OK if there is none.
OMPQ_C_API int ompq_run_status(const ompq_run* run);
/// The file, option or part that the error is about; "" if there is no error.
OMPQ_C_API const char* ompq_run_error_where(const ompq_run* run);
/// "[where] the broken rule with the actual values; how to fix it". Safe to show on a terminal.
/// "" if there is no error.
OMPQ_C_API const char* ompq_run_error_message(const ompq_run* run);

typedef enum ompq_log_level {
  OMPQ_LOG_DEBUG = 0,
  OMPQ_LOG_INFO = 1,
  OMPQ_LOG_WARNING = 2,
  OMPQ_LOG_ERROR = 3
} ompq_log_level;

/// Receives lines of the library's log, without line breaks; possibly from several threads at once.
typedef void (*ompq_log_handler)(void* context, int level, const char* line);
/// The library prints nothing. Call this while no run executes.
/// @param handler  may be null, the initial state: the log is discarded.
/// @param minimum  an ompq_log_level; lines below it are discarded.
OMPQ_C_API void ompq_set_log_handler(ompq_log_handler handler, void* context, int minimum);

#ifdef __cplusplus
}
#endif

#endif  // OMPQ_H
