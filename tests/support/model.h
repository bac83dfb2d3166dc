// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
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

/// Where drivers differ in what a VM manager sees of them.
struct Rules {
  /// It has volumes that hold something of their own.
  bool keeps_volumes = true;
  /// A session is written into a file of its own, which replaces the image at stop (docs/reflink.md). Else it
  /// is written where `write_policy` says, and the older states stand on the image (docs/commit.md).
  bool replaces_images = false;
  /// Any number of revisions is kept; else one.
  bool has_many_revisions = false;
  /// A session is a copy of the whole image, and uncommitted from its start on, whatever is written: no
  /// revisions, no resizing, nothing that is kept or encrypted.
  bool copies_whole = false;
  /// A mistake that the model makes on purpose, for the tests of what is done about a difference: that guests
  /// can always write.
  bool forgets_read_only = false;
};

/// A pool, as far as its volumes and the settings are concerned.
struct Pool {
  std::string driver;
  Rules rules;
  int revisions = 1;
  bool ephemeral = false;
  /// The rules are the driver's.
  bool operator==(const Pool& other) const {
    return driver == other.driver && revisions == other.revisions && ephemeral == other.ephemeral;
  }
};

/// What cowshed.json holds.
struct Settings {
  std::map<std::string, Pool> pools;
  /// "default_pool_root" -> pool
  std::map<std::string, std::string> defaults;
  bool operator==(const Settings&) const = default;
};

/// What an origin volume has committed, and the states before that are kept, oldest first.
struct State {
  Content committed;
  std::vector<Content> older;
  bool operator==(const State&) const = default;
};

/// A revision.
struct Older {
  Content content;
  /// The image's while it held that.
  std::uint64_t image_state = 0;
};

/// What a snapshot volume with `keep_changes` leaves for a promotion.
struct Kept {
  Content content;
  /// Its guest wrote, even if it was what was there already.
  bool wrote = false;
  /// Of the source's image; nothing where that was no committed state.
  std::optional<std::uint64_t> good_for;
  /// Nobody can tell what is there after what was cut off.
  bool is_unknown = false;
};

struct Volume {
  Kind kind = Kind::origin;
  std::string pool;
  /// The pool's.
  Rules rules;
  bool rw = true;
  int revisions = 1;
  /// Else those of the pool.
  bool has_own_revisions = false;
  std::string policy = "in-place";
  std::size_t size = 0;

  // Origin volumes
  Content committed;
  /// Oldest first.
  std::vector<Older> older;
  [[nodiscard]] State state() const;
  /// The committed state is about to become another one.
  void keep_older();
  /// Only the newest are left.
  void prune(std::size_t most);
  /// How many older states nothing but a commit may take away. One is never surplus: a revert may have
  /// replaced it.
  [[nodiscard]] std::size_t kept_for_sure() const;
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
  /// Another one with each write to the image; that of a revision comes back with it where images are
  /// replaced.
  std::uint64_t image_state = next_image_state();
  /// No two images have the same.
  static std::uint64_t next_image_state();
  void change_image() { image_state = next_image_state(); }
  /// The image is not what snapshots start from: a session in place goes on, or was cut off.
  [[nodiscard]] bool is_image_open() const { return session && session_policy == "in-place"; }
  [[nodiscard]] std::optional<std::uint64_t> committed_image() const {
    return is_image_open() ? std::nullopt : std::optional(image_state);
  }
  /// Values that a sector may still have after a power cut, since its newest was never synced.
  std::map<std::size_t, std::vector<Content>> unsynced;

  // Snapshot and volatile volumes, while they run
  Content own;
  std::uint64_t source_generation = 0;
  std::uint64_t source_changes = 0;
  bool keep_changes = false;
  /// Not set: as the pool says.
  std::optional<bool> ephemeral;
  /// It runs, and what is written is encrypted.
  bool is_encrypted = false;
  /// Of the source's image when it started.
  std::optional<std::uint64_t> source_image;
  std::optional<Kept> kept;

  /// What its VM sees, or would see if it started now.
  [[nodiscard]] const Content& seen() const;
  Content& seen();
  /// While it runs.
  [[nodiscard]] std::size_t size_now() const { return seen().size(); }
  /// What is said of it, whether it runs or not. Not for snapshots.
  [[nodiscard]] std::size_t told_size() const { return kind == Kind::origin ? seen().size() : size; }
};

