//! What reactions have in common that let something go whose time is over. No reaction itself.

use std::time::Duration;

use domain::Command;
use event_store::Outcome;

use crate::hands::Hands;
use crate::task::{Done, Retry, Task};

/// The pause before that is looked at again about which the gateway is being asked.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Lets something go, once no request about it is in flight. Where that is refused for good, there
/// is nothing to let go any more.
pub(super) async fn let_go<S>(
    task: &Task<S>,
    command: Command,
    hands: &Hands,
) -> Result<Done, Retry> {
    match hands.submit(task, task.reaction, command).await? {
        Outcome::Refused(refusal) if refusal.passes() => Ok(Done::Later(LOOK_AGAIN)),
        Outcome::Accepted { .. } | Outcome::Refused(_) => Ok(Done::Finished),
    }
}
