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
#include "io/copy_file.h"

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

std::string describe(ImageFormat format, const Path& file) {
  return fmt::format("{} image '{}'", to_string(format), file.native());
}

Bytes whole_sectors(std::uint64_t bytes) {
  constexpr auto sector = Sectors::bytes_each;
  return {bytes / sector * sector + (bytes % sector == 0 ? 0 : sector)};
}

}  // namespace

ForeignImage::ForeignImage(Fd fd, Path file, ImageFormat format)
    : file_(std::move(file)), format_(format), fd_(std::move(fd)) {}

ForeignImage::ForeignImage(const Path& file, ImageFormat format)
    : ForeignImage(open_file(file, O_RDONLY | O_NONBLOCK), file, format) {
  static_cast<void>(stat_fd(fd_, file));
  lease_ = ReadLease::take(fd_);
  in_context([&] { return describe(format_, file_); }, [&] { look(); });
}

void ForeignImage::look() {
  std::array<std::byte, image_start> start{};
  const ssize_t got = ::pread(fd_.get(), start.data(), start.size(), 0);
  if (got < 0) throw Error::from_errno(errno, "read");
  const auto read = std::span(start).first(static_cast<std::size_t>(got));
  if (detect_format(read) != format_)
    throw Error(ErrorKind::invalid_argument, "it is not written in that format");
  pools::refuse_other_files(format_, read);
  program_ = find_qemu_img(format_);
  ask();
}

Path ForeignImage::given_path() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }

/// Nothing of it is left to the image but its data; see the header on what cannot be.
std::string ForeignImage::source() const {
  const json options{{"driver", to_string(format_)},
                     {"backing", nullptr},
                     {"file", {{"driver", "file"}, {"filename", given_path().native()}}}};
  return "json:" + options.dump();
}

void ForeignImage::fail(std::string_view what, int status, const std::string& errors) const {
  std::string why = last_line(errors);
  // What it was given says nothing to anybody.
  for (const std::string& given : {source(), given_path().native()})
    if (const auto at = why.find(given); at != std::string::npos)
      why.replace(at, given.size(), file_.native());
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

// --- Conversion

void ForeignImage::refuse_written() const {
  if (lease_ && !lease_->is_held())
    throw Error(
        ErrorKind::in_use,
        "somebody has opened it to be written while it was looked at: import it when nobody writes it",
        EWOULDBLOCK);
}

Fd ForeignImage::copy_beside(const Path& image, const ProgressWatch& progress) const {
  Fd copy = create_unnamed(image.parent_path(), stat_fd(fd_, file_).size);
  io::CopyOptions options;
  options.zeroes = io::Zeroes::skip;
  options.sync = false;
  // It may be ended, but nothing is done yet.
  if (progress) options.progress = [&](Bytes) { progress({Bytes{0}, size_, true}); };
  io::copy_file(io::End(fd_, file_), io::End(copy, path_to(copy)), options);
  return copy;
}

void ForeignImage::convert_into(const Path& image, Bytes size, const ProgressWatch& progress) const {
  in_context([&] { return describe(format_, file_); },
             [&] {
               if (lease_) return convert(image, size, progress);
               ForeignImage own(copy_beside(image, progress), file_, format_);
               own.look();
               own.convert(image, size, progress);
             });
}

void ForeignImage::convert(const Path& image, Bytes size, const ProgressWatch& progress) const {
  const Fd target = create_sparse(image, size);
  const auto watch = [this, tell = told(progress, size_)](std::string_view out) {
    refuse_written();
    if (tell) tell(out);
  };
  const ProgramEnd end = run_program(
      {program_, "convert", "-p", "-O", "raw", "-n", "--target-is-zero", source(), path_to(target)},
      {fd_.get(), target.get()}, watch);
  // Before its status: it may be what has failed it.
  refuse_written();
  if (end.status != 0) fail("qemu-img convert", end.status, end.err);
}

}  // namespace cowshed::pools