/// One that every VM has, or may have.
bool is_default_volume(const std::string& name);
/// As large as it says, holding zeros.
Volume new_volume(Kind kind, std::size_t size);

struct Vm {
  /// template, standalone, app, disposable or throwaway.
  std::string kind;
  /// Empty where the kind has none.
  std::string above;
  std::string kernel = {};
  bool running = false;
  std::map<std::string, Volume> volumes;
};

/// What is found of a VM after something was cut off.
struct Found {
  bool exists = false, running = false;
  std::string above = {}, kernel = {};
  /// What was never synced may be lost.
  bool is_after_power_cut = false;
  struct Property {
    bool dirty = false, rw = true;
    /// The store of a session that was not committed.
    bool has_session = false;
    int revisions = 1;
    bool has_own_revisions = false;
    std::string policy;
    std::optional<bool> ephemeral;
    std::size_t size = 0;
    /// While it runs.
    std::optional<std::size_t> device_size;
    /// What a start would find; read only after a power cut.
    std::optional<Content> image;
    /// Of an origin volume that does not run.
    std::optional<State> state;
    bool keep_changes = false;
    /// Of a snapshot volume that does not run: its changes are there.
    bool is_kept = false;
    /// And what they make of the source's state, where they are changes of that.
    std::optional<Content> promotable;
    /// They are none.
    bool is_unchanged = false;
  };
  std::map<std::string, Property> volumes;
};

class Model {
 public:
  /// `rules`: of every driver there is; `first`: of the pool that a first start makes.
  Model(std::map<std::string, Rules> rules, const std::string& first);

  /// Everything that happens, as a line of words, so that it can be kept in a journal and played again:
  ///
  ///   create KIND VM ABOVE|- root=SIZE private=SIZE volatile=SIZE [image=SEED:LENGTH] [pool=POOL]
  ///                           [pool:VOLUME=POOL]
  ///   create-volume VM VOLUME origin|volatile|snapshot SIZE POOL|-
  ///   clone-volume VM VOLUME from=VM:VOLUME POOL|- | remove-volume VM VOLUME | export VM VOLUME
  ///   template VM ABOVE | kernel VM NAME
  ///   pool-add POOL DRIVER [at=POOL] | pool-import POOL | pool-remove POOL | pool-set POOL KEY VALUE
  ///   default KEY POOL | undefault KEY
  ///   clone VM NEW | promote VM VOLUME
  ///   keep VM VOLUME good|stale written|clean
  ///                           the changes of what it sees are kept, of the source's state now or not
  ///   lose VM VOLUME          they are not
  ///   unsure VM VOLUME        perhaps they are
  ///   remove VM | start VM | stop VM | discard VM | set VM VOLUME KEY VALUE
  ///   write VM VOLUME OFFSET LENGTH SEED | sync VM VOLUME
  ///   revert VM VOLUME [BACK] the newest revision, or that many before it
  ///   import VM VOLUME image=SEED:LENGTH|from=VM:VOLUME
  ///   resize VM VOLUME SIZE [shrink]
  ///   extend VM VOLUME SIZE   the device of a volatile volume grew, what it begins with next time did not
  ///   down VM                 its layers are gone, sessions are kept uncommitted
  ///   commit VM VOLUME        the kept session became the committed state
  ///   drop VM VOLUME          the kept session changed nothing and is gone
  ///   prune VM VOLUME MOST    only so many revisions are left: nobody wants the older ones
  ///   half COMMAND            it happened, except that surplus revisions are there still
  ///   unclean VM VOLUME       was begun to be handed out with snapshots off
  ///   begun VM VOLUME         a session of it was begun, although its VM does not run
  ///   adopt VM VOLUME         `data`: sectors (number, content) as they were found after a power cut
  ///   power-cut               nothing runs any more
  void apply(const std::string& event, const std::string& data = {});

