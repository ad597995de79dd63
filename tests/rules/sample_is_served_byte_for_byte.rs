//! A tree that operators have today builds as it is, and every byte of it is served.

use rack_tests::project_root;
use rack_tests::served::assert_served;

#[test]
fn sample_is_served_byte_for_byte() {
    // It comes beside the checkout, because it is not ours to copy.
    assert_served(&project_root().join("../shared/sample"));
}
