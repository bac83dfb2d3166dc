// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace cowshed {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::exists:
      return "exists";
    case ErrorKind::invalid_argument:
      return "invalid_argument";
    case ErrorKind::not_supported:
      return "not_supported";
    case ErrorKind::in_use:
      return "in_use";
    case ErrorKind::running:
      return "running";
    case ErrorKind::not_running:
      return "not_running";
    case ErrorKind::dirty:
      return "dirty";
    case ErrorKind::commit_pending:
      return "commit_pending";
    case ErrorKind::no_space:
      return "no_space";
    case ErrorKind::permission:
      return "permission";
    case ErrorKind::corrupt_image:
      return "corrupt_image";
    case ErrorKind::kernel_refused:
      return "kernel_refused";
    case ErrorKind::interrupted:
      return "interrupted";
  }
  return "unknown";
}

std::span<const ErrorKind> error_kinds() {
  static constexpr std::array all{
      ErrorKind::not_found,      ErrorKind::exists,     ErrorKind::invalid_argument, ErrorKind::not_supported,
      ErrorKind::in_use,         ErrorKind::running,    ErrorKind::not_running,      ErrorKind::dirty,
      ErrorKind::commit_pending, ErrorKind::no_space,   ErrorKind::permission,       ErrorKind::corrupt_image,
      ErrorKind::kernel_refused, ErrorKind::interrupted};
  return all;
}

std::optional<ErrorKind> parse_error_kind(std::string_view name) {
  for (const ErrorKind kind : error_kinds())
    if (to_string(kind) == name) return kind;
  return std::nullopt;
}

namespace {

ErrorKind kind_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorKind::not_found;
    case EEXIST:
      return ErrorKind::exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::permission;
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::no_space;
    case EBUSY:
      return ErrorKind::in_use;
    case EINTR:
    case ECANCELED:
      return ErrorKind::interrupted;
    default:
      return ErrorKind::kernel_refused;
  }
}

}  // namespace

Error::Error(ErrorKind kind, std::string message, int error_number)
    : kind_(kind), error_number_(error_number), message_(std::move(message)) {}

Error Error::from_errno(int error_number, std::string_view what) {
  return {kind_of_errno(error_number),
          fmt::format("{}: {}", what, std::generic_category().message(error_number)), error_number};
}

Error& Error::add_context(std::string_view context) {
  message_ = fmt::format("{}: {}", context, message_);
  return *this;
}

Error& Error::at(std::string json_pointer) {
  json_pointer_ = std::move(json_pointer);
  return *this;
}

}  // namespace cowshed
