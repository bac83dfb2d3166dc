// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What the start/stop benchmark measures, seen from outside. No cowshed code: the limit stands on this
/// header alone.
namespace bench {

/// What a tool works with.
struct Place {
  /// A directory of the tool's own, on the file system that holds the images.
  std::string directory;
  /// The template's root image, of the tool's own.
  std::string image;
  /// A whole empty block device.
  std::string raw_device;
  /// Slots are 0 .. slots - 1.
  int slots = 0;
};

/// Something that this machine lacks: the tool is not measured, and that is said.
struct Missing : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One way to give app VMs of one template their roots. A slot is an app VM.
class Tool {
 public:
  explicit Tool(std::string name) : name_(std::move(name)) {}
  virtual ~Tool() = default;
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Takes part in the stopping of many only: alone it would do the same as another.
  [[nodiscard]] virtual bool only_many() const { return false; }

  /// Makes the template and one app VM more, which runs until tear_down: it holds what is shared.
  virtual void set_up() = 0;
  virtual void tear_down() = 0;

  /// Returns the path of the block device, which can be opened from now on.
  virtual std::string start(int slot) = 0;
  /// Returns when the stop is answered.
  virtual void stop(int slot) = 0;
  /// Stops slots first .. first + count - 1 and waits for what the tool itself can wait for.
  virtual void stop_many(int first, int count) {
    for (int slot = first; slot < first + count; ++slot) stop(slot);
  }

  /// Starts slots first .. first + count - 1, with one call where the tool has one for that.
  virtual std::vector<std::string> start_many(int first, int count) {
    std::vector<std::string> devices;
    for (int slot = first; slot < first + count; ++slot) devices.push_back(start(slot));
    return devices;
  }

  /// Before and after the start of that many, not measured: brings things to the state in which a start finds
  /// them.
  virtual void prepare(int count) { static_cast<void>(count); }

  /// Called when nothing runs but what set_up started; not measured.
  virtual void rest() {}

  /// For people: how it was done.
  [[nodiscard]] virtual std::string note() const { return {}; }

 private:
  std::string name_;
};

std::unique_ptr<Tool> make_limit(const Place& place);
/// One of several in this process, each with a view of its own.
std::unique_ptr<Tool> make_limit_named(const std::string& name, const Place& place);
/// The same calls, the removals of several VMs in a thread each.
std::unique_ptr<Tool> make_limit_parallel(const Place& place);
std::unique_ptr<Tool> make_cowshed(const Place& place);
/// The same without the app VM that runs all the time: the template's view comes and goes with each start and
/// stop.
std::unique_ptr<Tool> make_cowshed_alone(const Place& place);
/// A process that keeps the installation; with warm layers or without.
std::unique_ptr<Tool> make_local(const std::string& name, const Place& place, bool is_warm);
/// A client of `cowshed serve`.
std::unique_ptr<Tool> make_service(const std::string& name, const Place& place, bool is_warm);
/// `script` is a shell script that serves requests: see bench/scripts/serve.sh.
std::unique_ptr<Tool> make_script_tool(std::string name, const std::string& script, const Place& place);

}  // namespace bench
