// SPDX-License-Identifier: Apache-2.0
#include "pools/qemu_img.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/program.h"

namespace cowshed::pools {

namespace {

using nlohmann::json;

Path find_qemu_img(ImageFormat format) {
  if (const auto found = find_program("qemu-img")) return *found;
  throw Error(ErrorKind::not_supported,
              fmt::format("{} images are read by qemu-img, which is not installed (Debian: apt install "
                          "qemu-utils; Fedora: dnf install qemu-img)",
                          to_string(format)));
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

/// "    (12.50/100%)\r...": the last number that is whole.
std::optional<double> percent_done(std::string_view out) {
  const auto end = out.rfind("/100%)");
  if (end == std::string_view::npos) return std::nullopt;
  const auto begin = out.rfind('(', end);
  if (begin == std::string_view::npos) return std::nullopt;
  return std::strtod(std::string(out.substr(begin + 1, end - begin - 1)).c_str(), nullptr);
}

ProgramWatch told(const ProgressWatch& progress, Bytes total) {
  if (!progress) return nullptr;
  return [progress, total](std::string_view out) {
    const double percent = percent_done(out).value_or(0);
    progress({{static_cast<std::uint64_t>(static_cast<double>(total.count) * percent / 100)}, total, true});
  };
}

/// What the header alone does not tell: a parent named in a VMDK's descriptor, extents of their own.
void refuse_other_files(const json& info, const std::string& given) {
  bool has_others = info.contains("backing-filename") || info.contains("full-backing-filename");
  const auto data = info.value("/format-specific/data"_json_pointer, json::object());
  has_others = has_others || data.contains("data-file");
  for (const auto& extent : data.value("extents", json::array()))
    has_others = has_others || extent.value("filename", "") != given;
  if (has_others)
    throw Error(ErrorKind::not_supported,
                "it refers to other files: they would be files of this host, which whoever made it has "
                "chosen. Make one image of it where it comes from (qemu-img convert) and import that");
}

Bytes whole_sectors(std::uint64_t bytes) {
  constexpr auto sector = Sectors::bytes_each;
  return {bytes / sector * sector + (bytes % sector == 0 ? 0 : sector)};
}

}  // namespace

ForeignImage::ForeignImage(const Path& file, ImageFormat format)
    : file_(file), format_(format), fd_(open_file(file, O_RDONLY | O_NONBLOCK)) {
  static_cast<void>(stat_fd(fd_, file));
  in_context([&] { return fmt::format("{} image '{}'", to_string(format), file.native()); },
             [&] {
               std::array<std::byte, image_start> start{};
               const ssize_t got = ::pread(fd_.get(), start.data(), start.size(), 0);
               if (got < 0) throw Error::from_errno(errno, "read");
               const auto read = std::span(start).first(static_cast<std::size_t>(got));
               if (detect_format(read) != format)
                 throw Error(ErrorKind::invalid_argument, "it is not written in that format");
               pools::refuse_other_files(format, read);
               program_ = find_qemu_img(format);
               ask();
             });
}

Path ForeignImage::given_path() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }

void ForeignImage::fail(std::string_view what, int status, const std::string& errors) const {
  std::string why = last_line(errors);
  // The descriptor's name says nothing to anybody.
  if (const auto at = why.find(given_path().native()); at != std::string::npos)
    why.replace(at, given_path().native().size(), file_.native());
  const bool is_full = why.find("No space left on device") != std::string::npos;
  throw Error(is_full ? ErrorKind::no_space : ErrorKind::corrupt_image,
              fmt::format("{}: {}", what, why.empty() ? fmt::format("status {}", status) : why));
}

void ForeignImage::ask() {
  const ProgramEnd end =
      run_program({program_, "info", "--output=json", "-f", std::string(to_string(format_)), given_path()},
                  {fd_.get()}, nullptr);
  if (end.status != 0) fail("qemu-img info", end.status, end.err);
  const json info = json::parse(end.out, nullptr, false);
  if (!info.is_object() || !info.contains("virtual-size") || !info["virtual-size"].is_number_unsigned())
    throw Error(ErrorKind::corrupt_image, "qemu-img info: no size in its answer");
  refuse_other_files(info, given_path().native());
  size_ = whole_sectors(info["virtual-size"].get<std::uint64_t>());
  if (size_.count == 0) throw Error(ErrorKind::invalid_argument, "it is empty");
}

void ForeignImage::convert_into(const Path& image, Bytes size, const ProgressWatch& progress) const {
  in_context([&] { return fmt::format("{} image '{}'", to_string(format_), file_.native()); },
             [&] {
               const Fd target = create_sparse(image, size);
               const ProgramEnd end =
                   run_program({program_, "convert", "-p", "-f", std::string(to_string(format_)), "-O", "raw",
                                "-n", "--target-is-zero", given_path(), path_to(target)},
                               {fd_.get(), target.get()}, told(progress, size_));
               if (end.status != 0) fail("qemu-img convert", end.status, end.err);
             });
}

}  // namespace cowshed::pools
