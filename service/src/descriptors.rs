//! How many files and connections the system lets this process hold open.

/// Raises the soft limit to the hard one, as far as any process may by itself, and returns it. Many
/// systems start programs with 1,024, for the sake of old ones that use `select`.
#[cfg(unix)]
pub(crate) fn raise() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    // No limit at all is `None`.
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Other systems count in other ways.
#[cfg(not(unix))]
pub(crate) fn raise() -> usize {
    usize::MAX
}
