//! What was checked of a part: the tools that ran, what came of each, and the table of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Error, Result, bail};

use super::Part;
use super::tools::Tool;
use crate::layout::{Layout, create_dir, remove_dir};
use crate::{interrupt, progress};

/// Lines of what a tool said that are shown where it found something.
const SAID_LINES: usize = 60;

/// The checks of one part, as they are made.
pub struct Checks<'a> {
    pub layout: &'a Layout,
    /// A folder for what they make, which stays until the next run.
    pub folder: PathBuf,
    pub rows: Vec<Row>,
}

/// One of them.
pub struct Row {
    by: String,
    ran: String,
    result: Outcome,
}

/// What came of it.
pub enum Outcome {
    Holds(String),
    Fails(String),
    /// It could not be made here, and why.
    Missing(String),
}

/// What a tool said, and it ended well.
pub struct Said {
    pub out: String,
    pub err: String,
}

impl<'a> Checks<'a> {
    pub fn new(layout: &'a Layout, part: &str) -> Result<Self> {
        let folder = layout.target.join("check-deploy").join(part);
        remove_dir(&folder)?;
        create_dir(&folder)?;
        Ok(Self { layout, folder, rows: Vec::new() })
    }

    /// Has `tool` do what `told` tells it, in the top folder; what it said is judged by `judge`,
    /// unless it ended ill. `None` where something was found, or could not be looked for.
    pub fn run(
        &mut self,
        tool: Tool,
        ran: &str,
        told: impl FnOnce(&mut Command),
        judge: impl FnOnce(&Said) -> Result<String>,
    ) -> Result<Option<Said>> {
        progress::step("Checking", &format!("{ran} ({})", tool.name()));
        let mut command = match tool.command(self.layout) {
            Ok(command) => command,
            Err(error) => {
                interrupt::check()?;
                self.add(&tool.name(), ran, Outcome::Missing(format!("{error:#}")));
                return Ok(None);
            }
        };
        command.current_dir(&self.layout.root).stdin(Stdio::null()).env("NO_COLOR", "1");
        told(&mut command);
        let judged = said(&mut command).and_then(|said| Ok((judge(&said)?, said)));
        interrupt::check()?;
        let (outcome, said) = match judged {
            Ok((result, said)) => (Outcome::Holds(result), Some(said)),
            Err(error) if is_absent(&error) => (Outcome::Missing(format!("{error:#}")), None),
            Err(error) => (Outcome::Fails(format!("{error:#}")), None),
        };
        self.add(&tool.name(), ran, outcome);
        Ok(said)
    }

    /// One that was made otherwise, or could not be.
    pub fn add(&mut self, by: &str, ran: &str, result: Outcome) {
        self.rows.push(Row { by: by.to_owned(), ran: ran.to_owned(), result });
    }

    /// A folder or file of the repository.
    pub fn path(&self, path: &str) -> PathBuf {
        self.layout.root.join(path)
    }
}

