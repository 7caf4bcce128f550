//! The row's database, asked with the programs that come with Postgres.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::{Ground, output};

impl Ground<'_> {
    /// Runs pgbench on the row's database. Returns transactions per second.
    pub async fn pgbench(&self, arguments: &[&str], script: &Path) -> Result<f64> {
        let mut command = self.beside_postgres("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared"]).args(arguments);
        command.arg("--file").arg(script).arg(self.running_database()?);
        let output = output(&mut command, "pgbench").await?;
        // tps = 21000.1 (without initial connection time)
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        rate.context("pgbench printed no rate")?.parse().context("pgbench printed no number")
    }

    /// Runs SQL on the row's database, each statement by itself. Returns what it printed, without
    /// heads and alignment.
    pub async fn sql(&self, sql: &str) -> Result<String> {
        let output = self.psql("", sql).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs one statement on the row's database and returns how long the server took, in seconds.
    pub async fn timed_sql(&self, statement: &str) -> Result<f64> {
        let output = self.psql("\\timing on\n", statement).await?;
        // Time: 1234.567 ms (00:01.235)
        let text = String::from_utf8_lossy(&output.stdout);
        let time = text.lines().find_map(|line| line.strip_prefix("Time: ")?.split(' ').next());
        let ms: f64 = time.context("psql printed no time")?.parse().context("no number")?;
        Ok(ms / 1_000.0)
    }

    async fn psql(&self, before: &str, sql: &str) -> Result<Output> {
        let script = self.file("statement.sql");
        fs::write(&script, format!("{before}{sql};\n"))
            .with_context(|| format!("cannot write {}", script.display()))?;
        let mut command = self.beside_postgres("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.arg("--set=ON_ERROR_STOP=1").arg("--file").arg(&script);
        output(command.arg(self.running_database()?), "psql").await
    }

    fn beside_postgres(&self, name: &str) -> Command {
        let mut command = Command::new(self.told.postgres_tools.join(name));
        command.env_remove("PGOPTIONS").env_remove("PGSERVICE");
        command
    }

    fn running_database(&self) -> Result<&str> {
        ensure!(self.runs(super::POSTGRES), "the row has not started its database");
        Ok(&self.told.database)
    }
}
