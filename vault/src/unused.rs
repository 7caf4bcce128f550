//! Lets go of what nobody needs: records that were not to last, once their term is over and no
//! order refers to them, and the keys of people who were in one of them alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::Vault;

/// Records let go of at once.
const AT_ONCE_MAX: i64 = 500;
/// The pause after there were no more, or it failed.
const PAUSE: Duration = Duration::from_mins(1);

impl Vault {
    /// Lets go of some, and says whether there may be more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn let_go_of_unused(&self, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let gone = sqlx::query_scalar!(
            r#"WITH unused AS MATERIALIZED (
                   SELECT id FROM vault_records WHERE NOT in_use AND kept_until < $1
                   ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED),
               gone AS (
                   DELETE FROM vault_records r USING unused WHERE r.id = unused.id RETURNING r.id),
               nobodys AS (DELETE FROM vault_keys k USING gone WHERE k.subject = gone.id)
               SELECT count(*) AS "count!" FROM gone"#,
            now,
            AT_ONCE_MAX
        );
        Ok(gone.fetch_one(self.as_ref()).await? == AT_ONCE_MAX)
    }

    /// Does so until told to stop.
    pub async fn sweep(self, stop: CancellationToken) {
        let mut failed = false;
        while !stop.is_cancelled() {
            let more = self.let_go_of_unused(Utc::now()).await;
            if let Err(error) = &more
                && !failed
            {
                tracing::warn!(%error, "what nobody needs stays in the vault; it is tried again");
            }
            failed = more.is_err();
            if !more.unwrap_or(false) {
                let _ = tokio::time::timeout(PAUSE, stop.cancelled()).await;
            }
        }
    }
}
