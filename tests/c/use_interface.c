// Uses every function of ompq.h. Argument: a network that reads images of 28 x 28 pixels.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ompq.h"

enum { kImages = 32, kBatch = 8, kPixels = 28 * 28 };

static unsigned char images[kImages * kPixels];
static int64_t labels[kImages];

static void require(int holds, const char* what, const ompq_run* run) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n%s\n", what, run != NULL ? ompq_run_error_message(run) : "");
  exit(1);
}

static void require_ok(int status, const ompq_run* run) {
  require(status == OMPQ_OK, "the call succeeds", run);
}

static int contains(const char* text, const char* part) { return strstr(text, part) != NULL; }

static void check_errors(void) {
  ompq_run* run = ompq_run_create("quantise");
  require(run != NULL, "a run is created for an unknown command", NULL);
  require(ompq_run_execute(run) == OMPQ_CONFIG_ERROR, "an unknown command is an error", run);
  require(contains(ompq_run_error_message(run), "did you mean 'quantize'?"), "the remedy", run);
  require(strcmp(ompq_status_name(ompq_run_status(run)), "ConfigError") == 0, "the name", run);
  require(strlen(ompq_run_error_where(run)) > 0, "the place", run);
  require(ompq_run_result(run) == NULL, "a failed run has no result", run);
  ompq_run_free(run);

  run = ompq_run_create("quantize");
  require(ompq_run_status(run) == OMPQ_OK, "a new run has no error", run);
  require(strcmp(ompq_run_error_message(run), "") == 0, "and no message", run);
  require(ompq_run_set_options(run, "{\"avg-bits\": 9}") == OMPQ_CONFIG_ERROR, "9 bits", run);
  require(strcmp(ompq_run_error_where(run), "--avg-bits") == 0, "the place is the option", run);
  require(ompq_run_set_options(run, "{}") == OMPQ_CONFIG_ERROR, "the first error stays", run);
  ompq_run_free(run);

  run = ompq_run_create("inspect");
  require_ok(ompq_run_set_options(run, "{\"MODEL\": \"missing.onnx\"}"), run);
  require(ompq_run_execute(run) == OMPQ_FILE_ERROR, "a missing network", run);
  require(contains(ompq_run_error_message(run), "missing.onnx"), "is named", run);
  ompq_run_free(run);
}

static void check_null_arguments(void) {
  ompq_run* run = ompq_run_create(NULL);
  require(ompq_run_status(run) == OMPQ_INTERNAL_ERROR, "the command is null", run);
  ompq_run_free(run);
  ompq_run_free(NULL);
  ompq_run_cancel(NULL);
  require(ompq_run_execute(NULL) == OMPQ_INTERNAL_ERROR, "the run is null", NULL);
  require(ompq_run_result(NULL) == NULL, "null has no result", NULL);
  require(contains(ompq_run_error_message(NULL), "null"), "null has a message", NULL);
}

static void check_inspect(const char* options) {
  ompq_run* run = ompq_run_create("inspect");
  require_ok(ompq_run_set_options(run, options), run);
  require_ok(ompq_run_execute(run), run);
  require(contains(ompq_run_result(run), "ompq-inspect/"), "the result is a document", run);
  ompq_run_free(run);
}

struct watch {
  ompq_run* run;
  int64_t reports;
  int refuse;  // the handler ends the work
  int cancel;  // another thread ends the work
};

static void* cancel_run(void* run) {
  ompq_run_cancel((ompq_run*)run);
  return NULL;
}

static int on_progress(
    void* context, const char* task, int64_t done, int64_t total, const char* detail) {
  struct watch* watch = (struct watch*)context;
  require(strcmp(task, "evaluation") == 0 && total == kImages && detail != NULL, task, NULL);
  ++watch->reports;
  require(done == watch->reports * kBatch, "progress counts samples", NULL);
  if (watch->cancel) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, cancel_run, watch->run) == 0, "a thread starts", NULL);
    pthread_join(thread, NULL);
  }
  return watch->refuse;
}

static ompq_run* evaluation(const char* options, struct watch* watch, int64_t label_count) {
  const int64_t shape[3] = {kImages, 28, 28};
  ompq_run* run = ompq_run_create("eval");
  ompq_run_set_options(run, options);
  ompq_run_set_options(run, "{\"batch\": 8}");
  ompq_run_add_array(run, "data", "x", "uint8", shape, 3, images);
  ompq_run_add_array(run, "data", "y", "int64", &label_count, 1, labels);
  watch->run = run;
  ompq_run_on_progress(run, on_progress, watch);
  require_ok(ompq_run_status(run), run);
  return run;
}

