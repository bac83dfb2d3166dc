// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What `bench share` merges. No cowshed code in what is declared: the limit stands on this header alone.
namespace bench {

/// Bytes that go from the store to the image.
struct SharedRun {
  std::uint64_t from = 0, to = 0, length = 0;
};

/// An image, a store with changes in it, and what the image is to hold afterwards. Files that stay as they
/// are; what changes them works on copies, with extents of their own, that are made for each run.
class ShareScene {
 public:
  /// Changes `bytes` in runs of `run_length`, at random places of an image twice as large.
  ShareScene(std::string directory, std::uint64_t bytes, std::uint64_t run_length);
  ~ShareScene();
  ShareScene(const ShareScene&) = delete;
  ShareScene& operator=(const ShareScene&) = delete;

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string image() const { return directory_ + "/image"; }
  [[nodiscard]] std::string store() const { return directory_ + "/store"; }
  /// As after step 1 of a commit of the volume "root".
  [[nodiscard]] std::string copied_image() const { return directory_ + "/root.img"; }
  [[nodiscard]] std::string copied_store() const { return directory_ + "/root-commit.img"; }
  /// Where a way that makes a new image puts it.
  [[nodiscard]] std::string new_image() const { return directory_ + "/new"; }
  /// By where they go.
  [[nodiscard]] const std::vector<SharedRun>& runs() const { return runs_; }

  void make_copies() const;
  /// And the new image.
  void remove_copies() const;
  /// Throws where `result` is not what the image should be.
  void check(const std::string& result) const;

 private:
  [[nodiscard]] std::string expected() const { return directory_ + "/expected"; }
  void make_store(std::uint64_t image_size, std::uint64_t run_length);
  void make_expected() const;

  std::string directory_;
  std::vector<SharedRun> runs_;
};

}  // namespace bench
