//! What repeats in every aggregate, written once: macros, each short enough to be read. They must
//! come before the modules that use them.

#[macro_use]
mod words;
#[macro_use]
mod events;
#[macro_use]
mod refusals;
#[macro_use]
mod aggregates;