static void check_progress(const char* options) {
  struct watch watch = {NULL, 0, 0, 0};
  ompq_run* run = evaluation(options, &watch, kImages);
  require_ok(ompq_run_set_call(run, "use_interface"), run);
  require_ok(ompq_run_stop_on_sigint(run), run);
  require_ok(ompq_run_execute(run), run);
  require(watch.reports == kImages / kBatch, "every batch is reported", run);
  require(contains(ompq_run_result(run), "\"top1\""), "the labels are used", run);
  watch.reports = 0;
  require_ok(ompq_run_execute(run), run);  // again
  ompq_run_free(run);

  struct watch refusing = {NULL, 0, 1, 0};
  run = evaluation(options, &refusing, kImages);
  require(ompq_run_execute(run) == OMPQ_INTERRUPTED, "a handler ends the work", run);
  require(refusing.reports == 1, "at once", run);
  ompq_run_free(run);

  struct watch cancelling = {NULL, 0, 0, 1};
  run = evaluation(options, &cancelling, kImages);
  require(ompq_run_execute(run) == OMPQ_INTERRUPTED, "another thread ends the work", run);
  require(cancelling.reports == 1, "at the next report", run);
  ompq_run_free(run);
}

static int on_evaluate(void* context, const char* file, double* value) {
  require(contains(file, ".onnx"), "a file is judged", NULL);
  *value = 0.125;
  return *(int*)context;
}

static void check_evaluate(const char* options) {
  struct watch watch = {NULL, 0, 0, 0};
  int stop = 0;
  ompq_run* run = evaluation(options, &watch, kImages);
  require_ok(ompq_run_on_evaluate(run, on_evaluate, &stop), run);
  require_ok(ompq_run_execute(run), run);
  require(contains(ompq_run_result(run), "\"quality\": 0.125"), "the quality", run);
  stop = 1;
  require(ompq_run_execute(run) == OMPQ_INTERRUPTED, "the handler ends the work", run);
  ompq_run_free(run);
}

static void check_report(void) {
  ompq_run* run = ompq_run_create("report");
  require_ok(ompq_run_add_result(run, "run.json", "{\"format\": \"nothing\"}"), run);
  require(ompq_run_execute(run) == OMPQ_DATA_ERROR, "this is not a result", run);
  require(strcmp(ompq_run_error_where(run), "run.json") == 0, "the name is the place", run);
  ompq_run_free(run);
}

static void on_log(void* context, int level, const char* line) {
  if (level == OMPQ_LOG_WARNING && contains(line, "label")) ++*(int*)context;
}

static void check_log(const char* options, const char* model) {
  int warnings = 0;
  char reference[1000];
  snprintf(reference, sizeof reference, "{\"reference\": \"%s\"}", model);
  ompq_set_log_handler(on_log, &warnings, OMPQ_LOG_WARNING);
  for (int round = 0; round < 2; ++round) {
    struct watch watch = {NULL, 0, 0, 0};
    ompq_run* run = evaluation(options, &watch, kImages - 1);
    ompq_run_set_options(run, reference);
    ompq_run_on_progress(run, NULL, NULL);
    require_ok(ompq_run_execute(run), run);
    ompq_run_free(run);
    ompq_set_log_handler(NULL, NULL, OMPQ_LOG_WARNING);
  }
  require(warnings == 1, "one line was received while there was a handler", NULL);
}

int main(int count, char** arguments) {
  char options[1000];
  require(count == 2, "the network is an argument", NULL);
  snprintf(options, sizeof options, "{\"MODEL\": \"%s\"}", arguments[1]);
  for (int i = 0; i < kImages * kPixels; ++i) images[i] = (unsigned char)(i * 7);
  for (int i = 0; i < kImages; ++i) labels[i] = i % 10;

  require(ompq_c_version() == OMPQ_C_VERSION, "header and library fit", NULL);
  printf("ompq %s\n", ompq_version());
  check_errors();
  check_null_arguments();
  check_inspect(options);
  check_progress(options);
  check_evaluate(options);
  check_report();
  check_log(options, arguments[1]);
  return 0;
}
