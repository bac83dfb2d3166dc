// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace cowshed {

/// What went wrong, as far as a caller may want to act on it. The names are part of the command line's
/// and the service's contract (`kind` in JSON errors).
enum class ErrorKind {
  not_found,
  exists,
  invalid_argument,
  not_supported,
  in_use,
  running,
  not_running,
  dirty,
  commit_pending,
  no_space,
  permission,
  corrupt_image,
  kernel_refused,
  interrupted,
};

/// All of them.
std::span<const ErrorKind> error_kinds();
/// "in_use", "no_space", ...
std::string_view to_string(ErrorKind kind);
/// Nothing where no kind is called so.
std::optional<ErrorKind> parse_error_kind(std::string_view name);

/// The one exception type of the project. The message is built from the inside out: who catches adds
/// what it was doing ("start vm 'work': volume 'root': ...").
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, int error_number = 0);

  /// `what` failed with errno `error_number`; the kind follows from it (ENOSPC: no_space, EACCES:
  /// permission, ...), else kernel_refused. The message ends in the errno's text.
  static Error from_errno(int error_number, std::string_view what);

  [[nodiscard]] ErrorKind kind() const { return kind_; }
  /// 0 where no system call was involved.
  [[nodiscard]] int error_number() const { return error_number_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  /// RFC 6901 pointer to the offending value of a JSON document; empty where there is none.
  [[nodiscard]] const std::string& json_pointer() const { return json_pointer_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  /// Prepends "context: ".
  Error& add_context(std::string_view context);
  Error& at(std::string json_pointer);

 private:
  ErrorKind kind_;
  int error_number_;
  std::string message_;
  std::string json_pointer_;
};

/// Runs `body`; an Error that leaves it is told what was being done. `context` is called only then.
template <typename Context, typename Body>
decltype(auto) in_context(Context&& context, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.add_context(std::forward<Context>(context)());
    throw;
  }
}

}  // namespace cowshed
