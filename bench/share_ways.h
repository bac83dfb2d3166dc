// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "memory.h"
#include "rounds.h"
#include "share_scene.h"

/// What `bench share` measures, seen from outside. No cowshed code: the limit stands on this header alone.
namespace bench {

/// Begins with nothing of the files in memory.
class ShareWay : public Way {
 public:
  ShareWay(std::string name, const ShareScene& scene) : Way(std::move(name)), scene_(scene) {}
  void prepare() override {
    scene_.remove_copies();
    forget_files();
  }
  void check() override { scene_.check(scene_.new_image()); }
  void clean_up() override { scene_.remove_copies(); }

 protected:
  [[nodiscard]] const ShareScene& scene() const { return scene_; }

 private:
  const ShareScene& scene_;
};

/// Works on the copies.
class ChangingWay : public ShareWay {
 public:
  using ShareWay::ShareWay;
  void prepare() override {
    scene().remove_copies();
    scene().make_copies();
    forget_files();
  }
  void check() override { scene().check(scene().copied_image()); }
};

/// The bare system calls of sharing: a clone of the image that shares the changes.
std::unique_ptr<Way> make_share_limit(const ShareScene& scene);
/// cowshed's merge that does the same.
std::unique_ptr<Way> make_sharing(const ShareScene& scene);
/// The whole commit with a snapshot running, of which that merge is a step.
std::unique_ptr<Way> make_commit(const ShareScene& scene);
/// cowshed's engine, which copies the changes into a clone of the image, or into the image itself.
std::unique_ptr<Way> make_copying(const ShareScene& scene);
std::unique_ptr<Way> make_copying_in_place(const ShareScene& scene);

}  // namespace bench
