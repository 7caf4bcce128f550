//! The ranges of slots of a build that is being made: the same as those of the live build, so that
//! each can be compared with its own; one process holds them all, and folds them side by side.

use event_store::Entry;
use event_store::read::EntryPage;
use futures::future::join_all;
use sqlx::{PgConnection, PgPool};

use crate::building::error::RebuildError;
use crate::checkpoint::{self, BuildRange, Lease, REBUILD_LEASE};
use crate::projection::Projection;
use crate::sharing::bounds;
use crate::step::Fenced;
use crate::working::fold;
use crate::working::memory::Memory;

/// A range with its lease, and what is remembered of it.
struct Part {
    lease: Lease,
    memory: Memory,
}

/// All of them, in order; there is one at least.
pub struct BuildParts {
    owner: String,
    parts: Vec<Part>,
}

impl BuildParts {
    /// Takes the leases of a build.
    pub async fn take(
        db: &PgPool,
        projection: &'static Projection,
        build: i16,
        owner: &str,
    ) -> Result<Self, RebuildError> {
        let mut parts = vec![];
        for range in checkpoint::ranges(db, projection, build).await? {
            parts.push(take(db, projection, build, range.slot_from, owner).await?);
        }
        if parts.is_empty() {
            return Err(Fenced.into());
        }
        Ok(Self { owner: owner.to_owned(), parts })
    }

    /// One of the leases: which build it is, and for a projection in one piece the only one.
    pub fn lease(&self) -> &Lease {
        &self.parts[0].lease
    }

    /// How far the slowest has come.
    pub fn position(&self) -> i64 {
        self.parts.iter().map(|part| part.lease.position).min().unwrap_or(0)
    }

    /// Where each is to go: as far as the live range that it lies in.
    pub fn targets(&self, live: &[BuildRange]) -> Vec<i64> {
        let target = |part: &Part| {
            let range = live.iter().find(|range| range.slot_to >= part.lease.slot_from);
            range.map_or(part.lease.position, |range| range.position)
        };
        self.parts.iter().map(target).collect()
    }

    /// Whether none is further than where it is to go.
    pub fn are_before(&self, targets: &[i64]) -> bool {
        self.parts.iter().zip(targets).all(|(part, target)| part.lease.position <= *target)
    }

    /// The same position for each.
    pub fn all_to(&self, position: i64) -> Vec<i64> {
        vec![position; self.parts.len()]
    }

    /// Cuts them wherever the live build is cut.
    pub async fn cut_like(&mut self, db: &PgPool, live: &[BuildRange]) -> Result<(), RebuildError> {
        for cut in live.iter().map(|range| range.slot_from) {
            let within = |part: &Part| part.lease.slot_from < cut && cut <= part.lease.slot_to;
            let Some(place) = self.parts.iter().position(within) else { continue };
            let Lease { projection, build, slot_from, slot_to, .. } = self.parts[place].lease;
            let mut connection = self.parts[place].memory.take_connection(db).await?;
            let lease = &self.parts[place].lease;
            bounds::give(&mut connection, lease, cut..=slot_to, &self.owner).await??;
            self.parts[place] = take(db, projection, build, slot_from, &self.owner).await?;
            let upper = take(db, projection, build, cut, &self.owner).await?;
            self.parts.insert(place + 1, upper);
        }
        Ok(())
    }

    /// Folds a page of the log, each part what is its own and no further than it is to go. All are
    /// brought to an end, whatever becomes of one.
    pub async fn fold(
        &mut self,
        db: &PgPool,
        page: EntryPage,
        targets: &[i64],
    ) -> Result<(), RebuildError> {
        let EntryPage { entries, scanned_to, .. } = page;
        let mut dealt: Vec<Vec<Entry>> = self.parts.iter().map(|_| vec![]).collect();
        for entry in entries {
            let place = self.parts.partition_point(|part| part.lease.slot_to < entry.slot);
            let Some(part) = self.parts.get(place) else { continue };
            if entry.position > part.lease.position && entry.position <= targets[place] {
                dealt[place].push(entry);
            }
        }
        let folding = self.parts.iter_mut().zip(dealt).zip(targets);
        let folding = folding.map(|((Part { lease, memory }, entries), target)| async move {
            let to = scanned_to.min(*target);
            if to <= lease.position {
                return lease.renew(db).await?.map_err(Into::into);
            }
            fold::apply_entries(db, lease, memory, entries, to).await.map(drop)
        });
        join_all(folding).await.into_iter().collect::<Result<(), _>>().map_err(Into::into)
    }

    /// Finds out where each stands, if it is still this one's.
    pub async fn resume(&mut self, db: &PgPool) -> Result<(), RebuildError> {
        for part in &mut self.parts {
            let mut lease = part.lease.clone();
            lease.reload(db).await??;
            let memory = Memory::load(db, lease.projection, lease.build).await?;
            // Both or neither: what is remembered is so as of the lease's position.
            *part = Part { lease, memory };
        }
        Ok(())
    }

    /// Renews all leases on one connection.
    pub async fn renew(&self, db: &mut PgConnection) -> Result<(), RebuildError> {
        for part in &self.parts {
            part.lease.renew(&mut *db).await??;
        }
        Ok(())
    }

    /// Gives all leases up.
    pub async fn release(&self, db: &PgPool) -> sqlx::Result<()> {
        for part in &self.parts {
            part.lease.release(db).await?;
        }
        Ok(())
    }
}

async fn take(
    db: &PgPool,
    projection: &'static Projection,
    build: i16,
    slot_from: i16,
    owner: &str,
) -> Result<Part, RebuildError> {
    let from = Some(slot_from);
    let lease = checkpoint::acquire(db, projection, build, from, owner, REBUILD_LEASE).await?;
    Ok(Part { lease: lease.ok_or(Fenced)?, memory: Memory::load(db, projection, build).await? })
}
