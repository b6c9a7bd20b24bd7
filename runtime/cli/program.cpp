// SPDX-License-Identifier: MIT
#include "program.h"

#include <exception>
#include <new>
#include <vector>

#include <kintsugi/kintsugi.hpp>

namespace kintsugi::cli {
namespace {

constexpr const char* kGreeting =
    "kintsugi mends pictures.\n"
    "\n"
    "  kintsugi inpaint photo.jpg --mask mask.png -m glcic.safetensors -o mended.png\n"
    "  kintsugi translate horse.jpg -m horse2zebra.safetensors -o zebra.png\n"
    "  kintsugi info glcic.safetensors\n"
    "  kintsugi verify -m glcic.safetensors -r reference.safetensors\n"
    "\n"
    "In a mask, white is the hole. `kintsugi --help` lists the verbs, `kintsugi VERB --help` the\n"
    "options of one.\n";

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 it failed, 2 a mistake in the command, 3 some files of many failed,\n"
    "4 verification failed, 5 the device is not available, 130 interrupted.\n"
    "Environment: KINTSUGI_DEVICE, KINTSUGI_LOG_LEVEL, KINTSUGI_CPU_ISA, NO_COLOR.";

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

/// Says what is wrong with the command line, and what was probably meant.
Error explain(const CLI::ParseError& error, const CLI::App& program) {
  const auto chosen = program.get_subcommands();
  const CLI::App& app = chosen.empty() ? program : *chosen.front();
  std::string help = "`kintsugi ";
  if (!chosen.empty()) help.append(app.get_name()).append(" ");
  help += "--help` lists the options";

  // A mistyped option is the reason for most other complaints: it comes first.
  std::vector<std::string> left = app.remaining();
  for (const std::string& more : program.remaining()) left.push_back(more);
  for (const std::string& argument : left) {
    if (argument.size() < 2 || argument[0] != '-') continue;
    const std::string typed = argument.substr(0, argument.find('='));
    const std::string close = nearest(typed, option_names(app));
    return {ErrorCode::usage, "there is no option '" + typed + "'",
            did_you_mean(close).append(help)};
  }
  if (chosen.empty() && !left.empty()) {
    std::vector<std::string> verbs;
    for (const CLI::App* verb : program.get_subcommands({})) verbs.push_back(verb->get_name());
    const std::string close = nearest(left.front(), verbs);
    return {ErrorCode::usage, "there is no verb '" + left.front() + "'",
            did_you_mean(close) + "the verbs are " + enumerate(verbs)};
  }
  if (!left.empty()) {
    return {ErrorCode::usage, app.get_name() + ": '" + left.front() + "' is one argument too many",
            help};
  }
  const std::string where = chosen.empty() ? "" : app.get_name() + ": ";
  return {ErrorCode::usage, where + error.what(), help};
}

int run(int argc, const char* const* argv, Console& console, const Dispatch& dispatch) {
  console.read_environment();

  CLI::App program("Mends pictures from PyTorch weights, without a framework.", "kintsugi");
  program.set_help_flag("-h,--help", "print this and exit");
  program.set_version_flag("-V,--version", "kintsugi " + version(), "print the version and exit");
  program.footer(kFooter);
  program.require_subcommand(0, 1);
  bool list_devices = false;
  program.add_flag("--list-devices", list_devices, "print the devices and exit");
  add_common(program, console);

  const std::vector<Verb> verbs = {
      add_inpaint(program, console), add_translate(program, console), add_upscale(program, console),
      add_detect(program, console),  add_run(program, console),       add_verify(program, console),
      add_bench(program, console),   add_plan(program, console),      add_info(program, console),
      add_devices(program, console),
  };

  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForVersion& version_call) {
    console.print(std::string(version_call.what()) + "\n");
    return kOk;
  } catch (const CLI::CallForHelp&) {
    const auto chosen = program.get_subcommands();
    console.print(chosen.empty() ? program.help() : chosen.front()->help("kintsugi"));
    return kOk;
  } catch (const CLI::CallForAllHelp&) {
    console.print(program.help("", CLI::AppFormatMode::All));
    return kOk;
  } catch (const CLI::ParseError& error) {
    throw explain(error, program);
  }

  if (list_devices) {
    print_devices(console, false, 0);
    return kOk;
  }
  for (const Verb& verb : verbs) {
    if (verb.app->parsed()) return dispatch(verb);
  }
  console.print(kGreeting);
  return kOk;
}

}  // namespace

int run_program(int argc, const char* const* argv, Console& console, const Dispatch& dispatch) {
  try {
    const int code = run(argc, argv, console, dispatch);
    console.flush();
    return code;
  } catch (const Error& error) {
    console.error(error.what(), error.hint());
    return exit_code_of(error.code());
  } catch (const std::bad_alloc&) {
    console.error("there is not enough memory",
                  "`kintsugi plan` says how much a picture of a given --size needs");
  } catch (const std::exception& error) {
    console.error(error.what(), "");
  }
  return kRunError;
}

}  // namespace kintsugi::cli
