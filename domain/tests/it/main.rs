//! What the domain promises: its decisions one by one, its invariants under random commands, and
//! the shape of every stored event.

mod astray;
mod back;
mod beyond;
mod bounds;
mod by;
mod cards;
mod cart;
mod command;
mod corrected;
mod crossing;
mod door;
mod event;
mod examples;
mod found;
mod fulfilment;
mod leaving;
mod location;
mod nothing_owed;
mod order;
mod payment;
mod product;
mod random;
mod recorded;
mod refusal;
mod reopened;
mod returns;
mod settling;
mod state;
mod stock;
mod today;
mod told;
mod undelivered;
mod unsecured;
mod warehouse;
mod words;
