//! A product file: its bytes as text, as rows, as products, as commands to an empty shop.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    fuzz::check_file(data, import::read_products);
});
