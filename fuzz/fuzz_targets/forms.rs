//! The form of a publish: what is received is what its checksum says and no longer than allowed, and the answer does not
//! depend on how the network cuts the body.
//!
//! The first line is `Content-Type`, all behind it the body.

#![no_main]

use std::cell::LazyCell;

use libfuzzer_sys::fuzz_target;
use rackd::edges::receive_form;
use rackgen::error_code::ErrorCode;
use rackgen::model::Sha256;
use tokio::runtime::{Builder, Runtime};

/// Bytes of an archive: small, so that inputs reach it.
const MAX: u64 = 2048;

thread_local! {
    static RUNTIME: LazyCell<Runtime> = const { LazyCell::new(|| Builder::new_current_thread().build().expect("a runtime")) };
}

fuzz_target!(|input: &[u8]| {
    let line = input.iter().position(|&byte| byte == b'\n');
    let (content_type, body) = input.split_at(line.unwrap_or(input.len()));
    let body = body.get(1..).unwrap_or_default();

    let whole = receive(content_type, vec![body.to_vec()]);
    if let Some(Ok((archive, sha256))) = &whole {
        assert_eq!(Sha256::of(archive), *sha256);
        assert!(archive.len() as u64 <= MAX);
    }
    let size = 1 + body.len() % 61;
    let pieces = body.chunks(size).map(<[u8]>::to_vec).collect();
    assert_eq!(receive(content_type, pieces), whole);
});

fn receive(
    content_type: &[u8],
    pieces: Vec<Vec<u8>>,
) -> Option<Result<(Vec<u8>, Sha256), ErrorCode>> {
    RUNTIME.with(|runtime| runtime.block_on(receive_form(content_type, pieces, MAX)))
}
