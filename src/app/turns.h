// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/fair_mutex.h"
#include "base/ids.h"

namespace cowshed::app {

class Turn;

/// Who may call the App when several threads want to. Thread-safe; nobody is passed by.
///
/// Two things are held during a turn: VMs, one thread's alone, in order; and the definitions, by many
/// together (what starts VMs) or by one alone (what changes definitions). What takes long holds no more than
/// its VMs meanwhile (Turn::with_vms_only), so that nobody but those who want the same VM ever waits for it.
class Turns {
 public:
  Turns() = default;
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

 private:
  friend class Turn;

  std::shared_ptr<std::mutex> mutex_of(const VmName& vm);
  /// Those that nobody holds or waits for.
  void forget_unused();

  FairMutex definitions_;
  std::mutex vms_mutex_;
  std::map<VmName, std::shared_ptr<std::mutex>> vms_;
};

/// A turn of the calling thread, from construction to the end of the scope. A thread has one at a time.
class Turn {
 public:
  enum class Definitions { shared, alone };

  /// `vms` in any order; doubled ones count once.
  Turn(Turns& turns, Definitions definitions, std::vector<VmName> vms);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Of the calling thread's turn. Without one (a program with a single thread needs none) they just run
  // `body`. Whatever it throws, the turn is as it was afterwards.

  /// What takes long. `body` looks at nothing but the VMs of the turn, and what is pinned (App::pin).
  static void with_vms_only(const std::function<void()>& body);
  /// What takes as long as somebody else pleases; `body` looks at nothing but what is pinned.
  static void step_aside(const std::function<void()>& body);
  /// `body` changes definitions, quickly.
  static void alone(const std::function<void()>& body);

 private:
  enum class Mode { none, shared, alone };

  void enter_vms();
  void leave_vms();
  void enter(Mode mode);
  void leave();
  static void in_mode(Mode mode, const std::function<void()>& body);

  static thread_local Turn* current;

  Turns& turns_;
  Mode mode_ = Mode::none;
  std::vector<std::shared_ptr<std::mutex>> vms_;
};

}  // namespace cowshed::app
