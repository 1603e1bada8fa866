//! The fixtures stand in `fixtures/`, the specifications that they call in `apis/`; `tests/main.rs` runs one trial per file.
