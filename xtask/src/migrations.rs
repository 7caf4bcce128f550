//! The migrations: which files they are, and a throwaway database that has them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::layout::Layout;
use crate::servers::{Durability, Program, Servers, Source, Throwaway, postgres};
use crate::{ports, progress};

/// A database with every migration. It is gone when dropped.
pub struct Database {
    /// What runs it.
    pub program: Program,
    /// Where it is.
    pub url: String,
    /// Its processes and its folder.
    pub throwaway: Throwaway,
}

/// Starts a database of its own and applies the migrations.
pub fn database(layout: &Layout) -> Result<Database> {
    let Source::Program(program) = Servers::programs(layout)?.postgres else {
        bail!("no PostgreSQL program was found");
    };
    let mut throwaway = Throwaway::new(layout)?;
    let data = throwaway.folder.path().join("postgres");
    let stack = &mut throwaway.stack;
    let url =
        postgres::start(&program, layout, stack, &data, ports::free()?, Durability::Throwaway)?;
    progress::step("Migrating", "the database");
    for migration in files(layout)? {
        postgres::run_file(&program, &url, &migration, &stack.log("migrate"))?;
    }
    Ok(Database { program, url, throwaway })
}

/// The migrations in order.
fn files(layout: &Layout) -> Result<Vec<PathBuf>> {
    let folder = layout.root.join("migrations");
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    files.retain(|file| is_migration(file));
    files.sort();
    Ok(files)
}

/// As sqlx tells them from what lies beside: a number, an underscore, a name.
fn is_migration(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.split_once('_').map_or("", |(number, _)| number);
    let sql = file.extension().is_some_and(|extension| extension == "sql");
    sql && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_migrations_is_none() {
        assert!(is_migration(Path::new("migrations/0001_log.sql")));
        assert!(!is_migration(Path::new("migrations/schema.sql")));
        assert!(!is_migration(Path::new("migrations/README.md")));
        assert!(!is_migration(Path::new("migrations/schema_now.sql")));
    }
}
