// SPDX-License-Identifier: Apache-2.0
#include "app/options.h"

#include <gtest/gtest.h>

#include <vector>

#include "app/help.h"

namespace gyr::app {
namespace {

using Words = std::vector<const char*>;

Options parsed(const Words& words) {
  const Result<Options> options = parse_options(words);
  EXPECT_TRUE(options) << (options ? "" : options.error().message);
  return options ? *options : Options{};
}

std::string refused(const Words& words) {
  const Result<Options> options = parse_options(words);
  EXPECT_FALSE(options);
  return options ? "" : options.error().message;
}

TEST(Options, ValuesMayBeAttachedOrSeparate) {
  const Options o = parsed({"-r", "a.yaml", "-rb.yaml", "-o", "x=1", "-oy=2", "--option=z=3",
                            "--option", "w=4,5", "-M5"});
  EXPECT_EQ(o.rules, (std::vector<std::string>{"a.yaml", "b.yaml"}));
  EXPECT_EQ(o.overrides, (std::vector<std::string>{"x=1", "y=2", "z=3", "w=4,5"}));
  EXPECT_EQ(o.duration_s, 5u);
}

TEST(Options, LettersWithoutValueMayStandTogether) {
  const Options o = parsed({"-vL", "-vrx"});
  EXPECT_TRUE(o.verbose);
  EXPECT_TRUE(o.describe_all);
  EXPECT_EQ(o.rules, std::vector<std::string>{"x"});
}

TEST(Options, ListTakesItsSourceOnlyWithEqualsSign) {
  EXPECT_EQ(parsed({"--list=syscall", "-N"}).list_source, "syscall");
  const Options o = parsed({"--list", "-N"});
  EXPECT_TRUE(o.list_fields);
  EXPECT_TRUE(o.names_only);
  EXPECT_EQ(o.list_source, "");
}

TEST(Options, OldSpellingsBecomeSettings) {
  EXPECT_EQ(parsed({"-e", "f.scap"}).overrides,
            (std::vector<std::string>{"engine.kind=replay", "engine.replay.capture_file=f.scap"}));
  EXPECT_EQ(parsed({"-A", "-U"}).overrides,
            (std::vector<std::string>{"base_syscalls.all=true", "buffered_outputs=false"}));
  EXPECT_EQ(parsed({"--replay", "f.scap"}).capture_file, "f.scap");
  const Options o = parsed({"-pc"});
  EXPECT_EQ(o.extra_output, "");
  EXPECT_EQ(o.notes.size(), 1u);
  EXPECT_EQ(parsed({"-p", "x=%proc.name"}).extra_output, "x=%proc.name");
}

TEST(Options, MistakesAreNamedWithASuggestion) {
  EXPECT_NE(refused({"--lst"}).find("'--list'"), std::string::npos);
  EXPECT_NE(refused({"-version"}).find("'--version'"), std::string::npos);
  EXPECT_NE(refused({"-Z"}).find("-Z"), std::string::npos);
  EXPECT_NE(refused({"-r"}).find("needs a value"), std::string::npos);
  EXPECT_NE(refused({"--dry-run=1"}).find("takes no value"), std::string::npos);
  EXPECT_NE(refused({"-o", "nokey"}).find("KEY=VALUE"), std::string::npos);
  EXPECT_NE(refused({"-M", "soon"}).find("whole number"), std::string::npos);
  EXPECT_NE(refused({"-M", "99999999999999"}).find("at most"), std::string::npos);
  EXPECT_NE(refused({"--format", "xml"}).find("markdown"), std::string::npos);
  EXPECT_NE(refused({"stray"}).find("'stray'"), std::string::npos);
  EXPECT_NE(refused({"-t", "a", "-T", "b"}).find("-t"), std::string::npos);
}

TEST(Options, AnEmptyValueIsRefusedByName) {
  for (const char* letter : {"-c", "-o", "-r", "-e", "-M", "-D", "-t", "-T", "-p", "-V", "-l"}) {
    EXPECT_EQ(refused({letter, ""}).find(std::string(letter) + ": the value is empty"), 0u)
        << letter;
  }
  EXPECT_EQ(refused({"--format="}).find("--format: the value is empty"), 0u);
  EXPECT_EQ(refused({"--validate="}).find("-V: the value is empty"), 0u);
}

TEST(Options, WhatCanCountOnceIsGivenOnce) {
  for (const char* letter : {"-c", "-e", "-M", "-p", "-l"}) {
    EXPECT_EQ(refused({letter, "1", letter, "2"}),
              std::string(letter) + " is given twice; only one can count");
  }
  EXPECT_NE(refused({"-p", "a", "--print=b"}).find("given twice"), std::string::npos);
  EXPECT_EQ(parsed({"-V", "a", "-V", "b"}).validate.size(), 2u);
  EXPECT_TRUE(parsed({"-v", "-v"}).verbose);
}

TEST(Options, WhatWouldHaveNoEffectIsRefused) {
  const std::pair<Words, const char*> cases[] = {
      {{"-N"}, "-N has an effect with --list only"},
      {{"-N", "--list-events"}, "-N has an effect with --list only"},
      {{"--format", "json"}, "--format has an effect with --list and --list-events only"},
      {{"--markdown", "-L"}, "--markdown has an effect"},
      {{"--list", "--version"}, "--version cannot be used together with --list"},
      {{"-L", "-l", "x"}, "-L cannot be used together with -l"},
  };
  for (const auto& [words, message] : cases) EXPECT_EQ(refused(words).find(message), 0u) << message;
  EXPECT_TRUE(parsed({"-V", "a", "-L", "-D", "x"}).describe_all);
  EXPECT_TRUE(parsed({"-h", "-N"}).help);
  const Words record = {"-w", "new.scap", "-r", "old.scap", "-s", "100"};
  const Result<RecordOptions> recorded = parse_record_options(record);
  ASSERT_FALSE(recorded);
  EXPECT_EQ(recorded.error().message.find("-s has no effect with -r"), 0u);
}

TEST(Options, WhatHasNoEffectBesideAListingIsSaid) {
  const std::pair<Words, const char*> cases[] = {
      {{"-V", "a", "-r", "b"}, "-r has no effect with -V; give all rules files to -V"},
      {{"-L", "-M", "5"}, "-M has no effect with -L"},
      {{"-V", "a", "--replay", "f"}, "a capture file has no effect with -V"},
      {{"-L", "-P", "f"}, "-P has no effect with -L"},
      {{"--version", "-p", "x"}, "-p has no effect with --version"},
  };
  for (const auto& [words, note] : cases) {
    EXPECT_EQ(parsed(words).notes, std::vector<std::string>{note});
  }
  EXPECT_TRUE(parsed({"-r", "a", "-M", "5"}).notes.empty());
}

TEST(Options, SettingsMayNotTakeBackAnOption) {
  EXPECT_EQ(refused({"-e", "f.scap", "-o", "engine.kind=kmod"}),
            "-e means engine.kind=replay, but -o engine.kind=kmod says otherwise; give only one of "
            "them");
  EXPECT_NE(refused({"-o", "engine.replay.capture_file=g", "-e", "f"}), "");
  EXPECT_NE(refused({"-A", "-o", "base_syscalls.all=false"}), "");
  EXPECT_EQ(parsed({"-e", "f", "-o", "engine.kind=replay"}).capture_file, "f");
}

TEST(Options, HelpNamesEveryVisibleOption) {
  const std::string help = help_text();
  for (const char* name : {"-r, --rules PATH",
                           "-e FILE",
                           "-o, --option KEY=VALUE",
                           "-V, --validate FILE",
                           "-L",
                           "-l RULE",
                           "--list[=SOURCE]",
                           "--list-events",
                           "-i",
                           "-N",
                           "-M SECONDS",
                           "-A",
                           "-U, --unbuffered",
                           "-v, --verbose",
                           "--version",
                           "-h, --help",
                           "-c, --config FILE",
                           "-p, --print FORMAT",
                           "--dry-run",
                           "--format",
                           "--markdown",
                           "--page-size",
                           "-D SUBSTRING",
                           "-t TAG",
                           "-T TAG"}) {
    EXPECT_NE(help.find(name), std::string::npos) << name;
  }
}

// Each works through its successor, and one line says which that is.
TEST(Options, RetiredOptionsAreToldOnceAndWork) {
  struct Case {
    Words words;
    const char* note;
    std::vector<std::string> overrides;
  };
  const Case cases[] = {
      {{"-A"},
       "-A is gone since Falco 0.41: works as -o base_syscalls.all=true",
       {"base_syscalls.all=true"}},
      {{"-b"}, "-b (--print-base64) is gone since Falco 0.41", {"buffer_format_base64=true"}},
      {{"--print-base64"}, "-b (--print-base64)", {"buffer_format_base64=true"}},
      {{"--cri", "/s"}, "--cri is gone since Falco 0.40: works as engines.cri.sockets", {}},
      {{"--disable-cri-async"}, "--disable-cri-async is gone since Falco 0.40: has no effect", {}},
      {{"-d"}, "-d (--daemon) is gone since Falco 0.36: a service manager", {}},
      {{"-D", "x", "-D", "y"},
       "-D is gone since Falco 0.39: works as -o 'rules[].disable.rule=",
       {}},
      {{"-e", "f"},
       "-e is gone since Falco 0.38: works as --replay FILE",
       {"engine.kind=replay", "engine.replay.capture_file=f"}},
      {{"--list-syscall-events"}, "works as --list-events", {}},
      {{"--list", "--markdown"}, "works as --format markdown", {}},
      {{"--nodriver"}, "works as -o engine.kind=nodriver", {"engine.kind=nodriver"}},
      {{"--modern-bpf"}, "-o engine.kind=modern_ebpf", {"engine.kind=modern_ebpf"}},
      {{"-s", "f"},
       "-o metrics.output_file=FILE",
       {"metrics.enabled=true", "metrics.output_file=f"}},
      {{"--stats-interval", "500"}, "-o metrics.interval=MSms", {"metrics.interval=500ms"}},
      {{"-S", "100"}, "-S (--snaplen)", {"falco_libs.snaplen=100"}},
      {{"-t", "a"}, "-o 'rules[].enable.tag=TAG'", {}},
      {{"-T", "a"}, "-o 'rules[].disable.tag=TAG'", {}},
      {{"-k", "http://k"}, "-k (--k8s-api) is gone since Falco 0.37: has no effect", {}},
      {{"-K", "f"}, "-K (--k8s-api-cert)", {}},
      {{"--k8s-node", "n"}, "--k8s-node is gone since Falco 0.37: has no effect", {}},
      {{"-g", "f"}, "-g (--gvisor-config) is gone since Falco 0.38: has no effect", {}},
      {{"--gvisor-root", "f"}, "--gvisor-root is gone since Falco 0.38: has no effect", {}},
      {{"-u"}, "-u without a command is gone since Falco 0.37: has no effect", {}},
  };
  for (const auto& [words, note, overrides] : cases) {
    const Options o = parsed(words);
    EXPECT_EQ(o.overrides, overrides) << note;
    ASSERT_EQ(o.notes.size(), 1u) << note;
    EXPECT_NE(o.notes.front().find(note), std::string::npos) << o.notes.front();
  }
  EXPECT_NE(refused({"--gvisor-generate-config"}).find("no gVisor engine"), std::string::npos);
  EXPECT_NE(refused({"--stats-interval", "1"}).find("at least 100"), std::string::npos);
  EXPECT_NE(refused({"--cri", "s"}).find("no absolute path"), std::string::npos);
}

TEST(Options, ABareUMayNotHideAForgottenCommand) {
  EXPECT_EQ(parsed({"-u", "-v"}).userspace, false);
  EXPECT_EQ(parsed({"-u", "ls"}).command, std::vector<std::string>{"ls"});
  EXPECT_NE(refused({"-u", "--"}).find("needs a command"), std::string::npos);
  EXPECT_NE(refused({"--nodriver", "--replay", "f"}).find("give only one"), std::string::npos);
  EXPECT_NE(refused({"-e", "f", "--replay", "g"}).find("only one can be replayed"),
            std::string::npos);
}

TEST(Options, SourcesExcludeEachOther) {
  EXPECT_EQ(parsed({"--enable-source", "a", "--enable-source=b"}).enabled_sources.size(), 2u);
  EXPECT_NE(refused({"--enable-source", "a", "--disable-source", "b"}), "");
}

TEST(Options, WordsOfCommandsAreChecked) {
  const auto refusal = [](const Result<Options>& options) {
    return options ? std::string() : options.error().message;
  };
  EXPECT_NE(refusal(parse_list_options(Words{"feilds"})).find("'fields'?"), std::string::npos);
  EXPECT_NE(refusal(parse_list_options({})).find("needs a topic"), std::string::npos);
  EXPECT_NE(refusal(parse_list_options(Words{"events", "-N"})).find("'fields' only"),
            std::string::npos);
  EXPECT_NE(refusal(parse_word_options("completion", Words{"fissh"})).find("'fish'?"),
            std::string::npos);
  EXPECT_NE(refusal(parse_word_options("help", Words{"chek"})).find("'check'?"), std::string::npos);
  EXPECT_NE(refusal(parse_describe_options(Words{"a", "b"})).find("unexpected argument 'b'"),
            std::string::npos);
  EXPECT_NE(refused({"-v", "check"}).find("the command stands first: gyr check"),
            std::string::npos);
}

TEST(ReadOptions, FileFilterFormatAndCount) {
  const Words words = {"f.scap", "evt.type=open", "-p", "%evt.num\x1f", "-n3", "and", "fd.num=3"};
  const Result<ReadOptions> o = parse_read_options(words);
  ASSERT_TRUE(o);
  EXPECT_EQ(o->file, "f.scap");
  EXPECT_EQ(o->filter, "evt.type=open and fd.num=3");
  EXPECT_EQ(o->format, "%evt.num\x1f");
  EXPECT_EQ(o->limit, 3u);
  EXPECT_FALSE(parse_read_options({}));
  const Words zero = {"f.scap", "-n", "0"};
  EXPECT_FALSE(parse_read_options(zero));
}

}  // namespace
}  // namespace gyr::app
