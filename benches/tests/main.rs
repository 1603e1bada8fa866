//! Makes every case, which checks that its sides agree, and runs each side once.

use witwire_benches::{CASES, OWN};

#[test]
fn sides_agree_and_run() {
    for entry in CASES {
        let case = (entry.make)();
        assert_eq!(case.name, entry.name);
        assert_eq!(case.sides[0].name, OWN);
        for side in &case.sides {
            (side.run)();
        }
    }
}
