// SPDX-License-Identifier: Apache-2.0
#include "cli/console.h"

#include <cstdio>

#include "api/json.h"

namespace cowshed::cli {

namespace {

/// In one write, so that lines of several processes on one terminal stay whole.
void write_line(std::FILE* file, std::string line) {
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), file);
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  // U+0080 to U+009F command terminals, too.
  for (std::size_t at = 0; (at = result.find('\xc2', at)) != std::string::npos; ++at)
    if (at + 1 < result.size() && static_cast<unsigned char>(result[at + 1]) < 0xa0)
      result.replace(at, 2, " ");
  return result;
}

void Console::print(std::string_view text) const {
  if (!text.empty()) write_line(stdout, std::string(text));
}

void Console::print_raw(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stdout); }

void Console::print_error(const Error& error) const {
  write_line(stderr, json ? api::to_json(error) : "cowshed: " + one_line(error.message()));
}

void Console::print_errors(const std::vector<Error>& errors) const {
  for (const auto& error : errors) print_error(error);
}

void Console::note(std::string_view text) const {
  if (!json && !quiet) write_line(stderr, one_line(text));
}

bool flush_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace cowshed::cli
