// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/definition.h"
#include "app/links.h"
#include "app/locations.h"
#include "app/state_lock.h"
#include "app/turns.h"
#include "app/vm.h"
#include "base/error.h"
#include "base/guard_report.h"
#include "layers/host.h"
#include "pools/driver_context.h"
#include "pools/pool.h"

namespace cowshed::app {

struct AppOptions {
  Locations locations;
  StateLock::Wish lock;
  /// The drivers there are; tests bring their own.
  const std::vector<pools::Driver>* drivers = nullptr;
  /// while_unlocked() lets other threads go on, but no other process.
  bool stays_locked = false;
  /// False: who opens it calls recover(), and wants to hear what there was to do.
  bool recover_when_due = true;
  /// Who opens it for writing calls guard_space() as often as that says, as long as this lives: volumes with
  /// a cow_limit may start, and sessions need not reserve beforehand all the space that they may come to
  /// need.
  bool guards_space = false;
};

/// What became of one VM of a batch.
struct VmOutcome {
  VmName vm;
  std::vector<pools::BlockDevice> devices;
  std::optional<Error> error;
  /// The volumes of which a stop has saved what their guest wrote, also where another of them failed.
  std::vector<VolumeName> committed = {};
};

/// The layers that stand ready for a template's app VMs.
struct WarmVolume {
  /// "debian:root"
  std::string volume;
  pools::WarmCounts counts;
};

/// A VM, or why its definition could not be read.
struct ListedVm {
  VmName name;
  Vm* vm = nullptr;
  std::optional<Error> error;
};

/// What guard_space() did and saw.
struct SpaceReport {
  struct Pool {
    PoolName name;
    /// Its events are in `events`.
    GuardReport report;
  };
  /// An event, and whose it is.
  struct Event {
    PoolName pool;
    GuardEvent event;
    /// Where it is about a volume that is known.
    std::optional<VmName> vm = std::nullopt;
    std::optional<VolumeName> volume = std::nullopt;
  };
  std::vector<Event> events;
  std::vector<Pool> pools;
  /// When to call again at the latest.
  std::chrono::milliseconds next{1000};
};

/// The whole installation: pools, VMs and defaults of one state directory. Holds the state directory's lock
/// as long as it lives; opened for writing it first recovers where the last writer did not end well, unless
/// told otherwise. VM definitions are read when they are asked for: starting a VM reads its own file and
/// those of its templates and no others. An installation that does not exist yet has the defaults of a first
/// start in memory; nothing is created before something is to be kept. Several threads may call it, each in a
/// turn (app/turns.h); keep_warm() and warm_volumes() need none.
class App {
 public:
  /// Throws in_use where the lock was waited for in vain, invalid_argument for a broken cowshed.json.
  explicit App(AppOptions options);
  /// Waits until everything that stops left to tear down is gone, then lets go of the lock.
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  [[nodiscard]] const Locations& locations() const { return options_.locations; }
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const std::vector<pools::Driver>& drivers() const { return *options_.drivers; }
  Turns& turns() { return turns_; }

  /// The object is made on first use. Throws not_found listing the pools there are; invalid_argument with
  /// file and pointer where the configuration does not fit the driver.
  pools::Pool& pool(const PoolName& name);
  /// Throws not_found; invalid_argument for a broken definition.
  Vm& vm(const VmName& name);
  /// Of all there are, throw-away ones included.
  [[nodiscard]] std::vector<VmName> vm_names() const;
  /// All, throw-away ones included, by name. One that cannot be read does not stop the others.
  std::vector<ListedVm> vms();
  /// As vms(), but throws where one cannot be read: `why` says what cannot be known then.
  std::vector<Vm*> all_vms(std::string_view why);

  /// Whether starting them depends on which other VMs run: a volume of theirs, or its source, is written with
  /// snapshots off. Then nobody else may start or stop meanwhile.
  static bool depends_on_others(std::span<Vm* const> vms);
  /// Starts the volumes of all VMs together and waits for each. One that fails does not hold the others.
  /// `nodes`: each gets device nodes of its own, with that access.
  std::vector<VmOutcome> start(std::span<Vm* const> vms,
                               const std::optional<NodeAccess>& nodes = std::nullopt);
  /// Likewise. Throw-away VMs are gone afterwards.
  std::vector<VmOutcome> stop(std::span<Vm* const> vms, const pools::StopOptions& options = {});

  /// One look at the space of all pools that are in use, and what follows from it: sessions are held and let
  /// go on. Only where guards_space was said. From any one thread, beside all else: it waits for no
  /// operation, however long that takes. Throws nothing but what memory runs out of: what fails is an event.
  SpaceReport guard_space();

  /// Puts right what a killed process or a power loss left (app/recover.h).
  pools::RecoveryReport recover(bool dry_run);
  /// Whether something failed half-way since the last time this was asked, so that recover() has work.
  bool take_due_recovery() { return is_recovery_due_.exchange(false); }
  /// What the last writer left, where it did not end well and recovery has not been done.
  [[nodiscard]] const std::optional<std::string>& unclean() const;

