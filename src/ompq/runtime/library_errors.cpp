#include "ompq/runtime/library_errors.h"

#include <filesystem>
#include <new>
#include <system_error>

#include <c10/util/Exception.h>
#include <dnnl.hpp>
#include <fmt/format.h>

#include "ompq/core/error.h"
#include "ompq/core/out_of_memory.h"
#include "ompq/ops/allocation_failure.h"

namespace ompq::runtime {

void rethrow_in_own_words() {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw out_of_memory();
  } catch (const c10::Error& error) {
    if (const auto failure = ops::allocation_failure(error.what_without_backtrace())) {
      throw OutOfMemory(*failure);
    }
    throw InternalError("LibTorch", error.what_without_backtrace());
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw out_of_memory();
    throw InternalError("oneDNN", error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    throw FileError(error.path1().string(),
                    fmt::format("cannot be used: {}; choose another path, or change its "
                                "permissions",
                                error.code().message()));
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) throw out_of_threads();
    if (error.code() == std::errc::not_enough_memory) throw out_of_memory();
    throw;
  }
}

}  // namespace ompq::runtime
