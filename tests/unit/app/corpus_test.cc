// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "app/definition.h"
#include "support/errors.h"

/// What the decoder says about tests/corpus; tests/scripts/schema_test.py asks the JSON Schemas about the
/// same files. And the golden files of every version of the format.
namespace cowshed::app {
namespace {

const Path tests = Path(COWSHED_SOURCE_DIR) / "tests";
const Path corpus = tests / "corpus";

std::string read(const Path& file) { return read_file(file, definition_limit); }

std::vector<Path> files_in(const Path& directory) {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Path> files_of_both(const Path& verdict) {
  auto files = files_in(corpus / "config" / verdict);
  for (auto& file : files_in(corpus / "vm" / verdict)) files.push_back(std::move(file));
  return files;
}

/// "FILE REST" lines; '#' begins a comment.
std::map<std::string, std::string> table(const char* name) {
  std::map<std::string, std::string> result;
  std::istringstream lines(read(corpus / name));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const auto blank = std::min(line.find(' '), line.size());
    result.emplace(line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
  }
  return result;
}

std::string in_corpus(const Path& file) { return file.lexically_relative(corpus).native(); }

bool is_config(const Path& file) {
  return file.parent_path().parent_path().filename() == "config" ||
         file.filename().native().starts_with("config-");
}

/// Decoded and encoded again.
std::string again(const std::string& text, const Path& file) {
  return is_config(file) ? encode(decode_config(text, file)) : encode(decode_vm(text, file));
}

/// As the file of pointers has it.
std::string on_one_line(std::string pointer) {
  for (auto at = pointer.find('\n'); at != std::string::npos; at = pointer.find('\n'))
    pointer.replace(at, 1, "\\n");
  return pointer;
}

class GoodFile : public ::testing::TestWithParam<Path> {};
class BadFile : public ::testing::TestWithParam<Path> {};
class GoldenFile : public ::testing::TestWithParam<Path> {};

TEST_P(GoodFile, ComesBackTheSameOnceItIsWrittenByUs) {
  const std::string ours = again(read(GetParam()), GetParam());
  EXPECT_EQ(again(ours, GetParam()), ours);
}

TEST_P(BadFile, IsRefusedWhereItIsWrong) {
  static const auto pointers = table("pointers");
  const auto error = test::error_of([] { again(read(GetParam()), GetParam()); });
  ASSERT_TRUE(error.has_value()) << "accepted";
  EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
  EXPECT_NE(error->message().find("'" + GetParam().native() + "' at /"), std::string::npos)
      << error->message();
  const auto expected = pointers.find(in_corpus(GetParam()));
  ASSERT_NE(expected, pointers.end()) << "tests/corpus/pointers has no line for it";
  EXPECT_EQ(on_one_line(error->json_pointer()), expected->second) << error->message();
}

TEST_P(GoldenFile, ComesBackByteForByte) { EXPECT_EQ(again(read(GetParam()), GetParam()), read(GetParam())); }

/// An entry that the schema does refuse fails in schema_test.py.
TEST(Corpus, NamesOnlyBadFilesAsBeyondTheSchema) {
  for (const auto& [name, reason] : table("beyond-schema")) {
    EXPECT_NE(name.find("/bad/"), std::string::npos) << name;
    EXPECT_TRUE(path_exists(corpus / name)) << name;
  }
}

TEST(Corpus, NamesPlacesOfFilesThatAreThere) {
  for (const auto& [name, pointer] : table("pointers")) EXPECT_TRUE(path_exists(corpus / name)) << name;
}

const auto name_of = [](const ::testing::TestParamInfo<Path>& info) {
  const Path verdict = info.param.parent_path();
  std::string name = verdict.parent_path().filename().native() + "_" + info.param.stem().native();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
};

INSTANTIATE_TEST_SUITE_P(Corpus, GoodFile, ::testing::ValuesIn(files_of_both("good")), name_of);
INSTANTIATE_TEST_SUITE_P(Corpus, BadFile, ::testing::ValuesIn(files_of_both("bad")), name_of);
INSTANTIATE_TEST_SUITE_P(V1, GoldenFile, ::testing::ValuesIn(files_in(tests / "golden" / "v1")), name_of);

}  // namespace
}  // namespace cowshed::app
