//! A command line whose settings stand before or after the task they are for, and which begins a
//! program's usual task where it names none. What the tasks are, each program says to `clap`.

use std::ffi::OsString;

use clap::Command;

/// `arguments`, the program's name first, with the task before its settings.
///
/// What is no option is the task, unless it is an option's value; what cannot be told apart is left
/// as it is, for `clap` to refuse.
pub fn arrange(
    program: &Command,
    usual: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    match task(program, &arguments) {
        Task::At(place) => {
            let task = arguments.remove(place);
            arguments.insert(1, task);
        }
        Task::Usual => arguments.insert(arguments.len().min(1), usual.into()),
        Task::Unclear => {}
    }
    arguments
}

enum Task {
    At(usize),
    Usual,
    Unclear,
}

fn task(program: &Command, arguments: &[OsString]) -> Task {
    let mut place = 1;
    while let Some(argument) = arguments.get(place) {
        let Some(argument) = argument.to_str() else { return Task::Unclear };
        if ["--help", "-h", "--version", "-V"].contains(&argument) {
            return Task::Unclear;
        }
        let Some(option) = argument.strip_prefix("--") else {
            let is_one = program.get_subcommands().any(|known| known.get_name() == argument);
            return if is_one { Task::At(place) } else { Task::Unclear };
        };
        place += 1 + usize::from(takes_a_value(program, option));
    }
    Task::Usual
}

/// Whether the argument after an option is its value.
fn takes_a_value(program: &Command, option: &str) -> bool {
    let tasks = program.get_subcommands().flat_map(Command::get_arguments);
    let mut known = program.get_arguments().chain(tasks);
    let is_it = |known: &&clap::Arg| known.get_long() == Some(option);
    known.find(is_it).is_some_and(|known| known.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use clap::{Args, Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(subcommand)]
        task: Task,
        #[arg(long, global = true)]
        listen: Option<String>,
    }

    #[derive(Debug, Subcommand)]
    enum Task {
        Serve(Settings),
        Token {
            #[arg(long)]
            role: String,
        },
    }

    #[derive(Debug, Args)]
    struct Settings {
        #[arg(long, default_value_t = 1)]
        most: u32,
        #[arg(long)]
        quick: bool,
    }

    fn told(arguments: &[&str]) -> Option<String> {
        let arguments = ["program"].iter().chain(arguments).map(OsString::from);
        let arguments = arrange(&<Cli as clap::CommandFactory>::command(), "serve", arguments);
        let Cli { task, listen } = Cli::try_parse_from(arguments).ok()?;
        let listen = listen.unwrap_or_default();
        Some(match task {
            Task::Serve(Settings { most, quick }) => format!("serve {most} {quick} {listen}"),
            Task::Token { role } => format!("token {role} {listen}"),
        })
    }

    #[test]
    fn settings_stand_before_or_after_the_task_or_without_one() {
        for (arguments, meant) in [
            (&[][..], "serve 1 false "),
            (&["--listen", "serve"], "serve 1 false serve"),
            (&["serve", "--most", "5", "--listen", "x"], "serve 5 false x"),
            (&["--most", "5", "--listen", "x", "serve"], "serve 5 false x"),
            (&["--most=5", "--quick", "serve", "--listen", "x"], "serve 5 true x"),
            (&["--most", "5", "--quick"], "serve 5 true "),
            (&["--role", "serve", "token"], "token serve "),
            (&["--listen", "x", "token", "--role", "ops"], "token ops x"),
        ] {
            assert_eq!(told(arguments).as_deref(), Some(meant), "{arguments:?}");
        }
        for wrong in [&["srve"][..], &["--quick", "5", "serve"], &["--mst", "serve"], &["--help"]] {
            assert_eq!(told(wrong), None, "{wrong:?}");
        }
    }
}
