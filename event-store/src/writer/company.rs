//! Whether others append to the log too, and what follows from it for the next batch.

/// Turns that are taken after the last one that met others: a try in vain, and the loss of what it
/// read from the cache, cost more than a few turns that nobody wanted.
const QUIET_TURNS_MAX: u32 = 64;

/// Whom a batch met in the log.
#[derive(Clone, Copy)]
pub(super) enum Met {
    Nobody,
    /// Others, where it looked at nothing.
    Elsewhere,
    /// Others, where it looked.
    Here,
}

/// Whether others append too, as far as the last batches told. Says how to append the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody else: the head will be where it was left.
    Alone,
    /// Others, elsewhere in the log: what was read will most likely still be so.
    Shared,
    /// Others, where this process writes: take turns. With how many turns have passed since.
    Contended { quiet: u32 },
}

impl Company {
    /// What a batch that met somebody outside of a turn makes of it.
    pub fn of(met: Met) -> Self {
        match met {
            Met::Nobody => Self::Alone,
            Met::Elsewhere => Self::Shared,
            Met::Here => Self::Contended { quiet: 0 },
        }
    }

    /// What the turn after `quiet` others makes of it.
    pub fn after_turn(quiet: u32, met: Met) -> Self {
        match met {
            Met::Nobody | Met::Elsewhere if quiet < QUIET_TURNS_MAX => {
                Self::Contended { quiet: quiet + 1 }
            }
            met => Self::of(met),
        }
    }
}
