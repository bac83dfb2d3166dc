// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What each VM should see, in plain arrays of bytes: the oracle of the model tests. Pure: knows neither
/// files nor devices. It follows design and promises, not the code under test.
namespace cowshed::test::model {

using Words = std::vector<std::string>;
Words split(const std::string& text);
std::string join(const Words& words);
/// Bytes that only this seed gives.
std::string pattern(std::uint64_t seed, std::size_t length);

constexpr std::size_t sector = 512;
using Content = std::string;
/// Of the file "SEED:LENGTH".
Content image_content(const std::string& image);
/// The value of "KEY=VALUE"; nothing for other words.
std::optional<std::string> value_of(const std::string& key, const std::string& word);

enum class Kind { origin, snapshot, volatile_ };

struct Target {
  std::string vm, volume;
  [[nodiscard]] std::string label() const { return vm + " " + volume; }
  /// "VM:VOLUME"
  [[nodiscard]] std::string text() const { return vm + ":" + volume; }
  static Target parse(const std::string& text) {
    const auto colon = text.find(':');
    return {text.substr(0, colon), text.substr(colon + 1)};
  }
};

/// What an origin volume has committed, and the state before, where that is kept.
struct State {
  Content committed;
  std::optional<Content> revision;
  bool operator==(const State&) const = default;
};

struct Volume {
  Kind kind = Kind::origin;
  bool rw = true;
  int revisions = 1;
  std::string policy = "in-place";
  std::size_t size = 0;

  // Origin volumes
  Content committed;
  std::optional<Content> revision;
  [[nodiscard]] State state() const { return {committed, revision}; }
  /// The committed state is about to become another one.
  void keep_revision() {
    revision.reset();
    if (revisions > 0) revision = committed;
  }
  /// While it runs, and what a session that was cut off left.
  std::optional<Content> session;
  std::string session_policy;
  /// Holds what no clean stop has committed.
  [[nodiscard]] bool is_dirty() const { return unclean_direct || (session && wrote); }
  /// Its next start commits what an interrupted session in place left, before an overlay session begins.
  [[nodiscard]] bool is_to_be_converted() const {
    return session && wrote && session_policy == "in-place" && policy == "overlay" && revisions != -1;
  }
  /// The guest wrote in this session, even if it was what was there already.
  bool wrote = false;
  /// Snapshots are off and the volume did not stop cleanly: guests write `committed` itself.
  bool unclean_direct = false;
  /// Commits and session starts so far.
  std::uint64_t generation = 0;
  /// Commits that changed something.
  std::uint64_t changes = 0;
  /// Values that a sector may still have after a power cut, since its newest was never synced.
  std::map<std::size_t, std::vector<Content>> unsynced;

  // Snapshot and volatile volumes, while they run
  Content own;
  std::uint64_t source_generation = 0;
  std::uint64_t source_changes = 0;

  /// What its VM sees, or would see if it started now.
  [[nodiscard]] const Content& seen() const;
  Content& seen();
  /// While it runs.
  [[nodiscard]] std::size_t size_now() const { return seen().size(); }
  /// What is said of it, whether it runs or not. Not for snapshots.
  [[nodiscard]] std::size_t told_size() const { return kind == Kind::origin ? seen().size() : size; }
};

struct Vm {
  /// template, standalone, app, disposable or throwaway.
  std::string kind;
  /// Empty where the kind has none.
  std::string above;
  bool running = false;
  std::map<std::string, Volume> volumes;
};

/// What is found of a VM after something was cut off.
struct Found {
  bool exists = false, running = false;
  struct Property {
    bool dirty = false, rw = true;
    /// The store of a session that was not committed.
    bool has_session = false;
    int revisions = 1;
    std::string policy;
    std::size_t size = 0;
    /// While it runs.
    std::optional<std::size_t> device_size;
    /// What a start would find; read only after a power cut.
    std::optional<Content> image;
    /// Of an origin volume that does not run.
    std::optional<State> state;
  };
  std::map<std::string, Property> volumes;
};

class Model {
 public:
  /// Everything that happens, as a line of words, so that it can be kept in a journal and played again:
  ///
  ///   create KIND VM ABOVE|- root=SIZE private=SIZE volatile=SIZE [image=SEED:LENGTH]
  ///   remove VM | start VM | stop VM | discard VM | set VM VOLUME rw|revisions_to_keep|write_policy VALUE
  ///   write VM VOLUME OFFSET LENGTH SEED | sync VM VOLUME
  ///   revert VM VOLUME | import VM VOLUME image=SEED:LENGTH|from=VM:VOLUME
  ///   resize VM VOLUME SIZE [shrink]
  ///   extend VM VOLUME SIZE   the device of a volatile volume grew, what it begins with next time did not
  ///   down VM                 its layers are gone, sessions are kept uncommitted
  ///   commit VM VOLUME        the kept session became the committed state
  ///   drop VM VOLUME          the kept session changed nothing and is gone
  ///   forget VM VOLUME        the revision is gone, which nobody wants any more
  ///   unclean VM VOLUME       was begun to be handed out with snapshots off
  ///   adopt VM VOLUME         `data`: sectors (number, content) as they were found after a power cut
  ///   power-cut               nothing runs any more
  void apply(const std::string& event, const std::string& data = {});