/// Whether there was no such program, rather than one that found something.
fn is_absent(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Runs it to its end; an error says what it said.
fn said(command: &mut Command) -> Result<Said> {
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { out: text(&output.stdout), err: text(&output.stderr) };
    if !output.status.success() {
        bail!("it ended with {}\n{}", output.status, said.end());
    }
    Ok(said)
}

impl Said {
    /// The end of it.
    fn end(&self) -> String {
        let lines: Vec<&str> = self.out.lines().chain(self.err.lines()).collect();
        lines[lines.len().saturating_sub(SAID_LINES)..].join("\n")
    }

    /// The line of `out` that has this.
    pub fn line(&self, part: &str) -> Result<String> {
        let line = self.out.lines().chain(self.err.lines()).find(|line| line.contains(part));
        let line = line.with_context(|| format!("it does not say \"{part}\"\n{}", self.end()))?;
        Ok(line.trim().to_owned())
    }
}

/// A judge of tools that say nothing where they find nothing.
pub fn silent(said: &Said) -> Result<String> {
    if said.out.trim().is_empty() && said.err.trim().is_empty() {
        return Ok("nothing found".to_owned());
    }
    bail!("it has something to say\n{}", said.end())
}

/// A judge of tools whose end says all, and what there is to say of it then.
pub fn ended_well(result: &str) -> impl FnOnce(&Said) -> Result<String> + use<> {
    let result = result.to_owned();
    move |_| Ok(result)
}

/// How many lines say that something holds; one that says the contrary is a fault.
pub fn holds(out: &str) -> Result<String> {
    let holding = out.lines().filter(|line| line.starts_with("ok ")).count();
    if holding == 0 || out.lines().any(|line| line.starts_with("NOT ")) {
        bail!("not all holds\n{out}");
    }
    Ok(format!("{holding} checks hold"))
}

/// A copy of a folder.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    create_dir(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// The table of parts that were checked, and of those that are left for who names them (`None`).
pub fn table(parts: &[(&Part, Option<Vec<Row>>)]) -> String {
    let mut lines = vec![
        "| part | checked by | what | result | not checked, and why |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for (part, rows) in parts {
        let Some(rows) = rows else {
            lines.push(format!("| {} | | {} | by name only | |", part.name, part.does));
            continue;
        };
        for (number, row) in rows.iter().enumerate() {
            let first = number == 0;
            let (name, not) = if first { (part.name, part.not_checked) } else { ("", "") };
            let result = match &row.result {
                Outcome::Holds(result) => result.clone(),
                Outcome::Fails(_) => "**fails**".to_owned(),
                Outcome::Missing(_) => "**not run**".to_owned(),
            };
            let [by, ran, result] = [&row.by, &row.ran, &result].map(|cell| cell.replace('|', "/"));
            lines.push(format!("| {name} | {by} | {ran} | {result} | {not} |"));
        }
    }
    lines.join("\n")
}

/// What was found, and what could not be looked for, a paragraph each.
pub fn complaints(part: &str, rows: &[Row]) -> (Vec<String>, Vec<String>) {
    let (mut fails, mut missing) = (Vec::new(), Vec::new());
    for Row { by, ran, result } in rows {
        match result {
            Outcome::Holds(_) => {}
            Outcome::Fails(said) => fails.push(format!("{part}: {ran}, by {by}: {said}")),
            Outcome::Missing(why) => missing.push(format!("{part}: {ran}, by {by}: {why}")),
        }
    }
    (fails, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |ran: &str, result| Row { by: "a tool".to_owned(), ran: ran.to_owned(), result };
        vec![
            row("form", Outcome::Holds("3 | 4".to_owned())),
            row("rules", Outcome::Fails("line 7 is wrong".to_owned())),
            row("start", Outcome::Missing("no root".to_owned())),
        ]
    }

    #[test]
    fn what_fails_and_what_is_missing_are_told_apart() {
        let (fails, missing) = complaints("front", &rows());
        assert_eq!(fails, ["front: rules, by a tool: line 7 is wrong"]);
        assert_eq!(missing, ["front: start, by a tool: no root"]);
    }

    #[test]
    fn the_table_has_a_row_a_check_and_one_for_what_was_left() {
        let part = &super::super::PARTS[0];
        let told = table(&[(part, Some(rows())), (part, None)]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2 + 3 + 1);
        assert!(
            lines[2].contains("| 3 / 4 |")
                && lines[2].ends_with(&format!("{} |", part.not_checked))
        );
        assert!(lines[3].contains("**fails**") && lines[4].contains("**not run**"));
        assert!(lines[5].contains("by name only"));
    }

    #[test]
    fn a_tool_that_ends_ill_or_speaks_where_it_should_not_is_heard() {
        let told = |script: &str| said(Command::new("sh").args(["-c", script]));
        let ill = told("echo wrong; exit 3").err();
        assert!(ill.as_ref().is_some_and(|says| says.to_string().contains("wrong")));
        assert!(!ill.is_some_and(|error| is_absent(&error)));
        let absent = said(&mut Command::new("a-program-that-there-is-not")).err();
        assert!(absent.is_some_and(|error| is_absent(&error)));
        assert!(silent(&told("echo a warning >&2").unwrap()).is_err());
        assert!(silent(&told("true").unwrap()).is_ok());
        assert_eq!(told("echo 3 passed").unwrap().line("passed").unwrap(), "3 passed");
    }

    #[test]
    fn what_does_not_hold_is_seen() {
        assert_eq!(holds("ok   a\nok   b\n").unwrap(), "2 checks hold");
        assert!(holds("ok   a\nNOT  b\n").is_err() && holds("").is_err());
    }
}