  // Layers that stand ready for starts; for a process that stays (docs/layers.md, "Warm layers").

  /// One pass over the volumes of the VMs loaded so far: makes the layers that are missing, one at a time,
  /// and removes those no longer wanted. Returns how many were made. Meant for a thread of its own, beside
  /// the one that calls the rest of App; a start, stop or commit waits for one layer at most. What keeps one
  /// from being made is logged once, and tried again at the next pass. Does nothing while while_unlocked()
  /// goes on. That thread has ended before App is destroyed.
  std::size_t keep_warm();
  /// All of them go. Also done at the end, before the lock is let go.
  void drop_warm();
  /// Of each volume with `warm` that is loaded, for metrics. From any thread.
  std::vector<WarmVolume> warm_volumes();

  /// Calls `body` while other processes may go on: with work that needs nothing of the state directory but
  /// takes as long as somebody else pleases. The lock is waited for without limit then, whatever `body`
  /// throws; what was loaded before is to be taken for what it was.
  void while_unlocked(const std::function<void()>& body);
  /// False only where the wait at the end of while_unlocked() was interrupted.
  [[nodiscard]] bool is_locked() const { return lock_ != nullptr; }

  // For the rest of the app layer.
  /// Makes the installation where it does not exist yet. Called before the first thing that is to be kept.
  void initialise();
  /// Reads roles and default pools again, as somebody has edited them. Throws invalid_argument; where pools
  /// were changed, too, in_use: these are looked at once only.
  void reload();
  /// Durably; on failure the old configuration stays in force.
  void save_config(Config config);
  /// Writes vms/NAME.json, durably.
  void save(const Vm& vm);
  Vm& adopt(std::unique_ptr<Vm> vm);
  void forget(const VmName& name);
  void forget_pool(const PoolName& name);
  bool exists_vm(const VmName& name);
  /// A name for a throw-away VM, that nobody else is given.
  VmName free_name();
  Vm& template_of(Vm& vm);
  void forget_references();
  /// What fails half-way is put right by the next command.
  void leave_unclean();
  /// As long as the answer lives the VM is neither removed nor changed: another command works with it and
  /// has no turn on it.
  [[nodiscard]] std::shared_ptr<const void> pin(const VmName& name);
  /// Throws in_use where somebody has pinned it.
  void require_unpinned(const VmName& name);
  /// Guards the loading of VMs and pools: drivers' threads look for sources.
  std::recursive_mutex& registry_mutex() { return registry_mutex_; }
  /// Throws not_found listing the drivers there are; what load_plugin throws.
  [[nodiscard]] const pools::Driver& driver_of(const PoolDefinition& definition) const;
  std::unique_ptr<pools::Pool> make_pool(const PoolName& name, const PoolDefinition& definition);

 private:
  struct KeptWarm {
    std::string volume;
    std::unique_ptr<pools::WarmLayers> layers;
  };
  std::vector<KeptWarm> kept_warm();
  std::size_t add_warm(const KeptWarm& kept);
  void allow_warm(bool is_allowed);

  void take_lock();
  void recover_if_due();
  void load_config();
  /// Of the pool over the state directory: file-reflink where the file system can share extents, else file.
  [[nodiscard]] std::string first_driver() const;
  [[nodiscard]] Config first_config() const;
  /// Null where it has no definition.
  std::unique_ptr<Vm> load(const VmName& name);
  Vm* find_vm(const VmName& name);
  void finish_pools();
  void begin_guard();
  void end_guard();
  std::vector<pools::Pool*> loaded_pools();
  std::vector<pools::Volume*> volumes_of(const pools::Pool& pool);
  void add_guard_events(SpaceReport& report, const pools::Pool& pool, std::vector<GuardEvent> events);

  AppOptions options_;
  // Let go of last, after the threads of host_ have ended.
  std::unique_ptr<StateLock> lock_;
  layers::Host host_;
  pools::DriverContext context_{host_};
  Turns turns_;
  std::recursive_mutex registry_mutex_;
  std::map<VmName, std::weak_ptr<const void>> pins_;
  std::atomic<int> throwaways_{0};
  std::atomic<bool> is_recovery_due_{false};
  /// Held while guard_space() looks: pools stay.
  std::mutex guard_mutex_;
  /// Held while a layer is made. Taken before registry_mutex_, never with that held.
  std::mutex warm_mutex_;
  bool may_keep_warm_ = true;
  /// By volume: what was told last.
  std::map<std::string, std::string> warm_troubles_;
  Config config_;
  std::map<PoolName, std::unique_ptr<pools::Pool>> pools_;
  std::map<VmName, std::unique_ptr<Vm>> vms_;
};

}  // namespace cowshed::app