  /// What has to become of `command` for one of its VMs: nothing where it succeeds, else the kind of error.
  [[nodiscard]] std::optional<std::string> refusal(const Words& command, const std::string& vm) const;
  /// Events that a successful `command` comes to.
  [[nodiscard]] static std::vector<std::string> events_of(const Words& command);
  /// The VMs that `command` is about.
  [[nodiscard]] static Words vms_of(const Words& command);
  /// The volume that `command` changes as a whole, if it is such a one.
  [[nodiscard]] std::optional<Target> changed_by(const Words& command) const;

  struct Verdict {
    std::vector<std::string> events;
    std::vector<std::string> wrong;
    bool happened = false;
    /// Its sessions were looked at.
    bool is_down = false;
  };
  /// Whether a `command` that was cut off happened to `vm` or not, by what is `found`. Everything else is
  /// wrong.
  [[nodiscard]] Verdict judge(const Words& command, const std::string& vm, const Found& found) const;

  /// Of a VM that is not running any more: which of its volumes' sessions were committed (`by` "stop" or
  /// "start") or dropped ("discard"), and which were kept.
  void judge_stopped(const std::string& vm, const Found& found, const std::string& by,
                     Verdict& verdict) const;

  struct Sectors {
    /// For `adopt`.
    std::string data;
    std::vector<std::string> wrong;
  };
  /// After a power cut: may the image of an origin volume hold this?
  [[nodiscard]] Sectors judge_image(const std::string& vm, const std::string& volume,
                                    const Content& image) const;

  /// The volume a snapshot volume starts from. Throws where there is none.
  [[nodiscard]] const Volume& source(const std::string& vm, const std::string& volume) const;
  /// Running snapshots of the VM's volume.
  [[nodiscard]] std::vector<const Volume*> running_snapshots(const std::string& vm,
                                                             const std::string& volume) const;
  [[nodiscard]] bool is_template(const std::string& vm) const;
  [[nodiscard]] const std::map<std::string, Vm>& vms() const { return vms_; }
  [[nodiscard]] bool has(const std::string& vm) const { return vms_.contains(vm); }
  [[nodiscard]] const Volume& volume(const Target& target) const {
    return vms_.at(target.vm).volumes.at(target.volume);
  }

 private:
  void create(const Words& words);
  void start(const std::string& vm);
  void stop(const std::string& vm);
  void down(const std::string& vm);
  void discard(const std::string& vm);
  static void commit(Volume& volume);
  /// The session is gone, and what it changed.
  static void drop(Volume& volume);
  void change(Volume& volume, const Words& words);
  void import(Volume& volume, const std::string& from);
  static void resize(Volume& volume, std::size_t size, bool is_running);
  void set(Volume& volume, const std::string& key, const std::string& value);
  void write(Volume& volume, std::size_t offset, std::size_t length, std::uint64_t seed);
  void adopt(Volume& volume, const std::string& data);
  void power_cut();
  static void judge_session(const std::string& label, const Volume& volume, const Found::Property& property,
                            const std::string& by, Verdict& verdict);
  static void judge_direct(const std::string& label, const Volume& volume, const Found::Property& property,
                           const std::string& by, Verdict& verdict);
  [[nodiscard]] Verdict judge_change(const Words& command, const Found& found) const;
  [[nodiscard]] bool is_as_found(const Words& command, const Found::Property& property) const;
  static void judge_revision(const std::string& label, const Volume& volume, const Found::Property& property,
                             const std::string& by, Verdict& verdict);
  [[nodiscard]] std::optional<std::string> set_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> discard_refusal(const std::string& vm) const;
  [[nodiscard]] std::optional<std::string> change_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> import_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> export_refusal(const Target& from) const;
  [[nodiscard]] std::optional<std::string> resize_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> unsettled(const Target& target) const;
  [[nodiscard]] std::optional<std::string> start_refusal(const std::string& vm) const;
  [[nodiscard]] const std::string& owner_of_source(const std::string& vm, const std::string& volume) const;

  std::map<std::string, Vm> vms_;
};

}  // namespace cowshed::test::model
