// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cowshed::cli {

/// How the program talks: answers on stdout, errors on stderr, for people or as JSON.
struct Console {
  bool json = false;
  bool quiet = false;

  /// The answer, with a newline.
  void print(std::string_view text) const;
  /// As it is.
  void print_raw(std::string_view text) const;
  /// "cowshed: WHAT: WHY", or a JSON document, in one line.
  void print_error(const Error& error) const;
  /// An error that did not end the command (one VM of several).
  void print_errors(const std::vector<Error>& errors) const;
  /// A remark for people on stderr; nothing with --json or --quiet.
  void note(std::string_view text) const;
};

/// Pushes out what was printed. False where stdout does not take it (closed pipe, full disk).
bool flush_output();

/// On one line, whatever it holds.
std::string one_line(std::string_view text);

}  // namespace cowshed::cli
