// SPDX-License-Identifier: Apache-2.0
//
// Measures how long it takes until what a guest has changed is in the image, durably, in several ways side by
// side. Runs as root on a kernel with device-mapper; scripts/bench merge runs it in a VM.

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "cow/writer.h"
#include "layers/store_file.h"
#include "memory.h"
#include "merger.h"
#include "program.h"
#include "rows.h"

namespace bench {
namespace {

struct Options : CommonOptions {
  Options() { rounds = 5; }
  bool quick = false;
  /// "tmpfs=/tmp", ...
  std::vector<std::string> places;
};

/// Rounds that are not counted, in which the result is compared.
constexpr int warm_up_rounds = 1;
constexpr std::uint64_t mebibyte = 1 << 20;

template <typename Body>
double microseconds(Body body) {
  const auto before = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - before).count();
}

void progress(const std::string& text) { fmt::print(stderr, "{}\n", text); }

/// Image and store of one change, in one place.
class Scene {
 public:
  Scene(const std::string& directory, const Change& change)
      : merge_{directory, directory + "/root.img", directory + "/store.img", change},
        chunks_(changed_chunks(change)) {
    ::mkdir(directory.c_str(), 0700);
    make_image();
    make_store();
  }
  ~Scene() { std::filesystem::remove_all(merge_.directory); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] const Merge& merge() const { return merge_; }

  void make_image() const {
    const cowshed::Fd file = cowshed::open_file(merge_.image, O_RDWR | O_CREAT, 0600);
    const auto write = cowshed::layers::write_to(file);
    for (std::uint64_t at = 0; at < image_size(merge_.change); at += mebibyte)
      put(write, at, content(State::old_one, at, mebibyte));
    cowshed::sync_file(file, merge_.image);
  }

  void compare(const std::string& tool) const {
    const cowshed::Fd file = cowshed::open_file(merge_.image, O_RDONLY);
    const auto read = cowshed::layers::read_from(file);
    std::vector<bool> is_new(image_size(merge_.change) / merge_.change.chunk);
    for (const auto chunk : chunks_) is_new[chunk] = true;
    std::string found(merge_.change.chunk, '\0');
    for (std::uint64_t chunk = 0; chunk < is_new.size(); ++chunk) {
      const std::uint64_t at = chunk * found.size();
      read(cowshed::Bytes{at}, std::as_writable_bytes(std::span(found)));
      if (found != content(is_new[chunk] ? State::new_one : State::old_one, at, found.size()))
        throw std::runtime_error(fmt::format("{} made something else of the image, at {}", tool, at));
    }
  }

 private:
  static void put(const cowshed::cow::WriteAt& write, std::uint64_t at, const std::string& text) {
    write(cowshed::Bytes{at}, std::as_bytes(std::span(text)));
  }

  /// As the kernel would have: in the order of the guest's writes.
  void make_store() const {
    using namespace cowshed;
    const cow::ChunkSize chunk(Bytes{merge_.change.chunk});
    const Fd file = open_file(merge_.store, O_RDWR | O_CREAT, 0600);
    const auto write = layers::write_to(file);
    std::vector<std::byte> raw(cow::header_size);
    cow::write_header({chunk}, std::span(raw).first<cow::header_size>());
    write(Bytes{0}, raw);
    raw.resize(cow::exception_size);
    for (std::uint64_t i = 0; i < chunks_.size(); ++i) {
      const std::uint64_t each = chunk.entries_per_area();
      cow::write_exception({chunks_[i], cow::data_chunk(chunk, i)},
                           std::span(raw).first<cow::exception_size>());
      write(chunk.bytes() * cow::metadata_chunk(chunk, i / each) + Bytes{i % each * cow::exception_size},
            raw);
      put(write, store_offset(i, merge_.change.chunk),
          content(State::new_one, chunks_[i] * merge_.change.chunk, merge_.change.chunk));
    }
    if (::ftruncate(file.get(), static_cast<off_t>(cow::size_with(chunk, chunks_.size()).count)) < 0)
      throw std::system_error(errno, std::generic_category(), merge_.store);
    sync_file(file, merge_.store);
  }

  Merge merge_;
  std::vector<std::uint64_t> chunks_;
};

struct Entry {
  std::string name_of_case;
  std::unique_ptr<Merger> merger;
  std::vector<double> samples;
};

class Benchmark {
 public:
  explicit Benchmark(Options options) : options_(std::move(options)) {}

