//! An order file: its bytes as text, as rows, as a history, as commands to an empty shop.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzz::check_file(data, import::read_orders);
});