  /// What has to become of `command` for one of its VMs: nothing where it succeeds, else the kind of error.
  [[nodiscard]] std::optional<std::string> refusal(const Words& command, const std::string& vm) const;
  /// Events that a successful `command` comes to.
  [[nodiscard]] static std::vector<std::string> events_of(const Words& command);
  /// The VMs that `command` is about.
  [[nodiscard]] static Words vms_of(const Words& command);
  /// "create-template" and so on: what has to occur by itself.
  [[nodiscard]] std::string operation_of(const Words& command) const;
  /// The volume that `command` changes as a whole, if it is such a one.
  [[nodiscard]] std::optional<Target> changed_by(const Words& command) const;
  /// How many revisions before the newest a revert goes.
  [[nodiscard]] static std::size_t back_in(const Words& revert);

  /// Whatever becomes of `command`, and where it is cut off, can be told: it names what there is, and does
  /// not put in the place of something what nobody could tell from it.
  [[nodiscard]] bool is_playable(const Words& command) const;
  [[nodiscard]] bool is_tellable(const Words& command) const;
  /// It can be started or stopped together with others: what comes of that does not depend on the order.
  [[nodiscard]] bool goes_with_others(const std::string& what, const std::string& vm) const;

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

  /// Likewise: which of its changes are kept to be promoted. Before it is taken for stopped.
  void judge_kept(const std::string& vm, const Found& found, const std::string& by, Verdict& verdict) const;

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
  /// Of the pool that a first start makes.
  [[nodiscard]] const Rules& rules() const { return settings_.pools.at(first_pool).rules; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  static constexpr const char *first_pool = "varlib", *kernel_pool = "linux-kernel";
  /// It is about pools and defaults, no VM: its outcome is that of `installation`.
  static bool is_about_settings(const Words& command);
  static constexpr const char* installation = "installation";
  /// Likewise, where it was cut off: by the settings that are found.
  [[nodiscard]] Verdict judge_settings(const Words& command, const Settings& found) const;
  /// Where a new volume goes to of which nobody says where; nothing where no pool is left.
  [[nodiscard]] std::string default_pool_for(const std::string& volume) const;
  /// Something lies in it, or a default leads to it.
  [[nodiscard]] bool is_pool_used(const std::string& pool) const;
  /// Volumes with more revisions than they are to keep: recovery takes those away.
  [[nodiscard]] std::vector<Target> with_surplus() const;
  [[nodiscard]] const std::map<std::string, Vm>& vms() const { return vms_; }
  [[nodiscard]] bool has(const std::string& vm) const { return vms_.contains(vm); }
  [[nodiscard]] bool has_volume(const Target& target) const {
    return has(target.vm) && vms_.at(target.vm).volumes.contains(target.volume);
  }
  /// A promotion of it would find changes of the state that the source holds.
  [[nodiscard]] bool is_promotable(const Target& target) const;
  /// Has the source of a running snapshot volume another state now? Nothing where a driver may say either.
  [[nodiscard]] std::optional<bool> is_outdated(const Target& target) const;
  [[nodiscard]] const Volume& volume(const Target& target) const {
    return vms_.at(target.vm).volumes.at(target.volume);
  }

 private:
  void create(const Words& words);
  void place(Vm& vm, const std::map<std::string, std::string>& wishes) const;
  void put_into(Volume& volume, const std::string& pool) const;
  void take_over(Vm& vm) const;
  void create_volume(const Words& words);
  void clone_volume(const Words& words);
  void change_settings(const Words& words);
  void set_pool(const std::string& name, const std::string& key, const std::string& value);
  [[nodiscard]] bool is_encrypting(const Volume& volume) const;
  [[nodiscard]] bool is_across(const Target& target, const Words& command) const;
  [[nodiscard]] std::string pool_of_clone(const Words& command) const;
  [[nodiscard]] std::string import_of(const Words& command) const;
  [[nodiscard]] std::optional<std::string> place_refusal(const Words& create) const;
  [[nodiscard]] std::optional<std::string> settings_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> set_pool_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> new_volume_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> remove_volume_refusal(const Target& target) const;
  [[nodiscard]] std::optional<std::string> vm_set_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> property_refusal(const Volume& volume, const std::string& key,
                                                            const std::string& value) const;
  [[nodiscard]] bool has_user(const Target& source) const;
  [[nodiscard]] bool has_snapshot_below(const std::string& vm, const std::string& volume) const;
  [[nodiscard]] bool has_all_sources(const std::string& vm) const;
  /// Nothing where there is none.
  [[nodiscard]] const std::string* find_owner(const std::string& above, const std::string& volume) const;
  void clone(const std::string& from, const std::string& name);
  void promote(const Target& target);
  void keep(const Target& target, bool is_good, bool wrote);
  void mistrust_kept(const Target& source);
  Volume& volume(const Target& target) { return vms_.at(target.vm).volumes.at(target.volume); }
  Volume& source(const std::string& vm, const std::string& volume) {
    return const_cast<Volume&>(std::as_const(*this).source(vm, volume));
  }
  void start(const std::string& vm);
  static void start_origin(Volume& volume);
  static void start_in_own_file(Volume& volume);
  static void start_copied(Volume& volume);
  void start_snapshot(const Target& target);
  void stop(const std::string& vm);
  void down(const std::string& vm);
  void discard(const std::string& vm);
  [[nodiscard]] bool differs_from_source(const Target& target) const;
  static void commit(Volume& volume);
  void prune(Volume& volume) const;
  /// The session is gone, and what it changed.
  static void drop(Volume& volume);
  void change(Volume& volume, const Words& words);
  void import(Volume& volume, const std::string& from);
  static void revert(Volume& volume, std::size_t back);
  void resize(Volume& volume, std::size_t size, bool is_running) const;
  static void grow(Volume& volume, std::size_t size);
  void set(Volume& volume, const std::string& key, const std::string& value) const;
  void write(Volume& volume, std::size_t offset, std::size_t length, std::uint64_t seed);
  void adopt(Volume& volume, const std::string& data);
  void power_cut();
  [[nodiscard]] static bool is_image_safe(const Volume& volume);
  void judge_session(const std::string& label, const Volume& volume, const Found::Property& property,
                     const std::string& by, Verdict& verdict) const;
  static void judge_direct(const std::string& label, const Volume& volume, const Found::Property& property,
                           const std::string& by, Verdict& verdict);
  [[nodiscard]] Verdict judge_change(const Words& command, const Found& found) const;
  [[nodiscard]] bool is_as_found(const std::string& what, const Target& target,
                                 const Found::Property& property, std::size_t kept_for_sure) const;
  static void judge_older(const std::string& label, const Volume& volume, const Found::Property& property,
                          const std::string& by, Verdict& verdict);
  static void judge_revision(const std::string& label, const Volume& volume, const Found::Property& property,
                             const std::string& by, Verdict& verdict);
  [[nodiscard]] std::optional<std::string> set_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> discard_refusal(const std::string& vm) const;
  [[nodiscard]] std::optional<std::string> change_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> import_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> export_refusal(const Target& from) const;
  [[nodiscard]] std::optional<std::string> resize_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> promote_refusal(const Words& command) const;
  [[nodiscard]] std::optional<std::string> clone_refusal(const Words& command) const;
  void judge_kept_of_session(const Target& target, const Found& found, const std::string& by,
                             Verdict& verdict) const;
  void judge_kept_of_start(const Target& target, const Found::Property& property, Verdict& verdict) const;
  [[nodiscard]] std::optional<std::string> unsettled(const Target& target) const;
  [[nodiscard]] std::optional<std::string> start_refusal(const std::string& vm) const;
  [[nodiscard]] std::optional<std::string> source_refusal(const Target& target) const;
  [[nodiscard]] static bool is_undroppable(const Volume& volume, bool is_running);
  [[nodiscard]] bool is_exclusive(const std::string& vm) const;
  [[nodiscard]] bool keeps_changes(const std::string& vm) const;
  [[nodiscard]] bool is_repetition(const Words& change) const;
  [[nodiscard]] bool is_addable(const Words& command) const;
  [[nodiscard]] bool can_be_guests(const Words& step) const;
  [[nodiscard]] const std::string& owner_of_source(const std::string& vm, const std::string& volume) const;

  std::map<std::string, Rules> rules_;
  Settings settings_;
  /// Applies what was cut off before it had taken the surplus revisions away.
  bool is_half_ = false;
  std::map<std::string, Vm> vms_;
};

}  // namespace cowshed::test::model