  void run() {
    fmt::print("merge, kernel {}: until the change is in the image, durably\n", options_.kernel);
    for (const std::string& place : options_.places) {
      const auto split = place.find('=');
      for (const Change& change : changes()) run(place.substr(0, split), place.substr(split + 1), change);
    }
  }

 private:
  [[nodiscard]] std::vector<Change> changes() const {
    std::vector<Change> all;
    for (const std::uint64_t size : {64 * mebibyte, 256 * mebibyte}) {
      if (options_.quick && size > 64 * mebibyte) continue;
      for (const Pattern pattern : {Pattern::sequential, Pattern::random_4k, Pattern::random_64k})
        for (const std::uint64_t chunk : {std::uint64_t{4} << 10, std::uint64_t{64} << 10})
          all.push_back({size, pattern, chunk});
    }
    return all;
  }

  void run(const std::string& place, const std::string& directory, const Change& change) {
    const std::string name = fmt::format("{}, {} MiB {}, chunks of {} KiB", place, change.bytes / mebibyte,
                                         to_string(change.pattern), change.chunk >> 10);
    progress(name);
    const Scene scene(directory + "/bench-merge", change);
    std::vector<Entry> entries;
    add(entries, name, make_limit_merger(scene.merge()));
    add(entries, name, make_cowshed_merger(scene.merge(), {}));
    add(entries, name, make_kernel_merger(scene.merge()));
    add(entries, name, make_qemu_merger(scene.merge()));
    const std::string revision = name + ", revision", running = name + ", 10 snapshots running";
    add(entries, revision, make_cowshed_merger(scene.merge(), {.keep_revision = true}));
    add(entries, running, make_cowshed_merger(scene.merge(), {.running_snapshots = 10}));
    add(entries, running + ", revision",
        make_cowshed_merger(scene.merge(), {.keep_revision = true, .running_snapshots = 10}));
    for (int round = -warm_up_rounds; round < options_.rounds; ++round) {
      std::shuffle(entries.begin(), entries.end(), random_);
      for (Entry& entry : entries) run_one(scene, entry, round >= 0);
    }
    std::ranges::sort(entries, {}, [](const Entry& entry) { return entry.name_of_case.size(); });
    const auto limit =
        std::ranges::find(entries, std::string("limit"), [](const Entry& e) { return e.merger->name(); });
    std::vector<Row> rows;
    for (const Entry& entry : entries) {
      rows.push_back(
          {entry.name_of_case, entry.merger->name(), static_cast<int>(entry.samples.size()), entry.samples});
      // So that each block has its reference.
      if (entry.name_of_case != name && limit != entries.end())
        rows.push_back(
            {entry.name_of_case, "limit", static_cast<int>(limit->samples.size()), limit->samples, true});
    }
    report(rows);
  }

  void add(std::vector<Entry>& entries, const std::string& name_of_case,
           std::unique_ptr<Merger> merger) const {
    const auto& only = options_.only;
    if (only.empty() || std::ranges::find(only, merger->name()) != only.end())
      entries.push_back({name_of_case, std::move(merger), {}});
  }

  static void run_one(const Scene& scene, Entry& entry, bool counts) {
    if (!counts) scene.make_image();
    entry.merger->prepare();
    forget_files();
    const double time = microseconds([&] { entry.merger->run(); });
    entry.merger->clean_up();
    if (counts)
      entry.samples.push_back(time);
    else if (entry.merger->name() != "qemu-img")
      scene.compare(entry.merger->name());
  }

  /// Case by case: a run that is cut off has told what it measured.
  void report(const std::vector<Row>& rows) {
    fmt::print("\n{}", table(rows, "limit"));
    std::fflush(stdout);
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    if (!options_.json.empty()) std::ofstream(options_.json) << json("merge", options_.kernel, rows_);
  }

  Options options_;
  std::vector<Row> rows_;
  std::mt19937 random_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  CLI::App app("Measures merging a store into its image", "bench_merge");
  bench::add_options(app, options);
  app.add_flag("--quick", options.quick, "changes of 64 MiB only");
  app.add_option("--place", options.places, "NAME=DIRECTORY: where the images go; may be repeated")
      ->required();
  return bench::run_program(app, argc, argv, [&] { bench::Benchmark(std::move(options)).run(); });
}
