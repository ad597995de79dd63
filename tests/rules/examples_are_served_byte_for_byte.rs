//! The example registry of the project builds, and every byte of it is served.

use rack_tests::project_root;
use rack_tests::served::assert_served;

#[test]
fn examples_are_served_byte_for_byte() {
    assert_served(&project_root().join("examples/registry"));
}
