//! The query API against real servers: a fresh database, and where needed a fresh index, for every
//! test.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod access;
mod by_sql;
mod caching;
mod carts;
mod catalogue;
mod crowded;
mod csv;
mod described;
mod documents;
mod events;
mod fields;
mod following;
mod found;
mod hang_ups;
mod hostile;
mod included;
mod lineage;
mod lists;
mod outage;
mod owners;
mod packed;
mod pages;
mod past;
mod search;
mod search_bounds;
mod sockets;
mod stories;
mod strangers;
mod support;
mod times;
mod waiting;
mod withdrawn;
